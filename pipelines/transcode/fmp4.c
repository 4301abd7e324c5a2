#include "pipelines/transcode/fmp4.h"

#include <errno.h>
#include <string.h>

typedef struct {
    guint8 *bytes;
    guint64 at, end;
} Reader;

typedef struct {
    guint32 type;
    guint64 at, data_at, end;
} Box;

#define TYPE(a, b, c, d)                                                                           \
    ((guint32)(a) << 24 | (guint32)(b) << 16 | (guint32)(c) << 8 | (guint32)(d))

static guint32 u32(const guint8 *bytes)
{
    return TYPE(bytes[0], bytes[1], bytes[2], bytes[3]);
}

static guint64 u64(const guint8 *bytes)
{
    return (guint64)u32(bytes) << 32 | u32(bytes + 4);
}

static gboolean next_box(Reader *reader, Box *box)
{
    if (reader->end - reader->at < 8)
        return FALSE;
    guint64 size = u32(reader->bytes + reader->at);
    box->type = u32(reader->bytes + reader->at + 4);
    box->at = reader->at;
    box->data_at = reader->at + 8;
    if (size == 1) {
        if (reader->end - reader->at < 16)
            return FALSE;
        size = u64(reader->bytes + reader->at + 8);
        box->data_at += 8;
    }
    if (size < box->data_at - box->at || size > reader->end - reader->at)
        return FALSE;
    box->end = box->at + size;
    reader->at = box->end;
    return TRUE;
}

static gboolean find_box(const Reader *inside, guint32 type, Box *box)
{
    Reader reader = *inside;
    while (next_box(&reader, box))
        if (box->type == type)
            return TRUE;
    return FALSE;
}

/* Follows a path of types from @inside. */
static gboolean find_path(Reader inside, const guint32 *path, guint n, Box *box)
{
    for (guint i = 0; i < n; i++) {
        if (!find_box(&inside, path[i], box))
            return FALSE;
        inside.at = box->data_at;
        inside.end = box->end;
    }
    return TRUE;
}

/* ---- moov ---------------------------------------------------------------------------------------
 */

typedef struct {
    guint32 timescale, default_duration;
    Box moov, trak;
} Header;

static gboolean read_codec(const Reader *file, const Box *entry, char *codec, gsize size)
{
    /* Behind the fields of a visual or an audio sample entry come boxes. */
    gsize fields = entry->type == TYPE('m', 'p', '4', 'a') ? 28 : 78;
    Reader inside = {file->bytes, entry->data_at + fields, entry->end};
    Box config;
    if (inside.at > inside.end)
        return FALSE;
    if (find_box(&inside, TYPE('a', 'v', 'c', 'C'), &config) && config.end - config.data_at >= 4) {
        const guint8 *avc = file->bytes + config.data_at;
        g_snprintf(codec, size, "avc1.%02x%02x%02x", avc[1], avc[2], avc[3]);
        return TRUE;
    }
    g_strlcpy(codec, "mp4a.40.2", size);
    return entry->type == TYPE('m', 'p', '4', 'a');
}

static gboolean read_header(const Reader *file, const Box *moov, Header *header, MnbFmp4 *out)
{
    static const guint32 to_mdhd[] = {TYPE('m', 'd', 'i', 'a'), TYPE('m', 'd', 'h', 'd')};
    static const guint32 to_stsd[] = {TYPE('m', 'd', 'i', 'a'), TYPE('m', 'i', 'n', 'f'),
                                      TYPE('s', 't', 'b', 'l'), TYPE('s', 't', 's', 'd')};
    static const guint32 to_trex[] = {TYPE('m', 'v', 'e', 'x'), TYPE('t', 'r', 'e', 'x')};
    Reader inside = {file->bytes, moov->data_at, moov->end};
    Box mdhd, stsd, trex, entry;
    header->moov = *moov;
    if (!find_box(&inside, TYPE('t', 'r', 'a', 'k'), &header->trak))
        return FALSE;
    Reader track = {file->bytes, header->trak.data_at, header->trak.end};
    if (!find_path(track, to_mdhd, 2, &mdhd) || mdhd.end - mdhd.data_at < 24 ||
        !find_path(track, to_stsd, 4, &stsd) || stsd.end - stsd.data_at < 8)
        return FALSE;
    gboolean is_long = file->bytes[mdhd.data_at] == 1;
    header->timescale = u32(file->bytes + mdhd.data_at + (is_long ? 20 : 12));
    Reader entries = {file->bytes, stsd.data_at + 8, stsd.end};
    if (find_path(inside, to_trex, 2, &trex) && trex.end - trex.data_at >= 24)
        header->default_duration = u32(file->bytes + trex.data_at + 12);
    return header->timescale > 0 && next_box(&entries, &entry) &&
           read_codec(file, &entry, out->codec, sizeof out->codec);
}

/* ---- moof ---------------------------------------------------------------------------------------
 */

static void put_u32(guint8 *bytes, guint32 value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (guint8)(value >> (24 - 8 * i));
}

/* Where composition begins: the offset of the first sample of all. */
typedef struct {
    gboolean is_known;
    gint32 first;
} Shift;

/* Adds the durations of a trun and moves its composition offsets. */
static gboolean read_trun(guint8 *bytes, guint64 size, guint32 default_duration, guint64 *duration,
                          Shift *shift)
{
    if (size < 8)
        return FALSE;
    guint32 flags = u32(bytes) & 0xffffff, n = u32(bytes + 4);
    guint64 at = 8 + ((flags & 0x1) ? 4u : 0u) + ((flags & 0x4) ? 4u : 0u);
    guint each = 0, duration_at = 0, offset_at = 0;
    if (flags & 0x100) {
        duration_at = each;
        each += 4;
    }
    each += (flags & 0x200) ? 4 : 0;
    each += (flags & 0x400) ? 4 : 0;
    if (flags & 0x800) {
        offset_at = each;
        each += 4;
    }
    if (at > size || (each > 0 && n > (size - at) / each) || n > 1000000)
        return FALSE;
    gboolean is_unsigned = bytes[0] == 0;
    for (guint32 i = 0; i < n; i++) {
        guint8 *sample = bytes + at + (guint64)i * each;
        *duration += (flags & 0x100) ? u32(sample + duration_at) : default_duration;
        if (!(flags & 0x800) || !is_unsigned)
            continue;
        if (!shift->is_known) {
            shift->is_known = TRUE;
            shift->first = (gint32)u32(sample + offset_at);
        }
        put_u32(sample + offset_at, u32(sample + offset_at) - (guint32)shift->first);
    }
    if ((flags & 0x800) && is_unsigned)
        bytes[0] = 1;
    return TRUE;
}

static gboolean read_moof(const Reader *file, const Box *moof, const Header *header,
                          guint64 *duration, Shift *shift)
{
    Reader inside = {file->bytes, moof->data_at, moof->end};
    Box traf, tfhd, box;
    if (!find_box(&inside, TYPE('t', 'r', 'a', 'f'), &traf))
        return FALSE;
    Reader runs = {file->bytes, traf.data_at, traf.end};
    if (!find_box(&runs, TYPE('t', 'f', 'h', 'd'), &tfhd) || tfhd.end - tfhd.data_at < 8)
        return FALSE;
    const guint8 *fields = file->bytes + tfhd.data_at;
    guint32 flags = u32(fields) & 0xffffff, default_duration = header->default_duration;
    guint64 at = 8 + ((flags & 0x1) ? 8u : 0u) + ((flags & 0x2) ? 4u : 0u);
    if ((flags & 0x8) && tfhd.end - tfhd.data_at >= at + 4)
        default_duration = u32(fields + at);
    while (next_box(&runs, &box))
        if (box.type == TYPE('t', 'r', 'u', 'n') &&
            !read_trun(file->bytes + box.data_at, box.end - box.data_at, default_duration, duration,
                       shift))
            return FALSE;
    return TRUE;
}

int mnb_fmp4_parse(guint8 *bytes, guint64 size, MnbFmp4 *out)
{
    Reader file = {bytes, 0, size};
    Header header = {0};
    Box box, ftyp = {0}, moof = {0};
    Shift shift = {0};
    guint64 ticks = 0, duration = 0;
    *out = (MnbFmp4){.init = g_byte_array_new(),
                     .fragments = g_array_new(FALSE, FALSE, sizeof(MnbFragment))};
    while (next_box(&file, &box)) {
        if (box.type == TYPE('f', 't', 'y', 'p') && box.end - box.at < 65536) {
            ftyp = box;
        } else if (box.type == TYPE('m', 'o', 'o', 'v') && header.timescale == 0) {
            if (box.end - box.at > (1u << 20) || box.data_at - box.at != 8 ||
                !read_header(&file, &box, &header, out))
                return -EBADMSG;
        } else if (box.type == TYPE('m', 'o', 'o', 'f')) {
            duration = 0;
            if (header.timescale == 0 || !read_moof(&file, &box, &header, &duration, &shift))
                return -EBADMSG;
            moof = box;
        } else if (box.type == TYPE('m', 'd', 'a', 't') && moof.end == box.at && moof.end > 0) {
            gint64 from_us = (gint64)(ticks * G_USEC_PER_SEC / header.timescale);
            ticks += duration;
            gint64 to_us = (gint64)(ticks * G_USEC_PER_SEC / header.timescale);
            MnbFragment fragment = {moof.at, box.end - moof.at, to_us - from_us};
            g_array_append_val(out->fragments, fragment);
            out->bytes += fragment.bytes;
            out->duration_us = to_us;
        }
    }
    if (ftyp.end == 0 || out->fragments->len == 0)
        return -EBADMSG;
    g_byte_array_append(out->init, bytes + ftyp.at, (guint)(ftyp.end - ftyp.at));
    g_byte_array_append(out->init, bytes + header.moov.at,
                        (guint)(header.moov.end - header.moov.at));
    return 0;
}

void mnb_fmp4_clear(MnbFmp4 *fmp4)
{
    g_clear_pointer(&fmp4->init, g_byte_array_unref);
    g_clear_pointer(&fmp4->fragments, g_array_unref);
}
