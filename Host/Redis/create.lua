-- Makes a topic, unless there is one.
-- KEYS: the topic. ARGV: its epoch.
-- Returns 1 if it was made and 0 if there was one, and the epoch of the topic that there is now.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch then
  return {0, epoch}
end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'last', now, 'forgotten', now, 'messages', 0)
return {1, ARGV[1]}
