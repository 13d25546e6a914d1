#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""probe against small SMTP servers behind a device of each generation.

Usage: probe_servers.py PROGRAM. Ends with "N passed, N failed".
"""
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from counting import Counting    # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = sys.argv[1]
V1 = "HELO MAIL RCPT DATA RSET NOOP QUIT".split()
V2 = V1 + "AUTH EHLO ETRN HELP SAML SEND SOML VRFY".split()
PASSED = "SIZE ETRN PIPELINING DSN ENHANCEDSTATUSCODES 8BITMIME AUTH VRFY".split()


class Server:
    """A mail server without a queue."""

    greeting = "220 mx20.example.net ESMTP Something 0 8.12.10"
    keywords = ["PIPELINING", "SIZE 1000", "STARTTLS", "CHUNKING", "HELP"]
    echo = True

    def answer(self, line):
        verb = line.split(" ")[0].upper()
        if verb == "EHLO":
            lines = ["mx20.example.net", *self.keywords]
            return ["250-" + text for text in lines[:-1]] + ["250 " + lines[-1]]
        if verb == "STARTTLS" and "STARTTLS" in self.keywords:
            return ["220 go ahead"]
        if verb == "QUIT":
            return ["221 bye"]
        if verb in ("NOOP", "HELO"):
            return ["250 OK"]
        return ['500 5.5.1 Command unrecognized: "%s"' % line if self.echo else
                "500 unrecognized command"]


class Device:
    """Nothing in between."""

    def greet(self, line):
        return line

    def command(self, line):
        return line

    def reply(self, _command, lines):
        return lines


class Pix4(Device):
    def greet(self, line):
        return line[:4] + "SMTP/cmap" + "_" * (len(line) - 4 - 13) + "read"

    def command(self, line):
        return line if line.split(" ")[0].upper() in V1 else "NOOP" + " " * (len(line) - 4)


class Pix6(Device):
    verbs = V1

    def greet(self, line):
        return line[:4] + re.sub(r"0 |[20]|(.)",
                                 lambda m: "*" if m.group(1) else m.group(), line[4:])

    def command(self, line):
        verb, blank, rest = line.partition(" ")
        return (verb if verb.upper() in self.verbs else "X" * len(verb)) + blank + rest


class Asa(Pix6):
    verbs = V2
    keywords = PASSED

    def greet(self, line):
        return line[:4] + "*" * len(line[4:])

    def reply(self, command, lines):
        if not command.upper().startswith("EHLO"):
            return lines
        out, masked = lines[:1], 0
        for line in lines[1:]:
            if line[4:].split(" ")[0] not in self.keywords:
                line = line[:4] + "X" * (len(line) - 5) + chr(65 + masked)
                masked += 1
            out.append(line)
        return out


class AsaTls(Asa):
    verbs = V2 + ["STARTTLS"]
    keywords = PASSED + ["STARTTLS"]


class Quiet(Server):
    """Does not say what it does not know."""
    echo = False
    greeting = "220 mail.example.net ESMTP Something"


class NoTls(Quiet):
    keywords = ["PIPELINING", "8BITMIME"]


class Rude(Server):
    """With things that a terminal would obey."""
    greeting = "220 mx\x1b[2J\x07 ESMTP \xff"


def serve(listener, server, device):
    client, _ = listener.accept()
    try:
        talk(client, server, device)
    except ConnectionError:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def talk(client, server, device):
    with client.makefile("rb") as lines:
        client.sendall((device.greet(server.greeting) + "\r\n").encode("latin-1"))
        for line in lines:
            command = device.command(line.decode("latin-1").rstrip("\r\n"))
            reply = device.reply(command, server.answer(command))
            client.sendall("".join(text + "\r\n" for text in reply).encode("latin-1"))
            if reply[0].startswith(("220", "221")):
                break


def probe(server, device, *words, family=socket.AF_INET):
    with socket.socket(family) as listener:
        listener.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        listener.listen(1)
        listener.settimeout(20)
        thread = threading.Thread(target=serve, args=(listener, server, device))
        thread.start()
        target = "%s:%d" % ("127.0.0.1" if family == socket.AF_INET else "[::1]",
                            listener.getsockname()[1])
        done = subprocess.run([PROGRAM, "probe", target, *words], capture_output=True,
                              timeout=100, check=False)
        thread.join()
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode(), target


COUNT = Counting()


def result(good, name, detail=""):
    COUNT.result(name, None if good else "%s" % (detail,) or "it is not so")


for server, device, want in (
        (Server(), Device(), "none"), (Quiet(), Device(), "none"),
        (NoTls(), Device(), "none"),
        (Server(), Pix4(), "mailhost"), (Quiet(), Pix4(), "mailhost"),
        (Server(), Pix6(), "fixup"), (Quiet(), Pix6(), "fixup"), (NoTls(), Pix6(), "fixup"),
        (Server(), Asa(), "esmtp"), (Quiet(), Asa(), "esmtp"), (NoTls(), Asa(), "esmtp"),
        (Server(), AsaTls(), "asa"), (Quiet(), AsaTls(), "asa")):
    title = "probe %s behind %s" % (type(server).__name__, type(device).__name__)
    status, out, err, target = probe(server, device)
    last = out.splitlines()[-1] if out else ""
    result(status == (3 if want != "none" else 0) and last.startswith(want + ": ") and
           out.startswith(target + "\n") and not err, title, (status, out, err))
    status, out, err, target = probe(server, device, "-j")
    try:
        told = json.loads(out)[0]
        good = told["device"] == want and told["address"] == target
    except (ValueError, KeyError, IndexError):
        good = False
    result(good and status == (3 if want != "none" else 0), title + ", JSON", (status, out, err))

status, out, err, _ = probe(Rude(), Device())
result(status == 0 and "220 mx?[2J? ESMTP ?" in out and out.isascii() and
       all(c >= " " or c == "\n" for c in out), "probe: replies are cleaned", out)
status, out, err, _ = probe(Rude(), Device(), "-j")
result(status == 0 and out.isascii() and json.loads(out), "probe: JSON is cleaned", out)

try:
    status, out, err, target = probe(Server(), Device(), family=socket.AF_INET6)
except OSError as error:
    print("# no IPv6 here: %s" % error)
else:
    result(status == 0 and out.startswith(target + "\n"), "probe by IPv6", (out, err))


class HangsUp(Server):
    """Ends the connection, by RST, after so many replies."""

    def __init__(self, replies, greeting=Server.greeting):
        self.left, self.greeting = replies, greeting

    def answer(self, command):
        self.left -= 1
        if self.left < 0:
            raise ConnectionError
        return super().answer(command)


for replies in range(3):
    status, out, err, _ = probe(HangsUp(replies), Device())
    told = status == 0 and out.splitlines()[-1].startswith("none: ")
    doubt = status == 1 and not out and "could not be told" in err
    result(told if replies == 2 else doubt,
           "probe: the connection ends after %d replies" % replies, (status, out, err))
# What the greeting tells is told all the same
status, out, err, _ = probe(HangsUp(0), Pix6())
result(status == 3 and "fixup: " not in out and out.splitlines()[-1].startswith("esmtp: "),
       "probe: the connection ends after a masked greeting", (status, out, err))

with socket.socket() as closed:
    closed.bind(("127.0.0.1", 0))
    done = subprocess.run([PROGRAM, "probe", "127.0.0.1:%d" % closed.getsockname()[1]],
                          capture_output=True, text=True, timeout=100, check=False)
    result(done.returncode == 1 and not done.stdout and done.stderr.count("\n") == 1 and
           "Connection refused" in done.stderr, "probe where nobody listens", done.stderr)

sys.exit(COUNT.finish())
