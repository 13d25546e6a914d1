#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A client that does not wait for replies is delayed by the server's own time (T4).

What follows DATA, AUTH, STARTTLS, an empty line or a bare LF waits for the reply.
Each client's session takes at most 1.5 times what it takes by a port without a
policy in the same run, or a second more. Started by waits.sh.
"""
import concurrent.futures
import contextlib
import shlex
import socket
import subprocess
import sys
import threading
import time

import suite
from net import MODULE, SERVER, SLOWER, Inside, Mismatch, counters, tool
from suite import test

PATIENCE = 90 * SLOWER
ROUTER = {4: "10.0.1.1", 6: "fd00:1::1"}
OFF, PORT = 2500, 2501
HELLO = b"EHLO client.example\r\n"
MAIL = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
BODY = b"Subject: one write\r\n\r\n" + b"EXPN root\r\n" * 20
BULK = b"Subject: one large write\r\n\r\n" + (b"x" * 70 + b"\r\n") * 900
HEADER = b"".join(b"X-Field-%d: %s\r\n" % (n, b"v" * (n % 60)) for n in range(1000))
END = b".\r\n"
QUIT = b"QUIT\r\n"
LOGIN = b"AUTH LOGIN\r\ndXNlcg==\r\ncGFzcw==\r\n"


class Server(threading.Thread):
    """Takes one connection by each of the ports; seconds a verb, as in @slow, which may
    have "writes", too: in how many a reply leaves; "lines": more for EHLO's; and "late":
    a verb whose reply leaves with the next one's."""

    def __init__(self, family, port, slow, where="server"):
        super().__init__(daemon=True)
        with Inside(where):
            self.listener = socket.create_server(
                ("::" if family == 6 else "0.0.0.0", port),
                family=socket.AF_INET6 if family == 6 else socket.AF_INET)
        self.slow, self.lines, self.body, self.tls = slow, [], b"", b""
        self.start()

    def run(self):
        sock = self.listener.accept()[0]
        self.listener.close()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock, sock.makefile("rb") as file:
            try:
                self.session(sock, file)
            except OSError:
                pass

    def session(self, sock, file):
        late = []

        def say(text, verb=""):
            time.sleep(self.slow.get(verb, self.slow.get("", 0)))
            late.append(text + b"\r\n")
            if verb == self.slow.get("late"):
                return
            octets = b"".join(late)
            late.clear()
            size = -(-len(octets) // self.slow.get("writes", 1))
            for at in range(0, len(octets), size):
                time.sleep(0.01 if at else 0)
                sock.sendall(octets[at:at + size])
        say(b"220 mx.example ESMTP")
        for line in file:
            verb = line[:8].upper().split()[0].decode() if line.strip() else "EMPTY"
            self.lines.append(line)
            if verb == "DATA":
                say(b"354 go", verb)
                for text in file:
                    if text.rstrip(b"\r\n") == b".":
                        break
                    self.body += text
                say(b"250 queued")
            elif verb == "AUTH":
                say(b"334 VXNlcm5hbWU6", verb)
                self.lines.append(file.readline())
                say(b"334 UGFzc3dvcmQ6", verb)
                self.lines.append(file.readline())
                say(b"235 ok", verb)
            elif verb == "STARTTLS":
                say(b"220 go", verb)
                self.tls = file.read(len(BODY))
                sock.sendall(b"tls")
                break
            elif verb == "BDAT":
                self.body += file.read(int(line.split()[1]))
                say(b"250 queued", verb)
            elif verb == "EHLO":
                say(b"250-mx.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH LOGIN\r\n" +
                    b"250-X-LINE-OF-%d-OCTETS\r\n" % 28 * self.slow.get("lines", 0) +
                    b"250 STARTTLS", verb)
            elif verb == "QUIT":
                say(b"221 bye", verb)
                break
            elif verb == "EMPTY":
                say(b"500 empty", verb)
            else:
                say(b"250 ok", verb)


def session(family, port, writes, slow, **where):
    """How long it takes, by a server of its own; and the server."""
    server = Server(family, where.get("listen", port), slow, where.get("server", "server"))
    began = time.monotonic()
    with Inside(where.get("client", "client")):
        sock = socket.create_connection((where.get("address", SERVER[family]), port),
                                        timeout=PATIENCE)
    with sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.recv(1000)     # the greeting
        for write in writes:
            sock.sendall(write)
            answered, got = where.get("answered"), b""
            while answered and not answered(got):
                piece = sock.recv(1 << 16)
                if not piece:
                    raise Mismatch("the connection has ended behind %r" % got[-200:])
                got += piece
            time.sleep(0.02)
        during = where.get("during")
        if during:
            during()
        while sock.recv(1 << 16):
            pass
    took = time.monotonic() - began
    server.join(PATIENCE)
    return took, server


def both(family, writes, slow, **where):
    """session() by a port without a policy, and by one with it: side by side, unless
    one listener serves both."""
    workers = 1 if "listen" in where else 2
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [running.result() for running in
                [pool.submit(session, family, port, writes, slow, **where)
                 for port in (OFF, PORT)]]


def compare(family, writes, slow, mode="esmtp tls allow", **where):
    """The same by a port without a policy, and by one with it."""
    tool("set", str(PORT), *mode.split())
    before = counters()[str(PORT)]["segments_resumed"]
    (plain, by_plain), (took, by_us) = both(family, writes, slow, **where)
    resumed = counters()[str(PORT)]["segments_resumed"] - before
    print("      %.1f s, without a policy %.1f s, %d resumed" % (took, plain, resumed), flush=True)
    if (by_us.lines, by_us.body, by_us.tls) != (by_plain.lines, by_plain.body, by_plain.tls):
        raise Mismatch("the server got something else: %r %r, not %r %r" % (
            by_us.lines, by_us.body[-200:], by_plain.lines, by_plain.body[-200:]))
    if took > max(plain * 1.5, plain + 1):
        raise Mismatch("%.1f s, without a policy %.1f s" % (took, plain))
    return resumed


def one_write(*parts):
    return [b"".join(parts)]


@test("T4 D5", "a whole session with AUTH LOGIN in one write")
def _(family):
    compare(family, one_write(HELLO, LOGIN, MAIL, b"DATA\r\n", BODY, END, QUIT), {"": 0.3})


@test("T4 D2", "a body right behind DATA, which takes seven seconds")
def _(family):
    if not compare(family, one_write(HELLO, MAIL, b"DATA\r\n", BODY, END, QUIT), {"DATA": 7}):
        raise Mismatch("nothing was resumed")


@test("T4 D2", "a body in a write of its own, before DATA's reply")
def _(family):
    compare(family, [HELLO + MAIL + b"DATA\r\n", BODY + END + QUIT], {"DATA": 7})


@test("T4 D2", "a large body right behind DATA")
def _(family):
    compare(family, one_write(HELLO, MAIL, b"DATA\r\n", BULK, END, QUIT), {"DATA": 5})


@test("T3 H7", "BDAT and its chunk right behind RCPT, which takes seven seconds")
def _(family):
    chunk = b"BDAT %d LAST\r\n" % len(BODY) + BODY
    if not compare(family, [HELLO, MAIL + chunk + QUIT], {"RCPT": 7},
                   mode="esmtp allow BDAT ehlo-allow CHUNKING"):
        raise Mismatch("nothing was resumed")


# Of many packets, which count as judged once the first is
@test("T3 D6", "BDAT and a large chunk right behind RCPT, which takes two seconds")
def _(family):
    chunk = b"BDAT %d LAST\r\n" % len(BULK) + BULK
    if not compare(family, [HELLO, MAIL + chunk + QUIT], {"RCPT": 2},
                   mode="esmtp allow BDAT ehlo-allow CHUNKING"):
        raise Mismatch("nothing was resumed")


@test("T4 D2", "three mails in one write")
def _(family):
    compare(family, one_write(HELLO, *([MAIL, b"DATA\r\n", BODY, END] * 3), QUIT), {"DATA": 2})


@test("T4 D2", "eight mails, each line or body in a write of its own")
def _(family):
    if compare(family, [HELLO] + [MAIL, b"DATA\r\n", BODY, END] * 8 + [QUIT],
               {"DATA": 0.15}) < 16:
        raise Mismatch("one packet was resumed for each wait")


@test("T4 V4", "thirty short verbs that become NOOP, each in a write of its own")
def _(family):
    tool("set", str(PORT), "mailhost")
    text = [b"HELO client.example\r\n"] + [b"FOO\r\n"] * 30 + [QUIT]
    (plain, _), (took, _) = both(family, text, {})
    print("      %.1f s, without a policy %.1f s" % (took, plain), flush=True)
    if took > max(plain * 1.5, plain + 1):
        raise Mismatch("%.1f s, without a policy %.1f s" % (took, plain))


@test("T3 G7 E4", "a greeting and replies in three writes each, which are rewritten")
def _(family):
    mode = 'esmtp banner text "mx.example.org ESMTP" ehlo strip'
    tool("set", str(PORT), *shlex.split(mode))
    text = [HELLO, MAIL, b"RSET\r\n", HELLO, QUIT]
    (plain, _), (took, server) = both(family, text, {"writes": 3})
    print("      %.1f s, without a policy %.1f s" % (took, plain), flush=True)
    if took > max(plain * 1.5, plain + 1):
        raise Mismatch("%.1f s, without a policy %.1f s" % (took, plain))
    if len(server.lines) != 6:
        raise Mismatch("the server got %r" % server.lines)


# The line that is not whole in the first packet is joined, though the second is long
@test("T3 E4", "EHLO replies of 1,300 octets in two writes each, which are rewritten")
def _(family):
    tool("set", str(PORT), "esmtp", "ehlo", "strip")
    (plain, _), (took, _) = both(family, [*([HELLO] * 6), QUIT], {"writes": 2, "lines": 45})
    print("      %.2f s, without a policy %.2f s" % (took, plain), flush=True)
    if took > plain + 0.6:  # 0.2 s each
        raise Mismatch("%.2f s, without a policy %.2f s" % (took, plain))


# A packet of two wire segments, as many as TCP sends together however long the round trip is
# (tcp_tso_autosize()), of which the second is rewritten
@test("T1 T3 E4", "EHLO replies behind 300 others in one write, which are rewritten")
def _(family):
    tool("set", str(PORT), "esmtp", "ehlo", "strip")
    text = [b"NOOP\r\n" * 300 + HELLO] * 20 + [QUIT]

    def answered(got):
        last = got.split(b"\r\n")[-2:]
        return last[1:] == [b""] and last[0][:4] in (b"250 ", b"221 ") and last[0] != b"250 ok"
    before = counters()[str(PORT)]["segments_resumed"]
    (plain, _), (took, _) = both(family, text, {"late": "NOOP"}, answered=answered)
    resumed = counters()[str(PORT)]["segments_resumed"] - before
    print("      %.2f s, without a policy %.2f s, %d resumed" % (took, plain, resumed), flush=True)
    if took > max(plain * 1.25, plain + 0.6) or not resumed:   # 0.2 s each
        raise Mismatch("%.2f s, without a policy %.2f s, %d resumed" % (took, plain, resumed))


@test("T4 V7", "eight recipients and lines that end in LF alone, in one write")
def _(family):
    compare(family, one_write(b"HELO client.example\n", b"MAIL FROM:<a@example.org>\n",
                              b"RCPT TO:<b@example.org>\n" * 8, b"QUIT\n"), {"": 0.4})


# A sender repeats at intervals that double: once between 20 and 45 s, with any first one
@test("D2 M", "who waits for a reply of 45 seconds is told once what for", families=(4,), module=True)
def _(family):
    tool("set", str(PORT), "esmtp")
    before = counters()[str(PORT)]["replies_awaited"]
    session(family, PORT, one_write(HELLO, MAIL, b"DATA\r\n", BODY, END, QUIT), {"DATA": 45})
    after = counters()[str(PORT)]["replies_awaited"]
    if after != before + 1:
        raise Mismatch("replies_awaited from %d to %d" % (before, after))


@test("T4 V7", "two mails whose lines end in LF alone, in one write")
def _(family):
    text = b"HELO client.example\n" + (MAIL + b"DATA\n" + BODY + END) * 2 + QUIT
    compare(family, one_write(text.replace(b"\r\n", b"\n")), {"": 0.4})


@test("T4 D11", "an empty line behind each command, in one write")
def _(family):
    compare(family, one_write(HELLO, *([b"NOOP\r\n\r\n"] * 6), QUIT), {"": 0.4})


@test("T4 S2", "octets right behind STARTTLS")
def _(family):
    compare(family, one_write(HELLO, b"STARTTLS\r\n", BODY), {"STARTTLS": 5})


@test("T4 L", "a header of 40 KB, of which no packet is read as a whole")
def _(family):
    compare(family, one_write(HELLO, MAIL, b"DATA\r\n") + one_write(HEADER, BODY, END, QUIT),
            {"DATA": 0.3})


@test("T4 V4", "thirty short verbs that become NOOP, in one write")
def _(family):
    tool("set", str(PORT), "mailhost")
    text = one_write(b"HELO client.example\r\n", *([b"FOO\r\n"] * 30), QUIT)
    (plain, _), (took, _) = both(family, text, {})
    print("      %.1f s, without a policy %.1f s" % (took, plain), flush=True)
    if took > max(plain * 1.5, plain + 1):
        raise Mismatch("%.1f s, without a policy %.1f s" % (took, plain))


@test("T4 T1", "behind a greeting and an EHLO reply of other lengths")
def _(family):
    tool("set", str(PORT), "esmtp", "banner", "text", "mx.example.org ESMTP " + "x" * 80,
         "ehlo", "strip", "reject", "noop")
    text = one_write(HELLO, b"FOO\r\n", MAIL, b"DATA\r\n", BODY, END, QUIT)
    took, server = session(family, PORT, text, {"DATA": 3})
    if server.body != BODY or took > 4.5:
        raise Mismatch("%.1f s; %r" % (took, server.body[-100:]))


@test("T4", "the router's own server", module=True)
def _(family):
    compare(family, one_write(HELLO, MAIL, b"DATA\r\n", BODY, END, QUIT), {"DATA": 7},
            server="router", address=ROUTER[family])


@test("T4", "the router's own client", module=True)
def _(family):
    compare(family, one_write(HELLO, MAIL, b"DATA\r\n", BODY, END, QUIT), {"DATA": 7},
            client="router")


@contextlib.contextmanager
def nat():
    """The router's address stands for the server's, and for the client's."""
    with Inside("router"):
        subprocess.run(["nft", "-f", "-"], check=True, text=True, input="""
            table ip nat {
                chain prerouting {
                    type nat hook prerouting priority dstnat
                    tcp dport { %d, %d } dnat to 10.0.2.2:2525
                }
                chain postrouting {
                    type nat hook postrouting priority srcnat
                    oif veth-rs masquerade
                }
            }""" % (OFF, PORT))
    try:
        yield
    finally:
        with Inside("router"):
            subprocess.run(["nft", "delete", "table", "ip", "nat"], check=True)


@test("T4", "through DNAT and masquerade, by both counters of the rules", families=(4,), module=True)
def _(family):
    with nat():
        compare(family, one_write(HELLO, MAIL, b"DATA\r\n", BODY, END, QUIT), {"DATA": 7},
                address="10.0.1.1", listen=2525)


@contextlib.contextmanager
def losses():
    """Of the client's packets some are lost before the router."""
    link = "tc -n client qdisc change dev veth-c root netem limit 10000 delay 1ms".split()
    subprocess.run([*link, "loss", "5%"], check=True)
    try:
        yield
    finally:
        subprocess.run([*link, "loss", "0%"], check=True)


def recoveries():
    """How often the client's TCP has begun to repair a loss because of SACK."""
    with Inside("client"):
        with open("/proc/thread-self/net/netstat", encoding="ascii") as file:
            names, values = [line.split() for line in file if line.startswith("TcpExt:")]
    return int(dict(zip(names, values))["TCPSackRecovery"])


@test("T4", "a client believes the ACK that says what is kept, through NAT and without", module=True)
def _(family):
    tool("set", str(PORT), "esmtp")
    text = one_write(HELLO, *([MAIL, b"DATA\r\n", BULK, END] * 4), QUIT)
    where = [{}] + [{"address": "10.0.1.1", "listen": 2525}] * (family == 4)
    for way in where:
        before = counters()[str(PORT)]["sacks_sent"], recoveries()
        with nat() if way else contextlib.nullcontext(), losses():
            # What is lost is chance; few sessions lose nothing that packets wait behind
            for _ in range(30):
                took, server = session(family, PORT, text, {}, **way)
                if server.body != BULK * 4:
                    raise Mismatch("another mail arrived")
                after = counters()[str(PORT)]["sacks_sent"], recoveries()
                if after[0] > before[0] and after[1] > before[1]:
                    break
        print("      %.1f s, %d ACKs, %d recoveries" % (
            took, after[0] - before[0], after[1] - before[1]), flush=True)
        if after[0] == before[0] or after[1] == before[1]:
            raise Mismatch("nobody was told, or nobody believed it")


@test("T4", "the module goes while a packet is kept, and comes again", module=True)
def _(family):
    tool("set", str(PORT), "esmtp")

    def unload():
        time.sleep(0.5)
        subprocess.run(["rmmod", "nf_smtp_fixup"], check=True)

    try:
        _took, server = session(family, PORT, one_write(HELLO, MAIL, b"DATA\r\n", BODY, END, QUIT),
                                {"DATA": 3}, during=unload)
    finally:
        subprocess.run(["insmod", MODULE, "mode=off"], check=True)
    if server.body != BODY:
        raise Mismatch("the mail did not arrive: %r" % server.body)


@test("T4", "the route and the policy go while a packet is kept", module=True)
def _(family):
    tool("set", str(PORT), "esmtp")
    flag = "-%d" % family

    def change():
        time.sleep(0.3)
        tool("set", str(PORT), "off")
        with Inside("router"):
            for how in ("blackhole", "del blackhole"):
                words = how.split()
                subprocess.run(["ip", flag, "route", *(words if len(words) > 1 else ["add", how]),
                                SERVER[family]], check=True)
                time.sleep(0.2)

    _took, server = session(family, PORT, one_write(HELLO, MAIL, b"DATA\r\n", BODY, END, QUIT),
                            {"DATA": 3}, during=change)
    if server.body != BODY:
        raise Mismatch("the mail did not arrive: %r" % server.body)


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else None
    sys.exit(suite.run(only=only))


if __name__ == "__main__":
    main()
