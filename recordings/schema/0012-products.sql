-- What belongs to a film: documents (PDF, in its folder as products/ID.pdf) and links, for the whole film or for moments
-- of it. moments: [ms, ...] on the time line of what was captured.
CREATE TABLE product (
    id         TEXT PRIMARY KEY,
    recording  TEXT NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('link', 'pdf')),
    title_en   TEXT NOT NULL DEFAULT '',
    title_ja   TEXT NOT NULL DEFAULT '',
    url        TEXT NOT NULL DEFAULT '' CHECK (kind <> 'link' OR url LIKE 'http%'),
    bytes      INTEGER NOT NULL DEFAULT 0,
    moments    TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(moments)),
    created_us INTEGER NOT NULL,
    CHECK (title_en <> '' OR title_ja <> '')
) STRICT;
CREATE INDEX product_recording ON product(recording);
