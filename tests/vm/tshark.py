#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The same dialogues without the module's work and with it, seen by tshark.

Both ends are this one process, which says one thing at a time and waits until
it has arrived, on one processor: veth would reorder a connection that changes
its processor, and what wireshark finds is to be the module's doing alone.
"""
import base64
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import suite
from net import SLOWER, Connection, Inside, Mismatch, compare, counters, tool
from suite import test

PORT = 25
DIALOGUES = 12      # for each family
PLACES = {"client": "veth-c", "server": "veth-s"}
FOLDER = tempfile.mkdtemp()

# How soon a reader reads decides about these, not what is on the wire.
OF_TIMING = {"window_update"}

POLICIES = {
    "off": ["off"],
    "fixup": ["fixup"],
    "esmtp": ["esmtp"],
    # The greeting grows or shrinks, EHLO's reply shrinks, short verbs grow.
    "lengths": ["esmtp", "banner", "text", "this.is.one.more.mail.exchanger",
                "reject", "noop", "ehlo", "strip"],
}

GREETINGS = (b"220 mx\r\n", b"220 mail2.nwtraders.msft Microsoft ESMTP Mail Service ready\r\n")
EHLO = (b"250-mx.example\r\n250-STARTTLS\r\n250-CHUNKING\r\n250-SIZE 10240000\r\n"
        b"250-PIPELINING\r\n250 X-EXPS\r\n")
# Some get through in every policy, some in none.
OTHERS = (b"A\r\n", b"XY me\r\n", b"WIZ\r\n", b"EXPN staff\r\n", b"NOOP\r\n", b"TURN\r\n")


def body(source):
    """Text with dots of 100 bytes to 1 MB."""
    size = int(100 * 10 ** source.uniform(0, 4))
    text = base64.encodebytes(source.randbytes(size * 3 // 4)).replace(b"\n", b"\r\n")
    return text.replace(b"A", b".").replace(b"\r\n.", b"\r\n..") + b".\r\n"


def line(end):
    """What this end receives up to the end of a line."""
    got = b""
    while not got.endswith(b"\r\n"):
        octet = end.receive(1)
        if len(octet) != 1:     # the end, or why nothing came
            raise Mismatch("the %s has %r and then %r" % (end.name, got, octet))
        got += octet
    return got


def reply(conn, text):
    conn.server.send(text)
    got = line(conn.client)
    while got.split(b"\r\n")[-2][3:4] == b"-":
        got += line(conn.client)
    return got


def command(conn, text):
    """Send a command, answer what arrived; returns the reply's first digit."""
    conn.client.send(text)
    got = line(conn.server)
    verb = got[:4].upper()
    if verb == b"EHLO":
        answer = EHLO
    elif verb in (b"HELO", b"MAIL", b"RCPT", b"NOOP"):
        answer = b"250 ok\r\n"
    elif verb == b"DATA":
        answer = b"354 go\r\n"
    elif verb == b"QUIT":
        answer = b"221 bye\r\n"
    else:
        answer = b"500 what?\r\n"
    return reply(conn, answer)[:1]


def mail(conn, source):
    command(conn, b"MAIL FROM:<a@example.org>\r\n")
    command(conn, b"RCPT TO:<b@example.org>\r\n")
    command(conn, b"DATA\r\n")
    text = body(source)
    thread = threading.Thread(target=conn.client.send, args=(text,))
    thread.start()
    compare(conn.server.receive(len(text)), text, "the body")
    thread.join()
    compare(reply(conn, b"250 queued\r\n"), b"250 queued\r\n", "the reply")


def dialogue(family, seed):
    source = random.Random(seed)
    with Connection(PORT, family) as conn:
        reply(conn, source.choice(GREETINGS))
        if command(conn, b"EHLO client.example\r\n") == b"5":
            command(conn, b"HELO client.example\r\n")
        for _ in range(source.randrange(1, 3)):
            for other in source.sample(OTHERS, 3):
                command(conn, other)
            mail(conn, source)
        command(conn, b"QUIT\r\n")
        conn.close()


def captured(name, family, traffic):
    """Runs traffic; returns the files that hold what each end saw of it."""
    files, running = {}, []
    for place, device in PLACES.items():
        files[place] = os.path.join(FOLDER, "%s.%d.%s" % (name, family, place))
        with Inside(place):
            # pylint: disable=consider-using-with
            running.append(subprocess.Popen(
                ["tcpdump", "-Z", "root", "-B", "32768", "--immediate-mode", "-U", "-n", "-i", device,
                 "-w", files[place], "tcp port %d" % PORT],
                stderr=subprocess.PIPE, text=True))
    for process in running:
        if "listening on" not in process.stderr.readline():
            raise Mismatch("tcpdump does not listen")
    try:
        traffic()
        time.sleep(0.3 * SLOWER)    # the last ACK
    finally:
        for process in running:
            process.send_signal(signal.SIGINT)
    for process in running:
        told = process.communicate()[1]
        if "\n0 packets dropped by kernel" not in told:
            raise Mismatch("tcpdump: " + told)
    return files


def kinds():
    """The names of what tshark's TCP analysis can find."""
    fields = subprocess.run(["tshark", "-G", "fields"], capture_output=True,
                            text=True, check=True).stdout.splitlines()
    names = [f.split("\t")[2] for f in fields if f.split("\t")[3:4] == ["FT_NONE"]]
    return [n for n in names if n.startswith("tcp.analysis.") and n != "tcp.analysis.flags"]


KINDS = kinds()


def findings(file):
    """How often tshark finds what: {kind: count}; with "packets" and the checksums."""
    words = ["tshark", "-n", "-r", file, "--disable-protocol", "smtp",
             "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields",
             "-e", "tcp.checksum.status", "-e", "ip.checksum.status"]
    for kind in KINDS:
        words += ["-e", kind]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = collections.Counter()
    for packet in done.stdout.splitlines():
        tcp, ip, *analysis = packet.split("\t")
        found["packets"] += 1
        found["TCP checksum good"] += tcp == "1"
        found["IPv4 checksum bad"] += ip not in ("", "1")
        for kind, value in zip(KINDS, analysis):
            if value:
                found[kind.removeprefix("tcp.analysis.")] += 1
    return found


def only_kinds(found):
    return {kind: count for kind, count in found.items()
            if "checksum" not in kind and kind != "packets"}


SEEN = {}


def run_policy(name, family):
    tool("set", str(PORT), *POLICIES[name])
    before = counters().get(str(PORT), {})

    def traffic():
        for seed in range(DIALOGUES):
            dialogue(family, 100 * family + seed)

    began = time.monotonic()
    files = captured(name, family, traffic)
    took = time.monotonic() - began
    for place, file in files.items():
        found = SEEN[name, family, place] = findings(file)
        print("      | %s, at the %s: %s" % (
            name, place, " ".join("%s %d" % pair for pair in sorted(found.items()))))
        os.unlink(file)
        if found["packets"] < 20 * DIALOGUES:
            raise Mismatch("%d packets are not the traffic" % found["packets"])
        if found["TCP checksum good"] != found["packets"] or found["IPv4 checksum bad"]:
            raise Mismatch("a checksum is bad at the %s: %r" % (place, found))
    print("      | %.1f s, %.1f s in all" % (took, time.monotonic() - began))
    after = counters().get(str(PORT), {})
    if name != "off" and after["connections"] - before.get("connections", 0) != DIALOGUES:
        raise Mismatch("the module did not see the connections")


def nothing_new(name, family):
    run_policy(name, family)
    for place in PLACES:
        without, with_it = SEEN["off", family, place], SEEN[name, family, place]
        for kind, count in sorted(only_kinds(with_it).items()):
            if count > without[kind] and kind not in OF_TIMING:
                raise Mismatch("at the %s tshark finds %s %d times, without the module %d times" % (
                    place, kind, count, without[kind]))


@test("T1", "tshark: the traffic, without the module's work")
def off(family):
    run_policy("off", family)
    for place in PLACES:
        found = only_kinds(SEEN["off", family, place])
        for kind in OF_TIMING:
            found.pop(kind, None)
        if found:
            raise Mismatch("the traffic is not as calm as the tests need it: %r" % found)


@test("T1", "tshark finds nothing new under fixup, checksums are good")
def fixup(family):
    nothing_new("fixup", family)


@test("T1", "tshark finds nothing new under esmtp, checksums are good")
def esmtp(family):
    nothing_new("esmtp", family)


@test("T1 G7 V4 E4", "tshark finds nothing new behind edits of the length both ways")
def lengths(family):
    nothing_new("lengths", family)


@test("T1", "tshark would find it: two edits of the length in one segment cost a repetition")
def control(family):
    tool("set", str(PORT), *POLICIES["lengths"])

    def traffic():
        with Connection(PORT, family) as conn:
            reply(conn, GREETINGS[0])
            conn.client.send(b"A\r\nBC\r\n")
            conn.server.expect(b"NOOP\r\nNOOP\r\n")
            conn.close()

    files = captured("control", family, traffic)
    if not findings(files["client"])["retransmission"]:
        raise Mismatch("no retransmission in %r" % findings(files["client"]))


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    sys.exit(suite.run())
