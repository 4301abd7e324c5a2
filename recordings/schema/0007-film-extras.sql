-- What a film has besides itself: small pictures along it, its sound's outline, posters to choose from. A kind more
-- means a new table.
CREATE TABLE rendition_new (
    recording   TEXT NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
    name        TEXT NOT NULL,           -- '720p', 'audio', 'video.mp4', 'poster', 'poster-1', 'thumbnails'
    kind        TEXT NOT NULL CHECK (kind IN ('hls', 'download', 'poster', 'candidate', 'thumbnails', 'waveform')),
    path        TEXT NOT NULL,           -- below the recording's folder
    width       INTEGER,
    height      INTEGER,
    bitrate_bps INTEGER,
    bytes       INTEGER,
    PRIMARY KEY (recording, name)
) STRICT, WITHOUT ROWID;
INSERT INTO rendition_new SELECT recording, name, kind, path, width, height, bitrate_bps, bytes FROM rendition;
DROP TABLE rendition;
ALTER TABLE rendition_new RENAME TO rendition;
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
