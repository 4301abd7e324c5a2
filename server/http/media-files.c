/* The files of a film: which of them who asks may have, and those few that are made at each
 * request. */
#include "recordings/moment.h"
#include "recordings/recording.h"
#include "server/http/api.h"
#include "server/http/film-tracks.h"
#include "server/http/media-path.h"
#include "server/http/objects.h"
#include <string.h>
#include <sys/stat.h>

#define MASTER     "master.m3u8"
#define MASTER_MAX 262144 /* bytes */

static const char *cache_control(const MnbRecording *recording)
{
    if (recording->state != MNB_RECORDING_PUBLISHED || recording->audience != MNB_AUDIENCE_PUBLIC)
        return "private, no-store";
    /* Asked for again each time (an ETag makes that cheap): what is withdrawn is gone at once, from
     * every cache, and a film that was made anew is never played from pieces of the old one. */
    return "public, no-cache";
}

/* Returns (owned): NULL when it is not there, or not as our programs write it. */
static char *load_master(MnbHttpRequest *request, const MnbRecording *recording)
{
    MnbStore *store = mnb_catalog_store(mnb_http_request_services(request)->catalog);
    g_autofree char *path =
        mnb_store_recording_path(store, recording->folder, "media/" MASTER, NULL);
    struct stat info;
    char *text = NULL;
    if (path == NULL || lstat(path, &info) < 0 || !S_ISREG(info.st_mode) ||
        info.st_size > MASTER_MAX || !g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    return text;
}

static gboolean answer_master(MnbHttpRequest *request, const MnbRecording *recording)
{
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(GPtrArray) languages = mnb_moment_languages(db, recording->id, NULL);
    json_t *chapters = mnb_json_chapters(recording);
    gboolean has_chapters = json_array_size(chapters) > 0;
    json_decref(chapters);
    if (languages == NULL || (languages->len == 0 && !has_chapters))
        return FALSE;
    g_autofree char *master = load_master(request, recording);
    if (master == NULL)
        return FALSE;
    g_autofree char *text = mnb_film_tracks_master(master, languages, has_chapters);
    mnb_http_request_answer_text(request, 200, mnb_media_path_type(MASTER), text);
    return TRUE;
}

static gboolean answer_chapters(MnbHttpRequest *request, const MnbRecording *recording)
{
    json_t *chapters = mnb_json_chapters(recording);
    json_t *list = mnb_film_tracks_chapters(chapters, recording->duration_us);
    char *text = json_dumps(list, JSON_COMPACT);
    mnb_http_request_answer_text(request, 200, "application/json", text);
    free(text);
    json_decref(list);
    json_decref(chapters);
    return TRUE;
}

/* @n: as mnb_film_tracks_parse() has it. */
static gboolean answer_captions(MnbHttpRequest *request, const MnbRecording *recording,
                                const char *language, int n, const char *path)
{
    g_autoptr(GError) error = NULL;
    MnbFilmEdit edit;
    g_autofree char *text = NULL;
    g_autoptr(GPtrArray) captions = mnb_moment_list(mnb_http_request_db(request), recording->id,
                                                    MNB_MOMENT_CAPTION, language, &error);
    if (captions == NULL) {
        mnb_http_request_answer_error(request, error);
        return TRUE;
    }
    mnb_film_edit_read(recording->edit_made, 1000, &edit);
    if (captions->len > 0 && n < 0)
        text = mnb_film_tracks_playlist(recording->duration_us);
    else if (captions->len > 0)
        text = mnb_film_tracks_segment(captions, &edit, recording->duration_us, (guint)n);
    if (text == NULL)
        mnb_http_request_answer_not_found(request);
    else
        mnb_http_request_answer_text(request, 200, mnb_media_path_type(path), text);
    return TRUE;
}

/* Returns: FALSE when it is a file as any other. */
static gboolean answer_from_catalogue(MnbHttpRequest *request, const MnbRecording *recording,
                                      const char *path)
{
    int n;
    if (strcmp(path, MASTER) == 0)
        return answer_master(request, recording);
    if (strcmp(path, "chapters.json") == 0)
        return answer_chapters(request, recording);
    g_autofree char *language = mnb_film_tracks_parse(path, &n);
    return language != NULL && answer_captions(request, recording, language, n, path);
}

/* Says yes or no; nginx sends the file, with ranges and conditions. */
void mnb_api_media(MnbHttpRequest *request)
{
    g_autofree char *path = mnb_media_path_decode(mnb_http_request_rest(request));
    if (path == NULL) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording == NULL)
        return;
    mnb_http_request_set_header(request, "Cache-Control", cache_control(recording));
    if (answer_from_catalogue(request, recording, path))
        return;
    g_autofree char *folder = g_uri_escape_string(recording->folder, NULL, FALSE);
    g_autofree char *file = g_strconcat("/-/recordings/", folder, "/media/", path, NULL);
    mnb_http_request_set_header(request, "X-Accel-Redirect", file);
    if (g_strcmp0(mnb_http_request_query(request, "download"), "1") == 0) {
        const char *title =
            recording->title_ja[0] != '\0' ? recording->title_ja : recording->title_en;
        if (g_strcmp0(mnb_http_request_query(request, "lang"), "en") == 0 &&
            recording->title_en[0] != '\0')
            title = recording->title_en;
        g_autofree char *disposition = mnb_media_path_disposition(title, path);
        mnb_http_request_set_header(request, "Content-Disposition", disposition);
    }
    mnb_http_request_answer_text(request, 200, mnb_media_path_type(path), "");
}
