-- What review adds to a recording. Times in these lists are milliseconds on the time line of all that was
-- captured, before anything was cut.
-- edit: [[from,to],...] what is kept, in order; [] is everything. edit_made: what the film that is there was made with.
-- chapters: [{"at_ms":0,"title_en":"","title_ja":""},...]. more_areas: codes besides `area`.
ALTER TABLE recording ADD COLUMN more_areas TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(more_areas));
ALTER TABLE recording ADD COLUMN licence TEXT NOT NULL DEFAULT '';
ALTER TABLE recording ADD COLUMN edit TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(edit));
ALTER TABLE recording ADD COLUMN edit_made TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(edit_made));
ALTER TABLE recording ADD COLUMN chapters TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(chapters));
ALTER TABLE recording ADD COLUMN source_us INTEGER;   -- length before cuts; NULL: not known yet
