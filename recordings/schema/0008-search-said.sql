-- What was said or shown in a film is searched with the film's other texts, so that words may lie in different places
-- of it. said: its moments that are in the film, in the order of search_said.marks, which finds the moment again from
-- the position of a word (search-text.c). moment_search is gone: to ask it for each word of 100,000 films is too slow.
DROP TRIGGER moment_insert;
DROP TRIGGER moment_delete;
DROP TRIGGER moment_update;
DROP TABLE moment_search;
DROP TRIGGER search_insert;
DROP TRIGGER search_delete;
DROP TRIGGER search_update;
DROP TABLE search;
ALTER TABLE search_text ADD COLUMN said TEXT NOT NULL DEFAULT '';
CREATE TABLE search_said (
    num   INTEGER PRIMARY KEY REFERENCES recording(num) ON DELETE CASCADE,
    marks BLOB NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search USING fts5(
    title_en, title_ja, description_en, description_ja, place, said,
    content='search_text', content_rowid='num', tokenize='cjk2', prefix='1 2 3');
INSERT INTO search(search) VALUES ('rebuild');
CREATE TRIGGER search_insert AFTER INSERT ON search_text BEGIN
    INSERT INTO search(rowid, title_en, title_ja, description_en, description_ja, place, said)
    VALUES (new.num, new.title_en, new.title_ja, new.description_en, new.description_ja, new.place, new.said);
END;
CREATE TRIGGER search_delete AFTER DELETE ON search_text BEGIN
    INSERT INTO search(search, rowid, title_en, title_ja, description_en, description_ja, place, said)
    VALUES ('delete', old.num, old.title_en, old.title_ja, old.description_en, old.description_ja, old.place, old.said);
END;
CREATE TRIGGER search_update AFTER UPDATE ON search_text BEGIN
    INSERT INTO search(search, rowid, title_en, title_ja, description_en, description_ja, place, said)
    VALUES ('delete', old.num, old.title_en, old.title_ja, old.description_en, old.description_ja, old.place, old.said);
    INSERT INTO search(rowid, title_en, title_ja, description_en, description_ja, place, said)
    VALUES (new.num, new.title_en, new.title_ja, new.description_en, new.description_ja, new.place, new.said);
END;
-- The moments that are there already: taken up at the next start, which sets it to 1.
INSERT INTO counter VALUES ('search-said', 0);
-- A film is found by the kind of its event: whoever keeps such counts has to look again.
CREATE TRIGGER event_kind_changed AFTER UPDATE OF kind ON event WHEN new.kind <> old.kind BEGIN
    UPDATE counter SET value = value + 1 WHERE name = 'revision';
    UPDATE recording SET revision = (SELECT value FROM counter WHERE name = 'revision') WHERE event = new.id;
END;
