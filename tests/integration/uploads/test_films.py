"""What cameras and phones really write comes out right; what is no film is refused with a reason. On manabi-transcode itself."""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback

PROGRAM = os.path.abspath(sys.argv[1])
tests = []


def test(name):
    def add(function):
        tests.append((name, function))
        return function
    return add


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True, timeout=120)


def probe(path, *arguments):
    out = subprocess.run(["ffprobe", "-v", "error", "-of", "json", *arguments, path], check=True, timeout=60,
                         capture_output=True, text=True).stdout
    return json.loads(out)


class Work:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="manabi-films-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def transcode(self, source, timeout=120):
        """Returns (exit code, last line)."""
        job = json.dumps({"input": source, "out_dir": self.path("media"), "title": "A film"}) + "\n"
        child = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdin.write(job.encode())
        child.stdin.flush()  # it stays open: its end would stop the work
        lines = []
        try:
            for line in child.stdout:
                lines.append(json.loads(line))
            code = child.wait(timeout=timeout)
        finally:
            child.kill()
            child.stdin.close()
            child.stdout.close()
            child.stderr.close()
        return code, lines[-1] if lines else {}

    def film(self, source):
        code, done = self.transcode(source)
        assert code == 0, done
        return done

    def refusal(self, source):
        code, failed = self.transcode(source)
        assert code == 1 and failed["event"] == "failed" and failed["reason"], (code, failed)
        assert not os.path.exists(self.path("media")) and not os.path.exists(self.path("media.tmp"))
        return failed["code"]

    def video(self):
        return self.path("media/video.mp4")


PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30:duration=3"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=48000:duration=3"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


def first(path, kind):
    return next(s for s in probe(path, "-show_streams")["streams"] if s["codec_type"] == kind)


def frame(path, at="1"):
    """One picture as raw RGB, 8 x 8 fields."""
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-ss", at, "-i", path, "-frames:v", "1", "-vf", "scale=8:8",
                           "-pix_fmt", "rgb24", "-f", "rawvideo", "-"], check=True, timeout=60, capture_output=True).stdout


def likeness(one, other):
    """Mean difference of two pictures, of 255."""
    assert len(one) == len(other) == 192
    return sum(abs(a - b) for a, b in zip(one, other)) / len(one)


# ---- what cameras write ----

@test("/films/hevc-of-a-phone-in-ten-bit")
def _hevc():
    with Work() as work:
        film = work.path("phone.mov")
        ffmpeg(*PICTURE, *SOUND, "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1",
               "-x265-params", "log-level=none", "-c:a", "aac", "-shortest", film)
        done = work.film(film)
        assert (done["width"], done["height"]) == (640, 360) and done["has_audio"], done
        assert first(work.video(), "video")["pix_fmt"] == "yuv420p"
        assert likeness(frame(film), frame(work.video())) < 8


@test("/films/rotation-flag-is-applied")
def _rotation():
    for degrees in (90, 180, 270):
        with Work() as work:
            flat = work.path("flat.mp4")
            ffmpeg(*PICTURE, *X264, flat)
            film = work.path("turned.mp4")
            ffmpeg("-display_rotation", str(degrees), "-i", flat, "-c", "copy", film) if has_display_rotation() else \
                ffmpeg("-i", flat, "-c", "copy", "-metadata:s:v:0", f"rotate={degrees}", film)
            done = work.film(film)
            upright = degrees == 180
            assert (done["width"], done["height"]) == ((640, 360) if upright else (360, 640)), (degrees, done)
            assert likeness(frame(film), frame(work.video())) < 8, degrees


def has_display_rotation():
    said = subprocess.run(["ffmpeg", "-hide_banner", "-h", "full"], capture_output=True, text=True, timeout=60).stdout
    return "-display_rotation" in said


@test("/films/variable-frame-rate-keeps-its-time")
def _variable():
    with Work() as work:
        film = work.path("vfr.mp4")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30:duration=6", "-f", "lavfi", "-i",
               "sine=frequency=1000:sample_rate=48000:duration=6", "-vf",
               "select='if(lt(t,2),1,if(lt(t,4),not(mod(n,5)),not(mod(n,2))))'", "-vsync", "vfr", *X264, "-c:a", "aac", film)
        done = work.film(film)
        assert abs(done["duration_us"] - 6_000_000) < 250_000, done
        packets = probe(work.video(), "-select_streams", "v", "-show_entries", "packet=pts_time")["packets"]
        times = sorted(float(p["pts_time"]) for p in packets)
        gaps = {round(b - a, 3) for a, b in zip(times, times[1:])}
        assert len(gaps) <= 2 and max(gaps) < 0.11, gaps  # constant
        for at in ("1", "3", "5"):
            assert likeness(frame(film, at), frame(work.video(), at)) < 10, at


@test("/films/surround-sound-becomes-stereo-and-silence-is-fine")
def _sound():
    with Work() as work:
        film = work.path("surround.mkv")
        ffmpeg(*PICTURE, *SOUND, "-filter_complex", "[1:a]pan=5.1|FC=c0[a]", "-map", "0:v", "-map", "[a]", *X264, "-c:a", "ac3", film)
        work.film(film)
        stream = first(work.video(), "audio")
        assert stream["channels"] == 2, stream
        said = subprocess.run(["ffmpeg", "-nostdin", "-i", work.video(), "-af", "volumedetect", "-f", "null", "-"],
                              capture_output=True, text=True, timeout=60).stderr
        level = float(next(l for l in said.splitlines() if "mean_volume" in l).split(":")[1].split()[0])
        assert level > -45, level  # the middle is in both
    with Work() as work:
        film = work.path("silent.mp4")
        ffmpeg(*PICTURE, *X264, film)
        assert work.film(film)["has_audio"] is False


def loudness(path):
    """(LUFS, dBTP) by ffmpeg's meter."""
    said = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-i", path, "-vn", "-af", "ebur128=peak=true", "-f", "null", "-"],
                          capture_output=True, text=True, timeout=60).stderr
    summary = said[said.rindex("Summary"):].splitlines()
    def value(name):
        return float(next(line for line in summary if line.strip().startswith(name)).split()[1])
    return value("I:"), value("Peak:")


@test("/films/loudness-is-that-of-ebu-r128")
def _loudness():
    for volume in ("-38dB", "-20dB", "0dB"):
        with Work() as work:
            film = work.path("talk.mp4")
            ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=8", "-f", "lavfi", "-i",
                   "sine=frequency=997:sample_rate=48000:duration=8", "-af", f"volume=18dB,volume={volume}", *X264, "-c:a", "aac", film)
            work.film(film)
            lufs, peak = loudness(work.video())
            assert abs(lufs + 23) <= 1 and peak <= -1, (volume, lufs, peak)
    with Work() as work:  # a bang is not made louder than the peak allows
        film = work.path("bang.mp4")
        ffmpeg("-f", "lavfi", "-i", "aevalsrc='if(between(t,4,4.001),0.9,0.02)*sin(2*PI*997*t)':s=48000:d=8", "-c:a", "aac", film)
        work.film(film)
        lufs, peak = loudness(work.path("media/audio.m4a"))
        assert peak <= 0 and lufs < -26, (lufs, peak)


@test("/films/odd-sizes-and-pixels-that-are-not-square")
def _sizes():
    with Work() as work:
        film = work.path("odd.mkv")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=321x243:rate=25:duration=2", "-c:v", "libvpx", "-b:v", "1M", film)
        done = work.film(film)
        assert done["width"] % 2 == 0 and done["height"] % 2 == 0 and abs(done["width"] - 321) <= 1, done
    with Work() as work:
        film = work.path("wide.mp4")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=720x576:rate=25:duration=2", "-vf", "setsar=64/45", *X264, film)
        done = work.film(film)
        assert abs(done["width"] / done["height"] - 16 / 9) < 0.02, done


@test("/films/every-container-of-cameras")
def _containers():
    for name, options in {
            "a.mts": [*X264, "-c:a", "ac3", "-f", "mpegts"],
            "a.mov": ["-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj422p", "-c:a", "pcm_s16le"],
            "a.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-c:a", "libopus"],
            "a.avi": ["-c:v", "mpeg4", "-c:a", "mp3"],
            "a.3gp": ["-c:v", "h263", "-s", "352x288", "-c:a", "aac", "-ar", "16000"]}.items():
        with Work() as work:
            film = work.path(name)
            ffmpeg(*PICTURE, *SOUND, "-shortest", *options, film)
            done = work.film(film)
            assert done["has_audio"] and abs(done["duration_us"] - 3_000_000) < 400_000, (name, done)


@test("/films/what-breaks-off-is-published-as-far-as-it-goes")
def _truncated():
    with Work() as work:
        whole = work.path("whole.ts")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=8", *X264, "-g", "25", "-f", "mpegts", whole)
        with open(whole, "rb") as file:
            data = file.read()
        done = work.film(work.write("cut.ts", data[:len(data) // 2]))
        assert 1_500_000 < done["duration_us"] < 6_000_000, done
    with Work() as work:
        whole = work.path("whole.mp4")
        ffmpeg(*PICTURE, *X264, whole)  # its index is at the end
        with open(whole, "rb") as file:
            data = file.read()
        assert work.refusal(work.write("cut.mp4", data[:len(data) * 2 // 3])) in ("not-a-film", "damaged", "no-tracks")


# ---- what is no film ----

@test("/films/what-is-none-is-refused-by-its-bytes")
def _none():
    cases = {
        "three.mp4": b"abc",
        "notes.mp4": b"Dear colleagues,\n" * 100,
        "docs.mp4": b"PK\x03\x04" + bytes(1000),
        "talk.mp4": b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n",
        "talk2.mp4": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file:///etc/</BaseURL></MPD>',
        "picture.mp4": b"\x89PNG\r\n\x1a\n" + bytes(1000),
        "list.mp4": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "sdp.mp4": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n",
        "program.mp4": b"\x7fELF" + bytes(4000),
    }
    for name, data in cases.items():
        with Work() as work:
            assert work.refusal(work.write(name, data)) == "not-a-film", name
    with Work() as work:
        code = work.refusal(work.write("empty-film.mp4", struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)))
        assert code in ("not-a-film", "no-tracks", "damaged"), code


@test("/films/too-much-is-refused-and-ends-soon")
def _too_much():
    with Work() as work:
        film = work.path("huge.mkv")  # 16k x 16k, of which no picture is ever decoded
        ffmpeg("-f", "lavfi", "-i", "color=size=16x16:rate=1:duration=1", "-c:v", "mjpeg", film)
        with open(film, "rb") as file:
            data = file.read()
        huge = data.replace(b"\xb0\x81\x10\xba\x81\x10", b"\xb0\x82\x40\x00\xba\x82\x40"[:6])
        jpeg = data.replace(struct.pack(">HH", 16, 16), struct.pack(">HH", 16384, 16384))
        assert work.refusal(work.write("frame.mkv", jpeg)) in ("too-large", "damaged", "no-tracks", "not-a-film")
        if huge != data:
            assert work.refusal(work.write("track.mkv", huge)) in ("too-large", "damaged", "no-tracks", "not-a-film")
    with Work() as work:
        assert work.refusal(thousand(work)) == "too-large"


def thousand(work):
    """An MP4 with a thousand tracks of sound."""
    def box(kind, *parts):
        data = b"".join(parts)
        return struct.pack(">I4s", len(data) + 8, kind) + data
    mvhd = box(b"mvhd", struct.pack(">IIIIIIHHII", 0, 0, 0, 1000, 1000, 0x10000, 0x100, 0, 0, 0)
               + struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) + bytes(24) + struct.pack(">I", 1001))
    traks = []
    for number in range(1, 1001):
        tkhd = box(b"tkhd", struct.pack(">IIIIII", 7, 0, 0, number, 0, 1000) + bytes(8) + struct.pack(">HHHH", 0, 0, 0x100, 0)
                   + struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) + struct.pack(">II", 0, 0))
        mdhd = box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 8000, 8000, 0x55c4, 0))
        hdlr = box(b"hdlr", struct.pack(">II4s", 0, 0, b"soun") + bytes(12) + b"\0")
        entry = box(b"sowt", bytes(6) + struct.pack(">HHHIHHHHI", 1, 0, 0, 0, 1, 16, 0, 0, 8000 << 16))
        stbl = box(b"stbl", box(b"stsd", struct.pack(">II", 0, 1), entry), box(b"stts", struct.pack(">IIII", 0, 1, 8000, 1)),
                   box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 8000, 1)), box(b"stsz", struct.pack(">III", 0, 2, 8000)),
                   box(b"stco", struct.pack(">III", 0, 1, 32)))
        dinf = box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), box(b"url ", struct.pack(">I", 1))))
        minf = box(b"minf", box(b"smhd", struct.pack(">II", 0, 0)), dinf, stbl)
        traks.append(box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf)))
    mdat = box(b"mdat", bytes(16000))
    return work.write("thousand.mp4", box(b"ftyp", b"isom", bytes(4), b"isom") + mdat + box(b"moov", mvhd, *traks))


def main():
    if shutil.which("ffmpeg") is None:
        print("1..0 # SKIP ffmpeg is not installed")
        return 0
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            print(f"ok {number} {name}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} {name}")
            print("\n".join("# " + line for line in traceback.format_exc().splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
