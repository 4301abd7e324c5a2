-- Captions in these languages were brought or edited by people: what was typed live does not come back over them. The
-- cues are rows of `moment`; none of a language that has a row here: they were taken away. revision: counted up, so that
-- two who edit at the same time find out.
CREATE TABLE caption_track (
    recording  TEXT NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
    language   TEXT NOT NULL,
    revision   INTEGER NOT NULL CHECK (revision > 0),
    updated_us INTEGER NOT NULL,
    PRIMARY KEY (recording, language)
) STRICT, WITHOUT ROWID;
