#include "recordings/film-edit.h"

static gboolean read_range(const json_t *pair, gint64 unit_us, gint64 after_us, MnbFilmRange *range)
{
    if (json_array_size(pair) != 2 || !json_is_integer(json_array_get(pair, 0)) ||
        !json_is_integer(json_array_get(pair, 1)))
        return FALSE;
    json_int_t start = json_integer_value(json_array_get(pair, 0));
    json_int_t end = json_integer_value(json_array_get(pair, 1));
    if (start < 0 || end < 0 || start > MNB_FILM_TIME_MAX_US / unit_us ||
        end > MNB_FILM_TIME_MAX_US / unit_us)
        return FALSE;
    range->start_us = start * unit_us;
    range->end_us = end * unit_us;
    return range->start_us >= after_us && range->end_us - range->start_us >= MNB_FILM_RANGE_MIN_US;
}

gboolean mnb_film_edit_parse(const json_t *list, gint64 unit_us, MnbFilmEdit *edit_out)
{
    edit_out->n = 0;
    if (list == NULL || json_is_null(list))
        return TRUE;
    if (!json_is_array(list) || json_array_size(list) > MNB_FILM_RANGES_MAX)
        return FALSE;
    gint64 after_us = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        MnbFilmRange *range = &edit_out->ranges[i];
        if (!read_range(json_array_get(list, i), unit_us, after_us, range)) {
            edit_out->n = 0;
            return FALSE;
        }
        after_us = range->end_us;
        edit_out->n++;
    }
    return TRUE;
}

void mnb_film_edit_read(const char *text, gint64 unit_us, MnbFilmEdit *edit_out)
{
    json_t *list = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    mnb_film_edit_parse(list, unit_us, edit_out);
    json_decref(list);
}

json_t *mnb_film_edit_to_json(const MnbFilmEdit *edit, gint64 unit_us)
{
    json_t *list = json_array();
    for (guint i = 0; i < edit->n; i++)
        json_array_append_new(list,
                              json_pack("[I, I]", (json_int_t)(edit->ranges[i].start_us / unit_us),
                                        (json_int_t)(edit->ranges[i].end_us / unit_us)));
    return list;
}

gint64 mnb_film_edit_to_film(const MnbFilmEdit *edit, gint64 captured_us, gboolean *is_cut_out)
{
    gint64 film_us = 0;
    if (is_cut_out != NULL)
        *is_cut_out = FALSE;
    if (edit->n == 0)
        return captured_us;
    for (guint i = 0; i < edit->n; i++) {
        const MnbFilmRange *range = &edit->ranges[i];
        if (captured_us < range->start_us)
            break;
        if (captured_us < range->end_us)
            return film_us + captured_us - range->start_us;
        film_us += range->end_us - range->start_us;
    }
    if (is_cut_out != NULL)
        *is_cut_out = TRUE;
    return film_us;
}

gint64 mnb_film_edit_to_captured(const MnbFilmEdit *edit, gint64 film_us)
{
    if (edit->n == 0)
        return film_us;
    for (guint i = 0; i < edit->n; i++) {
        const MnbFilmRange *range = &edit->ranges[i];
        gint64 length_us = range->end_us - range->start_us;
        if (film_us < length_us || i + 1 == edit->n)
            return range->start_us + film_us;
        film_us -= length_us;
    }
    return film_us;
}

gint64 mnb_film_edit_length_us(const MnbFilmEdit *edit, gint64 captured_us)
{
    gint64 length_us = 0;
    if (edit->n == 0)
        return captured_us;
    for (guint i = 0; i < edit->n; i++) {
        gint64 end_us = MIN(edit->ranges[i].end_us, captured_us);
        length_us += MAX(end_us - edit->ranges[i].start_us, 0);
    }
    return length_us;
}
