#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What "smtpfixup replay" makes of captures, byte by byte.

Usage: replay.py PROGRAM [--only TEXT]
"""
import gzip
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time

import captures
from captures import ACK, FIN, PSH, RST, SYN, URG, Talk

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from counting import Tests, equal    # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = sys.argv[1]
ONLY = sys.argv[3] if sys.argv[2:3] == ["--only"] else ""
FOLDER = tempfile.TemporaryDirectory()
IN, OUT = os.path.join(FOLDER.name, "in.pcap"), os.path.join(FOLDER.name, "out.pcap")
test = Tests()

DIALOGUE = (
    ("s", b"220 mail ESMTP\r\n", b"220 **********\r\n"),
    ("c", b"EHLO a\r\n", b"EHLO a\r\n"),
    ("s", b"250-mail\r\n250-STARTTLS\r\n250 HELP\r\n", b"250-mail\r\n250-XXXXXXXA\r\n250 XXXB\r\n"),
    ("c", b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nEXPN x\r\nDATA\r\n",
     b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nXXXX x\r\nDATA\r\n"),
    ("s", b"250 1\r\n250 2\r\n500 3\r\n354 4\r\n", b"250 1\r\n250 2\r\n500 3\r\n354 4\r\n"),
    ("c", b"Subject: x\r\n\r\nEXPN\r\n.\r\nQUIT\r\n", b"Subject: x\r\n\r\nEXPN\r\n.\r\nQUIT\r\n"),
    ("s", b"250 5\r\n221 6\r\n", b"250 5\r\n221 6\r\n"),
)
CLIENT = b"".join(want for who, _, want in DIALOGUE if who == "c")
SERVER = b"".join(want for who, _, want in DIALOGUE if who == "s")
POLICY = ("esmtp", "banner", "stars")


class Result:
    """What replay said of a capture."""

    def __init__(self, *words, path=IN, write=True, status=0, ports=("25",), stdin=None):
        command = [PROGRAM, "-j", "replay", path, *ports, *words]
        if os.path.exists(OUT):
            os.unlink(OUT)
        done = subprocess.run(command + (["-w", OUT] if write else []), capture_output=True,
                              check=False, timeout=120, stdin=stdin)
        out, self.err = done.stdout.decode(), done.stderr.decode()
        if done.returncode != status or (status == 0 and self.err):
            raise AssertionError("status %d: %s" % (done.returncode, self.err[-3000:]))
        at = out.index("[\n") if "[\n" in out else len(out)
        lines = [json.loads(line) for line in out[:at].splitlines()]
        self.capture = lines[-1]["capture"] if lines else None
        self.events = [line["rule"] for line in lines if "event" in line]
        self.notes = [line["note"] for line in lines if "note" in line]
        self.lines = lines
        self.counters = json.loads(out[at:])[0] if out[at:] else None
        if write and os.path.exists(OUT):
            self.streams, self.wrong = captures.streams(OUT)


def play(talk, dialogue=DIALOGUE):
    for who, data, _ in dialogue:
        getattr(talk, who)(data)
    return talk


def whole(result, client=4242, notes=()):
    """The dialogue has left as it should, with everything right about its packets."""
    equal(result.wrong, [], "what is wrong with the packets")
    equal(result.streams[client], (CLIENT, SERVER), "what left")
    equal(result.notes, list(notes), "notes")
    equal(result.counters["bytes_masked"], 10 + 12 + 3, "bytes_masked")
    equal(result.counters["connections"], 1, "connections")
    equal(result.counters["messages"], 1, "messages")


@test("a dialogue: events, counters, and the packets that leave")
def _():
    captures.pcap(IN, play(Talk().open()).close().frames)
    result = Result(*POLICY)
    whole(result)
    equal(result.events, ["G1", "E1", "E1", "V3"], "events")
    equal(result.capture["packets"], 13, "packets")
    equal(len(captures.read(OUT)[1]), 13, "packets that left")
    text = subprocess.run([PROGRAM, "replay", IN, "25", *POLICY], capture_output=True, text=True,
                          check=True).stdout
    equal("V3   10.0.0.1:4242 > 10.0.0.2:25 command masked \"EXPN\"" in text, True, "text")
    equal("capture: 13 packets, 1 connection" in text, True, "summary")


for NAME, KIND in (("Ethernet", captures.ETHERNET), ("Linux cooked", captures.SLL),
                   ("Linux cooked v2", captures.SLL2), ("raw IP", captures.RAW),
                   ("BSD loopback, host order", captures.NULL),
                   ("BSD loopback, network order", captures.LOOP)):
    for FAMILY in (4, 6):
        @test("link type %s, IPv%d" % (NAME, FAMILY))
        def _(kind=KIND, family=FAMILY):
            captures.pcap(IN, play(Talk(kind, family).open()).close().frames, kind)
            whole(Result(*POLICY))


@test("VLAN: a tag, and two of both kinds, Ethernet and cooked")
def _():
    for tags in ([(0x8100, 5)], [(0x88a8, 7), (0x8100, 5)], [(0x9100, 7), (0x8100, 5)]):
        for kind in (captures.ETHERNET, captures.SLL):
            talk = Talk(kind, wrap=lambda p, k=kind, t=tags: [captures.link(k, p, t)])
            captures.pcap(IN, play(talk.open()).close().frames, kind)
            whole(Result(*POLICY))


@test("files: pcap in both byte orders, nanoseconds, pcapng with several interfaces, gzip, stdin")
def _():
    frames = play(Talk().open()).close().frames
    for more in ({"nano": True}, {"big": True}, {"nano": True, "big": True}):
        captures.pcap(IN, frames, **more)
        whole(Result(*POLICY))
    captures.pcapng(IN, frames, interfaces=3)
    whole(Result(*POLICY))
    with open(IN, "rb") as file, gzip.open(IN + ".gz", "wb") as zipped:
        zipped.write(file.read())
    whole(Result(*POLICY, path=IN + ".gz"))
    with open(IN + ".gz", "rb") as file:
        whole(Result(*POLICY, path="-", stdin=file))


@test("time: events and packets have that of the capture")
def _():
    captures.pcap(IN, play(Talk(start=1234567890.25).open()).frames, nano=True)
    result = Result(*POLICY)
    equal(result.lines[0]["time"], "2009-02-13T23:31:30.253000Z", "time of the greeting")
    equal(round(captures.read(OUT)[1][3][0], 6), 1234567890.253, "time of its packet")


@test("IPv6 extension headers, also in front of a fragment that is none")
def _():
    hop = struct.pack("!BB6x", 60, 0)
    options = struct.pack("!BB6x", 43, 0)
    routing = struct.pack("!BBBB4x", 44, 0, 0, 0)
    atomic = struct.pack("!BBHI", 6, 0, 0, 9)

    class Extended(Talk):
        def packet(self, who, flags, data=b"", **more):
            super().packet(who, flags, data, extension=hop + options + routing + atomic, proto=0,
                           **more)
    captures.pcap(IN, play(Extended(family=6).open()).close().frames)
    result = Result(*POLICY)
    equal((result.notes, result.counters["commands_blocked"], result.events),
          ([], 1, ["G1", "E1", "E1", "V3"]), "what was seen")


def fragmented(family, size, order):
    ident = [0]

    def wrap(packet):
        ident[0] += 1
        head = 20 if family == 4 else 40
        body, pieces = packet[head:], []
        for at in range(0, len(body), size):
            more = at + size < len(body)
            if family == 4:
                source, target = packet[12:16], packet[16:20]
                pieces.append(captures.ip4(".".join(map(str, source)), ".".join(map(str, target)),
                                           body[at:at + size], ident[0], at, more))
            else:
                fragment = struct.pack("!BBHI", 6, 0, at | more, ident[0])
                pieces.append(struct.pack("!IHBB", 6 << 28, 8 + len(body[at:at + size]), 44, 64) +
                              packet[8:40] + fragment + body[at:at + size])
        return [captures.link(captures.ETHERNET, p) for p in order(pieces)]
    return wrap


@test("fragments, in order and backwards, leave whole")
def _():
    for family in (4, 6):
        for order in (list, lambda pieces: pieces[::-1]):
            talk = Talk(family=family, wrap=fragmented(family, 24, order))
            captures.pcap(IN, play(talk.open()).close().frames)
            result = Result(*POLICY)
            whole(result)
            equal(result.capture["fragments_incomplete"], 0, "incomplete")


@test("fragments that overlap, or never are complete: named, and nothing of them passes")
def _():
    talk = play(Talk().open(), DIALOGUE[:3])
    talk.wrap = fragmented(4, 24, lambda pieces: pieces[:-1])
    talk.c(b"EXPN " + b"x" * 60 + b"\r\n")
    captures.pcap(IN, talk.frames)
    result = Result(*POLICY)
    equal(result.capture["fragments_incomplete"], 1, "incomplete")
    equal(b"EXPN" in result.streams[4242][0], False, "it left")
    talk = play(Talk().open(), DIALOGUE[:3])
    talk.wrap = fragmented(4, 24, lambda pieces: pieces[:1] + pieces[:1] + pieces[1:])
    talk.c(b"EXPN " + b"x" * 60 + b"\r\n")
    captures.pcap(IN, talk.frames)
    equal(Result(*POLICY).capture["fragments_incomplete"], 1, "incomplete")


@test("segmentation offload: 60 KB packets, length 0 in the header, bad checksums")
def _():
    for family in (4, 6):
        for size in (59000, 170000):
            body = b"line of a body\r\n" * (size // 16) + b".\r\n"
            talk = play(Talk(family=family, good=False).open(), DIALOGUE[:5])
            talk.c(body, **({"length": 0} if size > 65535 else {}))
            talk.s(b"250 5\r\n")
            captures.pcap(IN, talk.close().frames)
            result = Result(*POLICY)
            equal((result.wrong, result.notes, result.counters["messages"]), ([], [], 1), "result")
            equal(result.streams[4242][0].endswith(b"DATA\r\n" + body), True, "the body")


@test("D2 what was sent behind DATA leaves after the 354, as its sender would repeat it")
def _():
    talk = play(Talk().open(), DIALOGUE[:3])
    talk.c(DIALOGUE[3][1] + DIALOGUE[5][1])
    talk.s(DIALOGUE[4][1])
    talk.s(DIALOGUE[6][1])
    captures.pcap(IN, talk.close().frames)
    result = Result(*POLICY)
    whole(result)
    equal(result.capture["repeated"], 1, "repeated")
    kind, frames = captures.read(OUT)
    sent = [s for s in (captures.Segment(kind, f) for _, f, _ in frames) if s.data]
    equal([s.data[:7] for s in sent[3:6]], [b"MAIL FR", b"250 1\r\n", b"Subject"], "the order")
    acks = [s.ack - 1001 for s in sent if s.sport == 25]
    equal(max(acks) <= len(CLIENT), True, "nothing is ACKed that did not leave")
    equal(acks[2], len(CLIENT) - len(DIALOGUE[5][1]), "the ACK of DATA")


@test("H1 MPTCP leaves neither SYN; with --observe it stays")
def _():
    mptcp = bytes((30, 12, 1, 1)) + bytes(range(8))
    mss, sack = struct.pack("!BBH", 2, 4, 1460), bytes((1, 1, 4, 2))
    talk = Talk()
    talk.say(0, b"", SYN, options=mss + mptcp + sack)
    talk.say(1, b"", SYN | ACK, options=mss + mptcp)
    talk.packet(0, ACK)
    captures.pcap(IN, play(talk).close().frames)
    result = Result(*POLICY)
    whole(result)
    equal(result.counters["mptcp_removed"], 2, "mptcp_removed")
    left = [frame for _, frame, _ in captures.read(OUT)[1]]
    equal((mptcp in left[0], mptcp in left[1]), (False, False), "the option")
    equal(mss + b"\x01" * 12 + sack in left[0], True, "the other options")
    result = Result(*POLICY, "observe")
    equal(result.counters["mptcp_removed"], 2, "mptcp_removed, observed")
    equal(mptcp in captures.read(OUT)[1][0][1], True, "the option, observed")


@test("one octet a packet, and a packet of all sizes")
def _():
    for size in (1, 2, 3, 5, 7, 17):
        talk = Talk().open()
        for who, data, _ in DIALOGUE:
            for at in range(0, len(data), size):
                getattr(talk, who)(data[at:at + size])
        captures.pcap(IN, talk.close().frames)
        result = Result(*POLICY)
        equal((result.wrong, result.notes), ([], []), "segments of %d" % size)
        equal(len(result.streams[4242][0]), len(CLIENT), "octets of the client")
        equal(len(result.streams[4242][1]), len(SERVER), "octets of the server")
        equal(b"EXPN x" in result.streams[4242][0], False, "it left")


def rough(seed):
    """The dialogue over a bad network, captured where all of it was sent at last."""
    source = random.Random(seed)
    talk = Talk().open()
    body, quits = DIALOGUE[5][1][:-6], DIALOGUE[5][1][-6:]
    for who, data, _ in (*DIALOGUE[:5], ("c", body, None), ("s", b"250 5\r\n", None),
                         ("c", quits, None), ("s", b"221 6\r\n", None)):
        side = 0 if who == "c" else 1
        start, at, pieces = talk.next[side], 0, []
        while at < len(data):
            size = source.randrange(1, 30)
            pieces.append((start + at, data[at:at + size]))
            at += size
        for piece in list(pieces):
            if source.random() < 0.3:
                pieces.insert(source.randrange(len(pieces) + 1), piece)
        if source.random() < 0.5:
            first, second = source.randrange(len(pieces)), source.randrange(len(pieces))
            pieces[first], pieces[second] = pieces[second], pieces[first]
        if source.random() < 0.3:
            pieces.append((start, data))
        seen = set()
        for seq, piece in pieces:
            talk.packet(side, PSH | ACK, piece, seq=seq)
            seen |= set(range(seq, seq + len(piece)))
        talk.next[side] = start + len(data)
        talk.packet(1 - side, ACK)
    return talk.close()


@test("loss and reordering: 200 networks, the same octets leave")
def _():
    for seed in range(200):
        captures.pcap(IN, rough(seed).frames)
        result = Result(*POLICY)
        equal((result.wrong, result.notes), ([], []), "seed %d" % seed)
        client, server = result.streams[4242]
        equal((len(client), len(server)), (len(CLIENT), len(SERVER)), "seed %d: octets" % seed)
        equal((b"EXPN x" in client, b"STARTTLS" in server), (False, False), "seed %d" % seed)


@test("T1 changes of length: numbers, ACKs and SACK blocks follow")
def _():
    talk = Talk().open()
    talk.s(b"220 mail\r\n")
    talk.packet(0, ACK)
    talk.c(b"X\r\n")
    talk.packet(1, ACK)
    talk.s(b"500 no\r\n")
    talk.c(b"Y\r\nZ\r\nNOOP\r\n")
    talk.packet(1, ACK)
    block = struct.pack("!BBBBII", 1, 1, 5, 10, talk.next[0] - 6, talk.next[0])
    talk.packet(1, ACK, ack=talk.next[0], options=block)
    talk.s(b"500 a\r\n500 b\r\n250 c\r\n")
    captures.pcap(IN, talk.close().frames)
    result = Result("fixup", "banner", "text", "a greeting of another length", "reject", "noop")
    equal((result.wrong, result.notes), ([], []), "packets")
    equal(result.streams[4242], (b"NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n",
                                 b"220 a greeting of another length\r\n500 no\r\n500 a\r\n"
                                 b"500 b\r\n250 c\r\n"), "what left")
    kind, frames = captures.read(OUT)
    segments = [captures.Segment(kind, f) for _, f, _ in frames]
    last = [s for s in segments if s.sport == 4242][-1]
    equal((last.seq - 1001, last.ack - 5001),
          (len(result.streams[4242][0]) + 1, len(result.streams[4242][1]) + 1), "the last ACK")
    for segment in segments:
        if b"\5\n" in segment.options:
            at = segment.options.index(b"\5\n") + 2
            right = struct.unpack("!II", segment.options[at:at + 8])[1]
            equal(right - 1001, 24, "the SACK block's right edge")


@test("a gap in the capture is named, and nothing behind it is guessed at")
def _():
    talk = play(Talk().open(), DIALOGUE[:3])
    talk.next[0] += 20              # the capture has dropped them
    talk.packet(1, ACK)
    talk.c(b"EXPN behind the gap\r\n", tick=2)
    talk.packet(1, ACK)
    talk.s(b"250 yes\r\n")
    talk.c(b"EXPN again\r\n")
    captures.pcap(IN, talk.close().frames)
    result = Result(*POLICY)
    equal(result.notes, ["gap"], "notes")
    text = [line["text"] for line in result.lines if "note" in line][0]
    equal(text.startswith("gap in the capture: 20 octets of the client from offset 8 on "), True, text)
    equal(result.streams[4242][0], b"EHLO a\r\n", "what left")
    equal(result.counters["commands_blocked"], 0, "commands_blocked")


@test("a packet that was captured late is no gap")
def _():
    talk = play(Talk().open(), DIALOGUE[:3])
    before = talk.next[0]
    talk.next[0] += len(DIALOGUE[3][1])
    talk.packet(1, ACK)             # the ACK was captured before what it ACKs
    talk.packet(0, PSH | ACK, DIALOGUE[3][1], seq=before)
    play(talk, DIALOGUE[4:])
    captures.pcap(IN, talk.close().frames)
    whole(Result(*POLICY))


@test("a gap after TLS has started does not matter")
def _():
    talk = play(Talk().open(), DIALOGUE[:3])
    talk.c(b"STARTTLS\r\n")
    talk.s(b"220 go\r\n")
    talk.packet(0, ACK)
    talk.c(b"\x16\x03\x01" + bytes(500))
    talk.next[0] += 1460
    talk.packet(1, ACK)
    talk.c(b"EXPN\r\n", tick=3)
    talk.s(b"250-STARTTLS\r\n")
    captures.pcap(IN, talk.close().frames)
    result = Result("esmtp", "tls", "allow")
    equal((result.notes, result.counters["tls_started"]), ([], 1), "notes")
    kind, frames = captures.read(OUT)
    equal([captures.Segment(kind, f).data for _, f, _ in frames][-4:][0], b"250-STARTTLS\r\n", "TLS")


@test("snap length: named where octets are needed; nothing after TLS")
def _():
    captures.pcap(IN, play(Talk().open()).close().frames, snap=80)
    result = Result(*POLICY)
    equal(result.notes, ["snapped"], "notes")
    equal(result.streams[4242][0], b"EHLO a\r\n", "what left")
    captures.pcap(IN, play(Talk().open()).close().frames, snap=40)
    equal(Result(*POLICY, write=False).capture["too_short"] > 0, True, "too_short")
    talk = Talk().open()
    talk.s(b"220 a\r\n")
    talk.c(b"STARTTLS\r\n")
    talk.s(b"220 go\r\n")
    talk.packet(0, ACK)
    talk.c(bytes(1400))
    talk.s(bytes(1400))
    captures.pcap(IN, talk.close().frames, snap=96)
    result = Result("esmtp", "tls", "allow", write=False)
    equal((result.notes, result.counters["tls_started"]), ([], 1), "TLS")


@test("a connection from before the capture is named, and treated as midstream says")
def _():
    captures.pcap(IN, play(Talk().open()).close().frames[4:])
    for words, rule, left, name in (((), "packet_midstream", 0, "packets_midstream"),
                                    (("midstream", "pass"), "midstream_passed", 9,
                                     "midstream_passed")):
        result = Result(*POLICY, *words)
        equal(result.notes, ["midstream"], "notes")
        equal([line["event"] for line in result.lines if "event" in line], [rule], "events")
        equal(len(captures.read(OUT)[1]), left, "packets that left")
        equal(result.counters["connections"], 0, "connections")
        equal(result.counters[name], 9 if left == 0 else 1, name)


@test("a capture of one direction is named")
def _():
    kind = captures.ETHERNET
    frames = [f for f in play(Talk().open()).close().frames
              if captures.Segment(kind, f[1]).sport == 4242]
    captures.pcap(IN, frames)
    result = Result(*POLICY)
    equal(result.notes, ["one_way"], "notes")
    equal(result.streams, {}, "what left")


@test("ports: only those named, several ranges, and the ones that were missed are told")
def _():
    frames = play(Talk(ports=(4242, 25)).open()).frames + \
        play(Talk(ports=(4243, 587)).open()).frames + play(Talk(ports=(4244, 2525)).open()).frames
    captures.pcap(IN, frames)
    result = Result(*POLICY, ports=("587,2500-2600",), write=False)
    equal((result.counters["ports"], result.counters["connections"]), ("587", 1), "587")
    equal(result.capture["connections"], 2, "connections")
    result = Result(*POLICY, ports=("26",))
    equal(result.capture["other_ports"], {"25": 1, "587": 1, "2525": 1}, "other ports")
    equal([f for _, f, _ in captures.read(OUT)[1]], [f for _, f in frames], "what left")
    result = Result(*POLICY, ports=(), write=False)
    equal(result.counters["ports"], "25", "default")


@test("other packets leave as they are")
def _():
    arp = b"\xff" * 6 + b"\2\0\0\0\0\1\x08\x06" + bytes(46)
    udp = captures.link(captures.ETHERNET, captures.ip4("10.0.0.1", "10.0.0.2", bytes(30), proto=17))
    frames = [(1.7e9, arp), (1.7e9, udp), (1.7e9, b"\0" * 5)]
    captures.pcap(IN, frames)
    Result(*POLICY, write=False)
    subprocess.run([PROGRAM, "replay", IN, "fixup", "-w", OUT], check=True, capture_output=True)
    equal([f for _, f, _ in captures.read(OUT)[1]], [f for _, f in frames], "what left")


@test("--observe: everything is told, and the packets leave as they came")
def _():
    frames = play(Talk(good=False).open()).close().frames
    captures.pcap(IN, frames)
    for words in (("--observe",), ("observe",)):
        subprocess.run([PROGRAM, "replay", IN, *POLICY, *words, "-w", OUT], check=True,
                       capture_output=True)
        equal([f for _, f, _ in captures.read(OUT)[1]], [f for _, f in frames], "what left")
        result = Result(*POLICY, *words, write=False)
        equal(result.events, ["G1", "E1", "E1", "V3"], "events")


@test("--observe: what would wait is no gap, and what is missing is one")
def _():
    talk = play(Talk().open(), DIALOGUE[:3])
    talk.c(DIALOGUE[3][1] + DIALOGUE[5][1])
    talk.packet(1, ACK, tick=3)
    talk.s(DIALOGUE[4][1])
    talk.s(DIALOGUE[6][1])
    captures.pcap(IN, talk.close().frames)
    result = Result(*POLICY, "--observe", write=False)
    equal((result.notes, result.events), ([], ["G1", "E1", "E1", "V3"]), "notes and events")
    talk = play(Talk().open(), DIALOGUE[:3])
    talk.next[0] += 20
    talk.packet(1, ACK, tick=3)
    talk.c(b"EXPN root\r\n")
    talk.packet(1, ACK)
    captures.pcap(IN, talk.close().frames)
    equal(Result(*POLICY, "--observe", write=False).notes, ["gap"], "notes")


@test("mode off: everything leaves as it came")
def _():
    frames = play(Talk().open()).close().frames
    captures.pcap(IN, frames)
    Result("off")
    equal([f for _, f, _ in captures.read(OUT)[1]], [f for _, f in frames], "what left")


@test("V5 reject reset: a RST to both ends; drop: silence")
def _():
    captures.pcap(IN, play(Talk().open()).close().frames)
    result = Result("esmtp", "reject", "reset")
    kind, frames = captures.read(OUT)
    resets = [captures.Segment(kind, f) for _, f, _ in frames]
    equal([(s.sport, s.data) for s in resets if s.flags & RST], [(4242, b""), (25, b"")], "RSTs")
    # What precedes the command in its segment passes
    before = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
    equal((result.wrong, result.streams[4242][0]), ([], before), "what left")
    result = Result("esmtp", "reject", "drop")
    kind, frames = captures.read(OUT)
    equal([captures.Segment(kind, f).flags & RST for _, f, _ in frames], [0] * len(frames), "RSTs")
    equal(result.streams[4242][0], before, "what left")


@test("SYN data is cut, urgent is cleared")
def _():
    talk = Talk()
    mss = struct.pack("!BBH", 2, 4, 1460)
    talk.packet(0, SYN, b"EHLO a\r\n", options=mss)
    talk.next[0] += 1
    talk.say(1, b"", SYN | ACK, options=mss)
    talk.packet(0, ACK)
    talk.s(DIALOGUE[0][1])
    talk.c(DIALOGUE[1][1], flags=PSH | ACK | URG, urg=3)
    play(talk, DIALOGUE[2:])
    captures.pcap(IN, talk.close().frames)
    result = Result(*POLICY)
    whole(result)
    equal((result.counters["syn_data_cut"], result.counters["urgent_cleared"]), (1, 1), "counters")
    kind, frames = captures.read(OUT)
    equal([(s.urg, s.flags & URG) for s in (captures.Segment(kind, f) for _, f, _ in frames)],
          [(0, 0)] * len(frames), "urgent")


@test("the next connection of the same ports is one of its own; a repeated SYN is none")
def _():
    first = play(Talk().open()).close()
    second = play(Talk(isn=(90000, 70000), start=first.now + 1).open()).close()
    captures.pcap(IN, first.frames[:1] + first.frames + second.frames)
    result = Result(*POLICY, write=False)
    equal((result.notes, result.counters["connections"], result.counters["greetings_masked"]),
          ([], 2, 2), "connections")
    # A SYN that nobody answers ends nothing
    stray = Talk(isn=(777, 888), start=first.now)
    stray.say(0, b"", SYN)
    captures.pcap(IN, first.frames[:6] + stray.frames + first.frames[6:])
    whole(Result(*POLICY))


@test("sequence numbers that wrap")
def _():
    captures.pcap(IN, play(Talk(isn=(0xffffffff, 0xfffffff0)).open()).close().frames)
    result = Result(*POLICY)
    equal((result.wrong, result.notes, result.streams[4242]), ([], [], (CLIENT, SERVER)), "result")


@test("a FIN with the last octets, and one that comes before them")
def _():
    talk = play(Talk().open(), DIALOGUE[:-1])
    talk.s(DIALOGUE[-1][1], flags=PSH | FIN | ACK)
    talk.say(0, b"", FIN | ACK)
    talk.packet(1, ACK)
    captures.pcap(IN, talk.frames)
    whole(Result(*POLICY))
    talk = play(Talk().open(), DIALOGUE[:-1])
    before = talk.next[1]
    talk.next[1] += len(DIALOGUE[-1][1])
    talk.say(1, b"", FIN | ACK)
    talk.packet(1, PSH | ACK, DIALOGUE[-1][1], seq=before)
    talk.say(0, b"", FIN | ACK)
    captures.pcap(IN, talk.frames)
    result = Result(*POLICY)
    whole(result)
    kind, frames = captures.read(OUT)
    equal([s.sport for s in (captures.Segment(kind, f) for _, f, _ in frames) if s.flags & FIN],
          [25, 4242], "FINs")


@test("what still waits at the end is told")
def _():
    talk = play(Talk().open(), DIALOGUE[:3])
    talk.c(b"DATA\r\nEXPN root\r\n")
    captures.pcap(IN, talk.frames)
    result = Result(*POLICY)
    equal(result.notes, ["waiting"], "notes")
    equal(result.streams[4242][0], b"EHLO a\r\nDATA\r\n", "what left")


@test("errors: no capture, cut in its midst, another link type, nothing to write to: status 1")
def _():
    captures.pcap(IN, play(Talk().open()).close().frames)
    with open(IN, "r+b") as file:
        file.truncate(os.path.getsize(IN) - 5)
    result = Result(*POLICY, status=1)
    equal(("can't be read to its end" in result.err, result.err.count("\n")), (True, 1), result.err)
    equal(result.counters["connections"], 1, "what was read is told all the same")
    captures.pcap(IN, [], kind=147)
    equal("link type" in Result(*POLICY, status=1).err, True, "link type")
    with open(IN, "wb") as file:
        file.write(b"not a capture at all")
    equal("is no capture" in Result(*POLICY, status=1).err, True, "garbage")
    captures.pcap(IN, play(Talk().open()).close().frames)
    for target in (FOLDER.name + "/no/such", IN, "-"):
        done = subprocess.run([PROGRAM, "replay", IN, "fixup", "-w", target], capture_output=True,
                              text=True, check=False)
        equal((done.returncode, done.stderr.count("\n")), (1, 1), target)
    done = subprocess.run([PROGRAM, "replay", IN, "fixup", "-w", "/dev/full"], capture_output=True,
                          text=True, check=False)
    equal((done.returncode, "could not be written" in done.stderr), (1, True), "disk full")


@test("many connections: bounded memory, the idle ones are forgotten, and that is told")
def _():
    frames, opened = [], 70000
    for number in range(opened):
        talk = Talk(ports=(1024 + number % 60000, 25), start=1.7e9 + number / 1000)
        talk.hosts = ("10.%d.%d.1" % (number // 60000, number % 7), "10.0.0.2")
        talk.open()
        talk.s(b"220 a\r\n")
        frames += talk.frames
    captures.pcap(IN, frames)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    result = Result("fixup", write=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    equal(result.capture["connections"], opened, "connections")
    equal(result.capture["notes"]["forgotten"], opened - 65536, "forgotten")
    if used > max(before, 1 << 20):
        raise AssertionError("%d KiB" % used)


def million(path, count):
    """A body in 1460-octet packets and their ACKs, and small mails."""
    talk = play(Talk().open(), DIALOGUE[:5])
    line = (b"x" * 71 + b"\r\n") * 20
    with open(path, "wb") as file:
        captures.pcap(path + ".head", talk.frames)
        with open(path + ".head", "rb") as head:
            file.write(head.read())
        talk.frames = []
        talk.c(line)
        talk.packet(1, ACK)
        packets = []
        for _, frame in talk.frames:
            packets.append(struct.pack("<IIII", 1700000001, 0, len(frame), len(frame)) + frame)
        seq = talk.next[0] - len(line)
        data, ack = bytearray(packets[0]), bytearray(packets[1])
        for number in range(count // 2):
            struct.pack_into("!I", data, 16 + 14 + 20 + 4, (seq + number * len(line)) & 0xffffffff)
            struct.pack_into("!I", ack, 16 + 14 + 20 + 8,
                             (seq + (number + 1) * len(line)) & 0xffffffff)
            file.write(data)
            file.write(ack)
    os.unlink(path + ".head")


@test("a million packets: seconds, and memory that does not grow")
def _():
    count = int(os.environ.get("REPLAY_PACKETS") or 100000)
    million(IN, count)
    started = time.monotonic()
    result = Result(*POLICY, write=False)
    seconds = time.monotonic() - started
    equal((result.notes, result.capture["packets"]), ([], count + 8), "result")
    print("      %d packets in %.1f s" % (count, seconds))
    result = Result(*POLICY, "--observe", write=False)
    equal((result.notes, result.capture["packets"]), ([], count + 8), "observed")


if __name__ == "__main__":
    sys.exit(test.run(ONLY))
