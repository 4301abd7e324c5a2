/* What is read beside a film: captions, chat and chapters, in the film's own time. */
#include "recordings/caption-file.h"
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

static void answer_vtt(MnbHttpRequest *request, const char *text)
{
    mnb_http_request_answer_text(request, 200, "text/vtt; charset=utf-8", text);
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
    g_autofree char *text = mnb_caption_file_write(moments, &edit);
    answer_vtt(request, text);
}

void mnb_api_recording_chapters(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording == NULL)
        return;
    gboolean is_ja = g_strcmp0(mnb_http_request_query(request, "lang"), "ja") == 0;
    json_t *list = mnb_json_chapters(recording);
    g_autoptr(GString) text = g_string_new("WEBVTT\n\n");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *chapter = json_array_get(list, i), *next = json_array_get(list, i + 1);
        const char *en = json_string_value(json_object_get(chapter, "title_en"));
        const char *ja = json_string_value(json_object_get(chapter, "title_ja"));
        const char *title = (is_ja && *ja != '\0') || *en == '\0' ? ja : en;
        gint64 end_ms = next != NULL ? json_integer_value(json_object_get(next, "at_ms"))
                                     : recording->duration_us / 1000;
        mnb_caption_append_cue(text, json_integer_value(json_object_get(chapter, "at_ms")), end_ms,
                               NULL, title);
    }
    json_decref(list);
    answer_vtt(request, text->str);
}
