-- Takes a topic off the list of all, unless another of that name is there.
-- KEYS: the list. ARGV: the name, the topic's epoch.
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
