-- What was said or shown at a moment of a recording: captions, chat, slides. Times are on the time line of all that
-- was captured, before cuts. num: for the search index. language: BCP 47; '' where it is not known.
CREATE TABLE moment (
    num       INTEGER PRIMARY KEY,
    recording TEXT NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
    kind      TEXT NOT NULL CHECK (kind IN ('caption', 'chat', 'slide')),
    language  TEXT NOT NULL DEFAULT '',
    at_us     INTEGER NOT NULL CHECK (at_us >= 0),
    end_us    INTEGER NOT NULL CHECK (end_us >= at_us),
    who       TEXT NOT NULL DEFAULT '',
    text      TEXT NOT NULL
) STRICT;
CREATE INDEX moment_recording ON moment(recording, kind, language, at_us);
CREATE VIRTUAL TABLE moment_search USING fts5(
    text, content='moment', content_rowid='num', tokenize='cjk2');
CREATE TRIGGER moment_insert AFTER INSERT ON moment BEGIN
    INSERT INTO moment_search(rowid, text) VALUES (new.num, new.text);
END;
CREATE TRIGGER moment_delete AFTER DELETE ON moment BEGIN
    INSERT INTO moment_search(moment_search, rowid, text) VALUES ('delete', old.num, old.text);
END;
CREATE TRIGGER moment_update AFTER UPDATE ON moment BEGIN
    INSERT INTO moment_search(moment_search, rowid, text) VALUES ('delete', old.num, old.text);
    INSERT INTO moment_search(rowid, text) VALUES (new.num, new.text);
END;
