#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Many mails over a bad network, each compared with what was sent.

Each network carries so many mails (--mails), by three policies at once, one of
which changes lengths, and by both IP families where both work. The ends check
what the filter makes of the other's words, too: greeting, EHLO reply, a blocked
verb before each mail. Started by netem.sh.
"""
import argparse
import asyncio
import base64
import collections
import contextlib
import hashlib
import random
import socket
import subprocess
import sys

import sink
import suite
from net import SERVER, SLOWER, Connection, Inside, Mismatch, counters, tool
from suite import test

PARSER = argparse.ArgumentParser()
PARSER.add_argument("--mails", type=int, default=12, help="over each network")
PARSER.add_argument("--only", help="tests of this rule, or with this in their name")
MAILS = PARSER.parse_args().mails
SESSIONS = 2                # at once, by each policy and family
PATIENCE = 120 * SLOWER     # s, for one answer: three lost SYNs take 15 s
ROUTER = {4: "10.0.1.1", 6: "fd00:1::1"}
LINKS = (("client", "veth-c"), ("router", "veth-rc"), ("router", "veth-rs"), ("server", "veth-s"))
SOME = "delay 1ms 1ms loss 1% duplicate 1% reorder 90% 25%"

MASKED = b"220 " + b"*" * len("sink.example ESMTP") + b"\r\n"
TEXT = "mx.example.org, ESMTP behind a text of its own"
# What is said, and what comes back
Policy = collections.namedtuple("Policy", "port greeting hello helloed blocked answer")
POLICIES = (
    Policy(25, MASKED, b"HELO me\r\n", b"250 sink.example\r\n",
           b"EXPN root\r\n", b"500 5.5.2 unrecognized\r\n"),
    Policy(26, MASKED, b"EHLO me\r\n",
           b"250-sink.example\r\n250-XXXXXXXA\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
           b"EXPN root\r\n", b"500 5.5.2 unrecognized\r\n"),
    Policy(27, b"220 %s\r\n" % TEXT.encode(), b"EHLO me\r\n",
           b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
           b"A\r\n", b"250 2.0.0 Ok\r\n"),
)


def policies():
    tool("set", "25", "fixup")
    tool("set", "26", "esmtp")
    tool("set", "27", "esmtp", "ehlo", "strip", "reject", "noop", "banner", "text", TEXT)


def mail(number):
    """As it goes over the wire: 200 bytes to 40 KB, no two alike."""
    source = random.Random(number)
    size = int(200 * 200 ** source.random())
    lines = ["Subject: mail %d" % number, ""]
    while size > 0:
        lines.append(source.choice(("", "..", "...", "..dot", "EXPN root", "QUIT",
                                    "DATA", "250 STARTTLS", "354 go")))
        lines.append(base64.b64encode(source.randbytes(source.randrange(400))).decode())
        size -= len(lines[-1]) + len(lines[-2])
    return "".join(line + "\r\n" for line in lines).encode()


# -- the ends ---------------------------------------------------------------

class Client:
    """One connection, for one mail after the other."""

    def __init__(self, policy, reader, writer):
        self.policy, self.reader, self.writer = policy, reader, writer

    async def say(self, data, want):
        self.writer.write(data)
        got = await asyncio.wait_for(self.reader.readexactly(len(want)), PATIENCE)
        if got != want:
            raise Mismatch("port %d: %r to %r, wanted %r" % (
                self.policy.port, got, data[:40], want))

    async def send(self, data):
        await self.say(self.policy.blocked, self.policy.answer)
        await self.say(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n",
                       b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n")
        await self.say(data + b".\r\n", b"250 2.0.0 Ok\r\n")


def socket_in(namespace, family):
    with Inside(namespace):
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET)
    sock.setblocking(False)
    return sock


async def send(policy, family, address, mails):
    """The mails that are left of so many, by one connection."""
    sock = socket_in("client", family)
    loop = asyncio.get_running_loop()
    await asyncio.wait_for(loop.sock_connect(sock, (address, policy.port)), PATIENCE)
    client = Client(policy, *await asyncio.open_connection(sock=sock))
    await client.say(b"", policy.greeting)
    await client.say(policy.hello, policy.helloed)
    while mails:
        await client.send(mails.pop())
    await client.say(b"QUIT\r\n", b"221 2.0.0 Bye\r\n")
    client.writer.close()


async def serve():
    """The sink's server on all ports."""
    servers = []
    for policy in POLICIES:
        with Inside("server"):
            sock = socket.create_server(("::", policy.port), family=socket.AF_INET6,
                                        dualstack_ipv6=True, backlog=100)
        servers.append(await asyncio.start_server(sink.session, sock=sock, limit=1 << 20))
    return servers


SERIAL = iter(range(1 << 30))


async def exchange(families, addresses):
    ways = [(policy, family) for policy in POLICIES for family in families]
    mails = {way: [] for way in ways}
    for number in range(MAILS):
        mails[ways[number % len(ways)]].append(mail(next(SERIAL)))
    want = collections.Counter(hashlib.sha256(data).hexdigest()
                               for texts in mails.values() for data in texts)
    expn = sum(len(texts) for (policy, _), texts in mails.items() if b"EXPN" in policy.blocked)
    sink.MAILS.clear()
    sink.REFUSED.clear()
    servers = await serve()
    await asyncio.gather(*(send(policy, family, addresses[family], texts)
                           for (policy, family), texts in mails.items()
                           for _ in range(SESSIONS)))
    for server in servers:
        server.close()
    if sink.MAILS != want:
        raise Mismatch("%d mails were lost, %d came that were not sent" % (
            (want - sink.MAILS).total(), (sink.MAILS - want).total()))
    if sink.REFUSED != ["XXXX root\r\n"] * expn:
        raise Mismatch("the server refused %r, %d lines" % (
            set(sink.REFUSED), len(sink.REFUSED)))


# -- the network ------------------------------------------------------------

def run(namespace, *words):
    with Inside(namespace):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Mismatch("%s: %s" % (" ".join(words), done.stderr))
    return done.stdout


def offload(words):
    # Without GSO, TCP still makes large packets, which are cut behind netem:
    # sk_setup_caps()
    most = "1" if "gso off" in words else "65535"
    for namespace, device in LINKS:
        run(namespace, "ethtool", "-K", device, *words.split())
        run(namespace, "ip", "link", "set", device, "gso_max_segs", most)


def mtu(near, far):
    """Of the client's link and of the server's."""
    for (namespace, device), size in zip(LINKS, (near, near, far, far)):
        run(namespace, "ip", "link", "set", device, "mtu", str(size))


@contextlib.contextmanager
def netem(words):
    """All packets meet it twice on their way, before the filter and behind."""
    for namespace, device in LINKS:
        if words:
            run(namespace, "tc", "qdisc", "add", "dev", device, "root", "netem",
                "limit", "10000", *words.split())
    try:
        yield
    finally:
        for namespace, device in LINKS:
            if words:
                run(namespace, "tc", "qdisc", "del", "dev", device, "root")


def total(name):
    return sum(counters()[str(policy.port)][name] for policy in POLICIES)


def carry(words, families=(4, 6), addresses=None, counts=()):
    """MAILS mails over such a network; counters that must have grown."""
    before = {name: total(name) for name in ("messages", *counts)}
    with netem(words):
        asyncio.run(exchange(families, addresses or SERVER))
    if total("messages") - before["messages"] != MAILS:
        raise Mismatch("%d messages are counted, of %d" % (
            total("messages") - before["messages"], MAILS))
    for name in counts:
        if total(name) <= before[name]:
            raise Mismatch("%s has not grown" % name)
    for name in ("connections_desynchronised", "body_rewrites_refused"):
        if total(name):
            raise Mismatch("%s: %d" % (name, total(name)))


def network(name):
    """A test of both families at once."""
    return test("T2/1 D9", "%d mails, %s" % (MAILS, name), families=("4 and 6",))


@network("a good network")
def _(_):
    carry("")


def carry_until(words, count, counts=()):
    """Few mails are few packets: again, until count() has grown."""
    before = count()
    for _ in range(5):
        carry(words, counts=counts)
        if count() > before:
            return
    raise Mismatch("what this network is for did not come to pass")


@network("loss of 3 %")
def _(_):
    carry_until("loss 3%", lambda: total("segments_replayed"))


@network("duplication of 10 %")
def _(_):
    carry_until("duplicate 10%", lambda: total("segments_replayed"))


@network("reordering")
def _(_):
    offload("tso off gso off gro off")      # or a mail is one packet
    carry_until("delay 4ms reorder 75% 25%", lambda: total("segments_ahead"))


def bad_checksums():
    """Corrupted segments that came to the server."""
    text = run("server", "nstat", "-asz", "TcpInCsumErrors")
    return int(text.split("TcpInCsumErrors")[1].split()[0])


@network("corruption of 2 %, no offloads")
def _(_):
    # A device that vouches for what it receives lets corrupted packets through.
    offload("tx off rx off tso off gso off gro off")
    carry_until("corrupt 2%", bad_checksums, counts=("packets_invalid",))


@network("a little of all, no offloads")
def _(_):
    offload("tx off rx off tso off gso off gro off")
    carry(SOME + " corrupt 1%")


@network("a little of all, no GRO")
def _(_):
    offload("tx on rx on tso on gso on gro off")
    carry(SOME)


@network("a little of all, GRO alone")
def _(_):
    offload("tx off rx on tso off gso off gro on")
    carry(SOME)


@network("a little of all, all offloads")
def _(_):
    offload("tx on rx on tso on gso on gro on")
    carry(SOME)


@network("DNAT and masquerade, a little of all")
def _(_):
    run("router", "nft", "table inet nat {"
        " chain pre { type nat hook prerouting priority dstnat;"
        "  ip daddr %s tcp dport 25-27 dnat ip to %s;"
        "  ip6 daddr %s tcp dport 25-27 dnat ip6 to %s; };"
        " chain post { type nat hook postrouting priority srcnat;"
        "  oifname veth-rs masquerade; }; }" % (ROUTER[4], SERVER[4], ROUTER[6], SERVER[6]))
    carry(SOME, addresses=ROUTER)
    run("router", "nft", "delete table inet nat")


@network("MTU 9000, loss of 1 %")
def _(_):
    mtu(9000, 9000)
    carry("loss 1%")


@network("9000 at both ends, 576 (IPv6: 1280) between them, loss of 1 %")
def _(_):
    routes = {4: (SERVER[4], "576"), 6: (SERVER[6], "1280")}
    for address, size in routes.values():
        run("router", "ip", "route", "add", address, "dev", "veth-rs", "mtu", "lock", size)
    carry("loss 1%")
    for address, size in routes.values():
        if "mtu " + size not in run("client", "ip", "route", "get", address):
            raise Mismatch("the client has not learnt the path's MTU to " + address)
        run("router", "ip", "route", "del", address)
    run("client", "ip", "route", "flush", "cache")
    run("client", "ip", "-6", "route", "flush", "cache")


# Last: a device with so small an MTU forgets its IPv6.
@test("T1 T2/1", "MTU 576: a line grows in a segment that fills its packet", families=(4,))
def _(family):
    mtu(576, 576)
    with Connection(27, family) as conn:
        conn.server.send(b"220 x\r\n")
        conn.client.expect(POLICIES[2].greeting)
        # 524: less than 536 by the time stamps
        rest = b"NOOP\r\n" * 85 + b"HELP abcd\r\n"
        conn.client.send(b"A\r\n" + rest)
        conn.server.expect(b"NOOP\r\n" + rest)


def small(near, far):
    @test("T2/1 D9", "%d mails, MTU %d at the client, %d at the server, a little of all" % (
        MAILS, near, far), families=(4,))
    def _(_):
        mtu(near, far)
        carry(SOME, families=(4,))


small(576, 576)
small(9000, 576)
small(576, 9000)


if __name__ == "__main__":
    policies()
    suite.LIMIT = max(240, MAILS) * SLOWER
    sys.exit(suite.run(only=PARSER.parse_args().only))
