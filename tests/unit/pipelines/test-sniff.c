#include "pipelines/common/sniff.h"

#include <string.h>

static void expect(const char *name, const void *bytes, gsize size)
{
    const MnbFilmKind *kind = mnb_sniff(bytes, size);
    g_assert_cmpstr(kind != NULL ? kind->name : "", ==, name);
}

static void test_kinds(void)
{
    expect("mp4",
           "\0\0\0\x20"
           "ftypisom",
           12);
    expect("mp4",
           "\0\0\0\x08"
           "wide\0\0\0\0mdat",
           16);
    expect("matroska", "\x1a\x45\xdf\xa3\x01", 5);
    expect("avi", "RIFF\0\0\0\0AVI LIST", 16);
    expect("wav", "RIFF\0\0\0\0WAVEfmt ", 16);
    expect("ogg", "OggS\0\2", 6);
    expect("flv", "FLV\1\5", 5);
    expect("flac", "fLaC\0", 5);
    expect("mp3", "ID3\3", 4);
    expect("mp3", "\xff\xfb\x90\x00", 4);
    expect("mpegps", "\0\0\1\xba\x44", 5);
    guint8 ts[1000] = {0};
    for (int i = 0; i < 5; i++)
        ts[i * 188] = 0x47;
    expect("mpegts", ts, sizeof ts);
    expect("", ts, 700); /* too short to be sure */
}

static void test_others(void)
{
    expect("", "", 0);
    expect("", "#EXTM3U\n", 8);
    expect("", "<?xml version", 13);
    expect("", "v=0\r\no=-", 8);
    expect("", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 8); /* ASF: never demuxed */
    expect("", "RIFF\0\0\0\0WEBP", 12);
    expect("", "%PDF-1.7", 8);
    expect("", "\xff\xfb\xf0\x00", 4); /* a bit rate that does not exist */
    expect("", "rtsptext", 8);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipelines/sniff/knows-films-by-their-bytes", test_kinds);
    g_test_add_func("/pipelines/sniff/does-not-know-what-points-elsewhere", test_others);
    return g_test_run();
}
