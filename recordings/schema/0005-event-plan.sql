-- What an event's plan says beyond its titles and time: where people meet, who else learns, how many fit, and the agenda.
ALTER TABLE event ADD COLUMN attendance TEXT NOT NULL DEFAULT 'online' CHECK (attendance IN ('online', 'in-person', 'hybrid'));
ALTER TABLE event ADD COLUMN venue_en TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN venue_ja TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN learning_cities TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(learning_cities));  -- codes of city
ALTER TABLE event ADD COLUMN capacity INTEGER NOT NULL DEFAULT 0 CHECK (capacity BETWEEN 0 AND 100000);      -- people at once; 0: no limit
ALTER TABLE event ADD COLUMN has_lobby INTEGER NOT NULL DEFAULT 0 CHECK (has_lobby IN (0, 1));
ALTER TABLE event ADD COLUMN agenda TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(agenda));  -- items as docs/protocol.md, section 3
