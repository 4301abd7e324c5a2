#!/usr/bin/env bash
# tests/bench/bench-pipelines.sh [SECONDS [PEERS]] - what a recorded session costs until it can be watched.
# Prints one line of JSON for each step: record (the recorder alone), compose, transcode, start (each program's --check).
# Each peer sends 640x360 of a real street (opencv-doc) in VP8 at 25 pictures a second, and Opus.
# cpu_s is user + system time of the program, wall_s what a person waits; others_pct what the rest of the machine took
# meanwhile, of 100 a processor. Compose and transcode run at idle priority: on a busy machine only cpu_s means something.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-60} peers=${2:-4}
programs=$root/build/pipelines
maker=$root/build/tests/integration/pipelines/make-recording
[ -x "$maker" ] || { echo "bench-pipelines: $maker is not there: script/install bench && script/build" >&2; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Busy jiffies of the whole machine.
busy() { awk '/^cpu /{print $2+$3+$4+$7+$8+$9}' /proc/stat; }

# job NAME PROGRAM JSON: runs it, prints a line, leaves its last event in $last.
job() {
    local name=$1 program=$2 line=$3 began busy_began
    busy_began=$(busy) began=$(date +%s%N)
    coproc JOB { python3 -c '
import json, resource, subprocess, sys
out = subprocess.run(sys.argv[1:], stdin=0, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
use = resource.getrusage(resource.RUSAGE_CHILDREN)
print(out.decode().strip().split("\n")[-1])
print(use.ru_utime + use.ru_stime, use.ru_maxrss)' "$program"; }
    local pid=$JOB_PID
    echo "$line" >&"${JOB[1]}"
    read -r last <&"${JOB[0]}"
    read -r cpu rss <&"${JOB[0]}"
    wait "$pid" 2>/dev/null || true
    python3 - "$name" "$last" "$cpu" "$rss" "$(($(date +%s%N) - began))" "$(($(busy) - busy_began))" "$seconds" "$peers" <<'PY'
import json, os, sys
name, last, cpu, rss, wall, busy, seconds, peers = sys.argv[1:]
last, cpu, wall, seconds = json.loads(last), float(cpu), int(wall) / 1e9, int(seconds)
others = int(busy) / os.sysconf('SC_CLK_TCK') - cpu
print(json.dumps({"scenario": "pipelines", "step": name, "peers": int(peers), "film_s": seconds, "wall_s": round(wall, 2),
                  "cpu_s": round(cpu, 2), "times_real_time": round(seconds / wall, 1), "rss_mb": int(rss) // 1024,
                  "bytes": last.get("bytes"), "others_pct": round(100 * max(others, 0) / wall), "event": last["event"]}))
sys.exit(last["event"] != "done")
PY
}

mkdir "$dir/recording"
MNB_TEST_PROGRAMS=$programs "$maker" "$dir/recording" "$seconds" "$peers" | grep '^{'
job compose "$programs/manabi-compose" "{\"dir\":\"$dir/recording\",\"out\":\"$dir/film.mkv\",\"title_en\":\"Waste reduction\",\"title_ja\":\"ごみ減量\"}"
job transcode "$programs/manabi-transcode" "{\"input\":\"$dir/film.mkv\",\"out_dir\":\"$dir/media\"}"
for name in record compose transcode stills; do
    began=$(date +%s%N)
    "$programs/manabi-$name" --check >/dev/null
    printf '{"scenario":"pipelines","step":"start","program":"manabi-%s","wall_ms":%d}\n' "$name" $((($(date +%s%N) - began) / 1000000))
done
