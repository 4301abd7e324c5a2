#include "pipelines/record/repair.h"

#include "pipelines/common/files.h"
#include "pipelines/common/job-error.h"
#include "pipelines/common/lines.h"
#include "pipelines/record/matroska-scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one file ----------------------------------------------------------------------------------
 */

/* Writes one element with an 8-byte or shorter payload. */
static void append_uint(GByteArray *out, const guint8 *id, guint id_bytes, guint64 value)
{
    guint8 element[1 + 8] = {0x88};
    for (guint i = 0; i < 8; i++)
        element[1 + i] = (guint8)(value >> (56 - 8 * i));
    g_byte_array_append(out, id, id_bytes);
    g_byte_array_append(out, element, sizeof element);
}

/* A size of 8 bytes (RFC 8794, 6.1). */
static void size_bytes(guint64 size, guint8 *out)
{
    for (guint i = 0; i < 8; i++)
        out[i] = (guint8)(size >> (56 - 8 * i));
    out[0] = 0x01;
}

static void append_master(GByteArray *out, const guint8 *id, guint id_bytes,
                          const GByteArray *content)
{
    guint8 size[8];
    size_bytes(content->len, size);
    g_byte_array_append(out, id, id_bytes);
    g_byte_array_append(out, size, sizeof size);
    g_byte_array_append(out, content->data, content->len);
}

static GByteArray *make_cues(const MnbMatroskaScan *scan)
{
    g_autoptr(GByteArray) points = g_byte_array_new();
    for (guint i = 0; i < scan->cues->len; i++) {
        const MnbMatroskaCue *cue = &g_array_index(scan->cues, MnbMatroskaCue, i);
        g_autoptr(GByteArray) place = g_byte_array_new();
        append_uint(place, (const guint8 *)"\xf7", 1, scan->track);
        append_uint(place, (const guint8 *)"\xf1", 1, cue->cluster_pos);
        g_autoptr(GByteArray) point = g_byte_array_new();
        append_uint(point, (const guint8 *)"\xb3", 1, cue->time);
        append_master(point, (const guint8 *)"\xb7", 1, place);
        append_master(points, (const guint8 *)"\xbb", 1, point);
    }
    GByteArray *cues = g_byte_array_new();
    append_master(cues, (const guint8 *)"\x1c\x53\xbb\x6b", 4, points);
    return cues;
}

static void append_seek(GByteArray *out, const char *id, guint64 position)
{
    g_autoptr(GByteArray) seek = g_byte_array_new();
    g_byte_array_append(seek, (const guint8 *)"\x53\xab\x84", 3);
    g_byte_array_append(seek, (const guint8 *)id, 4);
    append_uint(seek, (const guint8 *)"\x53\xac", 2, position);
    append_master(out, (const guint8 *)"\x4d\xbb", 2, seek);
}

/* The same number of bytes as there were: a SeekHead when it fits, the rest Void. */
static GByteArray *make_seek_head(const MnbMatroskaScan *scan)
{
    g_autoptr(GByteArray) seeks = g_byte_array_new();
    append_seek(seeks, "\x15\x49\xa9\x66", scan->info_at - scan->segment_at);
    append_seek(seeks, "\x16\x54\xae\x6b", scan->tracks_at - scan->segment_at);
    append_seek(seeks, "\x1c\x53\xbb\x6b", scan->keep - scan->segment_at);
    GByteArray *area = g_byte_array_new();
    append_master(area, (const guint8 *)"\x11\x4d\x9b\x74", 4, seeks);
    guint64 left = scan->seek_head_bytes - area->len;
    if (area->len > scan->seek_head_bytes || (left > 0 && left < 9)) {
        g_byte_array_set_size(area, 0);
        left = scan->seek_head_bytes;
    }
    if (left >= 9) {
        guint8 head[9] = {0xec};
        size_bytes(left - 9, head + 1);
        g_byte_array_append(area, head, sizeof head);
        guint old_len = area->len;
        g_byte_array_set_size(area, (guint)scan->seek_head_bytes);
        memset(area->data + old_len, 0, area->len - old_len);
    }
    return area;
}

static gboolean write_at(int fd, const void *bytes, gsize size, guint64 at)
{
    const guint8 *from = bytes;
    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FALSE;
        from += n;
        at += (guint64)n;
        size -= (gsize)n;
    }
    return TRUE;
}

static gboolean write_duration(int fd, const MnbMatroskaScan *scan)
{
    guint64 duration = scan->last_time - scan->first_time;
    guint8 bytes[8];
    if (scan->duration_at == 0)
        return TRUE;
    if (scan->duration_bytes == 8)
        GST_WRITE_DOUBLE_BE(bytes, (gdouble)duration);
    else
        GST_WRITE_FLOAT_BE(bytes, (gfloat)duration);
    return write_at(fd, bytes, scan->duration_bytes, scan->duration_at);
}

static gboolean write_size(int fd, guint64 at, guint64 size)
{
    guint8 bytes[8];
    size_bytes(size, bytes);
    return write_at(fd, bytes, sizeof bytes, at);
}

/* The segment's size comes last and after a sync: until then a scan finds the file not complete. */
static gboolean mend(int fd, const MnbMatroskaScan *scan, guint64 *size_out)
{
    g_autoptr(GByteArray) cues = make_cues(scan);
    *size_out = scan->keep + cues->len;
    if (ftruncate(fd, (off_t)scan->keep) != 0 || !write_at(fd, cues->data, cues->len, scan->keep))
        return FALSE;
    if (scan->cluster_size_at != 0 &&
        !write_size(fd, scan->cluster_size_at, scan->keep - scan->cluster_at))
        return FALSE;
    if (scan->seek_head_bytes >= 9 && scan->seek_head_bytes < 65536) {
        g_autoptr(GByteArray) area = make_seek_head(scan);
        if (!write_at(fd, area->data, area->len, scan->seek_head_at))
            return FALSE;
    }
    return write_duration(fd, scan) && fsync(fd) == 0 &&
           write_size(fd, scan->segment_size_at, *size_out - scan->segment_at) && fsync(fd) == 0;
}

static gboolean repair_open(int fd, const char *path, guint64 size, const guint8 *bytes,
                            MnbRepair *repair, GError **error)
{
    MnbMatroskaScan scan;
    int result = mnb_matroska_scan(bytes, size, &scan);
    if (result != 0) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_DAMAGED, "%s: no frame of it can be read", path);
        mnb_matroska_scan_clear(&scan);
        return FALSE;
    }
    *repair = (MnbRepair){
        .offset_us = (gint64)(scan.first_time * scan.scale_ns / 1000),
        .duration_us = (gint64)((scan.last_time - scan.first_time) * scan.scale_ns / 1000),
        .bytes = size,
        .was_complete = scan.is_complete,
    };
    gboolean ok = scan.is_complete || mend(fd, &scan, &repair->bytes);
    if (!ok)
        mnb_job_error_set_errno(error, errno, path);
    else if (!scan.is_complete)
        repair->dropped_bytes = size - scan.keep;
    mnb_matroska_scan_clear(&scan);
    return ok;
}

gboolean mnb_repair_file(const char *path, MnbRepair *repair_out, GError **error)
{
    struct stat info;
    *repair_out = (MnbRepair){0};
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return mnb_job_error_set_errno(error, errno, path);
    gboolean ok = FALSE;
    if (fstat(fd, &info) != 0) {
        mnb_job_error_set_errno(error, errno, path);
    } else if (info.st_size == 0) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_DAMAGED, "%s is empty", path);
    } else {
        guint64 size = (guint64)info.st_size;
        guint8 *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        if (bytes == MAP_FAILED) {
            mnb_job_error_set_errno(error, errno, path);
        } else {
            ok = repair_open(fd, path, size, bytes, repair_out, error);
            munmap(bytes, size);
        }
    }
    close(fd);
    return ok;
}

/* ---- the parts of a recording -------------------------------------------------------------------
 */

static void repair_track(const char *dir, json_t *track, gint64 *end_us)
{
    const char *file = json_string_value(json_object_get(track, "file"));
    const char *state = json_string_value(json_object_get(track, "state"));
    if (file == NULL || state == NULL || strcmp(state, "writing") != 0)
        return;
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autoptr(GError) error = NULL;
    MnbRepair repair;
    if (strstr(file, "..") != NULL || !mnb_repair_file(path, &repair, &error)) {
        mnb_lines_warn("repair", "%s", error != NULL ? error->message : file);
        json_object_set_new(track, "state", json_string("lost"));
        return;
    }
    json_object_set_new(track, "state", json_string("repaired"));
    json_object_set_new(track, "offset_us", json_integer(repair.offset_us));
    json_object_set_new(track, "duration_us", json_integer(repair.duration_us));
    json_object_set_new(track, "bytes", json_integer((json_int_t)repair.bytes));
    *end_us = MAX(*end_us, repair.offset_us + repair.duration_us);
    mnb_lines_emit(json_pack("{s:s, s:s, s:I, s:I, s:I}", "event", "repaired", "file", file,
                             "duration_us", (json_int_t)repair.duration_us, "bytes",
                             (json_int_t)repair.bytes, "dropped_bytes",
                             (json_int_t)repair.dropped_bytes));
}

/* Takes out of @part what is of peers to be forgotten, files first. Returns: whether it changed. */
static gboolean forget_tracks(const char *dir, json_t *part, const char *const *forget)
{
    json_t *tracks = json_object_get(part, "tracks");
    gboolean is_changed = FALSE;
    for (size_t i = json_array_size(tracks); forget != NULL && i > 0; i--) {
        json_t *track = json_array_get(tracks, i - 1);
        const char *peer = json_string_value(json_object_get(track, "peer"));
        const char *file = json_string_value(json_object_get(track, "file"));
        if (peer == NULL || !g_strv_contains(forget, peer))
            continue;
        if (file != NULL && strstr(file, "..") == NULL) {
            g_autofree char *path = g_build_filename(dir, file, NULL);
            if (unlink(path) != 0 && errno != ENOENT)
                mnb_lines_warn("repair", "%s: %s", path, g_strerror(errno));
        }
        json_array_remove(tracks, i - 1);
        is_changed = TRUE;
    }
    return is_changed;
}

static gboolean repair_part(const char *dir, const char *name, const MnbRepairPlan *plan,
                            GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    json_error_t json_error;
    json_t *part = json_load_file(path, JSON_REJECT_DUPLICATES, &json_error);
    const char *state = json_string_value(json_object_get(part, "state"));
    if (state == NULL) {
        json_decref(part);
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_DAMAGED, "%s cannot be read", path);
        return FALSE;
    }
    gboolean is_changed = forget_tracks(dir, part, plan->forget);
    gboolean ok = TRUE;
    if (strcmp(state, "recording") == 0) {
        gint64 end_us = json_integer_value(json_object_get(part, "duration_us"));
        size_t i;
        json_t *track;
        json_array_foreach(json_object_get(part, "tracks"), i, track)
            repair_track(dir, track, &end_us);
        json_object_set_new(part, "duration_us", json_integer(end_us));
        json_object_set_new(part, "state", json_string("repaired"));
        is_changed = TRUE;
    }
    if (is_changed)
        ok = mnb_files_write_json(path, part, error);
    json_decref(part);
    return ok;
}

gboolean mnb_repair_dir(const char *dir, const MnbRepairPlan *plan, GError **error)
{
    GDir *folder = g_dir_open(dir, 0, NULL);
    if (folder == NULL)
        return mnb_job_error_set_errno(error, errno, dir);
    gboolean ok = TRUE;
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
        if (!g_str_has_prefix(name, "part-") || !g_str_has_suffix(name, ".json"))
            continue;
        guint64 number = g_ascii_strtoull(name + strlen("part-"), NULL, 10);
        if (plan->below_part != 0 && number >= plan->below_part)
            continue;
        g_autoptr(GError) bad = NULL;
        if (repair_part(dir, name, plan, &bad))
            continue;
        ok = FALSE;
        g_printerr("%s\n", bad->message);
        if (error != NULL && *error == NULL)
            g_propagate_error(error, g_steal_pointer(&bad));
    }
    g_dir_close(folder);
    return ok;
}
