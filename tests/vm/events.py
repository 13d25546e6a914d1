#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Events (docs/rules.md M): what smtpfixup monitor and the tracepoints tell, and to whom.

Started by events.sh in the guest, with the module loaded and nothing set.
"""
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

import suite
from net import (PATIENCE, READY, READY_PIX, SERVER, SLOWER, TOOL, Connection, End, Inside, Mismatch,
                 counters, greeted, in_body, tool)
from suite import test

FIXUP, ESMTP, TLS, NOOP, STRIP, TEXT, STRAY = 25, 26, 27, 28, 29, 30, 31
SECRET = b"dragonfly"
LIMIT = "/sys/module/nf_smtp_fixup/parameters/event_limit"
TRACE = "/sys/kernel/tracing"


def policies():
    tool("set", str(FIXUP), "fixup")
    tool("set", str(ESMTP), "esmtp")
    tool("set", str(TLS), "esmtp", "tls", "allow")
    tool("set", str(NOOP), "fixup", "reject", "noop")
    tool("set", str(STRIP), "esmtp", "ehlo", "strip")
    tool("set", str(TEXT), "fixup", "banner", "text", "mx ESMTP")
    tool("set", str(STRAY), "fixup", "banner", "keep")


class Monitor:
    """smtpfixup monitor, in a namespace, from when it listens until it is ended."""

    def __init__(self, *flags, namespace="router"):
        with Inside(namespace):
            self.process = subprocess.Popen(
                [TOOL, "monitor", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.text = b""
        end = time.monotonic() + PATIENCE
        # The second group that it joins is the controller's, number 16
        while not self._groups() & 1 << 15:
            if time.monotonic() > end or self.process.poll() is not None:
                raise Mismatch("the monitor does not listen: %r" % (self.process.poll(),))
            time.sleep(0.05)

    def _groups(self):
        with open("/proc/%d/net/netlink" % self.process.pid, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                words = line.split()
                if words[1] == "16" and int(words[2]) == self.process.pid:
                    return int(words[3], 16)
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def lines(self, count=None, quiet=0.7 * SLOWER):
        """So many more lines; without a number, what comes until nothing does."""
        end = time.monotonic() + PATIENCE
        while count is None or self.text.count(b"\n") < count:
            wait = quiet if count is None else end - time.monotonic()
            if wait <= 0 or not select.select([self.process.stdout], [], [], wait)[0]:
                break
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                break
            self.text += piece
        done, _, self.text = self.text.rpartition(b"\n")
        found = done.decode().split("\n") if done else []
        if count is not None and len(found) != count:
            raise Mismatch("%d lines, wanted %d: %r" % (len(found), count, found))
        return found

    def events(self, quiet=0.7 * SLOWER):
        return [json.loads(line) for line in self.lines(quiet=quiet)]

    def ended(self, status, how=None):
        """It ends, by a signal or by itself, with this status; returns stderr."""
        if how:
            self.process.send_signal(how)
        got = self.process.wait(PATIENCE)
        said = self.process.stderr.read().decode()
        if got != status:
            raise Mismatch("the monitor's status is %d, wanted %d: %s" % (got, status, said))
        return said


def ends(connection, family, port):
    """Client and server as an event has them."""
    name = connection.client.sock.getsockname()
    form = "[%s]:%d" if family == 6 else "%s:%d"
    return form % name[:2], form % (SERVER[family], port)


@contextlib.contextmanager
def expect(family, rule, event, words=None, port=FIXUP, vendor=108004):
    """Exactly this event comes, beside greetings; the connection goes into the list."""
    with Monitor("-j") as monitor:
        box = []
        yield box
        found = [e for e in monitor.events() if e["event"] != "greeting_masked" or rule == "G1"]
    mine = [e for e in found if e["event"] == event]
    if len(mine) != 1 or found != mine:
        raise Mismatch("wanted one %s, got %r" % (event, found))
    got = mine[0]
    if box:
        client, server = ends(box[0], family, port)
        if (got["client"], got["server"], got["port"]) != (client, server, port):
            raise Mismatch("wanted %s > %s, got %r" % (client, server, got))
        if (got.get("client_dev"), got.get("server_dev")) != ("veth-rc", "veth-rs"):
            raise Mismatch("wanted veth-rc and veth-rs, got %r" % got)
        box[0].__exit__()
    with Inside("router"):
        netns = os.stat("/proc/thread-self/ns/net").st_ino
    want = {"rule": rule, "words": words, "vendor": vendor, "netns": netns,
            "suppressed": None}
    for key, value in want.items():
        if got.get(key) != value:
            raise Mismatch("%s is %r, wanted %r: %r" % (key, got.get(key), value, got))


# -- one event for each edit and each verdict -------------------------------

@test("M G1", "a masked greeting")
def _(family):
    with expect(family, "G1", "greeting_masked") as box:
        box.append(greeted(FIXUP, family, READY_PIX))


@test("M G7", "a replaced greeting")
def _(family):
    with expect(family, "G7", "greeting_replaced", port=TEXT) as box:
        box.append(Connection(TEXT, family))
        box[0].s(READY, b"220 mx ESMTP\r\n")


@test("M V3", "a blocked verb, once however it comes")
def _(family):
    with expect(family, "V3", "command_masked", "expn") as box:
        box.append(greeted(FIXUP, family, READY_PIX))
        box[0].c(b"NOOP\r\nexpn root\r\nHELO x\r\n", b"NOOP\r\nXXXX root\r\nHELO x\r\n")
    with expect(family, "V3", "command_masked", "W") as box:
        box.append(greeted(FIXUP, family, READY_PIX))
        box[0].c(b"WIZ\r\n", b"XXX\r\n", cut=1)


@test("M V4", "a command that became NOOP")
def _(family):
    with expect(family, "V4", "command_noop", "goodmorning", port=NOOP) as box:
        box.append(greeted(NOOP, family, READY_PIX))
        box[0].c(b"goodmorning\r\n", b"NOOP       \r\n")


@test("M V7", "a bare line end")
def _(family):
    with expect(family, "V7", "bare_line_end") as box:
        box.append(greeted(FIXUP, family, READY_PIX))
        box[0].c(b"NOOP\n")


@test("M E1", "a masked EHLO line")
def _(family):
    with expect(family, "E1", "ehlo_line_masked", "X-THING a b", port=ESMTP) as box:
        box.append(greeted(ESMTP, family, READY_PIX))
        box[0].c(b"EHLO a\r\n")
        box[0].s(b"250-a\r\n250-SIZE\r\n250 X-THING a b\r\n",
                 b"250-a\r\n250-SIZE\r\n250 XXXXXXXXXXA\r\n")


@test("M E4", "an EHLO line that was taken out")
def _(family):
    with expect(family, "E4", "ehlo_line_stripped", "STARTTLS", port=STRIP) as box:
        box.append(greeted(STRIP, family, READY_PIX))
        box[0].c(b"EHLO a\r\n")
        box[0].s(b"250-a\r\n250-SIZE\r\n250 STARTTLS\r\n", b"250-a\r\n250 SIZE\r\n")


@test("M D4", "a dot between wrong line ends")
def _(family):
    with expect(family, "D4", "smuggling_dot") as box:
        box.append(in_body(FIXUP, family, READY_PIX))
        box[0].c(b"x\n.\ny\r\n.\r\n", b"x\n \ny\r\n.\r\n")


@test("M D8", "a server out of turn")
def _(family):
    with expect(family, "D8", "reply_unexpected", vendor=108005) as box:
        box.append(greeted(FIXUP, family, READY_PIX))
        box[0].s(b"250 who asked?\r\n")


@test("M S2", "TLS, and nothing of what follows")
def _(family):
    with expect(family, "S2", "tls_started", port=TLS, vendor=108007) as box:
        box.append(greeted(TLS, family, READY_PIX))
        box[0].c(b"STARTTLS\r\n")
        box[0].s(b"220 go\r\n")
        box[0].c(b"EXPN root\r\n")


@test("M T2", "urgent data")
def _(family):
    with expect(family, "T2", "urgent_cleared", vendor=None):
        with greeted(FIXUP, family, READY_PIX) as connection:
            connection.client.sock.send(b"NOOP\r\n", socket.MSG_OOB)
            connection.server.expect(b"NOOP\r\n")


@test("M T2", "data of a SYN")
def _(family):
    domain = socket.AF_INET6 if family == 6 else socket.AF_INET
    with expect(family, "T2", "syn_data_cut", vendor=None):
        with Inside("client"):
            with open("/proc/sys/net/ipv4/tcp_fastopen", "w", encoding="ascii") as file:
                file.write("5")     # without a cookie
            near = socket.socket(domain, socket.SOCK_STREAM)
        with Inside("server"):
            listener = socket.socket(domain, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::" if family == 6 else "0.0.0.0", FIXUP))
        listener.listen(1)
        near.sendto(b"NOOP\r\n", socket.MSG_FASTOPEN, (SERVER[family], FIXUP))
        far = listener.accept()[0]
        End(far, "server").expect(b"NOOP\r\n")
        for sock in (near, far, listener):
            sock.close()


def stray(family, event, before, after):
    """A packet of a connection that conntrack was made to forget."""
    connection = Connection(STRAY, family)
    connection.s(READY)
    before()
    try:
        with Monitor("-j") as monitor:
            connection.client.send(b"NOOP\r\n")
            connection.server.expect_nothing()
            found = monitor.events()
    finally:
        after()
        connection.abort()
    names = {(e["event"], e["rule"], e["port"]) for e in found}
    if (event, "T2", STRAY) not in names:
        raise Mismatch("wanted %s, got %r" % (event, found))


def nft(*words):
    with Inside("router"):
        subprocess.run(["nft", *words], check=True, capture_output=True)


@test("M T2", "a packet that NOTRACK hides")
def _(family):
    def before():
        nft("add table inet hide; add chain inet hide pre "
            "{ type filter hook prerouting priority raw; }; "
            "add rule inet hide pre tcp dport %d notrack" % STRAY)
    stray(family, "packet_untracked", before, lambda: nft("delete table inet hide"))


@test("M T2", "a packet that is INVALID")
def _(family):
    def loose(value):
        with Inside("router"):
            with open("/proc/sys/net/netfilter/nf_conntrack_tcp_loose", "w",
                      encoding="ascii") as file:
                file.write(value)

    def before():
        loose("0")
        with Inside("router"):
            subprocess.run(["conntrack", "-D", "-f", "ipv%d" % family, "-p", "tcp",
                            "--dport", str(STRAY)], check=True, capture_output=True)
    stray(family, "packet_invalid", before, lambda: loose("1"))


@contextlib.contextmanager
def shortcut(family, near, far, address):
    """What @near sends to @far, which has @address, does not come by the router."""
    def ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)
    flag, length = ("-4", "/32") if family == 4 else ("-6", "/128")
    ip("link", "add", "short", "address", "02:00:00:00:00:01", "netns", near, "type", "veth",
       "peer", "name", "short", "address", "02:00:00:00:00:02", "netns", far)
    try:
        for namespace in near, far:
            ip("-n", namespace, "link", "set", "short", "up")
        ip("-n", near, flag, "neighbour", "add", address, "lladdr", "02:00:00:00:00:02",
           "dev", "short")
        ip("-n", near, flag, "route", "add", address + length, "dev", "short")
        yield
    finally:
        ip("-n", near, "link", "del", "short")


def one_way(family, near, far, address, words):
    """The router sees only what @far sends, and the event names the cause."""
    with shortcut(family, near, far, address):
        with Inside("server"):
            listener = socket.create_server(("::" if family == 6 else "0.0.0.0", STRAY),
                                            family=socket.AF_INET6 if family == 6
                                            else socket.AF_INET)
        with Inside("client"):
            client = socket.socket(listener.family, socket.SOCK_STREAM)
        # A FIN, which never arrives either, would be repeated into the next tests
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.setblocking(False)
        with listener, client, Monitor("-j") as monitor:
            client.connect_ex((SERVER[family], STRAY))
            time.sleep(0.5 * SLOWER)
            found = monitor.events()
    if ("packet_invalid", words) not in {(e["event"], e.get("words")) for e in found}:
        raise Mismatch("wanted %s, got %r" % (words, found))


@test("M T2", "the server's packets take another way")
def _(family):
    one_way(family, "server", "client", "10.0.1.2" if family == 4 else "fd00:1::2",
            "one-way route: the server's SYN/ACK did not come by")


@test("M T2", "the client's packets take another way")
def _(family):
    one_way(family, "client", "server", SERVER[family],
            "one-way route: the client's SYN did not come by")


# -- what it does not tell, and to whom -------------------------------------

@test("M D9", "nothing of a message, and nothing of credentials")
def _(family):
    with Monitor() as monitor, Monitor("-j") as jason:
        with greeted(ESMTP, family, READY_PIX) as connection:
            connection.c(b"MAIL FROM:<%s@example.org>\r\n" % SECRET)
            connection.s(b"250 ok\r\n")
            connection.c(b"DATA\r\n")
            connection.s(b"354 go\r\n")
            connection.c(b"Subject: %s\r\n\r\n%s\n.\n%s\r\n.\r\nEXPN %s\r\n" % ((SECRET,) * 4),
                         b"Subject: %s\r\n\r\n%s\n \n%s\r\n.\r\nXXXX %s\r\n" % ((SECRET,) * 4))
            connection.s(b"250 ok\r\n500 no\r\n")
            connection.c(b"DATA\r\n")
            connection.s(b"554 no\r\n")
            connection.c(b"%s\r\n" % SECRET, b"X" * len(SECRET) + b"\r\n")
            connection.s(b"500 no\r\n")
        with greeted(FIXUP, family, READY_PIX) as connection:
            connection.c(b"AUTH LOGIN\r\n%s\r\n" % SECRET,
                         b"XXXX LOGIN\r\n" + b"X" * len(SECRET) + b"\r\n")
        lines = monitor.lines() + jason.lines()
    if not any("EXPN" in line for line in lines):
        raise Mismatch("no event of the EXPN: %r" % lines)
    for line in lines:
        if SECRET.decode() in line.lower() or "subject" in line.lower():
            raise Mismatch(line)


@test("M", "terminal escapes are cleaned")
def _(family):
    with Monitor() as monitor, Monitor("-j") as jason, Monitor("--syslog") as vendor:
        with greeted(ESMTP, family, READY_PIX) as connection:
            connection.c(b"\x1b[2J\x07\x9b\xff x\r\n", b"X" * 7 + b" x\r\n")
            connection.s(b"500 no\r\n")
            connection.c(b"EHLO a\r\n")
            connection.s(b"250-a\r\n250 \x1b]0;title\x07\r\n",
                         b"250-a\r\n250 XXXXXXXXXA\r\n")
        for lines in (monitor.lines(3), jason.lines(3), vendor.lines(3)):
            for line in lines:
                if not all(" " <= char <= "~" for char in line):
                    raise Mismatch(repr(line))
            if "?[2J???" not in lines[1] or "?]0;title?" not in lines[2]:
                raise Mismatch(repr(lines))


@test("M", "other namespaces hear nothing", families=(4,))
def _(family):
    with Monitor(namespace="client") as other, Monitor() as monitor:
        with greeted(FIXUP, family, READY_PIX):
            monitor.lines(1)
        if other.lines():
            raise Mismatch("the client's namespace heard it")


@test("M", "a user without rights hears nothing", families=(4,))
def _(_family):
    with Inside("router"):
        done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", TOOL, "monitor"],
                              capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 2 or "CAP_NET_ADMIN" not in done.stderr:
        raise Mismatch("status %d: %s" % (done.returncode, done.stderr))


@test("M", "a readable line, and the vendor's")
def _(family):
    with Monitor() as monitor, Monitor("--syslog") as vendor:
        with greeted(FIXUP, family, READY_PIX) as connection:
            connection.c(b"WIZ x\r\n", b"XXX x\r\n")
            client, server = ends(connection, family, FIXUP)
            line = monitor.lines(2)[1]
            if not line.endswith(' V3   %s > %s command masked "WIZ"' % (client, server)):
                raise Mismatch(line)
            line = vendor.lines(2)[1]
            want = (": %%ASA-4-108004: ESMTP Classification: Masked header flags for ESMTP "
                    "Request from veth-rc:%s/%d to veth-rs:%s/%d; matched Class V3: cmd verb WIZ" % (
                        *connection.client.sock.getsockname()[:2], SERVER[family], FIXUP))
            if not line.endswith(want):
                raise Mismatch("%s\nwanted %s" % (line, want))


# -- how many ---------------------------------------------------------------

def limit(value):
    with open(LIMIT, "r+", encoding="ascii") as file:
        before = file.read()
        file.seek(0)
        file.write(str(value))
    return before.strip()


@test("M", "more than the limit are counted, and the next event says so", families=(4,))
def _(family):
    before = limit(5)
    try:
        with Monitor("-j") as monitor, greeted(STRAY, family, READY) as connection:
            blocked = counters()[str(STRAY)]["commands_blocked"]
            time.sleep(1.2)     # what was told before counts for this second
            connection.c(b"WIZ\r\n" * 50, b"XXX\r\n" * 50)
            time.sleep(1.2)
            connection.c(b"WIZ\r\n", b"XXX\r\n")
            events = monitor.events()
            told = len(events) + sum(e.get("suppressed", 0) for e in events)
            if told != 51 or not 6 <= len(events) <= 11:
                raise Mismatch("%d events tell of %d" % (len(events), told))
            if counters()[str(STRAY)]["commands_blocked"] != blocked + 51:
                raise Mismatch("the counter missed some")
        limit(0)
        with Monitor("-j") as monitor, greeted(STRAY, family, READY) as connection:
            connection.c(b"WIZ\r\n", b"XXX\r\n")
            if monitor.events():
                raise Mismatch("there should be no event with a limit of 0")
    finally:
        limit(before)


@test("M", "a monitor that sleeps stops no mail, and is told what it lost", families=(4,))
def _(family):
    before = limit(1000000)
    lines = 500
    try:
        with Monitor() as monitor, greeted(STRAY, family, READY) as connection:
            monitor.process.send_signal(signal.SIGSTOP)
            for _ in range(50):
                connection.c(b"WIZ\r\n" * lines, b"XXX\r\n" * lines)
                connection.s(b"500 no\r\n" * lines)
            monitor.process.send_signal(signal.SIGCONT)
            found = monitor.lines(quiet=3)
            lost = [line for line in found if line.startswith("events were lost")]
            if not lost or len(found) - len(lost) >= 50 * lines:
                raise Mismatch("%d lines, %d of them of losses" % (len(found), len(lost)))
            connection.c(b"WIZ\r\n", b"XXX\r\n")
            monitor.lines(1)
    finally:
        limit(before)


# -- tracepoints ------------------------------------------------------------

def trace(name, value):
    with open(os.path.join(TRACE, name), "w", encoding="ascii") as file:
        file.write(value)


@test("M tracepoints", "smtp_fixup:edit and smtp_fixup:verdict tell the same")
def _(family):
    trace("trace", "")
    trace("events/smtp_fixup/enable", "1")
    try:
        with greeted(FIXUP, family, READY_PIX) as connection:
            connection.c(b"\x1bWIZ x\r\n", b"XXXX x\r\n")
            connection.s(b"500 no\r\n250 no\r\n")
            client, server = ends(connection, family, FIXUP)
    finally:
        trace("events/smtp_fixup/enable", "0")
    with open(os.path.join(TRACE, "trace"), encoding="ascii") as file:
        text = file.read()
    for want in ("edit: netns=", "rule=G1 event=greeting_masked",
                 'rule=V3 event=command_masked client=%s server=%s words="?WIZ"' % (client, server),
                 "verdict: netns=", "rule=D8 event=reply_unexpected"):
        if want not in text:
            raise Mismatch("no %s in %s" % (want, text))


@test("M tracepoints", "perf knows them", families=(4,))
def _(_family):
    done = subprocess.run(["perf", "list", "smtp_fixup:*"], capture_output=True, text=True,
                          timeout=60, check=False)
    for name in ("smtp_fixup:edit", "smtp_fixup:verdict"):
        if name not in done.stdout:
            raise Mismatch(done.stdout + done.stderr)


def bpftrace_counts(family):
    script = ("BEGIN { printf(\"ready\\n\"); }"
              "tracepoint:smtp_fixup:edit { @[args->rule] = count(); }"
              "interval:s:60 { exit(); }")
    with subprocess.Popen(["bpftrace", "-e", script], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        said = ""
        while "ready" not in said:
            line = process.stdout.readline()
            if not line:
                raise Mismatch(said)
            said += line
        with greeted(FIXUP, family, READY_PIX) as connection:
            connection.c(b"WIZ x\r\n", b"XXX x\r\n")
            connection.c(b"EXPN x\r\n", b"XXXX x\r\n")
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    for want in ("@[G1]: 1", "@[V3]: 2"):
        if want not in said:
            raise Mismatch(said)


# The instrumented kernel has no bpf(2), and all others do
if os.path.exists("/proc/sys/kernel/unprivileged_bpf_disabled"):
    test("M tracepoints", "bpftrace counts them by rule", families=(4,))(bpftrace_counts)
else:
    print("      | no bpf(2) in this kernel: bpftrace is not tried", flush=True)


# -- its end ----------------------------------------------------------------

@test("M", "SIGINT and SIGTERM end it well", families=(4,))
def _(_family):
    for number in (signal.SIGINT, signal.SIGTERM):
        with Monitor() as monitor:
            said = monitor.ended(0, number)
            if said:
                raise Mismatch(said)


@test("M", "it ends when nobody reads it any more", families=(4,))
def _(_family):
    with Monitor() as monitor:
        monitor.process.stdout.close()
        said = monitor.ended(0)
        if said:
            raise Mismatch(said)


@test("M", "the module can be removed while it listens, and it says so", families=(4,))
def _(family):
    with Monitor() as monitor, greeted(FIXUP, family, READY_PIX) as connection:
        monitor.lines(1)
        subprocess.run(["rmmod", "nf_smtp_fixup"], check=True, timeout=60)
        said = monitor.ended(1)
        if "unloaded" not in said:
            raise Mismatch(said)
        connection.c(b"EXPN\r\n")


def main():
    policies()
    return suite.run(only=sys.argv[1] if len(sys.argv) > 1 else None)


if __name__ == "__main__":
    sys.exit(main())
