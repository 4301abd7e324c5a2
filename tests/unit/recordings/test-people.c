/* Links, staff and the audit log. */
#include "recordings/audit.h"
#include "recordings/link.h"
#include "recordings/staff.h"
#include "server/base/error.h"
#include "tests/unit/recordings/fixture.h"

#include <string.h>

static MnbLink *make_link(MnbDb *db, const MnbEvent *event, MnbRole role, gint64 expires_us,
                          char token[MNB_TOKEN_SIZE])
{
    g_autoptr(GError) error = NULL;
    MnbLink *link = mnb_link_create(db, MNB_LINK_ROLE, event->id, NULL, role, "Dhaka team",
                                    expires_us, NOW_US, token, &error);
    g_assert_no_error(error);
    return link;
}

static void test_link_opens(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Title", "");
    char token[MNB_TOKEN_SIZE];
    g_autoptr(MnbLink) made =
        make_link(fixture.db, event, MNB_ROLE_PARTICIPANT, NOW_US + 10, token);
    g_assert_true(mnb_token_is_valid(token));
    g_autoptr(MnbLink) link = mnb_link_find_by_token(fixture.db, token, NOW_US + 9, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(link->id, ==, made->id);
    g_assert_cmpstr(link->event, ==, event->id);
    g_assert_cmpstr(link->label, ==, "Dhaka team");
    g_assert_cmpint(link->role, ==, MNB_ROLE_PARTICIPANT);
    g_assert_true(mnb_link_count_use(fixture.db, link->id, &error));
    g_assert_true(mnb_link_count_use(fixture.db, link->id, &error));
    g_autoptr(GPtrArray) links = mnb_link_list(fixture.db, event->id, &error);
    g_assert_cmpint(links->len, ==, 1);
    g_assert_cmpint(((MnbLink *)links->pdata[0])->uses, ==, 2);
    fixture_close(&fixture);
}

static void assert_closed(MnbDb *db, const char *token, gint64 now_us, int code, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mnb_link_find_by_token(db, token, now_us, &error));
    g_assert_error(error, MNB_LINK_ERROR, code);
    g_assert_cmpstr(mnb_link_error_name(error), ==, name);
}

static void test_link_refuses(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Title", "");
    char token[MNB_TOKEN_SIZE];
    g_autoptr(MnbLink) link = make_link(fixture.db, event, MNB_ROLE_OBSERVER, NOW_US + 10, token);
    assert_closed(fixture.db, token, NOW_US + 10, MNB_LINK_ERROR_EXPIRED, "link-expired");
    char other[MNB_TOKEN_SIZE];
    mnb_token_make(other);
    assert_closed(fixture.db, other, NOW_US, MNB_LINK_ERROR_UNKNOWN, "link-unknown");
    assert_closed(fixture.db, "short", NOW_US, MNB_LINK_ERROR_UNKNOWN, "link-unknown");
    assert_closed(fixture.db, NULL, NOW_US, MNB_LINK_ERROR_UNKNOWN, "link-unknown");
    g_assert_true(mnb_link_revoke(fixture.db, link->id, NOW_US + 1, &error));
    g_assert_true(mnb_link_revoke(fixture.db, link->id, NOW_US + 2, &error));
    assert_closed(fixture.db, token, NOW_US, MNB_LINK_ERROR_REVOKED, "link-revoked");
    g_autoptr(MnbLink) revoked = mnb_link_find(fixture.db, link->id, &error);
    g_assert_cmpint(revoked->revoked_us, ==, NOW_US + 1);
    g_assert_false(mnb_link_revoke(fixture.db, "none", NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    fixture_close(&fixture);
}

static void assert_not_made(MnbDb *db, const char *event, const char *session, MnbRole role,
                            const char *label, int code)
{
    g_autoptr(GError) error = NULL;
    char token[MNB_TOKEN_SIZE];
    g_assert_null(
        mnb_link_create(db, MNB_LINK_MEDIA, event, session, role, label, 0, NOW_US, token, &error));
    g_assert_error(error, MNB_ERROR, code);
}

static void test_link_creation(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Title", "");
    g_autoptr(MnbEvent) other = fixture_event(fixture.db, "Other", "");
    g_autofree char *label = g_strnfill(MNB_LINK_LABEL_MAX + 1, 'x');
    assert_not_made(fixture.db, event->id, NULL, MNB_ROLE_ADMIN, NULL, MNB_ERROR_INVALID);
    assert_not_made(fixture.db, event->id, NULL, MNB_ROLE_VISITOR, NULL, MNB_ERROR_INVALID);
    assert_not_made(fixture.db, event->id, NULL, (MnbRole)99, NULL, MNB_ERROR_INVALID);
    assert_not_made(fixture.db, event->id, NULL, MNB_ROLE_OBSERVER, label, MNB_ERROR_INVALID);
    assert_not_made(fixture.db, "none", NULL, MNB_ROLE_OBSERVER, NULL, MNB_ERROR_NOT_FOUND);
    assert_not_made(fixture.db, event->id, other->session, MNB_ROLE_OBSERVER, NULL,
                    MNB_ERROR_INVALID);
    char token[MNB_TOKEN_SIZE];
    g_autoptr(MnbLink) media =
        mnb_link_create(fixture.db, MNB_LINK_MEDIA, event->id, event->session, MNB_ROLE_PRESENTER,
                        NULL, 0, NOW_US, token, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(media->session, ==, event->session);
    /* An encoder's token opens media and nothing else, and is not among the links of people. */
    g_assert_true(mnb_link_may(media, MNB_MAY_MEDIA_PUBLISH));
    g_assert_true(mnb_link_may(media, MNB_MAY_MEDIA_RECEIVE));
    g_assert_false(mnb_link_may(media, MNB_MAY_SPEAK));
    g_assert_false(mnb_link_may(media, MNB_MAY_ATTEND));
    g_autoptr(GPtrArray) links = mnb_link_list(fixture.db, event->id, &error);
    g_assert_cmpint(links->len, ==, 0);
    fixture_close(&fixture);
}

/* What the file holds does not open anything. */
static void test_tokens_are_not_kept(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Title", "");
    char link_token[MNB_TOKEN_SIZE];
    char cookie[MNB_TOKEN_SIZE];
    mnb_link_free(make_link(fixture.db, event, MNB_ROLE_FACILITATOR, 0, link_token));
    g_autoptr(MnbStaff) staff = mnb_staff_create(fixture.db, "Aiko", FALSE, NOW_US, &error);
    g_assert_true(mnb_staff_token_create(fixture.db, staff->id, MNB_STAFF_TOKEN_COOKIE, NOW_US + 9,
                                         NOW_US, cookie, &error));
    g_assert_true(mnb_db_exec(fixture.db, "PRAGMA wal_checkpoint(TRUNCATE)", &error));
    g_autofree char *path = g_build_filename(fixture.dir, "catalogue.db", NULL);
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, &error));
    g_assert_nonnull(memmem(data, size, "Aiko", 4));
    g_assert_null(memmem(data, size, link_token, MNB_TOKEN_CHARS));
    g_assert_null(memmem(data, size, cookie, MNB_TOKEN_CHARS));
    fixture_close(&fixture);
}

static void test_staff(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbStaff) admin = mnb_staff_create(fixture.db, "Admin", TRUE, NOW_US, &error);
    g_autoptr(MnbStaff) aiko = mnb_staff_create(fixture.db, "愛子", FALSE, NOW_US, &error);
    g_assert_no_error(error);
    g_assert_cmpint(mnb_staff_role(admin), ==, MNB_ROLE_ADMIN);
    g_assert_cmpint(mnb_staff_role(aiko), ==, MNB_ROLE_STAFF);
    g_assert_cmpint(mnb_staff_role(NULL), ==, MNB_ROLE_VISITOR);
    g_assert_null(mnb_staff_create(fixture.db, "ADMIN", FALSE, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_null(mnb_staff_create(fixture.db, "", FALSE, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    g_clear_error(&error);
    g_autoptr(MnbStaff) found = mnb_staff_find_by_name(fixture.db, "admin", &error);
    g_assert_cmpstr(found->id, ==, admin->id);
    g_assert_null(found->password_hash);
    g_autoptr(GPtrArray) list = mnb_staff_list(fixture.db, &error);
    g_assert_cmpint(list->len, ==, 2);
    g_assert_true(mnb_staff_set_disabled(fixture.db, aiko->id, TRUE, NOW_US, &error));
    g_autoptr(MnbStaff) disabled = mnb_staff_find(fixture.db, aiko->id, &error);
    g_assert_cmpint(mnb_staff_role(disabled), ==, MNB_ROLE_VISITOR);
    fixture_close(&fixture);
}

static void assert_link_fails(MnbDb *db, const char *token, gint64 now_us, int code)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mnb_staff_use_sign_in_link(db, token, now_us, &error));
    g_assert_error(error, MNB_LINK_ERROR, code);
}

static void test_sign_in_link(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbStaff) staff = mnb_staff_create(fixture.db, "Aiko", FALSE, NOW_US, &error);
    char token[MNB_TOKEN_SIZE];
    g_assert_true(mnb_staff_token_create(fixture.db, staff->id, MNB_STAFF_TOKEN_SIGN_IN,
                                         NOW_US + 10, NOW_US, token, &error));
    assert_link_fails(fixture.db, token, NOW_US + 10, MNB_LINK_ERROR_EXPIRED);
    assert_link_fails(fixture.db, "nonsense", NOW_US, MNB_LINK_ERROR_UNKNOWN);
    g_autoptr(MnbStaff) used = mnb_staff_use_sign_in_link(fixture.db, token, NOW_US + 5, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(used->id, ==, staff->id);
    assert_link_fails(fixture.db, token, NOW_US + 6, MNB_LINK_ERROR_USED);
    /* It is no cookie. */
    g_assert_null(mnb_staff_find_by_cookie(fixture.db, token, NOW_US, NULL));
    fixture_close(&fixture);
}

static void make_cookie(MnbDb *db, const char *staff, char cookie[MNB_TOKEN_SIZE])
{
    g_autoptr(GError) error = NULL;
    mnb_staff_token_create(db, staff, MNB_STAFF_TOKEN_COOKIE, NOW_US + 100, NOW_US, cookie, &error);
    g_assert_no_error(error);
}

static gboolean opens(MnbDb *db, const char *cookie, gint64 now_us)
{
    g_autoptr(MnbStaff) staff = mnb_staff_find_by_cookie(db, cookie, now_us, NULL);
    return staff != NULL;
}

static void test_cookies(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbStaff) staff = mnb_staff_create(fixture.db, "Aiko", FALSE, NOW_US, &error);
    char one[MNB_TOKEN_SIZE];
    char two[MNB_TOKEN_SIZE];
    char three[MNB_TOKEN_SIZE];
    make_cookie(fixture.db, staff->id, one);
    make_cookie(fixture.db, staff->id, two);
    make_cookie(fixture.db, staff->id, three);
    g_assert_true(opens(fixture.db, one, NOW_US));
    g_assert_false(opens(fixture.db, one, NOW_US + 100));
    g_assert_false(opens(fixture.db, NULL, NOW_US));
    assert_link_fails(fixture.db, one, NOW_US, MNB_LINK_ERROR_UNKNOWN); /* nor is a cookie a link */
    g_assert_true(mnb_staff_end_cookie(fixture.db, one, &error));
    g_assert_true(mnb_staff_end_cookie(fixture.db, one, &error));
    g_assert_false(opens(fixture.db, one, NOW_US));
    g_assert_true(mnb_staff_set_password(fixture.db, staff->id, "hash", two, &error));
    g_assert_true(opens(fixture.db, two, NOW_US));
    g_assert_false(opens(fixture.db, three, NOW_US));
    g_assert_true(mnb_staff_set_disabled(fixture.db, staff->id, TRUE, NOW_US, &error));
    g_assert_false(opens(fixture.db, two, NOW_US));
    g_assert_true(mnb_staff_set_disabled(fixture.db, staff->id, FALSE, NOW_US, &error));
    g_assert_false(opens(fixture.db, two, NOW_US)); /* it does not come back */
    make_cookie(fixture.db, staff->id, one);
    g_assert_true(mnb_staff_prune_tokens(fixture.db, NOW_US + 200, &error));
    g_assert_true(opens(fixture.db, one, NOW_US));
    g_assert_true(mnb_staff_prune_tokens(
        fixture.db, NOW_US + G_GINT64_CONSTANT(90000) * G_USEC_PER_SEC, &error));
    g_assert_false(opens(fixture.db, one, NOW_US));
    fixture_close(&fixture);
}

static void test_audit(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    gint64 bad = -1;
    g_assert_true(mnb_audit_verify(fixture.db, &bad, &error));
    g_assert_cmpint(bad, ==, 0);
    for (int i = 0; i < 5; i++)
        g_assert_true(mnb_audit_append(fixture.db, NOW_US + i, "staff:1", "publish", "recording:2",
                                       i % 2 == 0 ? NULL : "{\"from\":\"review\"}", &error));
    g_assert_false(mnb_audit_append(fixture.db, NOW_US, "a", "b", "c", "no json", &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    g_clear_error(&error);
    g_autoptr(GPtrArray) rows = mnb_audit_list(fixture.db, 4, 2, &error);
    g_assert_cmpint(rows->len, ==, 2);
    g_assert_cmpint(((MnbAuditRow *)rows->pdata[0])->seq, ==, 3);
    g_assert_cmpstr(((MnbAuditRow *)rows->pdata[1])->detail, ==, "{\"from\":\"review\"}");
    g_assert_true(mnb_audit_verify(fixture.db, &bad, &error));
    g_assert_cmpint(bad, ==, 0);
    g_assert_true(
        mnb_db_exec(fixture.db, "UPDATE audit SET actor = 'staff:9' WHERE seq = 3", &error));
    g_assert_true(mnb_audit_verify(fixture.db, &bad, &error));
    g_assert_cmpint(bad, ==, 3);
    g_assert_true(mnb_db_exec(fixture.db,
                              "UPDATE audit SET actor = 'staff:1' WHERE seq = 3;"
                              "DELETE FROM audit WHERE seq = 2",
                              &error));
    g_assert_true(mnb_audit_verify(fixture.db, &bad, &error));
    g_assert_cmpint(bad, ==, 3);
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/link/opens-with-its-token", test_link_opens);
    g_test_add_func("/recordings/link/refuses-expired-revoked-and-unknown", test_link_refuses);
    g_test_add_func("/recordings/link/carries-only-roles-of-a-room", test_link_creation);
    g_test_add_func("/recordings/link/keeps-no-token-in-the-file", test_tokens_are_not_kept);
    g_test_add_func("/recordings/staff/has-unique-names-and-roles", test_staff);
    g_test_add_func("/recordings/staff/signs-in-once-by-link", test_sign_in_link);
    g_test_add_func("/recordings/staff/ends-cookies-in-every-way", test_cookies);
    g_test_add_func("/recordings/audit/shows-what-was-changed-later", test_audit);
    return g_test_run();
}
