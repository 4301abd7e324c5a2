"""A live session with media for tests of recording: manabi-load plays encoder and players, so no browser is needed."""
import glob
import json
import os
import re
import subprocess
import time

from manabi import Signal, family, run


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
    """The demonstration event's session, live, with publishers and a receiver."""

    def __init__(self, server, load, publishers=1, bitrate_bps=400000):
        self.server = server
        self.load_program = load
        self.publishers = publishers
        self.bitrate_bps = bitrate_bps
        self.link, self.guest_link = re.findall(r"/join#([\w-]{43})", server.printed)[:2]
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

    def publish(self, duration_s=120):
        """Starts anew: WHIP clients post again after a restart."""
        self.stop_publishing()
        self.load = subprocess.Popen(
            [self.load_program, "--whip", f"{self.server.url}/whip/{self.session}", "--whep",
             f"{self.server.url}/whep/{self.session}", "--publish-token", self.tokens[0],
             "--receive-token", self.tokens[1], "--publishers", str(self.publishers), "--subscribers", "1",
             "--bitrate", str(self.bitrate_bps), "--expect", "95", "--duration", str(duration_s)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def stop_publishing(self):
        if self.load is not None:
            self.load.kill()
            self.load.wait()
            self.load.stdout.close()
        self.load = None

    def what_players_got(self):
        """Waits for the end of the load. Returns its report; fails when a player missed something."""
        out, _ = self.load.communicate(timeout=120)
        assert self.load.returncode == 0, out
        return json.loads(out)

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

    def keep_line(self):
        """Answers what the server asks of a quiet line, which is done only while reading."""
        self.host.ask("rename", name="Mika Sato")

    def wait_told(self, what, fits, timeout_s=15):
        """What the host is told that fits. Asks something harmless, so that the line is read."""
        def look():
            self.keep_line()
            return next((one for one in self.host.told if fits(one)), None)
        return until(what, look, timeout_s)


def lost_s(part, ended_at):
    """By track file that was cut: seconds between its last frame and the end."""
    return {track["file"]: ended_at - (part["started_unix_us"] + track["offset_us"] + track["duration_us"]) / 1e6
            for track in part["tracks"] if track["state"] in ("repaired", "lost", "writing")}
