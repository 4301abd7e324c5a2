#include "pipelines/common/film.h"

#include <errno.h>
#include <fcntl.h>
#include <gst/video/video.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SD_LINES 576 /* and fewer: the colours of television before HD */
#define QUEUE_BYTES                                                                                \
    (64u << 20) /* encoded bytes that may wait while the other stream catches up                   \
                 */

/* Which parser and decoder a stream gets. The first row that the caps fit wins. */
static const struct {
    const char *caps, *parser, *decoder; /* NULL: none needed */
} codecs[] = {
    {"video/x-h264", "h264parse", "avdec_h264"},
    {"video/x-h265", "h265parse", "avdec_h265"},
    {"video/x-vp8", NULL, "vp8dec"},
    {"video/x-vp9", NULL, "vp9dec"},
    {"video/x-av1", "av1parse", "av1dec"},
    {"video/mpeg, mpegversion=(int)4", "mpeg4videoparse", "avdec_mpeg4"},
    {"video/mpeg, mpegversion=(int){1, 2}", "mpegvideoparse", "avdec_mpeg2video"},
    {"video/x-divx, divxversion=(int){4, 5}", NULL, "avdec_mpeg4"},
    {"video/x-xvid", NULL, "avdec_mpeg4"},
    {"video/x-msmpeg, msmpegversion=(int)42", NULL, "avdec_msmpeg4v2"},
    {"video/x-msmpeg, msmpegversion=(int)43", NULL, "avdec_msmpeg4"},
    {"video/x-divx, divxversion=(int)3", NULL, "avdec_msmpeg4"},
    {"video/x-h263", NULL, "avdec_h263"},
    {"video/x-flash-video", NULL, "avdec_flv"},
    {"video/x-wmv, wmvversion=(int)2", NULL, "avdec_wmv2"},
    {"video/x-prores", NULL, "avdec_prores"},
    {"video/x-dv", NULL, "avdec_dvvideo"},
    {"video/x-theora", NULL, "theoradec"},
    {"image/jpeg", NULL, "jpegdec"},
    {"video/x-raw", NULL, NULL},
    {"audio/mpeg, mpegversion=(int)1", "mpegaudioparse", "avdec_mp3"},
    {"audio/mpeg, mpegversion=(int){2, 4}", "aacparse", "avdec_aac"},
    {"audio/x-opus", NULL, "opusdec"},
    {"audio/x-vorbis", NULL, "vorbisdec"},
    {"audio/x-flac", "flacparse", "flacdec"},
    {"audio/x-ac3", "ac3parse", "avdec_ac3"},
    {"audio/x-eac3", "ac3parse", "avdec_eac3"},
    {"audio/x-alaw", NULL, "avdec_pcm_alaw"},
    {"audio/x-mulaw", NULL, "avdec_pcm_mulaw"},
    {"audio/x-adpcm, layout=(string)dvi", NULL, "avdec_adpcm_ima_wav"},
    {"audio/x-alac", NULL, "avdec_alac"},
    {"audio/AMR", "amrparse", "avdec_amrnb"},
    {"audio/AMR-WB", "amrparse", "avdec_amrwb"},
    {"audio/x-raw", NULL, NULL},
};

struct MnbFilm {
    GstElement *pipeline; /* borrowed */
    const MnbFilmKind *kind;
    MnbFilmBranch branch;
    gpointer owner;
    GMutex lock;                   /* for all below */
    GstPad *out[MNB_FILM_STREAMS]; /* sink pads of the branches; NULL: none */
    int n_sounds;                  /* that were found and can be decoded */
    char codec[2][64];             /* of the picture and the first sound */
    char languages[MNB_FILM_SOUNDS_MAX][36];
    gint fps_n, fps_d; /* by the container; 0/1: not said */
    guint n_pictures;  /* the first ones: their time stamps, for a rate */
    GstClockTime first, last;
    char refused[128]; /* caps name of a stream that nobody decodes; "": none */
    gboolean has_all_pads;
    gint n_tracks; /* atomic: of any kind, wanted or not */
};

enum { VIDEO, AUDIO }; /* AUDIO: the first sound */

/* ---- building -----------------------------------------------------------------------------------
 */

static GstElement *add(MnbFilm *film, const char *factory, const char *name, GstElement *after)
{
    g_autoptr(GError) error = NULL;
    GstElement *element = mnb_element_make(factory, name, &error);
    if (element == NULL) {
        g_printerr("%s\n", error->message);
        return NULL;
    }
    gst_bin_add(GST_BIN(film->pipeline), element);
    if (after != NULL && !gst_element_link(after, element))
        return NULL;
    return element;
}

/* A film that does not say its colours has those of its size; said here, before it is turned: a
 * phone's upright 360x640 would count as HD by its height. */
static GstPadProbeReturn on_picture_caps(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    GstCaps *caps;
    int width = 0, height = 0;
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
        return GST_PAD_PROBE_OK;
    gst_event_parse_caps(event, &caps);
    const GstStructure *structure = gst_caps_get_structure(caps, 0);
    if (gst_structure_has_field(structure, "colorimetry") ||
        !gst_structure_get_int(structure, "width", &width) ||
        !gst_structure_get_int(structure, "height", &height))
        return GST_PAD_PROBE_OK;
    g_autoptr(GstCaps) named = gst_caps_copy(caps);
    gst_caps_set_simple(named, "colorimetry", G_TYPE_STRING,
                        MIN(width, height) <= SD_LINES ? "bt601" : "bt709", NULL);
    GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(named);
    gst_event_unref(event);
    return GST_PAD_PROBE_OK;
}

/* Makes pictures upright I420 without interlacing. The converter must not scale: asked for an
 * upright picture it would squeeze the lying one into it before it is turned. */
static GstElement *add_picture_filters(MnbFilm *film, GstElement *last)
{
    GstElement *filter;
    if ((last = add(film, "videoconvert", "film-video-convert", last)) == NULL ||
        (filter = add(film, "capsfilter", "film-video-caps", last)) == NULL)
        return NULL;
    g_autoptr(GstPad) pad = gst_element_get_static_pad(last, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_picture_caps, NULL, NULL);
    last = filter;
    gst_util_set_object_arg(G_OBJECT(filter), "caps", "video/x-raw, format=I420");
    if ((last = add(film, "deinterlace", "film-video-deinterlace", last)) == NULL)
        return NULL;
    gst_util_set_object_arg(G_OBJECT(last), "fields", "top"); /* keeps the frame rate */
    if ((last = add(film, "videoflip", "film-video-flip", last)) == NULL)
        return NULL;
    gst_util_set_object_arg(G_OBJECT(last), "video-direction", "auto");
    return last;
}

/* "film-video-queue", "film-audio-1-queue". Returns (owned). */
static char *part_name(int stream, const char *what)
{
    return stream == VIDEO ? g_strconcat("film-video-", what, NULL)
                           : g_strdup_printf("film-audio-%d-%s", stream, what);
}

/* Returns: the first element of the chain, everything linked to @into; NULL: it does not work. */
static GstElement *add_chain(MnbFilm *film, int stream, gsize codec, GstPad *into)
{
    g_autofree char *queue_name = part_name(stream, "queue");
    g_autofree char *parse_name = part_name(stream, "parse");
    g_autofree char *decode_name = part_name(stream, "decode");
    GstElement *queue = add(film, "queue", queue_name, NULL), *last = queue;
    if (queue == NULL)
        return NULL;
    g_object_set(queue, "max-size-bytes", QUEUE_BYTES, "max-size-buffers", 0u, "max-size-time",
                 (guint64)0, NULL);
    if (codecs[codec].parser != NULL &&
        (last = add(film, codecs[codec].parser, parse_name, last)) == NULL)
        return NULL;
    if (codecs[codec].decoder != NULL &&
        (last = add(film, codecs[codec].decoder, decode_name, last)) == NULL)
        return NULL;
    if (stream == VIDEO && (last = add_picture_filters(film, last)) == NULL)
        return NULL;
    g_autoptr(GstPad) out = gst_element_get_static_pad(last, "src");
    return gst_pad_link(out, into) == GST_PAD_LINK_OK ? queue : NULL;
}

static void start_chain(MnbFilm *film, int stream)
{
    GstIterator *iterator = gst_bin_iterate_elements(GST_BIN(film->pipeline));
    GValue value = G_VALUE_INIT;
    g_autofree char *prefix = part_name(stream, "");
    while (gst_iterator_next(iterator, &value) == GST_ITERATOR_OK) {
        GstElement *element = g_value_get_object(&value);
        if (g_str_has_prefix(GST_ELEMENT_NAME(element), prefix))
            gst_element_sync_state_with_parent(element);
        g_value_reset(&value);
    }
    g_value_unset(&value);
    gst_iterator_free(iterator);
}

static gssize find_codec(GstCaps *caps)
{
    for (gsize i = 0; i < G_N_ELEMENTS(codecs); i++) {
        g_autoptr(GstCaps) row = gst_caps_from_string(codecs[i].caps);
        if (gst_caps_can_intersect(caps, row))
            return (gssize)i;
    }
    return -1;
}

/* Time stamps of the first pictures, decoded or not: the rate when the container does not say it.
 */
static GstPadProbeReturn on_coded_picture(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    MnbFilm *film = data;
    GstClockTime at = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
    if (!GST_CLOCK_TIME_IS_VALID(at))
        return GST_PAD_PROBE_OK;
    g_mutex_lock(&film->lock);
    film->first = film->n_pictures == 0 ? at : MIN(film->first, at);
    film->last = film->n_pictures == 0 ? at : MAX(film->last, at);
    gboolean is_enough = ++film->n_pictures >= MNB_FILM_RATE_PICTURES;
    g_mutex_unlock(&film->lock);
    return is_enough ? GST_PAD_PROBE_REMOVE : GST_PAD_PROBE_OK;
}

/* Returns: its number, or -1 when it is not wanted. */
static int take_stream(MnbFilm *film, gboolean is_video, gboolean is_known, const char *name)
{
    int stream = -1;
    g_mutex_lock(&film->lock);
    if (!is_known && film->refused[0] == '\0')
        g_strlcpy(film->refused, name, sizeof film->refused);
    else if (is_known && is_video && film->out[VIDEO] == NULL)
        stream = VIDEO;
    else if (is_known && !is_video && film->n_sounds < MNB_FILM_SOUNDS_MAX)
        stream = AUDIO + film->n_sounds++;
    g_mutex_unlock(&film->lock);
    return stream;
}

/* The container's word for a sound's language comes as a tag in front of the data. */
static GstPadProbeReturn on_tag(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    MnbFilm *film = data;
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    GstTagList *tags = NULL;
    g_autofree char *language = NULL;
    if (GST_EVENT_TYPE(event) != GST_EVENT_TAG)
        return GST_PAD_PROBE_OK;
    gst_event_parse_tag(event, &tags);
    if (!gst_tag_list_get_string(tags, GST_TAG_LANGUAGE_CODE, &language) ||
        strcmp(language, "und") == 0)
        return GST_PAD_PROBE_OK;
    g_mutex_lock(&film->lock);
    for (int i = 0; i < film->n_sounds; i++) {
        GstElement *queue = GST_PAD_PARENT(pad);
        g_autofree char *name = part_name(AUDIO + i, "queue");
        if (queue != NULL && strcmp(GST_OBJECT_NAME(queue), name) == 0)
            g_strlcpy(film->languages[i], language, sizeof film->languages[i]);
    }
    g_mutex_unlock(&film->lock);
    return GST_PAD_PROBE_OK;
}

static void on_pad(GstElement *demuxer, GstPad *pad, gpointer data)
{
    MnbFilm *film = data;
    g_atomic_int_inc(&film->n_tracks);
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
    if (caps == NULL)
        caps = gst_pad_query_caps(pad, NULL);
    if (caps == NULL || gst_caps_is_empty(caps) || gst_caps_is_any(caps))
        return;
    const char *name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
    gboolean is_video = g_str_has_prefix(name, "video/") || g_str_has_prefix(name, "image/");
    if (!is_video && !g_str_has_prefix(name, "audio/"))
        return; /* subtitles, data */
    gssize codec = find_codec(caps);
    int stream = take_stream(film, is_video, codec >= 0, name);
    if (stream < 0)
        return;
    GstPad *into = film->branch(stream, film->owner);
    if (into == NULL)
        return;
    GstElement *first = add_chain(film, stream, (gsize)codec, into);
    g_autoptr(GstPad) in = first != NULL ? gst_element_get_static_pad(first, "sink") : NULL;
    g_mutex_lock(&film->lock);
    film->out[stream] = into;
    if (stream <= AUDIO)
        g_strlcpy(film->codec[stream], name, sizeof film->codec[stream]);
    if (stream == VIDEO)
        gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &film->fps_n,
                                   &film->fps_d);
    g_mutex_unlock(&film->lock);
    if (in != NULL) {
        if (stream == VIDEO)
            gst_pad_add_probe(in, GST_PAD_PROBE_TYPE_BUFFER, on_coded_picture, film, NULL);
        else
            gst_pad_add_probe(in, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_tag, film, NULL);
        start_chain(film, stream);
        if (gst_pad_link(pad, in) == GST_PAD_LINK_OK)
            return;
    }
    GST_ELEMENT_ERROR(demuxer, STREAM, WRONG_TYPE, ("%s cannot be decoded", name), (NULL));
}

static void on_no_more_pads(GstElement *demuxer, gpointer data)
{
    MnbFilm *film = data;
    g_mutex_lock(&film->lock);
    film->has_all_pads = TRUE;
    g_mutex_unlock(&film->lock);
}

/* Bare streams: the parser has one pad, whose caps come with the first frame. */
static GstPadProbeReturn on_bare_caps(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_CAPS)
        return GST_PAD_PROBE_OK;
    /* The event goes on after this, into what was linked just now. */
    g_autoptr(GstElement) parser = gst_pad_get_parent_element(pad);
    GstCaps *caps;
    gst_event_parse_caps(GST_PAD_PROBE_INFO_EVENT(info), &caps);
    gst_pad_store_sticky_event(pad, GST_PAD_PROBE_INFO_EVENT(info));
    on_pad(parser, pad, data);
    on_no_more_pads(parser, data);
    return GST_PAD_PROBE_REMOVE;
}

static const MnbFilmKind *sniff_file(const char *path, GError **error)
{
    guint8 bytes[MNB_SNIFF_BYTES];
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        mnb_job_error_set_errno(error, errno, "the film cannot be opened");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    ssize_t n = S_ISREG(info.st_mode) ? pread(fd, bytes, sizeof bytes, 0) : 0;
    close(fd);
    const MnbFilmKind *kind = n > 0 ? mnb_sniff(bytes, (gsize)n) : NULL;
    if (kind == NULL) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_NOT_A_FILM,
                    "the file is not a film in a format that is accepted (MP4, MOV, Matroska, "
                    "WebM, MPEG-TS, MPEG-PS, AVI, FLV, Ogg, WAV, MP3, AAC, FLAC)");
        return NULL;
    }
    if (info.st_size > (off_t)MNB_FILM_BYTES_MAX) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_TOO_LARGE, "the file is larger than 64 GiB");
        return NULL;
    }
    return kind;
}

MnbFilm *mnb_film_new(const char *path, GstElement *pipeline, MnbFilmBranch branch, gpointer owner,
                      GError **error)
{
    const MnbFilmKind *kind = sniff_file(path, error);
    if (kind == NULL)
        return NULL;
    MnbFilm *film = g_new0(MnbFilm, 1);
    g_mutex_init(&film->lock);
    film->pipeline = pipeline;
    film->kind = kind;
    film->branch = branch;
    film->owner = owner;
    GstElement *source = add(film, "filesrc", "film-source", NULL);
    GstElement *demuxer = source != NULL ? add(film, kind->demuxer, "film-demux", source) : NULL;
    if (demuxer == NULL) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_MISSING_PLUGIN, "missing GStreamer element: %s",
                    kind->demuxer);
        mnb_film_free(film);
        return NULL;
    }
    g_object_set(source, "location", path, NULL);
    g_autoptr(GstPad) bare = kind->is_bare ? gst_element_get_static_pad(demuxer, "src") : NULL;
    if (bare != NULL) {
        gst_pad_add_probe(bare, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_bare_caps, film, NULL);
    } else {
        g_signal_connect(demuxer, "pad-added", G_CALLBACK(on_pad), film);
        g_signal_connect(demuxer, "no-more-pads", G_CALLBACK(on_no_more_pads), film);
    }
    return film;
}

void mnb_film_free(MnbFilm *film)
{
    if (film == NULL)
        return;
    for (int i = 0; i < MNB_FILM_STREAMS; i++)
        gst_clear_object(&film->out[i]);
    g_mutex_clear(&film->lock);
    g_free(film);
}

const MnbFilmKind *mnb_film_kind(const MnbFilm *film)
{
    return film->kind;
}

int mnb_film_count_tracks(MnbFilm *film)
{
    return g_atomic_int_get(&film->n_tracks);
}

gboolean mnb_film_has_all_streams(MnbFilm *film)
{
    g_mutex_lock(&film->lock);
    gboolean has_all = film->has_all_pads;
    g_mutex_unlock(&film->lock);
    return has_all;
}

void mnb_film_codecs(MnbFilm *film, char *video_out, char *audio_out, gsize size)
{
    g_mutex_lock(&film->lock);
    g_strlcpy(video_out, film->codec[VIDEO], size);
    g_strlcpy(audio_out, film->codec[AUDIO], size);
    g_mutex_unlock(&film->lock);
}

void mnb_film_language(MnbFilm *film, int sound, char *out, gsize size)
{
    g_mutex_lock(&film->lock);
    g_strlcpy(out, film->languages[sound], size);
    g_mutex_unlock(&film->lock);
}

guint mnb_film_container_rate(MnbFilm *film, int *n_out, int *d_out)
{
    g_mutex_lock(&film->lock);
    guint n_seen = film->n_pictures;
    *n_out = film->fps_n;
    *d_out = film->fps_d;
    if (film->fps_n <= 0 || film->fps_d <= 0) {
        gboolean is_known = n_seen >= 10 && film->last > film->first;
        *n_out = is_known ? (int)((n_seen - 1) * 1000) : 0;
        *d_out = is_known ? (int)((film->last - film->first) / GST_MSECOND) : 1;
        *d_out = MAX(*d_out, 1);
    } else {
        n_seen = MNB_FILM_RATE_PICTURES;
    }
    g_mutex_unlock(&film->lock);
    return n_seen;
}

const char *mnb_film_refused_stream(MnbFilm *film)
{
    g_mutex_lock(&film->lock);
    const char *refused = film->refused[0] != '\0' ? film->refused : NULL; /* written once */
    g_mutex_unlock(&film->lock);
    return refused;
}

MnbFilmPart mnb_film_part_of(const MnbFilm *film, GstMessage *message)
{
    for (GstObject *object = GST_MESSAGE_SRC(message); object != NULL; object = object->parent) {
        const char *name = GST_OBJECT_NAME(object);
        if (g_str_has_prefix(name, "film-video-"))
            return MNB_FILM_VIDEO;
        if (g_str_has_prefix(name, "film-audio-"))
            return MNB_FILM_AUDIO;
        if (g_str_has_prefix(name, "film-"))
            return MNB_FILM_SOURCE;
    }
    return MNB_FILM_NOT_MINE;
}

void mnb_film_end(MnbFilm *film, MnbFilmPart part)
{
    for (int stream = VIDEO; stream < MNB_FILM_STREAMS; stream++) {
        MnbFilmPart other = stream == VIDEO ? MNB_FILM_AUDIO : MNB_FILM_VIDEO;
        g_mutex_lock(&film->lock);
        g_autoptr(GstPad) pad =
            film->out[stream] != NULL && part != other ? gst_object_ref(film->out[stream]) : NULL;
        g_mutex_unlock(&film->lock);
        if (pad != NULL)
            gst_pad_send_event(pad, gst_event_new_eos());
    }
}
