-- Renews a node's lease, and drops the leases that have run out.
-- KEYS: the leases. ARGV: the node, how many milliseconds its lease lasts; 0 ends it.
-- Returns 1 if the node had a lease and 0 if not, then the nodes that have one now.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local had = redis.call('HEXISTS', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + ARGV[2]))
local result = {had}
local leases = redis.call('HGETALL', KEYS[1])
for i = 1, #leases, 2 do
  if tonumber(leases[i + 1]) > now then
    result[#result + 1] = leases[i]
  else
    redis.call('HDEL', KEYS[1], leases[i])
  end
end
return result
