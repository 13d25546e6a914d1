#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of sessions when another router goes on with them (conntrackd).

Started by recipes.sh in the guest: failover.py ROUTER OTHER, with policies as POLICIES
says on both, and sessions between the namespaces "client" and "server". ROUTER
forwards, until it is cut off.
"""
import socket
import subprocess
import sys
import time

import suite
from net import PATIENCE, QUIET, Connection, Mismatch
from suite import test

SERVER = {4: "10.0.0.25", 6: "2001:db8:2::25"}
READY = b"220 ready\r\n"
MASKED = b"220 *****\r\n"
TEXT = b"220 mail.example ESMTP\r\n"
# What the recipe sets, and what recipes.sh adds to it
POLICIES = {25: MASKED, 587: TEXT, 2601: MASKED, 2602: TEXT, 2603: TEXT, 2604: MASKED}
VIRTUAL = (" 192.0.2.1/24 ", " 10.0.0.1/24 ", " 2001:db8:1::1/64 ", " 2001:db8:2::1/64 ")
opened = {}


def ip(namespace, *words):
    return subprocess.run(["ip", "-n", namespace, *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def open_session(port, family, name=None):
    session = opened[name or port, family] = Connection(port, family, address=SERVER[family])
    session.s(READY, POLICIES[port])
    session.c(b"EHLO a.example\r\n" if port in (587, 2604) else b"HELO a.example\r\n")
    session.s(b"250 hello\r\n")
    return session


def start_tls(session):
    session.c(b"STARTTLS\r\n")
    session.s(b"220 go\r\n")
    session.c(b"\x16\x03\x01ClientHello\r\n")
    session.s(b"\x16\x03\x03ServerHello\r\n")


def ended(end, what):
    """By a RST."""
    end.sock.settimeout(3 * PATIENCE)
    try:
        got = end.sock.recv(1000)
    except ConnectionResetError:
        return
    raise Mismatch("the %s got %r, wanted a RST" % (what, got))


def goes_on(session):
    """TCP has to repeat until the other router has the addresses."""
    for end in (session.client, session.server):
        end.sock.settimeout(6 * PATIENCE)
    session.c(b"EXPN root\r\n")
    session.s(b"250-STARTTLS\r\n250 x\r\n")
    session.c(b"QUIT\r\n")
    session.close()


@test("failover", "sessions of both families are open, and the other router takes over",
      families=(4,))
def _(_family):
    for family in SERVER:
        for port in POLICIES:
            open_session(port, family)
        open_session(25, family, "server speaks")
        open_session(25, family, "idle")
        start_tls(opened[587, family])
        start_tls(opened[2604, family])
    time.sleep(5 * QUIET)    # conntrackd has told the other
    for device in ("eth0", "eth1", "eth2"):
        ip(sys.argv[1], "link", "set", device, "down")
    end = time.monotonic() + 6 * PATIENCE
    while any(address not in ip(sys.argv[2], "address") for address in VIRTUAL):
        if time.monotonic() > end:
            raise Mismatch("%s does not take over" % sys.argv[2])
        time.sleep(0.1)
    time.sleep(5 * QUIET)    # ... and that has put into force what it knows


@test("T2", "midstream reset: both ends end at once, whoever speaks")
def _(family):
    session = opened[25, family]
    session.client.send(b"EXPN root\r\n")
    ended(session.client, "client")
    ended(session.server, "server")
    session = opened["server speaks", family]
    session.server.send(b"250-STARTTLS\r\n250 x\r\n")
    ended(session.server, "server")
    ended(session.client, "client")


@test("T2", "midstream reset: while nobody says anything the session stays")
def _(family):
    session = opened["idle", family]
    for end in (session.client, session.server):
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)):
            end.sock.setsockopt(socket.IPPROTO_TCP, option, value)
        end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    time.sleep(3)
    session.client.expect_nothing()
    session.server.expect_nothing()
    session.server.send(b"421 too long\r\n")
    ended(session.client, "client")
    ended(session.server, "server")


@test("T2", "midstream reset, lengths were changed: both ends end at once")
def _(family):
    session = opened[2603, family]
    session.client.send(b"EXPN root\r\n")
    ended(session.client, "client")
    ended(session.server, "server")


@test("T2", "midstream drop: nothing passes")
def _(family):
    session = opened[2601, family]
    session.client.send(b"EXPN root\r\n")
    session.server.expect_nothing()
    session.server.send(b"250-STARTTLS\r\n250 x\r\n")
    session.client.expect_nothing()
    session.abort()


@test("T2", "midstream pass: the session goes on unjudged, its offsets survive")
def _(family):
    goes_on(opened[2602, family])


@test("S2", "TLS lives on")
def _(family):
    goes_on(opened[2604, family])


@test("S2", "TLS lives on, offsets survive")
def _(family):
    goes_on(opened[587, family])


@test("failover", "a new session is judged")
def _(family):
    for port, greeting in POLICIES.items():
        with Connection(port, family, address=SERVER[family]) as session:
            session.s(READY, greeting)
            session.c(b"FROB x\r\n", b"XXXX x\r\n")


if __name__ == "__main__":
    sys.exit(suite.run())
