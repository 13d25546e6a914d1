#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Each of many mails from Postfix to Postfix arrives once, as it was sent.

The client's Postfix gets them without the filter and sends them by both IP
families, over what netem leaves of the network. Started by mails.sh.
"""
import argparse
import base64
import collections
import hashlib
import os
import random
import re
import smtplib
import sys
import threading
import time

import suite
from net import SLOWER, Inside, Mismatch, counters, tool
from suite import test

PARSER = argparse.ArgumentParser()
PARSER.add_argument("--mails", type=int, default=1000, help="by each policy")
PARSER.add_argument("--only", help="tests with this in their name")
MAILS = PARSER.parse_args().mails
SENDERS = 4
INBOX = "/tmp/mail/inbox/new"
QUEUES = ["/tmp/client/queue/" + name for name in ("maildrop", "incoming", "active", "deferred")]
DOMAINS = ("4.example.org", "6.example.org")
POLICIES = {
    "fixup": ["fixup"],
    "esmtp": ["esmtp"],
    "edits of the length": ["esmtp", "ehlo", "strip", "reject", "noop",
                            "banner", "text", "mx.example.org ESMTP"],
}


def body(number):
    """200 bytes to 100 KB, no two alike, with dots and SMTP's own words."""
    source = random.Random(number)
    size = int(200 * 500 ** source.random())
    lines = ["mail %d" % number]
    while size > 0:
        lines.append(source.choice(("", ".", "..", ".dot", "EXPN root", "QUIT", "DATA",
                                    "250 STARTTLS", "354 go")))
        lines.append(base64.b64encode(source.randbytes(source.randrange(400))).decode())
        size -= len(lines[-1]) + len(lines[-2])
    return "".join(line + "\n" for line in [*lines, "."])


def digest(text):
    return hashlib.sha256(text).hexdigest()


def send(numbers, troubles):
    try:
        with Inside("client"):
            smtp = smtplib.SMTP("127.0.0.1", 2525, timeout=120 * SLOWER)
        for number in numbers:
            smtp.sendmail("a@example.org", ["b@" + DOMAINS[number // SENDERS % 2]],
                          "From: a@example.org\nX-Test: %d\n\n%s" % (number, body(number)))
        smtp.quit()
    except (OSError, smtplib.SMTPException) as error:
        troubles.append(error)


def waiting():
    """How many mails are still in the client's queues."""
    return sum(len(files) for queue in QUEUES for _, _, files in os.walk(queue))


def arrived():
    """{number and SHA-256 of the body: how often}"""
    found = collections.Counter()
    for name in os.listdir(INBOX):
        with open(os.path.join(INBOX, name), "rb") as file:
            head, _, text = file.read().partition(b"\n\n")
        found[int(re.search(rb"^X-Test: (\d+)$", head, re.M)[1]), digest(text)] += 1
        os.unlink(os.path.join(INBOX, name))
    return found


def deferrals():
    """What the client's Postfix had to try again, and why."""
    with open("/tmp/client/log", encoding="ascii", errors="replace") as file:
        return re.findall(r"status=deferred \((.*)\)", file.read())


def carry(first):
    deferred = len(deferrals())
    began = time.monotonic()
    before = counters().get("25", {})
    numbers = range(first, first + MAILS)
    troubles = []
    threads = [threading.Thread(target=send, args=(numbers[at::SENDERS], troubles))
               for at in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if troubles:
        raise Mismatch("the client's Postfix takes no mail: %r" % troubles)
    while waiting():
        time.sleep(1)
    want = collections.Counter((number, digest(body(number).encode())) for number in numbers)
    got = arrived()
    grown = {name: value - before.get(name, 0) for name, value in counters()["25"].items()
             if name != "mode"}
    print("      | %d s, %d connections, %d segments replayed, %d ahead, %d packets invalid" % (
        time.monotonic() - began, *(grown[name] for name in (
            "connections", "segments_replayed", "segments_ahead", "packets_invalid"))))
    for why in deferrals()[deferred:]:
        print("      | deferred: " + why)
    if got != want:
        raise Mismatch("missing: %r\ntoo many: %r" % (
            sorted(number for number, _ in want - got), sorted(number for number, _ in got - want)))
    for name in ("segments_replayed", "packets_invalid"):
        if not grown[name]:
            raise Mismatch("%s: the network was not as bad as it should be" % name)
    if grown["messages"] != MAILS:
        raise Mismatch("%d messages are counted" % grown["messages"])
    for name in ("connections_desynchronised", "body_rewrites_refused"):
        if grown[name]:
            raise Mismatch("%s: %d" % (name, grown[name]))


def policy_test(name, first):
    @test("T2/1 D9", "%d mails from Postfix to Postfix, %s, each once and unchanged" % (
        MAILS, name), families=("4 and 6",))
    def _(_):
        tool("set", "25", *POLICIES[name])
        carry(first)


for index, one in enumerate(POLICIES):
    policy_test(one, index * MAILS)


if __name__ == "__main__":
    suite.LIMIT = max(300, 2 * MAILS) * SLOWER
    sys.exit(suite.run(only=PARSER.parse_args().only))
