-- Sets how many subscriptions a node has to a topic, if there is such a topic.
-- KEYS: the topic, its subscriptions. ARGV: the node, how many, the topic's epoch.
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[3] then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
return 1
