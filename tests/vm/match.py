#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Matches (docs/rules.md X3-X6, X8-X10), byte by byte, through the module.

Started by match.sh in the guest.
"""
import os
import sys
import tempfile

import suite
from net import Counted, Mismatch, compare, greeted, in_body, tool
from suite import test

SENDER, RELAY, WORDS, AUTH, MANY, MESSAGE, NAME = range(60, 67)

TWENTY = [word for n in range(20) for word in
          ("match", "sender", "*@domain%d.example,/^list%d-[0-9]+@/" % (n, n), "log")]
SETS = {
    SENDER: ["fixup", "banner", "keep", "match", "not", "sender", "*@good.example,\"\"",
             "mask", "match", "recipient", "/^a{2}@/", "reset", "match", "helo",
             "localhost", "log"],
    RELAY: ["fixup", "banner", "keep", "mail-relay", "example.com,*.example.com", "mask"],
    WORDS: ["esmtp", "banner", "keep", "match", "verb", "VRFY", "mask", "match", "keyword",
            "SIZE", "mask", "match", "verb", "WIZ", "drop"],
    AUTH: ["esmtp", "banner", "keep", "auth-allow", "SCRAM-SHA-256"],
    NAME: ["esmtp", "banner", "keep", "match", "helo", "localhost", "mask"],
    MANY: ["esmtp", *TWENTY],
    MESSAGE: ["fixup", "banner", "keep", "match", "header:Subject", "*evil*", "reset",
              "match", "header", "/^X-Spam: yes/i", "log", "match", "mime-filename",
              "/\\.exe$/i", "drop", "match", "mime-type", "application/*", "log",
              "match", "not", "mime-encoding", "7bit,base64", "log"],
}


@test("X3, X9", "senders and host names")
def senders(family):
    for cut in (None, 1):
        with Counted(SENDER, matches_acted=1, matches_logged=1, commands_blocked=1), \
                greeted(SENDER, family) as conn:
            conn.c(b"HELO LocalHost\r\nMAIL FROM:<a@good.example>\r\nMAIL FROM:<>\r\n", None,
                   cut)
            conn.c(b"MAIL FROM:<a@bad.example>\r\n",
                   b"MAIL FROM:<a@bad.example<\r\n" if cut else
                   b"XXXX FROM:<a@bad.example>\r\n", cut)
            conn.s(b"250 ok\r\n" * 3 + b"500 no\r\n")
            conn.close()


@test("X10, X3", "a recipient ends the connection")
def recipients(family):
    with Counted(SENDER, matches_acted=1), greeted(SENDER, family) as conn:
        conn.c(b"RCPT TO:<a@x.example>\r\n")
        conn.s(b"250 ok\r\n")
        conn.client.send(b"RCPT TO:<aaa@x.example>\r\n")
        try:
            got = conn.server.sock.recv(1000)
        except ConnectionResetError:
            return
        raise Mismatch("the server received %r" % got)


@test("X10, X3", "a host's name that is masked too late ends the connection")
def names(family):
    with Counted(NAME, matches_acted=2, connections_ended=1, commands_blocked=2), \
            greeted(NAME, family) as conn:
        conn.c(b"HELO localhost\r\n", b"XXXX localhost\r\n")
        conn.s(b"500 no\r\n")
        conn.c(b"EHLO local")
        conn.client.send(b"host x\r\n")
        conn.server.expect_nothing()


@test("X5", "recipients of other domains are masked")
def relayed(family):
    with Counted(RELAY, matches_acted=2), greeted(RELAY, family) as conn:
        conn.c(b"RCPT TO:<a@example.com>\r\nRCPT TO:<b@mx.example.com>\r\n"
               b"RCPT TO:<postmaster>\r\n")
        conn.c(b"RCPT TO:<c@example.net>\r\nRCPT TO:<d%example.net@example.com>\r\n",
               b"XXXX TO:<c@example.net>\r\nXXXX TO:<d%example.net@example.com>\r\n")
        conn.close()


@test("X6", "verbs and keywords")
def words(family):
    with Counted(WORDS, matches_acted=3, connections_ended=1), greeted(WORDS, family) as conn:
        conn.c(b"EHLO a\r\n")
        conn.s(b"250-a\r\n250-SIZE 5\r\n250-VRFY\r\n250 DSN\r\n",
               b"250-a\r\n250-XXXXXA\r\n250-XXXB\r\n250 DSN\r\n")
        conn.c(b"VRFY a\r\n", b"XXXX a\r\n")
        conn.s(b"500 a\r\n")
        conn.client.send(b"WIZ\r\n")
        conn.server.expect_nothing()


@test("X8", "mechanisms")
def mechanisms(family):
    with Counted(AUTH, matches_acted=2), greeted(AUTH, family) as conn:
        conn.c(b"EHLO a\r\n")
        conn.s(b"250-a\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n",
               b"250-a\r\n250 AUTH XXXXX SCRAM-SHA-256\r\n")
        conn.c(b"AUTH PLAIN AGEAYg==\r\n", b"XXXX PLAIN AGEAYg==\r\n")
        conn.s(b"500 no\r\n")
        conn.c(b"AUTH SCRAM-SHA-256\r\n")
        conn.s(b"334 \r\n")
        conn.c(b"YQ==\r\n")
        conn.close()


@test("X3, X4", "header fields and parts of a message")
def messages(family):
    for cut in (None, 1):
        with Counted(MESSAGE, matches_logged=3, matches_acted=1, connections_ended=1), \
                in_body(MESSAGE, family) as conn:
            conn.c(b"Subject: good\r\nX-Spam: Yes\r\nContent-Type: multipart/mixed;\r\n"
                   b" boundary=x\r\n\r\n--x\r\nContent-Type: application/pdf; name=a.pdf\r\n"
                   b"Content-Transfer-Encoding: 8bit\r\n\r\nSubject: evil\r\n--x\r\n"
                   b"Content-Disposition: attachment; filename*=''a%2Eexe\r\n", None, cut)
            conn.client.send(b"\r\n")
            conn.server.expect_nothing()


@test("X3, X9", "a decoded header field ends the connection")
def decoded(family):
    with Counted(MESSAGE, matches_acted=1, connections_ended=1), in_body(MESSAGE, family) as conn:
        conn.c(b"From: a\r\nSubject: =?utf-8?q?e=76?=\r\n =?utf-8?B?aWw=?=\r\n")
        conn.client.send(b"To: b\r\n")
        try:
            got = conn.server.sock.recv(1000)
        except ConnectionResetError:
            return
        raise Mismatch("the server received %r" % got)


@test("X9", "show, save and restore give the patterns back as they were written",
      families=(4,))
def shown(_family):
    before = tool("show")
    for port, line in SETS.items():
        plain = tool("show", str(port)).replace("'", "")
        compare(plain, "set %d %s\n" % (port, " ".join(line)), "show")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "saved")
        tool("save", path)
        tool("restore", path)
    compare(tool("show"), before, "show after restore")
    tool("set", "70", "esmtp", "match", "sender", "/(a|b)*a" + "(a|b)" * 20 + "$/", "log",
         status=1)


if __name__ == "__main__":
    for number, options in SETS.items():
        tool("set", str(number), *options)
    sys.exit(suite.run())
