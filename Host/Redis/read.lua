-- Reads a topic with the newest of its events.
-- KEYS: the topic, its events. ARGV: how many messages the reader has, the epoch that it has them of.
-- Returns epoch, last stamp, stamp of the newest event that is not retained, messages accepted, then the events that the reader
-- has not, as far as they are retained; or nil if there is no topic.
local topic = redis.call('HMGET', KEYS[1], 'epoch', 'last', 'forgotten', 'messages')
if not topic[1] then
  return false
end
local known = 0
if topic[1] == ARGV[2] then
  known = tonumber(ARGV[1])
end
local missing = topic[4] - known
local result = {topic[1], topic[2], topic[3], topic[4]}
if missing > 0 then
  for _, event in ipairs(redis.call('LRANGE', KEYS[2], -missing, -1)) do
    result[#result + 1] = event
  end
end
return result
