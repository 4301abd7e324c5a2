#include "pipelines/record/command.h"

#include "pipelines/common/leaks.h"

#include <string.h>

MNB_LEAKS_NOT_LOOKED_FOR;

#define TRACK                                                                                      \
    "\"do\":\"add-track\",\"track\":7,\"kind\":\"video\",\"codec\":\"vp8\",\"clock_rate\":90000,"  \
    "\"payload_type\":96,\"peer\":\"b3f0\",\"file\":\"b3f0-video-1\""

static gboolean parse(const char *text, MnbCommand *command)
{
    const char *reason = NULL;
    json_error_t error;
    json_t *object = json_loads(text, 0, &error);
    g_assert_nonnull(object);
    gboolean ok = mnb_command_parse(object, command, &reason);
    g_assert_true(ok == (reason == NULL));
    json_decref(object);
    return ok;
}

static void refuse(const char *text)
{
    MnbCommand command;
    if (parse(text, &command))
        g_error("accepted: %s", text);
    mnb_command_clear(&command);
}

static void test_good(void)
{
    MnbCommand command;
    g_assert_true(parse("{" TRACK ",\"name\":\"鈴木\",\"fmtp\":{\"x-y\":\"1\",\"n\":2,\"\":\"\","
                        "\"a b\":\"c\"},\"more\":[]}",
                        &command));
    g_assert_cmpint(command.kind, ==, MNB_COMMAND_ADD_TRACK);
    g_assert_cmpuint(command.config.id, ==, 7);
    g_assert_cmpstr(command.config.name, ==, "鈴木");
    g_assert_cmpstr(command.config.role, ==, "camera");
    g_assert_cmpstr(gst_structure_get_string(command.config.fmtp, "x-y"), ==, "1");
    g_assert_cmpint(gst_structure_n_fields(command.config.fmtp), ==, 2);
    mnb_command_clear(&command);
    g_assert_true(parse("{\"do\":\"remove-track\",\"track\":7}", &command));
    mnb_command_clear(&command);
    g_assert_true(parse("{\"do\":\"stop\"}", &command));
    mnb_command_clear(&command);
}

static void test_bad(void)
{
    refuse("{}");
    refuse("{\"do\":\"dance\",\"track\":1}");
    refuse("{\"do\":\"remove-track\",\"track\":0}");
    refuse("{\"do\":\"remove-track\",\"track\":4294967296}");
    refuse("{\"do\":\"add-track\",\"track\":1}");
    refuse("{" TRACK ",\"kind\":7}");
    refuse("{" TRACK ",\"role\":\"king\"}");
    refuse("{" TRACK ",\"channels\":9}");
    refuse("{" TRACK ",\"name\":\"two\\nlines\"}");
    refuse("{" TRACK ",\"file\":\"../../etc/passwd\"}");
    refuse("{" TRACK ",\"file\":\".hidden\"}");
    refuse("{" TRACK ",\"file\":\"\"}");
    refuse("{" TRACK ",\"codec\":\"opus\"}"); /* kind says video */
    refuse("{" TRACK ",\"clock_rate\":0}");
    refuse("{" TRACK ",\"payload_type\":128}");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    gst_init(NULL, NULL);
    g_test_add_func("/pipelines/command/takes-what-the-page-describes", test_good);
    g_test_add_func("/pipelines/command/refuses-everything-else", test_bad);
    return g_test_run();
}
