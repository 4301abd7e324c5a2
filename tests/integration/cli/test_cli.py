#!/usr/bin/env python3
"""The manabi program as an operator meets it: clear refusals at start, commands, kill and stop.

usage: test_cli.py PATH/TO/manabi   (TAP on standard output)"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../support"))
from manabi import MANABI, Server, complaint, parents, run, run_tests, test, wait_gone  # noqa: E402

TOKEN = r"[A-Za-z0-9_-]{43}"


@test("/cli/tells-how-it-is-used")
def _():
    assert run("--help")[0] == 0
    assert run()[0] == 2
    for command in ["serve", "link", "token", "user", "import", "check"]:
        code, out, _err = run(command, "--help")
        assert code == 0 and "--state" in out, command
    code, _out, err = run("serv")
    assert code == 2 and "there is no command 'serv'" in err
    for arguments in [["serve", "--prot", "80"], ["serve", "--port", "70000"], ["link"], ["token"],
                      ["user", "remove", "x"], ["import"], ["import", "film.mp4"]]:
        code, _out, err = run(*arguments)
        assert code == 2 and err != "", arguments


@test("/cli/says-that-no-server-runs")
def _():
    state = tempfile.mkdtemp()
    for arguments in [["user", "add", "x"], ["link", "x", "--role", "observer"],
                      ["token", "--session", "x", "--may", "publish"]]:
        code, out, err = run(*arguments, "--state", state)
        assert code == 1 and out == "" and "no server" in err and state in err, err
    os.rmdir(state)


@test("/cli/refuses-a-configuration-with-a-mistake")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "manabi.ini")
        for text, says in [("[server]\nprot = 80\n", "[server] prot: no such key"),
                           ("[server]\nport = 99999\n", "from 0 to 65535"),
                           ("nonsense", path)]:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            code, _out, err = run("serve", "--config", path)
            assert code == 1 and len(complaint(err)) == 1, err
            assert path in err and says in err, err
        code, _out, err = run("serve", "--config", path + ".not")
        assert code == 1 and path + ".not" in err, err


@test("/serve/refuses-in-one-line-what-it-cannot-do")
def _():
    with socket.socket() as taken, tempfile.TemporaryDirectory() as state:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _out, err = run("serve", "--state", state, "--port", str(port))
        assert code == 1 and len(complaint(err)) == 1, err
        assert str(port) in complaint(err)[0] and "in use" in complaint(err)[0], err
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "manabi.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[server]\nstate_dir = {folder}/state\nport = 0\nnginx = /nonexistent/nginx\n")
        code, _out, err = run("serve", "--config", path)
        assert code == 1 and len(complaint(err)) == 1 and "nginx" in complaint(err)[0], err
        blocked = os.path.join(folder, "file")
        with open(blocked, "w", encoding="utf-8") as file:
            file.write("not a folder")
        code, _out, err = run("serve", "--state", blocked, "--port", "0")
        assert code == 1 and len(complaint(err)) == 1 and blocked in complaint(err)[0], err


@test("/serve/is-ready-and-prints-links-that-work")
def _():
    with Server("--print-links") as server:
        assert server.get("/healthz")["status"] == "ok"
        links = re.findall(rf"{re.escape(server.url)}/join#({TOKEN})", server.printed)
        assert len(links) == 2 and re.search(rf"/sign-in#{TOKEN}", server.printed)
        assert "█" in server.printed  # the QR code
        roles = []
        for link in links:
            request = urllib.request.Request(server.url + "/api/v1/join",
                                             headers={"Authorization": "Bearer " + link})
            with urllib.request.urlopen(request, timeout=10) as answer:
                roles.append(json.load(answer)["role"])
        assert roles == ["facilitator", "participant"], roles
        assert not re.search(TOKEN, server.log_text()), "a token is in the log"
        code, _out, err = run("serve", "--state", server.state, "--port", "0")
        assert code == 1 and "manabi" in err and len(complaint(err)) == 1, err
        assert server.get("/healthz")["status"] == "ok"


@test("/serve/makes-new-links-at-a-later-start")
def _():
    with Server("--print-links") as first:
        old = re.findall(rf"/join#({TOKEN})", first.printed)
        assert first.stop() == 0
        with Server("--print-links", state=first.state) as second:
            new = re.findall(rf"/join#({TOKEN})", second.printed)
            request = urllib.request.Request(second.url + "/api/v1/join",
                                             headers={"Authorization": "Bearer " + old[0]})
            try:
                urllib.request.urlopen(request, timeout=10)
                raise AssertionError("the link of the first start still works")
            except urllib.error.HTTPError as error:
                assert error.code == 401, error.code
            assert len(second.get("/api/v1/events?when=upcoming")["items"]) == 1
    assert len(new) == 2 and not set(old) & set(new)


@test("/cli/makes-accounts-links-and-tokens")
def _():
    with Server("--print-links") as server:
        place = ["--state", server.state]
        code, out, _err = run("user", "add", "田中", "--admin", *place)
        assert code == 0 and re.fullmatch(rf"{re.escape(server.url)}/sign-in#{TOKEN}\n", out), out
        event = server.get("/api/v1/events?when=upcoming")["items"][0]["id"]
        code, out, _err = run("link", event, "--role", "facilitator", *place)
        assert code == 0 and re.fullmatch(rf"{re.escape(server.url)}/join#{TOKEN}\n", out), out
        request = urllib.request.Request(server.url + "/api/v1/join", headers={
            "Authorization": "Bearer " + out.strip().split("#")[1]})
        with urllib.request.urlopen(request, timeout=10) as answer:
            session = json.load(answer)["session"]["id"]
        for may in ["publish", "receive"]:
            code, out, _err = run("token", "--session", session, "--may", may, *place)
            assert code == 0 and re.fullmatch(TOKEN + "\n", out), out
        code, out, _err = run("token", "list", "--session", session, *place)
        rows = [line.split("\t") for line in out.splitlines()]
        assert code == 0 and [row[1:3] for row in rows] == [["publish", "valid"], ["receive", "valid"]], out
        for _ in range(2):  # twice is once
            code, out, _err = run("token", "revoke", rows[0][0], *place)
            assert code == 0 and out == rows[0][0] + "\n", out
        out = run("token", "list", "--session", session, *place)[1]
        assert [line.split("\t")[2] for line in out.splitlines()] == ["revoked", "valid"], out
        role_link = server.get("/api/v1/events?when=upcoming")["items"][0]["id"]
        for arguments, says in [(["token", "revoke", "0" * 26], "no token"),
                                (["token", "revoke", role_link], "no token"),
                                (["token", "list", "--session", "0" * 26], "no session"),
                                (["link", event, "--role", "king"], "king"),
                                (["link", "0" * 26, "--role", "observer"], "no event"),
                                (["token", "--session", "0" * 26, "--may", "publish"], "no session"),
                                (["token", "--session", session, "--may", "fly"], "fly"),
                                (["user", "add", ""], "name"),
                                (["user", "add", "x" * 200], "name")]:
            code, out, err = run(*arguments, *place)
            assert code == 1 and out == "" and says in err, (arguments, err)


@test("/import/removes-what-a-killed-one-left")
def _():
    state = tempfile.mkdtemp(prefix="manabi-test-")
    folder = os.path.join(state, "recordings", "0" * 26)
    kept = os.path.join(state, "recordings", "1" * 26)
    for path, name in [(folder, "source.tmp"), (kept, "source")]:
        os.makedirs(os.path.join(path, "tracks"))
        with open(os.path.join(path, name), "wb") as film:
            film.write(b"half a film")
    with Server(state=state):
        assert not os.path.exists(folder) and os.path.exists(os.path.join(kept, "source"))


@test("/cli/keeps-a-former-member-of-staff-out")
def _():
    def post(path, body, cookie=""):
        request = urllib.request.Request(server.url + path, json.dumps(body).encode(), method="POST", headers={
            "Content-Type": "application/json", "Cookie": cookie})
        return urllib.request.urlopen(request, timeout=10)

    def me(cookie):
        request = urllib.request.Request(server.url + "/api/v1/me", headers={"Cookie": cookie})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["user"]

    with Server() as server:
        place = ["--state", server.state]
        token = run("user", "add", "Mika", *place)[1].strip().split("#")[1]
        unused = run("user", "add", "Mika", *place)[1].strip().split("#")[1]
        with post("/api/v1/sign-in", {"token": token}) as answer:
            cookie = answer.headers["Set-Cookie"].split(";")[0]
        assert me(cookie)["name"] == "Mika"
        assert run("user", "disable", "Mika", *place) == (0, "Mika\n", "")
        assert me(cookie) is None
        try:
            post("/api/v1/sign-in", {"token": unused})
            raise AssertionError("a link of a disabled account signs in")
        except urllib.error.HTTPError as error:
            assert error.code == 401, error.code
        code, out, err = run("user", "add", "Mika", *place)
        assert code == 1 and out == "" and "disabled" in err, err
        assert run("user", "disable", "nobody", *place)[0] == 1
        assert run("user", "enable", "Mika", *place)[0] == 0
        assert run("user", "add", "Mika", *place)[0] == 0


@test("/admin-socket/is-ours-alone-and-bounded")
def _():
    with Server() as server:
        path = os.path.join(server.state, "run", "admin.sock")
        assert os.stat(path).st_mode & 0o777 == 0o600
        for sent in [b"\n", b"nonsense\n", b"{}\n", b'{"do":"fly"}\n', b'{"do":1}\n', b"\xff\xfe\n",
                     b'{"do":"link"}\n', b'{"do":"import","path":"x"}\n', b"[" * 20000 + b"\n",
                     b'{"do":"user","do":"link"}\n', b"x" * 300000 + b"\n", b'{"do":"user"']:
            with socket.socket(socket.AF_UNIX) as asker:
                asker.settimeout(10)
                asker.connect(path)
                try:
                    asker.sendall(sent)
                    asker.shutdown(socket.SHUT_WR)
                    answer = asker.recv(65536)
                except ConnectionError:
                    answer = b""
                assert answer == b"" or json.loads(answer)["ok"] is False, (sent[:40], answer)
        silent = [socket.socket(socket.AF_UNIX) for _ in range(20)]
        for asker in silent:
            asker.connect(path)
        assert run("user", "add", "someone", "--state", server.state)[0] == 0
        for asker in silent:
            asker.close()
        assert server.get("/healthz")["status"] == "ok"


def make_film(path):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                    "testsrc=size=320x240:rate=10:duration=2", "-f", "lavfi", "-i",
                    "sine=duration=2", "-c:v", "libx264", "-c:a", "aac", path], check=True)


@test("/import/publishes-a-film-and-refuses-what-is-none")
def _():
    if shutil.which("ffmpeg") is None:
        return "ffmpeg is not installed"
    with Server() as server:
        film = os.path.join(server.state, "film.bin")
        place = ["--state", server.state, "--city", "40100", "--area", "disaster-risk-management"]
        make_film(film if film.endswith(".mp4") else film + ".mp4")
        code, out, err = run("import", film + ".mp4", "--title", "Levee walk", "--title-ja",
                             "堤防の防災訓練", "--language", "ja", "--wait", *place,
                             env={"LC_ALL": "C"})  # a machine that was never told its language
        assert code == 0, err
        found = server.get("/api/v1/recordings?q=%E9%98%B2%E7%81%BD")["items"]
        assert [item["id"] for item in found] == [out.strip()] and found[0]["playlist"], found
        with urllib.request.urlopen(server.url + found[0]["playlist"], timeout=10) as answer:
            assert answer.read().startswith(b"#EXTM3U")
        with open(film, "w", encoding="utf-8") as file:
            file.write("#EXTM3U\nhttp://127.0.0.1:1/x.ts\n")
        code, _out, err = run("import", film, "--title", "None", "--wait", *place)
        assert code == 1 and "not-a-film" in err, err
        for arguments, says in [([film + ".not", "--title", "x", *place], "cannot be read"),
                                ([server.state, "--title", "x", *place], server.state),
                                ([film, "--title", "x", *place[:2], "--city", "99999", *place[4:]],
                                 "99999"),
                                ([film, "--title", "x", *place[:4], "--area", "love"], "love")]:
            code, _out, err = run("import", *arguments)
            assert code == 1 and says in err, (arguments, err)
        assert len(server.get("/api/v1/recordings")["items"]) == 1


@test("/serve/stops-in-good-order")
def _():
    for number in [signal.SIGTERM, signal.SIGINT]:
        with Server() as server:
            everybody = server.family()
            assert len(everybody) >= 3, everybody  # nginx and a media worker at least
            begun = time.monotonic()
            assert server.stop(number) == 0
            assert time.monotonic() - begun < 8
            wait_gone(everybody)
            assert os.listdir(os.path.join(server.state, "run")) == ["catalogue.lock"]


@test("/serve/leaves-nothing-when-it-is-killed-and-starts-again-at-once")
def _():
    with Server() as server:
        everybody = server.family()
        port = server.url.rsplit(":", 1)[1]
        server.process.kill()
        server.process.wait()
        again = subprocess.Popen([MANABI, "serve", "--state", server.state, "--port", port],
                                 stdout=subprocess.PIPE, stderr=server.log, text=True)
        try:
            assert again.stdout.readline().startswith("ready "), server.log_text()
            wait_gone(everybody)
        finally:
            again.terminate()
            assert again.wait(timeout=30) == 0
            again.stdout.close()


@test("/serve/supervise-brings-it-back")
def _():
    with Server("--supervise") as server:
        port = server.url.rsplit(":", 1)[1]
        old = server.family()[1:]
        table = parents()
        child = next(pid for pid in old if table.get(pid) == server.process.pid)
        os.kill(child, signal.SIGKILL)
        begun = time.monotonic()
        line = server.process.stdout.readline()
        assert line.startswith("ready "), line
        assert time.monotonic() - begun < 3
        wait_gone(old)
        assert port  # with --port 0 it may be another one
        server.url = line.split()[1]
        assert server.get("/healthz")["status"] == "ok"
        # Ctrl-C in a terminal reaches every process of the group: one stop, in good order.
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(timeout=30) == 0
        assert "not everything ended in time" not in server.log_text()


@test("/serve/tells-the-service-manager")
def _():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX,
                                                                socket.SOCK_DGRAM) as manager:
        path = os.path.join(folder, "notify")
        manager.bind(path)
        manager.settimeout(10)
        with Server(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}) as server:
            assert manager.recv(100) == b"READY=1"
            assert manager.recv(100) == b"WATCHDOG=1"
            assert manager.recv(100) == b"WATCHDOG=1"
            assert server.stop() == 0
            heard = [manager.recv(100)]
            while heard[-1] != b"STOPPING=1":
                heard.append(manager.recv(100))


@test("/check/says-what-is-there-and-what-is-not")
def _():
    with tempfile.TemporaryDirectory() as state, socket.socket() as taken:
        code, out, _err = run("check", "--state", state)
        assert code in (0, 1)
        for thing in ["nginx", "bwrap", "manabi-media", "manabi-record", "manabi-transcode",
                      "addresses for media"]:
            assert thing in out, out
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        path = os.path.join(state, "manabi.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[server]\nstate_dir = {state}\nport = {taken.getsockname()[1]}\n"
                       "[media]\nannounce = example.org\n")
        code, out, _err = run("check", "--config", path)
        assert code == 1 and re.search(r"^PROBLEM +TCP port .*in use", out, re.M), out
        assert re.search(r"^PROBLEM +addresses for media: .*example\.org", out, re.M), out
        with open(path, "w", encoding="utf-8") as file:
            file.write("[server]\nlisten = 0.0.0.0\nport = 0\n[media]\nannounce = 10.1.2.3\n")
        code, out, _err = run("check", "--config", path)
        assert re.search("^note +plain http", out, re.M), out
        assert re.search("^note +addresses for media: .*announce", out, re.M), out


sys.exit(run_tests())
