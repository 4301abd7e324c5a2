"""A real server for tests in Python: starts it, finds and ends its processes, speaks signalling."""
import base64
import ctypes
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

MANABI = os.path.abspath(sys.argv[1])
tests = []


def test(name):
    def add(function):
        tests.append((name, function))
        return function
    return add


def run(*arguments, timeout=60, env=None):
    """Runs a command. Returns (exit code, stdout, stderr)."""
    done = subprocess.run([MANABI, *arguments], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def complaint(stderr):
    """What is said to the operator, without the log."""
    return [line for line in stderr.splitlines() if line.startswith("manabi")]


def end_with_parent():
    """In the child, before it is manabi: a test that is cut off leaves no server behind."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


class Server:
    """manabi serve on a state directory of its own."""

    def __init__(self, *options, state=None, env=None):
        self.state = state or tempfile.mkdtemp(prefix="manabi-test-")
        self.log = open(os.path.join(self.state, "test.log"), "a+b")
        self.process = subprocess.Popen(
            [MANABI, "serve", "--state", self.state, "--port", "0", *options],
            stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, **(env or {})}, start_new_session=True,
            preexec_fn=end_with_parent)
        self.printed = ""
        self.url = self.wait_ready()

    def wait_ready(self):
        for line in self.process.stdout:
            self.printed += line
            if line.startswith("ready "):
                return line.split()[1]
        raise AssertionError("it did not start: " + self.log_text())

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def family(self):
        """Process ids of the server and everything below it."""
        return family(self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, kind=None, *_):
        code = self.stop()
        self.process.stdout.close()
        # Only the test itself ends it: a crash, its children's too, is told even where nobody asked anything after.
        log = self.log_text()
        self.log.close()
        has_crashed = (code not in (0, -signal.SIGTERM, -signal.SIGKILL) or "Sanitizer: " in log
                       or "runtime error: " in log)
        if has_crashed or kind is not None:
            print("\n".join("# " + line[:300] for line in log.splitlines()[-80:]), flush=True)
        shutil.rmtree(self.state, ignore_errors=True)
        if has_crashed and kind is None:
            raise AssertionError(f"the server or a child of it crashed; it ended with {code}")


def parents():
    table = {}
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                text = file.read()
            table[int(name)] = int(text[text.rindex(")") + 2:].split()[1])
        except (ValueError, OSError):
            continue
    return table


def family(top):
    table = parents()
    found = [top]
    for pid in found:
        found += [child for child, parent in table.items() if parent == pid]
    return found


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_gone(pids, timeout_s=5):
    until = time.monotonic() + timeout_s
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < until, f"still there: {[p for p in pids if is_alive(p)]}"
        time.sleep(0.02)


class Signal:
    """A client of the signalling protocol (docs/protocol.md, section 4), enough of RFC 6455 for it."""

    def __init__(self, server, token, name="Mika Sato", resume=None, consent=None):
        host, port = "localhost", int(server.url.rsplit(":", 1)[1])
        self.socket = socket.create_connection((host, port), timeout=10)
        self.number = 0
        self.told = []
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /signal HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {server.url}\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: manabi.v1\r\n\r\n").encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.take(1)
        assert head.startswith(b"HTTP/1.1 101 "), head
        more = {key: value for key, value in [("resume", resume), ("consent", consent)] if value}
        self.welcome = self.ask("hello", token=token, name=name, language="en", **more)

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the server closed the connection")
            data += more
        return data

    def send(self, message):
        self.send_frame(1, json.dumps(message).encode())

    def send_frame(self, kind, data):
        mask = os.urandom(4)
        length = bytes([0x80 | len(data)]) if len(data) < 126 else \
            bytes([0x80 | 126]) + struct.pack(">H", len(data))
        self.socket.sendall(bytes([0x80 | kind]) + length + mask +
                            bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def receive(self):
        while True:
            kind, length = self.take(2)
            length &= 127
            if length >= 126:
                length = int.from_bytes(self.take(2 if length == 126 else 8), "big")
            data = self.take(length)
            if kind & 15 == 1:
                return json.loads(data)
            if kind & 15 == 9:
                self.send_frame(10, data)
            if kind & 15 == 8:
                raise ConnectionError(f"closed: {data!r}")

    def ask(self, kind, **fields):
        """Asks and waits for the answer; refused: AssertionError. What is told meanwhile: self.told."""
        self.number += 1
        self.send({"kind": kind, "id": self.number, **fields})
        while True:
            message = self.receive()
            if message.get("kind") == "reply" and message.get("id") == self.number:
                assert message["ok"], message
                return message
            self.told.append(message)

    def close(self):
        self.socket.close()


def run_tests():
    """Runs what @test collected; TAP on standard output. Returns the exit code."""
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, (name, function) in enumerate(tests, 1):
        try:
            reason = function()
            print(f"ok {number} {name}" + (f" # SKIP {reason}" if reason else ""), flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} {name}")
            print("\n".join("# " + line for line in traceback.format_exc().splitlines()), flush=True)
    return 1 if failed else 0
