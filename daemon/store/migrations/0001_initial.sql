-- Wall-clock times are `*_utc_ms`: milliseconds since 1970 UTC. Times inside a call
-- are `at_ms`: milliseconds since the answer. JSON columns hold objects.

CREATE TABLE campaigns (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    scenario TEXT NOT NULL,
    lang TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'stopped' CHECK (state IN ('running', 'stopped')),
    window TEXT,              -- "09:00-12:00,14:00-18:00"; NULL: the configuration's
    timezone TEXT,            -- for leads whose own zone is unknown; NULL: none
    max_attempts INTEGER CHECK (max_attempts > 0),  -- NULL: the configuration's
    created_utc_ms INTEGER NOT NULL,
    changed_utc_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE imports (
    id INTEGER PRIMARY KEY,
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    created_utc_ms INTEGER NOT NULL,
    UNIQUE (campaign_id, sha256)
) STRICT;

CREATE TABLE rejected_lines (
    import_id INTEGER NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    line INTEGER NOT NULL,    -- line of the file, the header being line 1
    raw TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (import_id, line)
) STRICT;

CREATE TABLE leads (
    id INTEGER PRIMARY KEY,
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    number TEXT NOT NULL,     -- canonical: daemon.campaign.numbers
    region TEXT NOT NULL DEFAULT '',      -- ISO 3166 of the number; '' unknown
    name TEXT NOT NULL DEFAULT '',
    lang TEXT NOT NULL,
    fields TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(fields)),
    window TEXT,              -- narrows the campaign's window
    timezone TEXT,            -- one IANA name, or several joined by commas: all must be open
    warning TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'calling', 'done', 'blocked')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_utc_ms INTEGER NOT NULL DEFAULT 0,
    callback_utc_ms INTEGER,  -- promised to the person; NULL: nothing promised
    disposition TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT '',
    last_call_id TEXT,
    owner TEXT NOT NULL DEFAULT '',       -- the process that is calling this lead
    taken_utc_ms INTEGER,     -- when it was last taken to be called
    created_utc_ms INTEGER NOT NULL,
    changed_utc_ms INTEGER NOT NULL,
    UNIQUE (campaign_id, number)
) STRICT;
CREATE INDEX leads_by_number ON leads (number);
CREATE INDEX leads_calling ON leads (number) WHERE state = 'calling';
CREATE INDEX leads_by_state ON leads (campaign_id, state);
CREATE INDEX leads_due ON leads (
    campaign_id, region, timezone, window, callback_utc_ms IS NULL, next_attempt_utc_ms, id
) WHERE state = 'waiting';

CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    lead_id INTEGER REFERENCES leads (id) ON DELETE SET NULL,
    campaign_id INTEGER REFERENCES campaigns (id) ON DELETE SET NULL,
    address TEXT NOT NULL,    -- as dialled
    number TEXT NOT NULL,     -- canonical, the person's
    lang TEXT NOT NULL,
    scenario TEXT NOT NULL,
    line TEXT NOT NULL,
    owner TEXT NOT NULL,      -- the process that runs the call
    started_utc_ms INTEGER NOT NULL,
    ended_utc_ms INTEGER,     -- NULL while the call runs
    answered_ms INTEGER,      -- from dialling to the answer; NULL if never answered
    duration_ms INTEGER,      -- from the answer to the end; 0 if never answered
    disposition TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT '',
    raw TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(raw)),
    recording TEXT            -- path of the WAV file
) STRICT;
CREATE INDEX calls_by_start ON calls (started_utc_ms);
CREATE INDEX calls_by_number ON calls (number, started_utc_ms);
CREATE INDEX calls_by_lead ON calls (lead_id);
CREATE INDEX calls_open ON calls (id) WHERE ended_utc_ms IS NULL;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,   -- grows over all calls, so a page can follow
    call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    UNIQUE (call_id, seq)
) STRICT;

CREATE TABLE do_not_call (
    number TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    wording TEXT NOT NULL,    -- what the person said, as recognised
    call_id TEXT,             -- no reference: the entry outlives the call
    at_ms INTEGER,
    created_utc_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload)),
    created_utc_ms INTEGER NOT NULL,
    taken_utc_ms INTEGER,
    result TEXT CHECK (result IS NULL OR json_valid(result))
) STRICT;
CREATE INDEX requests_waiting ON requests (id) WHERE taken_utc_ms IS NULL;

CREATE TABLE lines (
    name TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (json_valid(status)),
    changed_utc_ms INTEGER NOT NULL
) STRICT;
