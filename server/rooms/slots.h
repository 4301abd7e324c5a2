/* slots.h - who is shown in which slot of a receiver.
 *
 * Pure. The pool of a receiver's slots is fixed; this decides which source each shows, and changes
 * as little as it can: who is shown keeps his place, and who is merely present never pushes out
 * somebody who is shown. Order of claims:
 *
 *     pictures  screens > those the receiver asked for, in his order > who speaks > who is shown
 *               already (who spoke last first) > the rest in the order of joining
 *     sound     the interpreter of the channel that is heard > who speaks > who is shown already
 * (who spoke last first) > order of joining
 *
 * A source is only put in a slot whose receiver can play its codec. */
#pragma once
#include "server/rooms/request.h"
#include <glib.h>

#define MNB_SLOTS_MAX  (MNB_AUDIO_SLOTS_MAX + MNB_VIDEO_SLOTS_MAX)
#define MNB_NOT_WANTED G_MAXUINT

typedef struct {
    guint32 id; /* above 0 */
    MnbSource source;
    MnbCodec codec;
    guint wanted;    /* place in the receiver's list, 0 first; MNB_NOT_WANTED */
    guint speaks;    /* 1 loudest, 2, 3; 0: not now */
    gint64 spoke_us; /* when last; 0: never */
    guint order;     /* of joining */
} MnbSlotSource;

typedef struct {
    gboolean is_video;
    guint codecs;  /* mask: 1u << MnbCodec */
    guint32 shown; /* id of a source; 0: none. In: now. Out: from now on */
} MnbSlotPlace;

/* @sources: those the receiver may see (never his own).
 * @mode: of the pictures; sound does not depend on it. Returns TRUE when a place changed. */
gboolean mnb_slots_assign(MnbSlotPlace *places, guint place_count, MnbSlotSource *sources,
                          guint source_count, MnbViewMode mode);
