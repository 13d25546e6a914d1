#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Packets that find no memory, on each of the module's ways to ask for some
(docs/rules.md T2): counted, and sent again; started by instrumented.sh.

failslab can be told to fail what has a certain range of code on the stack: here
that is one function of the module. kallsyms knows where it is.
"""
import socket
import sys

import suite
from assign import Nft
from events import Monitor
from net import (PATIENCE, READY, READY_PIX, SERVER, Connection, Counted, End, Inside, Mismatch,
                 greeted, in_body, tool)
from suite import test

FAILSLAB = "/sys/kernel/debug/failslab/"
FIXUP, TEXT, LIMITS, OBSERVE, EXPLICIT, CHUNKS = 25, 26, 27, 28, 29, 30
FAILURES = 2    # in a row: the third time the packet gets through


def policies():
    tool("set", str(FIXUP), "fixup")
    tool("set", str(TEXT), "fixup", "banner", "text", "a longer greeting")
    tool("set", str(LIMITS), "esmtp")
    tool("set", str(OBSERVE), "fixup", "observe")
    tool("set", str(EXPLICIT), "fixup", "assign", "explicit")
    tool("set", str(CHUNKS), "esmtp", "allow", "BDAT", "ehlo-allow", "CHUNKING")


def failslab(**values):
    for name, value in values.items():
        with open(FAILSLAB + name.replace("_", "-"), "w", encoding="ascii") as file:
            file.write(str(value))


def code_of(function):
    """Where it begins, and where the next one does."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        lines = [line.split() for line in file if line.endswith("[nf_smtp_fixup]\n")]
    starts = {int(address, 16): name for address, _kind, name, _module in lines}
    ordered = sorted(starts)
    for start, end in zip(ordered, ordered[1:]):
        if starts[start] == function:
            return start, end
    raise Mismatch("the module has no function %s of its own" % function)


class Failing(Counted):
    """with Failing(function, port, times, name=n, ...): its first allocations fail,
    behind so many octets (space), and these counters of the port grow by so much."""

    def __init__(self, function, port, times=FAILURES, space=0, **want):
        super().__init__(port, **want)
        self.function, self.times, self.space = function, times, space

    def __enter__(self):
        start, end = code_of(self.function)
        super().__enter__()
        failslab(require_start=start, require_end=end, times=self.times, space=self.space,
                 probability=100)

    def __exit__(self, kind, *rest):
        failslab(probability=0)
        with open(FAILSLAB + "times", encoding="ascii") as file:
            left = int(file.read())
        if left and not kind:
            raise Mismatch("%d of %d allocations failed in %s" % (
                self.times - left, self.times, self.function))
        super().__exit__(kind, *rest)


def refused(function, port=FIXUP):
    """Every failure is a packet that is dropped and counted."""
    return Failing(function, port, memory_refused=FAILURES)


# ip_forward() gives each packet a head of its own, so that an edit rarely needs
# memory there. What the router itself sends is copied before it is read (H6); what
# it receives is shared with the sender's socket, on the other end of a veth.
FROM_ROUTER = ("router", "server")
TO_ROUTER = ("client", "router")
ROUTER = {4: "10.0.1.1", 6: "fd00:1::1"}


def mail_follows(connection):
    connection.c(b"EXPN root\r\nDATA\r\n", b"XXXX root\r\nDATA\r\n")
    connection.s(b"500 no\r\n354 go\r\n")
    connection.c(b"text " * 20000 + b"\r\n.\r\nQUIT\r\n")
    connection.s(b"250 ok\r\n221 bye\r\n")
    connection.close()


@test("T2 memory", "conntrack's extensions")
def _(family):
    with refused("smtp_helper_attach"):
        connection = Connection(FIXUP, family)
    with connection:
        connection.s(READY, READY_PIX)
        mail_follows(connection)


NFT = """
    ct helper smtp { type "smtp" protocol tcp; }
    chain prerouting {
        type filter hook prerouting priority filter
        tcp dport %d ct helper set "smtp"
    }
""" % EXPLICIT


@test("T2 memory", "conntrack's extensions, where nft gives the helper")
def _(family):
    # All that conntrack can add, or what it has taken at first is enough
    with Inside("router"):
        for name in ("acct", "events"):
            with open("/proc/sys/net/netfilter/nf_conntrack_" + name, "w",
                      encoding="ascii") as file:
                file.write("1")
    with Nft(NFT):
        with refused("smtp_help", EXPLICIT):
            connection = Connection(EXPLICIT, family)
        with connection:
            connection.s(READY, READY_PIX)
            mail_follows(connection)


@test("T2 memory", "the flow")
def _(family):
    with Connection(FIXUP, family) as connection:
        with refused("smtp_ct_flow_alloc"):
            connection.s(READY, READY_PIX)
        mail_follows(connection)


@test("T2 memory", "bytes in flight")
def _(family):
    with greeted(FIXUP, family, READY_PIX) as connection:
        with refused("smtp_unacked_room"):
            connection.c(b"EXPN root\r\n", b"XXXX root\r\n")
        connection.s(b"500 no\r\n")
        mail_follows(connection)


@test("D6 T2 memory", "a chunk among bytes in flight")
def _(family):
    with greeted(CHUNKS, family, READY_PIX) as connection:
        connection.c(b"EHLO a\r\n")
        connection.s(b"250-b\r\n250 CHUNKING\r\n")
        connection.c(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n")
        connection.s(b"250 a\r\n250 b\r\n")
        # Their buffer, of 256 octets, is granted, and what kmemleak wants for it;
        # the list of holes in it is not
        with open("/sys/kernel/slab/kmemleak_object/object_size", encoding="ascii") as file:
            space = 256 + int(file.read()) + 1
        with Failing("smtp_unacked_room", CHUNKS, 1, space, memory_refused=1):
            connection.c(b"BDAT 4 LAST\r\nEXPNEXPN\r\n", b"BDAT 4 LAST\r\nEXPNXXXX\r\n")
        connection.s(b"250 ok\r\n500 no\r\n")
        mail_follows(connection)


@test("T2 memory", "dots that are made harmless")
def _(family):
    with in_body(FIXUP, family, READY_PIX) as connection:
        with refused("smtp_mark_add"):
            connection.c(b"one\n.\ntwo\r\n", b"one\n \ntwo\r\n")
        connection.c(b".\r\n")
        connection.s(b"250 ok\r\n")
        mail_follows(connection)


@test("T2 memory", "reading a body for its limits")
def _(family):
    with in_body(LIMITS, family, READY_PIX) as connection:
        with refused("smtp_message_begin", LIMITS):
            connection.c(b"Subject: x\r\n\r\ntext\r\n.\r\n")
        connection.s(b"250 ok\r\n")
        mail_follows(connection)


@test("T2 memory", "an edit")
def _(family):
    with Connection(FIXUP, family, ROUTER[family], ends=TO_ROUTER) as connection:
        connection.s(READY, READY_PIX)
        with refused("smtp_packet_write"):
            connection.c(b"EXPN root\r\n", b"XXXX root\r\n")
        connection.s(b"500 no\r\n")
        mail_follows(connection)


@test("T1 T2 memory", "an edit that changes the length")
def _(family):
    with Connection(TEXT, family, ends=FROM_ROUTER) as connection:
        with refused("smtp_packet_splice", TEXT):
            connection.server.send(READY)
            connection.client.expect(b"220 a longer greeting\r\n")
        mail_follows(connection)


@test("D2 T2 memory", "a cut")
def _(family):
    with greeted(FIXUP, family, READY_PIX, ends=FROM_ROUTER) as connection:
        with refused("smtp_packet_cut"):
            connection.client.send(b"DATA\r\n.\r\n")
            connection.server.expect(b"DATA\r\n")
        connection.s(b"354 go\r\n")
        connection.server.expect(b".\r\n")
        connection.s(b"250 ok\r\n")
        mail_follows(connection)


@test("T2 memory", "data of a SYN that is cut off")
def _(family):
    domain = socket.AF_INET6 if family == 6 else socket.AF_INET
    with Inside("router"):
        with open("/proc/sys/net/ipv4/tcp_fastopen", "w", encoding="ascii") as file:
            file.write("5")     # without a cookie
        near = socket.socket(domain, socket.SOCK_STREAM)
    with Inside("server"):
        listener = socket.socket(domain, socket.SOCK_STREAM)
    with near, listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::" if family == 6 else "0.0.0.0", FIXUP))
        listener.listen(1)
        listener.settimeout(PATIENCE)
        # The SYN is repeated without data
        with Failing("smtp_packet_cut", FIXUP, 1, memory_refused=1):
            near.sendto(b"NOOP\r\n", socket.MSG_FASTOPEN, (SERVER[family], FIXUP))
            far = listener.accept()[0]
            with far:
                End(far, "server").expect(b"NOOP\r\n")


@test("T2 memory", "urgent data")
def _(family):
    # Headers can be written to without memory, unless someone else looks at them
    with Inside("router"):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    with tap, Connection(FIXUP, family, ROUTER[family], ends=TO_ROUTER) as connection:
        connection.s(READY, READY_PIX)
        with refused("smtp_packet_clear_urgent"):
            connection.client.sock.send(b"NOOP\r\n", socket.MSG_OOB)
            connection.server.expect(b"NOOP\r\n")


@test("T2 memory", "the end of a connection")
def _(family):
    with greeted(FIXUP, family, READY_PIX, ends=FROM_ROUTER) as connection:
        tool("flush", str(FIXUP))
        with refused("smtp_help_end"):
            connection.client.send(b"NOOP\r\n")
            for end in (connection.client, connection.server):
                got = end.receive(1)
                if b"reset" not in got:
                    raise Mismatch("the %s is not told of the end: %r" % (end.name, got))


@test("T2 memory", "observe gives up watching, and nothing else")
def _(family):
    with greeted(OBSERVE, family, READY) as connection:
        # Judging finds no memory, and nor does keeping the segment for later
        with Failing("smtp_flow_segment", OBSERVE, 2, connections_unobserved=1):
            connection.c(b"DATA\r\nEXPN root\r\n")
        connection.s(b"354 go\r\n")
        connection.c(b"text " * 20000)


@test("M memory", "events that could not be told are counted in the next")
def _(family):
    with Monitor("-j") as monitor, greeted(FIXUP, family, READY_PIX) as connection:
        monitor.lines(1)
        with Failing("smtp_event_tell", FIXUP, commands_blocked=FAILURES):
            for _ in range(FAILURES):
                connection.c(b"EXPN root\r\n", b"XXXX root\r\n")
                connection.s(b"500 no\r\n")
        connection.c(b"EXPN root\r\n", b"XXXX root\r\n")
        found = [event.get("suppressed") for event in monitor.events()]
        if found != [FAILURES]:
            raise Mismatch("suppressed before each event: %r" % found)


def main():
    policies()
    failslab(stacktrace_depth=32, ignore_gfp_wait="Y", verbose=0)
    suite.TESTS[:] = [entry for entry in suite.TESTS if entry[4].__module__ == __name__]
    return suite.run(only=sys.argv[1] if len(sys.argv) > 1 else None)


if __name__ == "__main__":
    sys.exit(main())
