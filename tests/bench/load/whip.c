/* whip.c - joining by WHIP (RFC 9725) and WHEP: one POST with our offer, the answer in its body. */
#include "tests/bench/load/load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_whip(Load *load)
{
    (void)load;
    return 0;
}

static int is_ready(Load *load)
{
    (void)load;
    return 1;
}

/* The Location may be a path: then it is on the host of the URL that was asked. */
static char *resolve(const char *url, const char *location)
{
    char *out = NULL;
    const char *host = strstr(url, "://");
    if (location[0] != '/' || host == NULL)
        return strdup(location);
    size_t len = (size_t)(host - url) + 3;
    len += strcspn(url + len, "/");
    if (asprintf(&out, "%.*s%s", (int)len, url, location) < 0)
        return NULL;
    return out;
}

static const char *url_of(const LoadClient *client)
{
    const LoadOptions *options = &client->load->options;
    return client->is_publisher ? options->whip : options->whep;
}

static const char *token_of(const LoadClient *client)
{
    const LoadOptions *options = &client->load->options;
    return client->is_publisher ? options->publish_token : options->receive_token;
}

static void on_answer(Load *load, void *data, long status, const char *body, const char *location)
{
    LoadClient *client = data;
    (void)load;
    if (client->state != LOAD_JOINING)
        return;
    if (status != 201) {
        fprintf(stderr, "manabi-load: %s: HTTP %ld %.300s\n", url_of(client), status, body);
        load_client_fail(client, "the server did not take the offer");
        return;
    }
    if (location != NULL)
        client->location = resolve(url_of(client), location);
    if (load_sdp_apply(client, body) < 0)
        load_client_fail(client, "an answer without ICE, fingerprint or a loopback candidate");
    else
        load_client_check(client);
}

static void join(LoadClient *client)
{
    char *offer = load_sdp_offer(client);
    load_http_send(client->load, "POST", url_of(client), token_of(client), "application/sdp", offer,
                   on_answer, client);
    free(offer);
}

static void on_left(Load *load, void *data, long status, const char *body, const char *location)
{
    (void)load, (void)data, (void)status, (void)body, (void)location;
}

static void leave(LoadClient *client)
{
    if (client->location == NULL)
        return;
    load_http_send(client->load, "DELETE", client->location, token_of(client), NULL, NULL, on_left,
                   NULL);
    free(client->location);
    client->location = NULL;
}

static void close_whip(Load *load)
{
    (void)load;
}

const LoadSignalling load_whip = {open_whip, is_ready, join, leave, NULL, close_whip};
