-- Puts back tokens that were taken and not used.
-- KEYS: the buckets; then the month's count, where it was counted in.
-- ARGV: the tokens, the count's `born` ('': not counted in); then of each bucket its limit.
local MINUTE = 60000000

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tokens, born = tonumber(ARGV[1]), tonumber(ARGV[2])
local buckets = born and #KEYS - 1 or #KEYS

for i = 1, buckets do
  local full_at = redis.call('GET', KEYS[i])
  if full_at then
    local limit = math.max(tonumber(ARGV[2 + i]), 1)
    local interval = math.ceil(MINUTE / limit)
    local full_in = math.min(tonumber(full_at) - now, limit * interval) - tokens * interval
    if full_in > 0 then
      local px = string.format('%.0f', math.ceil(full_in / 1000) + 1)
      redis.call('SET', KEYS[i], string.format('%.0f', now + full_in), 'PX', px)
    else
      redis.call('DEL', KEYS[i])
    end
  end
end

if born then
  local key = KEYS[#KEYS]
  local count = redis.call('HMGET', key, 'born', 'admitted', 'counted', 'uncounted')
  -- One that was rebuilt since never held these tokens.
  if count[1] and tonumber(count[1]) == born then
    local admitted = math.max(tonumber(count[2]) - tokens, tonumber(count[3]) + tonumber(count[4]))
    redis.call('HSET', key, 'admitted', string.format('%.0f', admitted))
  end
end
