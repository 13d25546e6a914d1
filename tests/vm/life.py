#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Connections outlive what happens around them; started by life.sh."""
import os
import resource
import subprocess
import sys
import time

import suite
from net import MODULE, SLOWER, Connection, Inside, Mismatch, compare, counters, tool
from suite import test
from wire import READY, READY_PIX, in_body, still_judged

PAIRS = {"to the router": ("client", "router"), "from the router": ("router", "server"),
         "inside the router": ("router", "router")}
ADDRESS = {("client", "router"): {4: "10.0.1.1", 6: "fd00:1::1"},
           ("router", "server"): {4: "10.0.2.2", 6: "fd00:2::2"},
           ("router", "router"): {4: "127.0.0.1", 6: "::1"}}


def run(*words, namespace="router"):
    with Inside(namespace):
        done = subprocess.run(words, capture_output=True, text=True, timeout=60 * SLOWER, check=False)
    if done.returncode:
        raise Mismatch("%s: %s" % (" ".join(words), done.stdout + done.stderr))
    return done.stdout


def insmod():
    run("insmod", MODULE, "mode=off")
    tool("set", "25", "fixup")


for title, ends in PAIRS.items():
    @test("hooks", "connections %s are filtered" % title)
    def _(family, ends=ends):
        with Connection(25, family, address=ADDRESS[ends][family], ends=ends) as connection:
            connection.s(READY, READY_PIX)
            still_judged(connection)
            connection.c(b"DATA\r\n")
            connection.s(b"354 go\r\n")
            connection.c(b"EXPN root\r\n" * 2000 + b".\r\n")
            connection.s(b"250 queued\r\n")
            still_judged(connection)
            connection.close()


def sent_and_changed(connection, text, later):
    """The client sends a file's page, and changes that before the server reads."""
    file = os.memfd_create("page")
    try:
        os.write(file, text)
        if os.sendfile(connection.client.sock.fileno(), file, 0, len(text)) != len(text):
            raise Mismatch("sendfile() sent less")
        time.sleep(0.5 * SLOWER)
        os.pwrite(file, later, 0)
    finally:
        os.close(file)
    return connection.server.receive(len(text))


@test("H6", "what a local sender changes after it was judged is not what the server reads")
def _(family):
    ends = {"ends": ("router", "server"), "address": ADDRESS["router", "server"][family]}
    with Connection(26, family, **ends) as connection:
        if sent_and_changed(connection, b"NOOP\r\n", b"EXPN\r\n") != b"EXPN\r\n":
            raise Mismatch("without a policy nothing changes: this test shows nothing")
    with Connection(25, family, **ends) as connection:
        connection.s(READY, READY_PIX)
        compare(sent_and_changed(connection, b"NOOP\r\n", b"EXPN\r\n"), b"NOOP\r\n", "a command")
        connection.s(b"250 ok\r\n")
        connection.c(b"DATA\r\n")
        connection.s(b"354 go\r\n")
        text = b"text\r\n" * 3000
        compare(sent_and_changed(connection, text, b"\r\n.\r\nEXPN\r\n" * 1500), text, "a body")


@test("helper", "conntrack -L shows helper=smtp")
def _(family):
    with in_body(25, family):
        shown = run("conntrack", "-L", "-f", "ipv%d" % family, "-p", "tcp", "--dport", "25")
        if "helper=smtp" not in shown:
            raise Mismatch(shown)


@test("namespaces", "another namespace starts with nothing and is on its own")
def _(family):
    if counters("client") != {}:
        raise Mismatch("the client's namespace has policies: %r" % counters("client"))
    if tool("show", namespace="client") != "":
        raise Mismatch("show in the client's namespace says something")
    tool("set", "26", "esmtp", namespace="client")
    if "26" in counters("router"):
        raise Mismatch("a policy of the client's namespace is in the router's")
    with Connection(26, family) as connection:
        connection.s(READY, READY_PIX)
        connection.c(b"EXPN a\r\n", b"XXXX a\r\n")
    tool("set", "26", "off", namespace="client")
    with Connection(26, family) as connection:
        connection.s(READY)


class MemoryLimit:
    """with MemoryLimit(1): so many MiB for all connections."""

    PATH = "/sys/module/nf_smtp_fixup/parameters/memory_limit"

    def __init__(self, limit):
        self.limit = limit

    def __enter__(self):
        with open(self.PATH, encoding="ascii") as file:
            self.before = file.read()
        self.write(str(self.limit))

    def __exit__(self, *_):
        self.write(self.before)

    def write(self, text):
        with open(self.PATH, "w", encoding="ascii") as file:
            file.write(text)


@test("T2", "contract 6: at memory_limit what is first said waits, and is counted")
def _(family):
    before = counters()["25"]["memory_refused"]
    with Connection(25, family) as connection:
        with MemoryLimit(0):
            connection.server.send(READY)
            connection.client.expect_nothing()
            if counters()["25"]["memory_refused"] == before:
                raise Mismatch("nothing was refused")
        connection.client.expect(READY_PIX)
        still_judged(connection)


class Crowd:
    """with Crowd(3000): so many connections in a user's own namespace; see crowd.py."""

    def __init__(self, count, *words):
        self.command = ["unshare", "--user", "--map-root-user", "--net", sys.executable,
                        os.path.join(os.path.dirname(__file__), "crowd.py"), str(count), *words]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9000, 9000)))
        line = self.process.stdout.readline()
        if not line:
            raise Mismatch("no crowd came")
        self.greeted = int(line)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


@test("T2", "contract 6: a namespace of an unprivileged user gets half of memory_limit at most",
      families=(4,))
def _(family):
    with MemoryLimit(1):
        with Crowd(3000) as crowd:
            if not 300 < crowd.greeted < 2000:
                raise Mismatch("%d of 3000 were greeted" % crowd.greeted)
            with in_body(25, family) as connection:
                connection.c(b"text\r\n.\r\n")
                connection.s(b"250 queued\r\n")


@test("T2", "contract 6: a namespace that goes leaves no memory taken", families=(4,))
def _(_family):
    for words in ((), ("forget",)):
        with MemoryLimit(1):
            with Crowd(3000, *words) as crowd:
                most = crowd.greeted
            deadline = time.monotonic() + 20 * SLOWER
            again = 0
            while again < most * 0.95 and time.monotonic() < deadline:
                with Crowd(most) as crowd:
                    again = crowd.greeted
            if again < most * 0.95:
                raise Mismatch("%d were greeted, then %d" % (most, again))


@test("rmmod", "live connections go on after rmmod, in every phase")
def _(family):
    body = in_body(25, family)
    command = Connection(25, family)
    command.s(READY, READY_PIX)
    half = Connection(25, family)
    half.s(READY, READY_PIX)
    half.c(b"NO")
    waiting = Connection(25, family)
    waiting.s(READY, READY_PIX)
    waiting.client.send(b"DATA\r\nEXPN root\r\n")
    waiting.server.expect(b"DATA\r\n")
    run("rmmod", "nf_smtp_fixup")
    try:
        body.c(b"text\r\n.\r\n")
        body.s(b"250 queued\r\n")
        command.c(b"EXPN root\r\n")
        command.s(b"500 no\r\n")
        half.c(b"OP\r\n")
        half.s(b"250 yes\r\n")
        waiting.server.expect(b"EXPN root\r\n")
        waiting.s(b"503 no\r\n")
        for connection in (body, command, half, waiting):
            connection.c(b"QUIT\r\n")
            connection.close()
        with Connection(25, family) as connection:
            connection.s(READY)
        slabs = os.listdir("/sys/kernel/slab") if os.path.isdir("/sys/kernel/slab") else []
        with open("/proc/slabinfo", encoding="ascii") as file:
            slabs += [line.split()[0] for line in file]
        left = [name for name in slabs if "smtp" in name]
        if left:
            raise Mismatch("slab caches are left: %r" % left)
    finally:
        for connection in (body, command, half, waiting):
            connection.__exit__()
        insmod()


@test("rmmod T1", "connections whose length was changed go on after rmmod and insmod")
def _(family):
    tool("set", "25", "fixup", "banner", "text", "mx ESMTP", "reject", "noop")
    with Connection(25, family) as connection:
        connection.server.send(b"220 a longer greeting than the operator's\r\n")
        connection.client.expect(b"220 mx ESMTP\r\n")
        connection.client.send(b"WIZ\r\n")
        connection.server.expect(b"NOOP\r\n")
        connection.s(b"250 Ok\r\n")
        for change in (lambda: run("rmmod", "nf_smtp_fixup"), insmod):
            change()
            connection.c(b"WIZ\r\n")
            connection.s(b"500 no\r\n")
            connection.c(b"text " * 20000)
            connection.s(b"text " * 20000)
        connection.close()


@test("insmod", "connections that were there before go on untouched")
def _(family):
    run("rmmod", "nf_smtp_fixup")
    with Connection(25, family) as connection:
        connection.s(READY)
        insmod()
        connection.c(b"EXPN root\r\n")
        connection.s(b"250-STARTTLS\r\n250 x\r\n")
        connection.c(b"DATA\r\n")
        connection.s(b"354 go\r\n")
        connection.c(b"EXPN root\r\n.\r\nEXPN root\r\n")
        connection.close()
    with Connection(25, family) as connection:
        connection.s(READY, READY_PIX)


def main():
    tool("set", "25", "fixup")
    suite.TESTS[:] = [entry for entry in suite.TESTS if entry[4].__module__ == __name__]
    return suite.run(only=sys.argv[1] if sys.argv[1:] else None)


if __name__ == "__main__":
    sys.exit(main())
