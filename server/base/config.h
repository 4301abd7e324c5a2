/* config.h - what an operator can set: one INI file, one struct, read and checked once.
 *
 * Every key has a default, so an empty file is a configuration. A group, key or value that is not
 * known is an error that names file, group and key: a typing mistake must not silently mean the
 * default. docs/manabi.ini shows and explains each key; a test compares it with the table in
 * config.c. After loading, the struct is read only and may be read from any thread. */
#pragma once
#include "server/base/log.h"

#define MNB_CONFIG_FILE_MAX 65536 /* bytes */

typedef enum {
    MNB_FRONT_DOOR_NGINX, /* manabi writes nginx's configuration and runs it */
    MNB_FRONT_DOOR_NONE,  /* somebody else's proxy connects to the sockets in STATE/run */
} MnbFrontDoorKind;

typedef enum {
    MNB_SANDBOX_AUTO,     /* used where the kernel lets us, else a warning */
    MNB_SANDBOX_REQUIRED, /* no sandbox, no start */
    MNB_SANDBOX_OFF,
} MnbSandbox;

typedef enum { MNB_SWITCH_ON, MNB_SWITCH_OFF } MnbSwitch;

/* Strings are never NULL; "" means what docs/manabi.ini says. Paths are absolute. */
typedef struct {
    struct {
        char *state_dir;       /* everything that is written at run time */
        char *listen;          /* address of the front door */
        gint64 port;           /* of the front door, 0: any free one */
        char *public_url;      /* "": made from listen and port; no slash at the end */
        char *tls_certificate; /* "": plain HTTP */
        char *tls_key;
        MnbFrontDoorKind front_door;
        char *nginx;           /* program, "": found in the usual places */
        char *web_root;        /* built web client, "": found beside the program */
        gint64 stop_timeout_s; /* SIGTERM to exit, at most */
        MnbLogLevel log_level;
    } server;
    struct {
        gint64 workers; /* 0: one a processor */
        gint64 spread;  /* receivers of one session at one worker before the next is used */
        gint64 port;    /* UDP port of the first worker, counting up; 0: any free ones */
        GStrv announce; /* addresses told to browsers, "ADDRESS" or "ADDRESS:PORT"; empty: found */
        MnbSwitch tcp;  /* ICE-TCP, too */
        MnbSandbox sandbox; /* of the workers */
    } media;
    struct {
        gint64 peers_max; /* in one session */
        gint64 away_s;    /* how long the place of a peer whose line is lost is kept */
    } rooms;
    struct {
        gint64 min_free_mb; /* below this no recording starts and uploads are refused */
        gint64 ring_mb;     /* memory between media worker and recorder, a power of two */
    } recording;
    struct {
        gint64 film_max_gb;   /* of one uploaded film */
        gint64 city_quota_gb; /* of all films that a city uploaded; 0: none */
    } uploads;
    struct {
        gint64 srt_port;       /* UDP port of the first feed, counting up; 0: no feeds by SRT */
        gint64 srt_ports;      /* how many */
        gint64 rtmp_port;      /* TCP port of nginx's rtmp module; 0: no feeds by RTMP */
        gint64 picture_height; /* of what a feed shows in the room */
        GStrv camera_networks; /* where RTSP cameras may be besides public addresses */
    } ingest;
    struct {
        MnbSwitch second_person; /* who publishes is another than who handed in */
    } publishing;
    struct {
        char *relay;         /* smtp://HOST:PORT; "": no mail is sent */
        char *from;          /* "Name <address>" */
        char *user;          /* "": none */
        char *password_file; /* of the user */
        MnbSwitch needs_tls;
    } mail;
    struct {
        gint64 parallel;  /* pipeline jobs at once, 0: none run here */
        gint64 memory_mb; /* private memory of a job's program, 0: its own limit */
        gint64 timeout_s; /* a job without progress for so long is stopped and tried again */
        MnbSandbox sandbox;
    } jobs;
} MnbConfig;

/* All defaults. @state_dir: absolute or relative to the working directory. Returns (owned). */
MnbConfig *mnb_config_new(const char *state_dir);

/* Reads @path. @state_dir: overrides what the file says, NULL: as the file says.
 * Returns (owned), or NULL: MNB_ERROR_NOT_FOUND, MNB_ERROR_DENIED (unreadable), MNB_ERROR_INVALID
 * (the text says file, group, key and what is allowed). */
MnbConfig *mnb_config_load(const char *path, const char *state_dir, GError **error);

/* As load, from memory. @name: of the file, for error texts. @size at most MNB_CONFIG_FILE_MAX. */
MnbConfig *mnb_config_parse(const char *data, gsize size, const char *name, GError **error);

/* Sets one key as the file would ("media", "workers", "2"): for command line options and tests. */
gboolean mnb_config_set(MnbConfig *config, const char *group, const char *key, const char *value,
                        GError **error);

void mnb_config_free(MnbConfig *config); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbConfig, mnb_config_free)

/* The table, for the test that compares it with the sample. Returns the number of keys; @i below
 * it. */
guint mnb_config_count(void);
void mnb_config_describe(guint i, const char **group_out, const char **key_out,
                         const char **default_out);
