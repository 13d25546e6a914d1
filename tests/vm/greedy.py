#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Memory is shared fairly: docs/rules.md H5; started by greedy.sh.

Greedy connections hold what they can of memory_limit, and honest mails go by
beside them. The greedy have both ends, packet by packet, so that nothing is
ACKed: addresses that no kernel has, behind the client's and the server's.
"""
import ipaddress
import itertools
import json
import re
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

import suite
from events import Monitor
from net import READY_PIX, SERVER, SLOWER, Inside, Mismatch, counters, greeted, tool
from raw import LINK, mac
from suite import test

LONG = "--long" in sys.argv
SCALE = 10 if LONG else 1
GREEDY = 300 * SCALE    # connections
MAILS = 100 * SCALE
MEMORY = 3 * SCALE      # MiB: bodies have three quarters, two thirds of what these want
LATEST = 2 * SLOWER     # s, a mail
AT_ONCE = 5             # mails
PORT, OTHER_PORT = 25, 26
WIRE = 1440             # octets of payload in a packet
IN_FLIGHT = 18000
# Whose lines show that they are no commands, so that they pass ahead of gaps
DOTS = (b"x." * 35 + b"\r\n") * (WIRE // 72)
PATH = "/sys/module/nf_smtp_fixup/parameters/memory_limit"
GREEDY_SERVER = {4: "10.8.0.1", 6: "fd00:8::1"}
CLIENT_SIDE, SERVER_SIDE = 0, 1
SYN, PUSH_ACK, SYN_ACK = 0x02, 0x18, 0x12


def memory_limit(mib):
    with open(PATH, "w", encoding="ascii") as file:
        file.write(str(mib))


def ip_checksum(head):
    total = sum(struct.unpack("!10H", head))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


class Links:
    """Frames from both sides to the router."""

    def __init__(self):
        self.sockets, self.heads = [], []
        for namespace, device, near in LINK:
            with Inside(namespace):
                sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                sock.bind((device, 0))
            self.sockets.append(sock)
            self.heads.append(b"".join(bytes.fromhex(address.replace(":", "")) for address in
                                       (mac("router", near), mac(namespace, device))))

    def send(self, side, addresses, ports, seq, ack, flags, data=b""):
        family = len(addresses[0])
        tcp = struct.pack("!HHIIBBHHH", *ports, seq, ack, 5 << 4, flags, 65535, 0, 0) + data
        if family == 4:
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0,
                               *addresses)
            head = head[:10] + struct.pack("!H", ip_checksum(head)) + head[12:]
        else:
            head = struct.pack("!IHBB16s16s", 6 << 28, len(tcp), 6, 64, *addresses)
        kind = b"\x08\x00" if family == 4 else b"\x86\xdd"
        self.sockets[side].send(self.heads[side] + kind + head + tcp)


LINKS = None
PORTS = itertools.cycle(range(1025, 65000))


class Greedy:
    """One connection that is in a body, with dots in flight."""

    def __init__(self, client, server):
        self.ends = client, server
        self.ports = next(PORTS), PORT
        self.said = [1000, 5000]

    def say(self, side, data, flags=PUSH_ACK):
        LINKS.send(side, self.ends[::-1] if side else self.ends,
                   self.ports[::-1] if side else self.ports,
                   self.said[side], self.said[1 - side], flags, data)
        self.said[side] += len(data) or (flags & SYN and 1)


DIALOGUE = ((SERVER_SIDE, b"220 mx\r\n"), (CLIENT_SIDE, b"HELO a\r\n"),
            (SERVER_SIDE, b"250 mx\r\n"), (CLIENT_SIDE, b"MAIL FROM:<a@example.org>\r\n"),
            (SERVER_SIDE, b"250 ok\r\n"), (CLIENT_SIDE, b"RCPT TO:<b@example.org>\r\n"),
            (SERVER_SIDE, b"250 ok\r\n"), (CLIENT_SIDE, b"DATA\r\n"),
            (SERVER_SIDE, b"354 go\r\n"))


class Attack:
    """with Attack(family, addresses, gap): so many greedy connections from there;
    they go on to send until the end."""

    def __init__(self, family, addresses, gap=False):
        pack = [ipaddress.ip_address(address).packed for address in addresses]
        server = ipaddress.ip_address(GREEDY_SERVER[family]).packed
        self.greedy = [Greedy(pack[n % len(pack)], server) for n in range(GREEDY)]
        self.gap = gap
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.go_on)

    def each(self, side, data, flags=PUSH_ACK):
        for greedy in self.greedy:
            greedy.say(side, data, flags)
        time.sleep(0.05)    # what follows is answered by the other side

    def send_dots(self, octets):
        for greedy in self.greedy:
            for _ in range(octets // WIRE):
                greedy.say(CLIENT_SIDE, DOTS)

    def go_on(self):
        """More of the same: what the filter takes back is wanted again."""
        while not self.stop.wait(0.02):
            for greedy in self.greedy[::10]:
                if self.stop.is_set():
                    return
                if greedy.said[CLIENT_SIDE] < 40000:
                    greedy.say(CLIENT_SIDE, DOTS)

    def __enter__(self):
        self.each(CLIENT_SIDE, b"", SYN)
        self.each(SERVER_SIDE, b"", SYN_ACK)
        for side, data in DIALOGUE:
            self.each(side, data)
        if self.gap:
            for greedy in self.greedy:
                greedy.said[CLIENT_SIDE] += 1
        self.send_dots(IN_FLIGHT)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for greedy in self.greedy:
            LINKS.send(CLIENT_SIDE, greedy.ends, greedy.ports, greedy.said[CLIENT_SIDE], 0, 4)


# Lines as people write them: a dot each, and some that begin with one
MAIL = b"".join(b"..This is line %d of a mail, and it ends here.\r\n" % n if n % 10 == 0 else
                b"This is line %d of a mail, as long as most of them are.\r\n" % n
                for n in range(300))


def expect(file, code):
    line = file.readline()
    if not line.startswith(code):
        raise Mismatch("got %r, wanted %r" % (line, code))


def send_mail(family):
    """Returns how long it took."""
    began = time.monotonic()
    domain = socket.AF_INET6 if family == 6 else socket.AF_INET
    with Inside("client"):
        sock = socket.socket(domain, socket.SOCK_STREAM)
    sock.settimeout(30 * SLOWER)
    with sock:
        sock.connect((SERVER[family], PORT))
        with sock.makefile("rb") as file:
            expect(file, b"220")
            for line, code in ((b"HELO a", b"250"), (b"MAIL FROM:<a@example.org>", b"250"),
                               (b"RCPT TO:<b@example.org>", b"250"), (b"DATA", b"354"),
                               (MAIL + b".", b"250"), (b"QUIT", b"221")):
                sock.sendall(line + b"\r\n")
                expect(file, code)
    return time.monotonic() - began


class Mails:
    """So many mails, some at once."""

    def __init__(self, family):
        self.family, self.took, self.errors = family, [], []
        self.left = iter(range(MAILS))
        self.lock = threading.Lock()
        threads = [threading.Thread(target=self.some, args=(family,)) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def some(self, family):
        while True:
            with self.lock:
                if next(self.left, None) is None or len(self.errors) > 3:
                    return
            try:
                took = send_mail(family)
            except (OSError, Mismatch) as error:
                self.errors.append(repr(error))
            else:
                self.took.append(took)

    def check(self, what):
        if self.errors:
            raise Mismatch("%s: %s" % (what, "; ".join(self.errors)))
        if max(self.took) > LATEST:
            raise Mismatch("%s: the latest took %.2f s" % (what, max(self.took)))
        print("      %s: %d mails, half took %.2f s, the latest %.2f s" % (
            what, len(self.took), statistics.median(self.took), max(self.took)), flush=True)


class Told:
    """with Told(): who is told to have been refused memory, and what he held, KiB."""

    def __init__(self):
        self.sources = {}
        self.monitor = Monitor("-j")
        self.thread = threading.Thread(target=self.read)

    def read(self):
        for line in self.monitor.process.stdout:
            event = json.loads(line)
            if event["event"] == "source_refused":
                source, held = re.fullmatch(r"(\S+) holds (\d+) KiB", event["words"]).groups()
                self.sources[source] = max(self.sources.get(source, 0), int(held))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.monitor.process.terminate()
        self.thread.join()
        self.monitor.__exit__()


def forget():
    """The router forgets all connections, and what they hold."""
    with Inside("router"):
        subprocess.run(["conntrack", "-F"], check=True, capture_output=True)
    time.sleep(0.5)


def attacked(family, addresses, gap, names, *want):
    """All honest mails arrive in time, these counters grow, and an event names those
    that hold too much: some of these, and nobody else."""
    memory_limit(MEMORY)
    before = counters()[str(PORT)]
    with greeted(OTHER_PORT, family, READY_PIX) as old, Told() as told:
        with Attack(family, addresses, gap):
            mails = Mails(family)
            old.c(b"EXPN root\r\n", b"XXXX root\r\n")
            grown = {name: n - before[name] for name, n in counters()[str(PORT)].items()
                     if name != "mode"}
        forget()
    print("      " + " ".join("%s %d" % (name, grown[name]) for name in (
        "connections", "segments_ahead", "memory_refused", "sources_refused",
        "connections_reclaimed")), flush=True)
    print("      told: %r" % dict(list(told.sources.items())[:3]), flush=True)
    mails.check("attacked")
    for name in want:
        if not grown[name]:
            raise Mismatch("%s is what it was" % name)
    if not told.sources or not told.sources.keys() <= set(names):
        raise Mismatch("%r are told to be greedy, wanted %r" % (set(told.sources), names))
    # A source has as much as is left, a network twice that, of the part of bodies
    if max(told.sources.values()) > MEMORY * 1024 * 3 // 4 * 2 // 3:
        raise Mismatch("more than their share: %r" % told.sources)


ONE = {4: ["10.9.1.7"], 6: ["fd00:9:0:7::%x" % n for n in range(1, 1000)]}
ONE_NAMES = {4: ["10.9.1.7/32"], 6: ["fd00:9:0:7::/64"]}
NETWORK = {4: ["10.9.2.%d" % n for n in range(1, 255)],
           6: ["fd00:9:1:%x::1" % n for n in range(1, 255)]}
NETWORK_NAMES = {4: ["10.9.2.0/24"], 6: ["fd00:9:1::/48"]}
MANY = {4: ["10.9.%d.1" % n for n in range(1, 31)],
        6: ["fd00:9:%x::1" % n for n in range(1, 31)]}
MANY_NAMES = {4: ["10.9.%d.1/32" % n for n in range(1, 31)],
              6: ["fd00:9:%x::/64" % n for n in range(1, 31)]}


@test("H5", "mails with nobody greedy beside them")
def _(family):
    memory_limit(MEMORY)
    send_mail(family)
    Mails(family).check("in peace")


@test("H5", "one source's dots in flight, in thousands of connections")
def _(family):
    attacked(family, ONE[family], False, ONE_NAMES[family], "sources_refused")


@test("H5", "one source's gaps that are never closed")
def _(family):
    attacked(family, ONE[family], True, ONE_NAMES[family], "sources_refused",
             "segments_ahead")


@test("H5", "a whole network's dots in flight")
def _(family):
    attacked(family, NETWORK[family], False, NETWORK_NAMES[family], "sources_refused")


@test("H5", "thirty networks at once: the greediest give way")
def _(family):
    attacked(family, MANY[family], False, MANY_NAMES[family], "sources_refused",
             "connections_reclaimed")


def main():
    global LINKS
    LINKS = Links()
    tool("set", "%d,%d" % (PORT, OTHER_PORT), "fixup")
    suite.TESTS[:] = [entry for entry in suite.TESTS if entry[4].__module__ == __name__]
    return suite.run()


if __name__ == "__main__":
    sys.exit(main())
