/* fake-media.h - what a test can order the stand-in for a media worker to do, by asking for a key
 * frame of a track of this id. Other ids are answered by a TRACK_STATE. */
#pragma once

#define FAKE_ORDER_CRASH    900001
#define FAKE_ORDER_NONSENSE 900002
#define FAKE_ORDER_HANG     900003
