-- Marks a moment in a topic's order, at which the node that asks lets a subscriber join or leave.
-- KEYS: the topic, its subscriptions. ARGV: PUBLISH or SPUBLISH, its channel, the node, how many subscriptions it gains, a token.
-- Returns its stamp in microseconds, or nil if there is no topic.
local topic = redis.call('HMGET', KEYS[1], 'epoch', 'last')
if not topic[1] then
  return false
end
local time = redis.call('TIME')
local stamp = string.format('%.0f', math.max(time[1] * 1000000 + time[2], topic[2] + 1))
redis.call('HSET', KEYS[1], 'last', stamp)
if ARGV[4] ~= '0' then
  redis.call('HINCRBY', KEYS[2], ARGV[3], ARGV[4])
end
redis.call(ARGV[1], ARGV[2], table.concat({'M', topic[1], topic[2], stamp, ARGV[5]}, ' '))
return stamp
