/* What is read beside a film: captions, chat and chapters, in the film's own time. */
#include "recordings/film-edit.h"
#include "recordings/moment.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include <string.h>

#define CUES_SENT_MAX 5000

/* What of the moment is in the film that is there. Returns: FALSE when it was cut out. */
static gboolean place(const MnbFilmEdit *edit, const MnbMoment *moment, gint64 *from_ms,
                      gint64 *to_ms)
{
    gboolean is_cut_out;
    gint64 at_us = mnb_film_edit_to_film(edit, moment->at_us, &is_cut_out);
    if (is_cut_out)
        return FALSE;
    *from_ms = at_us / 1000;
    *to_ms = *from_ms + (moment->end_us - moment->at_us) / 1000;
    return TRUE;
}

static json_t *cues(GPtrArray *moments, const MnbFilmEdit *edit)
{
    json_t *list = json_array();
    for (guint i = 0; i < moments->len && json_array_size(list) < CUES_SENT_MAX; i++) {
        const MnbMoment *moment = moments->pdata[i];
        gint64 from_ms, to_ms;
        if (place(edit, moment, &from_ms, &to_ms))
            json_array_append_new(list, json_pack("{s:I, s:I, s:s, s:s}", "at_ms",
                                                  (json_int_t)from_ms, "to_ms", (json_int_t)to_ms,
                                                  "who", moment->who, "text", moment->text));
    }
    return list;
}

static json_t *captions(MnbDb *db, const char *recording, const MnbFilmEdit *edit, GError **error)
{
    g_autoptr(GPtrArray) languages = mnb_moment_languages(db, recording, error);
    if (languages == NULL)
        return NULL;
    json_t *list = json_array();
    for (guint i = 0; i < languages->len; i++) {
        const char *language = languages->pdata[i];
        g_autoptr(GPtrArray) moments =
            mnb_moment_list(db, recording, MNB_MOMENT_CAPTION, language, error);
        if (moments == NULL) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(
            list, json_pack("{s:s, s:o}", "language", language, "cues", cues(moments, edit)));
    }
    return list;
}

void mnb_api_recording_moments(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    MnbFilmEdit edit;
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording == NULL)
        return;
    mnb_film_edit_read(recording->edit_made, 1000, &edit);
    g_autoptr(GPtrArray) chat = mnb_moment_list(db, recording->id, MNB_MOMENT_CHAT, NULL, &error);
    json_t *all = chat != NULL ? captions(db, recording->id, &edit, &error) : NULL;
    if (all == NULL)
        mnb_http_request_answer_error(request, error);
    else
        mnb_http_request_answer_json(
            request, 200, json_pack("{s:o, s:o}", "captions", all, "chat", cues(chat, &edit)));
}

/* ---- WebVTT ---- */

static void append_time(GString *text, gint64 ms)
{
    g_string_append_printf(text, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                           (int)(ms / 1000 % 60), (int)(ms % 1000));
}

/* Text of a cue: no line that ends it early, nothing that is read as a tag. */
static void append_escaped(GString *text, const char *raw)
{
    for (const char *c = raw; *c != '\0'; c++) {
        if (*c == '<')
            g_string_append(text, "&lt;");
        else if (*c == '>')
            g_string_append(text, "&gt;");
        else if (*c == '&')
            g_string_append(text, "&amp;");
        else
            g_string_append_c(text, *c == '\n' || *c == '\r' ? ' ' : *c);
    }
}

static void append_cue(GString *text, gint64 from_ms, gint64 to_ms, const char *words)
{
    append_time(text, from_ms);
    g_string_append(text, " --> ");
    append_time(text, MAX(to_ms, from_ms + 1));
    g_string_append_c(text, '\n');
    append_escaped(text, words);
    g_string_append(text, "\n\n");
}

static void answer_vtt(MnbHttpRequest *request, GString *text)
{
    mnb_http_request_answer_text(request, 200, "text/vtt; charset=utf-8", text->str);
    g_string_free(text, TRUE);
}

void mnb_api_recording_captions(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbFilmEdit edit;
    const char *language = mnb_http_request_query(request, "lang");
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording == NULL)
        return;
    mnb_film_edit_read(recording->edit_made, 1000, &edit);
    g_autoptr(GPtrArray) moments = mnb_moment_list(mnb_http_request_db(request), recording->id,
                                                   MNB_MOMENT_CAPTION, language, &error);
    if (moments == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    GString *text = g_string_new("WEBVTT\n\n");
    for (guint i = 0; i < moments->len; i++) {
        gint64 from_ms, to_ms;
        if (place(&edit, moments->pdata[i], &from_ms, &to_ms))
            append_cue(text, from_ms, to_ms, ((MnbMoment *)moments->pdata[i])->text);
    }
    answer_vtt(request, text);
}

void mnb_api_recording_chapters(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording == NULL)
        return;
    gboolean is_ja = g_strcmp0(mnb_http_request_query(request, "lang"), "ja") == 0;
    json_t *list = mnb_json_chapters(recording);
    GString *text = g_string_new("WEBVTT\n\n");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *chapter = json_array_get(list, i), *next = json_array_get(list, i + 1);
        const char *en = json_string_value(json_object_get(chapter, "title_en"));
        const char *ja = json_string_value(json_object_get(chapter, "title_ja"));
        const char *title = (is_ja && *ja != '\0') || *en == '\0' ? ja : en;
        gint64 end_ms = next != NULL ? json_integer_value(json_object_get(next, "at_ms"))
                                     : recording->duration_us / 1000;
        append_cue(text, json_integer_value(json_object_get(chapter, "at_ms")), end_ms, title);
    }
    json_decref(list);
    answer_vtt(request, text);
}
