#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Goodput of one large mail over a bad network, with a policy and without.

Mails by each in turn, and their medians compared. Started by goodput.sh, where
scripts/vm --virtual-time keeps the speed of the machine out of it.
"""
import argparse
import base64
import json
import random
import statistics
import subprocess
import sys
import threading
import time

import suite
from net import SLOWER, Connection, Inside, Mismatch, counters, tool
from suite import test

PARSER = argparse.ArgumentParser()
PARSER.add_argument("--size", type=int, default=64, help="of a mail, MiB")
PARSER.add_argument("--rounds", type=int, default=3)
PARSER.add_argument("--json", action="store_true", help="print a line for scripts/bench, too")
PARSER.add_argument("--only", help="tests with this in their name")
PARSER.add_argument("--long-path", action="store_true", help="no loss, but much in flight")
ARGUMENTS = PARSER.parse_args()
SIZE, ROUNDS = ARGUMENTS.size, ARGUMENTS.rounds
WANTED = 0.95
MIB = 1 << 20
ON, OFF = 25, 24    # ports
# On the way there, before the filter and behind; the way back is only as long.
# A percent of all packets, half of it on each link. The server's window keeps
# the queues short: no packet is lost but by chance.
PATH = "delay 5ms rate 100mbit limit 1000"
BACK = "delay 10ms limit 10000"
LOSS = PATH + " loss 0.5%"
REORDERING = PATH + " reorder 0.5%"
# Octets in flight are rate times delay there and back: 16 and 64 MiB.
LONG_PATHS = (("16 MiB in flight", "delay 265ms rate 240mbit limit 100000", "delay 265ms limit 100000", 0.95),
              ("64 MiB in flight", "delay 1060ms rate 240mbit limit 100000", "delay 1060ms limit 100000", 0.9))
COUNTS = ("segments_dropped", "segments_cut", "segments_ahead", "segments_replayed",
          "memory_refused")


def one_mib(lines):
    block = b"".join(lines)
    return block[:MIB - 2] + b"\r\n"


def base64_text():
    source = random.Random(1)
    return one_mib(base64.b64encode(source.randbytes(57)) + b"\r\n" for _ in range(MIB // 78 + 1))


def prose():
    """A dot every 80 octets."""
    source = random.Random(2)
    return one_mib(bytes(source.choices(b"abcdefghijklmnopqrstuvw   ", k=77)) + b".\r\n"
                   for _ in range(MIB // 80 + 1))


def short_sentences():
    """Five dots a line."""
    source = random.Random(3)
    return one_mib(b"".join(bytes(source.choices(b"abcdefghijklmnopqrstuvw   ", k=14)) + b"."
                            for _ in range(5)) + b"\r\n" for _ in range(MIB // 77 + 1))


def run(namespace, *words):
    with Inside(namespace):
        subprocess.run(words, check=True)


def network(there):
    for namespace, device, words in (("client", "veth-c", there), ("router", "veth-rs", there),
                                     ("server", "veth-s", BACK)):
        run(namespace, "tc", "qdisc", "replace", "dev", device, "root", "netem", *words.split())


def receive(sock, into):
    """As much as there is room for."""
    view, have = memoryview(into), 0
    while have < len(into):
        got = sock.recv_into(view[have:])
        if not got:
            raise Mismatch("the end came behind %d octets" % have)
        have += got


def goodput(port, family, block):
    """MiB/s of a body, from the 354 until the server has all of it."""
    with Connection(port, family) as conn:
        conn.server.sock.settimeout(120 * SLOWER)
        conn.client.sock.settimeout(120 * SLOWER)
        conn.server.send(b"220 ***\r\n")
        conn.client.expect(b"220 ***\r\n")
        conn.c(b"DATA\r\n")
        conn.s(b"354 go\r\n")
        got = bytearray(SIZE * MIB + 3)
        thread = threading.Thread(target=lambda: [
            conn.client.sock.sendall(part) for part in (*[block] * SIZE, b".\r\n")])
        began = time.monotonic()
        thread.start()
        receive(conn.server.sock, got)
        took = time.monotonic() - began
        thread.join()
        view = memoryview(got)
        if (view[SIZE * MIB:] != b".\r\n" or
                any(view[at * MIB:(at + 1) * MIB] != block for at in range(SIZE))):
            raise Mismatch("the mail has changed")
        conn.s(b"250 queued\r\n")
    return SIZE / took


def tell(name, port, rate):
    """Of one mail, as tests/bench/guest.py does. All of them are one round: each has
    losses of its own, so that none is to be compared with the one beside it."""
    print("\n" + json.dumps({
        "measure": "goodput, " + name, "case": "esmtp" if port == ON else "no policy",
        "for": "esmtp", "round": 0, "units": SIZE * MIB, "cpu": 0,
        "wall": round(SIZE / rate * 1e9)}), flush=True)


def long_path(there, back):
    run("router", "tc", "qdisc", "replace", "dev", "veth-rs", "root", "netem", *there.split())
    run("server", "tc", "qdisc", "replace", "dev", "veth-s", "root", "netem", *back.split())


def measure(name, block, family, wanted=WANTED):
    before = counters()[str(ON)]
    rates = {ON: [], OFF: []}
    for number in range(ROUNDS):
        for port in (ON, OFF) if number % 2 else (OFF, ON):
            rates[port].append(goodput(port, family, block))
            if ARGUMENTS.json:
                tell(name, port, rates[port][-1])
    after = counters()[str(ON)]
    ratio = statistics.median(rates[ON]) / statistics.median(rates[OFF])
    print("      | %-24s %7s %7s %7s" % (name, "least", "median", "most"))
    for port, what in ((OFF, "no policy, MiB/s"), (ON, "esmtp, MiB/s")):
        print("      | %-24s %7.2f %7.2f %7.2f" % (
            what, min(rates[port]), statistics.median(rates[port]), max(rates[port])))
    print("      | ratio %.3f; a mail: %s" % (ratio, ", ".join(
        "%s %d" % (count, (after[count] - before[count]) / ROUNDS) for count in COUNTS)), flush=True)
    if ratio < wanted:
        raise Mismatch("%.3f of the goodput without a policy, wanted %.2f" % (ratio, wanted))


def goodput_test(name, words, block):
    @test("T2/3", "goodput of %d MiB, %s" % (SIZE, name), families=(4,))
    def _(family):
        network(words)
        measure(name, block(), family)


def long_path_test(name, there, back, wanted):
    @test("T3", "goodput of %d MiB of short sentences, %s" % (SIZE, name), families=(4,))
    def _(family):
        long_path(there, back)
        measure(name, short_sentences(), family, wanted)


if ARGUMENTS.long_path:
    for path in LONG_PATHS:
        long_path_test(*path)
else:
    goodput_test("base64, loss of 1 %", LOSS, base64_text)
    goodput_test("prose, loss of 1 %", LOSS, prose)
    goodput_test("base64, reordering", REORDERING, base64_text)
    goodput_test("prose, reordering", REORDERING, prose)


if __name__ == "__main__":
    tool("set", str(ON), "esmtp")
    suite.LIMIT = 600 * SLOWER * ROUNDS
    sys.exit(suite.run(only=ARGUMENTS.only))
