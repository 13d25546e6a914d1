#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""learn.py FILE [--long] [--only SERVER]: ask the servers of farm.sh, without a
filter, what they take for a command, an end of data, a chunk; write it to FILE.

What is learned of a server is what tricks.py's generators found: whatever makes
it run a command, end a mail or give another number of replies. A new version of
a server is learned like a new server. FILE keeps what was learned already.
"""
import argparse
import asyncio
import json
import os
import sys
import time

from tricks import (BODIES, COMMANDS, HEAD, POLICIES, SERVERS, WITNESSES, Closed, Server,
                    chunks, responses, silent, verb)

PARSER = argparse.ArgumentParser()
PARSER.add_argument("file")
PARSER.add_argument("address")
PARSER.add_argument("--long", action="store_true")
PARSER.add_argument("--only")
BEGAN = time.monotonic()
ARGS = PARSER.parse_args()
# What a line without a witness is answered by
NONSENSE = (b"XXXX root", b"XXXXXXX NAME=a", b"XXXX", b"XXXXXXXX", b"NOOP root", b"NOOP", b"RSET",
            b"HELO x", b"QQQQ 0", b"QQQQ FROM:<a@example.org>", b"QQQQ\0", b"")
# RFC 5321's, and those of E2
SHOWN = {b"SIZE", b"ETRN", b"PIPELINING", b"DSN", b"ENHANCEDSTATUSCODES", b"8BITMIME",
         b"BINARYMIME", b"AUTH", b"VRFY"}


async def connect(port):
    return await asyncio.open_connection(ARGS.address, port, limit=1 << 22)


def text(octets):
    return octets.decode("latin-1")


async def basics(server):
    """Its own words: keys of the replies to the witnesses and to nonsense."""
    facts = server.facts

    async def answer(line, *before):
        async with server.session() as session:
            await server.hello(session)
            try:
                for one in before:
                    await session.say(one)
                return await session.say(line + b"\r\n")
            except Closed:
                return None

    for name in ("RSET", "NOOP"):
        # msmtpd ends the connection at whatever it does not expect, so no command
        # can hide there, and only bodies are asked about
        reply = await answer(name.encode())
        facts[name] = reply.key if reply and await answer(b"RSET", name.encode() + b"\r\n") else None
    nonsense = [reply.key for reply in [await answer(line) for line in NONSENSE] if reply]
    facts["witnesses"] = []
    for line in WITNESSES if facts["RSET"] else ():
        reply = await answer(line)
        if reply and reply.key not in nonsense:
            facts["witnesses"].append([text(line), reply.key])
    async with server.session() as session:
        reply = await server.hello(session)
        words = [line[4:].split(b" ")[0].split(b"=")[0].strip().upper() for line in reply.lines[1:]]
        facts["keywords"] = [text(word) for word in words]
        facts["hidden"] = [text(word) for word in words if word not in SHOWN]
        facts["mechanisms"] = [text(word) for line in reply.lines if line[4:8].upper() == b"AUTH"
                               for word in line[8:].replace(b"=", b" ").split()]
    async with server.session() as session:
        await server.hello(session)
        try:
            await server.transaction(session)
            session.send(HEAD + b"\r\n.\r\n")
            reply = await session.reply()
            facts["takes mail"] = reply is not None and reply.code[:1] == "2"
        except Closed:
            facts["takes mail"] = False
        facts["transaction"] = [reply.key for reply in session.replies]


def witness_for(server, allowed):
    """The first witness whose verb is not let through."""
    for line, key in server.facts["witnesses"]:
        if verb(line.encode()) not in allowed:
            return line.encode("latin-1"), key
    return None, None


async def quickest(server):
    """Reply latency, measured: the time-out for what need not come."""
    best = []
    async with server.session() as session:
        await server.hello(session)
        for _ in range(5):
            began = time.monotonic()
            try:
                await session.say(b"NOOP\r\n")
            except Closed:
                break
            best.append(time.monotonic() - began)
    server.quiet = min(0.5, max(0.15, 10 * sorted(best)[len(best) // 2]) if best else 0.5)


async def learn(name):
    server = Server(name, connect, 10, 0.3)
    facts = server.facts
    for _ in range(60):
        try:
            await quickest(server)
            break
        except (OSError, Closed, asyncio.TimeoutError) as error:
            trouble = error
            await asyncio.sleep(1)
    else:
        raise trouble
    await basics(server)
    learned = facts["learned"] = {kind: [] for kind in (
        *COMMANDS, *BODIES, "response", "chunk", "count")}
    # The witnesses of the policies; one may serve several
    pairs = {witness_for(server, allowed) for allowed in POLICIES.values()}
    pairs.discard((None, None))
    drift = set()
    for witness, key in sorted(pairs):
        for kind, make in COMMANDS.items():
            async def found(trick, replies, kind=kind, witness=witness, key=key):
                if key in (reply.key for reply in replies):
                    learned[kind].append([text(trick), text(witness), key])
                elif len(replies) != 2:
                    drift.add(text(trick))
            await server.lines(make(witness, ARGS.long), key, found)
        for mechanism in ("PLAIN", "LOGIN"):
            if mechanism not in facts["mechanisms"]:
                continue
            for start in ("AUTH " + mechanism, "AUTH %s " % mechanism):
                async def heard(trick, replies, start=start, witness=witness, key=key):
                    if key in (reply.key for reply in replies):
                        learned["response"].append([text(trick), text(witness), key, start])
                await server.responses(responses(witness, ARGS.long), start.encode(), key, heard)
        gate = asyncio.Semaphore(8)

        async def chunk(trick, at_once, witness=witness, key=key, gate=gate):
            async with gate:
                if await server.chunk(trick, witness, key, at_once):
                    learned["chunk"].append([[text(line) for line in trick[0]], text(trick[1]),
                                             text(witness), key, at_once])
        if b"BDAT" != verb(witness):
            forms = chunks(witness, ARGS.long)
            if "CHUNKING" not in facts["keywords"]:
                forms = forms[:3]
            await asyncio.gather(*(chunk(trick, at_once) for trick in forms
                                   for at_once in (False, True)))
    if facts["takes mail"]:
        witness, key = sorted(pairs)[0] if pairs else (b"XXXX", "")
        for kind, make in BODIES.items():
            async def parted(trick, _replies, kind=kind):
                learned[kind].append([text(trick), text(witness), key])
            await server.bodies(make(ARGS.long), witness, key, parted)

    async def counted(trick, replies):
        drift.add(text(trick))
    if facts["RSET"]:
        await server.lines(silent(b"", ARGS.long), None, counted)
    learned["count"] = sorted(drift)
    facts["asked"] = server.asked
    print("%s: %d s, quiet %.2f s, %d asked; %s; witnesses %s; hidden %s; %s" % (
        name, time.monotonic() - BEGAN, server.quiet, server.asked, ", ".join("%s %d" % (kind, len(found))
                                      for kind, found in learned.items()),
        ", ".join(text(pair[0]) for pair in sorted(pairs)), " ".join(facts["hidden"]),
        "mail" if facts["takes mail"] else "no mail: %r" % facts["transaction"]), flush=True)
    return facts


async def main():
    names = [name for name in SERVERS if not ARGS.only or name == ARGS.only]
    # A run that did not come to its end goes on with the servers that it lacks
    facts = {}
    if os.path.exists(ARGS.file):
        with open(ARGS.file, encoding="ascii") as file:
            facts = json.load(file)

    async def one(name):
        for _ in range(2):
            try:
                facts[name] = await learn(name)
                break
            except (Closed, OSError, asyncio.TimeoutError) as error:
                print("%s: nothing learned: %s %s" % (name, type(error).__name__, error), flush=True)
        with open(ARGS.file + ".new", "w", encoding="ascii") as file:
            json.dump(facts, file, indent=1)
        os.rename(ARGS.file + ".new", ARGS.file)
    await asyncio.gather(*(one(name) for name in names if name not in facts))
    return 0 if set(names) <= set(facts) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
