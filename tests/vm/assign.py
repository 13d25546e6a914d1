#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which connections are inspected: the option iif, and rules of nft.

Started by assign.sh in the guest; connections that begin in their middle get
no grace.
"""
import socket
import subprocess
import sys

import suite
from net import SERVER, Connection, Inside, Mismatch, compare, counters, tool
from suite import test

READY = b"220 ready\r\n"
READY_PIX = b"220 *****\r\n"
CLIENT = {4: "10.0.1.2", 6: "fd00:1::2"}
ROUTER = {4: "10.0.2.1", 6: "fd00:2::1"}
INBOUND = {"ends": ("client", "server")}


def outbound(family):
    return {"ends": ("server", "client"), "address": CLIENT[family]}


def run(*words, namespace="router", text=None):
    with Inside(namespace):
        done = subprocess.run(words, input=text, capture_output=True, text=True,
                              timeout=60, check=False)
    if done.returncode:
        raise Mismatch("%s: %s" % (" ".join(words), done.stdout + done.stderr))
    return done.stdout


class Nft:
    """with Nft(rules): in force in the router."""

    def __init__(self, rules):
        self.rules = rules

    def __enter__(self):
        run("nft", "-f", "-", text="table inet mail {\n" + self.rules + "}\n")

    def __exit__(self, *_):
        run("nft", "delete", "table", "inet", "mail")


class Counted:
    """with Counted(port, name=n, ...): these counters of the port grow so much."""

    def __init__(self, port, **want):
        self.port, self.want = str(port), want

    def __enter__(self):
        self.before = counters()[self.port]

    def __exit__(self, kind, *_):
        if kind:
            return
        now = counters()[self.port]
        grown = {name: now[name] - self.before[name] for name in self.want}
        if grown != self.want:
            raise Mismatch("counters of port %s grew by %r, wanted %r" %
                           (self.port, grown, self.want))


def judged(connection):
    """As fixup has it."""
    connection.s(READY, READY_PIX)
    connection.c(b"EXPN root\r\n", b"XXXX root\r\n")
    connection.s(b"500 no\r\n")
    connection.c(b"QUIT\r\n")
    connection.s(b"221 bye\r\n")
    connection.close()


def untouched(connection):
    connection.s(READY)
    connection.c(b"EXPN root\r\nDATA\r\nEXPN root\r\n")
    connection.s(b"250-STARTTLS\r\n250 x\r\n")
    connection.close()


# -- iif --------------------------------------------------------------------

@test("iif", "what comes in there is judged and counted, what goes out is untouched and counted")
def _(family):
    tool("set", "25", "fixup", "iif", "veth-rc")
    compare(tool("show", "25"), "set 25 fixup iif veth-rc\n", "show")
    with Counted(25, connections=1, greetings_masked=1, commands_blocked=1,
                 connections_other_interface=0):
        with Connection(25, family, **INBOUND) as connection:
            judged(connection)
    with Counted(25, connections=0, greetings_masked=0, commands_blocked=0,
                 connections_other_interface=1):
        with Connection(25, family, **outbound(family)) as connection:
            untouched(connection)
    tool("set", "25", "fixup", "iif", "veth-rs")
    with Connection(25, family, **INBOUND) as connection:
        untouched(connection)
    with Connection(25, family, **outbound(family)) as connection:
        judged(connection)


@test("iif", "the router's own connections come in by no interface")
def _(family):
    tool("set", "25", "fixup", "iif", "lo")
    with Connection(25, family, ends=("router", "server")) as connection:
        untouched(connection)
    tool("set", "25", "fixup", "iif", "veth-rs")
    with Connection(25, family, ends=("server", "router"),
                    address=ROUTER[family]) as connection:
        judged(connection)


@test("iif", "an interface by its name, which comes, and goes, and comes again", families=(4,))
def _(family):
    def new_wan():
        run("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "veth-w",
            "netns", "client")
        run("ip", "address", "add", "10.0.3.1/24", "dev", "wan0")
        run("ip", "link", "set", "wan0", "up")
        run("ip", "address", "add", "10.0.3.2/24", "dev", "veth-w", namespace="client")
        run("ip", "link", "set", "veth-w", "up", namespace="client")

    tool("set", "25", "fixup", "iif", "wan0")
    with Connection(25, family, **INBOUND) as connection:
        untouched(connection)
    for _ in range(2):
        new_wan()
        with Connection(25, family, address="10.0.3.1", ends=("client", "router")) as connection:
            judged(connection)
        run("ip", "link", "delete", "wan0")


@test("iif T2", "NOTRACK hides nothing that comes in there, and does no harm to what goes out")
def _(family):
    tool("set", "25", "fixup", "iif", "veth-rc")
    with Nft("""chain raw {
                    type filter hook prerouting priority raw
                    meta l4proto tcp notrack
                }
             """):
        with Counted(25, packets_untracked=0):
            with Connection(25, family, **outbound(family)) as connection:
                untouched(connection)
        with Counted(25, packets_untracked=1):
            with Inside("client"):
                sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET)
            sock.settimeout(0.5)    # before the SYN is repeated
            try:
                sock.connect((SERVER[family], 25))
            except TimeoutError:
                return
            raise Mismatch("it came through")


@test("iif T2", "what is INVALID to conntrack goes on where the connection is left alone")
def _(family):
    tool("set", "25", "fixup", "iif", "veth-rc")
    run("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=0")
    try:
        with Connection(25, family, **outbound(family)) as connection:
            connection.s(READY)
            run("conntrack", "-D", "-f", "ipv%d" % family, "-p", "tcp", "--dport", "25")
            with Counted(25, packets_invalid=0):
                connection.c(b"EXPN root\r\n")
        with Connection(25, family, **INBOUND) as connection:
            connection.s(READY, READY_PIX)
            run("conntrack", "-D", "-f", "ipv%d" % family, "-p", "tcp", "--dport", "25")
            connection.client.send(b"EXPN root\r\n")
            connection.server.expect_nothing()
    finally:
        run("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=1")


@test("iif T2", "a connection without its beginning: dropped where it comes in, else let through")
def _(family):
    tool("set", "25", "fixup", "iif", "veth-rc")
    with Connection(25, family, **outbound(family)) as connection:
        connection.s(READY)
        run("conntrack", "-D", "-f", "ipv%d" % family, "-p", "tcp", "--dport", "25")
        connection.c(b"EXPN root\r\n")
        connection.s(b"250-STARTTLS\r\n250 x\r\n")
        connection.close()
    with Connection(25, family, **INBOUND) as connection:
        connection.s(READY, READY_PIX)
        run("conntrack", "-D", "-f", "ipv%d" % family, "-p", "tcp", "--dport", "25")
        connection.client.send(b"EXPN root\r\n")
        connection.server.expect_nothing()
        connection.server.send(b"250-STARTTLS\r\n250 x\r\n")
        connection.client.expect_nothing()


if __name__ == "__main__":
    sys.exit(suite.run())
