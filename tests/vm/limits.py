#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Addresses, limits and observe (docs/rules.md A1, A2, L, X1), byte by byte.

Started by suite.sh in the guest. Each test has counters of its own port to
compare: what it does to them is taken before and after.
"""
import random
import sys

import suite
from net import Connection, Counted, Mismatch, compare, greeted, in_body, tool
from suite import test

REPLACE, LOG, DROP, MASK, RESET, SILENT, LINES, OBSERVE, MIME, SIZES = range(50, 60)

NAME = b"n" * 300
PART = (b"Content-Type: multipart/mixed;\r\n\tboundary=\"=_b 1\"\r\n\r\n--=_b 1\r\n"
        b"Content-Disposition: attachment;\r\n filename*0=\"" + NAME[:150] + b"\";\r\n"
        b" filename*1=\"" + NAME[150:] + b"\"\r\n\r\nx\r\n--=_b 1--\r\n")


def policies():
    keep = ("banner", "keep")
    tool("set", str(REPLACE), "fixup", *keep)
    tool("set", str(LOG), "esmtp", *keep)
    tool("set", str(DROP), "esmtp", "special", "drop", *keep)
    tool("set", str(MASK), "esmtp", "limit", "rcpt", "2", "mask", *keep)
    tool("set", str(RESET), "esmtp", "limit", "command-line", "40", "reset",
         "limit", "sender", "20", "reset", *keep)
    tool("set", str(SILENT), "esmtp", "limit", "command-line", "40", "drop", *keep)
    tool("set", str(LINES), "esmtp", "limit", "body-line", "80", "reset", *keep)
    tool("set", str(MIME), "esmtp", "limit", "mime-filename", "255", "reset", *keep)
    tool("set", str(SIZES), "esmtp", "limit", "message", "1000", "mask", *keep)
    tool("set", str(OBSERVE), "fixup", "reject", "noop", "special", "drop",
         "limit", "body-line", "10", "reset", "observe")


def ended(connection, data):
    """What the client says does not arrive, and the server hears of the end."""
    connection.client.send(data)
    try:
        got = connection.server.sock.recv(1000)
    except ConnectionResetError:
        return
    raise Mismatch("the server received %r" % got)


@test("A1", "special characters become spaces in fixup")
def replaced(family):
    for cut in (None, 1):
        with Counted(REPLACE, special_characters=3, addresses_bad=1), \
                greeted(REPLACE, family) as conn:
            conn.c(b"MAIL FROM:<a|b`c@d>\r\nRCPT TO:<a\0b>>\r\nNOOP |\r\n",
                   b"MAIL FROM:<a b c@d>\r\nRCPT TO:<a b>>\r\nNOOP |\r\n", cut)
            conn.s(b"250 ok\r\n" * 3)
            conn.close()


@test("A2", "they are logged only in esmtp, and may end the connection")
def logged(family):
    with Counted(LOG, special_characters=1, addresses_bad=1, connections_ended=0), \
            greeted(LOG, family) as conn:
        conn.c(b"MAIL FROM:<a|b>>\r\n")
        conn.close()
    with Counted(DROP, special_characters=1, connections_ended=1), \
            greeted(DROP, family) as conn:
        ended(conn, b"MAIL FROM:<a|b>\r\n")


@test("L", "recipients beyond the limit are masked")
def recipients(family):
    with Counted(MASK, rcpts_excess=2, commands_blocked=2), greeted(MASK, family) as conn:
        conn.c(b"RCPT TO:<a>\r\nRCPT TO:<b>\r\n")
        conn.c(b"RCPT TO:<c>\r\n", b"XXXX TO:<c>\r\n")
        conn.c(b"RCPT TO:<d>\r\n", b"RXXX TO:<d>\r\n", 1)
        conn.c(b"RSET\r\nRCPT TO:<e>\r\n")
        conn.close()


@test("L", "a long command line, a long sender address")
def commands(family):
    with Counted(RESET, command_lines_long=1, senders_long=1, connections_ended=2):
        with greeted(RESET, family) as conn:
            conn.c(b"NOOP %s\r\n" % (b"x" * 33))
            ended(conn, b"NOOP %s\r\n" % (b"x" * 34))
        with greeted(RESET, family) as conn:
            conn.c(b"MAIL FROM:<%s>\r\n" % (b"x" * 20))
            ended(conn, b"MAIL FROM:<%s>\r\n" % (b"x" * 21))
    with Counted(SILENT, command_lines_long=1, connections_ended=1), \
            greeted(SILENT, family) as conn:
        conn.client.send(b"NOOP %s\r\n" % (b"x" * 34))
        conn.server.expect_nothing()


@test("L", "lines of a message")
def lines(family):
    with Counted(LINES, body_lines_long=0, header_lines_long=1, messages=1), \
            in_body(LINES, family) as conn:
        conn.c(b"Subject: %s\r\n\r\n" % (b"x" * 1000))
        conn.c((b"y" * 80 + b"\r\n") * 5000)
        conn.c(b".\r\n")
        conn.close()
    with Counted(LINES, body_lines_long=1, connections_ended=1), \
            in_body(LINES, family) as conn:
        conn.c(b"\r\n")
        ended(conn, b"y" * 81 + b"\r\n")


@test("L", "file names of a message's parts")
def names(family):
    for cut in (None, 1):
        with Counted(LOG, mime_filenames_long=1, messages=1), in_body(LOG, family) as conn:
            conn.c(PART + b".\r\n", None, cut)
            conn.close()
    with Counted(MIME, mime_filenames_long=1, connections_ended=1), \
            in_body(MIME, family) as conn:
        ended(conn, PART)


@test("X1", "a message that is announced too large is blocked, and one that is too large dropped")
def sizes(family):
    with Counted(SIZES, messages_long=1, commands_blocked=1), greeted(SIZES, family) as conn:
        conn.c(b"MAIL FROM:<a@b> SIZE=1000\r\n")
        conn.c(b"MAIL FROM:<a@b> SIZE=1001\r\n", b"XXXX FROM:<a@b> SIZE=1001\r\n")
        conn.close()
    with Counted(SIZES, messages_long=1, connections_ended=1), in_body(SIZES, family) as conn:
        conn.c(b"\r\n" + (b"y" * 78 + b"\r\n") * 12)
        conn.client.send(b"y" * 78 + b"\r\n")
        conn.server.expect_nothing()


@test("L", "a large message under all limits arrives as it is")
def large(family):
    text = random.Random(1).randbytes(4000000).replace(b".", b",")
    text = b"\r\n".join(text[at:at + 76].replace(b"\n", b" ").replace(b"\r", b" ")
                        for at in range(0, len(text), 76))
    with in_body(LOG, family) as conn:
        conn.c(b"A: b\r\n\r\n" + text + b"\r\n.\r\n")
        conn.close()
        compare(conn.changed(), 0, "the number of changed bytes")


@test("observe", "everything is counted, nothing is changed")
def observed(family):
    with Counted(OBSERVE, greetings_masked=1, commands_blocked=3, special_characters=1,
                 connections_ended=1, body_lines_long=1, smuggling_dots=1, messages=1,
                 bare_line_ends=1, connections_unobserved=0), \
            Connection(OBSERVE, family) as conn:
        conn.s(b"220 mail ESMTP\r\n")
        conn.c(b"EHLO me\r\n")
        conn.s(b"250-mail\r\n250 STARTTLS\r\n")
        conn.c(b"X\r\nMAIL FROM:<a|b>\r\nNOOP\n")
        conn.s(b"500 no\r\n250 ok\r\n250 ok\r\n")
        # D2: the server sees what is sent with DATA, and it is judged all the same
        conn.c(b"DATA\r\nA: b\r\n\r\n0123456789a\r\nx\n.\ny\r\n.\r\nEXPN root\r\n")
        conn.s(b"354 go\r\n250 ok\r\n500 no\r\n")
        conn.close()
        compare(conn.changed(), 0, "the number of changed bytes")


@test("observe", "random dialogues arrive byte by byte as they are", families=(4,))
def untouched(family):
    words = (b"EXPN a\r\n", b"DATA\r\n", b"\r\n.\r\n", b"\n.\n", b"RCPT TO:<|>\r\n", b"X\r\n",
             b"NOOP\r\n", b"EHLO a\r\n", b".\r\n", b"STARTTLS\r\n", b"AUTH X\r\n", b"\r", b"\n")
    said = (b"220 a\r\n", b"250-x\r\n", b"250 STARTTLS\r\n", b"354 a\r\n", b"500 a\r\n", b"334 \r\n")
    for seed in range(20):
        pick = random.Random(seed)
        with Connection(OBSERVE, family) as conn:
            for _ in range(30):
                conn.s(b"".join(pick.choices(said, k=pick.randint(1, 3))))
                conn.c(b"".join(pick.choices(words, k=pick.randint(1, 8))))
            conn.close()


@test("L", "show gives back what was set", families=(4,), module=True)
def shown(_family):
    got = tool("show", str(OBSERVE)).strip()
    compare(got, "set %d fixup reject noop special drop limit body-line 10 reset observe" %
            OBSERVE, "show")
    tool("set", "59", "esmtp", "limit", "rcpt", "0", "log", status=1)
    tool("set", "59", "esmtp", "limit", "body-line", "5", "mask", status=1)


if __name__ == "__main__":
    policies()
    sys.exit(suite.run())
