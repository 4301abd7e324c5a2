#include "server/base/config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "server/base/error.h"

typedef enum { KIND_NUMBER, KIND_TEXT, KIND_PATH, KIND_LIST, KIND_CHOICE } Kind;

#define CHOICES_MAX 5
#define LIST_MAX    16  /* entries */
#define TEXT_MAX    512 /* bytes */

typedef struct {
    const char *group;
    const char *key;
    const char *fallback;
    Kind kind;
    gsize at; /* offset in MnbConfig */
    gint64 min;
    gint64 max;
    const char *choices[CHOICES_MAX]; /* in the order of the enumeration */
} Key;

/* clang-format off */
#define NUMBER(group, key, field, fallback, min, max) \
    {group, key, fallback, KIND_NUMBER, offsetof(MnbConfig, field), min, max, {NULL}}
#define STRING(group, key, field, fallback, kind) \
    {group, key, fallback, kind, offsetof(MnbConfig, field), 0, 0, {NULL}}
#define CHOICE(group, key, field, fallback, ...) \
    {group, key, fallback, KIND_CHOICE, offsetof(MnbConfig, field), 0, 0, {__VA_ARGS__}}
/* clang-format on */

static const Key keys[] = {
    STRING("server", "state_dir", server.state_dir, "/var/lib/manabi", KIND_PATH),
    STRING("server", "listen", server.listen, "127.0.0.1", KIND_TEXT),
    NUMBER("server", "port", server.port, "8080", 0, 65535),
    STRING("server", "public_url", server.public_url, "", KIND_TEXT),
    STRING("server", "tls_certificate", server.tls_certificate, "", KIND_PATH),
    STRING("server", "tls_key", server.tls_key, "", KIND_PATH),
    CHOICE("server", "front_door", server.front_door, "nginx", "nginx", "none"),
    STRING("server", "nginx", server.nginx, "", KIND_PATH),
    STRING("server", "web_root", server.web_root, "", KIND_PATH),
    NUMBER("server", "stop_timeout_s", server.stop_timeout_s, "10", 1, 600),
    CHOICE("server", "log_level", server.log_level, "info", "error", "warning", "info", "debug"),
    NUMBER("media", "workers", media.workers, "0", 0, 64),
    NUMBER("media", "spread", media.spread, "600", 1, 5000),
    NUMBER("media", "port", media.port, "0", 0, 65535),
    STRING("media", "announce", media.announce, "", KIND_LIST),
    CHOICE("media", "tcp", media.tcp, "on", "on", "off"),
    CHOICE("media", "sandbox", media.sandbox, "auto", "auto", "required", "off"),
    NUMBER("rooms", "peers_max", rooms.peers_max, "500", 2, 5000),
    NUMBER("rooms", "away_s", rooms.away_s, "120", 5, 3600),
    NUMBER("recording", "min_free_mb", recording.min_free_mb, "512", 16, 1048576),
    NUMBER("recording", "ring_mb", recording.ring_mb, "8", 1, 256),
    NUMBER("uploads", "film_max_gb", uploads.film_max_gb, "64", 1, 1024),
    NUMBER("uploads", "city_quota_gb", uploads.city_quota_gb, "200", 0, 1048576),
    NUMBER("ingest", "srt_port", ingest.srt_port, "9710", 0, 65535),
    NUMBER("ingest", "srt_ports", ingest.srt_ports, "16", 1, 100),
    NUMBER("ingest", "rtmp_port", ingest.rtmp_port, "0", 0, 65535),
    NUMBER("ingest", "picture_height", ingest.picture_height, "720", 180, 1080),
    STRING("ingest", "camera_networks", ingest.camera_networks, "", KIND_LIST),
    CHOICE("publishing", "second_person", publishing.second_person, "off", "on", "off"),
    STRING("mail", "relay", mail.relay, "", KIND_TEXT),
    STRING("mail", "from", mail.from, "", KIND_TEXT),
    STRING("mail", "user", mail.user, "", KIND_TEXT),
    STRING("mail", "password_file", mail.password_file, "", KIND_PATH),
    CHOICE("mail", "needs_tls", mail.needs_tls, "on", "on", "off"),
    NUMBER("jobs", "parallel", jobs.parallel, "1", 0, 32),
    NUMBER("jobs", "memory_mb", jobs.memory_mb, "0", 0, 65536),
    NUMBER("jobs", "timeout_s", jobs.timeout_s, "1800", 10, 86400),
    CHOICE("jobs", "sandbox", jobs.sandbox, "auto", "auto", "required", "off"),
};

static const Key *find_key(const char *group, const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].group, group) == 0 && strcmp(keys[i].key, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static gboolean has_group(const char *group)
{
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].group, group) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean set_number(MnbConfig *config, const Key *key, const char *text, GError **error)
{
    gint64 value;
    if (!g_ascii_string_to_signed(text, 10, key->min, key->max, &value, NULL)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                    key->min, key->max);
        return FALSE;
    }
    G_STRUCT_MEMBER(gint64, config, key->at) = value;
    return TRUE;
}

static gboolean set_choice(MnbConfig *config, const Key *key, const char *text, GError **error)
{
    g_autoptr(GString) allowed = g_string_new(NULL);
    for (int i = 0; i < CHOICES_MAX && key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            G_STRUCT_MEMBER(int, config, key->at) = i; /* the enumerations are int */
            return TRUE;
        }
        g_string_append_printf(allowed, "%s%s", i > 0 ? ", " : "", key->choices[i]);
    }
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "must be one of: %s", allowed->str);
    return FALSE;
}

static gboolean set_text(MnbConfig *config, const Key *key, const char *text, GError **error)
{
    if (strlen(text) > TEXT_MAX || !g_utf8_validate(text, -1, NULL)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "must be UTF-8 of at most %d bytes",
                    TEXT_MAX);
        return FALSE;
    }
    for (const char *at = text; *at != '\0'; at++) {
        /* What ends up in nginx's configuration or on a command line carries nothing odd. */
        if ((guchar)*at < 0x20 || strchr("\"'\\;{}$", *at) != NULL) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                        "must not contain any of \" ' \\ ; { } $");
            return FALSE;
        }
    }
    char **field = &G_STRUCT_MEMBER(char *, config, key->at);
    g_free(*field);
    if (key->kind == KIND_PATH && text[0] != '\0')
        *field = g_canonicalize_filename(text, NULL);
    else
        *field = g_strdup(text);
    return TRUE;
}

static gboolean set_list(MnbConfig *config, const Key *key, const char *text, GError **error)
{
    if (strlen(text) > TEXT_MAX) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "must have at most %d bytes", TEXT_MAX);
        return FALSE;
    }
    g_auto(GStrv) parts = g_strsplit_set(text, ", \t", -1);
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    guint n = 0;
    for (guint i = 0; parts[i] != NULL; i++) {
        if (parts[i][0] == '\0')
            continue;
        if (++n > LIST_MAX) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "must have at most %d entries",
                        LIST_MAX);
            return FALSE;
        }
        g_strv_builder_add(builder, parts[i]);
    }
    GStrv *field = &G_STRUCT_MEMBER(GStrv, config, key->at);
    g_strfreev(*field);
    *field = g_strv_builder_end(builder);
    return TRUE;
}

static gboolean set_key(MnbConfig *config, const Key *key, const char *text, GError **error)
{
    switch (key->kind) {
    case KIND_NUMBER:
        return set_number(config, key, text, error);
    case KIND_CHOICE:
        return set_choice(config, key, text, error);
    case KIND_LIST:
        return set_list(config, key, text, error);
    case KIND_TEXT:
    case KIND_PATH:
        break;
    }
    return set_text(config, key, text, error);
}

gboolean mnb_config_set(MnbConfig *config, const char *group, const char *name, const char *value,
                        GError **error)
{
    const Key *key = find_key(group, name);
    if (key == NULL) {
        if (has_group(group))
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "[%s] %s: no such key", group, name);
        else
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "[%s]: no such group", group);
        return FALSE;
    }
    if (set_key(config, key, value, error))
        return TRUE;
    g_prefix_error(error, "[%s] %s: ", group, name);
    return FALSE;
}

/* What no single key can say. */
static gboolean check_whole(const MnbConfig *config, GError **error)
{
    if ((config->server.tls_certificate[0] == '\0') != (config->server.tls_key[0] == '\0')) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[server] tls_certificate and tls_key: give both or none");
        return FALSE;
    }
    if (config->server.state_dir[0] == '\0') {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "[server] state_dir: must not be empty");
        return FALSE;
    }
    const char *url = config->server.public_url;
    if (url[0] != '\0' && (g_str_has_suffix(url, "/") || !(g_str_has_prefix(url, "http://") ||
                                                           g_str_has_prefix(url, "https://")))) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[server] public_url: must begin with https:// or http:// and not end in /");
        return FALSE;
    }
    if ((config->mail.relay[0] == '\0') != (config->mail.from[0] == '\0')) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[mail] relay and from: give both or none");
        return FALSE;
    }
    gint64 ring = config->recording.ring_mb;
    if ((ring & (ring - 1)) != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[recording] ring_mb: must be a power of two");
        return FALSE;
    }
    if (config->media.port != 0 && config->media.port + config->media.workers > 65536) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[media] port: the ports of the workers would end above 65535");
        return FALSE;
    }
    if (config->ingest.srt_port + config->ingest.srt_ports > 65536) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[ingest] srt_port: the ports of the feeds would end above 65535");
        return FALSE;
    }
    return TRUE;
}

MnbConfig *mnb_config_new(const char *state_dir)
{
    MnbConfig *config = g_new0(MnbConfig, 1);
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (!set_key(config, &keys[i], keys[i].fallback, NULL))
            g_error("the default of [%s] %s is not allowed", keys[i].group, keys[i].key);
    }
    if (state_dir != NULL) {
        g_free(config->server.state_dir);
        config->server.state_dir = g_canonicalize_filename(state_dir, NULL);
    }
    return config;
}

static gboolean take_group(MnbConfig *config, GKeyFile *file, const char *group, GError **error)
{
    g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, error);
    if (names == NULL)
        return FALSE;
    for (guint i = 0; names[i] != NULL; i++) {
        g_autofree char *value = g_key_file_get_value(file, group, names[i], error);
        if (value == NULL)
            return FALSE;
        g_strstrip(value);
        if (!mnb_config_set(config, group, names[i], value, error))
            return FALSE;
    }
    if (names[0] == NULL && !has_group(group)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "[%s]: no such group", group);
        return FALSE;
    }
    return TRUE;
}

MnbConfig *mnb_config_parse(const char *data, gsize size, const char *name, GError **error)
{
    if (size > MNB_CONFIG_FILE_MAX) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: larger than %d bytes", name,
                    MNB_CONFIG_FILE_MAX);
        return NULL;
    }
    g_autoptr(MnbConfig) config = mnb_config_new(NULL);
    if (size == 0)
        return g_steal_pointer(&config);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) problem = NULL;
    if (memchr(data, '\0', size) != NULL || !g_utf8_validate(data, (gssize)size, NULL)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: not a text in UTF-8", name);
        return NULL;
    }
    if (!g_key_file_load_from_data(file, data, size, G_KEY_FILE_NONE, &problem)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: %s", name, problem->message);
        return NULL;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; groups[i] != NULL; i++) {
        if (!take_group(config, file, groups[i], &problem)) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: %s", name, problem->message);
            return NULL;
        }
    }
    if (!check_whole(config, &problem)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: %s", name, problem->message);
        return NULL;
    }
    return g_steal_pointer(&config);
}

MnbConfig *mnb_config_load(const char *path, const char *state_dir, GError **error)
{
    g_autofree char *data = NULL;
    gsize size = 0;
    g_autoptr(GError) problem = NULL;
    if (!g_file_get_contents(path, &data, &size, &problem)) {
        MnbErrorCode code = MNB_ERROR_DENIED;
        if (g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            code = MNB_ERROR_NOT_FOUND;
        g_set_error(error, MNB_ERROR, (int)code, "configuration %s", problem->message);
        return NULL;
    }
    MnbConfig *config = mnb_config_parse(data, size, path, error);
    if (config != NULL && state_dir != NULL) {
        g_free(config->server.state_dir);
        config->server.state_dir = g_canonicalize_filename(state_dir, NULL);
    }
    return config;
}

void mnb_config_free(MnbConfig *config)
{
    if (config == NULL)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (keys[i].kind == KIND_TEXT || keys[i].kind == KIND_PATH)
            g_free(G_STRUCT_MEMBER(char *, config, keys[i].at));
        else if (keys[i].kind == KIND_LIST)
            g_strfreev(G_STRUCT_MEMBER(GStrv, config, keys[i].at));
    }
    g_free(config);
}

guint mnb_config_count(void)
{
    return G_N_ELEMENTS(keys);
}

void mnb_config_describe(guint i, const char **group_out, const char **key_out,
                         const char **default_out)
{
    g_return_if_fail(i < G_N_ELEMENTS(keys));
    *group_out = keys[i].group;
    *key_out = keys[i].key;
    *default_out = keys[i].fallback;
}
