#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""An SMTP client that sends mails of its own making and checks every reply.

    mails.py POLICY MAILS SEED REPORT ADDRESS...

POLICY is fixup, esmtp or edits (every edit that changes the length); the server
is sink.py. What sink.py has to report in the end is written to REPORT, in
its format. Each session goes to the next ADDRESS. Mails are of 300 bytes to
300 KB, each of its own text, every third one with dots, every third in base64.
"""
import asyncio
import base64
import collections
import hashlib
import json
import os
import random
import sys

PATIENCE = 120 * int(os.environ.get("SLOWER") or 1)   # s, for one reply
SESSIONS = 12   # at a time
EACH = 2        # mails in a session
WORDS = ("", ".", "..", ".dot", "...", "EXPN root", "QUIT", "DATA", "250 STARTTLS", "RSET")

# What the client sees of sink.py's greeting and of its reply to EHLO.
GREETING = {
    "fixup": b"220 " + b"*" * len("sink.example ESMTP"),
    "esmtp": b"220 " + b"*" * len("sink.example ESMTP"),
    "edits": b"220 mx ESMTP",
}
OFFERS = {
    "esmtp": [b"250-sink.example", b"250-XXXXXXXA", b"250-PIPELINING", b"250 8BITMIME"],
    "edits": [b"250-sink.example", b"250-PIPELINING", b"250 8BITMIME"],
}
OK, UNKNOWN, SENT = b"250 2.0.0 Ok", b"500 5.5.2 unrecognized", b"354 go"
ENVELOPE = [b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.org>", b"DATA"]
ENVELOPE_OK = [b"250 2.1.0 Ok", b"250 2.1.5 Ok", SENT]
BLOCKED = [b"WIZ root", b"X", b"TURN now"]    # no prefix of one that passes


class Wrong(Exception):
    """The client was told something else than it should be."""


def text(source, number, size):
    """The lines of a mail, as they go over the wire but for the last dot."""
    lines = [b"Subject: mail %d" % number, b""]
    while size > 0:
        if number % 3 == 0:
            line = base64.b64encode(source.randbytes(57))
        elif number % 3 == 1:
            line = b"." * source.randrange(1, 70) + source.choice(WORDS).encode()
        else:
            line = source.choice(WORDS).encode()
            line += b"%x" % source.getrandbits(4 * source.randrange(1, 300))
        lines.append(b"." + line if line.startswith(b".") else line)
        size -= len(line) + 2
    return b"".join(line + b"\r\n" for line in lines)


class Session:
    """A connection, and what it should make of sink.py's report."""

    def __init__(self, policy, source, mails, refused):
        self.policy, self.source, self.mails, self.refused = policy, source, mails, refused
        self.reader = self.writer = None

    async def expect(self, *lines):
        for want in lines:
            got = await asyncio.wait_for(self.reader.readuntil(b"\r\n"), PATIENCE)
            if got != want + b"\r\n":
                raise Wrong("%s: got %r, wanted %r" % (self.policy, got, want))

    async def send(self, data):
        """In two pieces, each with a segment of its own for the most part."""
        cut = self.source.randrange(len(data))
        self.writer.write(data[:cut])
        self.writer.write(data[cut:])
        await self.writer.drain()

    async def say(self, commands, replies):
        """All at once where PIPELINING is offered."""
        if self.policy == "fixup":
            for command, reply in zip(commands, replies):
                await self.send(command + b"\r\n")
                await self.expect(reply)
        else:
            await self.send(b"".join(command + b"\r\n" for command in commands))
            await self.expect(*replies)

    async def blocked(self):
        """What passes for none of the commands that the policy knows."""
        if self.policy == "edits":
            # In one segment: a line of which little is in sight gets X instead (V6).
            self.writer.write(b"".join(command + b"\r\n" for command in BLOCKED))
            await self.expect(*[OK] * len(BLOCKED))
            return
        for command in BLOCKED:
            verb, blank, rest = command.partition(b" ")
            self.refused.append((b"X" * len(verb) + blank + rest).decode() + "\r\n")
        await self.say(BLOCKED, [UNKNOWN] * len(BLOCKED))

    async def run(self, address, bodies):
        self.reader, self.writer = await asyncio.wait_for(
            asyncio.open_connection(address, 25), PATIENCE)
        await self.expect(GREETING[self.policy])
        if self.policy == "fixup":
            await self.say([b"HELO client.example"], [b"250 sink.example"])
        else:
            await self.send(b"EHLO client.example\r\n")
            await self.expect(*OFFERS[self.policy])
        for body in bodies:
            await self.blocked()
            await self.say(ENVELOPE, ENVELOPE_OK)
            await self.send(body)
            await self.say([b".", b"RSET"], [OK, OK])
            self.mails[hashlib.sha256(body).hexdigest()] += 1
        await self.say([b"QUIT"], [b"221 2.0.0 Bye"])
        if await asyncio.wait_for(self.reader.read(), PATIENCE):
            raise Wrong("%s: more behind the end" % self.policy)
        self.writer.close()


async def main(policy, count, seed, report, addresses):
    source = random.Random(seed)
    sizes = [int(300 * 1000 ** (n / max(1, count - 1))) for n in range(count)]
    source.shuffle(sizes)
    bodies = [text(source, number, size) for number, size in enumerate(sizes)]
    todo = collections.deque(bodies[n:n + EACH] for n in range(0, count, EACH))
    mails, refused, trouble = collections.Counter(), [], []
    order = collections.deque(addresses)

    async def worker():
        while todo:
            some, address = todo.popleft(), order[0]
            order.rotate(-1)
            try:
                await Session(policy, source, mails, refused).run(address, some)
            except (Wrong, OSError, EOFError, asyncio.TimeoutError) as error:
                trouble.append("%s: %s %s" % (address, type(error).__name__, error))

    await asyncio.gather(*(worker() for _ in range(SESSIONS)))
    with open(report, "w", encoding="ascii") as file:
        json.dump({"mails": mails, "refused": refused}, file)
    print("\n".join(trouble))
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]),
                              sys.argv[4], sys.argv[5:])))
