#include "pipelines/common/sniff.h"

#include <string.h>

enum { MP4, MATROSKA, TS, PS, AVI, WAV, OGG, FLV, ID3, MP3, AAC, FLAC };

static const MnbFilmKind kinds[] = {
    [MP4] = {"mp4", "qtdemux", FALSE},       [MATROSKA] = {"matroska", "matroskademux", FALSE},
    [TS] = {"mpegts", "tsdemux", FALSE},     [PS] = {"mpegps", "mpegpsdemux", FALSE},
    [AVI] = {"avi", "avidemux", FALSE},      [WAV] = {"wav", "wavparse", TRUE},
    [OGG] = {"ogg", "oggdemux", FALSE},      [FLV] = {"flv", "flvdemux", FALSE},
    [ID3] = {"mp3", "mpegaudioparse", TRUE}, [MP3] = {"mp3", "mpegaudioparse", TRUE},
    [AAC] = {"aac", "aacparse", TRUE},       [FLAC] = {"flac", "flacparse", TRUE},
};

static gboolean has(const guint8 *bytes, gsize size, gsize at, const char *mark)
{
    gsize length = strlen(mark);
    return size >= at + length && memcmp(bytes + at, mark, length) == 0;
}

/* ISO base media: the first box is one of those that films begin with. */
static gboolean is_mp4(const guint8 *bytes, gsize size)
{
    static const char *const boxes[] = {"ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"};
    for (gsize i = 0; i < G_N_ELEMENTS(boxes); i++)
        if (has(bytes, size, 4, boxes[i]))
            return TRUE;
    return FALSE;
}

/* A sync byte every 188 (or 192: with a time stamp before each) bytes, five times. */
static gboolean is_ts(const guint8 *bytes, gsize size, gsize at, gsize step)
{
    for (gsize i = 0; i < 5; i++)
        if (at + i * step >= size || bytes[at + i * step] != 0x47)
            return FALSE;
    return TRUE;
}

/* A frame header whose next frame is where it says (ADTS, ISO 13818-7). */
static gboolean is_adts(const guint8 *bytes, gsize size)
{
    if (size < 9 || bytes[0] != 0xff || (bytes[1] & 0xf6) != 0xf0)
        return FALSE;
    gsize length = (gsize)(bytes[3] & 3) << 11 | (gsize)bytes[4] << 3 | bytes[5] >> 5;
    return length >= 7 && length + 1 < size && bytes[length] == 0xff &&
           (bytes[length + 1] & 0xf6) == 0xf0;
}

/* MPEG-1 or 2, layer III (ISO 11172-3). */
static gboolean is_mp3(const guint8 *bytes, gsize size)
{
    return size >= 4 && bytes[0] == 0xff && (bytes[1] & 0xe6) == 0xe2 &&
           (bytes[1] & 0x18) != 0x08 && (bytes[2] & 0xf0) != 0xf0 && (bytes[2] & 0xf0) != 0 &&
           (bytes[2] & 0x0c) != 0x0c;
}

const MnbFilmKind *mnb_sniff(const guint8 *bytes, gsize size)
{
    if (has(bytes, size, 0, "\x1a\x45\xdf\xa3"))
        return &kinds[MATROSKA];
    if (has(bytes, size, 0, "RIFF") && has(bytes, size, 8, "AVI "))
        return &kinds[AVI];
    if (has(bytes, size, 0, "RIFF") && has(bytes, size, 8, "WAVE"))
        return &kinds[WAV];
    if (has(bytes, size, 0, "OggS"))
        return &kinds[OGG];
    if (has(bytes, size, 0, "FLV\x01"))
        return &kinds[FLV];
    if (has(bytes, size, 0, "fLaC"))
        return &kinds[FLAC];
    if (has(bytes, size, 0, "ID3")) /* the parser skips the tag */
        return &kinds[ID3];
    if (size >= 4 && memcmp(bytes, "\0\0\1\xba", 4) == 0)
        return &kinds[PS];
    if (is_ts(bytes, size, 0, 188) || is_ts(bytes, size, 4, 192))
        return &kinds[TS];
    if (is_mp4(bytes, size))
        return &kinds[MP4];
    if (is_adts(bytes, size))
        return &kinds[AAC];
    return is_mp3(bytes, size) ? &kinds[MP3] : NULL;
}
