#!/usr/bin/env python3
"""Faults under a session that is recorded: everything killed, the power cut, a recorder that hangs, a disk that is
slow, full, or fails to sync.

usage: test_faults.py PATH/TO/manabi PATH/TO/manabi-load PATH/TO/fault-disk.so   (TAP on standard output)

MNB_FAULT_ROUNDS: kills and power cuts, 2 when unset (script/faults: 30). Figures go out as lines of JSON behind "#".
What the live session must not notice is what the players got (manabi-load, 95 % of all packets at least, which on a
quiet machine is 100 %)."""
import glob
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../support"))
from faults import Disk  # noqa: E402
from manabi import Server, Signal, run, run_tests, test, wait_gone  # noqa: E402
from recording import Room, find, lost_s, until  # noqa: E402

LOAD, MODULE = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
ROUNDS = int(os.environ.get("MNB_FAULT_ROUNDS", "2"))
KILL_LOSS_S, POWER_LOSS_S, BACK_S = 1.0, 2.0, 10.0
dice = random.Random(int(os.environ.get("MNB_FAULT_SEED", "0")) or None)


def tell(**figures):
    print("# " + json.dumps(figures, separators=(",", ":")), flush=True)


def kill_all(server):
    """The whole family at once. Returns the moment."""
    pids = server.family()
    at = time.time()
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    server.process.wait()
    wait_gone(pids)
    return at


def go_on(room, server, part):
    """A server that has come back: the session is as it was, and recording goes on by itself."""
    begun = time.monotonic()
    room.server = server
    state = room.come_back()
    assert state["session"]["state"] == "live" and state["recording"]["state"] == "on", state
    room.publish()
    room.grows(part, 2 * room.publishers, kib=4)
    until("the earlier part to be repaired", lambda: room.part(part - 1)["state"] != "recording", BACK_S)
    return time.monotonic() - begun


def is_playable(path):
    return os.system(f"ffprobe -v error -count_packets -show_entries stream=nb_read_packets -of csv=p=0 '{path}'"
                     " >/dev/null 2>&1") == 0


def end_session(room):
    room.host.ask("record", on=False)
    room.host.ask("end-session")
    film = until("the film", lambda: room.server.get("/api/v1/recordings")["items"], 180)[0]
    assert film["state"] == "published", film
    return film


@test("/faults/a-kill-of-everything-loses-at-most-a-second-and-recording-goes-on")
def _():
    state = tempfile.mkdtemp(prefix="manabi-test-")
    losses, backs = [], []
    server = Server("--print-links", state=state)
    room = Room(server, LOAD, publishers=2)
    try:
        room.publish()
        room.host.ask("record", on=True)
        for part in range(1, ROUNDS + 1):
            room.grows(part, 4, kib=8)
            time.sleep(dice.uniform(0, 3))
            killed_at = kill_all(server)
            server = Server("--print-links", state=state)
            backs.append(go_on(room, server, part + 1))
            lost = lost_s(room.part(part), killed_at)
            assert len(lost) == 4 and all(is_playable(os.path.join(room.folder(), name)) for name in lost), lost
            losses += lost.values()
            assert max(lost.values()) <= KILL_LOSS_S, lost
        losses.sort()
        tell(fault="kill-all", rounds=ROUNDS, tracks=len(losses), lost_max_s=round(losses[-1], 3),
             lost_p95_s=round(losses[int(0.95 * (len(losses) - 1))], 3), back_max_s=round(max(backs), 2))
        film = end_session(room)
        assert film["playlist"]
    finally:
        room.stop_publishing()
        server.__exit__()


@test("/faults/a-power-cut-loses-at-most-two-seconds-and-nothing-that-was-confirmed")
def _():
    losses, backs = [], []
    for number in range(ROUNDS):
        one_power_cut(number, losses, backs)
    losses.sort()
    tell(fault="power-cut", rounds=ROUNDS, tracks=len(losses), lost_max_s=round(losses[-1], 3),
         lost_p95_s=round(losses[int(0.95 * (len(losses) - 1))], 3), back_max_s=round(max(backs), 2))


def one_power_cut(number, losses, backs):
    state, after = tempfile.mkdtemp(prefix="manabi-test-"), tempfile.mkdtemp(prefix="manabi-test-")
    with open(os.path.join(state, "manabi.ini"), "w", encoding="utf-8") as file:
        file.write("[jobs]\nsandbox = off\n")
    disk = Disk(MODULE, state, keeps=True)
    server = Server("--print-links", state=state, env=disk.env)
    back = room = None
    try:
        disk.keep_all()
        room = Room(server, LOAD)
        room.publish()
        room.host.ask("record", on=True)
        begun_at = time.time()
        room.grows(1, 2, kib=8)
        said = [f"kept {i}" for i in range(5)]
        for text in said:
            room.host.ask("chat", text=text, key=text.replace(" ", "-"))
        time.sleep(dice.uniform(0, 4))
        cut_at = kill_all(server)
        disk.cut_power(after, has_zeros=number % 2 == 1)
        with sqlite3.connect(os.path.join(after, "catalogue.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        back = Server("--print-links", state=after)
        room.server = back
        backs.append(go_on(room, back, 2))
        assert [line["text"] for line in room.host.welcome["state"]["chat"]] == said
        part = room.part(1)
        assert len(part["tracks"]) == 2, part
        lost = lost_s(part, cut_at)
        losses += lost.values()
        assert max(lost.values()) <= POWER_LOSS_S, (lost, cut_at - begun_at, part)
        assert all(is_playable(os.path.join(room.folder(), name)) for name in lost)
    finally:
        if room is not None:
            room.stop_publishing()
        if back is not None:
            back.__exit__()
        server.__exit__()
        disk.close()
        shutil.rmtree(after, ignore_errors=True)


def with_bad_disk(do):
    """A session that is recorded on a disk that can be made bad; the players' report is printed."""
    state = tempfile.mkdtemp(prefix="manabi-test-")
    with open(os.path.join(state, "manabi.ini"), "w", encoding="utf-8") as file:
        file.write("[jobs]\nsandbox = off\n")
    disk = Disk(MODULE, state)
    with Server("--print-links", state=state, env=disk.env) as server:
        room = Room(server, LOAD)
        try:
            room.publish(duration_s=18)
            room.host.ask("record", on=True)
            room.grows(1, 2, kib=8)
            fault = do(room, disk)
            report = room.what_players_got()
            tell(fault=fault, **{name: report[name] for name in ("delivered_pct", "p99_us") if name in report})
            room.publish()
            time.sleep(1)
            end_session(room)
        finally:
            room.stop_publishing()
            disk.close()


def hole(code):
    return lambda one: one.get("type") == "recording-hole" and one["code"] == code


@test("/faults/a-recorder-that-hangs-is-replaced-and-the-hole-is-named")
def _():
    def hang(room, disk):
        pid = find(room.server, "manabi-record")
        os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        room.wait_told("the hole", hole("recorder-restarted"))
        room.grows(2, 2, kib=8)
        tell(fault="hang", back_s=round(time.monotonic() - begun, 2))
        until("the first part to be repaired", lambda: room.part(1)["state"] == "repaired", BACK_S)
        return "hang"
    with_bad_disk(hang)


@test("/faults/a-slow-disk-is-told-and-loses-nothing-that-fits-the-ring")
def _():
    def slow(room, disk):
        disk.set(sync_ms=2000)
        room.wait_told("slow-disk", hole("slow-disk"))
        disk.set(sync_ms=0)
        assert room.part(1)["gaps"] == [], room.part(1)
        return "slow-sync"
    with_bad_disk(slow)


@test("/faults/a-full-disk-is-told-and-recording-goes-on-when-there-is-space")
def _():
    def fill(room, disk):
        disk.set(is_full=1)
        begun = time.monotonic()
        room.wait_told("disk-full", lambda one: one.get("type") == "recording" and one["state"] == "failed")
        told_s = time.monotonic() - begun
        disk.set(is_full=0)
        room.host.told.clear()
        room.wait_told("on again", lambda one: one.get("type") == "recording" and one["state"] == "on")
        gaps = until("the hole to be named", lambda: room.part(1)["gaps"])
        assert gaps[0]["reason"] == "disk-full" and gaps[0]["length_us"] > 0, gaps
        tell(fault="disk-full", told_s=round(told_s, 2), gap=gaps[0])
        assert told_s < 4, told_s
        return "disk-full"
    with_bad_disk(fill)


@test("/faults/a-failed-sync-is-told-and-the-file-is-called-doubtful")
def _():
    def fail(room, disk):
        disk.set(failed_sync=1)
        room.wait_told("failed-sync", hole("failed-sync"))
        room.host.ask("record", on=False)
        states = {track["state"] for track in room.part(1)["tracks"]}
        assert "doubtful" in states, states
        room.host.ask("record", on=True)
        return "failed-sync"
    with_bad_disk(fail)


@test("/backup/taken-while-recording-is-restored-and-the-recording-goes-on")
def _():
    copy, other = tempfile.mkdtemp(prefix="manabi-test-"), tempfile.mkdtemp(prefix="manabi-test-")
    back = None
    with Server("--print-links") as server:
        room = Room(server, LOAD)
        try:
            room.publish()
            room.host.ask("record", on=True)
            room.grows(1, 2, kib=8)
            room.host.ask("chat", text="before the backup", key="b")
            for _number in range(2):  # the second copies what is new only
                code, out, err = run("backup", "--to", copy, "--state", server.state)
                assert code == 0, err
            assert "unchanged" in out and " 0 unchanged" not in out, out
            assert kill_all(server)
            code, out, err = run("backup", "--restore", copy, "--state", other)
            assert code == 0, err
            code, _out, err = run("backup", "--restore", copy, "--state", other)
            assert code == 1 and "already" in err, err
            back = Server("--print-links", state=other)
            go_on(room, back, 2)
            assert room.host.welcome["state"]["chat"][0]["text"] == "before the backup"
            track = room.part(1)["tracks"][0]
            assert track["state"] == "repaired" and track["duration_us"] > 100000, track
            assert end_session(room)["playlist"]
        finally:
            room.stop_publishing()
            if back is not None:
                back.__exit__()
            shutil.rmtree(copy, ignore_errors=True)


@test("/rebuild/from-manifests-alone-lists-every-recording-with-the-rights-it-had")
def _():
    with Server("--print-links") as server:
        room = Room(server, LOAD)
        try:
            room.publish()
            room.host.ask("record", on=True)
            room.grows(1, 2, kib=8)
            code, _out, err = run("check", "--rebuild", "--state", server.state)
            assert code == 1 and "in use" in err, err
            end_session(room)
        finally:
            room.stop_publishing()
        film = server.get("/api/v1/recordings")["items"][0]
        assert server.stop() == 0
        db = sqlite3.connect(os.path.join(server.state, "catalogue.db"))
        rights = db.execute("SELECT id, audience, state, title_ja FROM recording ORDER BY id").fetchall()
        db.close()
        code, out, err = run("check", "--rebuild", "--state", server.state)
        assert code == 0 and "1 are back, 0 with other rights" in out, (out, err)
        db = sqlite3.connect(os.path.join(server.state, "catalogue.db"))
        assert db.execute("SELECT id, audience, state, title_ja FROM recording ORDER BY id").fetchall() == rights
        db.close()
        again = Server(state=server.state)
        try:
            assert again.get("/api/v1/recordings/" + film["id"])["playlist"] == film["playlist"]
        finally:
            again.stop()


@test("/faults/who-does-not-agree-is-in-no-file")
def _():
    with Server("--print-links") as server:
        room = Room(server, LOAD)
        try:
            guest = Signal(server, room.guest_link, name="Nobody Ofnote", consent="no")
            room.publish()
            room.host.ask("record", on=True)
            assert guest.ask("chat", text="words never written", key="w")
            room.host.ask("marker", text="good moment")
            late = Signal(server, room.guest_link, name="Late Comer")
            assert late.welcome["state"]["recording"]["state"] == "on"
            room.grows(1, 2, kib=8)
            room.host.ask("pause-recording", on=True)
            assert room.part(1)["state"] == "complete"
            room.host.ask("pause-recording", on=False)
            room.grows(2, 2, kib=8)
            end_session(room)
            words = [b"Nobody Ofnote", b"words never written", guest.welcome["peer"].encode(), b"Late Comer"]
            for path in glob.glob(os.path.join(room.folder(), "**"), recursive=True):
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        data = file.read()
                    assert not any(word in data for word in words), path
        finally:
            room.stop_publishing()


sys.exit(run_tests())
