#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the tool has the kernel do: save, restore, flush.

Started by suite.sh in the guest.
"""
import argparse
import os
import random
import socket
import struct
import subprocess
import sys
import time

import suite
from net import PATIENCE, READY, READY_PIX, Connection, Inside, Mismatch, compare, counters, tool
from suite import test

SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))


def restore(text, namespace="router", status=0):
    """smtpfixup restore with that on standard input; returns what it says."""
    path = "/tmp/restore"
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    try:
        return tool("restore", path, namespace=namespace, status=status)
    finally:
        os.unlink(path)


def show(namespace="router"):
    return tool("show", namespace=namespace)


# -- show, save, restore ----------------------------------------------------

def random_line(dice):
    first = dice.randrange(1, 15)
    last = min(15, first + dice.choice((0, 0, 1, 2, 2, 3, 5, 9)))
    what = dice.choice(("off", "off", "fixup", "esmtp", "esmtp tls allow",
                        "fixup banner text 'it''s a \"text\"  #1'"))
    what = what.replace("''", "'\\''")
    return "set %d-%d %s" % (first, last, what)


def in_force(lines):
    """What each port is under, worked out the slow way: the narrowest range,
    of equal ones the last. An off with nothing below it is forgotten."""
    ranges = {}
    for line in lines:
        _, words, what = line.split(" ", 2)
        first, _, last = words.partition("-")
        key = int(first), int(last or first)
        ranges.pop(key, None)
        ranges[key] = what
        for number, (off, policy) in enumerate(list(ranges.items())):
            if policy == "off" and not any(
                    other != "off" and first <= off[1] and off[0] <= last and
                    (last - first, -at) > (off[1] - off[0], -number)
                    for at, ((first, last), other) in enumerate(ranges.items())):
                ranges[off] = None
        ranges = {key: what for key, what in ranges.items() if what}
    found = {}
    for port in range(1, 16):
        best = None
        for (first, last), what in ranges.items():
            if first <= port <= last and (best is None or last - first <= best[0]):
                best = last - first, what
        found[port] = best[1] if best else "off"
    return found


def by_set(text, namespace):
    """Feed lines back one by one, as a shell would take them."""
    with Inside(namespace):
        subprocess.run(["sh", "-e", "-c", "".join(
            "%s %s\n" % (os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                      "../../userspace/smtpfixup"), line)
            for line in text.splitlines())], check=True, timeout=100)


for number in range(6):
    @test("show", "a random configuration fed back by set and by restore, "
          "seed %d.%d" % (SEED, number), families=(4,))
    def _(_family, number=number):
        dice = random.Random("%d.%d" % (SEED, number))
        restore("")
        lines = [random_line(dice) for _ in range(dice.randrange(3, 14))]
        by_set("\n".join(lines), "router")
        shown = show()
        if in_force(lines) != in_force(shown.splitlines()):
            raise Mismatch("set:\n%s\nshown:\n%s" % ("\n".join(lines), shown))
        restore("", namespace="client")
        by_set(shown, "client")
        compare(show("client").encode(), shown.encode(), "show after feeding it back")
        restore("set 1-15 esmtp\nset 7 off\n", namespace="client")
        restore(tool("save"), namespace="client")
        compare(show("client").encode(), shown.encode(), "show after restore")
        restore(shown)
        compare(show().encode(), shown.encode(), "show after restore in its place")


@test("restore", "the whole configuration is replaced", families=(4,))
def _(_family):
    restore("set 25-30 fixup\nset 587 esmtp\n")
    restore("# of a PIX\n: Saved\nfixup protocol smtp 25\nfixup protocol smtp 26-27\n"
            "no fixup protocol smtp 26\n\ninspect esmtp\n")
    compare(show().encode(), b"set 25 esmtp\nset 26-27 fixup\nset 26 off\n", "show")
    restore("")
    compare(show().encode(), b"", "show after an empty file")


@test("restore", "an off before the range that it is an exception of", families=(4,))
def _(_family):
    restore("set 26 off\nset 25-30 fixup\nset 40 off\n")
    compare(show().encode(), b"set 25-30 fixup\nset 26 off\n", "show")


@test("restore", "nothing changes where a line is wrong", families=(4,))
def _(_family):
    restore("set 25-30 fixup\n")
    for text, line in (("set 25 off\nset 26 bogus\n", 2), ("frobnicate\n", 1),
                       ("set 25 off\n\nset 26 esmtp banner text 'x\n", 3)):
        try:
            restore(text, status=1)
            tool("show")
        finally:
            compare(show().encode(), b"set 25-30 fixup\n", "show")
        with Inside("router"):
            done = subprocess.run(
                [os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "../../userspace/smtpfixup"), "restore"],
                input=text, capture_output=True, text=True, timeout=60, check=False)
        if "stdin:%d: " % line not in done.stderr:
            raise Mismatch("no line number: %r" % done.stderr)


@test("restore", "ranges that stay go on counting, the others do not")
def _(family):
    restore("set 25 fixup\nset 26 fixup\n")
    before = counters()["25"]["connections"]
    with Connection(25, family) as connection:
        connection.s(READY, READY_PIX)
        restore("set 25 esmtp banner keep\nset 27 fixup\n")
        now = counters()
        if now["25"]["connections"] != before + 1 or "26" in now:
            raise Mismatch("counters are %r" % now)
        # The connection keeps the policy that it began with
        connection.c(b"EHLO x\r\n", b"XXXX x\r\n")
        connection.s(b"500 no\r\n")
    with Connection(25, family) as connection:
        connection.s(READY)
    if counters()["25"]["connections"] != before + 2:
        raise Mismatch("it does not go on counting")


@test("restore", "many ranges at once", families=(4,))
def _(_family):
    many = "".join("set %d-%d fixup banner text 'a text that is not short'\n" % (
        port, port + 3) for port in range(1000, 31000, 5))
    restore(many)
    compare(show().encode(), many.encode(), "show")
    restore("")


# -- the messages themselves ------------------------------------------------

class Netlink:
    """Just enough generic netlink to send what the tool would not."""

    def __init__(self, namespace):
        with Inside(namespace):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.socket.bind((0, 0))
        self.socket.settimeout(PATIENCE)
        for option in (10, 11):     # NETLINK_CAP_ACK, NETLINK_EXT_ACK
            self.socket.setsockopt(270, option, 1)
        reply = self.ask(16, 3, attr(2, b"smtp_fixup\0"))
        self.family = dict(attrs(reply[0][20:]))[1]
        self.family = struct.unpack("H", self.family)[0]

    def ask(self, family, command, payload):
        """Messages up to the ack; the last one is that."""
        self.socket.send(struct.pack("IHHII", 20 + len(payload), family, 5, 1, 0) +
                         struct.pack("BBH", command, 1, 0) + payload)
        messages = []
        while True:
            data = self.socket.recv(65536)
            while data:
                size, kind = struct.unpack_from("IH", data)
                messages.append(data[:size])
                data = data[(size + 3) & ~3:]
                if kind == 2:
                    return messages

    def refused(self, command, payload):
        """(errno, text, offset of what is at fault) of a request."""
        ack = self.ask(self.family, command, payload)[-1]
        error = -struct.unpack_from("i", ack, 16)[0]
        told = dict(attrs(ack[36:]))
        return (error, told.get(1, b"").rstrip(b"\0").decode(),
                struct.unpack("I", told[2])[0] if 2 in told else None)


def attr(kind, data):
    size = 4 + len(data)
    return struct.pack("HH", size, kind) + data + b"\0" * (-size % 4)


def attrs(data):
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        yield kind & 0x3fff, data[4:size]
        data = data[(size + 3) & ~3:]


A_PORTS, A_MODE, A_BANNER, A_TLS, A_VERBS, A_COUNTERS = 2, 3, 4, 5, 6, 8
NESTED = 0x8000


def number_of(kind, prefix):
    """{name: number} of an enum of the header: they are still on the move."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "../../kmod/uapi/linux/smtp_fixup.h")
    with open(path, encoding="ascii") as file:
        text = file.read()
    body = text.split("enum smtp_fixup_%s {" % kind)[1].split("};")[0]
    names = [line.strip().split(",")[0] for line in body.splitlines()]
    prefix = "SMTP_FIXUP_" + prefix
    names = [name for name in names if name.startswith("SMTP_FIXUP_")]
    return {name[len(prefix):]: number for number, name in enumerate(names)}


def policy_attr():
    attrs_, commands = number_of("attr", "A_"), number_of("cmd", "CMD_")
    return (attrs_["POLICY"], attrs_["IIF"], attrs_["ASSIGN"],
            commands["POLICY_REPLACE"], commands["FLUSH"])


def ports(first, last):
    return attr(A_PORTS | NESTED, attr(1, struct.pack("H", first)) +
                attr(2, struct.pack("H", last)))


@test("restore", "the kernel names the entry that it refuses, and changes nothing",
      families=(4,))
def _(_family):
    a_policy, a_iif, a_assign, replace, flush = policy_attr()
    fixup = ports(26, 26) + attr(A_MODE, b"\1")
    restore("set 25-30 fixup\n")
    netlink = Netlink("router")
    good = attr(a_policy | NESTED, ports(587, 587) + attr(A_MODE, b"\1"))
    at = 20 + len(good)
    for inner, text, where in (
            (ports(26, 26), "", at),
            (attr(A_MODE, b"\1"), "", at),
            (ports(26, 25) + attr(A_MODE, b"\1"), "lower than the first",
             at + 4 + 4 + 8),
            (ports(26, 26) + attr(A_MODE, b"\1") + attr(A_TLS, b"\1"), "EHLO",
             at + 4 + len(ports(26, 26)) + 8),
            (ports(26, 26) + attr(A_MODE, b"\0") + attr(A_BANNER, b"\0"),
             "Mode off takes no options", at + 4 + len(ports(26, 26)) + 8),
            (ports(26, 26) + attr(A_MODE, b"\1") + attr(A_VERBS, b"\1" + b"\0" * 7),
             "QUIT", at + 4 + len(ports(26, 26)) + 8),
            (fixup + attr(a_iif, b"a/b\0"), "printable ASCII", at + 4 + len(fixup)),
            (fixup + attr(a_iif, b"\0"), "1 to 15", at + 4 + len(fixup)),
            (fixup + attr(a_iif, b"0123456789abcdef\0"), "", at + 4 + len(fixup)),
            (fixup + attr(a_iif, b"eth0"), "", at + 4 + len(fixup)),
            (fixup + attr(a_assign, b"\2"), "", at + 4 + len(fixup)),
            (fixup + attr(a_assign, b"\1") + attr(a_iif, b"eth0\0"), "assign auto",
             at + 4 + len(fixup) + 8),
            (ports(26, 26) + attr(A_MODE, b"\xc8"), "", at + 4 + len(ports(26, 26))),
            (ports(26, 26) + attr(A_MODE, b""), "", at + 4 + len(ports(26, 26))),
            (ports(26, 26) + attr(A_MODE, b"\1") + attr(A_COUNTERS, b""), "",
             at + 4 + len(ports(26, 26)) + 8)):
        error, told, offset = netlink.refused(
            replace, good + attr(a_policy | NESTED, inner) + good)
        if not error or text not in told or offset is None or offset != where:
            raise Mismatch("%r: errno %d, %r at %r, wanted %r at %d" % (
                inner, error, told, offset, text, where))
        compare(show().encode(), b"set 25-30 fixup\n", "show")
    for payload in (ports(26, 25), attr(A_PORTS, b""), attr(A_MODE, b"\1"), b"\1\0\1\0"):
        error, told, offset = netlink.refused(flush, payload)
        if not error:
            raise Mismatch("flush takes %r" % payload)
    netlink.socket.close()


@test("restore", "X9: matches and tables that make no sense are refused, nothing changes",
      families=(4,))
def _(_family):
    names, replace = number_of("attr", "A_"), policy_attr()[3]
    restore("set 25-30 fixup\n")
    netlink = Netlink("router")
    fixup = ports(26, 26) + attr(A_MODE, b"\1")
    match = attr(1 | NESTED, attr(1, b"\3") + attr(2, b"\1") + attr(4, b"a\0"))
    table = struct.pack("<HH256xBHH", 1, 1, 0, 0, 0)

    def body(matches, what=4, octets=table):
        return (fixup + attr(names["MATCHES"] | NESTED, matches) +
                (attr(names["TABLES"] | NESTED, attr(what, octets)) if octets else b""))

    for inner, text in (
            (body(match, octets=None), "without its table"),
            (body(b"", octets=table), "belongs to no match"),
            (body(match, what=5), "without its table"),
            (body(match * 65), "64 matches"),
            (body(match, octets=b""), "without its table"),
            (body(match, octets=table[:100]), "too short"),
            (body(match, octets=table[:-1]), "leads out of itself"),
            (body(match, octets=table + b"\0"), "too long"),
            (body(match, octets=struct.pack("<HH256xBHH", 1, 1, 2, 0, 0)), "leads out"),
            (body(match, octets=struct.pack("<HH256xBHHBH", 1, 1, 0, 0, 1, 0, 1)), "leads out"),
            (body(match, octets=b"\xff\xff" + table[2:]), "too many states"),
            (body(match, octets=b"\0" * len(table)), "too many states"),
            (body(attr(1 | NESTED, attr(1, b"\3") + attr(2, b"\1"))), "lacks"),
            (body(attr(1 | NESTED, attr(1, b"\x63") + attr(2, b"\1") + attr(4, b"a\0"))), ""),
            (body(attr(1 | NESTED, attr(1, b"\3") + attr(2, b"\0") + attr(4, b"a\0"))), ""),
            (body(attr(1 | NESTED, attr(1, b"\3") + attr(2, b"\1") + attr(4, b"\0"))),
             "no pattern"),
            (body(attr(1 | NESTED, attr(1, b"\3") + attr(2, b"\1") + attr(4, b"\1\0"))),
             "printable"),
            (body(attr(1 | NESTED, attr(1, b"\3") + attr(2, b"\1") + attr(4, b"a\0") +
                       attr(5, b"A\0"))), "looks at no header"),
            (body(attr(1 | NESTED, attr(1, b"\5") + attr(2, b"\1") + attr(4, b"a\0") +
                       attr(5, b"A:\0")), what=6), "letters, digits"),
            (body(attr(1 | NESTED, attr(1, b"\5") + attr(2, b"\1") + attr(4, b"a\0") +
                       attr(5, b"A" * 65 + b"\0")), what=6), ""),
            (body(attr(1 | NESTED, attr(1, b"\5") + attr(2, b"\2") + attr(4, b"a\0")), what=6),
             "nothing of a message is masked"),
            (body(attr(1 | NESTED, attr(1, b"\1") + attr(2, b"\1") + attr(4, b"a\0")), what=2),
             "needs EHLO")):
        error, told, _offset = netlink.refused(
            replace, attr(names["POLICY"] | NESTED, inner))
        if not error or text not in told:
            raise Mismatch("%r: errno %d, %r, wanted %r" % (inner, error, told, text))
        compare(show().encode(), b"set 25-30 fixup\n", "show")
    error, told, _offset = netlink.refused(
        replace, attr(names["POLICY"] | NESTED, body(match)))
    if error:
        raise Mismatch("errno %d, %r" % (error, told))
    compare(show().encode(), b"set 26 fixup match sender a log\n", "show")
    # No match at all is the same as no such attribute
    error, told, _offset = netlink.refused(
        replace, attr(names["POLICY"] | NESTED, body(b"", octets=None)))
    if error or "matches" in tool("-j", "show"):
        raise Mismatch("errno %d, %r, %s" % (error, told, tool("-j", "show")))
    netlink.socket.close()


# -- flush ------------------------------------------------------------------

def flushed(*words):
    return int(tool("flush", *words).split()[0])


def expect_reset(end):
    """That end hears of it, and gets no byte before."""
    end.sock.settimeout(PATIENCE)
    try:
        got = end.sock.recv(1000)
    except ConnectionResetError:
        return
    except TimeoutError:
        got = b"nothing at all"
    raise Mismatch("the %s got %r, not a reset" % (end.name, got))


def both_end(connection, speaker):
    speaker.sock.sendall(b"250 MAIL\r\n")
    for end in (connection.client, connection.server):
        expect_reset(end)


def at_greeting(port, family):
    return Connection(port, family)


def at_commands(port, family):
    connection = Connection(port, family)
    connection.s(READY, READY_PIX)
    connection.c(b"NOOP\r\n")
    connection.s(b"250 ok\r\n")
    return connection


def in_body(port, family):
    connection = at_commands(port, family)
    connection.c(b"DATA\r\n")
    connection.s(b"354 go\r\n")
    connection.c(b"Subject: x\r\n\r\nbody\r\n")
    return connection


def in_tls(port, family):
    connection = at_commands(port, family)
    connection.c(b"STARTTLS\r\n")
    connection.s(b"220 go\r\n")
    connection.c(b"\x16\x03\x01 hello")
    connection.s(b"\x16\x03\x01 hello")
    return connection


for title, begin in (("before the greeting", at_greeting), ("in commands", at_commands),
                     ("in a body", in_body), ("in TLS", in_tls)):
    for side in ("client", "server"):
        @test("flush", "both ends notice, %s, the %s speaks first" % (title, side))
        def _(family, begin=begin, side=side):
            restore("set 25 esmtp tls allow\nset 26 fixup\n")
            before = counters()["25"]["connections_flushed"]
            with begin(25, family) as connection, at_commands(26, family) as other:
                if flushed("25") != 1 or flushed("25"):
                    raise Mismatch("flush counts wrongly")
                flows = tool("flows")
                if flows.count("\n") != 2 or "fixup" not in flows:
                    raise Mismatch("flows: %r" % flows)
                both_end(connection, getattr(connection, side))
                other.c(b"NOOP\r\n")
                other.s(b"250 ok\r\n")
                if counters()["25"]["connections_flushed"] != before + 1:
                    raise Mismatch("connections_flushed is not counted")
                if flushed() != 1:
                    raise Mismatch("the other one is not flushed")
                both_end(other, other.client)


@test("flush", "a change holds for new connections, flush ends the old ones")
def _(family):
    restore("set 25 fixup\n")
    with at_commands(25, family) as old:
        tool("set", "25", "esmtp", "banner", "keep")
        old.c(b"EHLO x\r\n", b"XXXX x\r\n")
        old.s(b"500 no\r\n")
        with Connection(25, family) as new:
            new.s(READY)
        # What is closed is not flushed
        new.client.sock.close()
        if flushed() != 1:
            raise Mismatch("not exactly the old one")
        both_end(old, old.client)
    with Connection(25, family) as new:
        new.s(READY)


@test("flush", "with numbers that are shifted, both ends notice")
def _(family):
    restore("set 25 esmtp banner text 'a text that is longer than the server has it' "
            "reject noop ehlo strip\n")
    for side in ("client", "server"):
        with Connection(25, family) as connection:
            connection.s(READY, b"220 a text that is longer than the server has it\r\n")
            connection.c(b"X\r\n", b"NOOP\r\n")
            connection.s(b"250 ok\r\n")
            if flushed() != 1:
                raise Mismatch("flush counts wrongly")
            both_end(connection, getattr(connection, side))


@test("flush", "an ACK that is late is not all that brings a RST, both ends notice")
def _(family):
    restore("set 25 fixup\n")
    for speaks, silent in (("client", "server"), ("server", "client")):
        with at_commands(25, family) as connection:
            if flushed() != 1:
                raise Mismatch("flush counts wrongly")
            # A keepalive probe: no octet, and nothing that is repeated
            late = getattr(connection, silent).sock
            late.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 60)
            late.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            late.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            time.sleep(2)
            both_end(connection, getattr(connection, speaks))


@test("flush", "by masquerade and DNAT, both ends notice", families=(4,))
def _(_family):
    restore("set 2525 fixup\n")
    with Inside("router"):
        subprocess.run(["nft", "-f", "-"], check=True, text=True, input="""
            table ip translate {
                chain prerouting {
                    type nat hook prerouting priority dstnat;
                    tcp dport 2525 dnat to 10.0.2.2:25
                }
                chain postrouting {
                    type nat hook postrouting priority srcnat;
                    oifname veth-rs masquerade
                }
            }""")
    try:
        for side in ("client", "server"):
            with Connection(2525, 4, address="10.0.1.1", listen_port=25) as connection:
                connection.s(READY, READY_PIX)
                if flushed() != 1:
                    raise Mismatch("flush counts wrongly")
                both_end(connection, getattr(connection, side))
    finally:
        with Inside("router"):
            subprocess.run(["nft", "delete", "table", "ip", "translate"], check=True)


@test("flush", "needs CAP_NET_ADMIN, and so does restore", families=(4,))
def _(_family):
    restore("set 25 fixup\n")
    setpriv = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin",
               os.path.join(os.path.dirname(os.path.abspath(__file__)),
                            "../../userspace/smtpfixup")]
    for words in (["flush"], ["restore", "/dev/null"]):
        with Inside("router"):
            done = subprocess.run(setpriv + words, capture_output=True, text=True,
                                  timeout=60, check=False)
        if done.returncode != 2 or "CAP_NET_ADMIN" not in done.stderr:
            raise Mismatch("%s: %d, %r" % (words, done.returncode, done.stderr))
    compare(show().encode(), b"set 25 fixup\n", "show")


# -- a server's packet in the middle of a connection ------------------------

@test("midstream", "a packet of the server does not turn a connection round",
      families=(4,))
def _(family):
    restore("set 25 fixup midstream drop\n")
    grace = "/sys/module/nf_smtp_fixup/parameters/midstream_grace"
    with open(grace, encoding="ascii") as file:
        before = file.read()
    try:
        with open(grace, "w", encoding="ascii") as file:
            file.write("0")
        with at_commands(25, family) as connection:
            with Inside("router"):
                subprocess.run(["conntrack", "-D", "-p", "tcp", "--dport", "25"],
                               check=True, capture_output=True)
            counted = counters()["25"]["packets_midstream"]
            connection.server.send(b"250 hello\r\n")
            connection.client.expect_nothing()
            connection.client.send(b"EXPN root\r\n")
            connection.server.expect_nothing()
            if counters()["25"]["packets_midstream"] < counted + 2:
                raise Mismatch("not counted")
    finally:
        with open(grace, "w", encoding="ascii") as file:
            file.write(before)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="tests of this rule, or with this in their name")
    arguments = parser.parse_args()
    print("SEED=%d" % SEED, flush=True)
    return suite.run(only=arguments.only)


if __name__ == "__main__":
    sys.exit(main())
