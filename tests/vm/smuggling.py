#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""SMTP smuggling against real servers (rule D4), and chunks (D6).

A mail goes out that has in it what some servers take for the end of data, and
behind that the commands of another mail. A server that falls for it answers
them, so the replies tell. Started by smuggling.sh in the guest.
"""
import itertools
import socket
import sys

import suite
from net import PATIENCE, SERVER, Inside, Mismatch, counters, tool
from suite import test

SERVERS = {"Postfix": 25, "Exim": 26, "OpenSMTPD": 27, "Sendmail": 28}
# What is on the lists of those who look for it; all others are the simulator's
BEFORE = (b"\n", b"\r", b"\r\n", b"\r\n\0", b"\r\r\n")
BEHIND = (b"\n", b"\r", b"\r\n", b"\0\r\n", b"\r\r\n")
# CRLF.CRLF is the end for everybody
VARIANTS = [before + b"." + behind for before, behind in itertools.product(BEFORE, BEHIND)
            if b"\r\n.\r\n" not in before + b"." + behind]
SECOND = (b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
          b"Subject: second\r\n\r\nx\r\n")
HEAD = b"From: a@example.org\r\nSubject: first\r\n\r\ntext"


class Client:
    """A client in the namespace client, one reply at a time."""

    def __init__(self, port):
        with Inside("client"):
            self.sock = socket.socket()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(PATIENCE)
        self.sock.connect((SERVER[4], port))
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.sock.close()

    def reply(self):
        """The next reply's code, or None: the connection is at its end."""
        try:
            line = self.file.readline()
            while line[3:4] == b"-":
                line = self.file.readline()
        except ConnectionError:
            return None
        return line[:3].decode() or None

    def says(self, line, want):
        self.sock.sendall(line)
        code = self.reply()
        if code is None or code[0] != want:
            raise Mismatch("%r was answered by %s" % (line, code))

    def begins(self, hello=b"HELO", eol=b"\r\n"):
        if self.reply() != "220":
            raise Mismatch("no greeting")
        self.says(hello + b" client.example" + eol, "2")
        self.transaction(eol)

    def transaction(self, eol):
        self.says(b"MAIL FROM:<a@example.org>" + eol, "2")
        self.says(b"RCPT TO:<b@example.org>" + eol, "2")

    def rest(self):
        """All replies from here on; some servers close at once, some wait."""
        codes = []
        while True:
            code = self.reply()
            if code is None:
                return codes
            codes.append(code)


def send_pieces(sock, pieces):
    for piece in pieces:
        try:
            sock.sendall(piece)
        except ConnectionError:
            return


def smuggle(port, variant, in_pieces, eol=b"\r\n", second=SECOND):
    """The replies to what is behind the first DATA."""
    head = HEAD.replace(b"\r\n", eol)
    with Client(port) as client:
        client.begins(eol=eol)
        client.says(b"DATA" + eol, "3")
        pieces = [head + variant + second]
        if in_pieces:
            pieces = [head, *(variant[i:i + 1] for i in range(len(variant))), second]
        send_pieces(client.sock, [*pieces, b"\r\n.\r\nQUIT\r\n"])
        return client.rest()


def fell_for(codes):
    """More than the reply to one end of data, and to QUIT?"""
    return "354" in codes or len([code for code in codes if code[0] == "2"]) > 2


def fallen(port, variants, in_pieces=False, **lines):
    return [(variant, codes) for variant in variants
            for codes in (smuggle(port, variant, in_pieces, **lines),) if fell_for(codes)]


@test("D4", "without the filter one of the servers falls for it", families=(4,))
def _(_family):
    for port in SERVERS.values():
        tool("set", str(port), "off")
    tricks = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r")
    if not any(fallen(port, tricks) for port in SERVERS.values()):
        raise Mismatch("none did: this suite shows nothing")


def holds(name, policy, in_pieces=False, **lines):
    port = SERVERS[name]
    tool("set", str(port), *policy.split())
    try:
        found = fallen(port, VARIANTS, in_pieces, **lines)
    finally:
        tool("set", str(port), "off")
    if found:
        raise Mismatch("%d of %d: %r" % (len(found), len(VARIANTS), found[:3]))


# V7: where LF.LF is the end for the filter, what follows is judged as commands. Under
# fixup EHLO is none that passes.
LF_ALONE = {"eol": b"\n", "second": b"EHLO x\nEHLO x\r\nEHLO x\r\n"}


@test("V7 D4", "without the filter EHLO behind LF.LF is answered", families=(4,))
def _(_family):
    if not any(fallen(port, [b"\n.\n"], **LF_ALONE) for port in SERVERS.values()):
        raise Mismatch("nowhere: this suite shows nothing")


def mails_end(name, policy):
    """Two mails of a client that ends all its lines in LF."""
    port = SERVERS[name]
    tool("set", str(port), *policy)
    try:
        with Client(port) as client:
            client.begins(eol=b"\n")
            for last in (False, True):
                client.says(b"DATA\n", "3")
                client.says(HEAD.replace(b"\r\n", b"\n") + b"\n..\n.x\n.\n", "2")
                if not last:
                    client.transaction(b"\n")
            client.says(b"QUIT\n", "2")
    finally:
        tool("set", str(port), "off")


def add_tests():
    for name in SERVERS:
        # Sendmail takes no LF.LF, with or without the filter
        if name != "Sendmail":
            test("V7", "mails of lines in LF alone, %s" % name, families=(4,))(
                lambda _family, name=name: [mails_end(name, mode) for mode in (
                    ["off"], ["fixup"], ["esmtp"], ["esmtp", "smuggling", "drop"])])
        test("V7 D4", "%d variants behind lines in LF alone, %s" % (len(VARIANTS), name),
             families=(4,))(lambda _family, name=name: [
                 holds(name, "fixup", in_pieces, **LF_ALONE) for in_pieces in (False, True)])
        test("D4", "%d variants, %s" % (len(VARIANTS), name), families=(4,))(
            lambda _family, name=name: holds(name, "fixup"))
        test("D4", "%d variants octet by octet, %s" % (len(VARIANTS), name), families=(4,))(
            lambda _family, name=name: holds(name, "esmtp", True))
    test("D4", "%d variants, smuggling drop" % len(VARIANTS), families=(4,))(
        lambda _family: holds("Postfix", "fixup smuggling drop"))


@test("D6", "Postfix and Exim take a mail in chunks, and no command out of it", families=(4,))
def _(_family):
    for port in (25, 26):
        tool("set", str(port), *"esmtp allow BDAT ehlo-allow CHUNKING".split())
        before = counters()[str(port)]
        first = HEAD + b"\r\nVRFY root\r\n.\r\nQUIT\r\n" * 500
        with Client(port) as client:
            client.begins(b"EHLO")
            send_pieces(client.sock, [
                b"BDAT %d\r\n" % len(first) + first + b"BDAT 6 LAST\r\nEXPN\r\nEXPN root\r\nQUIT\r\n"])
            codes = client.rest()
        if [code[0] for code in codes] != ["2", "2", "5", "2"]:
            raise Mismatch("port %d: %s" % (port, codes))
        after = counters()[str(port)]
        for name, grown in (("chunks", 2), ("messages", 1), ("commands_blocked", 1)):
            if after[name] - before[name] != grown:
                raise Mismatch("port %d: %s from %d to %d" % (
                    port, name, before[name], after[name]))


if __name__ == "__main__":
    add_tests()
    sys.exit(suite.run())
