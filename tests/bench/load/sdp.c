/* sdp.c - the SDP of both ways: what we offer or answer, and the few facts taken from theirs. */
#include "tests/bench/load/load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX  32768
#define MEDIA_MAX 40
#define OPUS_PT   111
#define VP8_PT    96
#define RTX_PT    97
#define TWCC_URI  "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define MID_URI   "urn:ietf:params:rtp-hdrext:sdes:mid"
#define LEVEL_URI "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

typedef struct {
    char *text;
    size_t len;
} Writer;

__attribute__((format(printf, 2, 3))) static void add(Writer *writer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(writer->text + writer->len, TEXT_MAX - writer->len, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= TEXT_MAX - writer->len)
        abort(); /* our own texts are short */
    writer->len += (size_t)n;
}

/* One m-line of theirs. */
typedef struct {
    bool is_video, is_refused;
    char kind[16], mid[17], first_pt[4];
    int pt, rtx_pt; /* -1: not there */
    uint8_t twcc_id, mid_id, level_id;
} Media;

typedef struct {
    char ufrag[260], pwd[260], fingerprint[200];
    struct sockaddr_in candidate;
    bool has_candidate;
    unsigned n;
    Media media[MEDIA_MAX];
} Description;

static void copy_word(char *out, size_t cap, const char *from)
{
    size_t len = strcspn(from, " \t\r\n");
    if (len >= cap)
        len = cap - 1;
    memcpy(out, from, len);
    out[len] = '\0';
}

/* candidate:FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ host */
static void read_candidate(Description *out, const char *text)
{
    char transport[8], address[64];
    unsigned component, port;
    struct in_addr ip;
    if (sscanf(text, "%*s %u %7s %*u %63s %u", &component, transport, address, &port) != 4 ||
        component != 1 || strcasecmp(transport, "udp") != 0 || port == 0 || port > 65535 ||
        inet_pton(AF_INET, address, &ip) != 1 || ntohl(ip.s_addr) >> 24 != 127)
        return; /* this program loads this machine only */
    out->candidate = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = ip};
    out->has_candidate = true;
}

static void read_extension(Media *media, const char *text)
{
    int id = atoi(text);
    if (id < 1 || id > MNB_RTP_EXTENSION_ID_MAX)
        return;
    if (strstr(text, TWCC_URI) != NULL)
        media->twcc_id = (uint8_t)id;
    else if (strstr(text, MID_URI) != NULL)
        media->mid_id = (uint8_t)id;
    else if (strstr(text, LEVEL_URI) != NULL)
        media->level_id = (uint8_t)id;
}

static void read_codec(Media *media, const char *text)
{
    int pt = atoi(text);
    const char *name = strchr(text, ' ');
    if (name == NULL || pt < 0 || pt > 127)
        return;
    if (strncasecmp(name + 1, media->is_video ? "VP8/" : "opus/", media->is_video ? 4 : 5) == 0 &&
        media->pt < 0)
        media->pt = pt;
}

static void read_media_line(Description *out, const char *text)
{
    if (out->n == MEDIA_MAX)
        return;
    Media *media = &out->media[out->n++];
    unsigned port = 0;
    *media = (Media){.pt = -1, .rtx_pt = -1};
    sscanf(text, "%15s %u %*s %3s", media->kind, &port, media->first_pt);
    media->is_video = strcmp(media->kind, "video") == 0;
    media->is_refused = port == 0;
}

static void read_attribute(Description *out, Media *media, const char *text)
{
    if (strncmp(text, "ice-ufrag:", 10) == 0)
        copy_word(out->ufrag, sizeof out->ufrag, text + 10);
    else if (strncmp(text, "ice-pwd:", 8) == 0)
        copy_word(out->pwd, sizeof out->pwd, text + 8);
    else if (strncasecmp(text, "fingerprint:sha-256 ", 20) == 0)
        copy_word(out->fingerprint, sizeof out->fingerprint, text + 20);
    else if (strncmp(text, "candidate:", 10) == 0)
        read_candidate(out, text);
    if (media == NULL)
        return;
    int pt, apt;
    if (strncmp(text, "mid:", 4) == 0)
        copy_word(media->mid, sizeof media->mid, text + 4);
    else if (strncmp(text, "rtpmap:", 7) == 0)
        read_codec(media, text + 7);
    else if (sscanf(text, "fmtp:%d apt=%d", &pt, &apt) == 2 && apt == media->pt && pt > 0 &&
             pt < 128)
        media->rtx_pt = pt;
    else if (strncmp(text, "extmap:", 7) == 0)
        read_extension(media, text + 7);
}

static void parse(Description *out, const char *sdp)
{
    char line[2048];
    memset(out, 0, sizeof *out);
    while (*sdp != '\0') {
        size_t len = strcspn(sdp, "\r\n");
        size_t kept = len < sizeof line ? len : sizeof line - 1;
        memcpy(line, sdp, kept);
        line[kept] = '\0';
        sdp += len;
        sdp += strspn(sdp, "\r\n");
        if (strncmp(line, "m=", 2) == 0)
            read_media_line(out, line + 2);
        else if (strncmp(line, "a=", 2) == 0)
            read_attribute(out, out->n > 0 ? &out->media[out->n - 1] : NULL, line + 2);
    }
}

static bool read_fingerprint(uint8_t out[32], const char *text)
{
    for (size_t i = 0; i < 32; i++) {
        unsigned value;
        if (sscanf(text + i * 3, "%2x", &value) != 1)
            return false;
        out[i] = (uint8_t)value;
        if (i < 31 && text[i * 3 + 2] != ':')
            return false;
    }
    return true;
}

static void apply_media(LoadClient *client, const Media *media)
{
    client->kinds[media->pt] = media->is_video ? LOAD_VIDEO : LOAD_AUDIO;
    if (media->rtx_pt > 0)
        client->kinds[media->rtx_pt] = LOAD_RTX;
    if (media->twcc_id != 0)
        client->twcc_id = media->twcc_id;
    if (!client->is_publisher)
        return;
    LoadTrack *track = media->is_video ? &client->publisher->video : &client->publisher->audio;
    track->pt = (uint8_t)media->pt;
    track->rtx_pt = media->rtx_pt > 0 ? (uint8_t)media->rtx_pt : 0;
    track->mid_id = media->mid_id;
    track->twcc_id = media->twcc_id;
    track->level_id = media->is_video ? 0 : media->level_id;
    copy_word(track->mid, sizeof track->mid, media->mid);
}

int load_sdp_apply(LoadClient *client, const char *sdp)
{
    Description theirs;
    parse(&theirs, sdp);
    if (theirs.ufrag[0] == '\0' || theirs.pwd[0] == '\0' || !theirs.has_candidate ||
        !read_fingerprint(client->server_fingerprint, theirs.fingerprint))
        return -EBADMSG;
    client->server = theirs.candidate;
    memcpy(client->server_ufrag, theirs.ufrag, sizeof client->server_ufrag);
    memcpy(client->server_pwd, theirs.pwd, sizeof client->server_pwd);
    memset(client->kinds, LOAD_OTHER, sizeof client->kinds);
    for (unsigned i = 0; i < theirs.n; i++)
        if (!theirs.media[i].is_refused && theirs.media[i].pt >= 0)
            apply_media(client, &theirs.media[i]);
    if (!client->is_publisher && client->twcc_id != 0 && client->twcc == NULL)
        client->twcc = calloc(1, sizeof *client->twcc);
    return 0;
}

static Writer begin(LoadClient *client)
{
    Writer writer = {.text = malloc(TEXT_MAX)};
    if (writer.text == NULL)
        abort();
    load_random_text(client->ufrag, 8);
    load_random_text(client->pwd, 24);
    load_random(&client->ssrc, sizeof client->ssrc);
    add(&writer, "v=0\r\no=- %u 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", client->index + 1);
    return writer;
}

static void add_transport(Writer *writer, const LoadClient *client, const char *setup)
{
    char address[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &client->address, address, sizeof address);
    add(writer,
        "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
        "a=fingerprint:sha-256 %s\r\na=setup:%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
        "a=candidate:1 1 udp 2130706431 %s %u typ host\r\na=end-of-candidates\r\n",
        client->ufrag, client->pwd, client->load->fingerprint, setup, address,
        load_net_port(client));
}

static void add_audio_codec(Writer *writer, int pt)
{
    add(writer,
        "a=rtpmap:%d opus/48000/2\r\na=rtcp-fb:%d transport-cc\r\n"
        "a=fmtp:%d minptime=10;useinbandfec=1\r\n",
        pt, pt, pt);
}

static void add_video_codec(Writer *writer, int pt, int rtx_pt)
{
    add(writer,
        "a=rtpmap:%d VP8/90000\r\na=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\n"
        "a=rtcp-fb:%d ccm fir\r\na=rtcp-fb:%d transport-cc\r\n",
        pt, pt, pt, pt, pt);
    if (rtx_pt > 0)
        add(writer, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", rtx_pt, rtx_pt, pt);
}

static void add_sources(Writer *writer, const LoadTrack *track, bool is_video)
{
    if (is_video)
        add(writer, "a=ssrc-group:FID %u %u\r\n", track->ssrc, track->rtx_ssrc);
    add(writer, "a=ssrc:%u cname:" LOAD_CNAME "\r\n", track->ssrc);
    if (is_video)
        add(writer, "a=ssrc:%u cname:" LOAD_CNAME "\r\n", track->rtx_ssrc);
}

/* Publishes or asks for one audio and one video. */
char *load_sdp_offer(LoadClient *client)
{
    const LoadOptions *options = &client->load->options;
    Writer writer = begin(client);
    const bool wants[2] = {options->audio_bytes > 0, options->bitrate_bps > 0};
    const char *direction = client->is_publisher ? "sendonly" : "recvonly";
    add(&writer, "a=group:BUNDLE%s%s\r\n", wants[0] ? " 0" : "", wants[1] ? " 1" : "");
    for (int is_video = 0; is_video < 2; is_video++) {
        if (!wants[is_video])
            continue;
        if (is_video)
            add(&writer, "m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n", VP8_PT, RTX_PT);
        else
            add(&writer, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", OPUS_PT);
        /* Janus would be the DTLS client if it could choose. */
        add_transport(&writer, client, options->janus != NULL ? "active" : "actpass");
        add(&writer, "a=mid:%d\r\na=extmap:4 " MID_URI "\r\na=extmap:3 " TWCC_URI "\r\n", is_video);
        if (!is_video)
            add(&writer, "a=extmap:1 " LEVEL_URI "\r\n");
        add(&writer, "a=%s\r\na=msid:load %s%u\r\n", direction, is_video ? "v" : "a",
            client->index);
        if (is_video)
            add_video_codec(&writer, VP8_PT, RTX_PT);
        else
            add_audio_codec(&writer, OPUS_PT);
        if (client->is_publisher)
            add_sources(&writer, is_video ? &client->publisher->video : &client->publisher->audio,
                        is_video != 0);
    }
    return writer.text;
}

char *load_sdp_answer(LoadClient *client, const char *offer)
{
    Description theirs;
    parse(&theirs, offer);
    Writer writer = begin(client);
    add(&writer, "a=group:BUNDLE");
    for (unsigned i = 0; i < theirs.n; i++)
        if (!theirs.media[i].is_refused && theirs.media[i].pt >= 0)
            add(&writer, " %s", theirs.media[i].mid);
    add(&writer, "\r\n");
    for (unsigned i = 0; i < theirs.n; i++) {
        const Media *media = &theirs.media[i];
        if (media->is_refused || media->pt < 0) {
            add(&writer, "m=%s 0 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\n",
                media->kind, media->first_pt, media->mid);
            continue;
        }
        if (media->rtx_pt > 0)
            add(&writer, "m=%s 9 UDP/TLS/RTP/SAVPF %d %d\r\n", media->kind, media->pt,
                media->rtx_pt);
        else
            add(&writer, "m=%s 9 UDP/TLS/RTP/SAVPF %d\r\n", media->kind, media->pt);
        add_transport(&writer, client, "active");
        add(&writer, "a=mid:%s\r\n", media->mid);
        if (media->twcc_id != 0)
            add(&writer, "a=extmap:%u " TWCC_URI "\r\n", media->twcc_id);
        if (media->mid_id != 0)
            add(&writer, "a=extmap:%u " MID_URI "\r\n", media->mid_id);
        add(&writer, "a=recvonly\r\n");
        if (media->is_video)
            add_video_codec(&writer, media->pt, media->rtx_pt);
        else
            add_audio_codec(&writer, media->pt);
    }
    return writer.text;
}
