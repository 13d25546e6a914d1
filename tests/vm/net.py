# SPDX-License-Identifier: GPL-2.0-only
"""Both ends of TCP connections through the router, in one process.

A socket belongs to the network namespace that its thread was in when it was
made, so one process holds the client's end and the server's, sends at one and
compares what comes out at the other. With THROUGH=relay in the environment it
is "smtpfixup relay" that stands between them, and no namespace is needed.
"""
import ctypes
import os
import socket
import struct
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(ROOT, "tests"))    # counting.py
TOOL = os.environ.get("SMTPFIXUP") or os.path.join(ROOT, "userspace", "smtpfixup")
MODULE = os.environ.get("NF_SMTP_FIXUP_KO") or os.path.join(ROOT, "nf_smtp_fixup.ko")
SERVER = {4: "10.0.2.2", 6: "fd00:2::2"}
SLOWER = int(os.environ.get("SLOWER") or 1)     # the guest, than on a stock kernel
QUIET = 0.4 * SLOWER    # s: nothing came for so long, so it was held back
PATIENCE = 10 * SLOWER  # s: what should come must have come

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


class Mismatch(Exception):
    """The far end got something else than it should."""


class Inside:
    """with Inside("router"): in that network namespace."""

    def __init__(self, namespace):
        self.path = "/run/netns/" + namespace

    @staticmethod
    def _enter(fd):
        if LIBC.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def __enter__(self):
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        fd = os.open(self.path, os.O_RDONLY)
        self._enter(fd)
        os.close(fd)

    def __exit__(self, *_):
        self._enter(self.before)
        os.close(self.before)


def tool(*words, namespace="router", status=0):
    """Run smtpfixup; returns its output."""
    with Inside(namespace):
        done = subprocess.run([TOOL, *words], capture_output=True, text=True,
                              timeout=60 * SLOWER, check=False)
    if done.returncode != status:
        raise Mismatch("smtpfixup %s: status %d, wanted %d: %s" % (
            " ".join(words), done.returncode, status,
            (done.stdout + done.stderr).strip()))
    return done.stdout


def counters(namespace="router"):
    """/proc/net/smtp_fixup as {ports: {name: value}}; mode is one of the names."""
    with Inside(namespace):
        with open("/proc/thread-self/net/smtp_fixup", encoding="ascii") as file:
            text = file.read()
    found, port = {}, None
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4 and words[0] == "port" and words[2] == "mode":
            port = found.setdefault(words[1], {"mode": words[3]})
        elif len(words) == 2 and port is not None:
            port[words[0]] = int(words[1])
        else:
            raise Mismatch("/proc/net/smtp_fixup has a line %r" % line)
    return found


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


def compare(got, want, where):
    """Say where two byte strings part."""
    if got == want:
        return
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b),
              min(len(got), len(want)))
    raise Mismatch("%s differs at byte %d (%d bytes, wanted %d)\n"
                   "got    %r\nwanted %r" % (
                       where, at, len(got), len(want),
                       got[max(0, at - 60):at + 100], want[max(0, at - 60):at + 100]))


class End:
    """One end of a connection; keeps what it has sent and received."""

    def __init__(self, sock, name):
        self.sock, self.name = sock, name
        self.sent = self.received = b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(PATIENCE)

    def send(self, data):
        self.sock.sendall(data)
        self.sent += data

    def receive(self, count):
        """Exactly so many bytes, or what came before it gave up."""
        got = bytearray()
        try:
            while len(got) < count:
                piece = self.sock.recv(min(count - len(got), 1 << 20))
                if not piece:
                    break
                got += piece
        except (TimeoutError, ConnectionError) as error:
            got += b"<%s>" % str(error).encode()
        self.received += got
        return bytes(got)

    def expect(self, want):
        compare(self.receive(len(want)), want, "what the %s received" % self.name)

    def expect_nothing(self):
        """Nothing has come, and nothing comes within QUIET."""
        self.sock.settimeout(QUIET)
        try:
            got = self.sock.recv(1000)
        except TimeoutError:
            got = None
        self.sock.settimeout(PATIENCE)
        if got is not None:
            raise Mismatch("the %s should not have received %r" % (self.name, got))

    def expect_end(self):
        got = self.receive(1)
        if got:
            raise Mismatch("the %s received %r after the end" % (self.name, got))


def meet(port, family, address=None, listen_port=None, ends=("client", "server"),
         source=None):
    """The client's socket, the server's, and the client's address as that sees it."""
    domain = socket.AF_INET6 if family == 6 else socket.AF_INET
    with Inside(ends[1]):
        listener = socket.socket(domain, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.settimeout(PATIENCE)
    listener.bind(("::" if family == 6 else "0.0.0.0", listen_port or port))
    listener.listen(1)
    with Inside(ends[0]):
        near = socket.socket(domain, socket.SOCK_STREAM)
    near.settimeout(PATIENCE)
    if source:
        near.bind((source, 0))
    near.connect((address or SERVER[family], port))
    far, peer = listener.accept()
    listener.close()
    return near, far, peer


THROUGH = os.environ.get("THROUGH", "router")
if THROUGH == "relay":
    import through_relay
    tool, counters, meet = through_relay.join(TOOL, PATIENCE, Mismatch)


class Connection:
    """A client's end and a server's end, joined through what is tested."""

    def __init__(self, *where, **more):
        near, far, self.peer = meet(*where, **more)
        self.client, self.server = End(near, "client"), End(far, "server")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.sock.close()
        self.server.sock.close()

    def _say(self, sender, receiver, data, want, cut):
        """cut: None, offsets, or 1: every byte on its own, each awaited."""
        want = data if want is None else want
        if cut is None:
            # More than the socket buffers hold: send and receive at once.
            thread = threading.Thread(target=sender.send, args=(data,))
            thread.start()
            try:
                receiver.expect(want)
            finally:
                thread.join(PATIENCE)
            return
        if cut == 1:
            cut = range(1, len(data))
        edges = [0, *cut, len(data)]
        for start, end in zip(edges, edges[1:]):
            sender.send(data[start:end])
            receiver.expect(want[start:end])

    def c(self, data, want=None, cut=None):
        """The client says data; the server must receive want (default: data)."""
        self._say(self.client, self.server, data, want, cut)

    def s(self, data, want=None, cut=None):
        """The server says data; the client must receive want (default: data)."""
        self._say(self.server, self.client, data, want, cut)

    def close(self):
        """The client ends, then the server: nothing more may come."""
        self.client.sock.shutdown(socket.SHUT_WR)
        self.server.expect_end()
        self.server.sock.shutdown(socket.SHUT_WR)
        self.client.expect_end()

    def abort(self):
        """Both ends end with RST and forget: what does not get through is not
        repeated into the next test."""
        for end in (self.client, self.server):
            end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.sock.close()

    def changed(self):
        """How many bytes arrived as another byte, both ways."""
        return sum(a != b for sent, got in (
            (self.client.sent, self.server.received),
            (self.server.sent, self.client.received)) for a, b in zip(sent, got))


READY, READY_PIX = b"220 ready\r\n", b"220 *****\r\n"


def greeted(port, family, want=READY, ends=("client", "server")):
    """A connection whose greeting is over."""
    connection = Connection(port, family, ends=ends)
    connection.s(READY, want)
    return connection


def in_body(port, family, want=READY):
    """A connection whose body has begun."""
    connection = greeted(port, family, want)
    connection.c(b"DATA\r\n")
    connection.s(b"354 go\r\n")
    return connection
