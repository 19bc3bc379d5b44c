-- Deletes a topic and tells the nodes that mirror it.
-- KEYS: the topic, its events, its subscriptions. ARGV: PUBLISH or SPUBLISH, its channel.
-- Returns its epoch, or nil if there is no topic.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  return false
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call(ARGV[1], ARGV[2], 'D ' .. epoch)
return epoch
