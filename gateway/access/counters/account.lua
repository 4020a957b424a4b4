-- Puts a month's count right by what the ledger says.
-- KEYS: the count. ARGV: counted, uncounted; whether to begin it where it is missing ('1'); its lifetime (s);
-- and to settle it, the seconds after which what was let through will never be accounted for ('': don't).
-- Returns 1 where all that was let through is accounted for, else 0.
local key = KEYS[1]
local time = redis.call('TIME')
local now = tonumber(time[1])
local told_counted, told_uncounted = tonumber(ARGV[1]), tonumber(ARGV[2])
local quiet = tonumber(ARGV[5])

local count = redis.call('HMGET', key, 'admitted', 'counted', 'uncounted', 'at', 'least_open', 'since')
if not count[1] then
  if ARGV[3] ~= '1' then return 0 end
  local born = string.format('%.0f', now * 1000000 + time[2])
  redis.call('HSET', key, 'admitted', told_counted + told_uncounted, 'counted', told_counted,
    'uncounted', told_uncounted, 'at', time[1], 'born', born)
  redis.call('EXPIRE', key, ARGV[4])
  return 1
end

local counted = math.max(tonumber(count[2]), told_counted)
local uncounted = math.max(tonumber(count[3]), told_uncounted)
local accounted = counted + uncounted
local admitted = math.max(tonumber(count[1]), accounted)
local open = admitted - accounted

if quiet and open > 0 then
  local least_open, since = tonumber(count[5] or open), tonumber(count[6] or now)
  least_open = math.min(least_open, open)
  if now - tonumber(count[4]) >= quiet then
    admitted = accounted
  elseif now - since >= quiet then
    admitted = admitted - least_open
    least_open, since = open - least_open, now
  end
  redis.call('HSET', key, 'least_open', least_open, 'since', since)
end
if admitted == accounted then redis.call('HDEL', key, 'least_open', 'since') end

local function whole(number) return string.format('%.0f', number) end
redis.call('HSET', key, 'admitted', whole(admitted), 'counted', whole(counted), 'uncounted', whole(uncounted))
return admitted == accounted and 1 or 0
