#!/usr/bin/env python3
"""A real SMTP server (aiosmtpd) for tests: keeps what it is given, one file a message, in FOLDER.

usage: smtp-sink.py FOLDER PORT [REFUSED_ADDRESS]    (prints "ready PORT"; ends with its standard input)
"""
import json
import os
import sys
from aiosmtpd.controller import Controller


class Keeper:
    def __init__(self, folder, refused):
        self.folder, self.refused, self.count = folder, refused, 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == self.refused:
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:04d}.json")
        with open(path + ".part", "w", encoding="utf-8") as out:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "data": envelope.content.decode("utf-8")}, out)
        os.rename(path + ".part", path)
        return "250 OK"


folder, port = sys.argv[1], int(sys.argv[2])
controller = Controller(Keeper(folder, sys.argv[3] if len(sys.argv) > 3 else None), hostname="127.0.0.1", port=port)
controller.start()
print(f"ready {port}", flush=True)
sys.stdin.read()
controller.stop()
