#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Goodput of one long mail where the net loses or reorders segments.

netem is at work before the router, where the module sees gaps, or behind it,
where it sees repetitions. It also sets the rate, so that the net is the limit
and not this machine. The policies take turns; what counts is the medians' ratio.
"""
import base64
import os
import random
import statistics
import subprocess
import sys
import threading
import time

import suite
from net import SLOWER, Connection, Inside, Mismatch, counters, tool
from suite import test

PORT = 25
MIB = 1 << 20
MEGABYTES = int(os.environ.get("MEGABYTES") or 64)
ROUNDS = int(os.environ.get("ROUNDS") or 3)
WANTED = 0.95
POLICIES = ("off", "fixup", "esmtp")
PLACES = {"before the router": ("client", "veth-c"), "behind the router": ("router", "veth-rs")}
# A queue of 60 ms: what is in flight is what a mail's path has, not more.
NETEM = "rate 20mbit delay 5ms limit 100 "
DISTURBANCES = {"loss 1%": "loss 1%", "reorder 5% 50%": "reorder 5% 50%"}
# What says why, if the module is the slower one.
REASONS = ("segments_ahead", "segments_dropped", "segments_cut", "memory_refused")


def text(dots):
    """1 MiB of base64 in lines of 76 bytes, with a dot in each or none."""
    lines = base64.encodebytes(random.Random(25).randbytes(MIB * 3 // 4)).splitlines()
    if dots:
        lines = [line[:39] + b"." + line[40:] for line in lines]
    return b"\r\n".join(lines)[:MIB - 2].rstrip(b"\r\n").ljust(MIB - 2, b"=") + b"\r\n"


BODIES = {"base64": text(False), "a dot in each line": text(True)}


def netem(place, words):
    namespace, device = PLACES[place]
    with Inside(namespace):
        subprocess.run(["tc", "qdisc", "replace", "dev", device, "root", "netem",
                        *(NETEM + words).split()], check=True)


def no_netem(place):
    namespace, device = PLACES[place]
    with Inside(namespace):
        subprocess.run(["tc", "qdisc", "del", "dev", device, "root"], check=True)


def goodput(block):
    """Mbit/s of one mail, from the 354 until the server has its last byte."""
    with Connection(PORT, 4) as conn:
        conn.server.send(b"220 x\r\n")
        conn.client.receive(7)
        conn.c(b"DATA\r\n")
        conn.s(b"354 go\r\n")
        conn.server.sock.settimeout(60 * SLOWER)
        conn.client.sock.settimeout(60 * SLOWER)

        def send():
            for _ in range(MEGABYTES):
                conn.client.sock.sendall(block)

        thread = threading.Thread(target=send)
        buffer, left = bytearray(MIB), MEGABYTES * MIB
        began = time.monotonic()
        thread.start()
        while left:
            got = conn.server.sock.recv_into(buffer, min(left, MIB))
            if not got:
                raise Mismatch("the server saw the end %d bytes early" % left)
            left -= got
        took = time.monotonic() - began
        thread.join()
        conn.c(b".\r\nQUIT\r\n")
        conn.s(b"250 queued\r\n221 bye\r\n")
        return MEGABYTES * MIB * 8 / took / 1e6


def reasons():
    port = counters().get(str(PORT), {})
    return {name: port.get(name, 0) for name in REASONS}


def measure(place, disturbance, body):
    speeds = {policy: [] for policy in POLICIES}
    why = {policy: dict.fromkeys(REASONS, 0) for policy in POLICIES}
    netem(place, DISTURBANCES[disturbance])
    try:
        for _ in range(ROUNDS):
            for policy in POLICIES:
                tool("set", str(PORT), policy)
                before = reasons()
                speeds[policy].append(goodput(BODIES[body]))
                for name, value in reasons().items():
                    why[policy][name] += value - before[name]
    finally:
        no_netem(place)
    off = statistics.median(speeds["off"])
    slow = []
    for policy in POLICIES:
        median = statistics.median(speeds[policy])
        print("      | %-17s  %-14s  %-18s  %-5s  %6.1f  (%.1f to %.1f)  %5.3f  %s" % (
            place, disturbance, body, policy, median, min(speeds[policy]), max(speeds[policy]),
            median / off, " ".join("%s %d" % pair for pair in why[policy].items() if pair[1])),
            flush=True)
        if median < WANTED * off:
            slow.append("%s has %.3f of the goodput without the module" % (policy, median / off))
    if slow:
        raise Mismatch("; ".join(slow))


def tests():
    for place in PLACES:
        for disturbance in DISTURBANCES:
            for body in BODIES:
                name = "%s %s, %s: %d MiB with the module >= %.2f of without" % (
                    disturbance, place, body, MEGABYTES, WANTED)
                test("T2", name, families=(4,))(
                    lambda _family, what=(place, disturbance, body): measure(*what))


if __name__ == "__main__":
    # veth reorders a connection that changes its processor.
    os.sched_setaffinity(0, {0})
    tests()
    suite.LIMIT = 1200 * SLOWER
    print("      | where, what, the mail, the policy, median Mbit/s (least to most), ratio, counters")
    sys.exit(suite.run(only=os.environ.get("ONLY")))
