"""Resumable uploads over the wire: tus 1.0.0 with raw requests, through the front door of a real server."""
import base64
import hashlib
import http.client
import json
import os
import random
import re
import signal
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from manabi import Server, run_tests, test, run, wait_gone  # noqa: E402  pylint: disable=wrong-import-position

OCTETS = "application/offset+octet-stream"
GOOD = {"title_en": "Night soil to compost", "area": None, "city": "40100", "people": "none", "audience": "public"}


def configured(**settings):
    """A server with settings, given as group__key=value."""
    state = tempfile.mkdtemp(prefix="manabi-test-")
    with open(os.path.join(state, "manabi.ini"), "w", encoding="utf-8") as file:
        for name, value in settings.items():
            group, key = name.split("__")
            file.write(f"[{group}]\n{key} = {value}\n")
    return Server(state=state)


class Desk:
    """A signed-in member of the staff."""

    def __init__(self, server):
        self.server = server
        self.host, port = "localhost", int(server.url.rsplit(":", 1)[1])
        self.port = port
        code, out, err = run("user", "add", "Uploader", "--state", server.state)
        assert code == 0, err
        token = re.search(r"#(\S+)", out).group(1)
        status, headers, _ = self.ask("POST", "/api/v1/sign-in", json.dumps({"token": token}).encode(),
                                      {"Content-Type": "application/json"}, cookie=False)
        assert status == 200, status
        self.cookie = headers["set-cookie"].split(";")[0]
        self.area = json.loads(self.ask("GET", "/api/v1/areas")[2])["items"][0]["code"]

    def ask(self, method, path, body=None, headers=None, cookie=True, tus=False):
        line = http.client.HTTPConnection(self.host, self.port, timeout=60)
        all_headers = dict(headers or {})
        if cookie:
            all_headers["Cookie"] = self.cookie
        if tus:
            all_headers.setdefault("Tus-Resumable", "1.0.0")
        line.request(method, path, body, all_headers)
        answer = line.getresponse()
        data = answer.read()
        line.close()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, data

    def tus(self, method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(method, path, body, named, tus=True)

    def create(self, size, **metadata):
        pairs = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in metadata.items())
        status, headers, data = self.tus("POST", "/uploads", Upload_Length=str(size), Upload_Metadata=pairs)
        assert status == 201, (status, data)
        return headers["location"]

    def patch(self, path, offset, data, **headers):
        return self.tus("PATCH", path, data, Upload_Offset=str(offset), Content_Type=OCTETS, **headers)

    def offset(self, path):
        status, headers, _ = self.tus("HEAD", path)
        assert status == 200, status
        return int(headers["upload-offset"])

    def json(self, method, path, value=None):
        body = json.dumps(value).encode() if value is not None else None
        status, _, data = self.ask(method, path, body, {"Content-Type": "application/json"} if body else None)
        return status, json.loads(data) if data else None

    def send_part(self, path, offset, data, whole):
        """A PATCH whose line dies after @data of @whole bytes."""
        line = socket.create_connection((self.host, self.port), timeout=30)
        line.sendall((f"PATCH {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nCookie: {self.cookie}\r\n"
                      f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\nContent-Type: {OCTETS}\r\n"
                      f"Content-Length: {whole}\r\n\r\n").encode())
        line.sendall(data)
        return line


def code_of(data):
    return json.loads(data)["code"]


@test("/uploads/tells-what-it-can")
def _options():
    with Server() as server:
        desk = Desk(server)
        status, headers, _ = desk.ask("OPTIONS", "/uploads")
        assert status == 204 and headers["tus-version"] == "1.0.0", headers
        for name in ("creation", "creation-with-upload", "expiration", "checksum", "termination"):
            assert name in headers["tus-extension"].split(",")
        assert "sha1" in headers["tus-checksum-algorithm"].split(",")
        assert int(headers["tus-max-size"]) > 4 << 30
        status, headers, data = desk.ask("POST", "/uploads", headers={"Upload-Length": "5"})
        assert status == 412 and headers["tus-version"] == "1.0.0", (status, data)


@test("/uploads/takes-a-film-in-pieces-and-only-at-its-offset")
def _pieces():
    with Server() as server:
        desk = Desk(server)
        film = random.Random(1).randbytes(1_000_001)
        path = desk.create(len(film), filename="視察 1.mp4", key="k-1")
        assert desk.offset(path) == 0
        status, headers, _ = desk.patch(path, 0, film[:400_000])
        assert status == 204 and headers["upload-offset"] == "400000" and "upload-expires" in headers
        status, headers, data = desk.patch(path, 399_999, film[399_999:])
        assert status == 409 and headers["upload-offset"] == "400000" and code_of(data) == "wrong-offset"
        assert desk.patch(path, 400_000, film[400_000:] + b"x")[0] == 413
        assert desk.tus("PATCH", path, film[400_000:], Upload_Offset="400000",
                        Content_Type="application/octet-stream")[0] == 415
        assert desk.patch(path, "4e5", b"x")[0] == 400
        status, headers, _ = desk.tus("POST", path, film[400_000:], Upload_Offset="400000", Content_Type=OCTETS,
                                      X_HTTP_Method_Override="PATCH")
        assert status == 204 and int(headers["upload-offset"]) == len(film), status
        name = path.rsplit("/", 1)[1]
        with open(os.path.join(server.state, "uploads", name), "rb") as file:
            assert hashlib.sha256(file.read()).digest() == hashlib.sha256(film).digest()
        status, upload = desk.json("GET", "/api/v1" + path)
        assert upload["state"] == "received" and upload["file_name"] == "視察 1.mp4", upload
        assert desk.tus("DELETE", path)[0] == 204
        assert desk.tus("HEAD", path)[0] == 404 and desk.tus("DELETE", path)[0] == 404
        assert not os.path.exists(os.path.join(server.state, "uploads", name))


@test("/uploads/takes-the-first-bytes-with-the-creation")
def _with_upload():
    with Server() as server:
        desk = Desk(server)
        status, headers, _ = desk.tus("POST", "/uploads", b"hello", Upload_Length="9", Content_Type=OCTETS)
        assert status == 201 and headers["upload-offset"] == "5", (status, headers)
        assert desk.patch(headers["location"], 5, b"moon")[0] == 204
        assert desk.offset(headers["location"]) == 9
        assert desk.tus("POST", "/uploads", b"hello", Upload_Length="9", Content_Type="text/plain")[0] == 415


@test("/uploads/keeps-no-byte-that-does-not-fit-its-checksum")
def _checksum():
    with Server() as server:
        desk = Desk(server)
        path = desk.create(10)
        right = base64.b64encode(hashlib.sha1(b"hello").digest()).decode()
        status, _, data = desk.patch(path, 0, b"hallo", Upload_Checksum="sha1 " + right)
        assert status == 460 and code_of(data) == "wrong-checksum", (status, data)
        assert desk.offset(path) == 0
        assert desk.patch(path, 0, b"hello", Upload_Checksum="crc9 " + right)[0] == 400
        assert desk.patch(path, 0, b"hello", Upload_Checksum="sha1 " + right[:-4])[0] == 400
        assert desk.patch(path, 0, b"hello", Upload_Checksum="sha1 " + right)[0] == 204
        right = base64.b64encode(hashlib.sha256(b"world").digest()).decode()
        line = desk.send_part(path, 5, b"wo", 5)
        line.close()
        assert desk.patch(path, desk.offset(path), b"world"[desk.offset(path) - 5:])[0] in (204, 423)
        assert desk.offset(path) == 10


@test("/uploads/refuses-before-a-byte-is-taken")
def _refusals():
    with Server() as server:
        desk = Desk(server)
        def create(length, metadata="", **more):
            return desk.tus("POST", "/uploads", Upload_Length=str(length), Upload_Metadata=metadata, **more)
        status, _, data = create(1 << 45)
        assert status == 413 and code_of(data) == "file-too-large", (status, data)
        status, _, data = create(0)
        assert status == 422 and code_of(data) == "empty"
        for bad in ("-1", "9x", "", "99999999999999999999"):
            assert create(bad)[0] == 400, bad
        for bad in ("name", "name !!!!", "a YQ==,a YQ==", "n\x7f YQ==", "name " + "YQ" * 4000):
            assert create(5, bad)[0] in (400, 431) or bad == "name", bad
        assert create(5, "city " + base64.b64encode(b"00000").decode())[0] == 422
        status, _, data = desk.ask("POST", "/uploads", headers={"Upload-Length": "5", "Tus-Resumable": "1.0.0"},
                                   cookie=False)
        assert status == 401, status
        status, _, _ = desk.ask("POST", "/uploads", headers={"Upload-Length": "5", "Tus-Resumable": "1.0.0",
                                                             "Origin": "https://elsewhere.example"})
        assert status == 403, status
        assert os.listdir(os.path.join(server.state, "uploads")) == []
    with configured(uploads__city_quota_gb=1, recording__min_free_mb=16) as server:
        desk = Desk(server)
        city = "city " + base64.b64encode(b"40100").decode()
        first = desk.tus("POST", "/uploads", Upload_Length=str(900 << 20), Upload_Metadata=city)
        assert first[0] == 201, first
        status, _, data = desk.tus("POST", "/uploads", Upload_Length=str(200 << 20), Upload_Metadata=city)
        assert status == 413 and code_of(data) == "quota-full", (status, data)
        free = desk.create(200 << 20)
        status, problem = desk.json("PATCH", "/api/v1" + free, {"city": "40100"})
        assert status == 413 and problem["code"] == "quota-full", problem
    with configured(recording__min_free_mb=1048576) as server:
        status, _, data = Desk(server).tus("POST", "/uploads", Upload_Length="5")
        assert status == 507 and code_of(data) == "storage-full", (status, data)


@test("/uploads/goes-on-after-a-lost-line-on-another-one")
def _lost_line():
    with Server() as server:
        desk = Desk(server)
        film = random.Random(2).randbytes(3_000_000)
        path = desk.create(len(film))
        dead = desk.send_part(path, 0, film[:2_000_000], len(film))  # neither closed nor going on
        for _ in range(100):
            offset = desk.offset(path)  # takes over from it
            try:
                status = desk.patch(path, offset, film[offset:])[0]
            except ConnectionError:
                continue  # refused before all was sent: who sends on cannot read the answer
            if status == 204:
                break
            assert status in (409, 423), status
        assert desk.offset(path) == len(film)
        dead.close()
        with open(os.path.join(server.state, "uploads", path.rsplit("/", 1)[1]), "rb") as file:
            assert file.read() == film


@test("/uploads/survives-kills-at-random-bytes-with-the-same-sum")
def _kills():
    chance = random.Random(int(os.environ.get("MANABI_SEED", "6")))
    server = Server()
    try:
        film = chance.randbytes(24 << 20)
        desk = Desk(server)
        path = desk.create(len(film))
        for _ in range(int(os.environ.get("MANABI_KILLS", "4"))):
            offset = desk.offset(path)
            told = offset
            stop = min(offset + chance.randrange(1, 8 << 20), len(film) - 1)
            if chance.random() < 0.5:  # a part that is confirmed, then one that is cut
                half = (offset + stop) // 2
                assert desk.patch(path, offset, film[offset:half])[0] == 204
                told = offset = half
            line = desk.send_part(path, offset, film[offset:stop], len(film) - offset)
            family = server.family()
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(timeout=30)
            wait_gone(family)
            line.close()
            server.process.stdout.close()
            cookie = desk.cookie
            server = Server(state=server.state)
            desk.server, desk.port, desk.cookie = server, int(server.url.rsplit(":", 1)[1]), cookie
            offset = desk.offset(path)
            assert told <= offset <= stop, (told, offset, stop)
        offset = desk.offset(path)
        assert desk.patch(path, offset, film[offset:])[0] == 204
        with open(os.path.join(server.state, "uploads", path.rsplit("/", 1)[1]), "rb") as file:
            assert hashlib.sha256(file.read()).digest() == hashlib.sha256(film).digest()
    finally:
        server.__exit__()


@test("/uploads/needs-flat-memory")
def _memory():
    def rss(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
    if "asan" in os.environ.get("MANABI_TEST_BUILD", ""):
        return "sanitizers keep freed memory"
    with configured(recording__min_free_mb=16) as server:
        desk = Desk(server)
        size = int(os.environ.get("MANABI_UPLOAD_MB", "256")) << 20
        path = desk.create(size)
        pid = next(p for p in server.family() if "serve" in open(f"/proc/{p}/cmdline", encoding="utf-8").read()
                   and "nginx" not in open(f"/proc/{p}/comm", encoding="utf-8").read())
        before = rss(pid)
        line = desk.send_part(path, 0, b"", size)
        block = bytes(1 << 20)
        most = before
        for _ in range(size >> 20):
            line.sendall(block)
            most = max(most, rss(pid))
        answer = line.recv(4096)
        line.close()
        assert answer.startswith(b"HTTP/1.1 204 "), answer
        print(f"# {size >> 20} MB: server {before} kB -> at most {most} kB")
        assert most - before <= 20 * 1024, (before, most)
    return None


@test("/uploads/becomes-a-recording-when-film-and-form-are-whole")
def _promote():
    with configured(jobs__parallel=0) as server:
        desk = Desk(server)
        path = desk.create(5, filename="a.mp4")
        api = "/api/v1" + path
        status, problem = desk.json("POST", api + "/submit")
        fields = {error["field"] for error in problem["errors"]}
        assert status == 422 and fields == {"title_en", "area", "city", "people"}, problem
        assert desk.json("PATCH", api, {"city": "99999"})[0] == 422
        assert desk.json("PATCH", api, {"visited_on": "2026-02-30"})[0] == 422
        form = {**GOOD, "area": desk.area, "place_ja": "日明浄化センター", "visited_on": "2026-11-20",
                "people": "unclear", "licence": "cc-by-4.0", "languages": ["ja"], "series": "Compost"}
        status, upload = desk.json("PATCH", api, form)
        assert status == 200 and upload["draft"]["place_ja"] == "日明浄化センター", upload
        status, problem = desk.json("POST", api + "/submit")
        assert status == 422 and problem["errors"] == [{"field": "people", "code": "consent"}], problem
        assert desk.json("PATCH", api, {"people": "consent"})[0] == 200
        status, upload = desk.json("POST", api + "/submit")
        assert status == 200 and upload["is_submitted"] and upload["recording"] is None, upload
        assert desk.patch(path, 0, b"hello")[0] == 204
        until = time.monotonic() + 30
        while True:
            status, upload = desk.json("GET", api)
            if upload["recording"] is not None:
                break
            assert time.monotonic() < until, upload
        status, recording = desk.json("GET", f"/api/v1/recordings/{upload['recording']}")
        assert recording["state"] == "processing" and recording["city"] == "40100", recording
        assert recording["recorded_at"].startswith("2026-11-20"), recording
        assert recording["visit"]["place_ja"] == "日明浄化センター", recording
        jobs = desk.json("GET", "/api/v1/jobs")[1]["items"]
        assert [job["kind"] for job in jobs] == ["transcode"], jobs
        status, job = desk.json("POST", f"/api/v1/jobs/{jobs[0]['id']}/cancel")
        assert status == 202 and job["state"] == "cancelled", job
        assert desk.json("POST", f"/api/v1/jobs/{jobs[0]['id']}/cancel")[0] == 409
        assert desk.json("POST", f"/api/v1/jobs/{jobs[0]['id']}/retry")[0] == 202
        assert desk.tus("DELETE", path)[0] == 409
        assert desk.json("GET", "/api/v1/uploads")[1]["items"] == []


if __name__ == "__main__":
    sys.exit(run_tests())
