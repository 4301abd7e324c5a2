-- The catalogue: everything Manabi knows that is not media. One file, WAL, one writing connection.
-- Times are microseconds since 1970 UTC (`_us`). Ids are 26 characters of Crockford base32. Tokens are
-- kept as SHA-256. Free metadata is JSON that SQLite has checked.

CREATE TABLE area (
    code       TEXT PRIMARY KEY,
    name_en    TEXT NOT NULL,
    name_ja    TEXT NOT NULL,
    position   INTEGER NOT NULL          -- programme order
) STRICT;

CREATE TABLE city (
    code          TEXT PRIMARY KEY,      -- Japan: JIS X 0402, five digits; abroad: UN/LOCODE
    class         TEXT NOT NULL CHECK (class IN ('designated', 'core', 'abroad')),
    name_en       TEXT NOT NULL,
    name_ja       TEXT NOT NULL,
    prefecture_en TEXT NOT NULL,
    prefecture_ja TEXT NOT NULL,
    country       TEXT NOT NULL DEFAULT 'JP' CHECK (length(country) = 2)  -- ISO 3166-1
) STRICT;

CREATE TABLE staff (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 100),
    password_hash TEXT,                  -- argon2id of libsodium; NULL: none set yet
    is_admin      INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    created_us    INTEGER NOT NULL,
    disabled_us   INTEGER
) STRICT;

-- One-time sign-in links and cookies of staff.
CREATE TABLE staff_token (
    token_sha256 BLOB PRIMARY KEY CHECK (length(token_sha256) = 32),
    staff        TEXT NOT NULL REFERENCES staff(id) ON DELETE CASCADE,
    kind         TEXT NOT NULL CHECK (kind IN ('sign-in', 'cookie')),
    created_us   INTEGER NOT NULL,
    expires_us   INTEGER NOT NULL,
    used_us      INTEGER                 -- sign-in links work once
) STRICT;
CREATE INDEX staff_token_staff ON staff_token(staff);

CREATE TABLE event (
    id               TEXT PRIMARY KEY,
    kind             TEXT NOT NULL CHECK (kind IN ('virtual-session', 'site-visit', 'seminar', 'peer-exchange')),
    title_en         TEXT NOT NULL DEFAULT '',
    title_ja         TEXT NOT NULL DEFAULT '',
    summary_en       TEXT NOT NULL DEFAULT '',
    summary_ja       TEXT NOT NULL DEFAULT '',
    area             TEXT NOT NULL REFERENCES area(code),
    city             TEXT NOT NULL REFERENCES city(code),   -- the host city
    starts_us        INTEGER NOT NULL,
    duration_s       INTEGER NOT NULL CHECK (duration_s BETWEEN 60 AND 604800),
    time_zone        TEXT NOT NULL,
    languages        TEXT NOT NULL DEFAULT '["en"]' CHECK (json_valid(languages)),
    is_public        INTEGER NOT NULL DEFAULT 1 CHECK (is_public IN (0, 1)),
    recording_policy TEXT NOT NULL DEFAULT 'publish' CHECK (recording_policy IN ('none', 'review', 'publish')),
    audience         TEXT NOT NULL DEFAULT 'public' CHECK (audience IN ('public', 'link', 'staff')),
    created_us       INTEGER NOT NULL,
    updated_us       INTEGER NOT NULL,
    CHECK (title_en <> '' OR title_ja <> '')
) STRICT;
CREATE INDEX event_starts ON event(starts_us);

CREATE TABLE session (
    id         TEXT PRIMARY KEY,
    event      TEXT NOT NULL REFERENCES event(id) ON DELETE CASCADE,
    state      TEXT NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'live', 'ended')),
    started_us INTEGER,
    ended_us   INTEGER,
    created_us INTEGER NOT NULL
) STRICT;
CREATE INDEX session_event_of ON session(event);
CREATE UNIQUE INDEX session_one_open ON session(event) WHERE state <> 'ended';

-- Role links: who holds the token comes in with the role. kind 'media': made by `manabi token` for WHIP and WHEP.
CREATE TABLE link (
    id           TEXT PRIMARY KEY,
    token_sha256 BLOB NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    kind         TEXT NOT NULL DEFAULT 'role' CHECK (kind IN ('role', 'media')),
    event        TEXT NOT NULL REFERENCES event(id) ON DELETE CASCADE,
    session      TEXT REFERENCES session(id) ON DELETE CASCADE,  -- media links: this session only
    role         TEXT NOT NULL CHECK (role IN ('facilitator', 'presenter', 'interpreter', 'participant', 'observer')),
    label        TEXT NOT NULL DEFAULT '',
    created_us   INTEGER NOT NULL,
    expires_us   INTEGER,
    revoked_us   INTEGER,
    uses         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX link_event ON link(event);

-- The session is its log: the room in memory is these rows applied in order of seq.
CREATE TABLE session_event (
    session TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL CHECK (seq > 0),
    at_us   INTEGER NOT NULL,
    type    TEXT NOT NULL,
    peer    TEXT,                        -- who did it; NULL: the server
    body    TEXT NOT NULL CHECK (json_valid(body)),
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;

-- num names the row for the search index, which wants a number that VACUUM keeps. revision: from the
-- counter, given anew with every change, so that a reader finds what changed since it last looked.
CREATE TABLE recording (
    num            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT NOT NULL UNIQUE,
    revision       INTEGER NOT NULL,
    area           TEXT NOT NULL REFERENCES area(code),
    city           TEXT NOT NULL REFERENCES city(code),
    event          TEXT REFERENCES event(id),
    session        TEXT REFERENCES session(id),
    origin         TEXT NOT NULL CHECK (origin IN ('session', 'import', 'upload', 'feed')),
    title_en       TEXT NOT NULL DEFAULT '',
    title_ja       TEXT NOT NULL DEFAULT '',
    description_en TEXT NOT NULL DEFAULT '',
    description_ja TEXT NOT NULL DEFAULT '',
    languages      TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(languages)),
    audience       TEXT NOT NULL DEFAULT 'staff' CHECK (audience IN ('public', 'link', 'staff')),
    state          TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'processing', 'review', 'published', 'withdrawn')),
    publish_when_ready INTEGER NOT NULL DEFAULT 0 CHECK (publish_when_ready IN (0, 1)),
    recorded_us    INTEGER NOT NULL,
    published_us   INTEGER,
    duration_us    INTEGER,
    width          INTEGER,
    height         INTEGER,
    folder         TEXT NOT NULL UNIQUE, -- below STATE/recordings
    created_us     INTEGER NOT NULL,
    updated_us     INTEGER NOT NULL,
    CHECK (title_en <> '' OR title_ja <> ''),
    CHECK (state <> 'published' OR published_us IS NOT NULL)
) STRICT;
CREATE INDEX recording_revision ON recording(revision);
CREATE INDEX recording_state ON recording(state);
CREATE INDEX recording_area ON recording(area);
CREATE INDEX recording_city ON recording(city);
CREATE INDEX recording_event ON recording(event);
CREATE INDEX recording_session ON recording(session);

CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES ('revision', 0);

CREATE TABLE recording_removed (
    num      INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX recording_removed_revision ON recording_removed(revision);
CREATE TRIGGER recording_remove AFTER DELETE ON recording BEGIN
    UPDATE counter SET value = value + 1 WHERE name = 'revision';
    INSERT INTO recording_removed SELECT old.num, value FROM counter WHERE name = 'revision';
END;

-- What was captured: each start of a recorder is a part of the same recording.
CREATE TABLE recording_part (
    recording  TEXT NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
    part       INTEGER NOT NULL CHECK (part > 0),
    started_us INTEGER NOT NULL,
    ended_us   INTEGER,                  -- NULL: running, or cut off
    state      TEXT NOT NULL CHECK (state IN ('writing', 'closed', 'cut', 'repaired')),
    note       TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(note)),
    PRIMARY KEY (recording, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE rendition (
    recording   TEXT NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
    name        TEXT NOT NULL,           -- '720p', 'audio', 'video.mp4'
    kind        TEXT NOT NULL CHECK (kind IN ('hls', 'download', 'poster')),
    path        TEXT NOT NULL,           -- below the recording's folder
    width       INTEGER,
    height      INTEGER,
    bitrate_bps INTEGER,
    bytes       INTEGER,
    PRIMARY KEY (recording, name)
) STRICT, WITHOUT ROWID;

-- Work for the pipeline programs. lease_us: a running job whose lease is over is taken again.
CREATE TABLE job (
    id                TEXT PRIMARY KEY,
    kind              TEXT NOT NULL CHECK (kind IN ('repair', 'compose', 'transcode', 'stills')),
    recording         TEXT NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
    after             TEXT REFERENCES job(id) ON DELETE CASCADE,  -- waits until that one is done
    state             TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    spec              TEXT NOT NULL CHECK (json_valid(spec)),
    result            TEXT CHECK (result IS NULL OR json_valid(result)),
    progress_permille INTEGER NOT NULL DEFAULT 0 CHECK (progress_permille BETWEEN 0 AND 1000),
    eta_s             INTEGER,
    attempts          INTEGER NOT NULL DEFAULT 0,
    reason_code       TEXT,
    reason            TEXT,
    not_before_us     INTEGER NOT NULL DEFAULT 0,
    lease_us          INTEGER,
    created_us        INTEGER NOT NULL,
    updated_us        INTEGER NOT NULL
) STRICT;
CREATE INDEX job_next ON job(state, not_before_us, created_us);
CREATE INDEX job_recording ON job(recording);

-- Append only; hash is SHA-256 of the row before and this row's fields.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at_us  INTEGER NOT NULL,
    actor  TEXT NOT NULL,                -- staff:<id>, link:<id>, peer:<id>, system
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
    hash   BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Manifests that are to be written again. Filled by the triggers, so nothing can forget it; a row goes when the
-- file of that generation is on disk.
CREATE TABLE manifest_due (
    num        INTEGER PRIMARY KEY,
    recording  TEXT NOT NULL UNIQUE REFERENCES recording(id) ON DELETE CASCADE,
    generation INTEGER NOT NULL
) STRICT;
CREATE TRIGGER manifest_recording_insert AFTER INSERT ON recording BEGIN
    INSERT INTO manifest_due(recording, generation) VALUES (new.id, 1)
        ON CONFLICT(recording) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER manifest_recording_update AFTER UPDATE ON recording BEGIN
    INSERT INTO manifest_due(recording, generation) VALUES (new.id, 1)
        ON CONFLICT(recording) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER manifest_part_insert AFTER INSERT ON recording_part BEGIN
    INSERT INTO manifest_due(recording, generation) VALUES (new.recording, 1)
        ON CONFLICT(recording) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER manifest_part_update AFTER UPDATE ON recording_part BEGIN
    INSERT INTO manifest_due(recording, generation) VALUES (new.recording, 1)
        ON CONFLICT(recording) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER manifest_rendition_insert AFTER INSERT ON rendition BEGIN
    INSERT INTO manifest_due(recording, generation) VALUES (new.recording, 1)
        ON CONFLICT(recording) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER manifest_rendition_update AFTER UPDATE ON rendition BEGIN
    INSERT INTO manifest_due(recording, generation) VALUES (new.recording, 1)
        ON CONFLICT(recording) DO UPDATE SET generation = generation + 1;
END;
CREATE TRIGGER manifest_rendition_delete AFTER DELETE ON rendition
    WHEN EXISTS (SELECT 1 FROM recording WHERE id = old.recording) BEGIN
    INSERT INTO manifest_due(recording, generation) VALUES (old.recording, 1)
        ON CONFLICT(recording) DO UPDATE SET generation = generation + 1;
END;

-- Search. The text is prepared by the catalogue; the rowid is recording.num. place: names of city, prefecture
-- and area in both languages. prefix: half the time for what is being typed, for half as much again on disk.
CREATE TABLE search_text (
    num            INTEGER PRIMARY KEY REFERENCES recording(num) ON DELETE CASCADE,
    title_en       TEXT NOT NULL,
    title_ja       TEXT NOT NULL,
    description_en TEXT NOT NULL,
    description_ja TEXT NOT NULL,
    place          TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search USING fts5(
    title_en, title_ja, description_en, description_ja, place,
    content='search_text', content_rowid='num', tokenize='cjk2', prefix='1 2 3');
CREATE TRIGGER search_insert AFTER INSERT ON search_text BEGIN
    INSERT INTO search(rowid, title_en, title_ja, description_en, description_ja, place)
    VALUES (new.num, new.title_en, new.title_ja, new.description_en, new.description_ja, new.place);
END;
CREATE TRIGGER search_delete AFTER DELETE ON search_text BEGIN
    INSERT INTO search(search, rowid, title_en, title_ja, description_en, description_ja, place)
    VALUES ('delete', old.num, old.title_en, old.title_ja, old.description_en, old.description_ja, old.place);
END;
CREATE TRIGGER search_update AFTER UPDATE ON search_text BEGIN
    INSERT INTO search(search, rowid, title_en, title_ja, description_en, description_ja, place)
    VALUES ('delete', old.num, old.title_en, old.title_ja, old.description_en, old.description_ja, old.place);
    INSERT INTO search(rowid, title_en, title_ja, description_en, description_ja, place)
    VALUES (new.num, new.title_en, new.title_ja, new.description_en, new.description_ja, new.place);
END;
