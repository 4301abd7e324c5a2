"""script/bench recording: what a recording costs. One line of JSON.

usage: bench-recording.py PATH/TO/manabi PATH/TO/manabi-load

Two publishers (VP8 1.5 Mbit/s and Opus each) and one player, eight seconds without and eight with recording, twice in
turns: CPU of the recorder for each pair of tracks, and of the media workers with and without it."""
import datetime
import json
import os
import statistics
import sys
import time

HERE = os.path.dirname(__file__)
sys.path[:0] = [os.path.join(HERE, "../support"), os.path.join(HERE, "../integration/session")]
from manabi import Server  # noqa: E402
from recording import Room, find, find_all, until  # noqa: E402

SECONDS, TURNS, PUBLISHERS = 8, 2, 2


def cpu_s(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def measure(room, with_recorder):
    server = room.server
    workers = find_all(server, "manabi-media")
    recorder = [find(server, "manabi-record")] if with_recorder else []
    begun = time.monotonic()
    before = cpu_s(workers), cpu_s(recorder)
    while time.monotonic() - begun < SECONDS:
        time.sleep(1)
        room.keep_line()
    after = cpu_s(workers), cpu_s(recorder)
    passed = time.monotonic() - begun
    return [100 * (b - a) / passed for a, b in zip(before, after)]


def main():
    off, on, recorder = [], [], []
    with Server("--print-links") as server:
        room = Room(server, os.path.abspath(sys.argv[2]), publishers=PUBLISHERS, bitrate_bps=1500000)
        try:
            room.publish(duration_s=2 * SECONDS * TURNS + 60)
            time.sleep(3)
            for turn in range(1, TURNS + 1):
                off.append(measure(room, False)[0])
                room.host.ask("record", on=True)
                until("the recorder to write", lambda: len(room.files(turn)) >= 2 * PUBLISHERS)
                media, record = measure(room, True)
                on.append(media)
                recorder.append(record / PUBLISHERS)
                room.host.ask("record", on=False)
        finally:
            room.stop_publishing()
    print(json.dumps({
        "scenario": "recording", "video_tracks": PUBLISHERS, "bitrate_bps": 1500000,
        "recorder_core_pct_per_video_and_sound": round(statistics.median(recorder), 2),
        "media_core_pct": round(statistics.median(off), 2),
        "media_core_pct_recording": round(statistics.median(on), 2),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%FT%TZ")}, separators=(",", ":")))


main()
