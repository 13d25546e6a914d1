#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""MPTCP (RFC 8684) puts pieces of one stream on several connections: H1.

Client and server are the kernel's, or the client is ours, packet by packet.
Started by mptcp.sh: the client has a second address, from which its kernel opens
a second connection as soon as it may.
"""
import base64
import hashlib
import random
import socket
import sys
import threading
import time

from scapy.layers.inet import TCP

import raw
import suite
from net import PATIENCE, SERVER, SLOWER, Counted, Inside, Mismatch, tool
from suite import test

PORT = 25
MPTCP = 262         # IPPROTO_MPTCP
KIND = 30           # of its TCP option
SIZE = 2300000      # octets of the mail


def netstat(namespace, name):
    """A counter of MPTCP's in that namespace."""
    with Inside(namespace):
        with open("/proc/thread-self/net/netstat", encoding="ascii") as file:
            lines = [line.split() for line in file if line.startswith("MPTcpExt:")]
    return int(dict(zip(*lines)).get(name, 0))


def listen(family):
    with Inside("server"):
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET,
                             socket.SOCK_STREAM, MPTCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(PATIENCE)
    sock.bind((SERVER[family], PORT))
    sock.listen(5)
    return sock


class Server(threading.Thread):
    """One session; keeps the body of its mail, and every command."""

    def __init__(self, listener):
        super().__init__()
        self.listener, self.body, self.lines = listener, b"", []

    def run(self):
        sock, _ = self.listener.accept()
        sock.settimeout(PATIENCE)
        with sock, sock.makefile("rb") as file:
            sock.sendall(b"220 mx ready\r\n")
            for line in file:
                self.lines.append(line)
                if line == b"DATA\r\n":
                    sock.sendall(b"354 go\r\n")
                    self.body = b"".join(iter(file.readline, b".\r\n"))
                sock.sendall(b"221 bye\r\n" if line == b"QUIT\r\n" else b"250 ok\r\n")
                if line == b"QUIT\r\n":
                    break


def body():
    """Prose, base64 and lines that look like commands."""
    rng = random.Random(25)
    lines = [b"EXPN staff", b"RCPT TO:<a@example.org>", b"the quick brown fox" * 3]
    text = bytearray()
    while len(text) < SIZE:
        text += rng.choice(lines) + b"\r\n"
        text += base64.b64encode(rng.randbytes(57)) + b"\r\n"
    return bytes(text)


BODY = body()


def mail(family):
    """By the kernel's MPTCP at both ends. Returns how many connections joined the first."""
    joined = netstat("server", "MPJoinAckRx")
    listener = listen(family)
    server = Server(listener)
    server.start()
    with Inside("client"):
        client = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET,
                               socket.SOCK_STREAM, MPTCP)
    client.settimeout(PATIENCE)
    with client, client.makefile("rb") as file:
        client.connect((SERVER[family], PORT))

        def ask(line):
            client.sendall(line)
            return file.readline()
        file.readline()
        for line in (b"HELO me\r\n", b"MAIL FROM:<a@example.org>\r\n",
                     b"RCPT TO:<b@example.org>\r\n"):
            ask(line)
        time.sleep(1 * SLOWER)      # to join
        if not ask(b"DATA\r\n").startswith(b"354"):
            raise Mismatch("DATA was refused")
        ask(BODY + b".\r\n")
        ask(b"QUIT\r\n")
    server.join(PATIENCE)
    listener.close()
    if hashlib.sha256(server.body).digest() != hashlib.sha256(BODY).digest():
        wrong = sum(a != b for a, b in zip(server.body, BODY))
        raise Mismatch("of %d octets %d arrived, %d of them changed" % (
            len(BODY), len(server.body), wrong))
    return netstat("server", "MPJoinAckRx") - joined


@test("H1", "without a policy a second connection carries part of the mail")
def _(family):
    tool("set", "25", "off")
    if not mail(family):
        raise Mismatch("no connection joined: the other tests here show nothing")


for policy in (("fixup",), ("esmtp",), ("fixup", "banner", "text", "mx here")):
    @test("H1", "%s: a mail of 2.3 MB by MPTCP arrives whole, by TCP" % " ".join(policy))
    def _(family, words=policy):
        tool("set", "25", *words)
        with Counted(25, messages=1, mptcp_removed=1, commands_blocked=0):
            if mail(family):
                raise Mismatch("a connection joined")


@test("H1", "observe: MPTCP passes and is counted")
def _(family):
    tool("set", "25", "fixup", "observe")
    before = raw.counters()["25"]["mptcp_removed"]
    if not mail(family):
        raise Mismatch("no connection joined")
    if raw.counters()["25"]["mptcp_removed"] < before + 2:
        raise Mismatch("not counted")


def capable(keys=b""):
    """MP_CAPABLE, version 1 (RFC 8684, 3.1)"""
    return (KIND, bytes([0x01, 0x01]) + keys)


def dss(number, ssn, length):
    """A mapping: these octets of the connection are those of the stream (3.3)"""
    return (KIND, bytes([0x20, 0x04]) + number.to_bytes(4, "big") + ssn.to_bytes(4, "big") +
            length.to_bytes(2, "big"))


@test("H1", "a client that numbers its octets otherwise: the server reads what was judged")
def _(family):
    tool("set", "25", "fixup")
    listener = listen(family)
    server = Server(listener)
    server.start()
    peer = raw.Raw(family)
    peer.ends = (raw.ADDRESS[family][0], SERVER[family])
    peer.send(raw.CLIENT, -1, b"", flags="S", options=[capable()])
    answer = peer.one(raw.CLIENT)[TCP]
    if any(option[0] == KIND for option in answer.options):
        raise Mismatch("the SYN/ACK offers MPTCP")
    peer.isn[raw.SERVER] = answer.seq
    peer.send(raw.CLIENT, 0, b"", flags="A", options=[capable(bytes(16))])
    # No segment before the greeting is there: its ACK would be one of octets that
    # the server has not sent, and its kernel drops such a segment (RFC 9293, 3.10.7.4)
    peer.has[raw.SERVER] = len(peer.one(raw.CLIENT)[TCP].payload)
    # In MPTCP's order EXPN, in TCP's none
    peer.send(raw.CLIENT, 0, b"NOOPAB", options=[dss(5, 1, 6)])
    peer.send(raw.CLIENT, 6, b"EXPN \r\n", options=[dss(1, 7, 7)])
    peer.send(raw.CLIENT, 13, b"QUIT\r\n", options=[dss(11, 14, 6)])
    server.join(PATIENCE)
    listener.close()
    if server.lines != [b"XXXXXXXXXX \r\n", b"QUIT\r\n"]:
        raise Mismatch("the server read %r" % server.lines)


if __name__ == "__main__":
    raw.WIRE = raw.Wire()
    suite.TESTS[:] = [entry for entry in suite.TESTS if entry[4].__module__ == __name__]
    sys.exit(suite.run(only=sys.argv[1] if sys.argv[1:] else None))
