/* film.h - a film from a stranger, as decoded pictures and sound.
 *
 *     filesrc -> demuxer by magic bytes -+-> queue -> (parser) -> decoder -> I420, upright ->
 * branch
 *                                        +-> queue -> (parser) -> decoder ---------------> branch
 *
 * No element is chosen by GStreamer (no decodebin): the demuxer follows from sniff.h, parser and
 * decoder from a table by the caps. The first picture and the first sounds are taken, others
 * ignored: a film may have a sound for each language. */
#pragma once
#include "pipelines/common/program.h"
#include "pipelines/common/sniff.h"

#define MNB_FILM_BYTES_MAX       (64ull << 30)
#define MNB_FILM_DURATION_MAX_US (12 * 3600 * (gint64)G_USEC_PER_SEC)
#define MNB_FILM_SIDE_MAX        8192
#define MNB_FILM_PIXELS_MAX      35700000
#define MNB_FILM_TRACKS_MAX      64 /* of any kind: with more it is no film of a camera */

#define MNB_FILM_SOUNDS_MAX 8
#define MNB_FILM_STREAMS    (1 + MNB_FILM_SOUNDS_MAX) /* 0: the picture; 1 + n: sound n */

typedef struct MnbFilm MnbFilm;

/* Where a decoded stream goes. Called from a streaming thread when the stream is found.
 * Returns (owned by the film): the sink pad to link to, its element in the pipeline and with its
 * parent's state; NULL: this stream is not wanted. */
typedef GstPad *(*MnbFilmBranch)(int stream, gpointer owner);

/* Adds the source to @pipeline (borrowed, outlives the film). Returns (owned): NULL with @error
 * set: NOT_A_FILM, TOO_LARGE, IO, MISSING_PLUGIN. */
MnbFilm *mnb_film_new(const char *path, GstElement *pipeline, MnbFilmBranch branch, gpointer owner,
                      GError **error);
void mnb_film_free(MnbFilm *film); /* NULL is fine; after the pipeline went to NULL */

const MnbFilmKind *mnb_film_kind(const MnbFilm *film);

/* Tracks of any kind that the demuxer has told of. */
int mnb_film_count_tracks(MnbFilm *film);

/* Whether the demuxer has said that there are no more streams. */
gboolean mnb_film_has_all_streams(MnbFilm *film);

/* Caps names of the streams taken, "" when there is none, each up to @size bytes. */
void mnb_film_codecs(MnbFilm *film, char *video_out, char *audio_out, gsize size);

/* What the container says of the language of sound @sound, once its first data came: ISO 639, ""
 * when nothing. */
void mnb_film_language(MnbFilm *film, int sound, char *out, gsize size);

#define MNB_FILM_RATE_PICTURES 120

/* Pictures a second as the container has them, or else as its first pictures follow each other: for
 * films of phones that is right where the decoder's word (25 when the stream leaves it open) is
 * not.
 * @n_out: 0: not known. Returns: how many pictures say so, up to MNB_FILM_RATE_PICTURES. */
guint mnb_film_container_rate(MnbFilm *film, int *n_out, int *d_out);

/* Caps name of a stream in a format that is not decoded. Returns (borrowed): NULL: there is none.
 */
const char *mnb_film_refused_stream(MnbFilm *film);

/* What a message of type ERROR is about. The source's part: the film is broken, what was decoded so
 * far is good. */
typedef enum { MNB_FILM_NOT_MINE, MNB_FILM_SOURCE, MNB_FILM_VIDEO, MNB_FILM_AUDIO } MnbFilmPart;
MnbFilmPart mnb_film_part_of(const MnbFilm *film, GstMessage *message);

/* After an error of the film's: ends its streams where they are, so that what follows can finish.
 */
void mnb_film_end(MnbFilm *film, MnbFilmPart part);

/* ---- what is in it ---- */

typedef struct {
    const MnbFilmKind *kind;
    gint64 duration_us; /* 0: not known */
    gboolean has_video, has_audio;
    int width, height;                     /* upright, in square pixels, even */
    int fps_n, fps_d;                      /* 0/1: not known or varying */
    char colorimetry[64];                  /* GStreamer's words */
    char video_codec[64], audio_codec[64]; /* caps names; "": none */
    /* The sounds that differ in language, the first one first. */
    struct {
        int stream;        /* as in MnbFilmBranch */
        char language[36]; /* BCP 47; "": not known */
    } sounds[MNB_FILM_SOUNDS_MAX];
    int n_sounds;
} MnbFilmInfo;

/* Decodes the first picture and sound. Sets @error: NOT_A_FILM (with a reason for people),
 * TOO_LARGE, IO, STOPPED. */
gboolean mnb_film_probe(MnbProgram *program, const char *path, MnbFilmInfo *info_out,
                        GError **error);

/* Elements that films need, for MnbProgramSpec.needs and .likes. */
#define MNB_FILM_NEEDS                                                                             \
    {"filesrc", "coreelements", "libgstreamer1.0-0"},                                              \
        {"appsrc", "app", "gstreamer1.0-plugins-base"},                                            \
        {"qtdemux", "isomp4", "gstreamer1.0-plugins-good"},                                        \
        {"matroskademux", "matroska", "gstreamer1.0-plugins-good"},                                \
        {"avidemux", "avi", "gstreamer1.0-plugins-good"},                                          \
        {"tsdemux", "mpegtsdemux", "gstreamer1.0-plugins-bad"},                                    \
        {"h264parse", "videoparsersbad", "gstreamer1.0-plugins-bad"},                              \
        {"aacparse", "audioparsers", "gstreamer1.0-plugins-good"},                                 \
        {"avdec_h264", "libav", "gstreamer1.0-libav"},                                             \
        {"vp8dec", "vpx", "gstreamer1.0-plugins-good"},                                            \
        {"opusdec", "opus", "gstreamer1.0-plugins-base"},                                          \
        {"flacdec", "flac", "gstreamer1.0-plugins-good"},                                          \
        {"videoconvertscale", "videoconvertscale", "gstreamer1.0-plugins-base"},                   \
        {"deinterlace", "deinterlace", "gstreamer1.0-plugins-good"},                               \
    {                                                                                              \
        "videoflip", "videofilter", "gstreamer1.0-plugins-good"                                    \
    }
#define MNB_FILM_LIKES                                                                             \
    {"mpegpsdemux", "mpegpsdemux", "gstreamer1.0-plugins-bad"},                                    \
        {"flvdemux", "flv", "gstreamer1.0-plugins-good"},                                          \
        {"oggdemux", "ogg", "gstreamer1.0-plugins-base"},                                          \
        {"wavparse", "wavparse", "gstreamer1.0-plugins-good"},                                     \
        {"opusparse", "opusparse", "gstreamer1.0-plugins-bad"},                                    \
        {"vorbisdec", "vorbis", "gstreamer1.0-plugins-base"},                                      \
        {"theoradec", "theora", "gstreamer1.0-plugins-base"},                                      \
        {"av1dec", "aom", "gstreamer1.0-plugins-bad"},                                             \
    {                                                                                              \
        "jpegdec", "jpeg", "gstreamer1.0-plugins-good"                                             \
    }
