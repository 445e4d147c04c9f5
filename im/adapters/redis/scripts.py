"""The compare-and-sets, in Lua.

Each write of a node begins with the same guard (rules N3 and N4): it is done only under the node's own
lease and the epoch that the node knows, as the next of the node's writes. Else the first value of the
answer is `doubt`, and nothing was done.

KEYS of a write: lease, epoch, then its own. ARGV: generation, number of the write, epoch, then its own.
"""

_GUARD = """
local lease = redis.call('HMGET', KEYS[1], 'generation', 'op')
if lease[1] ~= ARGV[1] then return {'doubt', 'the lease is over'} end
if tonumber(lease[2]) ~= tonumber(ARGV[2]) - 1 then return {'doubt', 'a write was lost'} end
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return {'doubt', 'the registry lost its memory'} end
redis.call('HSET', KEYS[1], 'op', ARGV[2])
"""

ESTABLISH = """
local layout = redis.call('GET', KEYS[3])
if layout and layout ~= ARGV[5] then return {'layout', layout} end
redis.call('SET', KEYS[3], ARGV[5])
redis.call('SET', KEYS[2], ARGV[3], 'NX')
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'op', 0, 'about', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('SADD', KEYS[4], ARGV[7])
return {'ok', redis.call('GET', KEYS[2])}
"""
"""KEYS: lease, epoch, layout, nodes. ARGV: generation, "", candidate epoch, about, layout, ms, node."""

RENEW = """
local lease = redis.call('HMGET', KEYS[1], 'generation', 'op')
if lease[1] ~= ARGV[1] then return {'doubt', 'the lease is over'} end
if tonumber(lease[2]) ~= tonumber(ARGV[2]) then return {'doubt', 'a write was lost'} end
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return {'doubt', 'the registry lost its memory'} end
redis.call('HSET', KEYS[1], 'about', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
local now = redis.call('TIME')
return {'ok', unpack(redis.call('ZRANGEBYSCORE', KEYS[3], now[1] * 1000, '+inf'))}
"""
"""KEYS: lease, epoch, workers. ARGV: generation, number of the last write, epoch, about, ms.
It answers with the live workers."""

_SESSIONS = """
local function live(entry)
    local node, generation = string.match(entry, '^([^~]*)~([^~]*)~')
    return redis.call('HGET', ARGV[4] .. node, 'generation') == generation
end
local function kept(key)
    local found = {}
    local value = redis.call('GET', key)
    if value then
        for entry in string.gmatch(value, '[^ ]+') do
            if live(entry) then found[#found + 1] = entry end
        end
    end
    return found
end
local function put(key, entries)
    if #entries == 0 then redis.call('DEL', key) else redis.call('SET', key, table.concat(entries, ' ')) end
end
"""

REGISTER = (
    _GUARD
    + _SESSIONS
    + """
local entries = kept(KEYS[3])
local others = {}
for _, entry in ipairs(entries) do
    local fence, session, device = string.match(entry, '^[^~]*~[^~]*~([^~]*)~([^~]*)~([^~]*)~')
    if device == ARGV[7] and tonumber(fence) > tonumber(ARGV[6]) then
        put(KEYS[3], entries)
        return {'ok', unpack(entries)}
    end
    if session ~= ARGV[8] then others[#others + 1] = entry end
end
others[#others + 1] = ARGV[5]
put(KEYS[3], others)
return {'ok', unpack(others)}
"""
)
"""KEYS: …, user. ARGV: …, prefix of leases, packed session, fence, device, session id.
It answers with all packed sessions of the user."""

UNREGISTER = (
    _GUARD
    + _SESSIONS
    + """
local others = {}
for _, entry in ipairs(kept(KEYS[3])) do
    local fence, session = string.match(entry, '^[^~]*~[^~]*~([^~]*)~([^~]*)~')
    if not (session == ARGV[5] and tonumber(fence) == tonumber(ARGV[6])) then others[#others + 1] = entry end
end
put(KEYS[3], others)
return {'ok'}
"""
)
"""KEYS: …, user. ARGV: …, prefix of leases, session id, fence."""

ENTER = (
    _GUARD
    + _SESSIONS
    + """
local answer = {'ok'}
for number = 3, #KEYS do
    local entries = kept(KEYS[number])
    local entry = ARGV[number + 2]
    local mine, _, device = string.match(entry, '^[^~]*~[^~]*~([^~]*)~([^~]*)~([^~]*)~')
    local is_newest = true
    for _, other in ipairs(entries) do
        local fence, _, same = string.match(other, '^[^~]*~[^~]*~([^~]*)~([^~]*)~([^~]*)~')
        if same == device and tonumber(fence) > tonumber(mine) then is_newest = false end
    end
    if is_newest then
        entries[#entries + 1] = entry
        put(KEYS[number], entries)
    else
        answer[#answer + 1] = tostring(number - 3)
    end
end
return answer
"""
)
"""Sessions of an establishment. KEYS: …, users. ARGV: …, prefix of leases, packed sessions, aligned.
It answers with the numbers of those that a newer login of their device displaced."""

JOIN = (
    _GUARD
    + """
for number = 3, #KEYS do redis.call('SADD', KEYS[number], ARGV[4]) end
return {'ok'}
"""
)
"""KEYS: …, audiences. ARGV: …, the node's address."""

LEAVE = (
    _GUARD
    + """
for number = 3, #KEYS do redis.call('SREM', KEYS[number], ARGV[4]) end
return {'ok'}
"""
)
"""KEYS: …, audiences. ARGV: …, the node's address."""

END = """
if redis.call('HGET', KEYS[1], 'generation') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'ok'}
"""
"""Gives the lease up. KEYS: lease. ARGV: generation."""

HOLDING = """
local answer = {redis.call('GET', KEYS[1]) or ''}
for number = 2, #KEYS do answer[number] = redis.call('SMEMBERS', KEYS[number]) end
return answer
"""
"""KEYS: epoch, audiences. It answers with the epoch, then the addresses at each audience, aligned."""

LIVE = """
local now = redis.call('TIME')
if ARGV[2] ~= '' then redis.call('ZADD', KEYS[3], now[1] * 1000 + ARGV[3], ARGV[2]) end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now[1] * 1000)
local answer = {
    redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[4]) or '', redis.call('ZRANGE', KEYS[3], 0, -1)
}
for _, node in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    local lease = redis.call('HMGET', ARGV[1] .. node, 'generation', 'about')
    if lease[1] then
        answer[#answer + 1] = node
        answer[#answer + 1] = lease[1]
        answer[#answer + 1] = lease[2]
    else
        redis.call('SREM', KEYS[2], node)
    end
end
return answer
"""
"""Renews a worker's lease, forgets dead nodes. KEYS: epoch, nodes, workers, layout. ARGV: prefix of leases,
worker, ms. It answers with epoch, layout and the live workers, then name, generation and about of each live
node."""

TAKE_TURN = "return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1])"
"""KEYS: sweep. ARGV: ms. It answers with nothing while the turn is another's."""

SWEEP = """
local dead = 0
for _, key in ipairs(KEYS) do
    local live, before = {}, dead
    for entry in string.gmatch(redis.call('GET', key) or '', '[^ ]+') do
        local node, generation = string.match(entry, '^([^~]*)~([^~]*)~')
        if redis.call('HGET', ARGV[1] .. node, 'generation') == generation then
            live[#live + 1] = entry
        else
            dead = dead + 1
        end
    end
    if #live == 0 then
        redis.call('DEL', key)
    elseif dead > before then
        redis.call('SET', key, table.concat(live, ' '))
    end
end
return dead
"""
"""Removes sessions on nodes that are gone. KEYS: users. ARGV: prefix of leases. It answers with how many."""

SWEEP_AUDIENCES = """
local dead = 0
for _, key in ipairs(KEYS) do
    for _, entry in ipairs(redis.call('SMEMBERS', key)) do
        local node, generation = string.match(entry, '^([^~]*)~([^~]*)$')
        if redis.call('HGET', ARGV[1] .. node, 'generation') ~= generation then
            dead = dead + redis.call('SREM', key, entry)
        end
    end
end
return dead
"""
"""Removes nodes that are gone. KEYS: audiences. ARGV: prefix of leases. It answers with how many."""
