#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Rates (docs/rules.md X7): so many messages a second, all delivered, none refused.

smtp-source of Postfix is the client, and small ones that do not wait for replies.
Started by suite.sh in the guest. The last test takes the module out.
"""
import collections
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time

import suite
from net import SERVER, SLOWER, Inside, Mismatch, counters, tool
from suite import test

PATIENCE = 60 * SLOWER
# s: how much later than it left here a MAIL may be noticed by the server
LATE = 0.15 * SLOWER
PORTS = iter(range(2600, 2700))
SMTP_SOURCE = shutil.which("smtp-source", path="/usr/sbin:/usr/bin")
HELLO, QUIT = b"EHLO client.example\r\n", b"QUIT\r\n"
MAIL = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
WHOLE = MAIL + b"DATA\r\nSubject: x\r\n\r\nEXPN root\r\n.\r\n"
NEIGHBOURS = {4: ("10.0.1.3", "10.0.1.3/24", True), 6: ("fd00:1::3", "fd00:1::3/64", False)}


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text + b"\r\n")

    def handle(self):
        try:
            self.session(self.server)
        except OSError:
            pass

    def session(self, server):
        self.say(b"220 mx.example ESMTP")
        for line in self.rfile:
            verb = line[:4].upper()
            server.lines[verb] += 1
            if verb == b"MAIL":
                server.begun.append(time.monotonic())
                self.say(b"250 ok")
            elif verb == b"DATA":
                self.say(b"354 go")
                for text in self.rfile:
                    if text == b".\r\n":
                        break
                else:
                    return
                server.mails += 1
                self.say(b"250 queued")
            elif verb == b"EHLO":
                self.say(b"250-mx.example\r\n250 PIPELINING")
            elif verb == b"QUIT":
                self.say(b"221 bye")
                return
            else:
                self.say(b"250 ok" if verb in (b"HELO", b"RCPT", b"RSET", b"NOOP") else b"500 what")


class Server(socketserver.ThreadingTCPServer):
    """Knows when each message began."""
    allow_reuse_address = daemon_threads = True
    request_queue_size = 100

    def __init__(self, family, port):
        self.address_family = socket.AF_INET6 if family == 6 else socket.AF_INET
        with Inside("server"):
            super().__init__(("::" if family == 6 else "0.0.0.0", port), Session)
        self.begun, self.mails, self.lines = [], 0, collections.Counter()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Port:
    """with Port(family, option...): a port of its own under a policy, and a server."""

    def __init__(self, family, *options):
        self.family, self.port = family, next(PORTS)
        tool("set", str(self.port), "esmtp", *options)
        self.server = Server(family, self.port)
        self.address = SERVER[family]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def count(self, name):
        return counters()[str(self.port)][name]

    def connect(self, source=None):
        with Inside("client"):
            sock = socket.create_connection((self.address, self.port), timeout=PATIENCE,
                                            source_address=source and (source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def talk(self, *writes, source=None, pause=0.0):
        """Sends all that, and reads to the end. Returns how long it took."""
        began = time.monotonic()
        with self.connect(source) as sock, sock.makefile("rb") as file:
            for write in writes:
                sock.sendall(write)
                time.sleep(pause)
            codes = [line[:3] for line in file]
        bad = [code for code in codes if code[:1] in b"45"]
        if bad or not codes or codes[-1] != b"221":
            raise Mismatch("the client heard %r" % codes)
        return time.monotonic() - began


def together(*calls):
    """Runs them side by side. Returns what each took."""
    took, troubles = {}, []

    def run(name, call):
        try:
            took[name] = call()
        except (OSError, Mismatch) as error:
            troubles.append(error)
    threads = [threading.Thread(target=run, args=call) for call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if troubles:
        raise Mismatch("%r" % troubles[0])
    return [took[name] for name in sorted(took)]


def check_rate(times, rate, slowest):
    """So many a second at most, in any second, and not much fewer."""
    times = sorted(times)
    for first, last in zip(times, times[rate:]):
        if last - first < 1 - LATE:
            raise Mismatch("%d messages in %.2f s" % (rate + 1, last - first))
    took, least = times[-1] - times[0], (len(times) - 1) / rate
    print("      %d messages in %.2f s, at %d a second" % (len(times), took, rate), flush=True)
    if took < least - LATE:
        raise Mismatch("%d messages in %.2f s" % (len(times), took))
    if took > least * 1.15 + slowest:
        raise Mismatch("%d messages in %.2f s: too slow" % (len(times), took))


def smtp_source(port, sessions, mails):
    words = [SMTP_SOURCE, "-" + str(port.family), "-s", str(sessions), "-m", str(mails),
             "-f", "a@example.org", "-t", "b@example.org",
             ("[ipv6:%s]:%d" if port.family == 6 else "%s:%d") % (port.address, port.port)]
    with Inside("client"):
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode or re.search("warning|fatal", done.stderr):
        raise Mismatch("smtp-source: status %d, %s" % (done.returncode, done.stderr))


@test("X7", "smtp-source by eight connections, ten messages a second", module=True)
def _(family):
    with Port(family, "limit", "rate", "10") as port:
        smtp_source(port, 8, 50)
        check_rate(port.server.begun, 10, 1 * SLOWER)
        if port.server.mails != 50 or port.count("messages") != 50:
            raise Mismatch("%d mails arrived" % port.server.mails)
        # A slow machine's messages come later than they might
        if not port.count("messages_above_rate") or not port.count("segments_resumed"):
            raise Mismatch("counted: %r" % counters()[str(port.port)])
        for name in ("connections_ended", "connections_desynchronised", "commands_blocked"):
            if port.count(name):
                raise Mismatch("%s: %d" % (name, port.count(name)))


@test("X7", "whole sessions in one write, two messages a second", module=True)
def _(family):
    with Port(family, "limit", "rate", "2") as port:
        together(*[lambda: port.talk(HELLO + WHOLE * 2 + QUIT)] * 4)
        check_rate(port.server.begun, 2, 1 * SLOWER)
        if port.server.mails != 8:
            raise Mismatch("%d mails arrived" % port.server.mails)


@test("X7", "a command a write, and an octet a write", module=True)
def _(family):
    with Port(family, "limit", "rate", "2") as port:
        octets = [bytes([c]) for c in HELLO + MAIL + b"RSET\r\n" + MAIL + QUIT]
        together(lambda: port.talk(*octets, pause=0.002),
                 lambda: port.talk(HELLO, WHOLE, WHOLE, QUIT, pause=0.05))
        # A sender's repetitions bring what it wrote since: that alone waits for them
        check_rate(port.server.begun, 2, 4 * SLOWER)
        if port.server.lines[b"500 "] or port.server.mails != 2:
            raise Mismatch("the server got %r" % port.server.lines)


@test("X7", "a source's rate holds for its next connection, and for no other source", module=True)
def _(family):
    source, address, apart = NEIGHBOURS[family]
    with Inside("client"):
        subprocess.run(["ip", "addr", "add", address, "dev", "veth-c"] +
                       (["nodad"] if family == 6 else []), check=False, capture_output=True)
    with Port(family, "limit", "source-rate", "1") as port:
        began = time.monotonic()
        for _ in range(4):
            port.talk(HELLO, WHOLE, QUIT)
        check_rate(port.server.begun, 1, 1 * SLOWER)
        first = port.talk(HELLO, WHOLE, QUIT, source=source)
        print("      %.2f s, then another address %.2f s" % (time.monotonic() - began, first))
        if apart and first > 0.5 * SLOWER:
            raise Mismatch("another source had to wait %.2f s" % first)
        if not apart and port.count("messages_above_source_rate") != 4:
            raise Mismatch("an address of the same /64 did not have to wait")


@test("X7", "what is above its source's rate takes nothing of the others'", families=(4,), module=True)
def _(family):
    source = NEIGHBOURS[family][0]
    with Port(family, "limit", "source-rate", "2", "limit", "rate", "4") as port:
        greedy = [lambda: port.talk(HELLO + WHOLE + QUIT)] * 10
        modest = [lambda: port.talk(*[HELLO, WHOLE, QUIT], source=source)]
        took = together(*greedy, *modest)
        check_rate(port.server.begun, 4, 3 * SLOWER)
        print("      the greedy %.2f s, the modest %.2f s" % (max(took[:-1]), took[-1]))
        if took[-1] > 1.2 * SLOWER:
            raise Mismatch("the modest had to wait %.2f s" % took[-1])


@test("X7", "log and observe only count", families=(4,), module=True)
def _(family):
    for options in (("limit", "rate", "1", "log"), ("limit", "rate", "1", "observe")):
        with Port(family, *options) as port:
            took = port.talk(HELLO + (MAIL + b"RSET\r\n") * 5 + QUIT)
            if took > 0.9 * SLOWER or port.count("messages_above_rate") != 4:
                raise Mismatch("%.2f s, %d counted" % (took, port.count("messages_above_rate")))


@test("X7", "the client that waits shows in flows, and flush ends it", families=(4,), module=True)
def _(family):
    with Port(family, "limit", "rate", "1") as port:
        with port.connect() as sock:
            sock.sendall(HELLO + (MAIL + b"RSET\r\n") * 20)
            time.sleep(0.5 * SLOWER)
            shown = tool("flows")
            if not re.search(r":%d .* wait " % port.port, shown):
                raise Mismatch("flows: " + shown)
            tool("flush", str(port.port))
            try:
                while sock.recv(1000):
                    pass
            except ConnectionError:
                return
            raise Mismatch("no reset")


@test("X7", "a connection that waits keeps its policy when that changes", families=(4,), module=True)
def _(family):
    with Port(family, "limit", "rate", "1") as port:
        before = [lambda: port.talk(HELLO + (MAIL + b"RSET\r\n") * 4 + QUIT)]

        def change():
            time.sleep(0.5 * SLOWER)
            tool("set", str(port.port), "esmtp")
            port.talk(HELLO + (MAIL + b"RSET\r\n") * 9 + QUIT)
            tool("set", str(port.port), "off")
            return 0
        took = together(*before, change)
        if took[0] < 3 - LATE or len(port.server.begun) != 13:
            raise Mismatch("%.2f s, %d messages" % (took[0], len(port.server.begun)))


@test("X7", "connections that wait survive the module", families=(4,), module=True)
def _(family):
    with Port(family, "limit", "rate", "1", "limit", "source-rate", "1") as port:
        def remove():
            time.sleep(1.5 * SLOWER)
            subprocess.run(["rmmod", "nf_smtp_fixup"], check=True, timeout=PATIENCE)
            return 0
        together(*[lambda: port.talk(HELLO + (MAIL + b"RSET\r\n") * 3 + QUIT)] * 6, remove)
        if len(port.server.begun) != 18:
            raise Mismatch("%d messages" % len(port.server.begun))


if __name__ == "__main__":
    sys.exit(suite.run(only=sys.argv[1] if len(sys.argv) > 1 else None))
