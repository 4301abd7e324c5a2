"""The HTTP side against real clients: nginx in front, libsoup behind, a real catalogue.

Runs http-serve in a new state directory, and everything through its front door. TAP on stdout.
Usage: test_http.py HTTP_SERVE OPENAPI_JSON
"""
import gzip
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
import xml.etree.ElementTree

SERVE, OPENAPI = sys.argv[1:3]
PASSWORD = "correct horse battery"
JSON = "application/json"
SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
NO_ID = "0" * 26
OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Server:
    def __init__(self, with_tls=False):
        self.stopped = None
        self.state = tempfile.mkdtemp(prefix="manabi-http-")
        self.tls = None
        files = []
        if with_tls:
            files = [os.path.join(self.state, name) for name in ("cert.pem", "key.pem")]
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-subj", "/CN=127.0.0.1", "-days", "2", "-out", files[0], "-keyout", files[1]],
                           check=True, stderr=subprocess.DEVNULL)
            self.tls = ssl.create_default_context()
            self.tls.check_hostname = False
            self.tls.verify_mode = ssl.CERT_NONE
        self.web = os.path.join(self.state, "web")
        os.makedirs(os.path.join(self.web, "assets"))
        self.page = b"<!doctype html><html lang=\"en\"><title>Manabi</title><div id=\"app\"></div>" + b" " * 3000
        self.script = b"console.log('manabi')\n" * 200
        self.put(os.path.join(self.web, "index.html"), self.page)
        self.put(os.path.join(self.web, "assets", "app-1a2b3c.js"), self.script)
        self.put(os.path.join(self.web, "assets", "app-1a2b3c.js.gz"), gzip.compress(self.script))
        self.put(os.path.join(self.web, ".secret"), b"secret")
        self.log = open(os.path.join(self.state, "log"), "w+b")
        self.process = subprocess.Popen(
            [SERVE, self.state, self.web] + files, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log
        )
        self.lines = []
        self.told = threading.Condition()
        first = self.process.stdout.readline()
        if not first:
            raise RuntimeError("http-serve did not start: " + self.logged())
        self.facts = json.loads(first)
        threading.Thread(target=self.read, daemon=True).start()
        self.port = int(self.facts["url"].rsplit(":", 1)[1])
        for _ in range(100):
            try:
                if self.ask("GET", "/healthz").status == 200:
                    break
            except OSError:
                pass
            time.sleep(0.05)
        self.movie = bytes(range(256)) * 4096
        for name in ("open", "by_link", "inside", "review"):
            media = os.path.join(self.state, "recordings", self.facts[name + "_folder"], "media")
            os.makedirs(os.path.join(media, "720p"), exist_ok=True)
            self.put(os.path.join(media, "video.mp4"), self.movie)
            self.put(os.path.join(media, "master.m3u8"), b"#EXTM3U\n")
            self.put(os.path.join(media, "720p", "index.m3u8"), b"#EXTM3U\n")
            self.put(os.path.join(media, "720p", "stream.mp4"), self.movie)

    def __getattr__(self, name):
        if name == "facts":
            raise AttributeError(name)
        return self.facts[name]

    @staticmethod
    def put(path, data):
        with open(path, "wb") as file:
            file.write(data)

    def logged(self):
        with open(self.log.name, "rb") as file:
            return file.read().decode(errors="replace")

    def read(self):
        for line in self.process.stdout:
            with self.told:
                self.lines.append(line.decode().strip())
                self.told.notify_all()

    def wait_line(self, line, seconds=5):
        with self.told:
            return self.told.wait_for(lambda: line in self.lines, seconds)

    def order(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        assert self.wait_line("done " + line), line

    def ask(self, method, path, body=None, headers=None, bearer=None, cookie=None, type=JSON):
        headers = dict(headers or {})
        if bearer:
            headers["Authorization"] = "Bearer " + bearer
        if cookie:
            headers["Cookie"] = "manabi_session=" + cookie
        if body is not None:
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body)
            headers.setdefault("Content-Type", type)
        if self.tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.tls)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def raw(self, data, seconds=20, unix=False, half_close=False):
        """Sends bytes as they are; returns everything that comes back."""
        if unix:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self.facts["socket"])
        else:
            connection = socket.create_connection(("127.0.0.1", self.port))
        connection.settimeout(seconds)
        got = b""
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while True:
                chunk = connection.recv(65536)
                if not chunk:
                    break
                got += chunk
        except (ConnectionError, socket.timeout):
            pass
        finally:
            connection.close()
        return got

    def metric(self, name):
        text = self.ask("GET", "/metrics").body.decode()
        return int(re.search("^" + re.escape(name) + r" (\d+)$", text, re.M).group(1))

    def sign_in(self):
        answer = self.ask("POST", "/api/v1/sign-in", {"user": "admin", "password": PASSWORD})
        assert answer.status == 200, answer.body
        return re.match(r"manabi_session=([^;]+);", answer.headers["Set-Cookie"]).group(1)

    def stop(self):
        if self.stopped:
            return self.stopped
        if self.process.poll() is None:
            self.process.stdin.write(b"quit\n")
            self.process.stdin.close()
        code = self.process.wait(20)
        log = self.logged()
        shutil.rmtree(self.state, ignore_errors=True)
        self.stopped = code, log
        return self.stopped


s = None
admin = None
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def same(found, wanted, what=""):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


def problem(answer, status, code, field=None):
    same(answer.status, status, answer.body)
    same(answer.headers["Content-Type"], "application/problem+json")
    body = answer.json()
    same((body["code"], body["status"], body["type"]), (code, status, "/problems/" + code))
    assert body["detail"] and body["title"]
    if field:
        assert field in [(e["field"], e["code"]) for e in body["errors"]], body
    return body


def event_fields(**changes):
    fields = {
        "kind": "seminar", "title_en": "Waste", "title_ja": "廃棄物", "area": "disaster-risk-management",
        "city": "40100", "starts_at": "2026-12-01T14:00:00+09:00", "duration_s": 3600,
        "time_zone": "Asia/Tokyo", "languages": ["en", "ja"],
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not None}


# ---- operation ----


@test
def health_and_every_answer_has_the_security_headers():
    answer = s.ask("GET", "/healthz")
    same(answer.json(), {"status": "ok", "version": "0.0-test"})
    paths = ["/healthz", "/", "/assets/app-1a2b3c.js", "/assets/none.js", "/api/v1/areas", "/api/v1/none",
             "/whip/" + NO_ID, "/media/" + NO_ID + "/video.mp4", "/x" * 6000]
    for path in paths:
        headers = s.ask("GET", path).headers
        csp = headers["Content-Security-Policy"]
        assert "default-src 'self'" in csp and "frame-ancestors 'none'" in csp and "unsafe" not in csp, path
        assert f"connect-src 'self' ws://127.0.0.1:{s.port};" in csp or len(path) > 1000, csp
        same(headers.get_all("X-Content-Type-Options"), ["nosniff"], path)
        same(headers["Referrer-Policy"], "no-referrer", path)
        same(headers["Cross-Origin-Opener-Policy"], "same-origin", path)
        assert "camera=(self)" in headers["Permissions-Policy"], path
        same(headers["Server"], "nginx", path)


@test
def the_socket_is_ours_alone_and_api_answers_are_not_stored():
    same(os.stat(s.facts["socket"]).st_mode & 0o777, 0o600)
    same(s.ask("GET", "/api/v1/me").headers["Cache-Control"], "no-store")
    same(s.ask("GET", "/api/v1/none").headers["Cache-Control"], "no-store")


@test
def metrics_are_for_this_machine():
    answer = s.ask("GET", "/metrics")
    same(answer.status, 200)
    text = answer.body.decode()
    for name in ("manabi_http_requests_total{code=\"200\"}", "manabi_http_connections ", "process_open_fds ",
                 "manabi_catalog_commits_total ", "manabi_rooms_sessions "):
        assert name in text, name
    for line in text.splitlines():
        assert re.match(r"^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z_]+=\"[^\"]*\"\})? \d+)$", line), line
    raw = b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %s\r\nConnection: close\r\n\r\n"
    assert b" 404 " in s.raw(raw % b"192.0.2.1", unix=True).split(b"\r\n")[0]
    assert b" 200 " in s.raw(raw % b"127.0.0.1", unix=True).split(b"\r\n")[0]


@test
def the_description_of_the_api_is_the_one_in_the_tree():
    answer = s.ask("GET", "/api/v1/openapi.json")
    with open(OPENAPI, encoding="utf-8") as file:
        same(answer.json(), json.load(file))


@test
def every_described_operation_is_really_there():
    for path, operations in s.ask("GET", "/api/v1/openapi.json").json()["paths"].items():
        real = re.sub(r"\{path\}", "video.mp4", path)
        real = re.sub(r"\{[a-z]+\}", NO_ID, real)
        for method in operations:
            if method == "parameters":
                continue
            answer = s.ask(method.upper(), real, headers={"Content-Length": "0"} if method == "post" else None)
            assert answer.status not in (405, 500, 501), (method, path, answer.status)
            if answer.status >= 400:
                allowed = operations[method]["responses"]
                assert str(answer.status) in allowed, (method, path, answer.status, answer.body)


@test
def unknown_paths_and_wrong_methods_are_told_apart():
    for path in ("/api/", "/api/v1", "/api/v1/me/", "/api/v1/events/" + "x" * 26, "/api/v1/events/short",
                 "/whip/", "/whip/a/b/c", "/media/x"):
        problem(s.ask("GET", path), 404, "not-found")
    answer = s.ask("DELETE", "/api/v1/events/" + s.event)
    problem(answer, 405, "method-not-allowed")
    same(answer.headers["Allow"], "GET, HEAD, PATCH, OPTIONS")
    for method in ("GET", "PUT", "HEAD", "PATCH", "DELETE"):
        same(s.ask(method, "/whip/" + s.event_session).status, 405, method)
    same(s.ask("OPTIONS", "/api/v1/events").headers["Allow"], "GET, HEAD, POST, OPTIONS")


@test
def head_answers_without_a_body():
    answer = s.ask("HEAD", "/api/v1/areas")
    same((answer.status, answer.body), (200, b""))
    assert int(answer.headers["Content-Length"]) > 300


# ---- accounts ----


@test
def staff_signs_in_by_password_and_out_again():
    same(s.ask("GET", "/api/v1/me").json(), {"user": None})
    answer = s.ask("POST", "/api/v1/sign-in", {"user": "ADMIN", "password": PASSWORD})
    same(answer.status, 200, answer.body)
    cookie = answer.headers["Set-Cookie"]
    for part in ("; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age="):
        assert part in cookie, cookie
    assert "Secure" not in cookie
    token = re.match(r"manabi_session=([\w-]{43});", cookie).group(1)
    me = s.ask("GET", "/api/v1/me", cookie=token).json()["user"]
    same((me["name"], me["is_admin"], me["has_password"]), ("Admin", True, True))
    assert "hash" not in json.dumps(me)
    out = s.ask("POST", "/api/v1/sign-out", cookie=token)
    same(out.status, 204)
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    same(s.ask("GET", "/api/v1/me", cookie=token).json(), {"user": None})


@test
def wrong_names_passwords_and_disabled_accounts_look_the_same():
    answers = [
        s.ask("POST", "/api/v1/sign-in", {"user": user, "password": password})
        for user, password in (("admin", "wrong wrong wrong"), ("nobody", PASSWORD), ("gone", PASSWORD))
    ]
    bodies = [problem(answer, 401, "wrong-credentials") for answer in answers]
    same(bodies[0], bodies[1])
    same(bodies[0], bodies[2])
    assert all("Set-Cookie" not in answer.headers for answer in answers)


@test
def a_sign_in_link_works_once():
    problem(s.ask("POST", "/api/v1/sign-in", {"token": s.sign_in_expired}), 401, "link-expired")
    problem(s.ask("POST", "/api/v1/sign-in", {"token": "A" * 43}), 401, "link-unknown")
    problem(s.ask("POST", "/api/v1/sign-in", {"token": s.facts["participant"]}), 401, "link-unknown")
    answer = s.ask("POST", "/api/v1/sign-in", {"token": s.facts["sign_in"]})
    same(answer.status, 200, answer.body)
    problem(s.ask("POST", "/api/v1/sign-in", {"token": s.facts["sign_in"]}), 401, "link-used")


@test
def a_new_password_ends_the_other_sign_ins():
    global admin
    first, second = s.sign_in(), s.sign_in()
    problem(s.ask("POST", "/api/v1/password", {"password": "short"}, cookie=first), 422, "invalid",
            ("password", "too-short"))
    problem(s.ask("POST", "/api/v1/password", {"password": "x" * 129}, cookie=first), 422, "invalid",
            ("password", "too-long"))
    problem(s.ask("POST", "/api/v1/password", {"password": "y" * 20}), 401, "not-signed-in")
    problem(s.ask("POST", "/api/v1/password", {"password": "y" * 20}, bearer=s.facilitator), 403, "not-allowed")
    same(s.ask("POST", "/api/v1/password", {"password": "防災計画防災計画防災計画"}, cookie=first).status, 204)
    assert s.ask("GET", "/api/v1/me", cookie=first).json()["user"]
    same(s.ask("GET", "/api/v1/me", cookie=second).json(), {"user": None})
    same(s.ask("POST", "/api/v1/password", {"password": PASSWORD}, cookie=first).status, 204)
    admin = first


@test
def sign_in_says_which_fields_are_missing():
    problem(s.ask("POST", "/api/v1/sign-in", {}), 422, "invalid", ("password", "required"))
    problem(s.ask("POST", "/api/v1/sign-in", {"user": 1, "password": "x"}), 422, "invalid", ("user", "wrong-type"))
    problem(s.ask("POST", "/api/v1/sign-in", {"token": "x", "admin": True}), 422, "invalid",
            ("admin", "unknown-field"))


@test
def every_role_may_do_what_the_table_says_and_nothing_else():
    """Allowed means: the handler was reached, whatever it then said about an empty request."""
    askers = {
        "visitor": {}, "observer": {"bearer": s.receive}, "encoder": {"bearer": s.publish},
        "participant": {"bearer": s.participant}, "facilitator": {"bearer": s.facilitator},
        "stranger": {"bearer": s.other}, "staff": {"cookie": admin},
    }
    everybody = set(askers)
    hosts = {"facilitator", "staff"}
    staff = {"staff"}
    event, session = "/api/v1/events/" + s.event, s.event_session
    table = [
        ("GET", "/api/v1/me", everybody), ("GET", "/api/v1/areas", everybody), ("GET", "/api/v1/cities", everybody),
        ("GET", "/api/v1/events", everybody), ("GET", "/api/v1/recordings", everybody), ("GET", event, everybody),
        ("GET", "/api/v1/recordings/" + s.open, everybody), ("GET", f"/media/{s.open}/video.mp4", everybody),
        ("GET", "/api/v1/events?when=all", staff), ("POST", "/api/v1/events", staff),
        ("PATCH", event, hosts), ("GET", event + "/links", hosts), ("POST", event + "/links", hosts),
        ("GET", event + "/feeds", hosts), ("POST", event + "/feeds", hosts),
        ("GET", f"/api/v1/events/{s.closed}/feeds", {"stranger", "staff"}),
        ("GET", "/api/v1/feed", set()),
        ("GET", "/api/v1/sessions/" + session, hosts),
        ("GET", "/api/v1/events/" + s.closed, {"stranger", "staff"}),
        ("PATCH", "/api/v1/events/" + s.closed, {"stranger", "staff"}),
        ("GET", f"/api/v1/events/{s.closed}/links", {"stranger", "staff"}),
        ("GET", "/api/v1/sessions/" + s.closed_session, {"stranger", "staff"}),
        ("DELETE", "/api/v1/links/" + s.revoked_id, hosts),
        ("GET", "/api/v1/join", {"participant", "facilitator", "stranger"}),
        ("GET", "/api/v1/recordings/" + s.inside, staff), ("GET", f"/media/{s.inside}/video.mp4", staff),
        ("GET", "/api/v1/recordings/" + s.review, hosts), ("GET", f"/media/{s.review}/video.mp4", hosts),
        ("GET", "/api/v1/recordings?state=draft", staff), ("PATCH", "/api/v1/recordings/" + s.review, hosts),
        ("GET", f"/api/v1/recordings/{s.review}/timeline", hosts),
        ("POST", f"/api/v1/recordings/{s.review}/cancel", hosts),
        ("GET", f"/api/v1/recordings/{s.review}/captions", hosts),
        ("GET", f"/api/v1/recordings/{s.review}/publishing", hosts),
        ("GET", f"/api/v1/recordings/{s.open}/products", everybody),
        ("GET", f"/api/v1/recordings/{s.inside}/products", staff),
        ("POST", f"/api/v1/recordings/{s.review}/products", hosts),
        ("POST", f"/api/v1/recordings/{s.review}/products/documents", hosts),
        ("POST", f"/api/v1/recordings/{s.review}/publishing", hosts),
        ("GET", f"/api/v1/recordings/{s.inside}/publishing", staff),
        ("GET", f"/api/v1/recordings/{s.open}/questions", everybody),
        ("GET", f"/api/v1/recordings/{s.inside}/questions", staff),
        ("POST", f"/api/v1/recordings/{s.inside}/questions", staff),
        ("GET", "/api/v1/audit", staff),
        ("GET", f"/api/v1/recordings/{s.review}/captions/ja", hosts),
        ("PUT", f"/api/v1/recordings/{s.review}/captions/ja", hosts),
        ("DELETE", f"/api/v1/recordings/{s.review}/captions/ja", hosts),
        ("GET", f"/api/v1/recordings/{s.inside}/captions", staff),
        ("POST", f"/api/v1/recordings/{s.review}/poster", hosts),
        ("PATCH", "/api/v1/recordings/" + s.inside, staff),
        ("GET", f"/api/v1/recordings/{s.inside}/timeline", staff),
        ("POST", f"/api/v1/recordings/{s.inside}/cancel", staff),
        ("POST", f"/api/v1/recordings/{s.inside}/poster", staff),
        ("GET", "/api/v1/jobs", staff), ("POST", "/api/v1/password", staff),
        ("POST", "/whip/" + session, {"encoder", "facilitator"}),
        ("POST", "/whep/" + session, {"encoder", "observer", "participant", "facilitator"}),
        ("POST", "/whip/" + s.closed_session, {"stranger"}), ("POST", "/whep/" + s.closed_session, {"stranger"}),
    ]
    wrong = []
    for method, path, allowed in table:
        media = path.startswith("/wh")
        body = None if method in ("GET", "DELETE") else "v=1" if media else "{}"
        for name, asker in askers.items():
            answer = s.ask(method, path, body, type=SDP if media else JSON, **asker)
            assert answer.status < 500, (method, path, name, answer.status)
            reached = answer.status not in (401, 403, 404)
            if reached != (name in allowed):
                wrong.append((method, path, name, answer.status))
    same(wrong, [])


# ---- what changes something ----


@test
def pages_of_other_sites_may_not_change_anything():
    cookie = admin
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{s.port + 1}", "http://127.0.0.1.evil.test"):
        problem(s.ask("POST", "/api/v1/events", event_fields(), {"Origin": origin}, cookie=cookie), 403,
                "foreign-origin")
        problem(s.ask("POST", "/api/v1/sign-out", None, {"Origin": origin}, cookie=cookie), 403, "foreign-origin")
    for origin in (s.url, f"http://localhost:{s.port}"):
        same(s.ask("POST", "/api/v1/events", event_fields(), {"Origin": origin}, cookie=cookie).status, 201)
    same(s.ask("GET", "/api/v1/events", headers={"Origin": "https://evil.example"}).status, 200)
    assert "Access-Control-Allow-Origin" not in s.ask("OPTIONS", "/api/v1/events").headers


@test
def bodies_must_be_json_of_bounded_size_and_depth():
    cookie = admin
    for type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", SDP):
        answer = s.ask("POST", "/api/v1/events", "{}", cookie=cookie, type=type)
        problem(answer, 415, "wrong-type")
        same(answer.headers["Accept-Post"], JSON)
    same(s.ask("POST", "/api/v1/events", event_fields(), cookie=cookie, type="application/json; charset=utf-8").status,
         201)
    problem(s.ask("POST", "/api/v1/events", "{", cookie=cookie), 400, "bad-json")
    problem(s.ask("POST", "/api/v1/events", "[]", cookie=cookie), 400, "bad-json")
    problem(s.ask("POST", "/api/v1/events", "", cookie=cookie), 400, "bad-json")
    problem(s.ask("POST", "/api/v1/events", '{"a":1,"a":2}', cookie=cookie), 400, "bad-json")
    problem(s.ask("POST", "/api/v1/events", '{"x":' + "[" * 60000, cookie=cookie), 400, "bad-json")
    problem(s.ask("POST", "/api/v1/events", '{"x":"' + "a" * 70000 + '"}', cookie=cookie), 413, "too-large")


# ---- events ----


@test
def staff_plans_an_event():
    answer = s.ask("POST", "/api/v1/events", event_fields(title_en="  Waste  "), cookie=admin)
    same(answer.status, 201, answer.body)
    event = answer.json()
    same(answer.headers["Location"], "/api/v1/events/" + event["id"])
    same((event["title_en"], event["title_ja"], event["starts_at"]), ("Waste", "廃棄物", "2026-12-01T05:00:00Z"))
    same((event["is_public"], event["recording_policy"], event["audience"]), (True, "publish", "public"))
    same((event["state"], event["may"]["edit"]), ("planned", True))
    visitor = s.ask("GET", "/api/v1/events/" + event["id"]).json()
    assert "session" not in visitor
    same(visitor["may"], {"edit": False, "host": False})


@test
def wrong_fields_of_an_event_are_named_all_at_once():
    body = problem(s.ask("POST", "/api/v1/events", event_fields(
        area="nowhere", city="99999", starts_at="tomorrow", duration_s=5, time_zone="Asia/Atlantis",
        languages=["english please"], kind="party", title_en="x" * 301, extra=1), cookie=admin), 422, "invalid")
    same(sorted((e["field"], e["code"]) for e in body["errors"]), sorted([
        ("area", "unknown"), ("city", "unknown"), ("starts_at", "not-a-time"), ("duration_s", "out-of-range"),
        ("time_zone", "unknown"), ("languages", "unknown"), ("kind", "unknown"), ("title_en", "too-long"),
        ("extra", "unknown-field")]))
    problem(s.ask("POST", "/api/v1/events", event_fields(title_en="", title_ja=" "), cookie=admin), 422, "invalid",
            ("title_en", "required"))
    problem(s.ask("POST", "/api/v1/events", event_fields(city=None), cookie=admin), 422, "invalid",
            ("city", "required"))
    problem(s.ask("POST", "/api/v1/events", event_fields(title_en="a\u202eb"), cookie=admin), 422, "invalid",
            ("title_en", "bad-characters"))


@test
def only_staff_plans_and_only_facilitators_change():
    problem(s.ask("POST", "/api/v1/events", event_fields()), 401, "not-signed-in")
    problem(s.ask("POST", "/api/v1/events", event_fields(), bearer=s.facilitator), 403, "not-allowed")
    path = "/api/v1/events/" + s.event
    change = {"summary_en": "Changed"}
    problem(s.ask("PATCH", path, change), 401, "not-signed-in")
    problem(s.ask("PATCH", path, change, bearer=s.participant), 403, "not-allowed")
    problem(s.ask("PATCH", path, change, bearer=s.publish), 403, "not-allowed")
    not_yours = problem(s.ask("PATCH", path, change, bearer=s.other), 404, "not-found")
    not_there = problem(s.ask("PATCH", "/api/v1/events/" + NO_ID, change, cookie=admin), 404, "not-found")
    same(not_yours, not_there)
    answer = s.ask("PATCH", path, change, bearer=s.facilitator)
    same((answer.status, answer.json()["summary_en"], answer.json()["title_en"]), (200, "Changed", "Flood control"))
    same(answer.json()["may"], {"edit": True, "host": True})
    assert s.wait_line("event-changed " + s.event)
    problem(s.ask("PATCH", path, {"title_en": "", "title_ja": ""}, bearer=s.facilitator), 422, "invalid",
            ("title_en", "required"))
    problem(s.ask("PATCH", path, {"city": "1"}, bearer=s.facilitator), 422, "invalid", ("city", "unknown"))
    # a facilitator may keep recordings back, and may not publish what staff keep back
    for name, narrow, wide in (("recording_policy", "review", "publish"), ("audience", "staff", "link")):
        same(s.ask("PATCH", path, {name: narrow}, bearer=s.facilitator).status, 200)
        problem(s.ask("PATCH", path, {name: wide}, bearer=s.facilitator), 403, "not-allowed")
        same(s.ask("PATCH", path, {name: wide}, cookie=admin).json()[name], wide)
    same(s.ask("PATCH", path, {"audience": "public"}, cookie=admin).status, 200)


@test
def an_event_has_a_plan():
    plan = {
        "attendance": "hybrid", "venue_en": "City hall", "venue_ja": "市役所", "learning_cities": ["20202", "34100"],
        "capacity": 40, "has_lobby": True,
        "agenda": [{"title_en": "Welcome", "title_ja": "挨拶", "speaker": "佐藤 美香", "duration_s": 600},
                   {"title_en": "", "title_ja": "現地から", "speaker": "", "duration_s": 0}],
    }
    cities = [city["code"] for city in s.ask("GET", "/api/v1/cities").json()["items"]]
    plan["learning_cities"] = cities[:2]
    made = s.ask("POST", "/api/v1/events", event_fields(**plan), cookie=admin).json()
    same({name: made[name] for name in plan}, plan)
    path = "/api/v1/events/" + made["id"]
    same(s.ask("PATCH", path, {"agenda": [{"title_en": "Talk"}], "capacity": 0}, cookie=admin).status, 200)
    again = s.ask("GET", path).json()
    same(again["agenda"], [{"title_en": "Talk", "title_ja": "", "speaker": "", "duration_s": 0}])
    same((again["capacity"], again["venue_ja"]), (0, "市役所"))
    for wrong, field in [
        ({"agenda": [{"title_en": "Talk"}, {"speaker": "x"}]}, ("agenda[1].title_en", "required")),
        ({"agenda": [{"title_en": "Talk", "minutes": 5}]}, ("agenda[0].minutes", "unknown-field")),
        ({"agenda": [{"title_en": "Talk", "duration_s": 86401}]}, ("agenda[0].duration_s", "out-of-range")),
        ({"agenda": ["Talk"]}, ("agenda", "wrong-type")), ({"agenda": {}}, ("agenda", "wrong-type")),
        ({"agenda": [{"title_en": "x"}] * 41}, ("agenda", "too-many")),
        ({"learning_cities": ["00000"]}, ("learning_cities", "unknown")),
        ({"learning_cities": cities[:1] * 2}, ("learning_cities", "twice")),
        ({"learning_cities": [1]}, ("learning_cities", "wrong-type")),
        ({"capacity": -1}, ("capacity", "out-of-range")), ({"attendance": "moon"}, ("attendance", "unknown")),
    ]:
        problem(s.ask("PATCH", path, wrong, cookie=admin), 422, "invalid", field)
    same(s.ask("GET", path).json()["agenda"], again["agenda"])


@test
def an_event_is_a_calendar_file():
    cookie = admin
    made = s.ask("POST", "/api/v1/events", event_fields(is_public=False), cookie=cookie).json()
    path = f"/api/v1/events/{made['id']}/calendar.ics"
    problem(s.ask("GET", path), 404, "not-found")
    answer = s.ask("GET", path + "?language=ja", cookie=cookie)
    same((answer.status, answer.headers["Content-Type"]), (200, "text/calendar; charset=utf-8"))
    assert "attachment" in answer.headers["Content-Disposition"]
    text = answer.body.decode().replace("\r\n ", "")
    assert "SUMMARY;LANGUAGE=ja:廃棄物\r\n" in text and "DTSTART;TZID=Asia/Tokyo:20261201T140000\r\n" in text, text
    assert f"/events/{made['id']}\r\n" in text and "/join#" not in text, text
    problem(s.ask("GET", path + "?language=xx", cookie=cookie), 422, "invalid")
    link = s.ask("POST", f"/api/v1/events/{made['id']}/links", {"role": "participant"}, cookie=cookie).json()["url"]
    held = s.ask("GET", path, bearer=link.split("#")[1]).body.decode().replace("\r\n ", "")
    assert "URL:" + link + "\r\n" in held, held
    feed = s.ask("GET", "/api/v1/calendar.ics").body.decode()
    assert made["id"] not in feed and "BEGIN:VCALENDAR" in feed, feed


@test
def events_that_are_not_public_are_not_there_for_strangers():
    path = "/api/v1/events/" + s.closed
    same(problem(s.ask("GET", path), 404, "not-found"),
         problem(s.ask("GET", "/api/v1/events/" + NO_ID), 404, "not-found"))
    problem(s.ask("GET", path, bearer=s.facilitator), 404, "not-found")
    same(s.ask("GET", path, bearer=s.other).json()["session"], s.closed_session)
    same(s.ask("GET", path, cookie=admin).status, 200)
    listed = s.ask("GET", "/api/v1/events").json()
    ids = [event["id"] for event in listed["items"]]
    assert s.event in ids and s.closed not in ids
    problem(s.ask("GET", "/api/v1/events?when=all"), 401, "not-signed-in")
    problem(s.ask("GET", "/api/v1/events?when=never"), 422, "invalid")
    everything = s.ask("GET", "/api/v1/events?when=all&per_page=100", cookie=admin).json()
    assert s.closed in [event["id"] for event in everything["items"]]
    page = s.ask("GET", "/api/v1/events?when=all&page=2&per_page=1", cookie=admin).json()
    same((page["page"], page["per_page"], page["total"], len(page["items"])), (2, 1, everything["total"], 1))
    for query in ("page=0", "page=x", "per_page=101", "page=-1", "page=99999999999"):
        problem(s.ask("GET", "/api/v1/events?" + query), 422, "invalid")


@test
def a_session_shows_its_state_to_those_who_run_it():
    path = "/api/v1/sessions/" + s.event_session
    for bearer in (None, s.participant, s.other):
        assert s.ask("GET", path, bearer=bearer).status in (401, 403, 404)
    answer = s.ask("GET", path, bearer=s.facilitator).json()
    same((answer["id"], answer["event"], answer["state"], answer["started_at"], answer["recordings"]),
         (s.event_session, s.event, "planned", None, []))
    problem(s.ask("GET", "/api/v1/sessions/" + NO_ID, cookie=admin), 404, "not-found")


# ---- links ----


@test
def a_facilitator_makes_lists_and_revokes_links():
    path = f"/api/v1/events/{s.event}/links"
    answer = s.ask("POST", path, {"role": "participant", "label": "Dhaka"}, bearer=s.facilitator)
    same(answer.status, 201, answer.body)
    link = answer.json()
    match = re.match(re.escape(s.url) + r"/join#([\w-]{43})$", link["url"])
    assert match, link["url"]
    assert link["qr_svg"].startswith("<svg") and "script" not in link["qr_svg"]
    token = match.group(1)
    joined = s.ask("GET", "/api/v1/join", bearer=token).json()
    same((joined["role"], joined["label"], joined["event"]["id"], joined["session"]["id"]),
         ("participant", "Dhaka", s.event, s.event_session))
    listed = s.ask("GET", path, bearer=s.facilitator)
    assert link["id"] in [item["id"] for item in listed.json()["items"]]
    assert token.encode() not in listed.body and b"url" not in listed.body
    same(s.ask("DELETE", "/api/v1/links/" + link["id"], bearer=s.facilitator).status, 204)
    assert s.wait_line("link-revoked " + link["id"])
    problem(s.ask("GET", "/api/v1/join", bearer=token), 401, "link-revoked")


@test
def a_feed_is_made_shown_to_its_crew_and_revoked():
    path = f"/api/v1/events/{s.event}/feeds"
    made = s.ask("POST", path, {"source": "srt", "name": "北九州 Kitakyushu"}, bearer=s.facilitator)
    same(made.status, 201)
    feed = made.json()
    same((feed["source"], feed["state"], feed["arriving"]), ("srt", "waiting", None))
    assert re.fullmatch(r"[0-9a-f]{24}", feed["key"]) and re.fullmatch(r"[0-9a-f]{24}", feed["passphrase"]), feed
    assert feed["key"] != feed["passphrase"]
    assert feed["publish_url"].startswith(feed["address"] + "?") and feed["key"] in feed["publish_url"]
    assert feed["publish_qr_svg"].startswith("<svg") and "/feed#" in feed["url"]
    token = feed["url"].split("#")[1]
    listed = s.ask("GET", path, bearer=s.facilitator)
    assert feed["id"] in [item["id"] for item in listed.json()["items"]]
    for secret in (feed["key"], feed["passphrase"], token):
        assert secret not in listed.body.decode(), "a list shows no keys"
    mine = s.ask("GET", "/api/v1/feed", bearer=token).json()
    same((mine["key"], mine["passphrase"], mine["event"]["id"]), (feed["key"], feed["passphrase"], s.event))
    same(s.ask("GET", "/api/v1/feed", bearer=s.facilitator).status, 401)  # a link, and no feed's
    for body, field, code in (
        ({"source": "srt"}, "name", "required"), ({"name": "x"}, "source", "required"),
        ({"source": "ndi", "name": "x"}, "source", "unknown"), ({"source": "srt", "name": "x", "city": "99999"}, "city", "unknown"),
        ({"source": "srt", "name": "x", "url": "rtsp://203.0.113.1/"}, "url", "unknown-field"),
        ({"source": "rtsp", "name": "x"}, "url", "required"),
        ({"source": "rtsp", "name": "x", "url": "file:///etc/passwd"}, "url", "wrong-type"),
    ):
        answer = s.ask("POST", path, body, bearer=s.facilitator)
        same(answer.status, 422)
        assert {"field": field, "code": code} in answer.json()["errors"], answer.json()
    same(s.ask("POST", path, {"source": "rtmp", "name": "x"}, bearer=s.facilitator).status, 503)
    same(s.ask("POST", path, {"source": "srt", "name": "second"}, bearer=s.facilitator).status, 201)
    same(s.ask("POST", path, {"source": "srt", "name": "third"}, bearer=s.facilitator).status, 429)  # the fake server has two ports
    same(s.ask("DELETE", "/api/v1/links/" + feed["id"], bearer=s.facilitator).status, 204)
    same(s.ask("GET", "/api/v1/feed", bearer=token).status, 401)
    same(s.ask("POST", path, {"source": "srt", "name": "third"}, bearer=s.facilitator).status, 201)  # its port is free again


@test
def links_belong_to_their_event():
    path = f"/api/v1/events/{s.event}/links"
    for bearer, status in ((None, 401), (s.participant, 403), (s.other, 404), (s.publish, 403)):
        same(s.ask("GET", path, bearer=bearer).status, status)
        same(s.ask("POST", path, {"role": "facilitator"}, bearer=bearer).status, status)
        same(s.ask("DELETE", "/api/v1/links/" + s.to_revoke_id, bearer=bearer).status, status)
    problem(s.ask("DELETE", "/api/v1/links/" + NO_ID, bearer=s.facilitator), 404, "not-found")
    problem(s.ask("POST", path, {"role": "admin"}, bearer=s.facilitator), 422, "invalid", ("role", "unknown"))
    problem(s.ask("POST", path, {"label": "x"}, bearer=s.facilitator), 422, "invalid", ("role", "required"))
    problem(s.ask("POST", path, {"role": "observer", "expires_at": "2020-01-01T00:00:00Z"}, bearer=s.facilitator),
            422, "invalid", ("expires_at", "in-the-past"))
    problem(s.ask("GET", f"/api/v1/events/{NO_ID}/links", cookie=admin), 404, "not-found")
    problem(s.ask("POST", f"/api/v1/events/{NO_ID}/links", {"role": "observer"}, cookie=admin), 404, "not-found")
    same(s.ask("DELETE", "/api/v1/links/" + s.to_revoke_id, cookie=admin).status, 204)


@test
def a_link_that_does_not_open_says_why():
    problem(s.ask("GET", "/api/v1/join"), 401, "link-unknown")
    problem(s.ask("GET", "/api/v1/join", bearer="B" * 43), 401, "link-unknown")
    problem(s.ask("GET", "/api/v1/join", bearer="too short"), 401, "link-unknown")
    problem(s.ask("GET", "/api/v1/join", bearer=s.expired), 401, "link-expired")
    answer = s.ask("GET", "/api/v1/join", bearer=s.revoked)
    problem(answer, 401, "link-revoked")
    same(answer.headers["WWW-Authenticate"], "Bearer")
    problem(s.ask("GET", "/api/v1/join", bearer=s.publish), 401, "link-unknown")
    problem(s.ask("GET", "/api/v1/join?token=" + s.participant), 401, "link-unknown")


# ---- catalogue ----


@test
def areas_and_cities_are_listed():
    areas = s.ask("GET", "/api/v1/areas").json()["items"]
    same(len(areas), 6)
    same([a["recordings"] for a in areas if a["code"] == "disaster-risk-management"], [1])
    cities = s.ask("GET", "/api/v1/cities").json()["items"]
    assert len(cities) >= 65
    same([c["name_ja"] for c in cities if c["code"] == "40100"], ["北九州市"])


@test
def recordings_are_found_with_facets_by_who_may_see_them():
    found = s.ask("GET", "/api/v1/recordings").json()
    same([r["id"] for r in found["items"]], [s.open])
    same(found["facets"]["city"], [{"code": "40100", "count": 1}])
    same(found["facets"]["area"], [{"code": "disaster-risk-management", "count": 1}])
    for query, n in (("q=levees", 1), ("q=%E9%98%B2%E7%81%BD", 1), ("q=nothing", 0), ("city=40100&q=lev", 1),
                     ("city=01100", 0), ("area=urban-planning", 0), ("language=ja", 1), ("language=en", 0),
                     ("q=%22%29+OR+1", 0), ("q=", 1), ("state=published", 1)):
        same(s.ask("GET", "/api/v1/recordings?" + query).json()["total"], n, query)
    assert "<mark>" in s.ask("GET", "/api/v1/recordings?q=levees").json()["items"][0]["snippet_en"]
    problem(s.ask("GET", "/api/v1/recordings?q=%ff%fe"), 400, "bad-query")
    problem(s.ask("GET", "/api/v1/recordings?state=draft"), 401, "not-signed-in")
    problem(s.ask("GET", "/api/v1/recordings?state=lost", cookie=admin), 422, "invalid")
    same(s.ask("GET", "/api/v1/recordings?state=draft", cookie=admin).json()["total"], 1)
    assert s.ask("GET", "/api/v1/recordings", cookie=admin).json()["total"] >= 5


@test
def a_recording_is_shown_as_its_audience_says():
    recording = s.ask("GET", "/api/v1/recordings/" + s.open).json()
    base = "/media/" + s.open
    same((recording["playlist"], recording["poster"], recording["duration_s"]),
         (base + "/master.m3u8", base + "/poster.jpg", 61))
    same(recording["renditions"], [{"name": "720p", "width": 1280, "height": 720, "bitrate_bps": 2500000}])
    same([(d["name"], d["url"], d["kind"]) for d in recording["downloads"]],
         [("video.mp4", base + "/video.mp4", "video"), ("audio.m4a", base + "/audio.m4a", "audio")])
    assert "folder" not in recording
    gone = problem(s.ask("GET", "/api/v1/recordings/" + NO_ID), 404, "not-found")
    for name in ("inside", "review", "draft"):
        path = "/api/v1/recordings/" + s.facts[name]
        same(problem(s.ask("GET", path), 404, "not-found"), gone)
        problem(s.ask("GET", path, bearer=s.participant), 404, "not-found")
        same(s.ask("GET", path, cookie=admin).status, 200)
    same(s.ask("GET", "/api/v1/recordings/" + s.draft, cookie=admin).json()["reason"]["code"], "bad-media")


@test
def staff_changes_publishes_and_withdraws():
    path = "/api/v1/recordings/" + s.review
    problem(s.ask("PATCH", path, {"title_en": "x"}), 401, "not-signed-in")
    problem(s.ask("PATCH", path, {"title_en": "x"}, bearer=s.participant), 403, "not-allowed")
    same(s.ask("PATCH", path, {"title_en": "x"}, bearer=s.facilitator).status, 200)
    problem(s.ask("PATCH", "/api/v1/recordings/" + NO_ID, {"title_en": "x"}, cookie=admin), 404, "not-found")
    problem(s.ask("PATCH", path, {"state": "draft"}, cookie=admin), 422, "invalid", ("state", "unknown"))
    problem(s.ask("PATCH", path, {"area": "", "city": "0"}, cookie=admin), 422, "invalid", ("area", "required"))
    answer = s.ask("PATCH", path, {"title_en": "Rivers", "state": "published"}, cookie=admin)
    same(answer.status, 200, answer.body)
    changed = answer.json()
    same((changed["title_en"], changed["state"]), ("Rivers", "published"))
    assert changed["published_at"]
    same(s.ask("GET", "/api/v1/recordings?q=rivers").json()["total"], 1)
    same(s.ask("GET", f"/media/{s.review}/video.mp4").status, 200)
    same(s.ask("PATCH", path, {"state": "withdrawn"}, cookie=admin).status, 200)
    same(s.ask("GET", "/api/v1/recordings?q=rivers").json()["total"], 0)
    same(s.ask("GET", f"/media/{s.review}/video.mp4").status, 404)
    problem(s.ask("PATCH", "/api/v1/recordings/" + s.draft, {"state": "published"}, cookie=admin), 409, "conflict")


@test
def a_film_is_cut_on_its_time_line():
    path = "/api/v1/recordings/" + s.review
    keep = [[1000, 5000], [9000, 20000]]
    chapters = [{"at_ms": 2000, "title_en": "Start", "title_ja": "開始"}, {"at_ms": 7000, "title_en": "Cut", "title_ja": ""}]
    for bad in ([[5000, 1000]], [[0, 10]], [[0, 5000], [4000, 9000]], [[0, 1, 2]], "x", [[0, 10**15]], [[-5, 1000]]):
        problem(s.ask("PATCH", path, {"keep_ms": bad}, cookie=admin), 422, "invalid", ("keep_ms", "out-of-range"))
    for bad in ([{"at_ms": 5, "title_en": ""}], [chapters[1], chapters[0]], {}, [{"title_en": "x"}]):
        problem(s.ask("PATCH", path, {"chapters": bad}, cookie=admin), 422, "invalid", ("chapters", "out-of-range"))
    problem(s.ask("PATCH", path, {"licence": "mine"}, cookie=admin), 422, "invalid", ("licence", "unknown"))
    problem(s.ask("PATCH", path, {"more_areas": ["x"]}, cookie=admin), 422, "invalid", ("more_areas", "unknown"))
    answer = s.ask("PATCH", path, {"keep_ms": keep, "chapters": chapters, "licence": "cc-by-4.0",
                                   "more_areas": ["municipal-finance"]}, cookie=admin)
    same(answer.status, 200, answer.body)
    same((answer.json()["licence"], answer.json()["more_areas"]), ("cc-by-4.0", ["municipal-finance"]))
    line = s.ask("GET", path + "/timeline", cookie=admin).json()
    same((line["keep_ms"], line["made_ms"], line["chapters"]), (keep, [], chapters))
    # A new film is ordered, and the order taken back: the one that is there stays.
    made = s.ask("POST", path + "/render", {"publish": False}, cookie=admin)
    same((made.status, made.json()["is_at_work"]), (200, True))
    same(s.ask("POST", path + "/cancel", None, cookie=admin).status, 200)
    same(s.ask("GET", path, cookie=admin).json().get("is_at_work", False), False)
    same(s.ask("PATCH", path, {"keep_ms": [], "chapters": []}, cookie=admin).status, 200)


FILE = "application/octet-stream"
SRT = "1\r\n00:00:01,000 --> 00:00:02,500\r\n防災訓練 <script>alert(1)</script>\r\n\r\n2\r\n00:00:04,000 --> 00:00:06,000\r\nおわり\r\n"


@test
def captions_are_brought_in_the_encodings_of_offices():
    path = "/api/v1/recordings/" + s.review
    for encoding, name in (("cp932", "CP932"), ("euc_jp", "EUC-JP"), ("utf_8_sig", "UTF-8"), ("utf-16", "UTF-16LE"),
                           ("utf-8", "UTF-8")):
        answer = s.ask("PUT", path + "/captions/ja", SRT.encode(encoding), type=FILE, cookie=admin)
        same(answer.status, 200, answer.body)
        same((answer.json()["encoding"], answer.json()["format"], answer.json()["cues"], answer.json()["notes"]),
             (name, "srt", 2, []))
    # What watchers get: the markup is text.
    text = s.ask("GET", path + "/captions.vtt?lang=ja", cookie=admin).body.decode()
    same(text, "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n防災訓練 &lt;script&gt;alert(1)&lt;/script&gt;\n\n"
               "00:00:04.000 --> 00:00:06.000\nおわり\n\n")
    moments = s.ask("GET", path + "/moments", cookie=admin).json()["captions"]
    same([(track["language"], len(track["cues"])) for track in moments], [("ja", 2)])
    # Two who edit at once find out.
    track = s.ask("GET", path + "/captions/ja", cookie=admin).json()
    same(len(track["cues"]), 2)
    vtt = "WEBVTT\n\n00:00.500 --> 00:01.000\n<v 田中>はじめ\n"
    put = f"{path}/captions/ja?time=captured&revision={track['revision']}"
    same(s.ask("PUT", put, vtt.encode(), type=FILE, cookie=admin).status, 200)
    problem(s.ask("PUT", put, vtt.encode(), type=FILE, cookie=admin), 409, "conflict")
    track = s.ask("GET", path + "/captions/ja", cookie=admin).json()
    same(track["cues"], [{"at_ms": 500, "to_ms": 1000, "who": "田中", "text": "はじめ"}])
    problem(s.ask("DELETE", f"{path}/captions/ja?revision={track['revision'] - 1}", cookie=admin), 409, "conflict")
    same(s.ask("DELETE", f"{path}/captions/ja?revision={track['revision']}", cookie=admin).status, 204)
    same(s.ask("GET", path + "/captions", cookie=admin).json(), {"items": []})


@test
def captions_that_are_wrong_are_refused_by_line():
    path = "/api/v1/recordings/" + s.review + "/captions/"
    bad = "1\n00:00:05,000 --> 00:00:04,000\nx\n\n2\n00:99:05,000 --> 00:00:04,000\ny\n"
    got = problem(s.ask("PUT", path + "en", bad.encode(), type=FILE, cookie=admin), 422, "bad-captions",
                  ("line-2", "ends-before-it-begins"))
    same(got["errors"][1], {"field": "line-6", "code": "bad-time"})
    for body in (b"", b"PK\x03\x04\0\0", b"#EXTM3U\na.ts\n", b"\x00\x00\x00\x18ftypisom"):
        problem(s.ask("PUT", path + "en", body, type=FILE, cookie=admin), 422, "not-captions")
    problem(s.ask("PUT", path + "en", b"x" * (4 * 1024 * 1024 + 1), type=FILE, cookie=admin), 413, "too-large")
    problem(s.ask("PUT", path + "en", b"x", type="text/plain", cookie=admin), 415, "wrong-type")
    problem(s.ask("PUT", path + "no%20language", SRT.encode(), type=FILE, cookie=admin), 404, "not-found")
    problem(s.ask("PUT", path + "a/b", SRT.encode(), type=FILE, cookie=admin), 404, "not-found")
    problem(s.ask("PUT", path + "en?revision=x", SRT.encode(), type=FILE, cookie=admin), 400, "bad-query")
    # A late, long cue is taken, and named.
    late = "1\n10:00:00,000 --> 10:00:02,000\nlate\n\n2\n00:00:01,000 --> 00:00:03,000\nearly\n"
    answer = s.ask("PUT", path + "en", late.encode(), type=FILE, cookie=admin)
    same(answer.status, 200, answer.body)
    same(sorted(note["code"] for note in answer.json()["notes"]), ["not-in-order", "past-the-end"])
    same(s.ask("DELETE", path + "en", cookie=admin).status, 204)


@test
def one_of_the_posters_is_chosen():
    path = "/api/v1/recordings/" + s.review
    before = s.ask("GET", path, cookie=admin).json()
    same([(one["number"], one["is_chosen"]) for one in before["posters"]], [(1, True), (2, False)])
    same(before["thumbnails"], f"/media/{s.review}/thumbnails.vtt")
    same(before["waveform"], None)
    answer = s.ask("POST", path + "/poster", {"number": 2}, cookie=admin)
    same(answer.status, 200, answer.body)
    after = answer.json()
    same([one["is_chosen"] for one in after["posters"]], [False, True])
    same(after["poster"], after["posters"][1]["url"])
    problem(s.ask("POST", path + "/poster", {"number": 3}, cookie=admin), 422, "invalid", ("number", "unknown"))
    problem(s.ask("POST", path + "/poster", {}, cookie=admin), 422, "invalid", ("number", "required"))
    problem(s.ask("POST", path + "/poster", {"number": 0}, cookie=admin), 422, "invalid", ("number", "out-of-range"))


@test
def a_film_is_handed_in_and_ordered_for_a_time():
    path = "/api/v1/recordings/" + s.review + "/publishing"
    same(s.ask("GET", path, cookie=admin).json(), {"publish_at": None, "time_zone": "", "submitted": None,
                                                   "needs_second_person": False, "may_publish": True})
    for body, field in (({"publish_at": "2020-01-01T00:00:00Z", "time_zone": "Asia/Tokyo"}, ("publish_at", "in-the-past")),
                        ({"publish_at": "2190-01-01T00:00:00Z", "time_zone": "Asia/Tokyo"}, ("publish_at", "out-of-range")),
                        ({"publish_at": "tomorrow"}, ("publish_at", "not-a-time"))):
        problem(s.ask("POST", path, body, cookie=admin), 422, "invalid", field)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    problem(s.ask("POST", path, {"publish_at": at}, cookie=admin), 422, "invalid", ("time_zone", "required"))
    ordered = s.ask("POST", path, {"submit": True, "publish_at": at, "time_zone": "Asia/Tokyo"}, cookie=admin)
    same(ordered.status, 200, ordered.body)
    same((ordered.json()["publish_at"], ordered.json()["time_zone"], ordered.json()["submitted"]["is_you"]),
         (at, "Asia/Tokyo", True))
    same(s.ask("POST", path, {"publish_at": None}, cookie=admin).json()["publish_at"], None)
    actions = [row["action"] for row in s.ask("GET", "/api/v1/audit", cookie=admin).json()["items"]]
    same(actions[:3], ["recording-order", "recording-order", "recording-submit"])


@test
def who_did_what_is_shown_page_by_page():
    first = s.ask("GET", "/api/v1/audit", cookie=admin).json()
    row = first["items"][0]
    same((row["actor_name"], "title_en" in row), ("Admin", row["object"].startswith("recording:")))
    seqs = [one["seq"] for one in first["items"]]
    same(seqs, sorted(seqs, reverse=True))
    older = s.ask("GET", f"/api/v1/audit?before={seqs[1]}", cookie=admin).json()["items"]
    assert all(one["seq"] < seqs[1] for one in older), older
    problem(s.ask("GET", "/api/v1/audit?before=x", cookie=admin), 400, "bad-query")
    problem(s.ask("GET", "/api/v1/audit"), 401, "not-signed-in")


@test
def questions_to_the_city_are_shown_once_they_are_answered():
    path = f"/api/v1/recordings/{s.open}/questions"
    problem(s.ask("POST", path, {"text": "?"}), 422, "invalid", ("text", "too-short"))
    problem(s.ask("POST", path, {"text": "x" * 1001}), 422, "invalid", ("text", "too-long"))
    same(s.ask("POST", path, {"text": "How is <b>rain</b> measured?", "name": "Rahman"}).status, 202)
    same(s.ask("GET", path).json(), {"items": []})
    question = s.ask("GET", path, cookie=admin).json()["items"][0]
    same((question["text"], question["state"]), ("How is <b>rain</b> measured?", "open"))
    one = f"{path}/{question['id']}"
    problem(s.ask("PATCH", one, {"answer_en": "x"}), 401, "not-signed-in")
    problem(s.ask("PATCH", one, {"state": "shown"}, cookie=admin), 422, "invalid")
    same(s.ask("PATCH", one, {"answer_en": "By gauges.", "answer_ja": "雨量計です。", "state": "shown"}, cookie=admin).status, 200)
    shown = s.ask("GET", path).json()["items"]
    same([(item["answer_en"], "state" in item) for item in shown], [("By gauges.", False)])
    problem(s.ask("PATCH", f"{path}/{NO_ID}", {"answer_en": "x"}, cookie=admin), 404, "not-found")
    answers = [s.ask("POST", path, {"text": "and again"}).status for _ in range(6)]
    assert answers[0] == 202 and answers[-1] == 429, answers


PDF = "application/pdf"
DOCUMENT = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@test
def documents_and_links_belong_to_a_film_and_follow_its_audience():
    path = f"/api/v1/recordings/{s.inside}/products"
    for url in ("javascript:alert(1)", "ftp://x/", "//x", "https://", "https://a:b@c/", "data:text/html,x"):
        problem(s.ask("POST", path, {"url": url, "title_en": "x"}, cookie=admin), 422, "invalid", ("url", "not-an-address"))
    problem(s.ask("POST", path, {"url": "https://example.org/", "title_en": ""}, cookie=admin), 422, "invalid", ("title_en", "required"))
    for at in ([5, 4], [-1], "x", [1.5], list(range(21))):
        problem(s.ask("POST", path, {"url": "https://example.org/", "title_en": "x", "at_ms": at}, cookie=admin), 422, "invalid",
                ("at_ms", "out-of-range"))
    made = s.ask("POST", path, {"url": "https://example.org/a?b", "title_en": "Zeppelin manual", "at_ms": [1000, 2000]}, cookie=admin)
    same(made.status, 200, made.body)
    same([(item["kind"], item["url"], item["at_ms"]) for item in made.json()["items"]], [("link", "https://example.org/a?b", [1000, 2000])])
    # Found by its title, by who may see the film.
    found = s.ask("GET", "/api/v1/recordings?q=Zeppelin", cookie=admin).json()["items"]
    same([item["id"] for item in found], [s.inside])
    same(s.ask("GET", "/api/v1/recordings?q=Zeppelin").json()["total"], 0)
    # A document is judged by what is in it.
    for body in (b"", b"GIF89a", b"%PDF-1.4 broken off", b"<script>%%EOF"):
        problem(s.ask("POST", path + "/documents", body, type=PDF, cookie=admin), 422, "not-a-pdf")
    problem(s.ask("POST", path + "/documents", DOCUMENT, cookie=admin), 415, "wrong-type")
    problem(s.ask("POST", path + "/documents", b"x" * (32 * 1024 * 1024 + 1), type=PDF, cookie=admin), 413, "too-large")
    items = s.ask("POST", path + "/documents?name=%E9%98%B2%E7%81%BD.pdf", DOCUMENT, type=PDF, cookie=admin).json()["items"]
    document = items[1]
    same((document["kind"], document["title_ja"], document["bytes"]), ("pdf", "防災", len(DOCUMENT)))
    got = s.ask("GET", document["url"], cookie=admin)
    same((got.status, got.body, got.headers["Content-Type"]), (200, DOCUMENT, PDF))
    problem(s.ask("GET", document["url"]), 404, "not-found")
    problem(s.ask("GET", document["url"].replace(s.inside, s.open)), 404, "not-found")
    changed = s.ask("PATCH", f"{path}/{document['id']}", {"title_en": "Drills", "at_ms": [7]}, cookie=admin).json()["items"][1]
    same((changed["title_en"], changed["title_ja"], changed["captured_ms"]), ("Drills", "防災", [7]))
    same(len(s.ask("DELETE", f"{path}/{document['id']}", cookie=admin).json()["items"]), 1)
    problem(s.ask("GET", document["url"], cookie=admin), 404, "not-found")
    problem(s.ask("DELETE", f"{path}/{document['id']}", cookie=admin), 404, "not-found")


@test
def staff_sees_jobs_and_tries_them_again():
    problem(s.ask("GET", "/api/v1/jobs"), 401, "not-signed-in")
    problem(s.ask("GET", "/api/v1/jobs", bearer=s.facilitator), 403, "not-allowed")
    job = [each for each in s.ask("GET", "/api/v1/jobs", cookie=admin).json()["items"] if each["id"] == s.job][0]
    same((job["id"], job["state"], job["reason"]["code"], job["eta_s"]), (s.job, "failed", "bad-media", None))
    path = f"/api/v1/jobs/{s.job}/retry"
    problem(s.ask("POST", path), 401, "not-signed-in")
    answer = s.ask("POST", path, cookie=admin)
    same((answer.status, answer.json()["state"]), (202, "waiting"))
    assert s.wait_line("jobs-changed")
    problem(s.ask("POST", path, cookie=admin), 409, "conflict")
    problem(s.ask("POST", f"/api/v1/jobs/{NO_ID}/retry", cookie=admin), 404, "not-found")


# ---- media files ----


@test
def films_are_sent_with_one_range_and_the_right_headers():
    path = f"/media/{s.open}/video.mp4"
    answer = s.ask("GET", path)
    same((answer.status, answer.headers["Content-Type"], answer.body == s.movie), (200, "video/mp4", True))
    same(answer.headers["Cache-Control"], "public, no-cache")
    assert "X-Accel-Redirect" not in answer.headers
    part = s.ask("GET", path, headers={"Range": "bytes=256-511"})
    same((part.status, part.body, part.headers["Content-Range"]),
         (206, bytes(range(256)), f"bytes 256-511/{len(s.movie)}"))
    many = s.ask("GET", path, headers={"Range": "bytes=" + ",".join(["0-"] * 1000)})
    same(many.status, 200)
    assert len(many.body) <= len(s.movie)
    same(s.ask("GET", path, headers={"Range": "bytes=-99999999"}).status, 206)
    problem(s.ask("GET", path, headers={"Range": "bytes=99999999-"}), 416, "bad-range")
    again = s.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    same((again.status, again.body), (304, b""))
    head = s.ask("HEAD", path)
    same((head.status, head.headers["Content-Length"], head.body), (200, str(len(s.movie)), b""))
    same(s.ask("GET", f"/media/{s.open}/master.m3u8").headers["Content-Type"], "application/vnd.apple.mpegurl")
    same(s.ask("GET", f"/media/{s.open}/720p/stream.mp4").headers["Cache-Control"], "public, no-cache")
    problem(s.ask("GET", f"/media/{s.open}/audio.m4a"), 404, "not-found")


@test
def downloads_are_named_by_their_title():
    answer = s.ask("GET", f"/media/{s.open}/video.mp4?download=1")
    same(answer.headers["Content-Disposition"],
         "attachment; filename=\"video.mp4\"; filename*=UTF-8''%E5%A0%A4%E9%98%B2%E3%81%AE%E9%98%B2%E7%81%BD%E8%A8%88"
         "%E7%94%BB%E3%81%AB%E3%81%A4%E3%81%84%E3%81%A6.mp4")
    answer = s.ask("GET", f"/media/{s.open}/video.mp4?download=1&lang=en")
    assert "filename*=UTF-8''Levees%20of%20open.mp4" in answer.headers["Content-Disposition"]


@test
def films_are_only_for_their_audience():
    same(s.ask("GET", f"/media/{s.by_link}/video.mp4").status, 200)
    for name in ("inside", "draft"):
        path = f"/media/{s.facts[name]}/video.mp4"
        for bearer in (None, s.participant, s.other, s.publish):
            problem(s.ask("GET", path, bearer=bearer), 404, "not-found")
    answer = s.ask("GET", f"/media/{s.inside}/video.mp4", cookie=admin)
    same((answer.status, answer.headers["Cache-Control"]), (200, "private, no-store"))


@test
def no_path_leads_out_of_a_recording():
    folder = s.facts["open_folder"]
    secret = os.path.join(s.state, "recordings", folder, "media", "link.mp4")
    os.symlink("/etc/passwd", secret)
    for path in ("..%2fmanifest.json", "..%2f..%2f..%2fcatalogue.db", "%2e%2e/manifest.json", "../manifest.json",
                 "720p/..%2f..%2ftracks%2fa.mp4", ".hidden.mp4", "%00.mp4", "master.m3u8%00.mp4", "link.mp4",
                 "..%5cmanifest.json", "%252e%252e/manifest.json", "tracks/a.mkv", "//video.mp4"):
        answer = s.ask("GET", f"/media/{s.open}/{path}")
        assert b"root:" not in answer.body and b"SQLite" not in answer.body and b"title_en" not in answer.body, path
        assert answer.status in (400, 403, 404) or answer.body == s.page, (path, answer.status)
    for path in (f"/-/recordings/{folder}/media/video.mp4", "/-/problem/404", f"/%2d/recordings/{folder}/media/video.mp4",
                 f"/media/../-/recordings/{folder}/media/video.mp4", "/recordings/" + folder):
        answer = s.ask("GET", path)
        assert answer.body != s.movie and answer.status in (404, 200), (path, answer.status)
        assert answer.status == 404 or answer.body == s.page, path


# ---- the web client ----


@test
def the_client_is_sent_with_the_right_caching():
    for path in ("/index.html", "/events/" + s.event + "/edit", "/watch/", "/join"):
        answer = s.ask("GET", path)
        same((answer.status, answer.body, answer.headers["Cache-Control"]), (200, s.page, "no-cache"), path)
        same(answer.headers["Content-Type"], "text/html; charset=utf-8")
    answer = s.ask("GET", "/assets/app-1a2b3c.js")
    same((answer.status, answer.body == s.script, answer.headers["Cache-Control"]),
         (200, True, "public, max-age=31536000, immutable"))
    same(answer.headers["Content-Type"], "text/javascript; charset=utf-8")
    packed = s.ask("GET", "/assets/app-1a2b3c.js", headers={"Accept-Encoding": "gzip"})
    same((packed.headers["Content-Encoding"], gzip.decompress(packed.body) == s.script), ("gzip", True))
    gone = s.ask("GET", "/assets/app-old.js")
    problem(gone, 404, "not-found")
    assert "Cache-Control" not in gone.headers
    for path in ("/.secret", "/.git/config", "/assets/../.secret", "/x/.secret"):
        same(s.ask("GET", path).status, 404, path)
    same(s.ask("POST", "/join", "x").status, 405)
    same(s.ask("POST", "/", "x").status, 405)


# ---- pages, feeds ----

HOSTILE = "</title></script><script>alert(1)</script><img src=x onerror=alert(2)> \"'& \u2028"


def json_ld(body):
    found = re.findall(rb'<script type="application/ld\+json">(.*?)</script>', body)
    same(len(found), 1, body[:2000])
    return json.loads(found[0])


@test
def a_film_has_a_page_without_scripts():
    path = "/watch/" + s.open
    answer = s.ask("GET", path + "?t=12")
    page = answer.body.decode()
    same((answer.status, answer.headers["Content-Type"], answer.headers["Cache-Control"]),
         (200, "text/html; charset=utf-8", "no-cache"))
    url = s.facts["url"]
    for part in (f'<link rel="canonical" href="{url}{path}">', f'hreflang="ja" href="{url}{path}?lang=ja"',
                 '<meta property="og:type" content="video.other">', f'og:image" content="{url}/media/{s.open}/poster.jpg',
                 f'src="/media/{s.open}/video.mp4#t=12"', 'kind="chapters"', "?city=40100", f"/oembed?url={url[:4]}"):
        assert part in page, (part, page[:3000])
    data = json_ld(answer.body)
    same((data["@type"], data["duration"], data["contentUrl"], data["embedUrl"]),
         ("VideoObject", "PT0H1M1S", f"{url}/media/{s.open}/video.mp4", f"{url}/embed/{s.open}"))
    japanese = s.ask("GET", path, headers={"Accept-Language": "fr, ja;q=0.8, en;q=0.5"}).body.decode()
    assert '<html lang="ja">' in japanese and "北九州市" in japanese, japanese[:500]
    assert '<html lang="en">' in s.ask("GET", path + "?lang=en", headers={"Accept-Language": "ja"}).body.decode()


@test
def pages_of_what_is_not_public_look_like_those_of_nothing():
    nothing = s.ask("GET", "/watch/" + NO_ID)
    same(nothing.status, 404)
    for name in ("inside", "review", "draft"):
        answer = s.ask("GET", "/watch/" + s.facts[name])
        same((answer.status, answer.body), (404, nothing.body), name)
        problem(s.ask("GET", "/embed/" + s.facts[name]), 404, "not-found")
        problem(s.ask("GET", f"/oembed?url={s.facts['url']}/watch/{s.facts[name]}"), 404, "not-found")
        same(s.ask("GET", "/watch/" + s.facts[name], cookie=admin).body, nothing.body, name)
    by_link = s.ask("GET", "/watch/" + s.by_link).body
    assert b'content="noindex"' in by_link and b"ld+json" not in by_link, by_link[:2000]
    problem(s.ask("GET", f"/oembed?url={s.facts['url']}/watch/{s.by_link}"), 404, "not-found")
    for path in ("/", "/feed.xml", "/sitemap.xml", "/?q=levees"):
        body = s.ask("GET", path).body.decode()
        for name in ("by_link", "inside", "review", "draft"):
            assert s.facts[name] not in body, (path, name)
    hidden = s.ask("POST", "/api/v1/events", event_fields(is_public=False), cookie=admin).json()
    same((s.ask("GET", "/events/" + hidden["id"]).body, s.ask("GET", "/events/" + hidden["id"]).status),
         (s.ask("GET", "/events/" + NO_ID).body, 404))
    assert hidden["id"] not in s.ask("GET", "/sitemap.xml").body.decode()


@test
def what_people_wrote_stays_text_in_pages_and_feeds():
    recording = "/api/v1/recordings/" + s.open
    before = s.ask("GET", recording).json()
    same(s.ask("PATCH", recording, {"title_en": HOSTILE, "description_en": HOSTILE}, cookie=admin).status, 200)
    for path in ("/watch/" + s.open, "/", "/embed/" + s.open, "/feed.xml", "/?q=%3C%2Ftitle%3E%3Cscript%3E"):
        body = s.ask("GET", path + ("&" if "?" in path else "?") + "lang=en").body
        assert b"<script>" not in body and b"<img src=x" not in body, (path, body[:3000])
    data = json_ld(s.ask("GET", "/watch/" + s.open + "?lang=en").body)
    same(data["name"], HOSTILE)
    html = s.ask("GET", f"/oembed?url={s.facts['url']}/watch/{s.open}&lang=en").json()["html"]
    assert "<script>" not in html and html.startswith("<iframe src="), html
    feed = xml.etree.ElementTree.fromstring(s.ask("GET", "/feed.xml?language=en").body)
    same(feed.findtext("channel/item/title"), HOSTILE)
    same(s.ask("PATCH", recording, {"title_en": before["title_en"], "description_en": before["description_en"]},
               cookie=admin).status, 200)


@test
def the_catalogue_and_events_have_pages_without_scripts():
    page = s.ask("GET", "/?lang=en").body.decode()
    for part in ("/watch/" + s.open, "/events/" + s.event, "?area=disaster-risk-management", 'action="/"', "feed.xml?language=en"):
        assert part in page, (part, page[:3000])
    found = s.ask("GET", "/?q=levees&lang=en").body.decode()
    assert s.open in found and "/events/" + s.event not in found
    assert s.open not in s.ask("GET", "/?q=nothing").body.decode()
    assert "feed.xml?city=40100" in s.ask("GET", "/?city=40100").body.decode()
    answer = s.ask("GET", "/events/" + s.event + "?lang=ja")
    data = json_ld(answer.body)
    same((answer.status, data["@type"], data["name"]), (200, "Event", "洪水対策"))
    assert data["startDate"] < data["endDate"], data


@test
def other_sites_may_frame_the_player_and_nothing_else():
    for path, may in (("/embed/" + s.open, True), ("/watch/" + s.open, False), ("/", False), ("/embed/../join", False),
                      ("/join?/embed/" + s.open, False)):
        answer = s.ask("GET", path)
        policy = answer.headers["Content-Security-Policy"]
        same(("frame-ancestors *" in policy, answer.headers["X-Frame-Options"]),
             (True, None) if may else (False, "DENY"), path)
    embedded = s.ask("GET", "/embed/" + s.open + "?t=7").body.decode()
    assert f'src="/media/{s.open}/video.mp4#t=7"' in embedded and "<script" not in embedded, embedded
    url = s.facts["url"]
    told = s.ask("GET", f"/oembed?url={url}/watch/{s.open}?t=5&maxwidth=320").json()
    same((told["type"], told["version"], told["width"], told["height"]), ("video", "1.0", 320, 180))
    assert f'src="{url}/embed/{s.open}"' in told["html"], told
    problem(s.ask("GET", f"/oembed?url={url}/watch/{s.open}&format=xml"), 501, "wrong-type")
    for bad in ("", "?url=", f"?url=https://other.example/watch/{s.open}", f"?url={url}/watch/{NO_ID}", f"?url={url}/join"):
        problem(s.ask("GET", "/oembed" + bad), 404, "not-found")


@test
def programs_read_feeds_and_sitemaps():
    itunes = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
    url = s.facts["url"]
    for query in ("", "?area=disaster-risk-management&language=ja", "?city=40100"):
        answer = s.ask("GET", "/feed.xml" + query)
        same((answer.status, answer.headers["Content-Type"]), (200, "application/rss+xml; charset=utf-8"), query)
        channel = xml.etree.ElementTree.fromstring(answer.body).find("channel")
        same([item.findtext("guid") for item in channel.findall("item")], [s.open], query)
        enclosure = channel.find("item/enclosure")
        same((enclosure.get("url"), enclosure.get("type")), (f"{url}/media/{s.open}/audio.m4a", "audio/mp4"))
        same(channel.findtext("item/" + itunes + "duration"), "61")
        assert channel.findtext("language") == ("ja" if "ja" in query else "en")
    assert s.open not in s.ask("GET", "/feed.xml?city=01100").body.decode()
    problem(s.ask("GET", "/feed.xml?city=nowhere"), 404, "not-found")
    problem(s.ask("GET", "/feed.xml?area=x"), 404, "not-found")
    tree = xml.etree.ElementTree.fromstring(s.ask("GET", "/sitemap.xml").body)
    places = [one.text for one in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert f"{url}/" in places and f"{url}/watch/{s.open}" in places and f"{url}/events/{s.event}" in places, places
    problem(s.ask("GET", "/sitemap.xml?page=2"), 404, "not-found")
    robots = s.ask("GET", "/robots.txt").body.decode()
    assert f"Sitemap: {url}/sitemap.xml" in robots and "Disallow: /api/" in robots, robots


# ---- WHIP and WHEP ----


@test
def an_encoder_publishes_by_whip():
    path = "/whip/" + s.event_session
    answer = s.ask("POST", path, OFFER, bearer=s.publish, type=SDP, headers={"Origin": "https://studio.example"})
    same((answer.status, answer.headers["Content-Type"]), (201, SDP), answer.body)
    assert answer.body.startswith(b"v=0\r\n") and b"presenter for publish" in answer.body
    same(answer.headers["ETag"], '"ice1"')
    same(answer.headers["Access-Control-Allow-Origin"], "*")
    assert "Location" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    location = answer.headers["Location"]
    assert re.match(re.escape(path) + r"/resource/[0-9a-z]{26}$", location), location
    trickle = "a=ice-ufrag:old\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    patch = s.ask("PATCH", location, trickle, {"If-Match": '"ice1"'}, bearer=s.publish, type=FRAGMENT)
    same((patch.status, patch.body, patch.headers["ETag"]), (204, b"", None))
    restart = s.ask("PATCH", location, "a=ice-ufrag:new\r\na=ice-pwd:x\r\n", {"If-Match": "*"}, bearer=s.publish,
                    type=FRAGMENT)
    same((restart.status, restart.headers["Content-Type"], restart.headers["ETag"]), (200, FRAGMENT, '"ice2"'))
    assert b"a=ice-pwd:" in restart.body
    problem(s.ask("PATCH", location, trickle, bearer=s.publish, type=FRAGMENT), 428, "precondition-required")
    problem(s.ask("PATCH", location, trickle, {"If-Match": '"old"'}, bearer=s.publish, type=FRAGMENT), 412,
            "precondition-failed")
    problem(s.ask("PATCH", location, trickle, {"If-Match": 'W/"ice1"'}, bearer=s.publish, type=FRAGMENT), 412,
            "precondition-failed")
    patch = s.ask("PATCH", location, OFFER, {"If-Match": "*"}, bearer=s.publish, type=SDP)
    problem(patch, 415, "wrong-type")
    same(patch.headers["Accept-Patch"], FRAGMENT)
    for method in ("GET", "POST", "PUT"):
        same(s.ask(method, location, bearer=s.publish).status, 405)
    problem(s.ask("DELETE", location, bearer=s.facilitator), 404, "not-found")
    same(s.ask("DELETE", location, bearer=s.publish).status, 200)
    problem(s.ask("DELETE", location, bearer=s.publish), 404, "not-found")


@test
def whip_and_whep_take_only_the_right_bearers():
    whip, whep = "/whip/" + s.event_session, "/whep/" + s.event_session
    for path in (whip, whep, whep + "/" + NO_ID):
        answer = s.ask("POST", path, OFFER, type=SDP)
        problem(answer, 401, "not-signed-in")
        same(answer.headers["WWW-Authenticate"], "Bearer")
        same(answer.headers["Access-Control-Allow-Origin"], "*")
        problem(s.ask("POST", path, OFFER, cookie=admin, type=SDP), 401, "not-signed-in")
        problem(s.ask("POST", path, OFFER, bearer=s.other_publish, type=SDP), 404, "not-found")
        problem(s.ask("POST", path, OFFER, bearer=s.revoked, type=SDP), 401, "link-revoked")
        problem(s.ask("POST", path, OFFER, bearer=s.publish, type=JSON), 415, "wrong-type")
    problem(s.ask("POST", whip, OFFER, bearer=s.receive, type=SDP), 403, "not-allowed")
    same(s.ask("POST", whep, OFFER, bearer=s.receive, type=SDP).status, 201)
    answer = s.ask("POST", whep + "/" + NO_ID, OFFER, bearer=s.receive, type=SDP)
    same(answer.status, 201)
    assert answer.headers["Location"].startswith(whep + "/resource/")
    problem(s.ask("POST", "/whip/" + NO_ID, OFFER, bearer=s.publish, type=SDP), 404, "not-found")


@test
def what_the_rooms_refuse_becomes_the_right_status():
    path = "/whip/" + s.event_session
    for offer, status, code in (("hello", 400, "bad-sdp"), (OFFER + "not-live", 409, "not-live"),
                                (OFFER + "no-codec", 406, "no-common-codec"), (OFFER + "full", 503, "room-full"),
                                (OFFER + "no-worker", 503, "media-unavailable"), (OFFER + "broken", 500, "server-error")):
        answer = s.ask("POST", path, offer, bearer=s.publish, type=SDP)
        problem(answer, status, code)
        if status == 503:
            assert int(answer.headers["Retry-After"]) > 0
    problem(s.ask("POST", path, OFFER + "a" * 66000, bearer=s.publish, type=SDP), 413, "too-large")


@test
def browsers_of_other_origins_may_ask_before_they_publish():
    for path, allow in (("/whip/" + s.event_session, "POST, OPTIONS"),
                        (f"/whip/{s.event_session}/resource/{NO_ID}", "PATCH, DELETE, OPTIONS"),
                        ("/whep/" + s.event_session, "POST, OPTIONS")):
        answer = s.ask("OPTIONS", path, headers={"Origin": "https://studio.example",
                                                 "Access-Control-Request-Method": "POST"})
        same((answer.status, answer.headers["Access-Control-Allow-Origin"]), (204, "*"))
        same(answer.headers["Access-Control-Allow-Methods"], allow)
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        same(answer.headers["Accept-Post" if "POST" in allow else "Accept-Patch"],
             SDP if "POST" in allow else FRAGMENT)


@test
def a_client_that_leaves_before_its_answer_harms_nobody():
    request = (f"POST /whip/{s.event_session} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {s.publish}\r\n"
               f"Content-Type: {SDP}\r\nContent-Length: {len(OFFER)}\r\n\r\n{OFFER}").encode()
    for unix in (False, True):
        for _ in range(20):
            connection = socket.socket(socket.AF_UNIX) if unix else socket.create_connection(("127.0.0.1", s.port))
            if unix:
                connection.connect(s.facts["socket"])
            connection.sendall(request)
            connection.close()
    time.sleep(0.3)
    same(s.ask("GET", "/healthz").status, 200)


@test
def a_server_that_is_about_to_stop_takes_no_new_media():
    s.order("drain")
    try:
        same(s.ask("GET", "/healthz").status, 503)
        answer = s.ask("POST", "/whip/" + s.event_session, OFFER, bearer=s.publish, type=SDP)
        problem(answer, 503, "draining")
        assert answer.headers["Retry-After"]
        same(s.ask("GET", "/api/v1/areas").status, 200)
    finally:
        s.order("serve")


# ---- abuse ----


def first_line(got):
    return got.split(b"\r\n")[0]


@test
def http_that_is_not_right_is_refused_by_the_front_door():
    post = b"POST /api/v1/sign-in HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    cases = {
        "two hosts": b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "no host": b"GET /api/v1/me HTTP/1.1\r\n\r\n",
        "two lengths": post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "negative length": post + b"Content-Length: -1\r\n\r\n",
        "length and chunked": post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n",
        "huge chunk": post + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "unknown coding": post + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "nul in a header": b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        "nul in the path": b"GET /api/\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "bare cr": b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "bad escape": b"GET /api/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        "huge header": b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40000 + b"\r\n\r\n",
        "many headers": b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\n" + b"X-Y: aaaaaaaaaa\r\n" * 4000 + b"\r\n",
        "long path": b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
        "trace": b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
        "connect": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        "out of the root": b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    }
    for name, request in cases.items():
        got = s.raw(request, seconds=5, half_close=True)
        assert re.match(rb"HTTP/1\.1 (4\d\d|501) ", got), (name, first_line(got))
        same(got.count(b"HTTP/1.1 "), 1, name)
        assert b"root:" not in got, name


@test
def the_api_itself_survives_the_same_without_a_front_door():
    post = b"POST /api/v1/sign-in HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    before = s.metric("process_resident_memory_bytes")
    cases = [
        b"GET /api/v1/areas HTTP/1.1\r\nHost: a\r\nRange: bytes=" + b",".join([b"0-"] * 1000) + b"\r\n\r\n",
        b"GET /api/v1/areas HTTP/1.1\r\nHost: a\r\nRange: bytes=-999999\r\n\r\n",
        post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/me HTTP/1.1\r\nHost: a\r\n\r\n",
        post + b"Content-Length: 99999999999\r\n\r\n" + b"a" * 100000,
        post + b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b"a" * 32768 + b"\r\n",
        post + b"Transfer-Encoding: chunked\r\n\r\n" + (b"8000\r\n" + b"a" * 32768 + b"\r\n") * 60 + b"0\r\n\r\n",
        b"GET /" + b"a" * 90000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\0" * 5000,
        b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + b"x" * 5000 + b"\r\n\r\n",
        b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nCookie: " + b"manabi_session=;" * 1000 + b"\r\n\r\n",
    ]
    for request in cases:
        got = s.raw(request, seconds=5, unix=True, half_close=True)
        assert len(got) < 20000, (request[:60], len(got))
        assert got.count(b"HTTP/1.1 ") <= 1, (request[:60], got)
    got = s.raw(cases[0], unix=True)
    assert first_line(got).endswith(b"200 OK") and b"multipart" not in got, first_line(got)
    assert b"\r\nconnection: close" in got.lower()
    got = s.raw(post + b"Transfer-Encoding: chunked\r\n\r\n" + (b"8000\r\n" + b"a" * 32768 + b"\r\n") * 60 +
                b"0\r\n\r\n", unix=True)
    assert b" 413 " in first_line(got), first_line(got)
    if "MANABI_SANITIZED" not in os.environ:
        assert s.metric("process_resident_memory_bytes") - before < 20_000_000


@test
def the_address_of_a_client_is_what_nginx_says():
    """A forged X-Forwarded-For does not open a new account of tries."""
    token = "C" * 43
    got = [s.ask("GET", "/api/v1/me", bearer=token, headers={"X-Forwarded-For": f"198.51.100.{i}"}).status
           for i in range(45)]
    assert 429 in got, got
    answer = s.ask("GET", "/api/v1/join", bearer=token)
    problem(answer, 429, "too-many")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    same(s.ask("GET", "/api/v1/join", bearer=s.participant).status, 200, "a right link still opens")


@test
def guessing_passwords_is_slowed_down():
    answers = [s.ask("POST", "/api/v1/sign-in", {"token": "D" * 43}) for _ in range(14)]
    same(answers[-1].status, 429, answers[-1].body)
    problem(answers[-1], 429, "too-many")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    local = (b"POST /api/v1/sign-in HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n"
             b"Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    assert b" 422 " in first_line(s.raw(local, unix=True)), "another address still may"


@test
def half_sent_headers_are_closed():
    slow = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(200)]
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    started = time.monotonic()
    same(s.ask("GET", "/healthz").status, 200)
    assert time.monotonic() - started < 2
    closed = 0
    for connection in slow:
        connection.settimeout(max(0.1, 15 - (time.monotonic() - started)))
        try:
            while connection.recv(4096):
                pass
            closed += 1
        except ConnectionError:
            closed += 1
        except socket.timeout:
            pass
        connection.close()
    same(closed, 200)


@test
def a_thousand_connections_leave_nothing_behind():
    def burst(n):
        for i in range(n):
            kind = i % 5
            if kind == 0:
                s.ask("GET", "/api/v1/areas")
            elif kind == 1:
                s.raw(b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\n\r\n", unix=True)
            else:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(s.facts["socket"])
                if kind == 2:
                    connection.sendall(b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\n")
                elif kind == 3:
                    connection.sendall(b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\n\r\n")
                connection.close()
        time.sleep(0.5)

    burst(200)
    fds, memory = s.metric("process_open_fds"), s.metric("process_resident_memory_bytes")
    burst(1000)
    more_fds = s.metric("process_open_fds") - fds
    more_memory = s.metric("process_resident_memory_bytes") - memory
    print(f"# after 1000 connections: {more_fds:+d} descriptors, {more_memory:+d} bytes")
    assert more_fds <= 3, more_fds
    if "MANABI_SANITIZED" not in os.environ:  # sanitizers keep what is freed for a while
        assert more_memory < 4_000_000, more_memory
    assert s.metric("manabi_http_connections") <= 2


@test
def a_hundred_at_once_are_all_answered():
    results = []

    def run():
        for _ in range(10):
            results.append(s.ask("GET", "/api/v1/recordings").status)

    threads = [threading.Thread(target=run) for _ in range(20)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"# 200 searches by 20 clients: {time.monotonic() - started:.2f} s")
    same(results, [200] * 200)


@test
def while_nginx_comes_back_nobody_is_refused():
    s.order("kill-nginx")
    answered = 0
    for _ in range(200):
        # A worker of the old one may still take a connection and die with it; nobody hears "refused".
        with socket.create_connection(("127.0.0.1", s.port), timeout=10) as connection:
            try:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                answered += connection.recv(4096).startswith(b"HTTP/1.1 200 ")
            except ConnectionResetError:
                pass
        if answered == 20:
            return
        time.sleep(0.005)
    raise AssertionError(answered)


@test
def staff_actions_are_in_the_audit_and_secrets_nowhere():
    import sqlite3
    db = sqlite3.connect(os.path.join(s.state, "catalogue.db"))
    rows = db.execute("select actor, action, object, detail from audit").fetchall()
    actions = {row[1] for row in rows}
    assert {"event-create", "event-update", "link-create", "link-revoke", "sign-in", "recording-publish",
            "recording-withdraw", "job-retry", "password-change", "refused"} <= actions, actions
    text = json.dumps(rows)
    log = s.logged()
    for name in ("sign_in", "facilitator", "participant", "publish", "revoked"):
        assert s.facts[name] not in text and s.facts[name] not in log, name
    assert PASSWORD not in text and PASSWORD not in log
    assert "127.0.0.1" not in re.sub(r"http://127\.0\.0\.1:\d+", "", log), log


def handshake(port, version):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():  # the old versions are meant
        warnings.simplefilter("ignore")
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        with context.wrap_socket(connection) as wrapped:
            return wrapped.cipher()


@test
def with_a_certificate_it_speaks_modern_tls():
    other = Server(with_tls=True)
    try:
        answer = other.ask("GET", "/")
        same(answer.headers["Strict-Transport-Security"], "max-age=31536000")
        assert f"connect-src 'self' wss://127.0.0.1:{other.port};" in answer.headers["Content-Security-Policy"]
        signed_in = other.ask("POST", "/api/v1/sign-in", {"user": "admin", "password": PASSWORD},
                              {"Origin": other.url})
        assert "; Secure" in signed_in.headers["Set-Cookie"]
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            name = handshake(other.port, version)[0]
            assert "GCM" in name or "CHACHA20" in name, name
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            try:
                assert not handshake(other.port, version)
            except (ssl.SSLError, OSError):
                pass
        got = other.raw(b"GET /watch HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 301 " in first_line(got) and b"Location: https://127.0.0.1" in got, got[:400]
    finally:
        other.stop()


@test
def nginx_ends_when_the_server_is_killed():
    other = Server()
    other.process.kill()
    other.process.wait()
    try:
        for _ in range(60):
            try:
                socket.create_connection(("127.0.0.1", other.port), timeout=1).close()
            except ConnectionError:
                return
            time.sleep(0.05)
        raise AssertionError("somebody still listens")
    finally:
        other.stop()


@test
def the_server_stops_with_requests_under_way():
    """The exit code and the sanitizers are looked at after this one."""
    offer = OFFER + "slow"
    request = (f"POST /whip/{s.event_session} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {s.publish}\r\n"
               f"Content-Type: {SDP}\r\nContent-Length: {len(offer)}\r\n\r\n{offer}").encode()
    sign_in = json.dumps({"user": "admin", "password": "wrong wrong wrong"})
    verify = (f"POST /api/v1/sign-in HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.77\r\n"
              f"Content-Type: {JSON}\r\nContent-Length: {len(sign_in)}\r\n\r\n{sign_in}").encode()
    waiting = []
    for data in [request] * 5 + [verify] * 5 + [request[:60]] * 5:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(s.facts["socket"])
        connection.sendall(data)
        waiting.append(connection)
    time.sleep(0.05)
    code, _ = s.stop()
    for connection in waiting:
        connection.close()
    same(code, 0)
    assert not os.path.exists(s.facts["socket"])


def run(function, number):
    name = function.__name__.replace("_", "-")
    try:
        function()
        print(f"ok {number} /http/{name}", flush=True)
        return True
    except Exception:
        for line in traceback.format_exc().splitlines():
            print("# " + line)
        print(f"not ok {number} /http/{name}", flush=True)
        return False


def main():
    global s, admin
    wanted = sys.argv[3:]
    tests = [t for t in TESTS if not wanted or any(w in t.__name__ for w in wanted)]
    print(f"1..{len(tests) + 1}", flush=True)
    s = Server()
    try:
        admin = s.sign_in()
    except AssertionError:
        print(s.stop()[1], file=sys.stderr)
        raise
    good = [run(function, i + 1) for i, function in enumerate(tests)]
    code, log = s.stop()
    clean = code == 0 and "assertion" not in log and "Sanitizer" not in log and "leaked" not in log
    if not clean or not all(good):
        print("# exit", code)
        for line in log.splitlines()[-40:]:
            print("# log: " + line)
    print(("ok" if clean else "not ok"), len(tests) + 1, "/http/the-server-itself-stays-clean", flush=True)
    return 0 if clean and all(good) else 1


sys.exit(main())
