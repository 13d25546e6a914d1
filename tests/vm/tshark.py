#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What tshark makes of both sides of the router, with the module and without.

The same seeded dialogues run without the module and with it, each with offloads
and without. Started by tshark.sh, which takes every reason for a repetition out
of the network: what tshark finds is then the filter's doing.
"""
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import suite
from net import MODULE, Connection, Inside, Mismatch, tool
from suite import test

WORDS = "mx.example.org, ESMTP behind a text of its own"
NOTHING, FIXUP, ESMTP, LONGER, SHORTER, SLOPPY = 24, 25, 26, 27, 28, 29
PORTS = {
    NOTHING: "no policy",
    FIXUP: "fixup",
    ESMTP: "esmtp",
    LONGER: "edits that lengthen",
    SHORTER: "edits that shorten",
    SLOPPY: "a client that does not wait",
}
# Of the kinds of tcp.analysis.flags one depends on when a process reads.
KINDS = tuple("tcp.analysis." + name for name in (
    "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order",
    "lost_segment", "ack_lost_segment", "duplicate_ack", "reused_ports", "keep_alive",
    "keep_alive_ack", "zero_window", "zero_window_probe", "zero_window_probe_ack",
    "window_full", "tfo_syn", "tfo_ack"))
FIELDS = ("tcp.stream", "tcp.checksum.status", "tcp.checksum", "tcp.checksum_calculated",
          "ip.checksum.status", *KINDS)
# A sum of 0 leaves skb_checksum_help() as ffff, the other zero of ones' complement:
# one segment in 65,536. A receiver takes it (RFC 1624 section 3), tshark calls it bad.
OTHER_ZERO = ("0xffff", "0x0000")
GREETING = b"220 mx ESMTP\r\n"
EHLO = (b"250-mx\r\n250-SIZE\r\n250-X-EXPS GSSAPI NTLM LOGIN\r\n250-PIPELINING\r\n"
        b"250-STARTTLS\r\n250 CHUNKING\r\n")


class Ends:
    """A dialogue whose lines may come otherwise than they were said."""

    def __init__(self, conn):
        self.client, self.server = conn.client.sock, conn.server.sock

    @staticmethod
    def _hear(sock, enough):
        got = b""
        while not enough(got):
            piece = sock.recv(1 << 16)
            if not piece:
                raise Mismatch("the end came early, behind %r" % got[-100:])
            got += piece
        return got

    def commands(self, data):
        """The filter keeps the number of commands."""
        self.client.sendall(data)
        return self._hear(self.server, lambda got: got.count(b"\n") == data.count(b"\n"))

    def replies(self, data):
        """It keeps the number of replies, not that of their lines."""
        def last_lines(text):
            return sum(line[3:4] != b"-" for line in text.splitlines())
        self.server.sendall(data)
        return self._hear(self.client, lambda got: got.endswith(b"\n") and
                          last_lines(got) == last_lines(data))

    def body(self, data):
        """It keeps every octet."""
        self.client.sendall(data)
        if self._hear(self.server, lambda got: len(got) >= len(data)) != data:
            raise Mismatch("a body has changed")

    def impatient(self, command, data):
        """The filter holds back what follows the command before its reply."""
        self.client.sendall(command + data)
        got = self._hear(self.server, lambda got: len(got) >= len(command))
        self.replies(b"354 go\r\n")
        if got == command:
            got += self._hear(self.server, lambda got: len(got) >= len(data))
        if got != command + data:
            raise Mismatch("the server heard %r" % got)


def body(source):
    """Up to 40 KB: no window is ever full."""
    size, lines = int(40000 ** source.uniform(0.5, 1)), []
    while size > 0:
        lines.append(b".." * source.randrange(2) +
                     bytes(source.choices(b"abcdefgh ijklmnop.", k=source.randrange(200))))
        size -= len(lines[-1])
    return b"".join(b"l" + line + b"\r\n" for line in lines) + b".\r\n"


def dialogue(port, family):
    """The same octets are said in every run."""
    source = random.Random(port * 10 + family)
    with Connection(port, family) as conn:
        ends = Ends(conn)
        ends.replies(GREETING)
        heard = ends.commands(b"EHLO me\r\n")
        ends.replies(EHLO if heard.startswith(b"EHLO") else b"500 no\r\n")
        for _ in range(6):
            ends.commands(b"A\r\n")
            ends.replies(b"500 no\r\n")
            # Not two that grow in one segment: the second has to wait
            ends.commands(b"MAIL FROM:<a>\r\nWIZ\r\nRCPT TO:<b>\r\n")
            ends.replies(b"250 a\r\n500 no\r\n250 b\r\n")
            ends.commands(b"DATA\r\n")
            ends.replies(b"354 go\r\n")
            ends.body(body(source))
            ends.replies(b"250 queued\r\n")
            ends.commands(b"EHLO me\r\n")
            ends.replies(EHLO if heard.startswith(b"EHLO") else b"500 no\r\n")
        if port == SLOPPY:
            ends.impatient(b"DATA\r\n", b"text\r\n.\r\n")
            ends.replies(b"250 queued\r\n")
        ends.commands(b"QUIT\r\n")
        ends.replies(b"221 bye\r\n")
        conn.close()


def policies():
    tool("set", str(FIXUP), "fixup")
    tool("set", str(ESMTP), "esmtp")
    tool("set", str(SLOPPY), "esmtp")
    tool("set", str(LONGER), "esmtp", "reject", "noop", "banner", "text", WORDS)
    tool("set", str(SHORTER), "esmtp", "ehlo", "strip", "banner", "text", "m")


LINKS = (("client", "veth-c"), ("router", "veth-rc"), ("router", "veth-rs"), ("server", "veth-s"))
SIDES = ("client", "server")
TALKS = (("off", False), ("on", False), ("on", True), ("off", True))   # offloads, module
FOUND = {}      # by side, talk, port and family: how often each kind


def offload(words):
    for namespace, device in LINKS:
        with Inside(namespace):
            subprocess.run(["ethtool", "-K", device, *words], check=True,
                           stdout=subprocess.DEVNULL)


def load_module():
    subprocess.run(["insmod", MODULE, "mode=off"], check=True)
    policies()


def capture(namespace, device, file):
    """tcpdump there; it listens when this returns."""
    with Inside(namespace):
        dump = subprocess.Popen(["tcpdump", "-Z", "root", "-U", "-B", "16384", "-i", device,
                                 "-w", file, "tcp"], stderr=subprocess.PIPE, text=True)
    said = dump.stderr.readline()
    if "listening" not in said:
        raise Mismatch("tcpdump says " + said)
    return dump


def talk_all():
    """All dialogues; which they are, in the order of their connections."""
    order, loaded = [], False
    for offloads, module in TALKS:
        offload([word for name in ("tx", "rx", "tso", "gso", "gro") for word in (name, offloads)])
        if module and not loaded:
            load_module()
            loaded = True
        for port in PORTS:
            for family in (4, 6):
                dialogue(port, family)
                order.append((offloads, module, port, family))
    return order


def analyse(files, order):
    """Have tshark fill FOUND."""
    command = ["tshark", "-n", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
               "-T", "fields", "-E", "separator=;", "-E", "occurrence=f"]
    for field in FIELDS:
        command += ["-e", field]
    running = [subprocess.Popen([*command, "-r", file], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True) for file in files]
    for side, process in zip(SIDES, running):
        for line in process.communicate()[0].splitlines():
            stream, tcp, tcp_sum, computed, ip, *kinds = line.split(";")
            tcp_right = tcp == "1" or (tcp_sum, computed) == OTHER_ZERO
            count = FOUND.setdefault((side, *order[int(stream)]), collections.Counter())
            count["segments"] += 1
            count["bad checksums"] += not tcp_right or ip not in ("", "1")
            count.update(kind for kind, there in zip(KINDS, kinds) if there)
        if process.returncode:
            raise Mismatch("tshark: status %d" % process.returncode)


def more(*where):
    """What is found only with the module, kind by kind."""
    side, offloads, port, family = where
    before, after = (FOUND[side, offloads, module, port, family] for module in (False, True))
    if min(before["segments"], after["segments"]) < 50:
        raise Mismatch("segments: %d and %d" % (before["segments"], after["segments"]))
    found = ["%s: %d, without the module %d" % (kind, after[kind], before[kind])
             for kind in KINDS if after[kind] > before[kind]]
    # A sum that the sending device is left to compute is not there yet.
    if offloads == "off" and before["bad checksums"] + after["bad checksums"]:
        found.append("%d bad checksums, without the module %d" % (
            after["bad checksums"], before["bad checksums"]))
    return found


def comparison(side, offloads, port):
    name = "nothing new at the %s: %s, offloads %s" % (side, PORTS[port], offloads)

    @test("T4" if port == SLOPPY else "T2/1", "tshark finds " + name)
    def _(family):
        found = more(side, offloads, port, family)
        # What was kept leaves while its reply is on the way: tshark sees it late, or
        # behind numbers that it had not seen.
        if port == SLOPPY and side == "server":
            found = [line for line in found if not any(kind in line for kind in (
                "retransmission", "out_of_order", "ack_lost_segment"))]
        if found:
            raise Mismatch("; ".join(found))


def main():
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, side) for side in SIDES]
        dumps = [capture(*where, file) for where, file in zip((LINKS[0], LINKS[3]), files)]
        order = talk_all()
        time.sleep(1)
        for dump in dumps:
            dump.send_signal(signal.SIGINT)
            dump.wait()
        analyse(files, order)
    for offloads in ("off", "on"):
        for port in PORTS:
            for side in SIDES:
                comparison(side, offloads, port)
    return suite.run()


if __name__ == "__main__":
    sys.exit(main())
