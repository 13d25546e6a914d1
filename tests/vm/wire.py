#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The bytes at both ends of the router, rule by rule (docs/rules.md).

Started by suite.sh in the guest; the server and the client are played here, so
that every byte either of them gets is known. Several policies stand side by
side, each on a port of its own.
"""
import argparse
import hashlib
import random
import sys
import threading

import net
import suite
from net import READY, READY_PIX, Connection, Mismatch, compare, counters, tool
from suite import test

FIXUP, ESMTP, TLS, STARS, KEEP, PLAIN, STARS_ESMTP = 25, 26, 27, 28, 29, 30, 31

V1 = b"HELO MAIL RCPT DATA RSET NOOP QUIT".split()
V2 = V1 + b"AUTH EHLO ETRN HELP SAML SEND SOML VRFY".split()
BLOCKED = (b"ATRN ONEX VERB TURN EXPN BDAT XEXCH50 X-EXPS X-LINK2STATE XCLIENT "
           b"XFORWARD KILL WIZ DEBUG STARTTLS").split()

GREETING = b"220 mail2.nwtraders.msft Microsoft ESMTP Mail Service\r\n"
GREETING_PIX = b"220 ****2********************************************\r\n"
BODY = b"Subject: x\r\n\r\nEXPN root\r\nDATA\r\nSTARTTLS\r\n..\r\nQUIT\r\n"


def policies():
    tool("set", str(FIXUP), "fixup")
    tool("set", str(ESMTP), "esmtp")
    tool("set", str(TLS), "esmtp", "tls", "allow")
    tool("set", str(STARS), "fixup", "banner", "stars")
    tool("set", str(KEEP), "fixup", "banner", "keep")
    tool("set", str(STARS_ESMTP), "esmtp", "banner", "stars")


# -- what a person would expect ---------------------------------------------

def pix_mask(text):
    """G3 and G5, written from the rules and not from the module."""
    lines = []
    for line in text.split(b"\r\n"):
        out, before = b"", b""
        for at, byte in enumerate(line):
            char = bytes([byte])
            kept = (char in b"20" or (char == b" " and before == b"0") or
                    (at == 3 and line.startswith(b"220") and char in b"- "))
            out += char if kept else b"*"
            before = char
        lines.append(out)
    return b"\r\n".join(lines)


def stars_mask(text):
    """G4."""
    return b"\r\n".join(line[:4] + b"*" * len(line[4:]) for line in text.split(b"\r\n"))


def blocked_whole(line):
    """V3: the verb and nothing else."""
    verb = line.split(b" ")[0].split(b"\r")[0]
    return b"X" * len(verb) + line[len(verb):]


def blocked_typed(line, allowed):
    """V6: what passes of a blocked verb that comes a byte at a time."""
    verb = line.split(b" ")[0].split(b"\r")[0]
    passes = 0
    while passes < len(verb) and any(
            word.startswith(verb[:passes + 1].upper()) for word in allowed):
        passes += 1
    return verb[:passes] + b"X" * (len(verb) - passes) + line[len(verb):]


def greeted(port, family, want=None):
    """A connection whose greeting is over."""
    if want is None:
        want = READY if port in (KEEP, PLAIN) else READY_PIX
    return net.greeted(port, family, want)


def in_body(port, family):
    """A connection whose body has begun."""
    connection = greeted(port, family)
    for command in (b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<b@example.org>\r\n"):
        connection.c(command)
        connection.s(b"250 2.1.0 Ok\r\n")
    connection.c(b"DATA\r\n")
    connection.s(b"354 End data with <CR><LF>.<CR><LF>\r\n")
    return connection


def still_judged(connection):
    """Command state, and replies and commands are in step."""
    connection.c(b"EXPN root\r\n", b"XXXX root\r\n")
    connection.s(b"500 5.5.2 unrecognized\r\n")
    connection.c(b"NOOP\r\n")
    connection.s(b"250 Ok\r\n")


# -- G: the greeting --------------------------------------------------------

GREETINGS = {
    "the documents' own": GREETING,
    "with digits and spaces": b"220 a 2 0 20 200 ESMTP 0  Exim 4.20 0\r\n",
    "nothing but a code": b"220\r\n",
    "a code and a space": b"220 \r\n",
    "of 510 bytes": b"220 " + b"mail0 2x " * 56 + b"zz\r\n",
    "of several lines": (b"220-first line 0 x\r\n220-second 220-a 220 b\r\n"
                         b"220-\r\n220 last ESMTP 20 \r\n"),
    "with 8-bit bytes": b"220 \xc3\xa4\xff\x01 ESMTP\r\n",
}


@test("G3", "the mask of the documents, to the letter", quick=True)
def _(family):
    with Connection(FIXUP, family) as connection:
        connection.s(GREETING, GREETING_PIX)
        connection.close()


for title, greeting in GREETINGS.items():
    @test("G2 G3 G5", "banner pix, a greeting " + title)
    def _(family, greeting=greeting):
        for port in (FIXUP, ESMTP):
            for cut in (None, 1):
                with Connection(port, family) as connection:
                    connection.s(greeting, pix_mask(greeting), cut)

    @test("G4 G5", "banner stars, a greeting " + title)
    def _(family, greeting=greeting):
        for cut in (None, 1):
            with Connection(STARS, family) as connection:
                connection.s(greeting, stars_mask(greeting), cut)

    @test("G2", "banner keep, a greeting " + title)
    def _(family, greeting=greeting):
        with Connection(KEEP, family) as connection:
            connection.s(greeting)


@test("G2 G3", "a greeting split at every place", quick=True)
def _(family):
    for at in range(1, len(GREETING)):
        with Connection(FIXUP, family) as connection:
            connection.s(GREETING, GREETING_PIX, [at])


@test("G1", "a first reply that is no 220 passes unchanged")
def _(family):
    for reply in (b"421 4.3.2 closing 220 \r\n", b"554 go away\r\n",
                  b"554-go\r\n554 away\r\n"):
        with Connection(FIXUP, family) as connection:
            connection.s(reply)


@test("G1", "every later reply passes unchanged, 220 or not")
def _(family):
    with Connection(FIXUP, family) as connection:
        connection.s(GREETING, GREETING_PIX)
        connection.c(b"HELO client.example\r\n")
        connection.s(b"250 mail.example.org Hello ESMTP\r\n")
        connection.c(b"NOOP\r\n")
        connection.s(b"220-mail.example.org ESMTP\r\n220 once more\r\n")
        connection.c(b"QUIT\r\n")
        connection.s(b"221 2.0.0 Bye\r\n")
        connection.close()


@test("G1", "commands sent before the greeting are judged as well")
def _(family):
    with Connection(FIXUP, family) as connection:
        connection.c(b"EXPN root\r\nNOOP\r\n", b"XXXX root\r\nNOOP\r\n")
        connection.s(GREETING + b"500 no\r\n250 yes\r\n",
                     GREETING_PIX + b"500 no\r\n250 yes\r\n")


# -- V: verbs ---------------------------------------------------------------

@test("V1", "the seven verbs of fixup pass, in any case")
def _(family):
    with greeted(FIXUP, family) as connection:
        for verb in V1:
            for form in (verb, verb.lower(), verb.title()):
                connection.c(form + b" x\r\n")
                connection.s(b"550 no\r\n")


@test("V1 V3", "everything else is blocked in fixup, EHLO too", quick=True)
def _(family):
    with greeted(FIXUP, family) as connection:
        connection.c(b"ehlo remote-domain.com\r\n", b"XXXX remote-domain.com\r\n")
        connection.s(b'500 5.5.1 Command unrecognized: "XXXX remote-domain.com"\r\n')
        for verb in BLOCKED + V2[7:]:
            line = verb + b" one two\r\n"
            connection.c(line, blocked_whole(line))
            connection.s(b"500 no\r\n")


@test("V2", "the fifteen verbs of esmtp pass")
def _(family):
    with greeted(ESMTP, family) as connection:
        for verb in V2:
            connection.c(verb + b" x\r\n")
            connection.s(b"550 no\r\n")


@test("V2 V3", "everything else is blocked in esmtp", quick=True)
def _(family):
    with greeted(ESMTP, family) as connection:
        for verb in BLOCKED:
            line = verb.lower() + b" one two\r\n"
            connection.c(line, blocked_whole(line))
            connection.s(b"500 no\r\n")


@test("V3", "separator, argument and line end stay")
def _(family):
    with greeted(FIXUP, family) as connection:
        for line in (b"EXPN\r\n", b"EXPN \r\n", b"EXPN\troot\r\n", b"EXPN  a  EXPN b\r\n",
                     b"EXPN: MAIL FROM:<a>\r\n", b"X\r\n", b"MAILX FROM:<a>\r\n",
                     b"MAI FROM:<a>\r\n", b"HELO1 x\r\n", b"NOOPNOOP\r\n"):
            verb = line.split()[0]
            connection.c(line, b"X" * len(verb) + line[len(verb):])
            connection.s(b"500 no\r\n")


@test("V6", "a legal verb typed a byte at a time works", quick=True)
def _(family):
    with greeted(FIXUP, family) as connection:
        for line in (b"HELO client\r\n", b"MAIL FROM:<a@b>\r\n", b"rcpt TO:<c@d>\r\n",
                     b"NOOP\r\n", b"QUIT\r\n"):
            connection.c(line, cut=1)
            connection.s(b"250 fine\r\n", cut=1)


@test("V6", "an illegal verb typed a byte at a time never arrives whole", quick=True)
def _(family):
    for port, allowed in ((FIXUP, V1), (ESMTP, V2)):
        with greeted(port, family) as connection:
            for verb in BLOCKED + [b"HELPX", b"DATX", b"QUI", b"NOOPS"]:
                line = verb + b" root\r\n"
                want = blocked_typed(line, allowed)
                connection.c(line, want, cut=1)
                connection.s(b"500 no\r\n")


@test("V6", "an illegal verb split at every place never arrives whole")
def _(family):
    line = b"STARTTLS\r\n"
    with greeted(ESMTP, family) as connection:
        for at in range(1, len(line)):
            connection.client.send(line[:at])
            first = connection.server.receive(at)
            connection.client.send(line[at:])
            second = connection.server.receive(len(line) - at)
            if b"X" not in first + second or (first + second)[8:] != b"\r\n":
                raise Mismatch("split at %d: the server got %r" % (at, first + second))
            connection.s(b"500 no\r\n")


@test("V8", "empty lines, blanks before the verb, long and 8-bit verbs are judged")
def _(family):
    with greeted(FIXUP, family) as connection:
        for line, want in (
                (b"\r\n", b"\r\n"),
                (b" \t EXPN root\r\n", b" \t XXXX root\r\n"),
                (b"  NOOP\r\n", b"  NOOP\r\n"),
                (b"E" * 700 + b" x\r\n", b"X" * 700 + b" x\r\n"),
                (b"\xff\xfe\x80 x\r\n", b"XXX x\r\n"),
                (b"NO\xd6P\r\n", b"XXXX\r\n"),
                (b"MAIL" * 100 + b"\r\n", b"X" * 400 + b"\r\n")):
            connection.c(line, want)
            connection.s(b"500 no\r\n")
        still_judged(connection)


@test("V9", "every line of a segment is judged", quick=True)
def _(family):
    with greeted(FIXUP, family) as connection:
        connection.c(b"HELO a\r\nEHLO b\r\nVRFY c\r\nMAIL FROM:<d>\r\nEXPN e\r\nNOOP\r\nWIZ\r\n",
                     b"HELO a\r\nXXXX b\r\nXXXX c\r\nMAIL FROM:<d>\r\nXXXX e\r\nNOOP\r\nXXX\r\n")
        connection.s(b"250 a\r\n500 b\r\n500 c\r\n250 d\r\n500 e\r\n250 f\r\n500 g\r\n")
        connection.c(b"QUIT\r\n")
        connection.s(b"221 bye\r\n")
        connection.close()


@test("V9 D7", "five hundred lines in one go")
def _(family):
    lines = [random.choice((b"NOOP %d\r\n", b"EXPN %d\r\n", b"RCPT TO:<%d>\r\n")) % n
             for n in range(500)]
    want = b"".join(line if line[:4] in V1 else blocked_whole(line) for line in lines)
    with greeted(FIXUP, family) as connection:
        connection.c(b"".join(lines), want)
        connection.s(b"".join(b"250 2.0.0 number %d\r\n" % n for n in range(500)))
        still_judged(connection)


@test("V6 V9", "pipelined commands cut into segments of every size", quick=True)
def _(family):
    data = b"EXPN one\r\nEXPN two\r\nMAIL FROM:<a>\r\nVRFY x\r\nRSET\r\n"
    for size in (2, 3, 5, 7, 11, 13, 24):
        with greeted(FIXUP, family) as connection:
            for at in range(0, len(data), size):
                connection.client.send(data[at:at + size])
            got = connection.server.receive(len(data))
            compare(got, b"XXXX one\r\nXXXX two\r\nMAIL FROM:<a>\r\nXXXX x\r\nRSET\r\n",
                    "segments of %d: what the server received" % size)


@test("V7", "a client that ends its lines with a bare LF works, and is judged")
def _(family):
    with greeted(FIXUP, family) as connection:
        for line, want in ((b"HELO a\n", b"HELO a\n"), (b"EXPN a\n", b"XXXX a\n"),
                           (b"NOOP\n", b"NOOP\n")):
            connection.c(line, want)
            connection.s(b"250 fine\r\n")


@test("V7", "no bare CR, LF or NUL brings a blocked verb to the server")
def _(family):
    for glue in (b"\n", b"\r", b"\0", b"\r\r\n", b"\n\r", b"\r\0\n", b"\x0b", b"\x85"):
        for cut in (None, 1):
            with greeted(FIXUP, family) as connection:
                line = b"NOOP" + glue + b"EXPN root\r\n"
                thread = threading.Thread(target=send_pieces,
                                          args=(connection.client, line, cut))
                thread.start()
                connection.server.sock.settimeout(1)
                got = connection.server.receive(4 + len(glue))
                # The reply, in case the rest waits for it.
                connection.server.send(b"250 fine\r\n")
                connection.client.receive(10)
                got += connection.server.receive(len(line) - len(got))
                thread.join()
                # A line's start is where any server may see one.
                for end in (b"\r\n", b"\n", b"\r"):
                    if any(part.strip(b"\0\r\n \t").upper().startswith(b"EXPN")
                           for part in got.split(end)):
                        raise Mismatch("%r arrived as %r" % (line, got))


def send_pieces(end, data, size):
    if size is None:
        end.send(data)
        return
    for at in range(0, len(data), size):
        end.send(data[at:at + size])


@test("V2", "set allow and deny change what passes")
def _(family):
    tool("set", "40", "esmtp", "allow", "EXPN", "deny", "VRFY,HELP")
    with greeted(40, family, READY_PIX) as connection:
        for line, want in ((b"EXPN a\r\n", b"EXPN a\r\n"), (b"VRFY a\r\n", b"XXXX a\r\n"),
                           (b"HELP\r\n", b"XXXX\r\n"), (b"ETRN a\r\n", b"ETRN a\r\n")):
            connection.c(line, want)
            connection.s(b"250 fine\r\n")
    tool("set", "40", "off")


PROXY_HEADERS = (
    b"PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\n",
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\n\r\n.\xc6\x33\x64\x01\x9c\x40\0\x19",
    b"\r\n\r\n\0\r\nQUIT\n\x20\0\x02\x08" + b"\r\nEXPN a\r\n" * 52)


@test("V11", "a PROXY header passes before the greeting, what follows waits", quick=True)
def _(family):
    tool("set", "41", "esmtp", "proxy-protocol", "allow")
    for header in PROXY_HEADERS:
        for cut in (None, range(1, len(header), 1 if len(header) < 100 else 7)):
            with Connection(41, family) as connection:
                connection.c(header, cut=cut)
                connection.client.send(b"EXPN root\r\n")
                connection.server.expect_nothing()
                connection.s(GREETING, GREETING_PIX)
                connection.server.expect(b"XXXX root\r\n")
                connection.s(b"500 no\r\n")
                connection.c(b"PROXY UNKNOWN\r\n", b"XXXXX UNKNOWN\r\n")
    tool("set", "41", "off")


@test("V11", "a PROXY header is blocked where it is not allowed, or too late")
def _(family):
    with Connection(ESMTP, family) as connection:
        connection.c(b"PROXY UNKNOWN\r\n", b"XXXXX UNKNOWN\r\n")
    tool("set", "41", "esmtp", "proxy-protocol", "allow")
    with greeted(41, family, READY_PIX) as connection:
        connection.c(b"PROXY UNKNOWN\r\n", b"XXXXX UNKNOWN\r\n")
    tool("set", "41", "off")


# -- E: the reply to EHLO ---------------------------------------------------

EHLO_REPLY = (b"250-mail.domainname.com Hello [10.53.7.203]\r\n250-TURN\r\n250-ATRN\r\n"
              b"250-SIZE\r\n250-ETRN\r\n250-PIPELINING\r\n250-DSN\r\n"
              b"250-ENHANCEDSTATUSCODES\r\n250-8bitmime\r\n250-BINARYMIME\r\n"
              b"250-CHUNKING\r\n250-VRFY\r\n250-X-EXPS GSSAPI NTLM LOGIN\r\n"
              b"250-X-EXPS=LOGIN\r\n250-AUTH GSSAPI NTLM LOGIN\r\n250-AUTH=LOGIN\r\n"
              b"250-X-LINK2STATE\r\n250-XEXCH50\r\n250 OK\r\n")
EHLO_MASKED = (b"250-mail.domainname.com Hello [10.53.7.203]\r\n250-XXXA\r\n250-XXXB\r\n"
               b"250-SIZE\r\n250-ETRN\r\n250-PIPELINING\r\n250-DSN\r\n"
               b"250-ENHANCEDSTATUSCODES\r\n250-8bitmime\r\n250-XXXXXXXXXC\r\n"
               b"250-XXXXXXXD\r\n250-VRFY\r\n250-" + b"X" * 23 + b"E\r\n"
               b"250-XXXXXXXXXXXF\r\n250-AUTH GSSAPI NTLM LOGIN\r\n250-XXXXXXXXXG\r\n"
               b"250-XXXXXXXXXXXH\r\n250-XXXXXXI\r\n250 XJ\r\n")


@test("E1 E2", "an Exchange server's reply to EHLO", quick=True)
def _(family):
    with greeted(ESMTP, family) as connection:
        connection.c(b"ehlo remote-domain.com\r\n")
        connection.s(EHLO_REPLY, EHLO_MASKED)
        connection.c(b"EHLO again\r\n")
        connection.s(EHLO_REPLY, EHLO_MASKED)
        still_judged(connection)


@test("E1", "the rule's own example: STARTTLS and HELP")
def _(family):
    with greeted(ESMTP, family) as connection:
        connection.c(b"EHLO x\r\n")
        connection.s(b"250-STARTTLS is my name\r\n250-STARTTLS\r\n250-SIZE 100\r\n250 HELP\r\n",
                     b"250-STARTTLS is my name\r\n250-XXXXXXXA\r\n250-SIZE 100\r\n250 XXXB\r\n")


@test("E1", "after Z comes A, and a line with nothing to mask stays")
def _(family):
    lines = [b"250-host\r\n"] + [b"250-FOO%d\r\n" % n for n in range(10, 38)]
    lines += [b"250-\r\n", b"250-SIZES\r\n", b"250-SIZE=1\r\n", b"250 Q\r\n"]
    want = [lines[0]] + [b"250-XXXX%c\r\n" % (65 + n % 26) for n in range(28)]
    want += [b"250-\r\n", b"250-XXXXC\r\n", b"250-XXXXXD\r\n", b"250 E\r\n"]
    with greeted(ESMTP, family) as connection:
        connection.c(b"EHLO x\r\n")
        connection.s(b"".join(lines), b"".join(want))


@test("E1", "a line that comes in pieces of lines is masked line by line", quick=True)
def _(family):
    edges = [at + 1 for at, byte in enumerate(EHLO_REPLY) if byte == 10][:-1]
    with greeted(ESMTP, family) as connection:
        connection.c(b"EHLO x\r\n")
        connection.s(EHLO_REPLY, EHLO_MASKED, edges)


@test("E1", "split to one byte each, no blocked keyword can be read by the client")
def _(family):
    with greeted(ESMTP, family) as connection:
        connection.c(b"EHLO x\r\n")
        got = b""
        for at in range(len(EHLO_REPLY)):
            connection.server.send(EHLO_REPLY[at:at + 1])
            got += connection.client.receive(1)
        for line, want, whole in zip(got.split(b"\r\n"), EHLO_MASKED.split(b"\r\n"),
                                     EHLO_REPLY.split(b"\r\n")):
            if want == whole:
                compare(line, whole, "a line that passes")
                continue
            if len(line) != len(whole) or line[:4] != whole[:4] or b"X" not in line[4:] and \
                    len(line) > 5 or line == whole:
                raise Mismatch("%r arrived as %r" % (whole, line))
        still_judged(connection)


@test("E1", "replies to other commands are not masked")
def _(family):
    with greeted(ESMTP, family) as connection:
        connection.c(b"HELO x\r\n")
        connection.s(b"250-host\r\n250-STARTTLS\r\n250 CHUNKING\r\n")
        connection.c(b"EHLO x\r\n")
        connection.s(b"250-host\r\n250 SIZE\r\n")
        connection.c(b"VRFY x\r\n")
        connection.s(b"250-host\r\n250-STARTTLS\r\n250 CHUNKING\r\n")
        connection.c(b"HELP\r\n")
        connection.s(b"214-STARTTLS\r\n214 CHUNKING\r\n")


@test("E1 D11", "a refused EHLO is not masked, a 250 that may yet be its reply is")
def _(family):
    """The 502 may be the second answer to what came before."""
    with greeted(ESMTP, family) as connection:
        connection.c(b"EHLO x\r\n")
        connection.s(b"502-STARTTLS\r\n502 CHUNKING\r\n")
        connection.c(b"HELO x\r\n")
        connection.s(b"250-host\r\n250-STARTTLS\r\n250 CHUNKING\r\n",
                     b"250-host\r\n250-XXXXXXXA\r\n250 XXXXXXXB\r\n")
        connection.c(b"HELP\r\n")
        connection.s(b"214-STARTTLS\r\n214 CHUNKING\r\n")


@test("E1 D7 D11", "the reply to EHLO is masked among pipelined replies, and what may be it")
def _(family):
    """RFC 2920, 3.1 has EHLO last in a group: here a reply more or less moves it."""
    with greeted(ESMTP, family) as connection:
        connection.c(b"NOOP\r\nEHLO x\r\nNOOP\r\n")
        connection.s(b"250-a\r\n250-STARTTLS\r\n250 CHUNKING\r\n"
                     b"250-host\r\n250-STARTTLS\r\n250 SIZE\r\n"
                     b"250-b\r\n250 STARTTLS\r\n",
                     b"250-a\r\n250-XXXXXXXA\r\n250 XXXXXXXB\r\n"
                     b"250-host\r\n250-XXXXXXXA\r\n250 SIZE\r\n"
                     b"250-b\r\n250 XXXXXXXA\r\n")


@test("V10", "what is beyond 2,048 octets of a command line leaves as spaces")
def _(family):
    for port in (FIXUP, ESMTP):
        with greeted(port, family) as connection:
            line = b"NOOP " + b"a" * 16379 + b"EXPN root"
            connection.client.sock.sendall(line + b"\r\n")
            connection.server.expect(line[:2048] + b" " * (len(line) - 2048) + b"\r\n")
            connection.s(b"250 ok\r\n")
            still_judged(connection)


# -- D: the dialogue --------------------------------------------------------

@test("D1", "only the server's 354 opens the body", quick=True)
def _(family):
    for port in (FIXUP, ESMTP):
        with greeted(port, family) as connection:
            for reply in (b"503 5.5.1 need RCPT\r\n", b"250 354 not yet\r\n", b"451 later\r\n",
                          b"550-354 go ahead\r\n550 354 go ahead\r\n", b"500 354\r\n"):
                connection.c(b"DATA\r\n")
                connection.s(reply)
                still_judged(connection)


@test("D1", "a 354 that answers another command opens nothing")
def _(family):
    with greeted(FIXUP, family) as connection:
        connection.c(b"NOOP\r\n")
        connection.s(b"354 go ahead\r\n")
        still_judged(connection)
        connection.c(b"XDATA\r\n", b"XXXXX\r\n")
        connection.s(b"354 go ahead\r\n")
        still_judged(connection)


@test("D1 D7", "a 354 as the second line of a reply opens nothing")
def _(family):
    with greeted(FIXUP, family) as connection:
        connection.c(b"NOOP\r\nDATA\r\n")
        connection.s(b"250-one\r\n250-354 two\r\n250 three\r\n")
        connection.s(b"503-354\r\n503-no\r\n503 354 \r\n")
        still_judged(connection)


@test("D2", "a body sent with DATA waits for the 354 and arrives intact", quick=True)
def _(family):
    for port in (FIXUP, ESMTP):
        with greeted(port, family) as connection:
            connection.client.send(b"DATA\r\n" + BODY + b".\r\nEXPN root\r\n")
            connection.server.expect(b"DATA\r\n")
            connection.server.expect_nothing()
            connection.s(b"354 go\r\n")
            connection.server.expect(BODY + b".\r\nXXXX root\r\n")
            connection.s(b"250 queued\r\n500 no\r\n")
            still_judged(connection)


@test("D2", "behind a rejected DATA are commands", quick=True)
def _(family):
    with greeted(FIXUP, family) as connection:
        connection.client.send(b"DATA\r\nEXPN root\r\nNOOP\r\n")
        connection.server.expect(b"DATA\r\n")
        connection.server.expect_nothing()
        connection.s(b"503 no\r\n")
        connection.server.expect(b"XXXX root\r\nNOOP\r\n")
        connection.s(b"500 no\r\n250 fine\r\n")
        still_judged(connection)


@test("D2", "an envelope pipelined up to DATA goes out in one segment")
def _(family):
    with greeted(FIXUP, family) as connection:
        connection.c(b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n")
        connection.s(b"250 a\r\n250 b\r\n550 c\r\n354 go\r\n")
        connection.c(BODY + b".\r\n")
        connection.s(b"250 queued\r\n")
        still_judged(connection)


@test("D2", "64 KB sent with DATA arrive intact after the 354")
def _(family):
    body = b"".join(b"line %d of the body\r\n" % n for n in range(3000))
    with greeted(FIXUP, family) as connection:
        thread = threading.Thread(target=connection.client.send,
                                  args=(b"DATA\r\n" + body + b".\r\n",))
        thread.start()
        connection.server.expect(b"DATA\r\n")
        connection.server.expect_nothing()
        connection.s(b"354 go\r\n")
        connection.server.expect(body + b".\r\n")
        thread.join()
        connection.s(b"250 queued\r\n")
        still_judged(connection)


@test("D3", "the end of the body, split at every place", quick=True)
def _(family):
    tail = b"end\r\n.\r\nEXPN root\r\n"
    want = b"end\r\n.\r\nXXXX root\r\n"
    for at in range(1, 9):
        with in_body(FIXUP, family) as connection:
            connection.c(tail, want, [at])
            connection.s(b"250 queued\r\n500 no\r\n")
            still_judged(connection)


@test("D3", "the end of the body, a byte at a time", quick=True)
def _(family):
    with in_body(FIXUP, family) as connection:
        connection.c(BODY + b".\r\n", cut=1)
        connection.s(b"250 queued\r\n")
        still_judged(connection)


@test("D3", "a body of nothing: the dot directly after the 354", quick=True)
def _(family):
    for cut in (None, [1], [2], 1):
        with in_body(FIXUP, family) as connection:
            connection.c(b".\r\n", cut=cut)
            connection.s(b"250 queued\r\n")
            still_judged(connection)


@test("D3", "what looks like the end of the body and is none")
def _(family):
    for text in (b"..\r\n", b".. \r\n", b"x.\r\n", b". \r\n", b".x\r\n.\ty\r\n",
                 b"\r\n..\r\n\r\n.a\r\n"):
        with in_body(FIXUP, family) as connection:
            connection.c(text + b"EXPN root\r\n", cut=None)
            connection.c(text + b"EXPN root\r\n", cut=1)
            connection.c(b".\r\n")
            connection.s(b"250 queued\r\n")
            still_judged(connection)


@test("D3", "commands, a body and commands again in one 64 KB packet", quick=True)
def _(family):
    body = b"".join(b"EXPN %d VRFY\r\n" % n for n in range(3500))
    with in_body(ESMTP, family) as connection:
        connection.c(body + b".\r\nexpn root\r\nNOOP\r\nSTARTTLS\r\nMAIL FROM:<x>\r\n",
                     body + b".\r\nXXXX root\r\nNOOP\r\nXXXXXXXX\r\nMAIL FROM:<x>\r\n")
        connection.s(b"250 queued\r\n500 a\r\n250 b\r\n500 c\r\n250 d\r\n")
        still_judged(connection)


@test("D3 D7", "many mails in one connection, pipelined around the dot")
def _(family):
    with in_body(FIXUP, family) as connection:
        for number in range(20):
            text = b"mail %d\r\nEXPN x\r\n" % number
            connection.c(text + b".\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n")
            connection.s(b"250 queued\r\n250 a\r\n250 b\r\n354 go\r\n")
        connection.c(b".\r\n")
        connection.s(b"250 queued\r\n")
        still_judged(connection)


@test("D7", "multi-line replies and reply text that looks like a reply")
def _(family):
    with greeted(FIXUP, family) as connection:
        connection.c(b"HELO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n")
        connection.s(b"250-250 one\r\n250-354 two\r\n250-\r\n250\r\n"
                     b"250 354 a\r\n"
                     b"250-354-b\r\n250 b\r\n"
                     b"354-go\r\n354 250 ahead\r\n")
        connection.c(BODY + b".\r\n")
        connection.s(b"250 354 queued\r\n")
        still_judged(connection)


@test("D7", "replies that come a byte at a time are matched")
def _(family):
    with greeted(FIXUP, family) as connection:
        connection.c(b"NOOP\r\nRCPT TO:<a>\r\nDATA\r\n")
        connection.s(b"250-x\r\n250 x\r\n250 y\r\n354-z\r\n354 z\r\n", cut=1)
        connection.c(BODY + b".\r\n", cut=1)
        connection.s(b"250 queued\r\n", cut=1)
        still_judged(connection)


@test("D9", "command words in a body arrive unchanged", quick=True)
def _(family):
    text = b"".join(b"%s root\r\n%s x\r\n" % (verb, verb.lower()) for verb in V2 + BLOCKED)
    for port in (FIXUP, ESMTP):
        with in_body(port, family) as connection:
            connection.c(text + BODY)
            connection.c(text, cut=range(1, len(text), 17))
            connection.c(b".\r\n")
            connection.s(b"250 queued\r\n")
            still_judged(connection)


def random_text(seed, size):
    """8-bit bytes with CRLF now and then; a dot never begins a line."""
    source = random.Random(seed)
    lines, total = [], 0
    while total < size:
        line = source.randbytes(source.randrange(0, 900))
        line = line.replace(b"\r", b"r").replace(b"\n", b"n").replace(b"\0", b"0")
        line = (b"t" if line.startswith(b".") else b"") + line + b"\r\n"
        lines.append(line)
        total += len(line)
    return b"".join(lines)


@test("D9", "a body of 3 MB arrives with its SHA-256", quick=True)
def _(family):
    body = random_text(family, 3 << 20)
    with in_body(ESMTP, family) as connection:
        thread = threading.Thread(target=connection.client.send, args=(body + b".\r\n",))
        thread.start()
        got = connection.server.receive(len(body) + 3)
        thread.join()
        if hashlib.sha256(got).digest() != hashlib.sha256(body + b".\r\n").digest():
            compare(got, body + b".\r\n", "a body of 3 MB")
        connection.s(b"250 queued\r\n")
        still_judged(connection)


@test("D5", "SASL lines are no commands; afterwards commands are judged")
def _(family):
    with greeted(ESMTP, family) as connection:
        connection.c(b"AUTH LOGIN\r\n")
        connection.s(b"334 VXNlcm5hbWU6\r\n")
        # As a verb it does not leave, nor as one that is blocked
        connection.c(b"EXPN\r\n", b"EXPX\r\n")
        connection.s(b"334 UGFzc3dvcmQ6\r\n")
        connection.c(b"c2VjcmV0\r\n", cut=1)
        connection.s(b"235 2.7.0 welcome\r\n")
        still_judged(connection)
        connection.c(b"AUTH LOGIN\r\n")
        connection.s(b"535 no\r\n")
        still_judged(connection)


# -- S: STARTTLS ------------------------------------------------------------

@test("S1", "tls mask: keyword masked, verb X-ed")
def _(family):
    with greeted(ESMTP, family) as connection:
        connection.c(b"EHLO x\r\n")
        connection.s(b"250-host\r\n250 STARTTLS\r\n", b"250-host\r\n250 XXXXXXXA\r\n")
        connection.c(b"STARTTLS\r\n", b"XXXXXXXX\r\n")
        connection.s(b"220 go\r\n")
        still_judged(connection)


@test("S2", "tls allow: both pass, and after the 220 everything does", quick=True)
def _(family):
    with greeted(TLS, family) as connection:
        connection.c(b"EHLO x\r\n")
        connection.s(b"250-host\r\n250-STARTTLS\r\n250 CHUNKING\r\n",
                     b"250-host\r\n250-STARTTLS\r\n250 XXXXXXXA\r\n")
        connection.c(b"STARTTLS\r\n")
        connection.s(b"220 go\r\n")
        noise = random.Random(1).randbytes(100000)
        connection.c(b"EXPN root\r\nEHLO a\r\n" + noise)
        connection.s(b"220 greeting\r\n250-STARTTLS\r\n250 CHUNKING\r\n" + noise)
        connection.c(b"EXPN root\r\n", cut=1)
        connection.s(b"354 x\r\n", cut=1)
        connection.close()


@test("S2 D2", "what is sent behind STARTTLS waits for the 220", quick=True)
def _(family):
    with greeted(TLS, family) as connection:
        connection.client.send(b"STARTTLS\r\n\x16\x03\x01 hello EXPN root\r\n")
        connection.server.expect(b"STARTTLS\r\n")
        connection.server.expect_nothing()
        connection.s(b"220 go\r\n")
        connection.server.expect(b"\x16\x03\x01 hello EXPN root\r\n")
        connection.s(b"250-STARTTLS\r\n")


@test("S2 D2", "behind a refused STARTTLS are commands")
def _(family):
    with greeted(TLS, family) as connection:
        connection.client.send(b"STARTTLS\r\nEXPN root\r\n")
        connection.server.expect(b"STARTTLS\r\n")
        connection.server.expect_nothing()
        connection.s(b"454 not now\r\n")
        connection.server.expect(b"XXXX root\r\n")
        connection.s(b"500 no\r\n")
        still_judged(connection)


# -- policies ---------------------------------------------------------------

@test("off", "a port without a policy is not touched", quick=True)
def _(family):
    with Connection(PLAIN, family) as connection:
        connection.s(GREETING)
        connection.c(b"EHLO x\r\nEXPN root\r\nDATA\r\nEXPN root\r\n.\r\n")
        connection.s(EHLO_REPLY)
        connection.close()


@test("ports", "the most specific of several policies wins")
def _(family):
    tool("set", "2500-2600", "esmtp")
    tool("set", "2520-2530", "fixup")
    tool("set", "2525", "fixup", "banner", "keep")
    tool("set", "2526", "off")
    for port, greeting, ehlo in ((2499, READY, b"EHLO"), (2500, READY_PIX, b"EHLO"),
                                 (2600, READY_PIX, b"EHLO"), (2601, READY, b"EHLO"),
                                 (2520, READY_PIX, b"XXXX"), (2530, READY_PIX, b"XXXX"),
                                 (2531, READY_PIX, b"EHLO"), (2525, READY, b"XXXX"),
                                 (2526, READY, b"EHLO")):
        with Connection(port, family) as connection:
            connection.s(READY, greeting)
            connection.c(b"EHLO x\r\n", ehlo + b" x\r\n")
    for ports in ("2500-2600", "2520-2530", "2525", "2526"):
        tool("set", ports, "off")
    with Connection(2525, family) as connection:
        connection.s(READY)


@test("ports", "a list of ports and ranges is set at once")
def _(family):
    tool("set", "3000,3010-3012", "fixup")
    for port, want in ((3000, READY_PIX), (3001, READY), (3009, READY), (3010, READY_PIX),
                       (3012, READY_PIX), (3013, READY)):
        with Connection(port, family) as connection:
            connection.s(READY, want)
    tool("set", "3000,3010-3012", "off")
    with Connection(3011, family) as connection:
        connection.s(READY)


@test("policy", "a change holds for connections opened from then on")
def _(family):
    tool("set", "50", "fixup")
    with Connection(50, family) as before:
        before.s(READY, READY_PIX)
        tool("set", "50", "off")
        before.c(b"EHLO x\r\n", b"XXXX x\r\n")
        with Connection(50, family) as after:
            after.s(READY)
            after.c(b"EHLO x\r\n")
        tool("set", "50", "esmtp")
        before.s(b"500 no\r\n")
        before.c(b"EHLO x\r\n", b"XXXX x\r\n")
        with Connection(50, family) as after:
            after.s(READY, READY_PIX)
            after.c(b"EHLO x\r\n")
    tool("set", "50", "off")


@test("policy", "show can be fed back", families=(4,), module=True)
def _(_family):
    shown = tool("show")
    for line in shown.splitlines():
        words = line.split()
        if words[0] == "smtpfixup":
            words = words[1:]
        if words[0] != "set":
            raise Mismatch("show has a line that is no set line: %r" % line)
        tool(*words)
    compare(tool("show").encode(), shown.encode(), "show after feeding it back")


@test("counters", "/proc/net/smtp_fixup counts what was done", quick=True)
def _(family):
    before = counters()[str(TLS)]
    with Connection(TLS, family) as connection:
        connection.s(GREETING, GREETING_PIX)
        connection.c(b"EHLO x\r\n")
        connection.s(b"250-host\r\n250-CHUNKING\r\n250-STARTTLS\r\n250 HELP\r\n",
                     b"250-host\r\n250-XXXXXXXA\r\n250-STARTTLS\r\n250 XXXB\r\n")
        connection.c(b"EXPN a\r\nWIZ\r\nNOOP\r\nDATA\r\n", b"XXXX a\r\nXXX\r\nNOOP\r\nDATA\r\n")
        connection.s(b"500 a\r\n500 b\r\n250 c\r\n354 d\r\n")
        connection.c(BODY + b".\r\n")
        connection.s(b"250 queued\r\n")
        connection.c(b"STARTTLS\r\n")
        connection.s(b"220 go\r\n")
        connection.c(b"EXPN opaque\r\n")
        connection.close()
        changed = connection.changed()
    after = counters()[str(TLS)]
    want = {"connections": 1, "greetings_masked": 1, "commands_passed": 4,
            "commands_blocked": 2, "ehlo_lines_masked": 2, "bytes_masked": changed,
            "tls_started": 1, "messages": 1}
    got = {name: after[name] - before[name] for name in want}
    if got != want:
        raise Mismatch("counted %r\nwanted  %r" % (got, want))
    if after["mode"] != "esmtp":
        raise Mismatch("mode is %r" % after["mode"])


@test("counters", "stats says the same as /proc", families=(4,), module=True)
def _(_family):
    import json
    # Between the two a packet of a connection of before may come
    for _ in range(10):
        mine = counters()
        stats = json.loads(tool("-j", "stats"))
        if counters() == mine:
            break
    else:
        raise Mismatch("counters change all the time")
    for policy in stats:
        for name, value in mine[policy["ports"]].items():
            if policy.get(name) != value:
                raise Mismatch("port %s: %s is %r by stats, %r in /proc" % (
                    policy["ports"], name, policy.get(name), value))


@test("flows", "flows lists a live connection and its phase", module=True)
def _(family):
    import json
    with in_body(ESMTP, family):
        flows = json.loads(tool("-j", "flows"))
        if not any("body" in str(flow.values()) for flow in flows):
            raise Mismatch("no connection in its body: %r" % flows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="the subset for offload settings")
    parser.add_argument("--only", help="tests of this rule, or with this in their name")
    parser.add_argument("--label", default="", help="put this behind every name")
    arguments = parser.parse_args()
    policies()
    return suite.run(arguments.quick, arguments.only, arguments.label)


if __name__ == "__main__":
    sys.exit(main())
