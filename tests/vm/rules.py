#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Presets and options on the wire, rule by rule (docs/rules.md).

Started by suite.sh in the guest; both ends are played here, as in wire.py.
"""
import argparse
import json
import os
import sys

import suite
from net import READY, SLOWER, Connection, Mismatch, counters, greeted, in_body, tool
from suite import test

(MAILHOST, PIX44, PIX51, ASA, KEPT, CHUNKS, REQUIRE, DROP, RESET, OFF, LOG, CUT,
 STRICT, BARE, WORDS, EXCHANGE, TLS) = range(40, 57)

POLICIES = {
    MAILHOST: "mailhost",
    PIX44: "pix-4.4",
    PIX51: "pix-5.1",
    ASA: "asa",
    KEPT: "esmtp banner stars keep-esmtp",
    CHUNKS: "esmtp banner keep allow BDAT ehlo-allow CHUNKING",
    REQUIRE: "esmtp banner keep tls require",
    DROP: "fixup banner keep reject drop",
    RESET: "fixup banner keep reject reset",
    OFF: "fixup banner keep smuggling off",
    LOG: "fixup banner keep smuggling log",
    CUT: "fixup banner keep smuggling drop",
    STRICT: "esmtp banner keep strict",
    BARE: "fixup banner keep line-ending strict",
    WORDS: "esmtp banner keep deny AUTH ehlo-allow SMTPUTF8 ehlo-deny DSN",
    EXCHANGE: "esmtp banner keep allow X-EXPS,X-LINK2STATE,XEXCH50,XCLIENT "
              "ehlo-allow X-EXPS,X-LINK2STATE,XEXCH50,XCLIENT,SMTPUTF8",
    TLS: "esmtp banner keep tls allow",
}

OFFER = b"250-mail.example.org\r\n250-SIZE\r\n250 CHUNKING\r\n"


def policies():
    for port, policy in POLICIES.items():
        tool("set", str(port), *policy.split())


def addressed(connection):
    connection.c(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n")
    connection.s(b"250 a\r\n250 b\r\n")
    return connection


def offered(family):
    connection = greeted(CHUNKS, family)
    connection.c(b"EHLO client.example\r\n")
    connection.s(OFFER)
    return addressed(connection)


def counter(port, name):
    return counters()[str(port)][name]


def gone(end):
    """The end's connection was reset."""
    try:
        got = end.sock.recv(10)
    except ConnectionResetError:
        return
    raise Mismatch("the %s received %r and no RST" % (end.name, got))


@test("G6 V4", "mailhost: the greeting of the oldest versions, at its length")
def _(family):
    with Connection(MAILHOST, family) as connection:
        connection.s(b"220 mail.example.net ESMTP\r\n", b"220 SMTP/cmap_________read\r\n")
        connection.c(b"goodmorning\r\n", b"NOOP       \r\n")
    with Connection(MAILHOST, family) as connection:
        connection.s(b"220 mail 2 0 \r\n", b"220 *********\r\n")


@test("G4", "pix-4.4 and asa mask by stars")
def _(family):
    for port in (PIX44, ASA):
        with Connection(port, family) as connection:
            connection.s(b"220 mail2 0 ESMTP\r\n", b"220 *************\r\n")
            connection.c(b"EXPN a\r\n", b"XXXX a\r\n")


@test("G3", "pix-5.1 masks as fixup does")
def _(family):
    with Connection(PIX51, family) as connection:
        connection.s(b"220 mail2 0 ESMTP\r\n", b"220 ****2*0 *****\r\n")
        connection.c(b"EHLO a\r\nRCPT TO:<a|b>\r\n", b"XXXX a\r\nRCPT TO:<a b>\r\n")


@test("S2", "asa lets STARTTLS through")
def _(family):
    with Connection(ASA, family) as connection:
        connection.s(READY, b"220 *****\r\n")
        connection.c(b"STARTTLS\r\n")
        connection.s(b"220 go\r\n")
        connection.c(b"EXPN a\r\n")


@test("G8", "keep-esmtp leaves the word that Postfix looks for")
def _(family):
    with Connection(KEPT, family) as connection:
        connection.s(b"220 mail.example ESMTP Postfix\r\n",
                     b"220 ************ ESMTP *******\r\n")


@test("E3", "the list of keywords is the operator's")
def _(family):
    with greeted(WORDS, family) as connection:
        connection.c(b"EHLO client.example\r\n")
        connection.s(b"250-a\r\n250-AUTH PLAIN\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE\r\n",
                     b"250-a\r\n250-XXXXXXXXXA\r\n250-SMTPUTF8\r\n250-XXB\r\n250 SIZE\r\n")


@test("E3", "contradictions are refused, and nothing changes", families=(4,))
def _(_family):
    before = tool("show")
    for policy in ("esmtp allow BDAT", "esmtp ehlo-allow CHUNKING", "esmtp ehlo-allow TURN",
                   "esmtp ehlo-allow XCLIENT", "esmtp deny AUTH ehlo-allow AUTH",
                   "mailhost keep-esmtp", "mailhost banner text x",
                   "esmtp banner text x keep-esmtp", "fixup tls require",
                   "esmtp limit rcpt 0 log", "esmtp limit sender 5 mask", "esmtp deny QUIT",
                   "esmtp allow EXPN deny EXPN"):
        tool("set", str(CHUNKS), *policy.split(), status=1)
    if tool("show") != before:
        raise Mismatch("show has changed")


@test("show", "its lines give back the same policies", families=(4,), module=True)
def _(_family):
    before, lines = json.loads(tool("-j", "show")), tool("show")
    for port in POLICIES:
        tool("set", str(port), "off")
    for line in lines.splitlines():
        tool(*line.split())
    if json.loads(tool("-j", "show")) != before:
        raise Mismatch("another policy after\n" + lines)


@test("D6", "chunks pass unread, pipelined, and commands between them are judged")
def _(family):
    before = counter(CHUNKS, "chunks")
    with offered(family) as connection:
        chunk = b"EXPN root\r\n.\r\nQUIT\r\n" + os.urandom(200000)
        size = b"%d" % len(chunk)
        connection.c(b"BDAT " + size + b"\r\n" + chunk + b"BDAT 6 LAST\r\nEXPN\r\nEXPN\r\n",
                     b"BDAT " + size + b"\r\n" + chunk + b"BDAT 6 LAST\r\nEXPN\r\nXXXX\r\n")
        # The second is rejected, and there are as many replies as commands
        connection.s(b"250 1\r\n552 2\r\n500 3\r\n")
        addressed(connection)
        connection.c(b"BDAT 3\r\nabcVRFY a\r\n", cut=1)
        connection.s(b"250 4\r\n252 5\r\n")
        connection.c(b"BDAT 0 LAST\r\nDATA\r\n")
        connection.s(b"250 6\r\n354 go\r\n")
        connection.c(b"EXPN\r\n.\r\nEXPN\r\n", b"EXPN\r\n.\r\nXXXX\r\n")
    if counter(CHUNKS, "chunks") != before + 4:
        raise Mismatch("chunks: %d, then %d" % (before, counter(CHUNKS, "chunks")))


@test("H7", "a chunk that the server refuses, or that has no recipient")
def _(family):
    with offered(family) as connection:
        connection.c(b"BDAT 3000 LAST\r\n" + b"a" * 100)
        connection.s(b"552 too much\r\n")
        connection.c(b"EXPN root\r\n" + b"b" * 2889 + b"EXPN root\r\n",
                     b"XXXXXXXXX\r\n" + b"X" * 2888 + b"\nXXXX root\r\n")
        connection.s(b"500 what\r\n")
        connection.c(b"BDAT 6 LAST\r\nEXPN\r\n", b"XXXX 6 LAST\r\nXXXX\r\n")
        connection.s(b"500 a\r\n500 b\r\n")
    with offered(family) as connection:
        connection.c(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n")
        connection.s(b"250 a\r\n550 b\r\n")
        connection.c(b"BDAT 6 LAST\r\nEXPN\r\nRSET\r\n", b"BDAT 6 LAST\r\nXXXX\r\nRSET\r\n")


@test("D6", "a server that has not offered it gets no BDAT, nor one with a bad size")
def _(family):
    with greeted(CHUNKS, family) as connection:
        connection.c(b"EHLO client.example\r\n")
        connection.s(b"250 mail.example.org\r\n")
        connection.c(b"BDAT 6 LAST\r\nEXPN\r\n", b"XXXX 6 LAST\r\nXXXX\r\n")
    with offered(family) as connection:
        connection.c(b"BDAT 6x\r\nEXPN\r\n", b"XXXX 6x\r\nXXXX\r\n")


@test("D6", "XEXCH50, X-LINK2STATE and X-EXPS between Exchange servers")
def _(family):
    with greeted(EXCHANGE, family) as connection:
        connection.c(b"EHLO client.example\r\n")
        connection.s(b"250-a\r\n250-X-EXPS GSSAPI NTLM LOGIN\r\n250-X-EXPS=LOGIN\r\n"
                     b"250-X-LINK2STATE\r\n250 XEXCH50\r\n",
                     b"250-a\r\n250-X-EXPS GSSAPI NTLM LOGIN\r\n250-XXXXXXXXXXXA\r\n"
                     b"250-X-LINK2STATE\r\n250 XEXCH50\r\n")
        connection.c(b"X-EXPS GSSAPI\r\n")
        connection.s(b"334 GSSAPI supported\r\n")
        connection.c(b"EXPN3w==\r\n")
        connection.s(b"235 ok\r\n")
        connection.c(b"X-LINK2STATE LAST CHUNK={0000006d}\r\n")
        connection.s(b"200 LAST CHUNK={0000002a}\r\n")
        connection.c(b"XEXCH50 6 2\r\n")
        connection.s(b"354 go\r\n")
        connection.c(b"EXPN\r\nEXPN\r\n", b"EXPN\r\nXXXX\r\n")
        connection.s(b"250 a\r\n500 b\r\n")
        connection.c(b"XEXCH50 6 2\r\n")
        connection.s(b"504 no\r\n")
        connection.c(b"EXPN\r\n", b"XXXX\r\n")


@test("D5", "AUTH: an initial response, several steps, a cancellation")
def _(family):
    with greeted(TLS, family) as connection:
        connection.c(b"AUTH PLAIN AHQAdA==\r\n")
        connection.s(b"235 ok\r\n")
        connection.c(b"AUTH LOGIN\r\n")
        for response, leaves in ((b"EXPN\r\n", b"EXPX\r\n"), (b"EXPNSQ==\r\n", b"EXPNSQ==\r\n"),
                                 (b"STARTTLS\r\n", b"STARTTLX\r\n"), (b"*\r\n", b"*\r\n")):
            connection.s(b"334 UGFzc3dvcmQ6\r\n")
            connection.c(response, leaves)
        connection.s(b"501 cancelled\r\n")
        connection.c(b"EXPN\r\n", b"XXXX\r\n")


@test("E3", "SMTPUTF8, 8BITMIME, DSN, SIZE and XCLIENT pass with what they promise")
def _(family):
    with greeted(EXCHANGE, family) as connection:
        connection.c(b"EHLO client.example\r\n")
        connection.s(b"250-a\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-DSN\r\n"
                     b"250-XCLIENT NAME ADDR\r\n250 SMTPUTF8\r\n")
        connection.c(b"XCLIENT NAME=spike.example ADDR=168.100.189.2\r\n")
        connection.s(b"220 again\r\n")
        connection.c(b"EHLO spike.example\r\n")
        connection.s(b"250-a\r\n250 SMTPUTF8\r\n")
        connection.c("MAIL FROM:<josé@exämple.org> SMTPUTF8 SIZE=900 BODY=8BITMIME RET=HDRS\r\n"
                     "RCPT TO:<пример@пример.example> NOTIFY=NEVER\r\nDATA\r\n".encode())
        connection.s(b"250 a\r\n250 b\r\n354 go\r\n")
        connection.c("Subject: ä\r\n\r\nö\r\n.\r\n".encode())


@test("S3", "before TLS little passes, behind it everything")
def _(family):
    with greeted(REQUIRE, family) as connection:
        connection.c(b"MAIL FROM:<a@example.org>\r\nNOOP\r\n",
                     b"XXXX FROM:<a@example.org>\r\nNOOP\r\n")
        connection.s(b"500 no\r\n250 ok\r\n")
        connection.c(b"STARTTLS\r\n")
        connection.s(b"220 go\r\n")
        connection.c(b"MAIL FROM:<a@example.org>\r\n")


@test("S2", "plaintext behind STARTTLS never reaches the server as commands")
def _(family):
    for port in (TLS, REQUIRE):
        with greeted(port, family) as connection:
            connection.client.send(b"STARTTLS\r\nNOOP\r\nEXPN root\r\n")
            connection.server.expect(b"STARTTLS\r\n")
            connection.server.expect_nothing()
            connection.s(b"454 not now\r\n")
            # No TLS: these are commands, and judged
            connection.server.expect(b"NOOP\r\nXXXX root\r\n")


@test("V5", "reject drop: silence, both ways")
def _(family):
    before = counter(DROP, "connections_ended")
    with greeted(DROP, family) as connection:
        connection.client.send(b"EXPN root\r\n")
        connection.server.expect_nothing()
        connection.server.send(b"250 hello\r\n")
        connection.client.expect_nothing()
    if counter(DROP, "connections_ended") != before + 1:
        raise Mismatch("connections_ended was not counted")


@test("V5", "flows shows what was dropped", module=True)
def _(family):
    with greeted(DROP, family) as connection:
        connection.client.send(b"EXPN root\r\n")
        connection.server.expect_nothing()
        phases = [flow["phase"] for flow in json.loads(tool("-j", "flows"))
                  if flow["port"] == DROP]
        if set(phases) != {"ended"}:    # the other family's goes on being listed
            raise Mismatch("flows shows the phases %s" % phases)


@test("V5", "reject reset: a RST to both ends")
def _(family):
    with greeted(RESET, family) as connection:
        connection.client.send(b"EXPN root\r\n")
        gone(connection.server)
        gone(connection.client)


@test("D10", "a body that the server refuses before its end goes on crossed out")
def _(family):
    with in_body(LOG, family) as connection:
        connection.c(b"one\r\n")
        connection.s(b"500 Line too long\r\n")
        connection.c(b"EXPN root\r\n.x\r\n" + b"a" * 9000 + b"\r\n.\r\nEXPN root\r\n",
                     b"XXXXXXXXX\r\n.X\r\n" + b"X" * 9000 + b"\r\n.\r\nXXXX root\r\n")
        connection.s(b"500 what\r\n")


@test("D11", "a reply that may be an EHLO's is masked as one")
def _(family):
    with greeted(CHUNKS, family) as connection:
        connection.c(b"NOOP\r\nEHLO client.example\r\n")
        connection.s(b"250-mail.example.org\r\n250 STARTTLS\r\n",
                     b"250-mail.example.org\r\n250 XXXXXXXA\r\n")


@test("D8", "strict: a server out of turn is cut off")
def _(family):
    with greeted(STRICT, family) as connection:
        connection.server.send(b"250 nobody asked\r\n")
        gone(connection.client)
        gone(connection.server)


@test("D8", "strict: the reply before one that answers nothing arrives")
def _(family):
    """Without its 250 the client would send an accepted mail again."""
    with in_body(STRICT, family) as connection:
        connection.c(b"a\r\n.\r\n")
        connection.server.send(b"250\r\n250 Ok id\r\n")
        connection.client.expect(b"250\r\n")
        gone(connection.client)
        gone(connection.server)


@test("V5", "reject reset: what precedes the command arrives, and is answered")
def _(family):
    with in_body(RESET, family) as connection:
        connection.client.send(b"a\r\n.\r\nNOOP\r\nEXPN root\r\nNOOP\r\n")
        connection.server.expect(b"a\r\n.\r\nNOOP\r\n")
        connection.server.expect_nothing()
        connection.s(b"250 queued\r\n250 ok\r\n")
        gone(connection.server)
        gone(connection.client)


@test("V5", "reject drop: some ten seconds later both ends are told")
def _(family):
    with in_body(DROP, family) as connection:
        connection.client.send(b"a\r\n.\r\nEXPN root\r\n")
        connection.server.expect(b"a\r\n.\r\n")
        connection.s(b"250 queued\r\n")
        connection.server.expect_nothing()
        connection.client.sock.settimeout(60 * SLOWER)
        connection.server.sock.settimeout(60 * SLOWER)
        gone(connection.client)
        gone(connection.server)


@test("D4", "smuggling off and log let it pass, log counts")
def _(family):
    for port, counted in ((OFF, 0), (LOG, 1)):
        before = counter(port, "smuggling_seen")
        with in_body(port, family) as connection:
            connection.c(b"a\n.\r\nb\r\n.\r\nEXPN\r\n", b"a\n.\r\nb\r\n.\r\nXXXX\r\n")
        if counter(port, "smuggling_seen") != before + counted:
            raise Mismatch("port %d: smuggling_seen from %d to %d" % (
                port, before, counter(port, "smuggling_seen")))


@test("D4", "smuggling drop ends the connection")
def _(family):
    with in_body(CUT, family) as connection:
        connection.c(b"a\r\n")
        connection.client.send(b"b\n.\nEXPN\r\n")
        gone(connection.server)
        gone(connection.client)


@test("V7", "line-ending strict: a bare LF ends no line")
def _(family):
    for port in (BARE, STRICT):
        with greeted(port, family) as connection:
            connection.c(b"MAIL FROM:<a>\nNOOP\r\nNOOP\nEXPN\r\n",
                         b"MAIL FROM:<a> NOOP\r\nNOOP EXPN\r\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="tests of this rule, or with this in their name")
    arguments = parser.parse_args()
    policies()
    return suite.run(False, arguments.only)


if __name__ == "__main__":
    sys.exit(main())
