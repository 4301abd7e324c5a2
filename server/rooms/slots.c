#include "server/rooms/slots.h"
#include <stdlib.h>

#define TIER_SHOWN 4 /* of those that claim nothing else: shown already */

typedef struct {
    MnbSlotSource *source;
    gboolean is_shown;
    guint tier;
} Claim;

static int compare(gint64 a, gint64 b)
{
    return a < b ? -1 : a > b;
}

static int compare_claims(const void *a, const void *b)
{
    const Claim *left = a;
    const Claim *right = b;
    int result = compare(left->tier, right->tier);
    if (result == 0)
        result = compare(left->source->wanted, right->source->wanted);
    if (result == 0 && left->source->speaks != 0 && right->source->speaks != 0)
        result = compare(left->source->speaks, right->source->speaks);
    if (result == 0 && left->tier == TIER_SHOWN)
        result = compare(right->source->spoke_us, left->source->spoke_us);
    if (result == 0)
        result = compare(left->source->order, right->source->order);
    return result != 0 ? result : compare(left->source->id, right->source->id);
}

static guint tier_of(const MnbSlotSource *source, gboolean is_shown, MnbViewMode mode)
{
    gboolean is_wanted = source->wanted != MNB_NOT_WANTED;
    /* One picture: who was asked for goes before a screen. */
    if (mode == MNB_VIEW_ONE && is_wanted)
        return 0;
    if (source->source == MNB_SOURCE_SCREEN)
        return 1;
    if (is_wanted)
        return 2;
    if (source->speaks != 0)
        return 3;
    return is_shown ? TIER_SHOWN : TIER_SHOWN + 1;
}

/* In a slot that can play it. */
static gboolean is_in_places(const MnbSlotPlace *places, guint count, const MnbSlotSource *source)
{
    for (guint i = 0; i < count; i++)
        if (places[i].shown == source->id && places[i].codecs & 1u << source->codec &&
            places[i].is_video == (source->source != MNB_SOURCE_MICROPHONE))
            return TRUE;
    return FALSE;
}

/* One kind of slots; @places and @sources of the other kind are passed over. */
static gboolean assign_kind(MnbSlotPlace *places, guint place_count, MnbSlotSource *sources,
                            guint source_count, gboolean is_video, guint limit, MnbViewMode mode)
{
    gboolean is_changed = FALSE;
    guint count = 0;
    guint chosen = 0;
    g_autofree Claim *claims = g_new(Claim, source_count + 1);
    for (guint i = 0; i < source_count; i++) {
        if ((sources[i].source != MNB_SOURCE_MICROPHONE) != is_video)
            continue;
        gboolean is_shown = is_in_places(places, place_count, &sources[i]);
        claims[count++] = (Claim){&sources[i], is_shown, tier_of(&sources[i], is_shown, mode)};
    }
    qsort(claims, count, sizeof *claims, compare_claims);

    /* The best claims for which a place can be found; those in a place already stay in it. */
    guint32 target[MNB_SLOTS_MAX] = {0};
    gboolean is_kept[MNB_SLOTS_MAX] = {FALSE};
    for (guint i = 0; i < count && chosen < limit; i++) {
        const MnbSlotSource *source = claims[i].source;
        guint fits = 0;
        for (guint p = 0; p < place_count; p++)
            fits += places[p].is_video == is_video && places[p].codecs & 1u << source->codec;
        if (fits > 0)
            claims[chosen++] = claims[i];
    }
    for (guint i = 0; i < chosen; i++) {
        for (guint p = 0; p < place_count && claims[i].is_shown; p++) {
            if (places[p].is_video == is_video && places[p].shown == claims[i].source->id &&
                !is_kept[p]) {
                target[p] = claims[i].source->id;
                is_kept[p] = TRUE;
                break;
            }
        }
    }
    for (guint i = 0; i < chosen; i++) {
        if (claims[i].is_shown)
            continue;
        for (guint p = 0; p < place_count; p++) {
            if (places[p].is_video != is_video || target[p] != 0 ||
                !(places[p].codecs & 1u << claims[i].source->codec))
                continue;
            target[p] = claims[i].source->id;
            break;
        }
    }
    for (guint p = 0; p < place_count; p++) {
        if (places[p].is_video != is_video)
            continue;
        is_changed = is_changed || places[p].shown != target[p];
        places[p].shown = target[p];
    }
    return is_changed;
}

gboolean mnb_slots_assign(MnbSlotPlace *places, guint place_count, MnbSlotSource *sources,
                          guint source_count, MnbViewMode mode)
{
    g_return_val_if_fail(place_count <= MNB_SLOTS_MAX, FALSE);
    guint audio = 0;
    guint video = 0;
    for (guint i = 0; i < place_count; i++)
        *(places[i].is_video ? &video : &audio) += 1;
    if (mode != MNB_VIEW_ALL)
        video = mode == MNB_VIEW_ONE ? MIN(video, 1) : 0;
    gboolean is_audio_changed =
        assign_kind(places, place_count, sources, source_count, FALSE, audio, mode);
    gboolean is_video_changed =
        assign_kind(places, place_count, sources, source_count, TRUE, video, mode);
    return is_audio_changed || is_video_changed;
}
