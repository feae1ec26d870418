"""What must happen inside Redis as one step. Redis 6.2 commands only."""

PUBLISH = """
-- KEYS: streams; ARGV: how many events go to each, then the events, stream by stream
local at = #KEYS
for k, stream in ipairs(KEYS) do
    for _ = 1, tonumber(ARGV[k]) do
        at = at + 1
        redis.call('XADD', stream, '*', 'event', ARGV[at])
    end
end
return at - #KEYS
"""

ACKNOWLEDGE = """
-- KEYS: streams; ARGV: group, then the entries of each stream, joined by spaces: redis-py packs
-- arguments one by one in Python, which costs more than everything else about them
local done = 0
for k, stream in ipairs(KEYS) do
    local entries = {}
    for entry in string.gmatch(ARGV[k + 1], '%S+') do entries[#entries + 1] = entry end
    for at = 1, #entries, 1000 do
        local last = math.min(at + 999, #entries)
        done = done + redis.call('XACK', stream, ARGV[1], unpack(entries, at, last))
    end
end
return done
"""

BURY = """
-- KEYS: stream, its dead letters; ARGV: group, letters to keep, then entry, event, reason, waits
-- An entry that the group has settled already is left alone.
local buried = 0
for i = 3, #ARGV, 4 do
    if redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) == 1 then
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'event', ARGV[i + 1],
            'reason', ARGV[i + 2], 'waits', ARGV[i + 3], 'group', ARGV[1])
        buried = buried + 1
    end
end
return buried
"""

REVIVE = """
-- KEYS: stream, its dead letters; ARGV: pairs of dead letter and event ('' to drop the letter)
local revived = 0
for i = 1, #ARGV, 2 do
    if redis.call('XDEL', KEYS[2], ARGV[i]) == 1 and ARGV[i + 1] ~= '' then
        redis.call('XADD', KEYS[1], '*', 'event', ARGV[i + 1])
        revived = revived + 1
    end
end
return revived
"""

RECLAIM = """
-- KEYS: streams; ARGV: group, consumer, idle ms ('' for all of the consumer's own), limit,
-- then 'stream number:entry' of everything the consumer still has in hand
local group, consumer, idle, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local in_hand = {}
for i = 5, #ARGV do in_hand[ARGV[i]] = true end

local waiting = {}
for k, stream in ipairs(KEYS) do
    local rows
    if idle == '' then
        rows = redis.call('XPENDING', stream, group, '-', '+', limit + #ARGV, consumer)
    else
        rows = redis.call('XPENDING', stream, group, 'IDLE', idle, '-', '+', limit + #ARGV)
    end
    for _, row in ipairs(rows) do
        if not in_hand[k .. ':' .. row[1]] then
            local ms, seq = string.match(row[1], '^(%d+)-(%d+)$')
            waiting[#waiting + 1] =
                {k = k, entry = row[1], times = row[4], ms = tonumber(ms), seq = tonumber(seq)}
        end
    end
end
table.sort(waiting, function(a, b)
    if a.ms ~= b.ms then return a.ms < b.ms end
    if a.seq ~= b.seq then return a.seq < b.seq end
    return a.k < b.k
end)

-- In the order they were published. What was handed out twice already may be what kills its
-- consumer: it comes alone, so that nothing else is counted as tried with it.
local out = {}
for _, row in ipairs(waiting) do
    if #out == limit or (#out > 0 and row.times > 1) then break end
    local found = redis.call('XRANGE', KEYS[row.k], row.entry, row.entry)[1]
    if found then
        redis.call('XCLAIM', KEYS[row.k], group, consumer, 0, row.entry)
        out[#out + 1] = {row.k, row.entry, row.times + 1, found[2]}
        if row.times > 1 then break end
    else  -- trimmed or deleted while it was pending: there is nothing to hand out
        redis.call('XACK', KEYS[row.k], group, row.entry)
    end
end
return out
"""

LAG = """
-- KEYS: streams; ARGV: group, how many entries to count before estimating
local group, exact = ARGV[1], tonumber(ARGV[2])
local out = {}

local function ms(entry) return tonumber(string.match(entry, '^%d+')) end

local function undelivered(stream, from)
    local ahead, at = 0, from
    while ahead < exact do
        local page = redis.call('XRANGE', stream, '(' .. at, '+', 'COUNT', 500)
        ahead = ahead + #page
        if #page < 500 then return ahead end
        at = page[#page][1]
    end
    local oldest = ms(redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][1])
    local newest = ms(redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1][1])
    local share = (newest - math.max(ms(from), oldest)) / math.max(newest - oldest, 1)
    return math.max(ahead, math.floor(redis.call('XLEN', stream) * share))
end

for k, stream in ipairs(KEYS) do
    out[k] = -1
    local groups = redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'GROUPS', stream) or {}
    for _, info in ipairs(groups) do
        local of = {}
        for i = 1, #info, 2 do of[info[i]] = info[i + 1] end
        if of['name'] == group then
            local ahead = of['lag'] or undelivered(stream, of['last-delivered-id'])
            out[k] = of['pending'] + ahead
        end
    end
end
return out
"""

TRIM = """
-- KEYS: stream, record of lost groups; ARGV: event type, retention ms, greatest age ms and bytes
-- Returns the groups that lost events by this. A lost group is not waited for until it has read
-- to the end.
local stream, record, event_type = KEYS[1], KEYS[2], ARGV[1]

local function before(a, b)
    local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
    local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
    if a_ms ~= b_ms then return tonumber(a_ms) < tonumber(b_ms) end
    return tonumber(a_seq) < tonumber(b_seq)
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function ago(ms) return string.format('%.0f-0', math.max(now - tonumber(ms), 0)) end

local function oldest_after(from)
    local entry = redis.call('XRANGE', stream, from, '+', 'COUNT', 1)[1]
    return entry and entry[1]
end

local needs = {}  -- the oldest entry each group has not settled; false if it has settled all
local keep = ago(ARGV[2])
local cutoff = keep
local groups = redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'GROUPS', stream) or {}
for _, info in ipairs(groups) do
    local of = {}
    for i = 1, #info, 2 do of[info[i]] = info[i + 1] end
    local undelivered = oldest_after('(' .. of['last-delivered-id'])
    local oldest = undelivered
    if of['pending'] > 0 then oldest = redis.call('XPENDING', stream, of['name'])[2] end
    needs[of['name']] = oldest or false

    local field = event_type .. '|' .. of['name']
    local waited_for = redis.call('HEXISTS', record, field) == 0
    if not waited_for and not undelivered and not (oldest and before(oldest, oldest_after('-'))) then
        redis.call('HDEL', record, field)  -- it has caught up
        waited_for = true
    end
    if waited_for and oldest and before(oldest, cutoff) then cutoff = oldest end
end
local too_old = ago(ARGV[3])
if before(cutoff, too_old) then cutoff = too_old end
redis.call('XTRIM', stream, 'MINID', cutoff)
local bytes = redis.call('MEMORY', 'USAGE', stream) or 0
if bytes > tonumber(ARGV[4]) then
    local share = 0.9 * tonumber(ARGV[4]) / bytes
    redis.call('XTRIM', stream, 'MAXLEN', math.floor(redis.call('XLEN', stream) * share))
end

local first = oldest_after('-')
local lost = {}
for group, oldest in pairs(needs) do
    if oldest and (not first or before(oldest, first)) then
        local field = event_type .. '|' .. group
        if redis.call('HSETNX', record, field, string.format('%.0f', now)) == 1 then
            lost[#lost + 1] = group
        end
    end
end
for _, field in ipairs(redis.call('HKEYS', record)) do
    local of_type, group = string.match(field, '^([^|]*)|(.*)$')
    if of_type == event_type and needs[group] == nil then redis.call('HDEL', record, field) end
end
return lost
"""

TAKE_LEASE = """
-- KEYS: lease; ARGV: holder, ms. Returns who else holds it, or nothing.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return nil
"""

GIVE_BACK_LEASE = """
-- KEYS: lease; ARGV: holder
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
