-- Live feeds from the field. A feed is a presenter's link with a way for an encoder to come in by it: the link's label is
-- its name, its revocation ends it. `secret` is what the other end needs in clear: SRT's passphrase, RTMP's stream name.
CREATE TABLE feed (
    link       TEXT PRIMARY KEY REFERENCES link(id) ON DELETE CASCADE,
    source     TEXT NOT NULL CHECK (source IN ('srt', 'rtmp', 'rtsp', 'camera')),
    place      INTEGER,                  -- srt: which of the ports is its own, 0 for the first
    secret     TEXT NOT NULL DEFAULT '',
    key_sha256 TEXT NOT NULL DEFAULT '', -- of the stream key, hex
    url        TEXT NOT NULL DEFAULT '', -- rtsp: of the camera
    area       TEXT NOT NULL REFERENCES area(code),
    city       TEXT NOT NULL REFERENCES city(code)
) STRICT;
