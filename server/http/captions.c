/* Captions of a film that people bring and edit. What watchers see is in watch-texts.c. */
#include "recordings/captions.h"
#include "recordings/audit.h"
#include "recordings/caption-file.h"
#include "recordings/fields.h"
#include "recordings/film-edit.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include <string.h>

void mnb_api_captions_list(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording == NULL)
        return;
    g_autoptr(GPtrArray) tracks =
        mnb_caption_track_list(mnb_http_request_db(request), recording->id, &error);
    if (tracks == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < tracks->len; i++) {
        const MnbCaptionTrack *track = tracks->pdata[i];
        json_array_append_new(items,
                              json_pack("{s:s, s:i, s:I, s:o}", "language", track->language, "cues",
                                        (int)track->n_cues, "revision", (json_int_t)track->revision,
                                        "updated_at", mnb_json_time(track->updated_us)));
    }
    mnb_http_request_answer_json(request, 200, json_pack("{s:o}", "items", items));
}

/* The language of the path. Returns (borrowed): NULL after it was answered that there is none. */
static const char *language_of(MnbHttpRequest *request)
{
    const char *language = mnb_http_request_rest(request);
    char *const tags[] = {(char *)language, NULL};
    if (mnb_field_languages(tags, 1, NULL))
        return language;
    mnb_http_request_answer_not_found(request);
    return NULL;
}

/* On the time line of what was captured: nothing is lost of what lies in a piece that was cut. */
void mnb_api_captions_track(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    const char *language = recording != NULL ? language_of(request) : NULL;
    if (language == NULL)
        return;
    gint64 revision = mnb_caption_track_revision(db, recording->id, language, &error);
    g_autoptr(GPtrArray) moments =
        revision >= 0 ? mnb_moment_list(db, recording->id, MNB_MOMENT_CAPTION, language, &error)
                      : NULL;
    if (moments == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *cues = json_array();
    for (guint i = 0; i < moments->len; i++) {
        const MnbMoment *moment = moments->pdata[i];
        json_array_append_new(cues, json_pack("{s:I, s:I, s:s, s:s}", "at_ms",
                                              (json_int_t)(moment->at_us / 1000), "to_ms",
                                              (json_int_t)(moment->end_us / 1000), "who",
                                              moment->who, "text", moment->text));
    }
    mnb_http_request_answer_json(request, 200,
                                 json_pack("{s:s, s:I, s:o}", "language", language, "revision",
                                           (json_int_t)revision, "cues", cues));
}

/* ---- changing ---- */

typedef struct {
    char *recording;
    char *language;
    char *actor;
    MnbCaptionFile *file; /* NULL: take them away */
    gboolean is_captured; /* its times are of what was captured; else of the film that is there */
    gint64 if_revision;
    gint64 revision;
    gint64 now_us;
} Change;

static void free_change(gpointer data)
{
    Change *change = data;
    g_free(change->recording);
    g_free(change->language);
    g_free(change->actor);
    mnb_caption_file_free(change->file);
    g_free(change);
}

/* Returns (owned): NULL after a problem was answered. */
static Change *change_new(MnbHttpRequest *request, const MnbRecording *recording,
                          const char *language)
{
    const char *revision = mnb_http_request_query(request, "revision");
    guint64 number = 0;
    if (revision != NULL &&
        !g_ascii_string_to_unsigned(revision, 10, 0, G_MAXINT64, &number, NULL)) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(400, "bad-query", "revision is not a number"));
        return NULL;
    }
    Change *change = g_new0(Change, 1);
    change->recording = g_strdup(recording->id);
    change->language = g_strdup(language);
    change->actor = g_strdup(mnb_http_request_asker(request)->actor);
    change->if_revision = revision != NULL ? (gint64)number : -1;
    change->is_captured = g_strcmp0(mnb_http_request_query(request, "time"), "captured") == 0;
    change->now_us = mnb_http_request_wall_us(request);
    return change;
}

static gboolean write_change(MnbDb *db, gpointer data, GError **error)
{
    Change *change = data;
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    GPtrArray *cues = change->file != NULL ? change->file->cues : none;
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, change->recording, error);
    if (recording == NULL)
        return FALSE;
    MnbFilmEdit edit;
    mnb_film_edit_read(recording->edit_made, 1000, &edit);
    for (guint i = 0; !change->is_captured && i < cues->len; i++) {
        MnbMoment *cue = cues->pdata[i];
        gint64 length_us = cue->end_us - cue->at_us;
        cue->at_us = mnb_film_edit_to_captured(&edit, cue->at_us);
        cue->end_us = cue->at_us + length_us;
    }
    if (!mnb_caption_track_put(db, change->recording, change->language, cues, change->if_revision,
                               change->now_us, &change->revision, error))
        return FALSE;
    g_autofree char *object = g_strconcat("recording:", change->recording, NULL);
    g_autofree char *detail =
        g_strdup_printf("{\"language\":\"%s\",\"cues\":%u}", change->language, cues->len);
    return mnb_audit_append(db, change->now_us, change->actor,
                            change->file != NULL ? "captions-put" : "captions-remove", object,
                            detail, error);
}

static json_t *notes_json(const MnbCaptionFile *file)
{
    json_t *list = json_array();
    for (guint i = 0; i < file->notes->len; i++) {
        const MnbCaptionNote *one = &g_array_index(file->notes, MnbCaptionNote, i);
        json_array_append_new(list,
                              json_pack("{s:i, s:s}", "line", (int)one->line, "code", one->code));
    }
    return list;
}

static void on_put(MnbHttpRequest *request, gpointer data)
{
    const Change *change = data;
    mnb_http_request_answer_json(
        request, 200,
        json_pack("{s:s, s:I, s:i, s:s, s:s, s:i, s:o}", "language", change->language, "revision",
                  (json_int_t)change->revision, "cues", (int)change->file->cues->len, "format",
                  change->file->format, "encoding", change->file->encoding, "notes_total",
                  (int)change->file->n_notes, "notes", notes_json(change->file)));
}

static MnbProblem *problem_of(const MnbCaptionFile *file)
{
    if (strcmp(file->problem, "not-text") == 0)
        return mnb_problem_new(422, "not-captions",
                               "this is no text in UTF-8, UTF-16, Shift_JIS or EUC-JP");
    if (strcmp(file->problem, "too-many") == 0)
        return mnb_problem_new(422, "too-many-cues", "more than %d captions", MNB_MOMENTS_MAX);
    if (strcmp(file->problem, "bad-times") != 0)
        return mnb_problem_new(422, "not-captions",
                               "this is neither WebVTT nor SRT: there is no time in it");
    MnbProblem *problem = mnb_problem_new(422, "bad-captions",
                                          "some lines of the file are wrong; nothing was changed");
    for (guint i = 0; i < file->notes->len; i++) {
        const MnbCaptionNote *one = &g_array_index(file->notes, MnbCaptionNote, i);
        g_autofree char *field = g_strdup_printf("line-%u", one->line);
        mnb_problem_add_field(problem, field, one->code);
    }
    return problem;
}

void mnb_api_captions_put(MnbHttpRequest *request)
{
    gsize len;
    const char *body = mnb_http_request_body(request, &len);
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    const char *language = recording != NULL ? language_of(request) : NULL;
    Change *change = language != NULL ? change_new(request, recording, language) : NULL;
    if (change == NULL)
        return;
    gint64 length_us = change->is_captured && recording->source_us > 0 ? recording->source_us
                                                                       : recording->duration_us;
    change->file = mnb_caption_file_read(body, len, length_us);
    if (change->file->problem != NULL) {
        mnb_http_request_answer_problem(request, problem_of(change->file));
        free_change(change);
        return;
    }
    mnb_http_request_write(request, write_change, change, free_change, on_put);
}

static void on_removed(MnbHttpRequest *request, gpointer data)
{
    mnb_http_request_answer_empty(request, 204);
}

void mnb_api_captions_remove(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    const char *language = recording != NULL ? language_of(request) : NULL;
    Change *change = language != NULL ? change_new(request, recording, language) : NULL;
    if (change != NULL)
        mnb_http_request_write(request, write_change, change, free_change, on_removed);
}
