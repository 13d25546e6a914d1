#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own ynl drives every operation of smtp_fixup.yaml, and shows the
events: started by ynl.sh in the guest, with the folder of that kernel's sources
(scripts/spec keeps them). The specification is checked by the schema each time.
"""
import glob
import json
import os
import subprocess
import sys
import time

import suite
from net import PATIENCE, SERVER, Connection, Inside, Mismatch, tool
from netlink_spec import OTHER_POLICY, POLICY, other_policy_is_set, policy_is_set, same
from suite import test

TREE = sys.argv.pop(1)
SPEC = os.path.join(TREE, "Documentation/netlink/specs/smtp_fixup.yaml")
CLI = (glob.glob(os.path.join(TREE, "tools/net/ynl/pyynl/cli.py")) +
       glob.glob(os.path.join(TREE, "tools/net/ynl/cli.py")))[0]


def command(*words):
    return [sys.executable, CLI, "--spec", SPEC, "--output-json", *words]


def ynl(*words, refused=False, **values):
    """ynl.py's cli; what it prints."""
    words += ("--json", json.dumps({k.replace("_", "-"): v for k, v in values.items()}))
    with Inside("router"):
        done = subprocess.run(command(*words), capture_output=True, text=True, timeout=100,
                              check=False)
    if refused:
        if not done.returncode:
            raise Mismatch("ynl %s was not refused" % " ".join(words))
        return done.stdout + done.stderr
    if done.returncode:
        raise Mismatch("ynl %s: %s" % (" ".join(words), done.stdout + done.stderr))
    return json.loads(done.stdout)


@test("ynl", "policy-set, every attribute", families=(4,))
def _(_family):
    tool("restore", "/dev/null")
    ynl("--do", "policy-set", **POLICY)
    policy_is_set()
    ynl("--do", "policy-set", **OTHER_POLICY)
    other_policy_is_set()


@test("ynl", "policy-get is what show says", families=(4,))
def _(_family):
    tool("restore", "/dev/null")
    tool("set", "25", "esmtp", "tls", "allow", "limit", "rcpt", "7", "mask")
    tool("set", "587-590", "fixup", "iif", "veth-rc")
    got = {p["ports"]["first"]: p for p in one_ports(ynl("--dump", "policy-get"))}
    same(sorted(got), [25, 587], "ports")
    same((got[25]["mode"], got[25]["tls"], got[25]["limits"]["rcpt"]),
         ("esmtp", "allow", {"max-value": 7, "action": "mask"}), "policy of 25")
    same((got[587]["mode"], got[587]["iif"], got[587]["ports"]["last"]),
         ("fixup", "veth-rc", 590), "policy of 587")
    if "starttls" not in got[25]["verbs"] or "starttls" in got[587]["verbs"]:
        raise Mismatch("verbs: %r" % got)


def one_ports(policies):
    """An attribute that may repeat comes as a list."""
    for policy in policies:
        if isinstance(policy["ports"], list):
            policy["ports"] = policy["ports"][0]
    return policies


@test("ynl", "policy-replace", families=(4,))
def _(_family):
    ynl("--do", "policy-replace", policy=[
        {"ports": [{"first": 25}], "mode": "fixup", "banner": "stars"},
        {"ports": [{"first": 2525, "last": 2530}], "mode": "esmtp", "tls": "require"}])
    same(tool("show"), "set 25 fixup banner stars\nset 2525-2530 esmtp tls require\n", "show")


@test("ynl", "a refusal tells why", families=(4,))
def _(_family):
    before = tool("show")
    said = ynl("--do", "policy-set", ports=[{"first": 25}], mode="esmtp", iif="veth-rc",
               assign="explicit", refused=True)
    if "'iif' goes with 'assign auto'" not in said or "bad-attr" not in said:
        raise Mismatch("it says %s" % said)
    same(tool("show"), before, "show")


@test("ynl", "flow-get, stats-get, stats-zero, flush, event", families=(4, 6))
def _(family):
    tool("restore", "/dev/null")
    tool("set", "25", "fixup")
    with Inside("router"):
        events = subprocess.Popen(
            command("--subscribe", "events", *LISTEN), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
    end = time.monotonic() + 6 * PATIENCE     # Python has to start
    while not listening():
        if time.monotonic() > end:
            raise Mismatch("ynl does not listen: %s" % events.poll())
        time.sleep(0.05)
    with Connection(25, family) as connection:
        connection.s(b"220 ready\r\n", b"220 *****\r\n")
        connection.c(b"FROB x\r\n", b"XXXX x\r\n")
        flow = [f["flow"] for f in ynl("--dump", "flow-get")]
        same(len(flow), 1, "number of flows")
        same((flow[0]["server"], flow[0]["server-port"], flow[0]["mode"], flow[0]["blocked"]),
             (SERVER[family], 25, "fixup", 1), "flow")
        same(one_ports(ynl("--dump", "stats-get"))[0]["counters"]["commands-blocked"], 1, "stats-get")
        same(one_ports(ynl("--dump", "stats-zero"))[0]["counters"]["commands-blocked"], 1,
             "stats-zero")
        same(one_ports(ynl("--dump", "stats-get"))[0]["counters"]["commands-blocked"], 0,
             "stats-get after it")
        same(ynl("--do", "flush", ports={"first": 26}), {"flushed": 0}, "flush 26")
        same(ynl("--do", "flush"), {"flushed": 1}, "flush")
    output = events.communicate(timeout=100)[0]
    for word in ("command-masked", "greeting-masked", SERVER[family], '"V3"'):
        if word not in output:
            raise Mismatch("no %s in the events: %s" % (word, output))


def listening():
    with Inside("router"):
        with open("/proc/thread-self/net/netlink", encoding="ascii") as file:
            return any(line.split()[1] == "16" and int(line.split()[3], 16)
                       for line in file.readlines()[1:])


HELP = subprocess.run([sys.executable, CLI, "--help"], capture_output=True, text=True,
                      check=False).stdout
LISTEN = ("--duration", "20") if "--duration" in HELP else ("--sleep", "20")

if __name__ == "__main__":
    sys.exit(suite.run())
