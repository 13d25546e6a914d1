#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Mail goes on while all else changes: policies, restores, flushes, namespaces, the
module itself, processors, interfaces, memory. No mail that was accepted is lost,
doubled or changed (docs/rules.md D9, T2).

Started by storm.sh in the guest: storm.py SECONDS REPORT, with sink.py listening on
the server. SEED=N in the environment repeats the order of what happens.
"""
import collections
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from net import MODULE, SERVER, SLOWER, Inside, Mismatch, tool
from counting import Counting       # pylint: disable=wrong-import-order

SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
DICE = random.Random(SEED)
MODES = ("fixup", "esmtp", "off", "esmtp tls allow", "fixup banner keep", "fixup reject noop",
         "esmtp ehlo strip", "fixup banner text mx", "esmtp observe", "asa", "mailhost")
WAIT = 100 * SLOWER     # s: longer than a connection needs to notice that it is lost
sent, accepted, unsure = set(), set(), set()
trouble = collections.Counter()
lock = threading.Lock()


# -- mail -------------------------------------------------------------------

def mail(dice):
    lines = [b"Subject: %d" % dice.getrandbits(64), b""]
    lines += [dice.randbytes(dice.randrange(36)).hex().encode()
              for _ in range(dice.choice((1, 10, 300, 3000)))]
    return b"\r\n".join(lines) + b"\r\n"


class Talk:
    """A client that knows just so much: an error ends the session."""

    def __init__(self, family):
        with Inside("client"):
            self.sock = socket.create_connection((SERVER[family], 25), timeout=WAIT)
        self.file = self.sock.makefile("rb")
        self.reply(b"220")

    def reply(self, code):
        while True:
            line = self.file.readline()
            if line[3:4] != b"-":
                break
        if line[:3] != code:
            raise ConnectionError("%r instead of %s" % (line[:40], code.decode()))

    def say(self, line, code):
        self.sock.sendall(line + b"\r\n")
        self.reply(code)

    def close(self):
        self.file.close()
        self.sock.close()


def send(family, dice):
    """One session of a few mails."""
    try:
        talk = Talk(family)
    except OSError as error:
        trouble[type(error).__name__] += 1
        return
    try:
        talk.say(b"HELO client.example", b"250")
        for _ in range(dice.randrange(1, 4)):
            body = mail(dice)
            name = hashlib.sha256(body).hexdigest()
            talk.say(b"MAIL FROM:<a@example.org>", b"250")
            talk.say(b"RCPT TO:<b@example.org>", b"250")
            talk.say(b"DATA", b"354")
            with lock:
                sent.add(name)
                unsure.add(name)
            talk.sock.sendall(body + b".\r\n")
            talk.reply(b"250")
            with lock:
                unsure.discard(name)
                accepted.add(name)
        talk.say(b"QUIT", b"221")
    except OSError as error:
        trouble[type(error).__name__] += 1
    finally:
        talk.close()


def sender(number, stop):
    dice = random.Random("%d.%d" % (SEED, number))
    while not stop.is_set():
        send(dice.choice((4, 6)), dice)


# -- what happens meanwhile -------------------------------------------------

def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def flip():
    tool("set", "25", *DICE.choice(MODES).split())


def restore():
    write("/tmp/storm.conf", "".join("set %d %s\n" % (port, DICE.choice(MODES))
                                     for port in range(25, 40)))
    tool("restore", "/tmp/storm.conf")


def flush():
    tool("flush")


def namespace():
    subprocess.run(["ip", "netns", "add", "gone"], check=True)
    tool("set", "25", "fixup", namespace="gone")
    subprocess.run(["ip", "netns", "delete", "gone"], check=True)


def reload():
    subprocess.run(["rmmod", "nf_smtp_fixup"], check=True)
    subprocess.run(["insmod", MODULE, "mode=off"], check=True)
    flip()


def processor():
    for state in "01":
        write("/sys/devices/system/cpu/cpu1/online", state)
        time.sleep(DICE.random())


def interface():
    device = DICE.choice(("veth-rc", "veth-rs"))
    for state in ("down", "up"):
        subprocess.run(["ip", "-n", "router", "link", "set", device, state], check=True)
        time.sleep(DICE.random())


def memory():
    limit = "/sys/module/nf_smtp_fixup/parameters/memory_limit"
    with open(limit, encoding="ascii") as file:
        before = file.read()
    write(limit, DICE.choice(("0", "4096", "65536")))
    time.sleep(2 * DICE.random())
    write(limit, before)


def pressure():
    """Nearly all of it is taken, and what is cached goes."""
    with open("/proc/meminfo", encoding="ascii") as file:
        free = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    taken = bytearray(b"x") * (free * 1024 * 8 // 10)
    write("/proc/sys/vm/drop_caches", "3")
    time.sleep(DICE.random())
    del taken


THINGS = (flip, restore, flush, namespace, reload, processor, interface, memory, pressure)


def main():
    seconds, report = float(sys.argv[1]), sys.argv[2]
    count = Counting()
    stop = threading.Event()
    threads = [threading.Thread(target=sender, args=(n, stop), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    happened, why = collections.Counter(), None
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            thing = DICE.choice(THINGS)
            thing()
            happened[thing.__name__] += 1
            time.sleep(DICE.random() * 2)
    except (Mismatch, OSError, subprocess.SubprocessError) as error:
        why = "%s: %s" % (thing.__name__, error)
    count.result("what happened succeeded, seed %d: %s" % (SEED, dict(happened)), why)
    tool("set", "25", "fixup")
    stop.set()
    for thread in threads:
        thread.join(3 * WAIT)
    count.result("every sender comes to an end", sum(t.is_alive() for t in threads))
    with open(report + ".pid", encoding="ascii") as file:
        os.kill(int(file.read()), signal.SIGTERM)
    while not os.path.exists(report):
        time.sleep(0.1)
    time.sleep(1)
    with open(report, encoding="ascii") as file:
        took = collections.Counter(json.load(file)["mails"])
    print("# %d accepted, %d unsure, %d came; sessions that ended early: %s" % (
        len(accepted), len(unsure), sum(took.values()), dict(trouble)))
    count.result("mails were accepted", None if len(accepted) > 10 else len(accepted))
    count.result("no mail that was accepted is lost", sorted(accepted - set(took)))
    count.result("none is doubled", [name for name, n in took.items() if n > 1])
    count.result("none is changed", sorted(set(took) - sent))
    return count.finish()


if __name__ == "__main__":
    sys.exit(main())
