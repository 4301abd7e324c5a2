#!/usr/bin/env python3
"""Throughput of an upload through the front door, beside nginx's own client_body to the same disk.

usage: bench-upload.py MANABI [MEGABYTES] [RUNS]      one line of JSON

ours:   PATCH of tus to a running server: nginx -> libsoup -> file, synced and committed before the answer
nginx:  the same nginx alone, client_body_in_file_only; once as it is (pages wait in memory), once with the sync that a
        promise to keep the bytes needs
Runs take turns; medians are told. `ratio` compares what promises the same: the synced one.
"""
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from manabi import Server, run  # noqa: E402  pylint: disable=wrong-import-position

MEGABYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 512
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
BLOCK = os.urandom(1 << 20)

CONFIG = """daemon off; {user} pid {dir}/pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; client_max_body_size 0; client_body_buffer_size 64k;
    server {{ listen 127.0.0.1:{port};
        location / {{ client_body_in_file_only on; proxy_pass http://127.0.0.1:{back}/; proxy_pass_request_body off;
                      proxy_set_header Content-Length ""; }} }}
    server {{ listen 127.0.0.1:{back}; location / {{ return 204; }} }}
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def exchange(port, head, body_blocks=0):
    """Sends, and returns (seconds until the answer, answer)."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as line:
        begun = time.monotonic()
        line.sendall(head.encode())
        for _ in range(body_blocks):
            line.sendall(BLOCK)
        answer = line.recv(65536).decode("latin-1")
        return time.monotonic() - begun, answer


class Alone:
    """nginx and nothing else."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.port, back = free_port(), free_port()
        with open(os.path.join(folder, "conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(user="user root;" if os.geteuid() == 0 else "", dir=folder, port=self.port, back=back))
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([nginx, "-p", folder, "-c", os.path.join(folder, "conf")])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)

    def upload(self, syncs):
        spent, answer = exchange(self.port, f"PUT /film HTTP/1.1\r\nHost: x\r\nContent-Length: {MEGABYTES << 20}\r\n\r\n",
                                 MEGABYTES)
        assert answer.startswith("HTTP/1.1 204"), answer
        body = os.path.join(self.folder, "body")
        for name in os.listdir(body):
            if syncs:
                begun = time.monotonic()
                handle = os.open(os.path.join(body, name), os.O_RDWR)
                os.fdatasync(handle)
                os.close(handle)
                spent += time.monotonic() - begun
            os.unlink(os.path.join(body, name))
        return spent

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


class Ours:
    def __init__(self, server):
        self.port = int(server.url.rsplit(":", 1)[1])
        code, out, err = run("user", "add", "Bench", "--state", server.state)
        assert code == 0, err
        body = json.dumps({"token": re.search(r"#(\S+)", out).group(1)})
        answer = self.ask(f"POST /api/v1/sign-in HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n", body)
        self.cookie = re.search(r"(?i)set-cookie: ([^;]+)", answer).group(1)

    def head(self, first):
        return first + f"Host: localhost:{self.port}\r\nTus-Resumable: 1.0.0\r\n"

    def ask(self, first, body=""):
        cookie = f"Cookie: {self.cookie}\r\n" if hasattr(self, "cookie") else ""
        return exchange(self.port, self.head(first) + cookie + "\r\n" + body)[1]

    def upload(self):
        answer = self.ask(f"POST /uploads HTTP/1.1\r\nUpload-Length: {MEGABYTES << 20}\r\nContent-Length: 0\r\n")
        path = re.search(r"(?i)location: (\S+)", answer).group(1)
        head = self.head(f"PATCH {path} HTTP/1.1\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
                         f"Content-Length: {MEGABYTES << 20}\r\nCookie: {self.cookie}\r\n") + "\r\n"
        spent, answer = exchange(self.port, head, MEGABYTES)
        assert answer.startswith("HTTP/1.1 204"), answer
        assert self.ask(f"DELETE {path} HTTP/1.1\r\n").startswith("HTTP/1.1 204")
        return spent


def main():
    figures = {"ours": [], "nginx_synced": [], "nginx": []}
    with Server() as server:
        ours = Ours(server)
        alone = Alone(os.path.join(server.state, "alone"))
        try:
            for _ in range(RUNS):
                figures["nginx"].append(alone.upload(syncs=False))
                figures["ours"].append(ours.upload())
                figures["nginx_synced"].append(alone.upload(syncs=True))
        finally:
            alone.stop()
    rate = {name: MEGABYTES / statistics.median(values) for name, values in figures.items()}
    print(json.dumps({"scenario": "upload", "megabytes": MEGABYTES, "runs": RUNS,
                      **{f"{name}_mb_s": round(value, 1) for name, value in rate.items()},
                      "ratio": round(rate["ours"] / rate["nginx_synced"], 2),
                      "ratio_to_unsynced": round(rate["ours"] / rate["nginx"], 2),
                      "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}))


main()
