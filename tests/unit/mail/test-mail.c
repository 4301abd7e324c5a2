/* What an invitation says, how it becomes a message, which addresses are taken. */
#include "recordings/mail.h"
#include "server/mail/compose.h"
#include "server/mail/invitation.h"
#include <string.h>

static void test_addresses(void)
{
    static const char *const good[] = {"a@example.org", "first.last+tag@sub.example-city.jp",
                                       "o'neil@x.io"};
    static const char *const bad[] = {"",
                                      "a",
                                      "@example.org",
                                      "a@",
                                      "a@localhost",
                                      "a b@example.org",
                                      "a@example..org",
                                      "a@-x.org",
                                      "a@x-.org",
                                      ".a@example.org",
                                      "a..b@example.org",
                                      "a@example.org\r\nRCPT TO:<b@example.org>",
                                      "<a@example.org>",
                                      "a@example.org,b@example.org",
                                      "\"a b\"@example.org",
                                      "a@[127.0.0.1]",
                                      "あ@example.org"};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        if (!mnb_mail_address_is_valid(good[i]))
            g_error("%s is refused", good[i]);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        if (mnb_mail_address_is_valid(bad[i]))
            g_error("%s is taken", bad[i]);
}

static MnbCompose message(void)
{
    return (MnbCompose){.from = "学び <events@example.org>",
                        .to_name = "山本 直子",
                        .to_address = "yamamoto@example.org",
                        .subject = "ご案内：洪水",
                        .text = "こんにちは\n.\n",
                        .calendar = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
                        .language = "ja",
                        .id = "0123",
                        .at_us = G_GINT64_CONSTANT(1764000000) * G_USEC_PER_SEC};
}

static void test_compose(void)
{
    MnbCompose what = message();
    g_autoptr(GError) error = NULL;
    g_autofree char *text = mnb_compose(&what, &error);
    g_assert_no_error(error);
    for (const char *c = text; *c != '\0'; c++) /* seven bits, and no line feed alone */
        g_assert_true((guchar)*c < 0x80 && (*c != '\n' || (c > text && c[-1] == '\r')));
    g_assert_nonnull(strstr(text, "Message-Id: <0123@example.org>\r\n"));
    g_assert_nonnull(strstr(text, "text/calendar"));
    g_assert_null(strstr(text, "\r\n.\r\n"));
    what.to_name = "A\nBcc: b@example.org";
    g_assert_null(mnb_compose(&what, NULL));
    what = message();
    what.subject = "A\r\nBcc: b@example.org";
    g_assert_null(mnb_compose(&what, NULL));
    what = message();
    what.to_address = "a@example.org, b@example.org";
    g_assert_null(mnb_compose(&what, NULL));
    what = message();
    what.from = "a@example.org, b@example.org";
    g_assert_null(mnb_compose(&what, NULL));
}

static void test_text(void)
{
    MnbEvent event = {.title_en = (char *)"Flood drills",
                      .title_ja = (char *)"防災訓練",
                      .starts_us = G_GINT64_CONSTANT(1764050400) * G_USEC_PER_SEC, /* 06:00 UTC */
                      .duration_s = 5400,
                      .time_zone = (char *)"Asia/Tokyo",
                      .attendance = MNB_ATTENDANCE_ONLINE};
    MnbInvitation invitation = {.event = &event,
                                .city = "Kitakyushu",
                                .name = "A. Rahman",
                                .note = "",
                                .url = "https://example.org/join#x",
                                .role = MNB_ROLE_PARTICIPANT};
    g_autofree char *en = mnb_invitation_text(&invitation);
    g_assert_nonnull(strstr(en, "Tue 25 November 2025, 15:00–16:30 (Asia/Tokyo)\n"));
    g_assert_nonnull(strstr(en, "Tue 25 November 2025, 06:00–07:30 (UTC)\n"));
    g_assert_nonnull(strstr(en, "Flood drills\n防災訓練\n"));
    invitation.is_japanese = TRUE;
    invitation.note = "資料は前日に。";
    g_autofree char *ja = mnb_invitation_text(&invitation);
    g_assert_nonnull(strstr(ja, "2025年11月25日(火) 15:00～16:30（Asia/Tokyo）\n"));
    g_assert_nonnull(strstr(ja, "\n資料は前日に。\n"));
    g_autofree char *subject = mnb_invitation_subject(&invitation);
    g_assert_cmpstr(subject, ==, "ご案内：防災訓練");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    mnb_compose_init();
    g_test_add_func("/mail/takes-addresses-that-end-nothing", test_addresses);
    g_test_add_func("/mail/is-seven-bits-and-no-header-of-others", test_compose);
    g_test_add_func("/mail/says-when-in-both-zones-and-languages", test_text);
    return g_test_run();
}
