#!/usr/bin/env python3
"""A session with media and a recording, while its processes are killed one after the other.

usage: test_recording.py PATH/TO/manabi PATH/TO/manabi-load   (TAP on standard output)

manabi-load publishes over WHIP and receives over WHEP, so no browser is needed. Promise: the session
and its recording go on, at most 1 s of a track is lost, and a film of all parts is published."""
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../support"))
from manabi import Server, Signal, family, run, run_tests, test  # noqa: E402

LOAD = os.path.abspath(sys.argv[2])
LOST_S = 1.0  # of a track, at most


def until(what, check, timeout_s=30):
    end = time.monotonic() + timeout_s
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, f"waited {timeout_s} s in vain for: {what}"
        time.sleep(0.1)


def find_all(server, name):
    """The processes of that name below the server, the deepest one (inside bubblewrap) last."""
    found = []
    for pid in family(server.process.pid)[1:]:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if os.path.basename(file.read().split(b"\0")[0]).decode() == name:
                    found.append(pid)
        except OSError:
            continue
    return found


def find(server, name):
    found = find_all(server, name)
    return found[-1] if found else None


class Room:
    """The demonstration event's session, live, with a publisher and a receiver."""

    def __init__(self, server):
        self.server = server
        self.link = re.findall(r"/join#([\w-]{43})", server.printed)[0]
        self.host = Signal(server, self.link)
        self.host.ask("start-session")
        self.session = self.host.welcome["state"]["session"]["id"]
        self.tokens = [self.token(may) for may in ["publish", "receive"]]
        self.load = None

    def token(self, may):
        code, out, err = run("token", "--session", self.session, "--may", may, "--state",
                             self.server.state)
        assert code == 0, err
        return out.strip()

    def publish(self):
        """Starts anew: WHIP clients post again after a restart."""
        self.stop_publishing()
        self.load = subprocess.Popen(
            [LOAD, "--whip", f"{self.server.url}/whip/{self.session}", "--whep",
             f"{self.server.url}/whep/{self.session}", "--publish-token", self.tokens[0],
             "--receive-token", self.tokens[1], "--subscribers", "1", "--bitrate", "400000",
             "--duration", "120"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop_publishing(self):
        if self.load is not None:
            self.load.kill()
            self.load.wait()
        self.load = None

    def come_back(self):
        """After the server was killed: the same peer again."""
        resume, peer = self.host.welcome["resume"], self.host.welcome["peer"]

        def try_again():
            try:
                return Signal(self.server, self.link, resume=resume)
            except (OSError, AssertionError):
                return None
        self.host = until("the server to come back", try_again)
        assert self.host.welcome["peer"] == peer
        return self.host.welcome["state"]

    def folder(self):
        return glob.glob(os.path.join(self.server.state, "recordings", "*"))[0]

    def files(self, part):
        return glob.glob(os.path.join(self.folder(), "tracks", f"p{part}-*.mkv"))

    def grows(self, part, n_files, kib=30):
        """Until so many tracks of the part have media on the disk."""
        def look():
            if self.load.poll() is not None:  # refused while a media worker starts: post again
                self.publish()
            return sum(os.path.getsize(name) > 1024 * kib for name in self.files(part)) >= n_files
        until(f"{n_files} tracks of part {part}", look)

    def part(self, number):
        with open(os.path.join(self.folder(), f"part-{number}.json"), encoding="utf-8") as file:
            return json.load(file)


def check_end(part, killed_at):
    """No track of the part ends much before the process died."""
    for track in part["tracks"]:
        end = (part["started_unix_us"] + track["offset_us"] + track["duration_us"]) / 1e6
        assert killed_at - end <= LOST_S, (track["file"], killed_at - end)


@test("/session/a-recording-survives-recorder-server-and-media-worker")
def _():
    with Server("--supervise", "--port", "0", "--print-links") as server:
        room = Room(server)
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
