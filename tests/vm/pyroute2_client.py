#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""pyroute2 drives every operation of smtp_fixup.yaml, and shows the events: started by
suite.sh in the guest. Its messages are made of the specification, since it reads
none itself.
"""
import errno
import socket
import sys

from pyroute2.netlink import NLA_F_NESTED, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, genlmsg, nla
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.generic import GenericNetlinkSocket

import suite
from net import PATIENCE, SERVER, Connection, Inside, Mismatch, tool
from netlink_spec import OTHER_POLICY, POLICY, Spec, other_policy_is_set, policy_is_set, same
from suite import test

TYPES = {"u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64", "flag": "flag",
         "string": "asciiz", "binary": "cdata", "pad": "none"}
SPEC = Spec()


def message_class(name, base):
    """pyroute2's class for that set of attributes."""
    members = {"prefix": "", "nla_map": [], "nla_flags": NLA_F_NESTED}
    for attribute, entry in SPEC.sets[name].items():
        kind = TYPES.get(entry["type"])
        if entry["type"] == "nest":
            kind = "nest_" + attribute.replace("-", "_")
            members[kind] = message_class(entry["nested-attributes"], nla)
        members["nla_map"].append((entry["number"], attribute, kind))
    return type("smtp_fixup_" + name.replace("-", "_"), (base,), members)


CLIENT = {4: "10.0.1.2", 6: "fd00:1::2"}
MESSAGE = message_class("main", genlmsg)


def nested(values):
    """What pyroute2 takes: {"attrs": [(name, value), ...]}; a list repeats a name."""
    attrs = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            attrs.append((name, nested(one) if isinstance(one, dict) else one))
    return {"attrs": attrs}


def plain(message):
    """What it gave, as {name: value}; repeated nests as a list."""
    found = {}
    for name, value in message["attrs"]:
        if hasattr(value, "get_attrs"):
            value = plain(value)
        if name in found:
            found[name] = (found[name] if isinstance(found[name], list) else [found[name]]) + [value]
        else:
            found[name] = value
    return found


class Client:
    """A socket of the family in the router."""

    def __init__(self):
        with Inside("router"):
            self.sock = GenericNetlinkSocket()
            self.sock.bind(SPEC.name, MESSAGE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def request(self, command, dump=False, **values):
        message = MESSAGE()
        message["cmd"] = SPEC.commands[command]
        message["version"] = SPEC.version
        message["attrs"] = nested({k.replace("_", "-"): v for k, v in values.items()})["attrs"]
        flags = NLM_F_REQUEST | (NLM_F_DUMP if dump else NLM_F_ACK)
        return [plain(m) for m in self.sock.nlm_request(message, msg_type=self.sock.prid,
                                                        msg_flags=flags) if "attrs" in m]


def ask(command, dump=False, **values):
    with Client() as client:
        return client.request(command, dump, **values)


def numbers(policy):
    """Words of enums as pyroute2 takes them."""
    given = {}
    for name, value in policy.items():
        enum = SPEC.sets["main"].get(name, SPEC.sets["limit"].get(name, {})).get("enum")
        if isinstance(value, dict):
            given[name] = numbers(value)
        elif enum:
            given[name] = (SPEC.bits(enum, *value) if isinstance(value, list) else
                           SPEC.number(enum, value))
        else:
            given[name] = value
    return given


@test("pyroute2", "policy-set, every attribute that needs no table", families=(4,))
def _(_family):
    tool("restore", "/dev/null")
    ask("policy-set", **numbers(POLICY))
    policy_is_set()
    ask("policy-set", **numbers(OTHER_POLICY))
    other_policy_is_set()


@test("pyroute2", "policy-get is what show says", families=(4,))
def _(_family):
    tool("restore", "/dev/null")
    tool("set", "25", "esmtp", "tls", "allow", "limit", "rcpt", "7", "mask",
         "match", "sender", "a@example.org", "log")
    tool("set", "587-590", "fixup", "iif", "veth-rc")
    got = {p["ports"]["first"]: p for p in ask("policy-get", dump=True)}
    same(sorted(got), [25, 587], "ports")
    same((got[25]["mode"], got[25]["tls"], got[25]["limits"]["rcpt"]),
         (SPEC.number("mode", "esmtp"), SPEC.number("tls", "allow"),
          {"max-value": 7, "action": SPEC.number("action", "mask")}), "policy of 25")
    same(got[25]["matches"]["match"]["patterns"], "a@example.org", "its match")
    same((got[587]["mode"], got[587]["iif"], got[587]["ports"]["last"]),
         (SPEC.number("mode", "fixup"), "veth-rc", 590), "policy of 587")
    starttls = SPEC.bits("verb", "starttls")
    same((got[25]["verbs"] & starttls, got[587]["verbs"] & starttls), (starttls, 0), "verbs")


@test("pyroute2", "policy-replace", families=(4,))
def _(_family):
    ask("policy-replace", policy=[
        {"ports": {"first": 25}, "mode": SPEC.number("mode", "fixup"),
         "banner": SPEC.number("banner", "stars")},
        {"ports": {"first": 2525, "last": 2530}, "mode": SPEC.number("mode", "esmtp"),
         "tls": SPEC.number("tls", "require")}])
    same(tool("show"), "set 25 fixup banner stars\nset 2525-2530 esmtp tls require\n", "show")


@test("pyroute2", "a refused request changes nothing", families=(4,))
def _(_family):
    before = tool("show")
    try:
        ask("policy-set", ports={"first": 25}, mode=SPEC.number("mode", "esmtp"), iif="veth-rc",
            assign=SPEC.number("assign", "explicit"))
    except NetlinkError as error:
        same(error.code, errno.EINVAL, "its error")
    else:
        raise Mismatch("it was not refused")
    same(tool("show"), before, "show")


@test("pyroute2", "flow-get, stats-get, stats-zero, flush, event")
def _(family):
    tool("restore", "/dev/null")
    tool("set", "25", "fixup")
    with Client() as listener:
        listener.sock.add_membership("events")
        listener.sock.settimeout(PATIENCE)
        with Connection(25, family) as connection:
            connection.s(b"220 ready\r\n", b"220 *****\r\n")
            connection.c(b"FROB x\r\n", b"XXXX x\r\n")
            flows = [f["flow"] for f in ask("flow-get", dump=True)]
            same(len(flows), 1, "number of flows")
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            same((socket.inet_ntop(kind, flows[0]["client"]),
                  socket.inet_ntop(kind, flows[0]["server"]), flows[0]["server-port"],
                  flows[0]["mode"], flows[0]["blocked"]),
                 (CLIENT[family], SERVER[family], 25, SPEC.number("mode", "fixup"), 1), "flow")
            for command, want in (("stats-get", 1), ("stats-zero", 1), ("stats-get", 0)):
                same(ask(command, dump=True)[0]["counters"]["commands-blocked"], want, command)
            same(ask("flush", ports={"first": 26}), [{"flushed": 0}], "flush 26")
            same(ask("flush"), [{"flushed": 1}], "flush")
        seen = []
        while len(seen) < 2:
            seen += [plain(m)["event"] for m in listener.sock.get()]
    same([(e["name"], e["rule"], socket.inet_ntop(kind, e["server"])) for e in seen[:2]],
         [("greeting_masked", "G1", SERVER[family]), ("command_masked", "V3", SERVER[family])],
         "events")


if __name__ == "__main__":
    sys.exit(suite.run())
