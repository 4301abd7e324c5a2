#include "pipelines/record/matroska-scan.h"

#include <errno.h>
#include <string.h>

enum {
    ID_EBML = 0x1a45dfa3,
    ID_SEGMENT = 0x18538067,
    ID_SEEK_HEAD = 0x114d9b74,
    ID_VOID = 0xec,
    ID_INFO = 0x1549a966,
    ID_SCALE = 0x2ad7b1,
    ID_DURATION = 0x4489,
    ID_TRACKS = 0x1654ae6b,
    ID_CLUSTER = 0x1f43b675,
    ID_CUES = 0x1c53bb6b,
    ID_TAGS = 0x1254c367,
    ID_TIMECODE = 0xe7,
    ID_POSITION = 0xa7,
    ID_PREV_SIZE = 0xab,
    ID_SIMPLE_BLOCK = 0xa3,
    ID_BLOCK_GROUP = 0xa0,
    ID_BLOCK = 0xa1,
    ID_REFERENCE = 0xfb,
};

#define DEFAULT_SCALE_NS 1000000
#define CUE_DISTANCE_NS  1000000000
#define SIZE_UNKNOWN     G_MAXUINT64

typedef struct {
    const guint8 *bytes;
    guint64 at, end;
} Reader;

typedef struct {
    guint32 id;
    guint64 at;      /* of the id */
    guint64 size_at; /* of the size */
    guint64 data_at;
    guint64 size; /* of the data; SIZE_UNKNOWN */
    guint size_bytes;
} Element;

/* A variable-length number (RFC 8794, 4). @keep_marker: for ids. Returns: its length, 0: not whole.
 */
static guint read_vint(const Reader *reader, guint64 at, guint max_bytes, gboolean keep_marker,
                       guint64 *value_out)
{
    if (at >= reader->end || reader->bytes[at] == 0)
        return 0;
    guint length = (guint)__builtin_clz(reader->bytes[at]) - 24 + 1;
    if (length > max_bytes || reader->end - at < length)
        return 0;
    guint64 value = reader->bytes[at];
    gboolean all_ones = (value | (0xffu << (8 - length) & 0xff)) == 0xff;
    if (!keep_marker)
        value &= (1u << (8 - length)) - 1;
    for (guint i = 1; i < length; i++) {
        value = value << 8 | reader->bytes[at + i];
        all_ones = all_ones && reader->bytes[at + i] == 0xff;
    }
    *value_out = !keep_marker && all_ones ? SIZE_UNKNOWN : value;
    return length;
}

static gboolean read_element(const Reader *reader, Element *element)
{
    guint64 id;
    guint id_bytes = read_vint(reader, reader->at, 4, TRUE, &id);
    if (id_bytes == 0)
        return FALSE;
    element->id = (guint32)id;
    element->at = reader->at;
    element->size_at = reader->at + id_bytes;
    element->size_bytes = read_vint(reader, element->size_at, 8, FALSE, &element->size);
    element->data_at = element->size_at + element->size_bytes;
    return element->size_bytes != 0;
}

static gboolean is_whole(const Reader *reader, const Element *element)
{
    return element->size != SIZE_UNKNOWN && element->size <= reader->end - element->data_at;
}

static guint64 read_uint(const Reader *reader, const Element *element)
{
    guint64 value = 0;
    for (guint64 i = 0; i < MIN(element->size, 8); i++)
        value = value << 8 | reader->bytes[element->data_at + i];
    return value;
}

static void scan_info(const Reader *file, const Element *info, MnbMatroskaScan *scan)
{
    Reader inside = {file->bytes, info->data_at, info->data_at + info->size};
    Element element;
    while (read_element(&inside, &element) && is_whole(&inside, &element)) {
        if (element.id == ID_SCALE && element.size >= 1 && element.size <= 8) {
            scan->scale_ns = read_uint(&inside, &element);
        } else if (element.id == ID_DURATION && (element.size == 4 || element.size == 8)) {
            scan->duration_at = element.data_at;
            scan->duration_bytes = (guint)element.size;
        }
        inside.at = element.data_at + element.size;
    }
    if (scan->scale_ns == 0 || scan->scale_ns > 1000000000)
        scan->scale_ns = DEFAULT_SCALE_NS;
}

static void add_cue(MnbMatroskaScan *scan, guint64 time, guint64 cluster_at)
{
    MnbMatroskaCue cue = {time, cluster_at - scan->segment_at};
    if (scan->cues->len > 0) {
        MnbMatroskaCue *last = &g_array_index(scan->cues, MnbMatroskaCue, scan->cues->len - 1);
        if (time < last->time || (time - last->time) * scan->scale_ns < CUE_DISTANCE_NS)
            return;
    }
    g_array_append_val(scan->cues, cue);
}

/* What makes a block a key frame: a flag in a SimpleBlock, no reference in a BlockGroup. */
typedef enum { KEY_BY_FLAG, KEY_YES, KEY_NO } Key;

/* @at, @size: of the data of a Block or SimpleBlock. */
static gboolean scan_block(const Reader *reader, guint64 at, guint64 size, Key key,
                           guint64 cluster_time, guint64 cluster_at, MnbMatroskaScan *scan)
{
    Reader inside = {reader->bytes, at, at + size};
    guint64 track;
    guint track_bytes = read_vint(&inside, at, 8, FALSE, &track);
    if (track_bytes == 0 || size < track_bytes + 3u)
        return FALSE;
    const guint8 *rest = reader->bytes + at + track_bytes;
    gint16 relative = (gint16)(rest[0] << 8 | rest[1]);
    if (relative < 0 && cluster_time < (guint64)-relative)
        return FALSE;
    guint64 time = cluster_time + (guint64)(gint64)relative;
    if (scan->n_blocks++ == 0) {
        scan->first_time = time;
        scan->track = track;
    }
    scan->first_time = MIN(scan->first_time, time);
    scan->last_time = MAX(scan->last_time, time);
    if (key == KEY_YES || (key == KEY_BY_FLAG && (rest[2] & 0x80) != 0))
        add_cue(scan, time, cluster_at);
    return TRUE;
}

static gboolean scan_group(const Reader *reader, const Element *group, guint64 cluster_time,
                           guint64 cluster_at, MnbMatroskaScan *scan)
{
    Reader inside = {reader->bytes, group->data_at, group->data_at + group->size};
    Element element, block = {0};
    Key key = KEY_YES;
    while (read_element(&inside, &element) && is_whole(&inside, &element)) {
        if (element.id == ID_BLOCK)
            block = element;
        else if (element.id == ID_REFERENCE)
            key = KEY_NO;
        inside.at = element.data_at + element.size;
    }
    return block.id != 0 && inside.at == inside.end &&
           scan_block(reader, block.data_at, block.size, key, cluster_time, cluster_at, scan);
}

/* Returns: whether all of the cluster was whole. Sets scan->keep behind its last whole child. */
static gboolean scan_cluster(const Reader *file, const Element *cluster, MnbMatroskaScan *scan)
{
    guint64 end = is_whole(file, cluster) ? cluster->data_at + cluster->size : file->end;
    Reader inside = {file->bytes, cluster->data_at, end};
    Element element;
    guint64 time = 0, n_before = scan->n_blocks;
    while (inside.at < inside.end && read_element(&inside, &element) &&
           is_whole(&inside, &element)) {
        gboolean ok = TRUE;
        if (element.id == ID_TIMECODE)
            time = read_uint(&inside, &element) & (G_MAXUINT64 >> 8);
        else if (element.id == ID_SIMPLE_BLOCK)
            ok = scan_block(&inside, element.data_at, element.size, KEY_BY_FLAG, time, cluster->at,
                            scan);
        else if (element.id == ID_BLOCK_GROUP)
            ok = scan_group(&inside, &element, time, cluster->at, scan);
        else
            ok = element.id == ID_POSITION || element.id == ID_PREV_SIZE || element.id == ID_VOID;
        if (!ok)
            break;
        inside.at = element.data_at + element.size;
    }
    /* A cluster without a block is of no use: the file then ends before it. */
    if (scan->n_blocks > n_before) {
        scan->cluster_size_at = cluster->size_bytes == 8 ? cluster->size_at : 0;
        scan->cluster_at = cluster->data_at;
        scan->keep = inside.at;
    }
    return is_whole(file, cluster) && inside.at == end;
}

/* Returns: whether the walk can go on behind @element. */
static gboolean scan_child(const Reader *file, const Element *element, MnbMatroskaScan *scan)
{
    if (element->id == ID_CLUSTER)
        return scan_cluster(file, element, scan);
    if (!is_whole(file, element))
        return FALSE;
    guint64 end = element->data_at + element->size;
    if (element->id == ID_SEEK_HEAD) {
        scan->seek_head_at = element->at;
        scan->seek_head_bytes = end - element->at;
    } else if (element->id == ID_VOID && scan->seek_head_bytes > 0 &&
               scan->seek_head_at + scan->seek_head_bytes == element->at) {
        scan->seek_head_bytes += end - element->at;
    } else if (element->id == ID_INFO) {
        scan->info_at = element->at;
        scan_info(file, element, scan);
    } else if (element->id == ID_TRACKS) {
        scan->tracks_at = element->at;
    } else if (element->id != ID_VOID && element->id != ID_TAGS && element->id != ID_CUES) {
        return FALSE;
    }
    return TRUE;
}

static gboolean find_segment(const Reader *file, Element *segment)
{
    Reader top = *file;
    if (!read_element(&top, segment) || segment->id != ID_EBML || !is_whole(&top, segment))
        return FALSE;
    top.at = segment->data_at + segment->size;
    return read_element(&top, segment) && segment->id == ID_SEGMENT && segment->size_bytes == 8;
}

int mnb_matroska_scan(const guint8 *bytes, guint64 size, MnbMatroskaScan *scan_out)
{
    Reader file = {bytes, 0, size};
    Element segment, element;
    *scan_out = (MnbMatroskaScan){.scale_ns = DEFAULT_SCALE_NS};
    scan_out->cues = g_array_new(FALSE, FALSE, sizeof(MnbMatroskaCue));
    if (!find_segment(&file, &segment))
        return -EBADMSG;
    scan_out->segment_size_at = segment.size_at;
    scan_out->segment_at = segment.data_at;
    file.at = segment.data_at;

    gboolean has_cues = FALSE;
    while (file.at < file.end && read_element(&file, &element) &&
           scan_child(&file, &element, scan_out)) {
        has_cues = has_cues || element.id == ID_CUES;
        file.at = element.data_at + element.size;
    }
    scan_out->is_complete = file.at == file.end && has_cues &&
                            is_whole(&(Reader){bytes, 0, size}, &segment) &&
                            segment.data_at + segment.size == size;
    if (scan_out->info_at == 0 || scan_out->tracks_at == 0 || scan_out->n_blocks == 0)
        return -ENODATA;
    return 0;
}

void mnb_matroska_scan_clear(MnbMatroskaScan *scan)
{
    g_clear_pointer(&scan->cues, g_array_unref);
}
