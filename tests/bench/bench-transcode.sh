#!/usr/bin/env bash
# tests/bench/bench-transcode.sh [SECONDS [RUNS]] - manabi-transcode beside ffmpeg, the same ladder with the same x264 settings.
# Source: a real street (opencv-doc) at 1280x720, 25 pictures a second, H.264, with sound. Both make 720p, 360p and 144p (at
# half the rate) with x264 veryfast at the same quality, limits and key frames, and two AAC sounds from one decode.
# manabi-transcode also makes the downloads, playlists and the poster, and syncs everything to disk; ffmpeg does not.
# Both run at idle priority, in turns; the best of RUNS counts. Prints one line of JSON: ratios are manabi over ffmpeg,
# ssim is the mean over the renditions, against the source scaled to each.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-30} runs=${2:-2}
street=/usr/share/doc/opencv-doc/examples/data/vtest.avi
program=$root/build/pipelines/manabi-transcode
[ -x "$program" ] || { echo "bench-transcode: $program is not there: script/build" >&2; exit 1; }
[ -r "$street" ] || { echo "bench-transcode: $street is not there: script/install bench" >&2; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ffmpeg -nostdin -v error -y -stream_loop -1 -i "$street" -f lavfi -i "aevalsrc=0.2*sin(440*t*2*PI)*sin(3*t)|0.1*random(0):s=48000" -t "$seconds" \
    -vf scale=1280:720,fps=25,format=yuv420p -c:v libx264 -preset veryfast -crf 14 -c:a aac -b:a 192k "$dir/source.mp4"
python3 - "$dir" "$program" "$seconds" "$runs" <<'PY'
import json, os, re, resource, shutil, subprocess, sys, time
folder, program, seconds, runs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
source = f"{folder}/source.mp4"
# As pipelines/transcode/ladder.c has it: name, size, pictures a second, quality, most kbit/s, key frames.
rungs = [("720p", 1280, 720, "25", 23, 2500, 50), ("360p", 640, 360, "25", 23, 769, 50), ("144p", 256, 144, "25/2", 27, 80, 25)]

def measure(argv, text=""):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    child = subprocess.Popen(["chrt", "-i", "0", "nice", "-n", "10", *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    if text:
        child.stdin.write(text + "\n")
        child.stdin.flush()
    out = child.stdout.read()
    code = child.wait()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert code == 0, (argv[0], out[-500:])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall

def by_ffmpeg():
    graph = "[0:v]split=3" + "".join(f"[s{i}]" for i in range(3))
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", source]
    tail = []
    for i, (name, width, height, fps, quality, kbps, keys) in enumerate(rungs):
        graph += f";[s{i}]fps={fps},scale={width}:{height}:flags=bilinear[v{i}]"
        tail += ["-map", f"[v{i}]", "-c:v", "libx264", "-preset", "veryfast", "-crf", str(quality), "-maxrate", f"{kbps}k", "-bufsize",
                 f"{2 * kbps}k", "-profile:v", "high", "-x264-params", f"keyint={keys}:min-keyint={keys}:scenecut=0:open-gop=0",
                 f"{folder}/ffmpeg-{name}.mp4"]
    tail += ["-map", "0:a", "-c:a", "aac", "-b:a", "128k", f"{folder}/a.mp4", "-map", "0:a", "-c:a", "aac", "-ar", "24000", "-ac", "1",
             "-b:a", "32k", f"{folder}/b.mp4"]
    return measure([*argv, "-filter_complex", graph, *tail])

def by_manabi():
    shutil.rmtree(f"{folder}/media", ignore_errors=True)
    return measure([program], json.dumps({"input": source, "out_dir": f"{folder}/media"}))

def ssim(path, rung):
    name, width, height, fps, *_ = rung
    graph = (f"[0:v]settb=AVTB,setpts=PTS-STARTPTS[a];[1:v]fps={fps},scale={width}:{height}:flags=bicubic,settb=AVTB,"
             "setpts=PTS-STARTPTS[b];[a][b]ssim")
    said = subprocess.run(["ffmpeg", "-nostdin", "-v", "info", "-i", path, "-i", source, "-filter_complex", graph, "-f", "null", "-"],
                          capture_output=True, text=True).stderr
    return float(re.search(r"All:([0-9.]+)", said).group(1))

best = {}
for _ in range(runs):
    for name, run in (("manabi", by_manabi), ("ffmpeg", by_ffmpeg)):
        cpu, wall = run()
        old = best.get(name, (1e9, 1e9))
        best[name] = (min(cpu, old[0]), min(wall, old[1]))
ours = sum(ssim(f"{folder}/media/{rung[0]}/index.m3u8", rung) for rung in rungs) / len(rungs)
theirs = sum(ssim(f"{folder}/ffmpeg-{rung[0]}.mp4", rung) for rung in rungs) / len(rungs)
print(json.dumps({"scenario": "transcode", "cpu_ratio": round(best["manabi"][0] / best["ffmpeg"][0], 3),
                  "wall_ratio": round(best["manabi"][1] / best["ffmpeg"][1], 3), "ssim": round(ours, 4), "ffmpeg_ssim": round(theirs, 4),
                  "film_s": seconds, "cpu_s": round(best["manabi"][0], 2), "ffmpeg_cpu_s": round(best["ffmpeg"][0], 2),
                  "wall_s": round(best["manabi"][1], 2), "ffmpeg_wall_s": round(best["ffmpeg"][1], 2),
                  "ffmpeg": subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True).stdout.split()[2]}))
PY
