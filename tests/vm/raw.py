#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Segments that no ordinary TCP sends; docs/design.md, "The stream contract".

Both ends are ours, packet by packet: two addresses that no kernel has, next to
the client's and the server's, whose Ethernet frames are sent and seen here.
Started by raw.sh.
"""
import itertools
import json
import select
import socket
import subprocess
import sys
import time

from scapy.layers.inet import IP, TCP, fragment
from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                fragment6)
from scapy.layers.l2 import Ether

import suite
from net import Inside, Mismatch, compare, counters, tool
from suite import test

PORT = 25
CLIENT, SERVER = 0, 1
ADDRESS = {4: ("10.0.1.77", "10.0.2.77"), 6: ("fd00:1::77", "fd00:2::77")}
# Namespace, device, the router's device
LINK = (("client", "veth-c", "veth-rc"), ("server", "veth-s", "veth-rs"))
OUTGOING = 4        # PACKET_OUTGOING
QUIET = 0.3         # s
PATIENCE = 5        # s
SPORTS = itertools.count(20000)


def ip_tool(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout


def mac(namespace, device):
    return json.loads(ip_tool("-n", namespace, "-j", "link", "show", device))[0]["address"]


class Wire:
    """Frames on both sides of the router."""

    def __init__(self):
        self.sockets, self.heads = [], []
        for side, (namespace, device, near) in enumerate(LINK):
            own = mac(namespace, device)
            for family in (4, 6):
                ip_tool("-n", "router", "neigh", "replace", ADDRESS[family][side],
                        "lladdr", own, "dev", near, "nud", "permanent")
            with Inside(namespace):
                sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                sock.bind((device, 0))
            self.sockets.append(sock)
            self.heads.append(Ether(src=own, dst=mac("router", near)))

    def send(self, side, packet):
        self.sockets[side].send(bytes(self.heads[side] / packet))

    def frames(self, side, timeout):
        """What comes in there, until nothing does for so long."""
        while select.select([self.sockets[side]], [], [], timeout)[0]:
            data, address = self.sockets[side].recvfrom(70000)
            if address[2] != OUTGOING:
                yield Ether(data)


WIRE = None


class Raw:
    """One connection, segment by segment. Offsets count payload octets."""

    def __init__(self, family, sport=None, isn=(0xfffffff0, 5000)):
        self.family, self.isn = family, list(isn)
        self.sport = sport or next(SPORTS)
        self.ends = ADDRESS[family]
        self.has = [0, 0]       # octets that each end has said and the other ACKs
        self.window = [65535, 65535]

    def build(self, side, off, data=b"", flags="PA", **fields):
        ends = self.ends
        ports = (self.sport, PORT)
        net = IPv6 if self.family == 6 else IP
        ip = {key: fields.pop(key) for key in ("ttl",) if key in fields}
        if self.family == 6 and ip:
            ip = {"hlim": ip["ttl"]}
        ack = fields.pop("ack_off", self.has[1 - side])
        fields.setdefault("seq", (self.isn[side] + 1 + off) % 2 ** 32)
        fields.setdefault("window", self.window[side])
        if "A" in flags:
            fields.setdefault("ack", (self.isn[1 - side] + 1 + ack) % 2 ** 32)
        return (net(src=ends[side], dst=ends[1 - side], **ip) /
                TCP(sport=ports[side], dport=ports[1 - side], flags=flags, **fields) / data)

    def send(self, side, off, data=b"", flags="PA", **fields):
        WIRE.send(side, self.build(side, off, data, flags, **fields))

    def forged(self, at, off, data=b"", flags="PA", **fields):
        """The other side's packet comes in at this side; nobody gets it."""
        WIRE.send(at, self.build(1 - at, off, data, flags, **fields))
        self.none(at)
        self.none(1 - at)

    def seen(self, side, timeout=QUIET):
        """The connection's packets that come to that side."""
        net = IPv6 if self.family == 6 else IP
        ports = (PORT, self.sport) if side == CLIENT else (self.sport, PORT)
        for frame in WIRE.frames(side, timeout):
            if TCP not in frame or net not in frame or frame[net].src not in self.ends:
                continue        # a redirect, say, that quotes the packet
            tcp = frame[TCP]
            if (tcp.sport, tcp.dport) == ports:
                yield self.checked(frame[net])

    @staticmethod
    def checked(packet):
        again = packet.copy()
        del again[TCP].chksum
        want = type(packet)(bytes(again))[TCP].chksum
        if packet[TCP].chksum != want:
            raise Mismatch("left with checksum 0x%04x, not 0x%04x" % (packet[TCP].chksum, want))
        return packet

    def one(self, side):
        for packet in self.seen(side, PATIENCE):
            return packet
        raise Mismatch("nothing came to the %s" % LINK[side][0])

    def none(self, side):
        for packet in self.seen(side):
            raise Mismatch("came to the %s: %s" % (LINK[side][0], packet.summary()))

    def offset(self, side, seq):
        """What of a sequence number of that side's as an offset."""
        off = (seq - self.isn[side] - 1) % 2 ** 32
        return off - 2 ** 32 if off >= 2 ** 31 else off

    def passes(self, side, off, data, want=None, at=None, **fields):
        """Sent there, one segment leaves: want (default: data), at the same place."""
        self.send(side, off, data, **fields)
        packet = self.one(1 - side)
        compare(bytes(packet[TCP].payload), data if want is None else want,
                "what the %s got" % LINK[1 - side][0])
        where = self.offset(side, packet[TCP].seq)
        if where != (off if at is None else at):
            raise Mismatch("left at octet %d, not at %d" % (where, off if at is None else at))
        return packet

    def dropped(self, side, off, data=b"", **fields):
        self.send(side, off, data, **fields)
        self.none(1 - side)

    def ack(self, side, off):
        """That side's octets are ACKed up to here."""
        self.has[side] = off
        self.passes(1 - side, self.has[1 - side], b"", flags="A")

    def say(self, side, data, want=None, resumes=None, **fields):
        """The next octets in order, and their ACK. What the other side sent too early, and
        was kept, comes to this one with them: T4."""
        off = self.has[side]
        packet = self.passes(side, off, data, want, **fields)
        if resumes is not None:
            compare(bytes(self.one(side)[TCP].payload), resumes, "what was kept left as")
        self.ack(side, off + len(data))
        return packet

    def only(self, side, want):
        """Packets of the connection, or fragments, that hold just this in all."""
        net = IPv6 if self.family == 6 else IP
        got, deadline = b"", time.monotonic() + PATIENCE
        parts = {}
        for frame in WIRE.frames(side, 1):
            if net not in frame or frame[net].src != ADDRESS[self.family][1 - side]:
                continue
            packet = frame[net]
            if net is IP:
                parts[packet.frag * 8] = bytes(packet.payload)
            elif IPv6ExtHdrFragment in packet:
                parts[packet[IPv6ExtHdrFragment].offset * 8] = bytes(
                    packet[IPv6ExtHdrFragment].payload)
            else:
                parts[0] = bytes(packet.payload)
            if time.monotonic() > deadline:
                break
        for at in sorted(parts):
            if at == len(got):
                got += parts[at]
        compare(got[TCP(got).dataofs * 4:] if got else b"", want, "what came")

    def open(self, greeting=True):
        mss = [("MSS", 1460), ("SAckOK", b"")]
        self.passes(CLIENT, -1, b"", flags="S", options=mss)
        self.passes(SERVER, -1, b"", flags="SA", options=mss)
        self.passes(CLIENT, 0, b"", flags="A")
        if greeting:
            self.say(SERVER, b"220 mx\r\n", b"220 **\r\n")
        return self

    def body(self):
        self.open()
        self.say(CLIENT, b"DATA\r\n")
        self.say(SERVER, b"354 go\r\n")
        return self.has[CLIENT]


class Counted:
    """with Counted("name", 1): that counter of port 25 grows by so much."""

    def __init__(self, name, by=1):
        self.name, self.by = name, by

    def __enter__(self):
        self.before = counters()[str(PORT)][self.name]

    def __exit__(self, kind, *_):
        grown = counters()[str(PORT)][self.name] - self.before
        if not kind and grown != self.by:
            raise Mismatch("%s grew by %d, not by %d" % (self.name, grown, self.by))


# -- contract 1: any segmentation, overlap, probes ---------------------------

@test("T2", "contract 1: overlapping segments leave as they were judged")
def _(family):
    raw = Raw(family).open()
    raw.passes(CLIENT, 0, b"EXPN ro", b"XXXX ro")
    raw.passes(CLIENT, 2, b"PN root\r\nRC", b"XX root\r\nRC")
    raw.passes(CLIENT, 0, b"EXPN root\r\nRCFY a\r\n", b"XXXX root\r\nRCXX a\r\n")
    raw.passes(CLIENT, 11, b"RCPT a\r\nNOOP\r\n", b"RCXX a\r\nNOOP\r\n")


@test("T2", "contract 1: keepalives and zero-window probes pass")
def _(family):
    raw = Raw(family).open()
    raw.say(CLIENT, b"NOOP\r\n")
    raw.passes(CLIENT, 5, b"", flags="A")
    raw.passes(CLIENT, 5, b"\n", b"*", flags="A")
    raw.window[SERVER] = 0
    raw.passes(SERVER, raw.has[SERVER], b"", flags="A")
    raw.passes(CLIENT, 6, b"N", flags="A")
    raw.passes(CLIENT, 6, b"N", flags="A")
    raw.window[SERVER] = 65535
    raw.passes(SERVER, raw.has[SERVER], b"", flags="A")
    raw.passes(CLIENT, 6, b"NXPN\r\n", b"NXXX\r\n")


@test("T2", "contract 1: FIN with data: both are judged, and a cut takes the FIN off")
def _(family):
    raw = Raw(family).open()
    packet = raw.passes(CLIENT, 0, b"EXPN\r\n", b"XXXX\r\n", flags="FPA")
    if "F" not in str(packet[TCP].flags):
        raise Mismatch("the FIN is gone")
    raw = Raw(family).open()
    packet = raw.passes(CLIENT, 0, b"DATA\r\nEXPN\r\n", b"DATA\r\n", flags="FPA")
    if set("FP") & set(str(packet[TCP].flags)):
        raise Mismatch("left with %s" % packet[TCP].flags)


@test("T2", "contract 1: a FIN beyond a gap waits")
def _(family):
    raw = Raw(family).open()
    raw.dropped(CLIENT, 6, b"", flags="FA")
    raw.say(CLIENT, b"QUIT\r\n")
    raw.passes(CLIENT, 6, b"", flags="FA")


@test("T2", "contract 1: RST with data ends the connection")
def _(family):
    raw = Raw(family).open()
    raw.passes(CLIENT, 0, b"", flags="R", seq=(raw.isn[0] + 1) % 2 ** 32)


@test("T2", "contract 1: simultaneous close")
def _(family):
    raw = Raw(family).open()
    raw.passes(CLIENT, 0, b"", flags="FA")
    raw.passes(SERVER, raw.has[SERVER], b"", flags="FA")
    raw.passes(CLIENT, 1, b"", flags="A", ack_off=raw.has[SERVER] + 1)
    raw.passes(SERVER, raw.has[SERVER] + 1, b"", flags="A", ack_off=1)


@test("T2", "contract 1: fragments are put together and judged")
def _(family):
    raw = Raw(family).open()
    line = b"EXPN " + b"a" * 1200 + b"\r\n"
    if family == 4:
        pieces = fragment(raw.build(CLIENT, 0, line), fragsize=600)
    else:
        packet = raw.build(CLIENT, 0, line)
        whole = packet.copy()
        tcp = whole[TCP]
        del tcp.chksum
        whole = IPv6(bytes(whole))      # its checksum is that of the whole
        packet = (IPv6(src=packet.src, dst=packet.dst) / IPv6ExtHdrFragment(id=raw.sport) /
                  whole[TCP])
        pieces = fragment6(packet, 700)
    if len(pieces) < 2:
        raise Mismatch("no fragments were made")
    for piece in pieces[1:] + pieces[:1]:
        WIRE.send(CLIENT, piece)
    raw.only(SERVER, b"XXXX " + b"a" * 1200 + b"\r\n")


@test("T2", "contract 1: extension headers are looked behind", families=(6,))
def _(family):
    raw = Raw(family).open()
    packet = raw.build(CLIENT, 0, b"EXPN\r\n")
    packet = IPv6(src=packet.src, dst=packet.dst) / IPv6ExtHdrDestOpt() / packet[TCP]
    WIRE.send(CLIENT, packet)
    compare(bytes(raw.one(SERVER)[TCP].payload), b"XXXX\r\n", "what the server got")


# -- contract 2: first copy wins ---------------------------------------------

@test("T2", "contract 2: a command repeated as another leaves as the first")
def _(family):
    raw = Raw(family).open()
    with Counted("segments_replayed", 3):
        raw.passes(CLIENT, 0, b"NOOP\r\n")
        raw.passes(CLIENT, 0, b"EXPN\r\n", b"NOOP\r\n")
        raw.passes(CLIENT, 0, b"EXPN\r\nDATA\r\n", b"NOOP\r\nDATA\r\n")
        raw.passes(CLIENT, 4, b"\r\nXXXX\r\nEXPN\r\n", b"\r\nDATA\r\n")


@test("T2", "contract 2: a reply repeated as another leaves as the first")
def _(family):
    raw = Raw(family).open(greeting=False)
    raw.passes(SERVER, 0, b"220 mx\r\n", b"220 **\r\n")
    raw.passes(SERVER, 0, b"554 mx\r\n", b"220 **\r\n")


@test("T2", "contract 2: an ACK that never reaches the server uncovers nothing it repeats")
def _(family):
    raw = Raw(family).open(greeting=False)
    raw.passes(SERVER, 0, b"220 mx\r\n", b"220 **\r\n")
    raw.passes(CLIENT, 0, b"", flags="A", ack_off=8)
    raw.passes(SERVER, 0, b"220 mx\r\n", b"********")
    raw.passes(SERVER, 4, b"mx\r\n250 ok\r\n", b"****250 ok\r\n")


@test("T2 D3", "contract 2: a repetition brings no end of data")
def _(family):
    raw = Raw(family)
    at = raw.body()
    with Counted("body_rewrites_refused", 2):
        raw.passes(CLIENT, at, b"0123456789")
        raw.dropped(CLIENT, at, b"\r\n.\r\nEXPN ")
        raw.dropped(CLIENT, at + 3, b"\r\n.\r\n")
        raw.passes(CLIENT, at, b"0123456789")


@test("T2", "contract 2: a copy that dies before the server does not count; one that is let through does")
def _(family):
    raw = Raw(family).open()
    raw.dropped(CLIENT, 0, b"EXPN\r\n", ttl=1)
    raw.passes(CLIENT, 0, b"NOOP\r\n", ttl=2)
    raw.passes(CLIENT, 0, b"EXPN\r\n", b"NOOP\r\n")


# -- contract 3: nothing unjudged passes -------------------------------------

@test("T2", "contract 3: a command beyond a gap is dropped")
def _(family):
    raw = Raw(family).open()
    with Counted("segments_dropped", 1):
        raw.dropped(CLIENT, 6, b"EXPN\r\n")
        raw.passes(CLIENT, 0, b"NOOP\r\nEXPN\r\n", b"NOOP\r\nXXXX\r\n")


@test("T2 D3", "contract 3: body beyond a gap passes, an end of data with more behind it does not")
def _(family):
    raw = Raw(family)
    at = raw.body()
    full = b"b" * 1000
    with Counted("segments_ahead", 1):
        raw.passes(CLIENT, at, full)
        # T3: what may be commands, right after a lost end of data, does not pass
        raw.dropped(CLIENT, at + 2000, b"MAIL FROM:<a>\r\n" * 60)
        raw.passes(CLIENT, at + 2000, b"b" * 500 + b"\r\n=2E" + b"b" * 495)
        raw.dropped(CLIENT, at + 3000, b"c" * 500 + b"\r\n.\r\nEXPN root\r\n" + b"c" * 600)
        raw.passes(CLIENT, at + 1000, full)
        raw.passes(CLIENT, at + 3000, b"\r\n.\r\nEXPN root\r\n", b"\r\n.\r\nXXXX root\r\n")


# -- a sender is told what is kept --------------------------------------------

def sacked(raw, side, blocks, at, stamps=None):
    """The far end's last ACK comes to that side once more, with these blocks."""
    packet = raw.one(side)
    tcp = packet[TCP]
    options = dict(tcp.options)
    sack = options.get("SAck", ())
    got = [tuple(raw.offset(side, edge) for edge in sack[i:i + 2]) for i in range(0, len(sack), 2)]
    compare(got, blocks, "the blocks")
    compare((raw.offset(1 - side, tcp.seq), raw.offset(side, tcp.ack)), at, "seq and ack")
    compare((str(tcp.flags), len(tcp.payload), tcp.window), ("A", 0, raw.window[1 - side]),
            "flags, payload and window")
    compare(options.get("Timestamp"), stamps, "its timestamps")


@test("T4", "who sends more behind a lost packet is told at once what is kept of it")
def _(family):
    raw = Raw(family).open()
    raw.window[SERVER] = 4321
    raw.ack(CLIENT, 0)
    with Counted("sacks_sent", 5), Counted("segments_resumed", 2):
        raw.send(CLIENT, 6, b"NOOP\r\n")
        sacked(raw, CLIENT, [(6, 12)], (8, 0))
        raw.send(CLIENT, 12, b"RSET\r\n")
        sacked(raw, CLIENT, [(6, 18)], (8, 0))
        raw.send(CLIENT, 24, b"NOOP\r\n")
        sacked(raw, CLIENT, [(24, 30), (6, 18)], (8, 0))
        raw.none(SERVER)
        # What was lost comes, and with the next ACK what was kept
        raw.passes(CLIENT, 0, b"NOOP\r\n")
        raw.has[CLIENT] = 6
        raw.send(SERVER, 8, b"", flags="A")
        compare(b"".join(bytes(raw.one(SERVER)[TCP].payload) for _ in range(2)),
                b"NOOP\r\nRSET\r\n", "what was kept")
        sacked(raw, CLIENT, [(24, 30)], (8, 6))
        raw.one(CLIENT)
        raw.send(CLIENT, 36, b"QUIT\r\n")
        sacked(raw, CLIENT, [(36, 42), (24, 30)], (8, 6))


@test("T4", "a server is told, too, and each in its own numbers")
def _(family):
    tool("set", str(PORT), "fixup", "banner", "text", "mail here", "reject", "noop")
    try:
        raw = Raw(family).open(greeting=False)
        raw.passes(SERVER, 0, b"220 mx\r\n", b"220 mail here\r\n")
        raw.send(CLIENT, 0, b"", flags="A", ack_off=15)
        raw.one(SERVER)
        raw.has[SERVER] = 15
        raw.send(CLIENT, 9, b"NOOP\r\n")
        sacked(raw, CLIENT, [(9, 15)], (15, 0))
        raw.passes(CLIENT, 0, b"A\r\n", b"NOOP\r\n")
        raw.has[SERVER], raw.has[CLIENT] = 8, 6
        raw.send(SERVER, 14, b"250 ok\r\n")
        sacked(raw, SERVER, [(14, 22)], (6, 8))
    finally:
        tool("set", str(PORT), "fixup")


@test("T4", "an ACK that is news goes on, though its payload does not")
def _(family):
    raw = Raw(family).open(greeting=False)
    raw.passes(SERVER, 0, b"220 mx\r\n", b"220 **\r\n")
    with Counted("segments_dropped", 3):
        for end in (8, 8, 4):
            raw.send(CLIENT, 6, b"NOOP\r\n", flags="FPA", ack_off=end)
            if end == 8 and not raw.has[SERVER]:
                packet = raw.one(SERVER)[TCP]
                compare((raw.offset(SERVER, packet.ack), str(packet.flags), bytes(packet.payload)),
                        (8, "A", b""), "ACK, flags and payload")
                raw.has[SERVER] = 8
            raw.none(SERVER)


@test("T4", "the ACK repeats the timestamps of the far end's newest one")
def _(family):
    def stamps(value, echo):
        return [("NOP", None), ("NOP", None), ("Timestamp", (value, echo))]
    raw = Raw(family).open()
    raw.send(SERVER, 8, b"", flags="A", options=stamps(700, 50))
    raw.one(CLIENT)
    raw.send(CLIENT, 6, b"NOOP\r\n", options=stamps(60, 700))
    sacked(raw, CLIENT, [(6, 12)], (8, 0), (700, 50))
    for off in (18, 30, 42):
        raw.send(CLIENT, off, b"NOOP\r\n", options=stamps(60, 700))
        raw.one(CLIENT)
    raw.passes(CLIENT, 0, b"NOOP\r\n", options=stamps(61, 700))
    raw.send(SERVER, 8, b"", flags="A", ack_off=6, options=stamps(701, 61))
    sacked(raw, CLIENT, [(42, 48), (30, 36), (18, 24)], (8, 6), (701, 61))
    raw.one(CLIENT)
    # RFC 7323, 5.3: with its own of 60 the server would drop it
    packet = raw.one(SERVER)
    compare(dict(packet[TCP].options)["Timestamp"], (61, 700), "timestamps of what was kept")
    # An older ACK that comes late
    raw.passes(SERVER, 8, b"", flags="A", ack_off=0, options=stamps(699, 49))
    raw.send(CLIENT, 54, b"NOOP\r\n", options=stamps(62, 700))
    sacked(raw, CLIENT, [(54, 60), (42, 48), (30, 36)], (8, 6), (701, 61))


@test("T4", "nobody is told who has not agreed on SACK, nor of what waits for a reply")
def _(family):
    raw = Raw(family)
    raw.passes(CLIENT, -1, b"", flags="S", options=[("SAckOK", b"")])
    raw.passes(SERVER, -1, b"", flags="SA")
    raw.passes(CLIENT, 0, b"", flags="A")
    with Counted("sacks_sent", 0):
        raw.dropped(CLIENT, 6, b"NOOP\r\n")
        raw.none(CLIENT)
        raw = Raw(family).open()
        raw.passes(CLIENT, 0, b"DATA\r\n")
        raw.dropped(CLIENT, 6, b"text\r\n")
        raw.dropped(CLIENT, 12, b".\r\n")
        raw.none(CLIENT)
        # The client's window is not known before its first ACK of payload
        raw = Raw(family).open(greeting=False)
        raw.dropped(SERVER, 8, b"250 ok\r\n")
        raw.none(SERVER)


# -- contract 4: what is no ordinary part of a connection --------------------

@test("T2", "contract 4: a bad checksum is INVALID: dropped, and no first copy")
def _(family):
    raw = Raw(family).open()
    with Counted("packets_invalid", 1):
        raw.dropped(CLIENT, 0, b"EXPN\r\n", chksum=0x1234)
        raw.passes(CLIENT, 0, b"NOOP\r\n")


@test("T2", "contract 4: far out of the window is INVALID")
def _(family):
    raw = Raw(family).open()
    with Counted("packets_invalid", 1):
        raw.dropped(CLIENT, 500000, b"EXPN\r\n")


@test("T2", "contract 4: without a connection: dropped, once the first minutes are over")
def _(family):
    tool("set", str(PORT), "fixup", "midstream", "drop")
    try:
        with Counted("packets_midstream", 2):
            raw = Raw(family)
            raw.dropped(CLIENT, 0, b"EXPN\r\n")
            raw.dropped(CLIENT, 0, b"EXPN\r\n", flags="A")
    finally:
        tool("set", str(PORT), "fixup")


@test("T2", "contract 4: in the first minutes a connection begun before goes on untouched")
def _(family):
    grace(300)
    try:
        with Counted("connections_preexisting", 1):
            raw = Raw(family)
            raw.passes(CLIENT, 0, b"EXPN\r\n")
            raw.passes(SERVER, 0, b"250 ok\r\n")
            raw.passes(CLIENT, 6, b"EXPN\r\n", flags="A")
    finally:
        grace(0)


def forget(raw):
    """conntrack forgets the connection."""
    with Inside("router"):
        subprocess.run(["conntrack", "-D", "-f", "ipv%d" % raw.family, "-p", "tcp",
                        "--sport", str(raw.sport)], check=True, capture_output=True)


def told(raw, side, off, data):
    """What that side sends brings itself a RST that it believes, and the other one, too."""
    raw.send(side, off, data)
    answers = [packet[TCP] for packet in raw.seen(side)]
    if [str(tcp.flags) for tcp in answers] not in (["R"], ["RA"]) or \
            raw.offset(1 - side, answers[0].seq) != raw.has[1 - side]:
        raise Mismatch("answered by %r" % answers)
    for packet in raw.seen(1 - side):
        if "R" not in str(packet[TCP].flags) or packet[TCP].payload:
            raise Mismatch("to the other side: %s" % packet.summary())


@test("T2", "contract 4: what conntrack forgot in the first minutes is not older than the policy")
def _(family):
    grace(300)
    tool("set", str(PORT), "fixup", "midstream", "drop")
    try:
        for phase in (b"", b"DATA\r\n"):
            raw = Raw(family).open()
            if phase:
                raw.say(CLIENT, phase)
                raw.say(SERVER, b"354 go\r\n")
            forget(raw)
            with Counted("packets_midstream", 2), Counted("connections_preexisting", 0):
                raw.dropped(CLIENT, raw.has[CLIENT], b"EXPN\r\n")
                raw.dropped(SERVER, raw.has[SERVER], b"250 ok\r\n")
            # The ports used again
            Raw(family, sport=raw.sport, isn=(100000, 200000)).open().say(
                CLIENT, b"EXPN\r\n", b"XXXX\r\n")
    finally:
        grace(0)
        tool("set", str(PORT), "fixup")


@test("T2", "contract 4: an ended connection that conntrack forgot ends all the same")
def _(family):
    for seconds in (300, 0):
        grace(seconds)
        try:
            for side in (CLIENT, SERVER):
                raw = Raw(family).open()
                tool("flush", str(PORT))
                forget(raw)
                told(raw, side, raw.has[side], b"250 ok\r\n")
        finally:
            grace(0)


@test("T1", "contract 4: a connection with shifted numbers that conntrack forgot ends at once")
def _(family):
    tool("set", str(PORT), "fixup", "banner", "text", "mail here")
    try:
        for side in (CLIENT, SERVER):
            raw = Raw(family).open(greeting=False)
            raw.passes(SERVER, 0, b"220 mx\r\n", b"220 mail here\r\n")
            raw.send(CLIENT, 0, b"", flags="A", ack_off=15)
            raw.one(SERVER)
            forget(raw)
            raw.has[SERVER] = 15 if side == CLIENT else 8
            told(raw, side, raw.has[side], b"250 ok\r\n")
    finally:
        tool("set", str(PORT), "fixup")


@test("T2", "contract 4: midstream reset, the default: both ends are told, whoever speaks")
def _(family):
    for side in (CLIENT, SERVER):
        for data in (b"250 ok\r\n", b""):
            raw = Raw(family)
            with Counted("packets_midstream", 1):
                told(raw, side, 0, data)


@test("flush", "flush unjudged ends what is left alone: older than the policy, or taken in its middle")
def _(family):
    tool("set", str(PORT), "off")
    try:
        older = Raw(family).open(greeting=False)
        older.say(SERVER, b"220 mx\r\n")
    finally:
        tool("set", str(PORT), "fixup", "midstream", "pass")
    middle = Raw(family)
    middle.passes(CLIENT, 0, b"EXPN\r\n")
    try:
        tool("flush", str(PORT))
        older.say(CLIENT, b"EXPN\r\n")
        middle.passes(CLIENT, 6, b"EXPN\r\n")
        tool("flush", str(PORT), "unjudged")
        told(older, CLIENT, older.has[CLIENT], b"EXPN\r\n")
        middle.send(CLIENT, 12, b"EXPN\r\n")
        if "R" not in str(middle.one(SERVER)[TCP].flags):
            raise Mismatch("it goes on")
    finally:
        tool("set", str(PORT), "fixup")


class Ruleset:
    """with Ruleset(raw, hook, action): done to that connection's packets by nft."""

    def __init__(self, raw, hook, action):
        self.family = "ip6" if raw.family == 6 else "ip"
        self.text = ("table %s raw_py {\n chain one {\n  type filter hook %s\n"
                     "  tcp sport %d %s\n }\n}\n" % (self.family, hook, raw.sport, action))

    def __enter__(self):
        with Inside("router"):
            subprocess.run(["nft", "-f", "-"], input=self.text, text=True, check=True)

    def __exit__(self, *_):
        with Inside("router"):
            subprocess.run(["nft", "delete", "table", self.family, "raw_py"], check=True)


@test("T2", "contract 4: of an exempt connection in a zone what is INVALID goes on")
def _(family):
    tool("set", str(PORT), "fixup", "assign", "explicit")
    try:
        raw = Raw(family)
        with Ruleset(raw, "prerouting priority raw", "ct original zone set 7"):
            raw.open(greeting=False)
            with Counted("packets_invalid", 0):
                raw.passes(CLIENT, 500000, b"EXPN\r\n")
    finally:
        tool("set", str(PORT), "fixup")


@test("T2", "contract 4: NOTRACK hides nothing")
def _(family):
    raw = Raw(family)
    with Ruleset(raw, "prerouting priority raw", "notrack"):
        with Counted("packets_untracked", 1):
            raw.dropped(CLIENT, 0, b"EXPN\r\n")


@test("T2", "contract 4: the RST by which the router rejects a connection comes")
def _(family):
    raw = Raw(family)
    with Ruleset(raw, "forward priority filter", "reject with tcp reset"):
        with Counted("packets_midstream", 0):
            raw.send(CLIENT, -1, flags="S")
            if "R" not in raw.one(CLIENT)[TCP].flags:
                raise Mismatch("no RST")


@test("T2", "contract 4: a copy that nft sends elsewhere is none of ours")
def _(family):
    raw = Raw(family).open()
    to = "fd00:2::2" if family == 6 else "10.0.2.2"
    with Ruleset(raw, "prerouting priority filter", 'dup to %s device "veth-rs"' % to):
        with Counted("packets_untracked", 0):
            raw.send(CLIENT, 0, b"EXPN\r\n")
            got = sorted(bytes(packet[TCP].payload) for packet in raw.seen(SERVER))
    compare(b"".join(got), b"EXPN\r\nXXXX\r\n", "what left")


@test("T2", "contract 4: data of a SYN is cut off, and judged when it comes again")
def _(family):
    raw = Raw(family)
    with Counted("syn_data_cut", 1):
        raw.passes(CLIENT, -1, b"EXPN\r\n", b"", flags="S")
    raw.passes(SERVER, -1, b"", flags="SA")
    raw.passes(CLIENT, 0, b"", flags="A")
    raw.passes(CLIENT, 0, b"EXPN\r\n", b"XXXX\r\n")


@test("H1", "MPTCP's option leaves SYN and SYN/ACK, all else stays where it was")
def _(family):
    raw = Raw(family)
    options = [("MSS", 1460), (30, b"\x01\x01"), ("NOP", None), (30, b"\x01\x01"),
               ("SAckOK", b""), ("WScale", 7)]
    nops = [("NOP", None)] * 4
    want = [("MSS", 1460), *nops, ("NOP", None), *nops, ("SAckOK", b""), ("WScale", 7)]
    with Counted("mptcp_removed", 2):
        for side, flags in ((CLIENT, "S"), (SERVER, "SA")):
            packet = raw.passes(side, -1, b"", flags=flags, options=options)
            if packet[TCP].options[:len(want)] != want:
                raise Mismatch("left with %r" % packet[TCP].options)


@test("H1", "observe counts MPTCP's option and lets it pass")
def _(family):
    tool("set", str(PORT), "fixup", "observe")
    try:
        with Counted("mptcp_removed", 1):
            packet = Raw(family).passes(CLIENT, -1, b"", flags="S", options=[(30, b"\x01\x01")])
        if (30, b"\x01\x01") not in packet[TCP].options:
            raise Mismatch("left with %r" % packet[TCP].options)
    finally:
        tool("set", str(PORT), "fixup")


@test("T2", "contract 4: urgent data becomes ordinary")
def _(family):
    raw = Raw(family).open()
    with Counted("urgent_cleared", 1):
        packet = raw.passes(CLIENT, 0, b"NOOP\r\nN", flags="PAU", urgptr=7)
    if "U" in str(packet[TCP].flags) or packet[TCP].urgptr:
        raise Mismatch("left urgent")
    raw.passes(CLIENT, 7, b"XPN\r\n", b"XXX\r\n")


@test("T2", "contract 4: a port used again is a connection of its own")
def _(family):
    raw = Raw(family).open()
    raw.say(CLIENT, b"QUIT\r\n")
    raw.passes(CLIENT, 6, b"", flags="FA")
    raw.passes(SERVER, raw.has[SERVER], b"", flags="FA", ack_off=7)
    raw.passes(CLIENT, 7, b"", flags="A", ack_off=raw.has[SERVER] + 1)
    again = Raw(family, sport=raw.sport, isn=(100000, 200000)).open()
    again.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")


def reopened(raw, count=1):
    """The same ports again, where conntrack still knows the connection before."""
    again = Raw(raw.family, sport=raw.sport, isn=(100000, 200000))
    with Counted("connections_reopened", count):
        again.send(CLIENT, -1, b"", flags="S")
        again.one(SERVER)
        again.dropped(SERVER, -1, b"", flags="SA")
    again.open()
    again.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")


@test("T2", "contract 4: the port of an open connection used again is a connection of its own")
def _(family):
    raw = Raw(family).open()
    raw.say(CLIENT, b"DATA\r\n")
    reopened(raw)


@test("T2", "contract 4: the port of a TLS connection used again is one of its own")
def _(family):
    tool("set", str(PORT), "esmtp", "tls", "allow")
    try:
        raw = Raw(family).open()
        raw.say(CLIENT, b"STARTTLS\r\n")
        raw.say(SERVER, b"220 go\r\n")
        raw.say(CLIENT, b"EXPN\r\n")
        raw.say(SERVER, b"EXPN\r\n")
        reopened(raw)
    finally:
        tool("set", str(PORT), "fixup")


@test("T2", "contract 4: a connection from before the policy hides none on its port")
def _(family):
    tool("set", str(PORT), "off")
    try:
        raw = Raw(family).open(greeting=False)
        raw.say(SERVER, b"220 mx\r\n")
    finally:
        tool("set", str(PORT), "fixup")
    raw.say(CLIENT, b"EXPN\r\n")
    reopened(raw)


@test("T2", "contract 4: a connection half open when the policy came begins once more")
def _(family):
    tool("set", str(PORT), "off")
    try:
        raw = Raw(family)
        raw.passes(CLIENT, -1, b"", flags="S")
    finally:
        tool("set", str(PORT), "fixup")
    with Counted("connections_reopened", 1):
        raw.dropped(SERVER, -1, b"", flags="SA")
    raw.open()


@test("T2", "contract 4: a connection taken in its middle hides none on its port")
def _(family):
    for words in ((), ("iif", "veth-rc")):
        tool("set", str(PORT), "fixup", *words)
        grace(300)
        try:
            raw = Raw(family)
            raw.passes(CLIENT, 0, b"", flags="A")
            reopened(raw)
        finally:
            grace(0)
            tool("set", str(PORT), "fixup")


@test("T2", "contract 4: a connection from another interface than the policy's opens at once")
def _(family):
    tool("set", str(PORT), "fixup", "iif", "veth-rs")
    try:
        raw = Raw(family).open(greeting=False)
        raw.say(SERVER, b"220 mx\r\n")
    finally:
        tool("set", str(PORT), "fixup")


@test("T1 G7", "contract 4: a port used again has no offset of the connection before")
def _(family):
    tool("set", str(PORT), "fixup", "banner", "text", "mail here")
    try:
        raw = Raw(family).open(greeting=False)
        raw.passes(SERVER, 0, b"220 mx\r\n", b"220 mail here\r\n")
        raw.send(CLIENT, 0, b"", flags="A", ack_off=15)
        raw.one(SERVER)
    finally:
        tool("set", str(PORT), "fixup")
    reopened(raw)


@test("T2 H2", "contract 4: of several SYNs of a port used again the last one counts")
def _(family):
    for end in (b"DATA\r\n", b"STARTTLS\r\n"):
        tool("set", str(PORT), "esmtp", "tls", "allow")
        try:
            raw = Raw(family).open()
            raw.say(CLIENT, end)
            raw.say(SERVER, b"354 go\r\n" if end[0] == ord("D") else b"220 go\r\n")
            again = Raw(family, sport=raw.sport, isn=(100000, 200000))
            again.passes(CLIENT, -1, b"", flags="S")
            again.send(CLIENT, -1, b"", flags="S", seq=300000)
            again.one(SERVER)
            with Counted("synacks_strange"), Counted("connections_reopened", 0):
                again.dropped(SERVER, -1, b"", flags="SA")
            again.dropped(CLIENT, 0, b"EXPN\r\n")
            again.isn[CLIENT] = 300000
            with Counted("connections_reopened"):
                again.dropped(SERVER, -1, b"", flags="SA")
            again.open()
            again.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")
        finally:
            tool("set", str(PORT), "fixup")


@test("T1 V4", "contract 4: a port used again behind a client whose numbers were shifted")
def _(family):
    tool("set", str(PORT), "fixup", "reject", "noop")
    try:
        raw = Raw(family).open()
        raw.passes(CLIENT, 0, b"A\r\n", b"NOOP\r\n")
        again = Raw(family, sport=raw.sport, isn=(100000, 200000))
        again.send(CLIENT, -1, b"", flags="S")
        shift = again.one(SERVER)[TCP].seq - 100000
        with Counted("connections_reopened"):
            again.dropped(SERVER, -1, b"", flags="SA", ack_off=shift)
        again.open()
        again.say(CLIENT, b"EXPN\r\n", b"NOOP\r\n")
    finally:
        tool("set", str(PORT), "fixup")


@test("T2", "contract 4: a SYN/ACK that comes late, and again, is the connection's own")
def _(family):
    raw = Raw(family).open()
    raw.say(CLIENT, b"HELO a\r\n")
    with Counted("connections_reopened", 0):
        raw.send(SERVER, -1, b"", flags="SA", ack_off=0)
        raw.one(CLIENT)
    raw.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")


@test("T2", "contract 4: simultaneous open: judged from the greeting")
def _(family):
    raw = Raw(family)
    raw.passes(CLIENT, -1, b"", flags="S")
    raw.passes(SERVER, -1, b"", flags="S")
    raw.passes(CLIENT, -1, b"", flags="SA")
    raw.passes(SERVER, -1, b"", flags="SA")
    raw.say(SERVER, b"220 mx\r\n", b"220 **\r\n")
    raw.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")


@test("T2", "contract 4: ICMP errors, and what is no TCP, pass by")
def _(family):
    raw = Raw(family).open()
    packet = raw.build(CLIENT, 0, b"")
    net = type(packet)
    packet = net(src=packet.src, dst=packet.dst) / b"not tcp"
    if net is IP:
        packet.proto = 253
    else:
        packet.nh = 253
    WIRE.send(CLIENT, packet)
    if not any(b"not tcp" in bytes(frame) for frame in WIRE.frames(SERVER, 1)):
        raise Mismatch("it did not pass")


# -- who may speak for whom ----------------------------------------------------

@test("H2", "a SYN/ACK that nobody asked for changes nothing, whatever the connection is at")
def _(family):
    raw = Raw(family).open()
    with Counted("synacks_strange", 3), Counted("connections_reopened", 0):
        raw.dropped(SERVER, -1, flags="SA", seq=7777, ack_off=4321)
        raw.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")
        raw.say(SERVER, b"500 no\r\n")
        raw.dropped(SERVER, -1, flags="SA", seq=7777, ack_off=-70000)
        raw.say(CLIENT, b"DATA\r\n")
        raw.say(SERVER, b"354 go\r\n")
        raw.dropped(SERVER, -1, flags="SA", ack_off=11)
        raw.say(CLIENT, b"EXPN\r\n.\r\nEXPN\r\n", b"EXPN\r\n.\r\nXXXX\r\n")


@test("H2", "a SYN/ACK that nobody asked for before the server's own")
def _(family):
    raw = Raw(family)
    raw.passes(CLIENT, -1, b"", flags="S")
    with Counted("synacks_strange", 1):
        raw.dropped(SERVER, -1, flags="SA", ack_off=-3)
    raw.open()
    raw.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")


@test("H2", "observe counts a SYN/ACK that nobody asked for and lets it pass")
def _(family):
    tool("set", str(PORT), "fixup", "observe")
    try:
        raw = Raw(family).open(greeting=False)
        with Counted("synacks_strange", 1):
            raw.send(SERVER, -1, flags="SA", seq=7777, ack_off=4321)
            raw.one(CLIENT)
    finally:
        tool("set", str(PORT), "fixup")


def rp_filter(value):
    with Inside("router"):
        for name in ("all", *(link[2] for link in LINK)):
            with open("/proc/sys/net/ipv4/conf/%s/rp_filter" % name, "w",
                      encoding="ascii") as file:
                file.write(str(value))


for loose in (0, 2):
    @test("H3", "the client cannot answer for the server, rp_filter %d" % loose)
    def _(family, value=loose):
        rp_filter(value)
        raw = Raw(family).open()
        raw.say(CLIENT, b"DATA\r\n")
        with Counted("packets_spoofed", 1):
            raw.forged(CLIENT, raw.has[SERVER], b"354 go\r\n")
        raw.dropped(CLIENT, 6, b"EXPN a\r\n.\r\n")
        raw.say(SERVER, b"503 no\r\n", resumes=b"XXXX a\r\nX\r\n")
        raw.say(CLIENT, b"EXPN a\r\n.\r\n", b"XXXX a\r\nX\r\n")

    @test("H3 S2", "the client cannot start TLS for the server, rp_filter %d" % loose)
    def _(family, value=loose):
        rp_filter(value)
        tool("set", str(PORT), "esmtp", "tls", "allow")
        try:
            raw = Raw(family).open()
            raw.say(CLIENT, b"STARTTLS\r\n")
            raw.forged(CLIENT, raw.has[SERVER], b"220 go\r\n")
            raw.dropped(CLIENT, 10, b"EXPN a\r\n")
            raw.say(SERVER, b"454 no\r\n", resumes=b"XXXX a\r\n")
            raw.say(CLIENT, b"EXPN a\r\n", b"XXXX a\r\n")
        finally:
            tool("set", str(PORT), "fixup")

    @test("H3", "the client cannot acknowledge for the server, rp_filter %d" % loose)
    def _(family, value=loose):
        rp_filter(value)
        raw = Raw(family).open()
        raw.passes(CLIENT, 0, b"NOOP\r\n")
        raw.forged(CLIENT, raw.has[SERVER], flags="A", ack_off=6)
        raw.passes(CLIENT, 0, b"EXPN\r\n", b"NOOP\r\n")

    @test("H3", "the client cannot open or end the connection for the server, rp_filter %d" % loose)
    def _(family, value=loose):
        rp_filter(value)
        raw = Raw(family)
        raw.passes(CLIENT, -1, b"", flags="S")
        with Counted("packets_spoofed", 3):
            raw.forged(CLIENT, -1, flags="SA")
            raw.open()
            raw.forged(CLIENT, raw.has[SERVER], flags="FA")
            raw.forged(CLIENT, raw.has[SERVER], flags="RA")
        raw.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")

    @test("H3", "the server cannot speak for the client, rp_filter %d" % loose)
    def _(family, value=loose):
        rp_filter(value)
        raw = Raw(family).open()
        with Counted("packets_spoofed", 3):
            raw.forged(SERVER, 0, b"NOOP\r\n")
            raw.forged(SERVER, -1, flags="S", seq=5)
            raw.forged(SERVER, 0, flags="RA")
        raw.say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")


@test("H3", "observe counts what the client says for the server and lets it pass")
def _(family):
    rp_filter(0)
    tool("set", str(PORT), "fixup", "observe")
    try:
        raw = Raw(family).open(greeting=False)
        raw.say(SERVER, b"220 mx\r\n")
        with Counted("packets_spoofed", 1):
            WIRE.send(CLIENT, raw.build(SERVER, raw.has[SERVER], b"250 a\r\n"))
            raw.one(CLIENT)
    finally:
        tool("set", str(PORT), "fixup")


class Routes:
    """with Routes(4, words): the router's route to the server's address is that."""

    def __init__(self, family, *words):
        self.words = ("-%d" % family, "-n", "router", "route")
        self.to = ADDRESS[family][SERVER]
        self.more = words

    def __enter__(self):
        rp_filter(0)
        ip_tool(*self.words, "replace", self.to, *self.more)

    def __exit__(self, *_):
        ip_tool(*self.words, "delete", self.to)


@test("H3", "where a route of equal cost goes by the client's interface, so may the server come")
def _(family):
    # IPv6 has no such routes without a next router
    near, far = (["via", "fd00:1::2"], ["via", "fd00:2::2"]) if family == 6 else ([], [])
    with Routes(family, "nexthop", *far, "dev", "veth-rs", "weight", "255",
                "nexthop", *near, "dev", "veth-rc", "weight", "1"):
        raw = Raw(family)
        with Counted("packets_spoofed", 0):
            raw.passes(CLIENT, -1, b"", flags="S")
            for flags, off, data in (("SA", -1, b""), ("PA", 0, b"220 20\r\n")):
                WIRE.send(CLIENT, raw.build(SERVER, off, data, flags))
                raw.one(CLIENT)
            raw.passes(SERVER, 8, b"250 ok\r\n")


@test("H3", "a route by the client's interface that is not the best one clears nobody", families=(6,))
def _(family):
    rp_filter(0)
    ip_tool("-6", "-n", "router", "route", "add", "default", "dev", "veth-rc")
    try:
        raw = Raw(family).open()
        raw.forged(CLIENT, raw.has[SERVER], b"250 a\r\n")
    finally:
        ip_tool("-6", "-n", "router", "route", "delete", "default", "dev", "veth-rc")


@test("H3", "client and server behind one interface: judged as ever")
def _(family):
    ends = ADDRESS[family]
    near = LINK[CLIENT]
    ip_tool("-n", "router", "neigh", "replace", ends[SERVER], "lladdr", mac(*near[:2]),
            "dev", near[2], "nud", "permanent")
    before = WIRE.sockets[SERVER], WIRE.heads[SERVER]
    WIRE.sockets[SERVER], WIRE.heads[SERVER] = WIRE.sockets[CLIENT], WIRE.heads[CLIENT]
    try:
        with Routes(family, "dev", near[2]), Counted("packets_spoofed", 0):
            Raw(family).open().say(CLIENT, b"EXPN\r\n", b"XXXX\r\n")
    finally:
        WIRE.sockets[SERVER], WIRE.heads[SERVER] = before


@test("H4", "what the client repeats of what was ACKed means nothing")
def _(family):
    raw = Raw(family).open()
    raw.say(CLIENT, b"NOOP\r\n")
    raw.passes(CLIENT, 0, b"EXPN\r\n", b"******")
    raw.passes(CLIENT, 4, b"\r\nEXPN\r\n", b"**XXXX\r\n")


# -- contract 5: lengths that change -----------------------------------------

@test("T1 V4", "contract 5: ACKs and SACK blocks are translated back")
def _(family):
    tool("set", str(PORT), "fixup", "reject", "noop")
    try:
        raw = Raw(family).open()
        raw.passes(CLIENT, 0, b"A\r\n", b"NOOP\r\n")
        raw.send(SERVER, raw.has[SERVER], b"", flags="A", ack_off=6)
        got = raw.one(CLIENT)[TCP].ack
        if raw.offset(CLIENT, got) != 3:
            raise Mismatch("ACK of %d, not of 3" % raw.offset(CLIENT, got))
        raw.has[CLIENT] = 6
        raw.passes(CLIENT, 3, b"QUIT\r\n", at=6)
        first = (raw.isn[0] + 1) % 2 ** 32
        raw.send(SERVER, raw.has[SERVER], b"", flags="A",
                 options=[("NOP", None), ("NOP", None), ("SAck", (first + 8, first + 12))])
        blocks = dict(option for option in raw.one(CLIENT)[TCP].options)["SAck"]
        if tuple(raw.offset(CLIENT, block) for block in blocks) != (5, 9):
            raise Mismatch("SACK of %r" % (blocks,))
    finally:
        tool("set", str(PORT), "fixup")


# -- contract 6: memory ------------------------------------------------------

@test("T2", "contract 6: nothing is allocated before the first payload octet")
def _(family):
    def objects():
        with open("/proc/slabinfo", encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("smtp"))
    before = objects()
    raws = [Raw(family).open(greeting=False) for _ in range(40)]
    if objects() != before:
        raise Mismatch("%d objects for silent connections" % (objects() - before))
    for raw in raws:
        raw.passes(SERVER, 0, b"220 mx\r\n", b"220 **\r\n")
    # Objects that a processor keeps for itself count as used, too
    for _ in range(400):
        if objects() > before:
            return
        Raw(family).open()
    raise Mismatch("the slab cache does not show flows")


def grace(seconds):
    with open("/sys/module/nf_smtp_fixup/parameters/midstream_grace", "w",
              encoding="ascii") as file:
        file.write(str(seconds))


def main():
    global WIRE     # pylint: disable=global-statement
    WIRE = Wire()
    tool("set", str(PORT), "fixup")
    grace(0)
    return suite.run(only=sys.argv[1] if sys.argv[1:] else None)


if __name__ == "__main__":
    sys.exit(main())
