#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""T1 over connections that carry gigabytes behind edits of their length, with
offloads and without, by NAT and without. Started by gigabytes.sh.

conntrack compares a sequence number with the one position that it remembers of
an edit, modulo 2^32: what is adjusted wrongly shows behind 2 GiB.
"""
import random
import subprocess
import sys
import threading

import suite
from net import MODULE, Connection, Inside, Mismatch, tool
from suite import test

PORT = 25
ROUTER = {4: "10.0.1.1", 6: "fd00:1::1"}
LINKS = (("client", "veth-c"), ("router", "veth-rc"), ("router", "veth-rs"), ("server", "veth-s"))
MIB = 1 << 20
BLOCK = random.Random(25).randbytes(MIB).translate(
    bytes(0x2c if c in b".\r\n" else c for c in range(256)))
BEYOND = 2100       # MiB: more than 2 GiB


def send(end, count):
    for number in range(count):
        end.sock.sendall(b"%08x" % number + BLOCK[8:])


def carry(sender, receiver, count=BEYOND):
    """So many MiB from one end to the other, compared as they come."""
    thread = threading.Thread(target=send, args=(sender, count))
    thread.start()
    got = bytearray(MIB)
    view = memoryview(got)
    for number in range(count):
        have = 0
        while have < MIB:
            more = receiver.sock.recv_into(view[have:])
            if not more:
                raise Mismatch("the %s saw the end in MiB %d" % (receiver.name, number))
            have += more
        if got[8:] != BLOCK[8:] or got[:8] != b"%08x" % number:
            raise Mismatch("MiB %d differs at the %s" % (number, receiver.name))
    thread.join()


def noop_grows(conn):
    conn.client.send(b"A\r\n")
    conn.server.expect(b"NOOP\r\n")
    conn.s(b"250 ok\r\n")


def edits(conn):
    """One edit of the length in each direction."""
    conn.server.send(b"220 x\r\n")
    conn.client.expect(b"220 another\r\n")
    noop_grows(conn)


def offload(state):
    for namespace, device in LINKS:
        with Inside(namespace):
            subprocess.run(["ethtool", "-K", device, "tx", state, "tso", state, "gso", state,
                            "gro", state], check=True, stdout=subprocess.DEVNULL)


@test("T1", "a body of more than 2 GiB between two edits, then as much again without offloads")
def bodies(family):
    with Connection(PORT, family) as conn:
        edits(conn)
        for state in ("on", "off"):
            offload(state)
            conn.c(b"DATA\r\n")
            conn.s(b"354 go\r\n")
            carry(conn.client, conn.server)
            conn.c(b"\r\n.\r\n")
            conn.s(b"250 queued\r\n")
            noop_grows(conn)
        offload("on")
        conn.close()


@test("T1 S2", "by NAT, more than 2 GiB each way behind STARTTLS; the module is removed in between")
def opaque(family):
    with Connection(PORT, family, ROUTER[family]) as conn:
        edits(conn)
        conn.c(b"EHLO me\r\n")
        conn.server.send(b"250-me\r\n250-STARTTLS\r\n250 HELP\r\n")
        conn.client.expect(b"250-me\r\n250 STARTTLS\r\n")
        conn.c(b"STARTTLS\r\n")
        conn.s(b"220 go\r\n")
        carry(conn.client, conn.server)
        with Inside("router"):
            subprocess.run(["rmmod", "nf_smtp_fixup"], check=True)
        carry(conn.server, conn.client)
        carry(conn.client, conn.server, 10)
        conn.close()
    with Inside("router"):
        subprocess.run(["insmod", MODULE, "mode=off"], check=True)
    policy()


def policy():
    tool("set", str(PORT), "esmtp", "tls", "allow", "ehlo", "strip", "reject", "noop",
         "banner", "text", "another")


def main():
    policy()
    suite.LIMIT = 1500
    return suite.run(only=" ".join(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
