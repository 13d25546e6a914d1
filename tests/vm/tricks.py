# SPDX-License-Identifier: GPL-2.0-only
"""What a client can say so that a server reads it otherwise than the filter.

A trick is a list of octets, made by generator, and a witness: a command that a
policy does not let through, and to which the server has an answer of its own.
Where that answer comes, the command ran. The judge is what the server did, so
it need not be known how the server reads.
"""
import asyncio
import base64
import itertools
import re

SERVERS = {
    "Postfix": 25, "Exim": 26, "OpenSMTPD": 27, "Sendmail": 28, "Courier": 29, "Dovecot": 31,
    "aiosmtpd": 32, "Haraka": 33, "smtp-server": 34, "qpsmtpd": 35, "Net::Server::Mail": 36,
    "Twisted": 37, "chasquid": 38, "Net::SMTP::Server": 39, "msmtpd": 40, "Python smtpd": 41,
    "postscreen": 42, "go-smtp": 43,
}
WORKERS = 6     # connections to a server at a time
LOGIN = {"Dovecot": b"AUTH PLAIN " + base64.b64encode(b"\0u\0p") + b"\r\n"}
MAIL = b"MAIL FROM:<a@example.org>\r\n"
RCPT = b"RCPT TO:<b@example.org>\r\n"
HEAD = b"From: a@example.org\r\nSubject: first\r\n\r\ntext"

# Commands that some policy blocks, those first that change nothing
WITNESSES = (b"XCLIENT NAME=a", b"XFORWARD NAME=a", b"EXPN root", b"BDAT 0", b"XEXDATA", b"VERB",
             b"VRFY root", b"HELP", b"ETRN x", b"AUTH", b"STARTTLS x", b"EHLO e", b"STARTTLS",
             b"TURN", b"SEND FROM:<a@example.org>", b"QHLO x", MAIL.strip())
V1 = {b"HELO", b"MAIL", b"RCPT", b"DATA", b"RSET", b"NOOP", b"QUIT"}
V2 = V1 | {b"AUTH", b"EHLO", b"ETRN", b"HELP", b"SAML", b"SEND", b"SOML", b"VRFY"}
TLS = {b"EHLO", b"HELO", b"STARTTLS", b"NOOP", b"RSET", b"QUIT"}
# Policies, and the verbs that they let through
POLICIES = {
    "fixup": V1, "mailhost": V1, "esmtp": V2, "esmtp strict": V2, "esmtp tls require": TLS,
    "esmtp allow BDAT ehlo-allow CHUNKING": V2 | {b"BDAT"},
}


def verb(line):
    return line.split(b" ")[0].strip().upper()


class Closed(Exception):
    """The server has ended the connection, or says nothing more."""


class Reply:
    """A code, the words behind it, and the lines as they came."""

    def __init__(self, lines):
        self.lines = lines
        self.code = lines[-1][:3].decode("latin-1")
        words = re.findall(rb"[A-Za-z]+", b" ".join(line[4:] for line in lines[-1:]))
        self.key = " ".join([self.code, *(word.decode().lower() for word in words[:3])])

    def __repr__(self):
        return self.key


class Session:
    """One connection. patience: s to wait for a reply that should come; quiet: s
    in which one that need not come would have come."""

    def __init__(self, connect, port, patience, quiet):
        self.connect, self.port, self.patience, self.quiet = connect, port, patience, quiet
        self.replies, self.raw = [], b""
        self.reader = self.writer = None

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.wait_for(self.connect(self.port), self.patience)
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()

    async def reply(self, patience=None):
        lines = []
        try:
            while not lines or lines[-1][3:4] == b"-":
                line = await asyncio.wait_for(self.reader.readline(), patience or self.patience)
                if not line.endswith(b"\n"):
                    raise Closed("closed")
                self.raw += line
                lines.append(line)
        except asyncio.TimeoutError:
            if not lines:
                return None
            raise Closed("half a reply %r" % lines) from None
        except (ConnectionError, ValueError) as error:
            raise Closed(str(error)) from None
        self.replies.append(Reply(lines))
        return self.replies[-1]

    def send(self, data):
        self.writer.write(data)

    async def say(self, data):
        """Send and wait for the reply."""
        self.send(data)
        reply = await self.reply()
        if reply is None:
            raise Closed("no reply to %r" % data[:60])
        return reply

    async def says(self, data, want):
        reply = await self.say(data)
        if reply.code[:1] != want:
            raise Closed("%r to %r" % (reply, data[:60]))
        return reply

    async def rest(self):
        """All that still comes."""
        try:
            while await self.reply(self.quiet):
                pass
        except Closed:
            pass


# -- what is tried ----------------------------------------------------------

LETTERS = (b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b"\v", b"\f", b"\x1a", b"\x04", b"\x80",
           b"\xff")
ENDS = (b"\r", b"\n", b"\r\n")
SIZES = (512, 1000, 1024, 2048, 4096, 8192, 16384)
LONG_SIZES = (998, 2000, 32768, 65536, 131072)
SPLITS = [size + more for size in SIZES for more in range(-2, 4)]
EVERY = [bytes([n]) for n in range(256)]
# What is white, ends a line or a string for somebody, or has a meaning to a telnet
SOME = [bytes([n]) for n in (*range(0, 33), *b"-.;:", 0x7f, 0x80, 0x85, 0x8a, 0x8d, 0xa0, 0xad,
                             0xae, 0xff)]


def words(letters, most):
    for length in range(1, most + 1):
        for word in itertools.product(letters, repeat=length):
            yield b"".join(word)


def octets(long):
    return EVERY if long else SOME


def unique(made):
    return list(dict.fromkeys(made))


def terminators(long=False):
    """Octets around a dot; CRLF.CRLF is the end for everybody."""
    if long:
        before, behind = list(words(LETTERS, 2)), list(words(LETTERS, 2))
    else:
        before = [*words(LETTERS, 1), *words(ENDS, 2), *(b"\r\n" + o for o in LETTERS),
                  *(b"\n" + o for o in LETTERS)]
        behind = [*words(LETTERS, 1), *words(ENDS, 2), *(o + b"\r\n" for o in LETTERS),
                  *(o + b"\n" for o in LETTERS)]
    made = [b + dot + a for b in before for dot in (b".", b"..") for a in behind
            if b.endswith(ENDS) or a.startswith(ENDS) or long or dot == b"."]
    for o in octets(long):
        made += [b"\r\n." + o + b"\r\n", b"\r\n" + o + b".\r\n", b"\r\n." + o + b"abc\r\n",
                 b"\n." + o + b"\n", b"\r\n.\r" + o + b"\n", b"\r" + o + b"\n.\r\n"]
    return [trick for trick in unique(made)
            if b"\r\n.\r\n" not in b"x" + trick and b"\r\n.\r\n" not in trick + b"\r\n"[:1]]


def body_lines(long=False):
    """Lines at whose length a server may split or leave the body."""
    sizes = SPLITS + ([s + m for s in LONG_SIZES for m in range(-2, 4)] if long else [])
    made = []
    for size in sizes:
        # HEAD's last line is "text"
        pad = b"a" * (size - 4)
        made += [pad + b"\r\n", pad + b".\r\n", pad + b"\n.\n", pad + b"\r.\r\n"]
        if long:
            made += [pad + b"\n.\r\n", pad + b"\r\n." + b"a" * (size - 1) + b"\r\n"]
    return [trick for trick in made if b"\r\n.\r\n" not in trick]


def line_ends(witness, long=False):
    """What separates two commands for a server, and one line for the filter."""
    made = []
    for start in (b"NOOP", b"HELO x", b"NOOP x") if long else (b"NOOP", b"HELO x"):
        made += [start + end + witness for end in words(LETTERS, 2 if long else 1)]
        made += [start + o + witness for o in octets(long)]
        made += [start + b"\r" + o + witness for o in (EVERY if long else LETTERS)]
        made += [start + o + b"\n" + witness for o in (EVERY if long else LETTERS)]
    return made


def verbs(witness, long=False):
    """The witness in disguise."""
    name, _, rest = witness.partition(b" ")
    rest = b" " + rest if rest else b""
    made = [o + witness for o in octets(long)]
    made += [name + o + rest.lstrip() for o in octets(long)]
    made += [name + o + rest for o in LETTERS]
    made += [o + witness for o in words(LETTERS, 2)] if long else [o * 2 + witness for o in LETTERS]
    made += [name.lower() + rest, name.capitalize() + rest, name.swapcase() + rest,
             name[:1].lower() + name[1:] + rest, b"\xef\xbb\xbf" + witness,
             b"\xff\xfe" + witness, bytes(c | 0x80 for c in name) + rest, name + name + rest]
    for at in range(1, len(name)):
        made += [name[:at] + rest, name[at:] + rest]
        made += [name[:at] + o + name[at:] + rest for o in LETTERS + (b"\b", b"\x7f")]
        if at < len(name) - 1:
            made += [name[:at] + bytes([name[at] | 0x80]) + name[at + 1:] + rest]
    made += [name + bytes([c]) + rest for c in b"0aX-_:;,.=<>\"'`|&"]
    made += [b"NOOP " * n + witness for n in (1, 2)] + [b"X " + witness, b"HELO " + witness]
    return [trick for trick in unique(made) if trick.strip()]


def lengths(witness, long=False):
    """One line for the filter, so long that a server takes it for two."""
    sizes = SPLITS + ([s + m for s in LONG_SIZES for m in range(-2, 4)] if long else [])
    starts = (b"NOOP ", b"RCPT TO:<", b"HELO ", b"XXXX ", b"") if long else (b"NOOP ", b"RCPT TO:<")
    made = []
    for size in sizes:
        for start in starts:
            for pad in (b"a", b" ") if long or start == b"NOOP " else (b"a",):
                made.append(start + pad * (size - len(start)) + witness)
        if long:
            made.append(b"NOOP " + b"a" * (2 * size - 5) + witness)
    return made


def responses(witness, long=False):
    """SASL's answers: after a 334, one line that is no command."""
    sizes = SPLITS + ([s + m for s in LONG_SIZES for m in range(-2, 4)] if long else [])
    made = [b"QUFB" * (size // 4) + b"QUFB"[:size % 4] + witness for size in sizes]
    made += [b"QUFB" + end + witness for end in words(LETTERS, 2 if long else 1)]
    made += [b"QUFB" + o + b"\n" + witness for o in octets(long) if o not in b"\r"]
    made += [end + witness for end in words(LETTERS, 1)]
    return made


def chunks(witness, long=False):
    """(what is said before, the BDAT line); the chunk is commands."""
    sizes = [b"%d" % n for n in (200, 10**9 - 1, 2**31, 2**32 - 1, 2**32 + 200, 10**10,
                                 2**63, 2**64 + 200)]
    if long:
        sizes += [b"%d" % (10 ** n) for n in range(3, 22)]
    forms = [b"BDAT %s" % size for size in sizes] + [b"BDAT %s LAST" % size for size in sizes]
    forms += [b"BDAT", b"BDAT x", b"BDAT -1", b"BDAT -200", b"BDAT +200", b"BDAT 0x200",
              b"BDAT 200x", b"BDAT 200 LASTX", b"BDAT 200 LAST x", b"BDAT  200", b"BDAT\t200",
              b"BDAT 200\tLAST", b"BDAT 000200", b"BDAT 200 ", b"bdat 200 last", b"BDAT 2 00",
              b"BDAT 200,", b"BDAT 200.0", b"BDAT 2e2", b"BDAT \x00200", b"BDAT 200\0",
              b"BDAT 200 LA", b"BDAT 0 LAST", b"BDAT 0"]
    starts = [(), (MAIL,), (MAIL, RCPT), (MAIL, RCPT, b"BDAT 3\r\nabc"),
              (MAIL, RCPT, b"BDAT 3 LAST\r\nabc"), (MAIL, RCPT, b"BDAT 0 LAST\r\n"),
              (MAIL, RCPT, b"BDAT 3\r\nabc", b"RSET\r\n"), (MAIL, b"RCPT TO:<>\r\n"),
              (MAIL + b"", b"RCPT TO:<nobody@nowhere.invalid>\r\n")]
    return [(start, form) for start in starts for form in forms]


def silent(_witness, long=False):
    """Lines to which servers give no answer, or more than one."""
    made = [b"", b" ", b"\t", b"\0", b"  ", b"\r", b"\0\0", b"\xff", b".", b"\x1a", b"\x04", b"X",
            b"\n", b"\n\n", b"\r\r", b"NOOP\0", b"\0NOOP", b"NOOP\r", b"NOOP\n", b" NOOP", b"250",
            b"NOOP\nNOOP", b"NOOP\rNOOP", b"NOOP\r\0", b"EXPN root", b"HELP", b"VRFY root",
            b"VRFY", b"AUTH", b"AUTH PLAIN", b"AUTH FOO", b"DATA", b"RSET", b"QUIT x", b"HELO",
            b"EHLO", b"ETRN x", b"ETRN #x", b"HELP x", b"NOOP x", b"MAIL", b"RCPT", b"TURN", b"VERB"]
    made += [b"NOOP " + b"a" * (size - 5) for size in SPLITS]
    made += [b"a" * size for size in SPLITS]
    if long:
        made += [b"NOOP " + b" " * (size - 5) for size in SPLITS]
        made += [b"NOOP " + b"a" * (size - 5) for s in LONG_SIZES for size in range(s - 2, s + 4)]
        made += EVERY
    return unique(made)


COMMANDS = {"line end": line_ends, "verb": verbs, "length": lengths}
BODIES = {"end of data": terminators, "body line": body_lines}


# -- how a server takes them ------------------------------------------------

class Server:
    """What is asked of one server. connect(port) gives reader and writer; facts
    is what was learned of it without a filter."""

    def __init__(self, name, connect, patience, quiet, facts=None, ehlo=True):
        self.ehlo = ehlo
        self.name, self.port = name, SERVERS[name]
        self.connect, self.patience, self.quiet = connect, patience, quiet
        self.facts = facts or {}
        self.asked = 0

    def session(self):
        return Session(self.connect, self.port, self.patience, self.quiet)

    async def hello(self, session, login=False):
        """By EHLO where the server knows it and the policy lets it through."""
        if await session.reply() is None:
            raise Closed("no greeting")
        if not self.ehlo:
            return await session.says(b"HELO client.example\r\n", "2")
        reply = await session.say(b"EHLO client.example\r\n")
        if reply.code[:1] != "2":
            await session.says(b"HELO client.example\r\n", "2")
        if login and self.name in LOGIN:
            await session.says(LOGIN[self.name], "2")
        return reply

    async def each(self, tricks, ask, normal, found, login=False):
        """ask(session, trick) of each, by WORKERS connections at a time. Where the
        replies are not normal(replies), found(trick, replies), and a new
        connection."""
        tricks = list(tricks)[::-1]
        workers = min(WORKERS, len(tricks) // 4 + 1)
        await asyncio.gather(*(self.some(tricks, ask, normal, found, login)
                               for _ in range(workers)))

    async def some(self, tricks, ask, normal, found, login):
        troubles = 0
        while tricks:
            try:
                async with self.session() as session:
                    await self.hello(session, login)
                    while tricks:
                        trick = tricks.pop()
                        self.asked += 1
                        told = len(session.replies)
                        try:
                            await ask(session, trick)
                            bad = not normal(session.replies[told:])
                        except Closed:
                            bad = True
                        if bad:
                            await session.rest()
                            await found(trick, session.replies[told:])
                            break
                        troubles = 0
            except (Closed, OSError, asyncio.TimeoutError):
                # Perhaps it takes no more for a moment
                troubles += 1
                if troubles > 20:
                    raise
                await asyncio.sleep(self.quiet)

    async def lines(self, tricks, key, found):
        """Command lines, each awaited; found(trick, replies) where the witness's
        answer came, or not one reply."""
        async def ask(session, trick):
            session.send(trick + b"\r\n")
            if await session.reply(self.quiet * 4) is None:
                return
            # Whoever has more to say has said it before this
            await session.say(b"RSET\r\n")

        def normal(replies):
            return len(replies) == 2 and replies[1].key == self.facts["RSET"] and \
                replies[0].key != key

        await self.each(tricks, ask, normal, found)

    async def transaction(self, session):
        await session.says(MAIL, "2")
        await session.says(RCPT, "2")
        await session.says(b"DATA\r\n", "3")

    def refuses(self, replies, key):
        """Has it refused the mail, and no more? Then it ran nothing of it, whether it closes
        the connection or takes the next command."""
        told = [reply.key for reply in replies[3:]]
        if told and told[-1] == self.facts["NOOP"]:
            told.pop()
        return len(told) == 1 and told[0][:1] in "45" and told[0] != key

    async def bodies(self, tricks, witness, key, found):
        """Tricks in a body, several in one where there are many."""
        async def ask(session, batch):
            await self.transaction(session)
            text = b"abc\r\n" + witness + b"\r\ntext"
            session.send(HEAD + text.join(batch) + text + b"\r\n.\r\n")
            await session.say(b"")
            if self.facts["NOOP"]:
                await session.say(b"NOOP\r\n")

        def normal(replies):
            keys = [reply.key for reply in replies[4:]]
            return len(replies) >= 4 and replies[3].code[:1] == "2" and \
                keys == ([self.facts["NOOP"]] if self.facts["NOOP"] else [])

        async def again(batch, replies):
            if len(batch) == 1:
                return None if self.refuses(replies, key) else await found(batch[0], replies)
            half = len(batch) // 2
            return await self.each([batch[:half], batch[half:]], ask, normal, again)

        # A body that a server refuses for its size shows nothing
        batches, batch = [], []
        for trick in tricks:
            batch.append(trick)
            if len(batch) == 24 or sum(map(len, batch)) > 30000:
                batches.append(batch)
                batch = []
        await self.each([*batches, *([batch] if batch else [])], ask, normal, again)

    async def body(self, trick, witness, key):
        """One trick, one thing at a time; what the server did that it should not
        while a body is going on, or None."""
        self.asked += 1
        try:
            async with self.session() as session:
                await self.hello(session)
                await self.transaction(session)
                told = len(session.replies)
                try:
                    for piece in (HEAD + trick, b"abc\r\n", witness + b"\r\n", MAIL, RCPT):
                        session.send(piece)
                        await session.reply(self.quiet)
                except Closed:
                    pass
                early = session.replies[told:]
        except (Closed, OSError, asyncio.TimeoutError):
            return None
        if key in (reply.key for reply in early):
            return "ran %s: %r" % (witness.decode(), early)
        if any(reply.code[:1] == "2" for reply in early):
            return "ended: %r" % early
        return None

    async def responses(self, tricks, start, key, found):
        async def ask(session, trick):
            if start.endswith(b" "):
                reply = await session.say(start + trick + b"\r\n")
            else:
                reply = await session.say(start + b"\r\n")
                if reply.code == "334":
                    reply = await session.say(trick + b"\r\n")
            if reply.code == "334":
                await session.say(b"*\r\n")
            await session.say(b"RSET\r\n")

        def normal(replies):
            return len(replies) >= 2 and replies[-1].key == self.facts["RSET"] and \
                key not in (reply.key for reply in replies)

        await self.each(tricks, ask, normal, found)

    async def chunk(self, trick, witness, key, at_once):
        """Did the server take what is in the chunk for commands?"""
        start, form = trick
        inside = witness + b"\r\n"
        inside *= 200 // len(inside) + 1
        self.asked += 1
        try:
            async with self.session() as session:
                await self.hello(session, login=bool(start))
                for line in start:
                    await session.say(line)
                told = len(session.replies)
                try:
                    if at_once:
                        session.send(form + b"\r\n" + inside)
                    else:
                        session.send(form + b"\r\n")
                        await session.reply(self.quiet)
                        session.send(inside)
                except Closed:
                    pass
                await session.rest()
                got = session.replies[told:]
        except (Closed, OSError, asyncio.TimeoutError):
            return None
        return got if key in (reply.key for reply in got) else None

    async def discloses(self, before, keywords, at_once):
        """Lines that unsettle the count of replies, then EHLO: which keywords that
        the policy hides does the client get to see?"""
        self.asked += 1
        ehlo = b"EHLO client.example\r\n"
        try:
            async with self.session() as session:
                await session.reply()
                try:
                    if at_once:
                        session.send(b"".join(line + b"\r\n" for line in before) + ehlo * 2)
                        await session.rest()
                    else:
                        for line in before:
                            session.send(line + b"\r\n")
                            await session.reply(self.quiet)
                        for _ in range(2):
                            session.send(ehlo)
                            await session.rest()
                except Closed:
                    pass
                shown = session.raw
        except (Closed, OSError, asyncio.TimeoutError):
            return None
        return [keyword for keyword in keywords
                if re.search(rb"^250[- ]" + re.escape(keyword) + rb"\b", shown, re.M)] or None
