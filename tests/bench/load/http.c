/* http.c - requests over libcurl's multi interface, driven by the load loop. */
#include "tests/bench/load/load.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX    (1 << 20)
#define TIMEOUT_S   40 /* above the 30 s of Janus's long poll */
#define CONNECTIONS 32

struct LoadHttp {
    CURLM *multi;
    unsigned open;
};

typedef struct {
    CURL *curl;
    struct curl_slist *headers;
    char *sent, *body, *location;
    size_t len;
    LoadHttpDone done;
    void *data;
} Request;

int load_http_open(Load *load)
{
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
        return -EIO;
    load->http = calloc(1, sizeof *load->http);
    if (load->http == NULL)
        return -ENOMEM;
    load->http->multi = curl_multi_init();
    if (load->http->multi == NULL)
        return -EIO;
    curl_multi_setopt(load->http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS);
    return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    Request *request = user;
    size_t len = size * n;
    if (request->len + len > BODY_MAX)
        return 0;
    char *body = realloc(request->body, request->len + len + 1);
    if (body == NULL)
        return 0;
    memcpy(body + request->len, data, len);
    request->len += len;
    body[request->len] = '\0';
    request->body = body;
    return len;
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    Request *request = user;
    size_t len = size * n;
    if (len > 9 && strncasecmp(line, "location:", 9) == 0) {
        const char *from = line + 9;
        size_t left = len - 9;
        while (left > 0 && *from == ' ')
            from++, left--;
        while (left > 0 && (from[left - 1] == '\r' || from[left - 1] == '\n'))
            left--;
        free(request->location);
        request->location = strndup(from, left);
    }
    return len;
}

static void add_header(Request *request, const char *name, const char *value)
{
    char line[1024];
    snprintf(line, sizeof line, "%s%s", name, value);
    request->headers = curl_slist_append(request->headers, line);
}

void load_http_send(Load *load, const char *method, const char *url, const char *token,
                    const char *type, const char *body, LoadHttpDone done, void *data)
{
    Request *request = calloc(1, sizeof *request);
    if (request == NULL)
        abort();
    request->done = done;
    request->data = data;
    request->curl = curl_easy_init();
    if (token != NULL)
        add_header(request, "Authorization: Bearer ", token);
    if (type != NULL)
        add_header(request, "Content-Type: ", type);
    add_header(request, "Expect:", "");
    curl_easy_setopt(request->curl, CURLOPT_URL, url);
    curl_easy_setopt(request->curl, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(request->curl, CURLOPT_CUSTOMREQUEST, method);
    if (body != NULL) {
        request->sent = strdup(body);
        curl_easy_setopt(request->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(request->curl, CURLOPT_POSTFIELDS, request->sent);
    }
    curl_easy_setopt(request->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(request->curl, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(request->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(request->curl, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(request->curl, CURLOPT_PRIVATE, request);
    curl_easy_setopt(request->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(request->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(request->curl, CURLOPT_NOPROXY, "*");
    load->http->open++;
    curl_multi_add_handle(load->http->multi, request->curl);
}

static void free_request(Request *request)
{
    curl_easy_cleanup(request->curl);
    curl_slist_free_all(request->headers);
    free(request->sent);
    free(request->body);
    free(request->location);
    free(request);
}

void load_http_poll(Load *load)
{
    int running, left;
    CURLMsg *message;
    if (load->http->open == 0)
        return;
    curl_multi_perform(load->http->multi, &running);
    while ((message = curl_multi_info_read(load->http->multi, &left)) != NULL) {
        Request *request = NULL;
        long status = 0;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(load->http->multi, request->curl);
        load->http->open--;
        request->done(load, request->data, result == CURLE_OK ? status : 0,
                      request->body != NULL ? request->body : "", request->location);
        free_request(request);
    }
}

bool load_http_is_idle(const Load *load)
{
    return load->http->open == 0;
}

void load_http_close(Load *load)
{
    if (load->http == NULL)
        return;
    curl_multi_cleanup(load->http->multi); /* requests still open end with the program */
    free(load->http);
    load->http = NULL;
}
