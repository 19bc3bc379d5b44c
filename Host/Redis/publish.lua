-- Publishes events: stamps them, retains them and sends them to the nodes that mirror the topic, in one step.
-- KEYS: the topic, its events. ARGV: PUBLISH or SPUBLISH, its channel, how many events it retains,
-- E or B (each event on its own, or all as one batch), then the frames.
-- Returns the stamp of the first event in microseconds, the others follow one by one; or nil if there is no topic.
local topic = redis.call('HMGET', KEYS[1], 'epoch', 'last')
if not topic[1] then
  return false
end
local time = redis.call('TIME')
local first = math.max(time[1] * 1000000 + time[2], topic[2] + 1)
local count = #ARGV - 4
local events, lengths = {}, {}
for i = 1, count do
  events[i] = string.format('%.0f ', first + i - 1) .. ARGV[i + 4]
  lengths[i] = #ARGV[i + 4]
end
local excess = redis.call('RPUSH', KEYS[2], unpack(events)) - ARGV[3]
if excess > 0 then
  local forgotten = redis.call('LINDEX', KEYS[2], excess - 1)
  redis.call('HSET', KEYS[1], 'forgotten', string.match(forgotten, '^%d+'))
  redis.call('LTRIM', KEYS[2], excess, -1)
end
redis.call('HSET', KEYS[1], 'last', string.format('%.0f', first + count - 1))
redis.call('HINCRBY', KEYS[1], 'messages', count)
local stamp = string.format('%.0f', first)
redis.call(ARGV[1], ARGV[2],
  table.concat({ARGV[4], topic[1], topic[2], stamp, table.concat(lengths, ' ')}, ' ') .. '\n' .. table.concat(ARGV, '', 5))
return stamp
