/* Bodies of requests: whatever is sent, each reader writes only what it promises. */
#include "server/http/fields.h"
#include "server/http/http.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_texts(MnbFields *fields)
{
    const char *text = NULL;
    static const char *const choices[] = {"site-visit", "seminar", NULL};
    if (mnb_fields_text(fields, "title_en", 1, 300, &text) &&
        (!g_utf8_validate(text, -1, NULL) || g_utf8_strlen(text, -1) > 300 ||
         strchr(text, '\n') != NULL))
        g_error("a title that is none");
    if (mnb_fields_text(fields, "summary_en", 0, 8000, &text) && strchr(text, '\r') != NULL)
        g_error("a summary with control characters");
    if (mnb_fields_secret(fields, "password", 128, &text) && strlen(text) > 128)
        g_error("a secret that is too long");
    if (mnb_fields_time_zone(fields, "time_zone", &text) && strlen(text) > 64)
        g_error("a time zone that is none");
    if (mnb_fields_choice(fields, "kind", choices, &text) && text != choices[0] &&
        text != choices[1])
        g_error("a choice that was not given");
}

static void read_values(MnbFields *fields)
{
    gint64 number = 0;
    gboolean flag = FALSE;
    char **tags = NULL;
    if (mnb_fields_number(fields, "duration_s", 60, 604800, &number) &&
        (number < 60 || number > 604800))
        g_error("a number out of its range");
    if (mnb_fields_time(fields, "starts_at", FALSE, &number) && number <= 0)
        g_error("a time before 1970");
    mnb_fields_time(fields, "expires_at", TRUE, &number);
    mnb_fields_flag(fields, "is_public", &flag);
    if (mnb_fields_languages(fields, "languages", 1, 8, &tags)) {
        guint n = g_strv_length(tags);
        if (n < 1 || n > 8)
            g_error("too many or too few languages");
        g_strfreev(tags);
    }
}

static void read_lists(MnbFields *fields)
{
    char **codes = NULL;
    guint n = 0;
    if (mnb_fields_codes(fields, "areas", 8, &codes)) {
        if (g_strv_length(codes) > 8)
            g_error("too many codes");
        g_strfreev(codes);
    }
    if (!mnb_fields_list(fields, "items", 8, &n))
        return;
    if (n > 8)
        g_error("too many items");
    for (guint i = 0; i < n; i++) {
        g_autoptr(MnbFields) item = mnb_fields_item(fields, "items", i);
        const char *text = NULL;
        gint64 number = 0;
        if (item == NULL)
            continue;
        mnb_fields_text(item, "title_en", 1, 300, &text);
        mnb_fields_number(item, "duration_s", 60, 604800, &number);
        mnb_fields_finish(item);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(MnbProblem) problem = NULL;
    if (size > MNB_HTTP_BODY_MAX)
        return 0;
    g_autoptr(MnbFields) fields = mnb_fields_new((const char *)data, size, &problem);
    if ((fields == NULL) != (problem != NULL))
        g_error("fields and a problem at the same time, or neither");
    if (fields != NULL) {
        read_texts(fields);
        read_values(fields);
        read_lists(fields);
        problem = mnb_fields_finish(fields);
    }
    if (problem != NULL) {
        g_autofree char *text = mnb_problem_to_json(problem);
        if (!g_utf8_validate(text, -1, NULL))
            g_error("a problem that is not UTF-8");
    }
    return 0;
}
