#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Edits that change the length (docs/rules.md T1: G7, V4, E4), byte by byte.

Behind such an edit every sequence number of that direction is shifted, so each
test goes on with traffic in both directions, a body included.
"""
import random
import sys

import suite
from net import Connection, Mismatch, compare, tool
from suite import test

TEXT, LONG, NOOP, STRIP, ALL = 40, 41, 42, 43, 44

GREETING = b"220 mail2.nwtraders.msft Microsoft ESMTP Mail Service\r\n"
WORDS = "mx ESMTP"
LONG_WORDS = "l" * 200
EHLO = (b"250-mail.domainname.com Hello [10.53.7.203]\r\n250-TURN\r\n250-SIZE\r\n"
        b"250-X-EXPS GSSAPI NTLM LOGIN\r\n250-AUTH GSSAPI NTLM LOGIN\r\n"
        b"250-AUTH=LOGIN\r\n250 OK\r\n")
STRIPPED = (b"250-mail.domainname.com Hello [10.53.7.203]\r\n250-SIZE\r\n"
            b"250 AUTH GSSAPI NTLM LOGIN\r\n")


def policies():
    tool("set", str(TEXT), "fixup", "banner", "text", WORDS)
    tool("set", str(LONG), "fixup", "banner", "text", LONG_WORDS)
    tool("set", str(NOOP), "fixup", "reject", "noop", "banner", "keep")
    tool("set", str(STRIP), "esmtp", "ehlo", "strip", "banner", "keep")
    tool("set", str(ALL), "esmtp", "ehlo", "strip", "reject", "noop",
         "banner", "text", LONG_WORDS)


def mail(conn, size=300000):
    """A whole mail behind the edit: both directions are shifted rightly."""
    conn.c(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
    conn.s(b"250 ok\r\n250 ok\r\n354 go\r\n")
    body = random.Random(size).randbytes(size).replace(b".", b",")
    body = body.replace(b"\n", b" ").replace(b"\r", b" ")
    conn.c(body + b"\r\n.\r\nQUIT\r\n")
    conn.s(b"250 queued\r\n221 bye\r\n")


@test("G7", "banner text shortens the greeting")
def shorter(family):
    with Connection(TEXT, family) as conn:
        conn.s(GREETING, b"220 %s\r\n" % WORDS.encode())
        mail(conn)
        conn.close()


@test("G7", "banner text lengthens the greeting")
def longer(family):
    with Connection(LONG, family) as conn:
        conn.s(b"220 x\r\n", b"220 %s\r\n" % LONG_WORDS.encode())
        mail(conn)
        conn.close()


@test("G7 G5", "banner text replaces a greeting of several lines")
def several_lines(family):
    with Connection(TEXT, family) as conn:
        conn.s(b"220-one\r\n220-two\r\n220 three\r\n",
                    b"220 %s\r\n" % WORDS.encode())
        mail(conn)


@test("G7 G1", "banner text leaves a 554 alone")
def refused(family):
    with Connection(TEXT, family) as conn:
        conn.s(b"554 go away\r\n")
        conn.close()


@test("G7", "banner text: a greeting in two segments is never seen as it was")
def in_two(family):
    """Held back until the server's TCP repeats it whole; masked if that never does."""
    with Connection(LONG, family) as conn:
        conn.server.send(b"220 half of a gree")
        conn.server.send(b"ting\r\n")
        got = conn.client.receive(24)
        if got != b"220 " + b"*" * 18 + b"\r\n":
            got += conn.client.receive(len(LONG_WORDS) + 6 - 24)
            compare(got, b"220 %s\r\n" % LONG_WORDS.encode(), "what the client received")
        mail(conn)


@test("V4", "reject noop: the server sees NOOP and blanks")
def noop(family):
    with Connection(NOOP, family) as conn:
        conn.s(b"220 x\r\n")
        conn.c(b"goodmorning\r\n", b"NOOP       \r\n")
        conn.s(b"250 ok\r\n")
        conn.c(b"KILL all\r\n", b"NOOP    \r\n")
        conn.s(b"250 ok\r\n")
        mail(conn)


@test("V4", "reject noop: a verb shorter than four bytes grows, again and again")
def noop_grows(family):
    with Connection(NOOP, family) as conn:
        conn.s(b"220 x\r\n")
        for word in (b"WIZ", b"A", b"XY", b"Q"):
            conn.c(word + b"\r\n", b"NOOP\r\n")
            conn.s(b"250 ok\r\n")
        mail(conn)
        conn.close()


@test("V4 T1", "reject noop: several short verbs in one segment")
def noop_pipelined(family):
    with Connection(NOOP, family) as conn:
        conn.s(b"220 x\r\n")
        conn.c(b"A\r\nBB\r\nRSET\r\nCCC\r\nD\r\n",
                    b"NOOP\r\nNOOP\r\nRSET\r\nNOOP\r\nNOOP\r\n")
        conn.s(b"250 1\r\n250 2\r\n250 3\r\n250 4\r\n250 5\r\n")
        mail(conn)


@test("E4", "ehlo strip removes the lines that are not let through")
def strip(family):
    with Connection(STRIP, family) as conn:
        conn.s(b"220 x\r\n")
        conn.c(b"EHLO me\r\n")
        conn.s(EHLO, STRIPPED)
        conn.c(b"EHLO me\r\n")
        conn.s(EHLO, STRIPPED)
        mail(conn)
        conn.close()


@test("E4", "ehlo strip: only the first line is left")
def strip_all(family):
    with Connection(STRIP, family) as conn:
        conn.s(b"220 x\r\n")
        conn.c(b"EHLO me\r\n")
        conn.s(b"250-me\r\n250-CHUNKING\r\n250 HELP\r\n", b"250 me\r\n")
        mail(conn)


@test("G7 V4 E4 T1", "all of them on one connection")
def together(family):
    with Connection(ALL, family) as conn:
        conn.s(GREETING, b"220 %s\r\n" % LONG_WORDS.encode())
        conn.c(b"WIZ\r\n", b"NOOP\r\n")
        conn.s(b"250 ok\r\n")
        conn.c(b"EHLO me\r\n")
        conn.s(EHLO, STRIPPED)
        for _ in range(3):
            mail(conn, 200000)
        conn.c(b"X\r\n", b"NOOP\r\n")
        conn.s(b"250 ok\r\n")
        conn.close()


@test("T1", "show gives back what was set", families=(4,), module=True)
def shown(_family):
    got = tool("show", str(ALL)).strip()
    want = "set %d esmtp banner text '%s' reject noop ehlo strip" % (ALL, LONG_WORDS)
    if sorted(got.split()) != sorted(want.split()):
        raise Mismatch("show prints %s" % got)
    compare(tool("show", str(TEXT)).count("text"), 1, "show")


if __name__ == "__main__":
    policies()
    sys.exit(suite.run())
