-- Puts a topic's name on the list of all, if it is not there and there is room.
-- KEYS: the list. ARGV: the name, the topic's epoch, how many topics there may be.
-- Returns the epoch that the list has for the name now, or nil if there is no room.
local epoch = redis.call('HGET', KEYS[1], ARGV[1])
if epoch then
  return epoch
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
  return false
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
