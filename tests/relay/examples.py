#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The worked examples of docs/rules.md through "smtpfixup relay".

tests/examples/examples.c says what the lines of an example mean; it plays them
to the core, this plays them to sockets: each group in one write, and one octet
a write. What the far end receives must be what the example says.

Usage: examples.py PROGRAM [PAGE]
"""
import os
import shlex
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "vm")]

from counting import Counting    # noqa: E402  pylint: disable=wrong-import-position
import through_relay    # noqa: E402  pylint: disable=wrong-import-position

PAGE = os.path.join(HERE, "..", "..", "docs", "rules.md")
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0"}
# The relay repeats what waits after 200 ms: a run that paused so long proves nothing
PAUSE_MAX = 0.1
TRIES = 5
PATIENCE = 10
QUIET = 0.4
# What is above a rate of one a second waits so long at least
TURN = 0.5


class Group:
    """What one side says at once, and what becomes of it."""

    def __init__(self, side, line):
        self.side, self.line, self.ending = side, line, "passes"
        self.sent, self.whole, self.single = b"", None, None


def unescape(text):
    out, at = b"", 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
            continue
        at += 1
        if at == len(text):
            return out      # no CRLF
        if text[at] == "{":
            times, _, what = text[at + 1:text.index("}", at)].partition(" ")
            out += what.encode() * int(times)
            at = text.index("}", at) + 1
        elif text[at] == "x":
            out += bytes.fromhex(text[at + 1:at + 3])
            at += 3
        else:
            out += ESCAPES.get(text[at], text[at].encode())
            at += 1
    return out + b"\r\n"


def parse(page):
    """[(line, words of the policy, groups)]"""
    found, inside = [], False
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file.read().splitlines(), 1):
            if line == "```smtp":
                inside, groups, words = True, [], []
                found.append((number, words, groups))
            elif line.startswith("```"):
                inside = False
            elif not inside or not line or line.startswith("! "):
                continue
            elif line.startswith("set "):
                words += shlex.split(line)[2:]
            elif line[:3] in ("C: ", "S: "):
                last = groups[-1] if groups else None
                if (not last or last.side != line[0] or last.ending != "passes" or
                        last.whole is not None or last.single is not None):
                    groups.append(Group(line[0], number))
                groups[-1].sent += unescape(line[3:])
            elif line.startswith("-> "):
                groups[-1].whole = (groups[-1].whole or b"") + unescape(line[3:])
            elif line.startswith("1> "):
                groups[-1].single = (groups[-1].single or b"") + unescape(line[3:])
            elif line.startswith("=> "):
                groups[-1].ending = line[3:]
                if groups[-1].ending != "in its turn":
                    groups[-1].whole = groups[-1].whole or b""
    return found


def receive(sock, count, patience):
    """Up to so many octets, and how it ended: more, quiet, end or reset."""
    got = b""
    sock.settimeout(patience)
    try:
        while len(got) < count:
            piece = sock.recv(count - len(got))
            if not piece:
                return got, "end"
            got += piece
    except TimeoutError:
        return got, "quiet"
    except ConnectionError:
        return got, "reset"
    return got, "more"


def fits(got, group, single):
    whole = group.sent if group.whole is None else group.whole
    each = whole if group.single is None else group.single
    want = each if single else whole
    if group.ending in ("dropped", "reset"):
        return each.startswith(got) or whole.startswith(got)
    if single and group.single is not None and len(each) == len(whole):
        return len(got) == len(whole) and all(
            g in (a, b) for g, a, b in zip(got, each, whole))
    return got in (want, whole)


def play(ends, group, single, held, pauses):
    """What waits was sent already; in the examples the sender's TCP says it again.

    Returns what is wrong, or None, and adds to the seconds between two writes.
    """
    sender, receiver = ends[group.side], ends["S" if group.side == "C" else "C"]
    sent = group.sent
    if sent.startswith(held):
        sent = sent[len(held):]
    elif held:
        got, _ = receive(receiver, len(held), PATIENCE)
        if got != held:
            return "received %r of what waited" % got
    whole = group.sent if group.whole is None else group.whole
    # In single octets some may come together: as long as what each may leave as
    want = len(whole)
    if single and group.single is not None:
        want = len(group.single)
    try:
        last = time.monotonic()
        for at in range(0, len(sent), 1 if single else max(len(sent), 1)):
            sender.sendall(sent[at:at + 1] if single else sent)
            if single:
                time.sleep(0.0005)
            now = time.monotonic()
            pauses.append(now - last)
            last = now
    except ConnectionError:
        if group.ending != "reset":
            return "the sender was reset"
    passes = group.ending in ("passes", "in its turn")
    got, how = receive(receiver, want if passes else 1 << 20,
                       PATIENCE if passes or group.ending == "reset" else QUIET)
    if group.ending == "in its turn" and time.monotonic() - last < TURN:
        return "it did not wait for its turn"
    if not fits(got, group, single):
        return "received %r" % got
    if group.ending == "reset" and how != "reset":
        return "no reset, but " + how
    if group.ending != "reset" and how in ("reset", "end"):
        return "the receiver's connection has ended: " + how
    return None


def run(meet, groups, family, single, pauses):
    near, far, _ = meet(25, family)
    for sock in (near, far):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = {"C": b"", "S": b""}
    try:
        for group in groups:
            wrong = play({"C": near, "S": far}, group, single,
                         held[group.side], pauses)
            if wrong:
                return "line %d: %s" % (group.line, wrong)
            held[group.side] = b""
            if group.ending == "waits":
                held[group.side] = group.sent[len(group.whole):]
    finally:
        near.close()
        far.close()
    return None


def main():
    program, page = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else PAGE
    tool, _, meet = through_relay.join(program, PATIENCE, RuntimeError)
    count = Counting()
    for line, words, groups in parse(page):
        tool("set", "25", *words)
        for single in (False, True):
            # More than that, an octet a write, tells nothing new
            if single and sum(len(g.sent) for g in groups) > 4000:
                continue
            for _ in range(TRIES):
                pauses = [0]
                wrong = run(meet, groups, 6 if single else 4, single, pauses)
                if not wrong or max(pauses) < PAUSE_MAX:
                    break
            how = "an octet a write" if single else "whole"
            count.result("%s:%d, %s" % (os.path.basename(page), line, how), wrong)
    return count.finish()


if __name__ == "__main__":
    sys.exit(main())
