#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which connections are inspected: the option iif, and rules of nft.

Started by suite.sh in the guest; connections that begin in their middle get
no grace.
"""
import socket
import subprocess
import sys

import suite
from net import (READY, READY_PIX, SERVER, Connection, Counted, Inside, Mismatch, compare, counters,
                 tool)
from suite import test

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

def lose(family):
    """conntrack forgets the connections."""
    run("conntrack", "-D", "-f", "ipv%d" % family, "-p", "tcp", "--dport", "25")


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
            lose(family)
            with Counted(25, packets_invalid=0):
                connection.c(b"EXPN root\r\n")
        with Connection(25, family, **INBOUND) as connection:
            connection.s(READY, READY_PIX)
            lose(family)
            connection.client.send(b"EXPN root\r\n")
            connection.server.expect_nothing()
            connection.abort()
    finally:
        run("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=1")


@test("iif T2", "a connection without its beginning: dropped where it comes in, else let through")
def _(family):
    tool("set", "25", "fixup", "iif", "veth-rc", "midstream", "drop")
    with Connection(25, family, **outbound(family)) as connection:
        connection.s(READY)
        lose(family)
        connection.c(b"EXPN root\r\n")
        connection.s(b"250-STARTTLS\r\n250 x\r\n")
        connection.close()
    with Connection(25, family, **INBOUND) as connection:
        connection.s(READY, READY_PIX)
        lose(family)
        connection.client.send(b"EXPN root\r\n")
        connection.server.expect_nothing()
        connection.server.send(b"250-STARTTLS\r\n250 x\r\n")
        connection.client.expect_nothing()
        connection.abort()


@test("iif", "exempt, its entry gone, the server speaks first: it goes on")
def _(family):
    tool("set", "25", "fixup", "iif", "veth-rc")
    with Connection(25, family, **outbound(family)) as connection:
        connection.s(READY)
        lose(family)
        connection.s(b"250-STARTTLS\r\n250 x\r\n")
        connection.c(b"EXPN root\r\n")
        connection.close()


# -- nft --------------------------------------------------------------------

CUSTOMER, EXEMPT = 77, 66   # hosts in the client's network

# As docs/selecting.md has it
RULES = """
    ct helper smtp { type "smtp" protocol tcp; }
    set exempt { typeof ip saddr; elements = { 10.0.1.66 } }
    set exempt6 { typeof ip6 saddr; elements = { fd00:1::66 } }
    map customers { typeof ip saddr : ct mark; elements = { 10.0.1.77 : 2501 } }
    map customers6 { typeof ip6 saddr : ct mark; elements = { fd00:1::77 : 2501 } }
    chain prerouting {
        type filter hook prerouting priority filter
        tcp dport != 25 return
        ip saddr @exempt return
        ip6 saddr @exempt6 return
        ct helper set "smtp"
        ct mark set ip saddr map @customers
        ct mark set ip6 saddr map @customers6
    }
"""


def host(number, family):
    return "%s%d" % ("fd00:1::" if family == 6 else "10.0.1.", number)


def hosts():
    for number in (CUSTOMER, EXEMPT):
        run("ip", "address", "add", host(number, 4) + "/24", "dev", "veth-c", namespace="client")
        # Deprecated: nobody's source address who does not ask for it
        run("ip", "address", "add", host(number, 6) + "/64", "dev", "veth-c", "nodad",
            "preferred_lft", "0", namespace="client")


def as_esmtp(connection):
    connection.s(READY, READY_PIX)
    connection.c(b"EHLO a\r\n")
    connection.s(b"250-b\r\n250 STARTTLS\r\n", b"250-b\r\n250 XXXXXXXA\r\n")
    connection.close()


def as_fixup(connection):
    connection.s(READY, READY_PIX)
    connection.c(b"EHLO a\r\n", b"XXXX a\r\n")
    connection.s(b"500 no\r\n")
    connection.close()


@test("nft", "assign explicit: nobody is judged whom no rule selects")
def _(family):
    tool("set", "25", "fixup", "assign", "explicit")
    compare(tool("show", "25"), "set 25 fixup assign explicit\n", "show")
    with Counted(25, connections=0, greetings_masked=0):
        with Connection(25, family) as connection:
            untouched(connection)


@test("nft", "ct helper set selects hosts; others are exempt")
def _(family):
    tool("set", "25", "fixup", "assign", "explicit")
    with Nft(RULES):
        with Counted(25, connections=1, greetings_masked=1, commands_blocked=1):
            with Connection(25, family) as connection:
                if '"phase": "greeting"' not in tool("-j", "flows"):
                    raise Mismatch(tool("-j", "flows"))
                judged(connection)
        with Counted(25, connections=0, greetings_masked=0, packets_midstream=0):
            with Connection(25, family, source=host(EXEMPT, family)) as connection:
                if host(EXEMPT, family) in tool("flows"):
                    raise Mismatch(tool("flows"))
                untouched(connection)


@test("nft", "by-mark: a policy for each customer, counted on its own")
def _(family):
    tool("set", "2501", "fixup", "assign", "explicit")
    tool("set", "25", "esmtp", "assign", "explicit", "by-mark")
    compare(tool("show", "25"), "set 25 esmtp assign explicit by-mark\n", "show")
    with Nft(RULES):
        with Counted(25, connections=1, greetings_masked=1), Counted(2501, connections=0):
            with Connection(25, family) as connection:
                as_esmtp(connection)
        with Counted(25, connections=0, greetings_masked=0), Counted(
                2501, connections=1, greetings_masked=1, commands_blocked=1):
            with Connection(25, family, source=host(CUSTOMER, family)) as connection:
                as_fixup(connection)
        with Connection(25, family, source=host(EXEMPT, family)) as connection:
            untouched(connection)
        # A mark that names no policy lets nobody off
        tool("set", "2501", "off")
        with Connection(25, family, source=host(CUSTOMER, family)) as connection:
            as_esmtp(connection)
        # Nor does one where the policy does not ask for marks
        tool("set", "2501", "fixup", "assign", "explicit")
        tool("set", "25", "esmtp", "assign", "explicit")
        with Connection(25, family, source=host(CUSTOMER, family)) as connection:
            as_esmtp(connection)


@test("nft", "by-mark without assign: the helper comes by itself, the policy by nft")
def _(family):
    tool("set", "2501", "fixup", "assign", "explicit")
    tool("set", "25", "esmtp", "by-mark")
    with Nft("""chain forward {
                    type filter hook forward priority filter
                    %s saddr %s ct mark set 2501
                }
             """ % ("ip6" if family == 6 else "ip", host(CUSTOMER, family))):
        with Connection(25, family) as connection:
            as_esmtp(connection)
        with Connection(25, family, source=host(CUSTOMER, family)) as connection:
            as_fixup(connection)


@test("nft", "beside iif: a host elsewhere is selected, too")
def _(family):
    tool("set", "25", "fixup", "iif", "veth-rs")
    with Nft(RULES):
        with Connection(25, family) as connection:
            judged(connection)
        with Connection(25, family, source=host(EXEMPT, family)) as connection:
            untouched(connection)
        with Connection(25, family, **outbound(family)) as connection:
            judged(connection)


@test("nft T1", "lengths change where nft has given the helper")
def _(family):
    tool("set", "25", "fixup", "assign", "explicit", "banner", "text", "mx", "reject", "noop")
    with Nft(RULES):
        with Connection(25, family) as connection:
            connection.s(READY, b"220 mx\r\n")
            connection.c(b"WIZ\r\n", b"NOOP\r\n")
            connection.s(b"250 Ok\r\n")
            connection.c(b"DATA\r\n")
            connection.s(b"354 go\r\n")
            connection.c(b"EXPN root\r\n" * 2000 + b".\r\n")
            connection.s(b"250 queued\r\n")
            connection.close()


@test("nft T2", "without its beginning: dropped where nft selects it, else let through")
def _(family):
    tool("set", "25", "fixup", "assign", "explicit", "midstream", "drop")
    with Nft(RULES):
        with Connection(25, family) as connection:
            connection.s(READY, READY_PIX)
            lose(family)
            before = counters()["25"]["packets_midstream"]
            connection.client.send(b"EXPN root\r\n")
            connection.server.expect_nothing()
            connection.server.send(b"250-STARTTLS\r\n250 x\r\n")
            connection.client.expect_nothing()
            if counters()["25"]["packets_midstream"] < before + 2:
                raise Mismatch("not counted")
        for first in ("c", "s"):
            with Connection(25, family, source=host(EXEMPT, family)) as connection:
                connection.s(READY)
                lose(family)
                if first == "s":
                    connection.s(b"220-more\r\n")
                connection.c(b"EXPN root\r\n")
                connection.s(b"250-STARTTLS\r\n250 x\r\n")
                connection.close()
        tool("set", "25", "fixup", "assign", "explicit", "midstream", "pass")
        with Connection(25, family) as connection:
            connection.s(READY, READY_PIX)
            lose(family)
            with Counted(25, midstream_passed=1):
                connection.c(b"EXPN root\r\n")
                connection.s(b"250-STARTTLS\r\n250 x\r\n")
            connection.close()


@test("nft T2", "NOTRACK is an exemption, too, where nft selects")
def _(family):
    tool("set", "25", "fixup", "assign", "explicit")
    with Nft("""chain raw {
                    type filter hook prerouting priority raw
                    meta l4proto tcp notrack
                }
             """), Counted(25, packets_untracked=0):
        with Connection(25, family) as connection:
            untouched(connection)


@test("nft", "the helper smtp on a port without a policy does nothing")
def _(family):
    tool("set", "25", "off")
    with Nft(RULES):
        with Connection(25, family) as connection:
            untouched(connection)


@test("nft", "rmmod is refused as long as a ct helper object names the helper", families=(4,))
def _(_family):
    with Nft(RULES):
        with Inside("router"):
            done = subprocess.run(["rmmod", "nf_smtp_fixup"], capture_output=True, text=True,
                                  check=False)
        if "in use" not in done.stderr:
            raise Mismatch("rmmod: status %d, %r" % (done.returncode, done.stderr))


if __name__ == "__main__":
    hosts()
    sys.exit(suite.run())
