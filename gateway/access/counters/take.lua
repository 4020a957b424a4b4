-- Takes tokens out of all of an account's buckets, and out of the month, or out of none.
-- KEYS: the buckets; then the month's count, where there is a limit by the month.
-- ARGV: least, most, the limit by the month ('': none); then of each bucket its limit and whether it refuses.
-- Returns the tokens, until when each bucket is full (µs), and of the month admitted, uncounted, born;
-- { -1 } where the month's count is missing.
local MINUTE = 60000000
local AHEAD = 16

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local least, most, monthly = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local buckets = monthly and #KEYS - 1 or #KEYS

local admitted, uncounted, born
if monthly then
  local count = redis.call('HMGET', KEYS[#KEYS], 'admitted', 'uncounted', 'born')
  if not count[1] then return { -1 } end
  admitted, uncounted, born = tonumber(count[1]), tonumber(count[2]), tonumber(count[3])
  local left = math.max(monthly - admitted + uncounted, 0)
  least = math.min(least, left)
  most = math.min(most, math.floor(left / AHEAD))
end

local interval, depth, full_in = {}, {}, {}
for i = 1, buckets do
  local limit = tonumber(ARGV[2 + 2 * i])
  interval[i] = math.ceil(MINUTE / math.max(limit, 1))
  depth[i] = math.max(limit, 0) * interval[i]
  -- Clipped: the clock may have been set back, the limit lowered.
  local full_at = tonumber(redis.call('GET', KEYS[i]) or now)
  full_in[i] = math.min(math.max(full_at - now, 0), depth[i])
  local left = math.floor((depth[i] - full_in[i]) / interval[i])
  most = math.min(most, math.floor(left / AHEAD))
  if ARGV[3 + 2 * i] == '1' then least = math.min(least, left) end
end

local tokens = math.max(least, most)
if tokens > 0 then
  for i = 1, buckets do
    full_in[i] = math.min(full_in[i] + tokens * interval[i], depth[i])
    -- As text of our own: Lua's has 14 digits.
    local full_at = string.format('%.0f', now + full_in[i])
    redis.call('SET', KEYS[i], full_at, 'PX', string.format('%.0f', math.ceil(full_in[i] / 1000) + 1))
  end
  if monthly then
    admitted = admitted + tokens
    redis.call('HSET', KEYS[#KEYS], 'admitted', string.format('%.0f', admitted), 'at', time[1])
  end
end

local answer = { tokens }
for i = 1, buckets do answer[i + 1] = full_in[i] end
if monthly then
  answer[buckets + 2], answer[buckets + 3], answer[buckets + 4] = admitted, uncounted, born
end
return answer
