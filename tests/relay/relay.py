#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What "smtpfixup relay" does beside the bytes: crowds, ends, signals, memory.

Usage: relay.py PROGRAM
"""
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from counting import Tests, equal    # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = sys.argv[1]
test = Tests()
PATIENCE = 20


class Relay:
    """A running relay, its server's listening socket, and its output."""

    def __init__(self, *words, flags=(), server=None, listen="127.0.0.1:0"):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.listener.settimeout(PATIENCE)
        server = server or "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.process = subprocess.Popen(
            [PROGRAM, "-j", "relay", *flags, listen, server, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        if not first:
            raise AssertionError(self.process.stderr.read())
        self.listening = json.loads(first)["listening"]
        self.port = int(self.listening[0].rpartition(":")[2])
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def open(self, family=socket.AF_INET):
        near = socket.socket(family, socket.SOCK_STREAM)
        near.settimeout(PATIENCE)
        near.connect(("::1" if family == socket.AF_INET6 else "127.0.0.1", self.port))
        far, _ = self.listener.accept()
        far.settimeout(PATIENCE)
        return near, far

    def end(self, number=signal.SIGTERM):
        """Ends it; returns its counters."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        equal((self.process.returncode, err), (0, ""), "status and stderr")
        at = out.index("[\n")
        self.events = [json.loads(line) for line in out[:at].splitlines()]
        return json.loads(out[at:])[0]


def take(sock, count):
    got = b""
    while len(got) < count:
        piece = sock.recv(count - len(got))
        if not piece:
            break
        got += piece
    return got


def gone(sock):
    try:
        got = sock.recv(100)
    except ConnectionResetError:
        return
    raise AssertionError("received %r, and no RST" % got)


def nothing(sock, seconds=0.3):
    sock.settimeout(seconds)
    try:
        got = sock.recv(100)
    except TimeoutError:
        got = None
    sock.settimeout(PATIENCE)
    equal(got, None, "what came")


def greet(near, far):
    far.sendall(b"220 mail ESMTP\r\n")
    take(near, 16)


@test("it says where it listens, counts, and ends with SIGTERM and SIGINT")
def _():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Relay("fixup") as relay:
            near, far = relay.open()
            far.sendall(b"220 mail\r\n")
            equal(take(near, 10), b"220 ****\r\n", "greeting")
            near.sendall(b"EHLO a\r\n")
            equal(take(far, 8), b"XXXX a\r\n", "EHLO")
            counters = relay.end(number)
            equal((near.recv(10), far.recv(10)), (b"", b""), "both ends")
        equal(counters["ports"], str(relay.port), "ports")
        for name, value in (("connections", 1), ("greetings_masked", 1),
                            ("commands_blocked", 1), ("bytes_masked", 8)):
            equal(counters[name], value, name)


@test("--events prints them as monitor does")
def _():
    with Relay("fixup", flags=("--events",)) as relay:
        near, far = relay.open()
        greet(near, far)
        near.sendall(b"EXPN root\r\n")
        take(far, 11)
        name = "%s:%d" % near.getsockname()
        relay.end()
    equal([(e["event"], e["rule"], e["client"], e["port"]) for e in relay.events],
          [("greeting_masked", "G1", name, relay.port),
           ("command_masked", "V3", name, relay.port)], "events")
    equal(relay.events[1]["words"], "EXPN", "words")


@test("SIGUSR1 prints the counters so far")
def _():
    with Relay("esmtp") as relay:
        near, far = relay.open()
        greet(near, far)
        relay.process.send_signal(signal.SIGUSR1)
        text = ""
        while not text.endswith("\n]\n"):
            text += relay.process.stdout.readline()
        equal(json.loads(text)[0]["connections"], 1, "connections")
        near.sendall(b"NOOP\r\n")
        equal(take(far, 6), b"NOOP\r\n", "it goes on")
        relay.end()


@test("by default it listens on loopback alone, IPv4 and IPv6, at one port")
def _():
    with Relay("fixup", listen="0") as relay:
        ports = {address.rpartition(":")[2] for address in relay.listening}
        equal(len(ports), 1, "ports")
        hosts = {address.rpartition(":")[0] for address in relay.listening}
        equal(hosts - {"127.0.0.1", "[::1]"}, set(), "other addresses")
        near, far = relay.open()
        greet(near, far)
        if "[::1]" in hosts:
            near, far = relay.open(socket.AF_INET6)
            greet(near, far)
        relay.end()


@test("a name of several addresses: the one that answers is found")
def _():
    with Relay("fixup") as first:
        with Relay("fixup", server="localhost:%d" % first.listener.getsockname()[1]) as relay:
            near = socket.create_connection(("127.0.0.1", relay.port), PATIENCE)
            far, _ = first.listener.accept()
            greet(near, far)
            relay.end()


@test("a server that does not answer: the client hears a RST")
def _():
    with Relay("fixup", server="127.0.0.1:1") as relay:
        try:
            near = socket.create_connection(("127.0.0.1", relay.port), PATIENCE)
        except ConnectionResetError:
            pass        # the RST came before connect() had returned
        else:
            gone(near)
        equal(relay.end()["connections"], 1, "connections")


@test("errors: a port in use, a name that does not exist: status 1, one line")
def _():
    with Relay("fixup") as relay:
        for words in (("127.0.0.1:%d" % relay.port, "127.0.0.1:1"),
                      ("0", "no.such.name.invalid:25")):
            done = subprocess.run([PROGRAM, "relay", *words, "fixup"], capture_output=True,
                                  text=True, timeout=60, check=False)
            equal((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), words)
        relay.end()


@test("either end may close its half, and the other half goes on")
def _():
    for first in (0, 1):
        with Relay("fixup") as relay:
            ends = relay.open()
            greet(*ends)
            ends[1].sendall(b"")
            ends[first].shutdown(socket.SHUT_WR)
            equal(ends[1 - first].recv(10), b"", "the end")
            if first:
                ends[0].sendall(b"NOOP\r\n")
                equal(take(ends[1], 6), b"NOOP\r\n", "client's")
            else:
                ends[1].sendall(b"421 bye\r\n")
                equal(take(ends[0], 9), b"421 bye\r\n", "server's")
            ends[1 - first].shutdown(socket.SHUT_WR)
            equal(ends[first].recv(10), b"", "the other end")
            relay.end()


@test("what passed before an end arrives before it")
def _():
    with Relay("esmtp") as relay:
        near, far = relay.open()
        greet(near, far)
        near.sendall(b"DATA\r\n")
        take(far, 6)
        far.sendall(b"354 go\r\n")
        take(near, 8)
        body = b"text of a body\r\n" * 100000 + b".\r\nQUIT\r\n"
        thread = threading.Thread(target=lambda: (near.sendall(body), near.close()))
        thread.start()
        equal(take(far, len(body)) == body, True, "the body")
        equal(far.recv(10), b"", "the end")
        thread.join()
        relay.end()


@test("a RST of one end is a RST for the other")
def _():
    for which in (0, 1):
        with Relay("fixup") as relay:
            ends = relay.open()
            greet(*ends)
            ends[which].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            ends[which].close()
            gone(ends[1 - which])
            relay.end()


@test("V5 reject drop: silence, though both ends close; reset: a RST to both")
def _():
    with Relay("fixup", "banner", "keep", "reject", "drop") as relay:
        near, far = relay.open()
        greet(near, far)
        near.sendall(b"EXPN root\r\n")
        nothing(far)
        far.sendall(b"250 hello\r\n")
        nothing(near)
        near.shutdown(socket.SHUT_WR)
        nothing(far)
        equal(relay.end()["connections_ended"], 1, "connections_ended")
    with Relay("fixup", "banner", "keep", "reject", "reset") as relay:
        near, far = relay.open()
        greet(near, far)
        near.sendall(b"NOOP\r\nEXPN root\r\n")
        try:
            got = take(far, 6)      # it may have passed, but never what is blocked
            equal(b"NOOP\r\n".startswith(got), True, "what passed")
            gone(far)
        except ConnectionResetError:
            pass
        gone(near)
        relay.end()


@test("V5 what passed before a RST arrives, though its reader is slow")
def _():
    with Relay("esmtp", "limit", "body-line", "2000", "reset") as relay:
        near, far = relay.open()
        greet(near, far)
        near.sendall(b"DATA\r\n")
        take(far, 6)
        far.sendall(b"354 go\r\n")
        take(near, 8)
        near.sendall(b"\r\n" + b"a line\r\n" * 1000)
        time.sleep(0.2)
        near.sendall(b"x" * 3000 + b"\r\n")
        time.sleep(0.2)
        equal(take(far, 8002), b"\r\n" + b"a line\r\n" * 1000, "before it")
        gone(far)
        relay.end()


@test("D2 what waits when the server closes is never passed, and nothing is left over")
def _():
    with Relay("fixup") as relay:
        near, far = relay.open()
        greet(near, far)
        near.sendall(b"DATA\r\nEXPN root\r\n")
        equal(take(far, 6), b"DATA\r\n", "DATA")
        far.shutdown(socket.SHUT_WR)
        equal(near.recv(10), b"", "the server's end")
        near.close()
        equal(far.recv(100), b"", "what waited")
        relay.end()


def memory_of(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1])


@test("D2 a client that floods while a reply is awaited is not read any more")
def _():
    with Relay("fixup") as relay:
        near, far = relay.open()
        greet(near, far)
        near.sendall(b"DATA\r\n")
        take(far, 6)
        near.setblocking(False)
        sent, quiet, flood = 0, 0, b"EXPN flood\r\n" * 5000
        while quiet < 10:
            try:
                sent += near.send(flood[sent % 12:])
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.02)
        before = memory_of(relay.process.pid)
        nothing(far)
        far.sendall(b"503 no\r\n")
        near.setblocking(True)
        near.settimeout(PATIENCE)
        equal(take(near, 8), b"503 no\r\n", "the reply")
        got = take(far, sent)
        equal(got == (b"XXXX flood\r\n" * (sent // 12 + 1))[:sent], True, "what waited")
        if before > 200000:
            raise AssertionError("%d KiB" % before)
        relay.end()


@test("a reader that does not read: nothing is lost, memory is bounded")
def _():
    with Relay("fixup") as relay:
        near, far = relay.open()
        greet(near, far)
        near.sendall(b"DATA\r\n")
        take(far, 6)
        far.sendall(b"354 go\r\n")
        take(near, 8)
        body = os.urandom(1 << 22).replace(b"\r", b"r").replace(b"\n", b"n").replace(b"\0", b"0")
        thread = threading.Thread(target=near.sendall, args=(body,))
        thread.start()
        time.sleep(1)
        before = memory_of(relay.process.pid)
        equal(take(far, len(body)) == body, True, "the body")
        thread.join()
        if before > 200000:
            raise AssertionError("%d KiB" % before)
        relay.end()


DIALOGUE = (
    (b"220 mail ESMTP\r\n", b"220 **********\r\n"),
    (b"EHLO a\r\n", b"EHLO a\r\n"),
    (b"250-mail\r\n250-STARTTLS\r\n250 HELP\r\n", b"250-mail\r\n250-XXXXXXXA\r\n250 XXXB\r\n"),
    (b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nEXPN x\r\nDATA\r\n",
     b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nXXXX x\r\nDATA\r\n"),
    (b"250 1\r\n250 2\r\n500 3\r\n354 4\r\n", b"250 1\r\n250 2\r\n500 3\r\n354 4\r\n"),
    (b"Subject: x\r\n\r\nEXPN\r\n.\r\nQUIT\r\n", b"Subject: x\r\n\r\nEXPN\r\n.\r\nQUIT\r\n"),
    (b"250 5\r\n221 6\r\n", b"250 5\r\n221 6\r\n"),
)


@test("E1 a line whose beginning comes with octets that pass waits for its rest")
def _():
    with Relay("esmtp") as relay:
        for cut in range(19, 32):
            near, far = relay.open()
            greet(near, far)
            near.sendall(b"EHLO a\r\n")
            take(far, 8)
            reply = b"250-mail.example\r\n250 STARTTLS\r\n"
            far.sendall(reply[:cut])
            time.sleep(0.03)
            far.sendall(reply[cut:])
            equal(take(near, len(reply)), b"250-mail.example\r\n250 XXXXXXXA\r\n",
                  "cut at %d" % cut)
            near.close()
            far.close()


@test("500 sessions at once, each with its own dialogue")
def _():
    count = 500
    with Relay("esmtp", "banner", "stars") as relay:
        pairs = [relay.open() for _ in range(count)]
        want = {}
        for number, (near, far) in enumerate(pairs):
            want[number] = [(far, near)[step % 2].fileno() for step in range(len(DIALOGUE))]
        for step, (sent, _) in enumerate(DIALOGUE):
            waiting = selectors.DefaultSelector()
            for near, far in pairs:
                sender, receiver = (far, near) if step % 2 == 0 else (near, far)
                sender.sendall(sent)
                waiting.register(receiver, selectors.EVENT_READ, bytearray())
            want_now = DIALOGUE[step][1]
            open_now = count
            while open_now:
                ready = waiting.select(PATIENCE)
                equal(bool(ready), True, "step %d, %d sessions wait" % (step, open_now))
                for key, _ in ready:
                    key.data.extend(key.fileobj.recv(4096))
                    if len(key.data) >= len(want_now):
                        equal(bytes(key.data), want_now, "step %d" % step)
                        waiting.unregister(key.fileobj)
                        open_now -= 1
        for near, far in pairs:
            near.close()
            far.close()
        counters = relay.end()
        for name, each in (("connections", 1), ("messages", 1), ("commands_blocked", 1),
                           ("ehlo_lines_masked", 2), ("greetings_masked", 1)):
            equal(counters[name], each * count, name)


@test("clients that come and go: no descriptor is left over")
def _():
    with Relay("fixup") as relay:
        def descriptors():
            return len(os.listdir("/proc/%d/fd" % relay.process.pid))
        before = descriptors()
        for number in range(300):
            near, far = relay.open()
            if number % 3:
                greet(near, far)
            if number % 2:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            (near, far)[number % 2].close()
            (near, far)[1 - number % 2].close()
        for _ in range(100):
            if descriptors() == before:
                break
            time.sleep(0.05)
        equal(descriptors(), before, "descriptors")
        relay.end()


@test("no more descriptors: connections wait, and are served when there are some again")
def _():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    process = subprocess.Popen(
        ["prlimit", "--nofile=12:12", PROGRAM, "-j", "relay", "127.0.0.1:0",
         "127.0.0.1:%d" % listener.getsockname()[1], "fixup"], stdout=subprocess.PIPE, text=True)
    port = int(json.loads(process.stdout.readline())["listening"][0].rpartition(":")[2])
    nears = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(6)]
    served = 0
    while served < 6:
        try:
            far, _ = listener.accept()
        except TimeoutError as error:
            raise AssertionError("%d of 6 were served" % served) from error
        served += 1
        far.sendall(b"220 x\r\n")
        for near in nears[:]:
            near.settimeout(0.2)
            try:
                got = near.recv(10)
            except TimeoutError:
                continue
            except ConnectionResetError:
                got = b""
            if not got:
                served += 1     # there was a descriptor for one end only
            near.close()
            nears.remove(near)
            break
        far.close()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    equal(process.returncode, 0, "status")
    listener.close()


if __name__ == "__main__":
    sys.exit(test.run())
