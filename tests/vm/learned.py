#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Nothing that learn.py learned of the servers gets past the filter.

Each trick goes to its server through each policy that it could break: no command
runs that the policy blocks, no mail ends while the filter believes in its body,
no EHLO reply is disclosed. Started by learned.sh in the guest.
"""
import argparse
import asyncio
import collections
import json
import re
import socket
import subprocess
import sys
import time

import suite
from net import SERVER, SLOWER, TOOL, Inside, Mismatch, tool
from suite import test
from tricks import BODIES, COMMANDS, HEAD, POLICIES, SERVERS, V2, Closed, Server, verb

PARSER = argparse.ArgumentParser()
PARSER.add_argument("facts")
PARSER.add_argument("--long", action="store_true", help="all that was learned, by each policy")
PARSER.add_argument("--relay", action="store_true",
                    help="here, where the servers are, by smtpfixup relay")
PARSER.add_argument("--only", help="tests with this in their name")
ARGS = PARSER.parse_args()
# A policy's share of what was learned of one kind at one server, every day; the
# policies together see more of it
SHARE = {"end of data": 400, "count": 6, "chunk": 8, "response": 8, "length": 16}
ELSE = 24
# In the guest all takes ten times as long, and the core is the same
GUEST = {"end of data": 150, "count": 2, "chunk": 3, "response": 3, "length": 6}
GUEST_ELSE = 8
RULES = {"line end": "V7", "verb": "V8", "length": "V10", "end of data": "D4", "body line": "D10",
         "response": "D5", "chunk": "H7 D6", "count": "D11", "mail": "T3"}
ESMTP = [policy for policy in POLICIES if policy.startswith("esmtp")]
# Holes that are known: {(kind, server): what mends it}. They are shown, and no failure.
KNOWN = {}
with open(ARGS.facts, encoding="ascii") as FILE:
    FACTS = json.load(FILE)


RELAYED = {}


async def connect(port):
    if ARGS.relay:
        return await asyncio.open_connection("127.0.0.1", RELAYED.get(port, port), limit=1 << 22)
    with Inside("client"):
        sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.get_running_loop().sock_connect(sock, (SERVER[4], port))
    return await asyncio.open_connection(sock=sock, limit=1 << 22)


def octets(text):
    return text.encode("latin-1")


def share(kind, learned, policy):
    """Every n-th, another n-th for another policy; of the long ones and of the rest
    as many."""
    most = SHARE.get(kind, ELSE) if ARGS.relay else GUEST.get(kind, GUEST_ELSE)
    if policy == "off":
        most = 4
    elif ARGS.long:
        return learned
    long = [entry for entry in learned if len(str(entry)) > 300]
    rest = [entry for entry in learned if len(str(entry)) <= 300]
    chosen = []
    for part, number in ((long, most - min(most // 2, len(rest))),
                         (rest, most - min(most // 2, len(long)))):
        step = max(1, len(part) / max(1, number))
        first = list(POLICIES).index(policy) / len(POLICIES) * step if policy in POLICIES else 0
        chosen += [part[int(first + n * step)] for n in range(number) if first + n * step < len(part)]
    return chosen


def made(name, policy):
    # By mailhost a NOOP arrives instead of EHLO, and is answered
    return Server(name, connect, 10 * SLOWER, 0.5 * SLOWER, FACTS[name],
                  ehlo=b"EHLO" in POLICIES.get(policy, V2))


def brief(trick):
    """Octets as a reader wants them: a*16380 for so many a."""
    return re.sub(r"((?:QUFB)|[^\\])\1{9,}", lambda match: "[%s*%d]" % (
        match[1], len(match[0]) // len(match[1])), repr(trick))


async def some_at_a_time(tasks):
    # They wait for what need not come, most of the time
    gate = asyncio.Semaphore(12 if ARGS.relay else 5)

    async def one(task):
        async with gate:
            await task
    await asyncio.gather(*(one(task) for task in tasks))


async def lines(name, kind, policy, allowed, trouble):
    server = made(name, policy)
    by_witness = collections.defaultdict(list)
    for trick, witness, key in share(kind, server.facts["learned"][kind], policy):
        if verb(octets(witness)) not in allowed:
            by_witness[witness, key].append(octets(trick))
    for (witness, key), tricks in by_witness.items():
        async def found(trick, replies, witness=witness, key=key):
            if key in (reply.key for reply in replies):
                trouble.append("%s: ran %s: %r" % (brief(trick), witness, replies))
        await server.lines(tricks, key, found)
    return server.asked


async def bodies(name, kind, policy, allowed, trouble):
    server = made(name, policy)
    learned = share(kind, server.facts["learned"][kind], policy)
    if policy == "esmtp tls require" or not learned:
        return 0
    witness, key = b"NOOP", "none"
    for line, its_key in server.facts["witnesses"]:
        if verb(octets(line)) not in allowed:
            witness, key = octets(line), its_key
            break

    async def found(trick, _replies):
        what = await server.body(trick, witness, key)
        if what:
            trouble.append("%s: %s" % (brief(trick), what))
    await server.bodies([octets(entry[0]) for entry in learned], witness, key, found)
    return server.asked


async def responses(name, kind, policy, allowed, trouble):
    server = made(name, policy)
    by_witness = collections.defaultdict(list)
    for trick, witness, key, start in share(kind, server.facts["learned"][kind], policy):
        if verb(octets(witness)) not in allowed:
            by_witness[witness, key, start].append(octets(trick))
    for (witness, key, start), tricks in by_witness.items():
        async def found(trick, replies, witness=witness, key=key, start=start):
            if key in (reply.key for reply in replies):
                trouble.append("%s, %s: ran %s: %r" % (
                    start, brief(trick), witness, replies))
        await server.responses(tricks, octets(start), key, found)
    return server.asked


async def chunks(name, kind, policy, allowed, trouble):
    server = made(name, policy)

    async def one(start, form, witness, key, at_once):
        got = await server.chunk(([octets(line) for line in start], octets(form)),
                                 octets(witness), key, at_once)
        if got:
            trouble.append("%r %r, %s: ran %s: %r" % (
                start, form, "at once" if at_once else "awaited", witness, got))
    await some_at_a_time(one(*entry) for entry in share(
        kind, server.facts["learned"][kind], policy) if verb(octets(entry[2])) not in allowed)
    return server.asked


async def counts(name, kind, policy, allowed, trouble):
    server = made(name, policy)
    hidden = [octets(word) for word in server.facts["hidden"] if octets(word) != b"CHUNKING" or
              b"BDAT" not in allowed]
    if policy == "esmtp tls require":
        hidden = [word for word in hidden if word != b"STARTTLS"]
    if policy not in ESMTP or not hidden:
        return 0

    async def one(before, at_once):
        shown = await server.discloses([octets(line) for line in before], hidden, at_once)
        if shown:
            trouble.append("%s, %s: %r" % (
                brief(before), "at once" if at_once else "awaited", shown))
    await some_at_a_time(one(before, at_once) for line in share(
        kind, server.facts["learned"][kind], policy) for before, at_once in (
            ((line,), False), ((line,), True), ((line,) * 3, True)))
    return server.asked


async def mail(name, _kind, policy, _allowed, trouble):
    """The filter stands in no honest mail's way, so what failed did not fail for that."""
    server = made(name, policy)
    if policy == "esmtp tls require" or not server.facts["takes mail"]:
        return 0
    async with server.session() as session:
        try:
            await server.hello(session, login=True)
            await server.transaction(session)
            await session.says(HEAD + b"\r\n..\r\n.\r\n", "2")
        except Closed as error:
            trouble.append(str(error))
    return 1


async def listens(port):
    for _ in range(100):
        try:
            (await connect(port))[1].close()
            return
        except OSError:
            await asyncio.sleep(1)


ASK = {"mail": mail, **dict.fromkeys(COMMANDS, lines), **dict.fromkeys(BODIES, bodies),
       "response": responses, "chunk": chunks, "count": counts}
RESULTS = {}


def put(port, policy):
    """The policy between the client and the server's port."""
    if not ARGS.relay:
        return tool("set", str(port), *policy.split()) and None
    RELAYED.pop(port, None)
    if policy == "off":
        return None
    RELAYED[port] = port + 1000 * (2 + list(POLICIES).index(policy))
    return subprocess.Popen([TOOL, "relay", "127.0.0.1:%d" % RELAYED[port],
                             "127.0.0.1:%d" % port, *policy.split()],
                            stdout=subprocess.DEVNULL)


def results(policy):
    """All servers by this policy, side by side: {(server, kind): (asked, trouble)}."""
    if policy not in RESULTS:
        relays = [put(port, policy) for port in SERVERS.values()]
        allowed = POLICIES.get(policy, ())

        async def one(name):
            await listens(SERVERS[name])
            found = {}
            for kind, ask in ASK.items():
                trouble = []
                try:
                    asked = await ask(name, kind, policy, allowed, trouble)
                except (Closed, OSError, asyncio.TimeoutError) as error:
                    asked = 0
                    trouble.append("%s: %s" % (type(error).__name__, error))
                found[name, kind] = asked, trouble
            return found

        async def everything():
            return await asyncio.gather(*(one(name) for name in FACTS))
        RESULTS[policy] = {}
        began = time.monotonic()
        for found in asyncio.run(everything()):
            RESULTS[policy].update(found)
        print("      | %s: %d s" % (policy, time.monotonic() - began), flush=True)
        for relay in filter(None, relays):
            relay.kill()
            relay.wait()
    return RESULTS[policy]


def add_tests():
    @test("D4 V10", "each server was learned", families=(4,))
    def _(_family):
        missing = set(SERVERS) - set(FACTS)
        if missing:
            raise Mismatch("nothing is known of %s" % ", ".join(sorted(missing)))

    # What cannot be seen without the filter cannot be missed with it
    for kind in ASK:
        @test(RULES[kind], "without the filter some server falls for it: " + kind, families=(4,))
        def _(_family, kind=kind):
            asked, trouble = 0, []
            for (name, its_kind), (number, troubles) in results("off").items():
                if its_kind == kind:
                    asked += number
                    trouble += ["%s: %s" % (name, one) for one in troubles]
            if kind == "mail":
                if trouble or not asked:
                    raise Mismatch("%d mails\n%s" % (asked, "\n".join(trouble)))
            elif kind != "count" and not trouble:
                raise Mismatch("%d were tried, none got through" % asked)

    for policy in POLICIES:
        for kind in ASK:
            @test(RULES[kind], "%s: %s of every server" % (policy, kind), families=(4,))
            def _(_family, policy=policy, kind=kind):
                troubles, asked = [], 0
                for (name, its_kind), (number, trouble) in results(policy).items():
                    if its_kind != kind:
                        continue
                    asked += number
                    if trouble and (kind, name) in KNOWN:
                        print("      | known, %s: %d get through %s, %s" % (
                            KNOWN[kind, name], len(trouble), name, trouble[0][:150]))
                    else:
                        troubles += ["%s: %s" % (name, one) for one in trouble]
                print("      | %d asked" % asked)
                if troubles:
                    raise Mismatch("%d get through\n%s" % (len(troubles), "\n".join(
                        sorted(troubles)[:None if ARGS.long else 30])))


if __name__ == "__main__":
    add_tests()
    suite.LIMIT = (7000 if ARGS.long else 900) * SLOWER
    sys.exit(suite.run(only=ARGS.only))
