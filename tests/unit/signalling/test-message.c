#include "server/rooms/rooms.h"
#include "server/signalling/bucket.h"
#include "server/signalling/message.h"
#include <string.h>

#define PEER "0123456789abcdefghjkmnpqrs"

static gboolean parse(const char *text, MnbMessage *message, gint64 *id, GError **error)
{
    return mnb_message_parse(text, strlen(text), message, id, error);
}

static MnbRequest *accepted(const char *text, MnbMessage *message)
{
    gint64 id;
    g_autoptr(GError) error = NULL;
    parse(text, message, &id, &error);
    g_assert_no_error(error);
    g_assert_nonnull(message->request);
    g_assert_cmpint(message->request->id, ==, 7);
    return message->request;
}

static void refused(const char *text, const char *code, const char *says)
{
    MnbMessage message;
    gint64 id;
    g_autoptr(GError) error = NULL;
    if (parse(text, &message, &id, &error))
        g_error("accepted: %s", text);
    g_assert_null(message.hello);
    g_assert_null(message.request);
    g_assert_cmpstr(mnb_rooms_error_code(error), ==, code);
    if (strstr(error->message, says) == NULL)
        g_error("\"%s\" does not say \"%s\"", error->message, says);
}

static void test_hello(void)
{
    MnbMessage message;
    gint64 id;
    g_autoptr(GError) error = NULL;
    g_assert_true(parse("{\"kind\":\"hello\",\"id\":1,\"token\":\"t\",\"name\":\"  田中 太郎 \","
                        "\"affiliation\":\"北九州市\",\"language\":\"ja\",\"resume\":\"nonsense\"}",
                        &message, &id, &error));
    g_assert_no_error(error);
    g_assert_cmpint(id, ==, 1);
    g_assert_cmpstr(message.hello->name, ==, "田中 太郎");
    g_assert_cmpstr(message.hello->affiliation, ==, "北九州市");
    g_assert_null(message.hello->resume); /* not a token: as if there were none */
    mnb_message_clear(&message);
    refused("{\"kind\":\"hello\",\"id\":1,\"token\":\"t\"}", "bad-message", "name");
    refused("{\"kind\":\"hello\",\"id\":1,\"token\":\"t\",\"name\":\"a\\u0007b\"}", "bad-message",
            "control");
    refused("{\"kind\":\"hello\",\"id\":1,\"token\":\"t\",\"name\":\"a\\u202eb\"}", "bad-message",
            "control");
    refused("{\"kind\":\"hello\",\"id\":1,\"token\":\"t\",\"name\":\"a\",\"role\":\"facilitator\"}",
            "bad-message", "role");
}

static void test_each_kind(void)
{
    MnbMessage message;
    static const char *const plain[] = {"start-session", "end-session", "unpublish", "leave"};
    for (guint i = 0; i < G_N_ELEMENTS(plain); i++) {
        g_autofree char *text = g_strdup_printf("{\"kind\":\"%s\",\"id\":7}", plain[i]);
        accepted(text, &message);
        mnb_message_clear(&message);
    }
    g_assert_true(accepted("{\"kind\":\"record\",\"id\":7,\"on\":true}", &message)->is_on);
    mnb_message_clear(&message);
    MnbRequest *chat =
        accepted("{\"kind\":\"chat\",\"id\":7,\"text\":\"防災\\nline\",\"key\":\"k-1\"}", &message);
    g_assert_cmpstr(chat->text, ==, "防災\nline");
    mnb_message_clear(&message);
    MnbRequest *hand =
        accepted("{\"kind\":\"hand\",\"id\":7,\"raised\":false,\"peer\":\"" PEER "\"}", &message);
    g_assert_cmpstr(hand->peer, ==, PEER);
    mnb_message_clear(&message);
    MnbRequest *publish = accepted(
        "{\"kind\":\"publish\",\"id\":7,\"sdp\":\"v=0\",\"tracks\":[{\"mid\":\"0\",\"source\":"
        "\"microphone\"},{\"mid\":\"1\",\"source\":\"camera\",\"is_on\":false}]}",
        &message);
    g_assert_cmpuint(publish->track_count, ==, 2);
    g_assert_true(publish->tracks[0].is_on);
    g_assert_false(publish->tracks[1].is_on);
    g_assert_cmpint(publish->tracks[1].source, ==, MNB_SOURCE_CAMERA);
    mnb_message_clear(&message);
    MnbRequest *track =
        accepted("{\"kind\":\"track\",\"id\":7,\"source\":\"screen\",\"is_on\":true}", &message);
    g_assert_cmpint(track->source, ==, MNB_SOURCE_SCREEN);
    mnb_message_clear(&message);
    MnbRequest *subscribe =
        accepted("{\"kind\":\"subscribe\",\"id\":7,\"audio\":4,\"video\":9}", &message);
    g_assert_cmpuint(subscribe->audio + subscribe->video, ==, 13);
    mnb_message_clear(&message);
    accepted("{\"kind\":\"subscribed\",\"id\":7,\"sdp\":\"v=0\"}", &message);
    mnb_message_clear(&message);
    MnbRequest *view = accepted(
        "{\"kind\":\"view\",\"id\":7,\"peers\":[\"" PEER "\"],\"mode\":\"one\"}", &message);
    g_assert_cmpuint(view->peer_count, ==, 1);
    g_assert_cmpint(view->mode, ==, MNB_VIEW_ONE);
    g_assert_false(view->has_limit);
    mnb_message_clear(&message);
    view = accepted("{\"kind\":\"view\",\"id\":7,\"peers\":[],\"mode\":\"all\",\"limit_kbit\":300}",
                    &message);
    g_assert_true(view->has_limit);
    g_assert_cmpuint(view->limit_bps, ==, 300000);
    mnb_message_clear(&message);
    accepted("{\"kind\":\"mute-peer\",\"id\":7,\"peer\":\"" PEER "\",\"source\":\"microphone\"}",
             &message);
    mnb_message_clear(&message);
    accepted("{\"kind\":\"remove-peer\",\"id\":7,\"peer\":\"" PEER "\"}", &message);
    mnb_message_clear(&message);
    g_assert_cmpstr(accepted("{\"kind\":\"rename\",\"id\":7,\"name\":\" n \"}", &message)->text, ==,
                    "n");
    mnb_message_clear(&message);
}

static void test_bad(void)
{
    refused("", "bad-message", "JSON");
    refused("[]", "bad-message", "JSON");
    refused("{\"kind\":\"leave\",\"id\":7", "bad-message", "JSON");
    refused("{\"kind\":\"leave\",\"id\":7,\"id\":8}", "bad-message", "JSON");
    refused("{\"kind\":\"leave\"}", "bad-message", "id");
    refused("{\"kind\":\"leave\",\"id\":-1}", "bad-message", "id");
    refused("{\"kind\":\"leave\",\"id\":1.5}", "bad-message", "id");
    refused("{\"kind\":\"leave\",\"id\":9007199254740992}", "bad-message", "id");
    refused("{\"kind\":\"dance\",\"id\":1}", "bad-message", "kind");
    refused("{\"id\":1}", "bad-message", "kind");
    refused("{\"kind\":\"leave\",\"id\":1,\"more\":1}", "bad-message", "more");
    refused("{\"kind\":\"record\",\"id\":1,\"on\":1}", "bad-message", "Expected");
    refused("{\"kind\":\"chat\",\"id\":1,\"text\":\"  \",\"key\":\"k\"}", "bad-message", "empty");
    refused("{\"kind\":\"chat\",\"id\":1,\"text\":\"x\",\"key\":\"\"}", "bad-message", "key");
    refused("{\"kind\":\"chat\",\"id\":1,\"text\":\"\xff\",\"key\":\"k\"}", "bad-message", "JSON");
    refused("{\"kind\":\"chat\",\"id\":1,\"text\":\"a\\u0000b\",\"key\":\"k\"}", "bad-message",
            "JSON");
    refused("{\"kind\":\"view\",\"id\":1,\"peers\":[],\"mode\":\"all\",\"limit_kbit\":-1}",
            "bad-message", "limit_kbit");
    refused("{\"kind\":\"view\",\"id\":1,\"peers\":[],\"mode\":\"all\",\"limit_kbit\":100001}",
            "bad-message", "limit_kbit");
    refused("{\"kind\":\"subscribe\",\"id\":1,\"audio\":9,\"video\":0}", "too-many", "audio");
    refused("{\"kind\":\"subscribe\",\"id\":1,\"audio\":0,\"video\":17}", "too-many", "video");
    refused("{\"kind\":\"subscribe\",\"id\":1,\"audio\":-1,\"video\":1}", "bad-message", "audio");
    refused("{\"kind\":\"subscribe\",\"id\":1,\"audio\":0,\"video\":0}", "bad-message", "0");
    refused("{\"kind\":\"view\",\"id\":1,\"peers\":[\"x\"],\"mode\":\"all\"}", "bad-message", "id");
    refused("{\"kind\":\"view\",\"id\":1,\"peers\":[],\"mode\":\"some\"}", "bad-message", "mode");
    refused("{\"kind\":\"view\",\"id\":1,\"peers\":[],\"mode\":\"all\",\"large\":33}",
            "bad-message", "large");
    refused("{\"kind\":\"remove-peer\",\"id\":1,\"peer\":\"../..\"}", "bad-message", "peer");
    refused("{\"kind\":\"track\",\"id\":1,\"source\":\"smell\",\"is_on\":true}", "bad-message",
            "source");
    refused("{\"kind\":\"publish\",\"id\":1,\"sdp\":\"v\",\"tracks\":[1]}", "bad-message",
            "Expected");
}

static void test_long(void)
{
    g_autofree char *fits = g_strnfill(MNB_CHAT_MAX, 'x');
    g_autofree char *chat =
        g_strdup_printf("{\"kind\":\"chat\",\"id\":7,\"text\":\"%s\",\"key\":\"k\"}", fits);
    MnbMessage message;
    accepted(chat, &message);
    mnb_message_clear(&message);
    g_autofree char *longer =
        g_strdup_printf("{\"kind\":\"chat\",\"id\":7,\"text\":\"%s字\",\"key\":\"k\"}", fits);
    refused(longer, "bad-message", "2000");
    g_autofree char *huge = g_strnfill(MNB_MESSAGE_MAX + 1, ' ');
    refused(huge, "bad-message", "longer");
    g_autofree char *deep = g_strnfill(1000, '[');
    refused(deep, "bad-message", "nested");
    refused("{\"kind\":\"leave\",\"id\":1,\"x\":\"[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"}", "bad-message",
            "x"); /* brackets in a string are no nesting */
}

static void test_answerable(void)
{
    MnbMessage message;
    gint64 id;
    g_assert_false(parse("{\"kind\":\"dance\",\"id\":5}", &message, &id, NULL));
    g_assert_cmpint(id, ==, 5);
    g_assert_false(parse("{\"kind\":\"dance\"}", &message, &id, NULL));
    g_assert_cmpint(id, ==, -1);
}

static void test_bucket(void)
{
    MnbBucket bucket;
    gint64 now = 1000000;
    mnb_bucket_init(&bucket, 2, 10, now);
    for (guint i = 0; i < 10; i++)
        g_assert_true(mnb_bucket_take(&bucket, now));
    g_assert_false(mnb_bucket_take(&bucket, now));
    g_assert_false(mnb_bucket_take(&bucket, now + 499999));
    g_assert_true(mnb_bucket_take(&bucket, now + 500000));
    g_assert_false(mnb_bucket_take(&bucket, now)); /* back in time */
    now += G_TIME_SPAN_HOUR;
    for (guint i = 0; i < 10; i++)
        g_assert_true(mnb_bucket_take(&bucket, now));
    g_assert_false(mnb_bucket_take(&bucket, now)); /* an hour saves no more than the burst */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/signalling/message/reads-hello", test_hello);
    g_test_add_func("/signalling/message/reads-each-kind", test_each_kind);
    g_test_add_func("/signalling/message/refuses-what-is-not-exact", test_bad);
    g_test_add_func("/signalling/message/counts-characters-and-levels", test_long);
    g_test_add_func("/signalling/message/tells-the-id-of-a-bad-message", test_answerable);
    g_test_add_func("/signalling/bucket/gives-a-burst-then-a-rate", test_bucket);
    return g_test_run();
}
