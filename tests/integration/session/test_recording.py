#!/usr/bin/env python3
"""A session with media and a recording, while its processes are killed one after the other.

usage: test_recording.py PATH/TO/manabi PATH/TO/manabi-load   (TAP on standard output)

manabi-load publishes over WHIP and receives over WHEP, so no browser is needed. Promise: the session
and its recording go on, at most 1 s of a track is lost, and a film of all parts is published."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../support"))
from manabi import Server, run_tests, test  # noqa: E402
from recording import Room, find, find_all, until  # noqa: E402

LOAD = os.path.abspath(sys.argv[2])
LOST_S = 1.0  # of a track, at most


def check_end(part, killed_at):
    """No track of the part ends much before the process died."""
    for track in part["tracks"]:
        end = (part["started_unix_us"] + track["offset_us"] + track["duration_us"]) / 1e6
        assert killed_at - end <= LOST_S, (track["file"], killed_at - end)


@test("/session/a-recording-survives-recorder-server-and-media-worker")
def _():
    with Server("--supervise", "--port", "0", "--print-links") as server:
        room = Room(server, LOAD)
        try:
            record_and_kill(server, room)
        finally:
            room.stop_publishing()


def record_and_kill(server, room):
    room.publish()
    room.host.ask("record", on=True)
    room.grows(1, 1)
    time.sleep(2)

    os.kill(find(server, "manabi-record"), signal.SIGKILL)
    killed = [time.time()]
    room.grows(2, 1)
    begun = room.part(2)["started_unix_us"] / 1e6
    assert begun - killed[0] < 1.0, f"next part after {begun - killed[0]:.2f} s"
    time.sleep(1)

    port = server.url.rsplit(":", 1)[1]
    os.kill(find(server, "manabi"), signal.SIGKILL)
    killed.append(time.time())
    line = server.process.stdout.readline()
    server.url = line.split()[1]
    print(f"# server back after {time.time() - killed[1]:.2f} s, port {port}")
    state = room.come_back()
    assert state["session"]["state"] == "live" and state["recording"]["state"] == "on", state
    room.publish()
    room.grows(3, 1)

    workers = find_all(server, "manabi-media")  # the session's own is one of them
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    until("new media workers",
          lambda: len(set(find_all(server, "manabi-media")) - set(workers)) == len(workers))
    room.publish()
    room.grows(3, 2)
    assert find(server, "manabi-record"), "the recorder stayed up"

    room.host.ask("record", on=False)
    room.host.ask("end-session")
    begun = time.monotonic()
    film = until("the film", lambda: server.get("/api/v1/recordings")["items"], timeout_s=120)[0]
    print(f"# film of {film['duration_s']} s after {time.monotonic() - begun:.1f} s")
    assert film["state"] == "published" and film["playlist"] and film["event"]
    parts = [room.part(number) for number in [1, 2, 3]]
    captured = sum(max(track["offset_us"] + track["duration_us"] for track in part["tracks"])
                   for part in parts) / 1e6
    assert film["duration_s"] >= captured - 1, (film["duration_s"], captured)
    # Where bubblewrap may not work, the recorder sees the server's end and closes its part itself.
    states = [part["state"] for part in parts]
    assert states in (["repaired", "repaired", "complete"], ["repaired", "complete", "complete"]), states
    check_end(parts[0], killed[0])
    check_end(parts[1], killed[1])


sys.exit(run_tests())
