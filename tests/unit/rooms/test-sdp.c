#include "server/rooms/rooms.h"
#include "server/rooms/sdp.h"
#include <string.h>
#include <time.h>

static const char fingerprint[] = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:"
                                  "55:66:77:88:99:AA:BB:CC:DD:EE:FF";

static const MnbSdpCandidate candidates[] = {{"192.0.2.1", 40000}, {"2001:db8::1", 40000}};

static const MnbSdpLocal local = {
    .ufrag = "abcdefgh01234567",
    .pwd = "abcdefgh0123456789abcdefgh012345",
    .fingerprint = fingerprint,
    .candidates = candidates,
    .candidate_count = G_N_ELEMENTS(candidates),
    .session = 17,
    .version = 1,
};

static char *read_fixture(const char *name)
{
    g_autofree char *path = g_build_filename(g_getenv("MNB_FIXTURES"), "sdp", name, NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

static MnbSdp *parse(const char *text, MnbSdpType type)
{
    g_autoptr(GError) error = NULL;
    MnbSdp *sdp = mnb_sdp_parse(text, strlen(text), type, &error);
    g_assert_no_error(error);
    return sdp;
}

static MnbSdp *parse_fixture(const char *name)
{
    g_autofree char *text = read_fixture(name);
    return parse(text, MNB_SDP_OFFER);
}

/* The fault must be named, so that somebody can mend the encoder. */
static void assert_refused(const char *text, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbSdp) sdp = mnb_sdp_parse(text, strlen(text), MNB_SDP_OFFER, &error);
    g_assert_null(sdp);
    g_assert_error(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_SDP);
    g_assert_cmpstr(mnb_rooms_error_code(error), ==, "bad-sdp");
    if (strstr(error->message, says) == NULL)
        g_error("\"%s\" does not say \"%s\"", error->message, says);
}

static char *replaced(const char *text, const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(text, from, -1);
    g_assert_cmpuint(g_strv_length(parts), >, 1);
    return g_strjoinv(to, parts);
}

static void test_chromium_offer(void)
{
    g_autoptr(MnbSdp) sdp = parse_fixture("chromium-publish.sdp");
    g_assert_cmpuint(sdp->media_count, ==, 2);
    const MnbSdpMedia *audio = &sdp->media[0];
    const MnbSdpMedia *video = &sdp->media[1];
    g_assert_true(audio->is_audio);
    g_assert_true(video->is_video);
    g_assert_cmpint(video->direction, ==, MNB_SDP_SENDONLY);
    g_assert_cmpstr(video->mid, ==, "1");
    g_assert_cmpuint(audio->codecs[MNB_CODEC_OPUS].pt, ==, 111);
    g_assert_true(audio->codecs[MNB_CODEC_OPUS].has_twcc);
    g_assert_cmpuint(video->codecs[MNB_CODEC_VP8].pt, ==, 96);
    g_assert_cmpuint(video->codecs[MNB_CODEC_VP8].rtx_pt, ==, 97);
    /* Constrained baseline, packetization-mode 1, among six H264 payload types. */
    g_assert_cmpuint(video->codecs[MNB_CODEC_H264].pt, ==, 108);
    g_assert_cmpuint(video->codecs[MNB_CODEC_H264].rtx_pt, ==, 109);
    g_assert_cmpstr(video->codecs[MNB_CODEC_H264].profile, ==, "42e01f");
    g_assert_cmpuint(video->ssrc, ==, 4156877247u);
    g_assert_cmpuint(video->rtx_ssrc, ==, 615117988u);
    g_assert_cmpuint(audio->ssrc, ==, 1850979204u);
    g_assert_cmpuint(audio->sends.mid, ==, 4);
    g_assert_cmpuint(audio->sends.audio_level, ==, 1);
    g_assert_cmpuint(video->sends.twcc, ==, 3);
    g_assert_cmpuint(video->layers, ==, 0);
    g_assert_cmpuint(strlen(sdp->ufrag), ==, 4);
    g_assert_cmpuint(strlen(sdp->pwd), ==, 24);
}

static void test_firefox_offer(void)
{
    g_autoptr(MnbSdp) sdp = parse_fixture("firefox-publish.sdp");
    const MnbSdpMedia *video = &sdp->media[1];
    g_assert_false(video->is_refused); /* port 0, but bundle-only */
    g_assert_cmpuint(video->codecs[MNB_CODEC_VP8].pt, ==, 120);
    g_assert_cmpuint(video->codecs[MNB_CODEC_VP8].rtx_pt, ==, 124);
    g_assert_cmpuint(video->codecs[MNB_CODEC_H264].pt, ==, 0);
    g_assert_cmpuint(video->ssrc, !=, 0);
    g_assert_cmpuint(video->rtx_ssrc, !=, 0);
    /* The fingerprint stands at session level. */
    g_assert_cmpuint(sdp->fingerprint[0] | sdp->fingerprint[1] | sdp->fingerprint[31], !=, 0);
}

static void test_simulcast(void)
{
    static const char *const names[] = {"chromium-publish-simulcast.sdp",
                                        "firefox-publish-simulcast.sdp"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(MnbSdp) sdp = parse_fixture(names[i]);
        const MnbSdpMedia *video = &sdp->media[1];
        g_assert_cmpuint(video->layers, ==, 3);
        g_assert_cmpstr(video->rids[0], ==, "q");
        g_assert_cmpstr(video->rids[2], ==, "f");
        g_assert_cmpuint(video->ssrc, ==, 0); /* found by rid: the order of SSRCs means nothing */
        g_assert_cmpuint(video->sends.rid, !=, 0);
        MnbTrackAdd add = {0};
        mnb_sdp_fill_track(&add, video, MNB_CODEC_VP8, 2);
        g_assert_cmpstr(add.rid, ==, "f");
        g_assert_cmpuint(add.layer, ==, 2);
        g_assert_cmpuint(add.ext.repaired_rid, ==, video->sends.repaired_rid);
    }
}

static void test_largest_first(void)
{
    g_autofree char *text = read_fixture("chromium-publish-simulcast.sdp");
    g_autofree char *turned = replaced(text, "simulcast:send q;h;f", "simulcast:send f;~h,x;q");
    g_autoptr(MnbSdp) sdp = parse(turned, MNB_SDP_OFFER);
    g_assert_cmpuint(sdp->media[1].layers, ==, 3);
    g_assert_cmpstr(sdp->media[1].rids[0], ==, "q");
    g_assert_cmpstr(sdp->media[1].rids[1], ==, "h");
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL)
        g_error("no \"%s\" in:\n%s", line, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        g_error("\"%s\" in:\n%s", part, text);
}

static char *answer_fixture(const char *name, MnbCodec *taken)
{
    g_autoptr(MnbSdp) sdp = parse_fixture(name);
    g_autoptr(GError) error = NULL;
    char *answer = mnb_sdp_answer_publish(sdp, &local, taken, &error);
    g_assert_no_error(error);
    return answer;
}

static void test_answer_chromium(void)
{
    MnbCodec taken[MNB_SDP_MEDIA_MAX];
    g_autofree char *answer = answer_fixture("chromium-publish.sdp", taken);
    g_assert_cmpint(taken[0], ==, MNB_CODEC_OPUS);
    g_assert_cmpint(taken[1], ==, MNB_CODEC_VP8);
    assert_has(answer, "a=ice-lite\r\n");
    assert_has(answer, "a=group:BUNDLE 0 1\r\n");
    assert_has(answer, "a=setup:passive\r\n");
    assert_has(answer, "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n");
    assert_has(answer, "a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host\r\n");
    assert_has(answer, "a=rtcp-fb:96 nack pli\r\n");
    assert_has(answer, "a=fmtp:111 minptime=10;useinbandfec=1\r\n");
    assert_lacks(answer, "red/");
    assert_lacks(answer, "ulpfec");
    assert_lacks(answer, "sdes:rtp-stream-id");
    assert_lacks(answer,
                 "video-orientation"); /* so that pictures are turned before they are sent */
}

static void test_answer_flips_directions(void)
{
    MnbCodec taken[MNB_SDP_MEDIA_MAX];
    g_autofree char *answer = answer_fixture("firefox-publish-simulcast.sdp", taken);
    assert_has(answer, "a=extmap:9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n");
    assert_has(answer, "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n");
    assert_has(answer, "a=rid:h recv\r\n");
    assert_has(answer, "a=simulcast:recv q;h;f\r\n");
    assert_lacks(answer, "/sendonly");
}

static void test_refuses_sections(void)
{
    g_autofree char *text = read_fixture("chromium-publish.sdp");
    g_autofree char *more = g_strconcat(
        text, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n",
        NULL);
    g_autoptr(MnbSdp) sdp = parse(more, MNB_SDP_OFFER);
    MnbCodec taken[MNB_SDP_MEDIA_MAX];
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = mnb_sdp_answer_publish(sdp, &local, taken, &error);
    g_assert_no_error(error);
    assert_has(answer, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n");
    assert_has(answer, "a=group:BUNDLE 0 1\r\n");
}

static void test_h264_only(void)
{
    g_autofree char *text = read_fixture("chromium-publish.sdp");
    g_autofree char *without = replaced(text, " VP8/90000", " VPX/90000");
    g_autoptr(MnbSdp) sdp = parse(without, MNB_SDP_OFFER);
    MnbCodec taken[MNB_SDP_MEDIA_MAX];
    g_autofree char *answer = mnb_sdp_answer_publish(sdp, &local, taken, NULL);
    g_assert_cmpint(taken[1], ==, MNB_CODEC_H264);
    assert_has(answer, "packetization-mode=1;profile-level-id=42e01f\r\n");

    g_autofree char *audio = read_fixture("chromium-audio-only.sdp");
    g_autofree char *nothing = replaced(audio, "opus/48000/2", "speex/16000");
    g_autoptr(MnbSdp) bad = parse(nothing, MNB_SDP_OFFER);
    g_autoptr(GError) error = NULL;
    g_assert_null(mnb_sdp_answer_publish(bad, &local, taken, &error));
    g_assert_error(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NO_COMMON_CODEC);
}

static void test_recvonly_is_no_publisher(void)
{
    g_autoptr(MnbSdp) sdp = parse_fixture("chromium-whep.sdp");
    MnbCodec taken[MNB_SDP_MEDIA_MAX];
    g_autoptr(GError) error = NULL;
    g_assert_null(mnb_sdp_answer_publish(sdp, &local, taken, &error));
    g_assert_error(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_SDP);
}

static void test_whep_answer(void)
{
    static const char *const names[] = {"chromium-whep.sdp", "firefox-whep.sdp"};
    static const MnbSdpSlot slots[] = {{FALSE, "0", 1001, 0, "slot-0"},
                                       {TRUE, "2", 1002, 1003, "slot-2"}};
    static const guint media[] = {0, 2};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(MnbSdp) sdp = parse_fixture(names[i]);
        g_autofree char *answer = mnb_sdp_answer_receive(sdp, &local, slots, media, 2);
        assert_has(answer, "a=group:BUNDLE 0 2\r\n");
        assert_has(answer, "a=sendonly\r\n");
        assert_has(answer, "a=ssrc-group:FID 1002 1003\r\n");
        assert_has(answer, "m=audio 0 "); /* the second audio has no slot */
        MnbSlotAdd add = {0};
        mnb_sdp_fill_slot(&add, &slots[1], &sdp->media[2]);
        g_assert_cmpuint(add.pt[MNB_CODEC_VP8], ==, sdp->media[2].codecs[MNB_CODEC_VP8].pt);
        g_assert_cmpuint(add.pt[MNB_CODEC_VP8], !=, 0);
        g_assert_cmpuint(add.rtx_ssrc, ==, 1003);
        g_assert_true(add.has_nack);
        g_assert_cmpstr(add.mid, ==, "2");
        g_assert_cmpuint(add.ext.mid, !=, 0);
    }
}

/* Our own offer goes through our own parser, as an offer and (turned round) as an answer. */
static void test_receive_offer(void)
{
    MnbSdpSlot slots[25] = {0};
    for (guint i = 0; i < G_N_ELEMENTS(slots); i++) {
        slots[i].is_video = i >= 8;
        slots[i].ssrc = 1000 + 2 * i;
        slots[i].rtx_ssrc = slots[i].is_video ? 1001 + 2 * i : 0;
        g_snprintf(slots[i].mid, sizeof slots[i].mid, "%u", i);
        g_snprintf(slots[i].stream, sizeof slots[i].stream, "slot-%u", i);
    }
    g_autofree char *offer = mnb_sdp_offer_receive(&local, slots, G_N_ELEMENTS(slots));
    g_assert_cmpuint(strlen(offer), <, 40000); /* fits a signalling message */
    assert_has(offer, "a=setup:actpass\r\n");
    g_autoptr(MnbSdp) sdp = parse(offer, MNB_SDP_OFFER);
    g_assert_cmpuint(sdp->media_count, ==, 25);
    g_assert_cmpuint(sdp->media[8].ssrc, ==, slots[8].ssrc);
    g_assert_cmpuint(sdp->media[8].rtx_ssrc, ==, slots[8].rtx_ssrc);
    g_assert_cmpuint(sdp->media[8].codecs[MNB_CODEC_H264].pt, ==, 102);
}

static void test_answers_of_browsers(void)
{
    static const char *const names[] = {"chromium-answer.sdp", "firefox-answer.sdp"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = read_fixture(names[i]);
        g_autoptr(MnbSdp) sdp = parse(text, MNB_SDP_ANSWER);
        g_assert_cmpuint(sdp->media_count, ==, 4);
        for (guint m = 0; m < 4; m++) {
            MnbSdpSlot slot = {m >= 2, "", 10, 11, "s"};
            MnbSlotAdd add = {0};
            g_assert_false(sdp->media[m].is_refused);
            g_assert_cmpint(sdp->media[m].direction, ==, MNB_SDP_RECVONLY);
            mnb_sdp_fill_slot(&add, &slot, &sdp->media[m]);
            g_assert_cmpuint(add.pt[m < 2 ? MNB_CODEC_OPUS : MNB_CODEC_VP8], !=, 0);
            g_assert_cmpuint(add.ext.mid, ==, 4);
            g_assert_cmpuint(add.ext.twcc, ==, 3);
        }
        g_assert_cmpuint(sdp->media[2].codecs[MNB_CODEC_VP8].rtx_pt, ==, 97);
    }
}

static void test_bad(void)
{
    g_autofree char *good = read_fixture("chromium-publish.sdp");
    g_autofree char *no_mux = replaced(good, "a=rtcp-mux\r\n", "");
    g_autofree char *no_ufrag = replaced(good, "a=ice-ufrag:", "a=x-ufrag:");
    g_autofree char *passive = replaced(good, "a=setup:actpass", "a=setup:passive");
    g_autofree char *sha1 = replaced(good, "a=fingerprint:sha-256 ", "a=fingerprint:sha-1 ");
    g_autofree char *twice = replaced(good, "a=mid:1", "a=mid:0");
    g_autofree char *no_bundle = replaced(good, "a=group:BUNDLE 0 1", "a=group:BUNDLE 0");
    g_autofree char *bad_mid = replaced(good, "a=mid:1", "a=mid:1 2");
    assert_refused(no_mux, "rtcp-mux");
    assert_refused(no_ufrag, "ice-ufrag");
    assert_refused(passive, "setup");
    assert_refused(sha1, "fingerprint");
    assert_refused(twice, "a=mid");
    assert_refused(no_bundle, "BUNDLE");
    assert_refused(bad_mid, "a=mid");
    assert_refused("", "v=");
    assert_refused("v=0\r\ns=-\r\n", "m-line");
    assert_refused("{\"sdp\":1}", "v=");
    assert_refused("v=0\r\nm=video\r\n", "m-line");
}

static void test_huge(void)
{
    g_autoptr(GString) lines = g_string_new("v=0\r\n");
    for (guint i = 0; i < 41; i++)
        g_string_append(lines, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
    assert_refused(lines->str, "m-lines");

    g_autofree char *filler = g_strnfill(MNB_SDP_MAX + 1, 'a');
    memcpy(filler, "v=0\n", 4);
    assert_refused(filler, "longer than");

    g_autofree char *line = g_strnfill(3000, 'a');
    g_autofree char *text = g_strconcat("v=0\r\nm=audio 9 X 1\r\na=", line, "\r\n", NULL);
    assert_refused(text, "line 3");

    g_autoptr(GString) many = g_string_new("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
    for (guint i = 0; i < 5000; i++)
        g_string_append(many, "a=x:y\r\n");
    assert_refused(many->str, "lines");
}

static void test_judged_quickly(void)
{
    /* The worst that fits: one m-line, thousands of attributes of the kinds we look at. */
    g_autoptr(GString) text = g_string_new("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n");
    for (guint i = 0; i < 3900; i++)
        g_string_append(text, "a=rid:q send\r\n");
    gint64 start = g_get_monotonic_time();
    g_autoptr(MnbSdp) sdp = mnb_sdp_parse(text->str, text->len, MNB_SDP_OFFER, NULL);
    g_assert_null(sdp);
    g_test_message("%" G_GINT64_FORMAT " us", g_get_monotonic_time() - start);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 500000);
}

static void test_fragment(void)
{
    char ufrag[MNB_ICE_UFRAG_MAX], pwd[MNB_ICE_PWD_MAX];
    static const char restart[] = "a=ice-ufrag:newU\r\na=ice-pwd:0123456789012345678901\r\n"
                                  "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
    g_assert_true(mnb_sdp_parse_fragment(restart, strlen(restart), ufrag, pwd, NULL));
    g_assert_cmpstr(ufrag, ==, "newU");
    g_assert_cmpstr(pwd, ==, "0123456789012345678901");
    static const char trickle[] = "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
    g_assert_true(mnb_sdp_parse_fragment(trickle, strlen(trickle), ufrag, pwd, NULL));
    g_assert_cmpstr(ufrag, ==, "");
    static const char bad[] = "a=ice-ufrag:x\"y'z\r\n";
    g_assert_false(mnb_sdp_parse_fragment(bad, strlen(bad), ufrag, pwd, NULL));
    static const char json[] = "{\"candidate\":1}";
    g_assert_false(mnb_sdp_parse_fragment(json, strlen(json), ufrag, pwd, NULL));
}

/* ---- what is told of a bad one, and what it costs ---- */

static const char head[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";

static void test_names_the_line(void)
{
    static const struct {
        const char *body, *words;
    } cases[] = {
        {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abc\r\n",
         "line 7 (m-line 1): a=ice-ufrag"},
        {"a=ice-ufrag:abcd\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
         "a=ice-pwd:short\r\n",
         "line 8 (m-line 1): a=ice-pwd"},
        {"a=ice-ufrag:a b\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n",
         "line 5 (m-line 1): a=ice-ufrag"},
        {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", "line 5 (m-line 1): has no a=mid"},
        {"m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
         "a=sendonly\r\na=mid:0\r\n",
         "line 9 (m-line 2): has the a=mid of m-line 1"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(head, cases[i].body, NULL);
        g_autoptr(GError) error = NULL;
        g_assert_null(mnb_sdp_parse(text, strlen(text), MNB_SDP_OFFER, &error));
        if (!g_str_has_prefix(error->message, cases[i].words))
            g_error("\"%s\" instead of \"%s\"", error->message, cases[i].words);
    }
}

static gint64 thread_cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* The largest there can be, of many kinds: 20 ms of CPU each are the limit. */
static void test_judges_fast(void)
{
    static const char *const lines[] = {
        "a=rtpmap:96 VP8/90000\r\n",
        "a=rid:q send\r\n",
        "a=ssrc-group:FID 1 2\r\n",
        "a=x\r\n",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0 1 2 3\r\n",
        "a=rtcp-fb:* nack pli\r\n",
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n",
        "a=fmtp:96 ;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;\r\n",
        "a=simulcast:send ~a,b;c;d;e;f;g;h;i;j;k;l;m;n\r\n",
        "\r\n",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
    };
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GString) text = g_string_new(head);
        g_string_append(text, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n");
        while (text->len + strlen(lines[i]) <= MNB_SDP_MAX)
            g_string_append(text, lines[i]);
        gint64 best_us = G_MAXINT64; /* of three: the machine may be busy */
        for (guint k = 0; k < 3; k++) {
            gint64 start_us = thread_cpu_us();
            mnb_sdp_free(mnb_sdp_parse(text->str, text->len, MNB_SDP_OFFER, NULL));
            best_us = MIN(best_us, thread_cpu_us() - start_us);
        }
        g_test_message("%d us for 64 KiB of %.20s", (int)best_us, lines[i]);
#if !defined(__SANITIZE_ADDRESS__)
        g_assert_cmpint(best_us, <, 20000);
#endif
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rooms/sdp/reads-an-offer-of-chromium", test_chromium_offer);
    g_test_add_func("/rooms/sdp/reads-an-offer-of-firefox", test_firefox_offer);
    g_test_add_func("/rooms/sdp/finds-simulcast-layers-by-rid", test_simulcast);
    g_test_add_func("/rooms/sdp/puts-the-smallest-layer-first", test_largest_first);
    g_test_add_func("/rooms/sdp/answers-chromium-without-red-and-fec", test_answer_chromium);
    g_test_add_func("/rooms/sdp/turns-the-direction-of-extensions", test_answer_flips_directions);
    g_test_add_func("/rooms/sdp/refuses-a-data-channel-politely", test_refuses_sections);
    g_test_add_func("/rooms/sdp/takes-h264-when-there-is-no-vp8", test_h264_only);
    g_test_add_func("/rooms/sdp/a-receiver-is-no-publisher", test_recvonly_is_no_publisher);
    g_test_add_func("/rooms/sdp/answers-whep-with-slots", test_whep_answer);
    g_test_add_func("/rooms/sdp/offers-slots-once", test_receive_offer);
    g_test_add_func("/rooms/sdp/reads-the-answers-of-browsers", test_answers_of_browsers);
    g_test_add_func("/rooms/sdp/says-what-is-wrong", test_bad);
    g_test_add_func("/rooms/sdp/bounds-what-it-reads", test_huge);
    g_test_add_func("/rooms/sdp/judges-a-hostile-offer-quickly", test_judged_quickly);
    g_test_add_func("/rooms/sdp/reads-ice-restart-fragments", test_fragment);
    g_test_add_func("/rooms/sdp/names-the-line-that-is-wrong", test_names_the_line);
    g_test_add_func("/rooms/sdp/judges-the-largest-within-20-ms", test_judges_fast);
    return g_test_run();
}
