#include "server/mail/compose.h"
#include "recordings/mail.h"
#include "server/base/error.h"
#include <gmime/gmime.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(InternetAddressList, g_object_unref)

void mnb_compose_init(void)
{
    g_mime_init();
}

/* Returns (owned): NULL when @text is not exactly one mailbox with a good address. */
static InternetAddressList *parse_one(const char *text)
{
    InternetAddressList *list = internet_address_list_parse(NULL, text);
    InternetAddress *only = list != NULL && internet_address_list_length(list) == 1
                                ? internet_address_list_get_address(list, 0)
                                : NULL;
    if (only != NULL && INTERNET_ADDRESS_IS_MAILBOX(only) &&
        mnb_mail_address_is_valid(
            internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(only))))
        return list;
    g_clear_object(&list);
    return NULL;
}

char *mnb_compose_address_of(const char *from)
{
    g_autoptr(InternetAddressList) list = parse_one(from);
    if (list == NULL)
        return NULL;
    InternetAddress *only = internet_address_list_get_address(list, 0);
    return g_strdup(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(only)));
}

static GMimeObject *text_part(const char *text)
{
    GMimeTextPart *part = g_mime_text_part_new_with_subtype("plain");
    g_mime_text_part_set_charset(part, "utf-8");
    g_mime_text_part_set_text(part, text);
    g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_BASE64);
    return GMIME_OBJECT(part);
}

static GMimeObject *calendar_part(const char *calendar)
{
    GMimePart *part = g_mime_part_new_with_type("text", "calendar");
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(calendar, strlen(calendar));
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "method", "PUBLISH");
    g_mime_object_set_disposition(GMIME_OBJECT(part), "attachment");
    g_mime_part_set_filename(part, "event.ics");
    g_object_unref(content);
    g_object_unref(stream);
    return GMIME_OBJECT(part);
}

static void set_headers(GMimeMessage *message, const MnbCompose *what, InternetAddressList *from)
{
    InternetAddress *sender = internet_address_list_get_address(from, 0);
    const char *address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(sender));
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(what->at_us / G_USEC_PER_SEC);
    g_autofree char *id = g_strconcat(what->id, "@", strrchr(address, '@') + 1, NULL);
    const char *name = internet_address_get_name(sender);
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, name, address);
    g_mime_message_add_mailbox(message, GMIME_ADDRESS_TYPE_TO,
                               what->to_name[0] != '\0' ? what->to_name : NULL, what->to_address);
    g_mime_message_set_subject(message, what->subject, "utf-8");
    g_mime_message_set_date(message, at);
    g_mime_message_set_message_id(message, id);
    g_mime_object_set_header(GMIME_OBJECT(message), "Auto-Submitted", "auto-generated", NULL);
    g_mime_object_set_header(GMIME_OBJECT(message), "Content-Language", what->language, NULL);
}

char *mnb_compose(const MnbCompose *what, GError **error)
{
    g_autoptr(InternetAddressList) from = parse_one(what->from);
    if (from == NULL || !mnb_mail_address_is_valid(what->to_address) ||
        strpbrk(what->to_name, "\r\n") != NULL || strpbrk(what->subject, "\r\n") != NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "not a mail address, or a line break in a name or subject");
        return NULL;
    }
    GMimeMessage *message = g_mime_message_new(TRUE);
    set_headers(message, what, from);
    GMimeMultipart *mixed = g_mime_multipart_new_with_subtype("mixed");
    GMimeObject *text = text_part(what->text);
    GMimeObject *calendar = what->calendar != NULL ? calendar_part(what->calendar) : NULL;
    g_mime_multipart_add(mixed, text);
    if (calendar != NULL)
        g_mime_multipart_add(mixed, calendar);
    g_mime_message_set_mime_part(message, GMIME_OBJECT(mixed));
    GMimeFormatOptions *format = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
    char *result = g_mime_object_to_string(GMIME_OBJECT(message), format);
    g_mime_format_options_free(format);
    g_clear_object(&calendar);
    g_object_unref(text);
    g_object_unref(mixed);
    g_object_unref(message);
    return result;
}
