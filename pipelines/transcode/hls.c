#include "pipelines/transcode/hls.h"

#include "pipelines/common/files.h"
#include "pipelines/transcode/fmp4.h"
#include "recordings/language-names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void append_segments(GString *text, const MnbFmp4 *fmp4)
{
    gint64 longest_us = 0;
    for (guint i = 0; i < fmp4->fragments->len; i++)
        longest_us = MAX(longest_us, g_array_index(fmp4->fragments, MnbFragment, i).duration_us);
    g_string_append_printf(text,
                           "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n"
                           "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                           "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n",
                           (int)MAX((longest_us + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC, 1));
    for (guint i = 0; i < fmp4->fragments->len; i++) {
        const MnbFragment *fragment = &g_array_index(fmp4->fragments, MnbFragment, i);
        g_string_append_printf(text,
                               "#EXTINF:%d.%06d,\n#EXT-X-BYTERANGE:%" G_GUINT64_FORMAT
                               "@%" G_GUINT64_FORMAT "\nstream.mp4\n",
                               (int)(fragment->duration_us / (gint64)G_USEC_PER_SEC),
                               (int)(fragment->duration_us % (gint64)G_USEC_PER_SEC),
                               fragment->bytes, fragment->offset);
    }
    g_string_append(text, "#EXT-X-ENDLIST\n");
}

static gint64 rate(guint64 bytes, gint64 duration_us)
{
    return duration_us > 0 ? (gint64)(bytes * 8 * G_USEC_PER_SEC / (guint64)duration_us) : 0;
}

/* The peak is that of a segment; a short last one says nothing. */
static void measure(MnbRendition *rendition, const MnbFmp4 *fmp4)
{
    g_strlcpy(rendition->codec, fmp4->codec, sizeof rendition->codec);
    rendition->duration_us = fmp4->duration_us;
    rendition->bytes = fmp4->bytes;
    rendition->n_segments = (int)fmp4->fragments->len;
    rendition->average_bps = rendition->peak_bps = rate(fmp4->bytes, fmp4->duration_us);
    for (guint i = 0; i < fmp4->fragments->len; i++) {
        const MnbFragment *fragment = &g_array_index(fmp4->fragments, MnbFragment, i);
        if (fragment->duration_us >= (gint64)G_USEC_PER_SEC)
            rendition->peak_bps =
                MAX(rendition->peak_bps, rate(fragment->bytes, fragment->duration_us));
    }
}

/* Maps the stream for writing: the parser moves composition offsets in place. */
static int parse_stream(const char *path, MnbFmp4 *fmp4)
{
    struct stat info;
    *fmp4 = (MnbFmp4){0};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = -EBADMSG;
    if (fstat(fd, &info) == 0 && info.st_size > 0) {
        gsize size = (gsize)info.st_size;
        guint8 *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        result = -errno;
        if (bytes != MAP_FAILED) {
            result = mnb_fmp4_parse(bytes, size, fmp4);
            munmap(bytes, size);
        }
    }
    close(fd);
    return result;
}

gboolean mnb_hls_index(const char *folder, MnbRendition *rendition, GError **error)
{
    g_autofree char *stream = g_build_filename(folder, rendition->name, "stream.mp4", NULL);
    g_autofree char *init = g_build_filename(folder, rendition->name, "init.mp4", NULL);
    g_autofree char *index = g_build_filename(folder, rendition->name, "index.m3u8", NULL);
    MnbFmp4 fmp4;
    int result = parse_stream(stream, &fmp4);
    gboolean ok = FALSE;
    if (result == 0) {
        g_autoptr(GString) text = g_string_new(NULL);
        append_segments(text, &fmp4);
        measure(rendition, &fmp4);
        ok = mnb_files_write(init, (const char *)fmp4.init->data, fmp4.init->len, error) &&
             mnb_files_write(index, text->str, text->len, error);
    } else if (result == -EBADMSG) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_DAMAGED, "nothing came out for %s",
                    rendition->name);
    } else {
        mnb_job_error_set_errno(error, -result, stream);
    }
    mnb_fmp4_clear(&fmp4);
    return ok;
}

static const char *group_name(gboolean is_low)
{
    return is_low ? "audio-low" : "audio";
}

/* The group's members differ in language only; the largest stands for all. Returns: FALSE when
 * there is none. */
static gboolean measure_group(const MnbRendition *renditions, int n, gboolean is_low,
                              MnbRendition *group_out)
{
    gboolean is_found = FALSE;
    for (int i = 0; i < n; i++) {
        const MnbRendition *sound = &renditions[i];
        if (sound->is_video || sound->is_low != is_low)
            continue;
        gint64 peak_bps = is_found ? group_out->peak_bps : 0;
        gint64 average_bps = is_found ? group_out->average_bps : 0;
        if (!is_found)
            *group_out = *sound;
        group_out->peak_bps = MAX(peak_bps, sound->peak_bps);
        group_out->average_bps = MAX(average_bps, sound->average_bps);
        is_found = TRUE;
    }
    return is_found;
}

static void append_sounds(GString *text, const MnbRendition *renditions, int n)
{
    for (int i = 0; i < n; i++) {
        const MnbRendition *sound = &renditions[i];
        if (sound->is_video)
            continue;
        g_string_append_printf(text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"%s\",NAME=\"%s\",",
                               group_name(sound->is_low), mnb_language_names(sound->language));
        if (sound->language[0] != '\0')
            g_string_append_printf(text, "LANGUAGE=\"%s\",", sound->language);
        g_string_append_printf(
            text, "DEFAULT=%s,AUTOSELECT=YES,CHANNELS=\"%d\",URI=\"%s/index.m3u8\"\n",
            sound->sound == 0 ? "YES" : "NO", sound->is_low ? 1 : 2, sound->name);
    }
}

static void append_picture(GString *text, const MnbRendition *picture, const MnbRendition *sound)
{
    const MnbRung *rung = picture->rung;
    g_string_append_printf(
        text,
        "#EXT-X-STREAM-INF:BANDWIDTH=%" G_GINT64_FORMAT ",AVERAGE-BANDWIDTH=%" G_GINT64_FORMAT
        ",CODECS=\"%s%s%s\",RESOLUTION=%dx%d,FRAME-RATE=%d.%03d",
        picture->peak_bps, picture->average_bps, picture->codec, sound != NULL ? "," : "",
        sound != NULL ? sound->codec : "", rung->width, rung->height, rung->fps_n / rung->fps_d,
        rung->fps_n % rung->fps_d * 1000 / rung->fps_d);
    if (sound != NULL)
        g_string_append_printf(text, ",AUDIO=\"%s\"", group_name(sound->is_low));
    g_string_append_printf(text, "\n%s/index.m3u8\n", picture->name);
}

static void append_sound_only(GString *text, const MnbRendition *sound)
{
    g_string_append_printf(
        text,
        "#EXT-X-STREAM-INF:BANDWIDTH=%" G_GINT64_FORMAT ",AVERAGE-BANDWIDTH=%" G_GINT64_FORMAT
        ",CODECS=\"%s\",AUDIO=\"%s\"\n%s/index.m3u8\n",
        sound->peak_bps, sound->average_bps, sound->codec, group_name(sound->is_low), sound->name);
}

gboolean mnb_hls_master(const char *folder, MnbRendition *renditions, int n, GError **error)
{
    MnbRendition groups[2];
    const MnbRendition *full = measure_group(renditions, n, FALSE, &groups[0]) ? &groups[0] : NULL;
    const MnbRendition *low = measure_group(renditions, n, TRUE, &groups[1]) ? &groups[1] : NULL;
    g_autoptr(GString) text =
        g_string_new("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    append_sounds(text, renditions, n);
    for (int i = 0; i < n; i++) {
        MnbRendition *picture = &renditions[i];
        if (!picture->is_video)
            continue;
        const MnbRendition *sound = picture->rung->is_low ? low : full;
        if (sound != NULL) {
            picture->peak_bps += sound->peak_bps;
            picture->average_bps += sound->average_bps;
        }
        append_picture(text, picture, sound);
    }
    if (full != NULL && !renditions[0].is_video)
        append_sound_only(text, full);
    if (low != NULL)
        append_sound_only(text, low);
    g_autofree char *path = g_build_filename(folder, "master.m3u8", NULL);
    return mnb_files_write(path, text->str, text->len, error);
}
