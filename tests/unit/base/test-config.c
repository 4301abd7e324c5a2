#include <string.h>

#include "server/base/config.h"
#include "server/base/error.h"

static MnbConfig *parse(const char *text, GError **error)
{
    return mnb_config_parse(text, strlen(text), "test.ini", error);
}

static void test_empty_is_all_defaults(void)
{
    g_autoptr(MnbConfig) config = parse("", NULL);
    g_assert_nonnull(config);
    g_assert_cmpint(config->server.port, ==, 8080);
    g_assert_cmpstr(config->server.listen, ==, "127.0.0.1");
    g_assert_cmpint(config->server.log_level, ==, MNB_LOG_LEVEL_INFO);
    g_assert_cmpint(config->jobs.parallel, ==, 1);
    g_assert_null(config->media.announce[0]);
}

static void test_takes_values(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbConfig) config = parse("# a comment\n[server]\nport = 443\nlisten= ::\n"
                                        "log_level=debug\nstate_dir=/srv/x/../manabi\n"
                                        "[media]\nannounce = 192.0.2.7:3478, 2001:db8::1 \n",
                                        &error);
    g_assert_no_error(error);
    g_assert_cmpint(config->server.port, ==, 443);
    g_assert_cmpstr(config->server.listen, ==, "::");
    g_assert_cmpint(config->server.log_level, ==, MNB_LOG_LEVEL_DEBUG);
    g_assert_cmpstr(config->server.state_dir, ==, "/srv/manabi");
    g_assert_cmpuint(g_strv_length(config->media.announce), ==, 2);
    g_assert_cmpstr(config->media.announce[1], ==, "2001:db8::1");
}

static void test_says_what_is_wrong(void)
{
    static const struct {
        const char *text;
        const char *says; /* part of the error text */
    } bad[] = {
        {"[server]\nprot = 80\n", "test.ini: [server] prot: no such key"},
        {"[sever]\nport = 80\n", "test.ini: [sever]: no such group"},
        {"[empty]\n", "test.ini: [empty]: no such group"},
        {"[server]\nport = http\n", "[server] port: must be a whole number from 0 to 65535"},
        {"[server]\nport = 65536\n", "from 0 to 65535"},
        {"[server]\nport = \n", "from 0 to 65535"},
        {"[server]\nport = 80 80\n", "from 0 to 65535"},
        {"[server]\nlog_level = loud\n", "one of: error, warning, info, debug"},
        {"[server]\nlisten = a;b\n", "must not contain"},
        {"[server]\nweb_root = /x\"y\n", "must not contain"},
        {"[server]\ntls_key = /x\n", "give both or none"},
        {"[server]\npublic_url = example.org\n", "must begin with https://"},
        {"[server]\npublic_url = https://example.org/\n", "not end in /"},
        {"[server]\nstate_dir =\n", "must not be empty"},
        {"[recording]\nring_mb = 12\n", "power of two"},
        {"[media]\nport = 65530\nworkers = 16\n", "above 65535"},
        {"port = 80\n", "test.ini: "},
        {"[server]\nno equals sign\n", "test.ini: "},
        {"\xff\xfe", "UTF-8"},
        {"[media]\nannounce = a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\n", "at most 16 entries"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(bad[i].text, &error));
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
        if (strstr(error->message, bad[i].says) == NULL)
            g_error("%s: \"%s\" does not say \"%s\"", bad[i].text, error->message, bad[i].says);
    }
}

static void test_missing_file(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mnb_config_load("/nonexistent/manabi.ini", NULL, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "/nonexistent/manabi.ini"));
}

static void test_refuses_a_huge_file(void)
{
    g_autofree char *text = g_strnfill(MNB_CONFIG_FILE_MAX + 1, '#');
    g_autoptr(GError) error = NULL;
    g_assert_null(parse(text, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
}

static gboolean has_line(char **lines, const char *group, const char *wanted)
{
    g_autofree char *head = g_strdup_printf("[%s]", group);
    gboolean is_in_group = FALSE;
    for (guint i = 0; lines[i] != NULL; i++) {
        if (lines[i][0] == '[')
            is_in_group = strcmp(g_strchomp(lines[i]), head) == 0;
        else if (is_in_group && strcmp(g_strchomp(lines[i]), wanted) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Every key stands in the sample as "#key = default" under its group, behind a text about it; and
 * the sample with those lines switched on is a configuration equal to the defaults. */
static void test_sample_tells_every_key(void)
{
    const char *path = g_getenv("MANABI_SAMPLE_CONFIG");
    if (path == NULL) {
        g_test_skip("MANABI_SAMPLE_CONFIG is not set: run by meson test");
        return;
    }
    g_autofree char *sample = NULL;
    g_assert_true(g_file_get_contents(path, &sample, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(sample, "\n", -1);
    g_autoptr(GString) switched_on = g_string_new(NULL);
    guint n_keys = 0;
    for (guint i = 0; i < mnb_config_count(); i++) {
        const char *group, *key, *fallback;
        mnb_config_describe(i, &group, &key, &fallback);
        g_autofree char *wanted = g_strchomp(g_strdup_printf("#%s = %s", key, fallback));
        if (!has_line(lines, group, wanted))
            g_error("the sample lacks \"%s\" under [%s]", wanted, group);
    }
    for (guint i = 0; lines[i] != NULL; i++) {
        gboolean is_key = lines[i][0] == '#' && g_ascii_islower(lines[i][1]);
        n_keys += is_key;
        if (is_key && (i == 0 || !g_str_has_prefix(lines[i - 1], "# ")))
            g_error("the sample says nothing about \"%s\"", lines[i]);
        g_string_append_printf(switched_on, "%s\n", lines[i] + is_key);
    }
    g_assert_cmpuint(n_keys, ==, mnb_config_count());
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbConfig) config = parse(switched_on->str, &error);
    g_assert_no_error(error);
    g_assert_cmpint(config->server.port, ==, 8080);
    g_autoptr(MnbConfig) as_it_is = mnb_config_load(path, "/srv/other", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(as_it_is->server.state_dir, ==, "/srv/other");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/empty-file-is-all-defaults", test_empty_is_all_defaults);
    g_test_add_func("/config/takes-values", test_takes_values);
    g_test_add_func("/config/says-what-is-wrong-and-where", test_says_what_is_wrong);
    g_test_add_func("/config/names-a-missing-file", test_missing_file);
    g_test_add_func("/config/refuses-a-huge-file", test_refuses_a_huge_file);
    g_test_add_func("/config/sample-tells-every-key", test_sample_tells_every_key);
    return g_test_run();
}
