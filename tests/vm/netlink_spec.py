# SPDX-License-Identifier: GPL-2.0-only
"""kmod/smtp_fixup.yaml as numbers, and what its clients are tested with.

netlink.py makes requests of it that nobody would send; pyroute2_client.py and ynl.py
drive the family as other programs do.
"""
import os

import yaml

from net import ROOT, Mismatch, tool


class Spec:
    """What smtp_fixup.yaml says, as numbers."""

    def __init__(self):
        with open(os.path.join(ROOT, "kmod/smtp_fixup.yaml"), encoding="utf-8") as file:
            spec = yaml.safe_load(file)
        self.name, self.version = spec["name"], spec["version"]
        # {set: {attribute: its entry, with its number}}; a subset has those of the whole
        self.sets = {}
        for entry in spec["attribute-sets"]:
            self.sets[entry["name"]] = {
                a["name"]: dict(a, number=n) for n, a in enumerate(entry["attributes"], 1)}
        for entry in spec["attribute-sets"]:
            if "subset-of" in entry:
                whole = self.sets[entry["subset-of"]]
                self.sets[entry["name"]] = {a["name"]: whole[a["name"]]
                                            for a in entry["attributes"]}
        self.enums = {d["name"]: [e["name"] if isinstance(e, dict) else e for e in d["entries"]]
                      for d in spec["definitions"] if "entries" in d}
        self.numbers = {d["name"]: len(d["entries"]) if "entries" in d else d["value"]
                        for d in spec["definitions"]}
        self.commands = {o["name"]: n for n, o in enumerate(spec["operations"]["list"], 1)}
        self.requests = {o["name"]: o.get("do", {}).get("request", {}).get("attributes", [])
                         for o in spec["operations"]["list"]}

    def number(self, enum, name):
        return self.enums[enum].index(name)

    def bits(self, enum, *names):
        return sum(1 << self.number(enum, name) for name in names)


def same(got, want, what):
    if got != want:
        raise Mismatch("%s is %r, wanted %r" % (what, got, want))


# A policy with every attribute that goes with the others and needs no table. Words are
# those of an enum, lists of words are its bits.
POLICY = {
    "ports": [{"first": 25}, {"first": 587, "last": 590}],
    "mode": "esmtp", "banner": "text", "banner-text": "mx ready", "tls": "allow",
    "reject": "noop", "ehlo": "strip", "special": "drop", "smuggling": "drop",
    "line-ending": "strict", "midstream": "pass", "assign": "explicit", "by-mark": True,
    "observe": True,
    "verbs": ["helo", "ehlo", "mail", "rcpt", "data", "rset", "noop", "quit", "starttls"],
    "keywords": ["size", "starttls"],
    "limits": {"rcpt": {"max-value": 7, "action": "mask"}},
}
# The rest of them
OTHER_POLICY = {"ports": [{"first": 26}], "mode": "esmtp", "strict": True,
                "keep-esmtp": True, "iif": "veth-rc"}


def policy_is_set():
    """Is POLICY in force?"""
    shown = tool("show")
    for word in ("set 25 esmtp", "set 587-590 esmtp", "mx ready", "tls allow", "reject noop",
                 "ehlo strip", "special drop", "smuggling drop", "midstream pass",
                 "assign explicit", "by-mark", "observe", "limit rcpt 7 mask"):
        if word not in shown:
            raise Mismatch("no %s in %s" % (word, shown))


def other_policy_is_set():
    same(sorted(tool("show", "26").split()),
         sorted("set 26 esmtp keep-esmtp strict iif veth-rc".split()), "show 26")
