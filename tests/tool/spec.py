#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The YAML specification numbers everything as the uapi header does.

What has no number of its own in the YAML gets it by its place, so one entry out of
place makes all that follow wrong. Ends with "N passed, N failed".
"""
import os
import re
import sys

import yaml

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from counting import Counting    # noqa: E402  pylint: disable=wrong-import-position

KMOD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "kmod")
# Attribute sets of the YAML: the header's prefix, and what attribute 1 is there
# An attribute that does not take all of its enum: by its set and name, the last it takes
LAST = {("match", "action"): "ACTION_RESET"}
SETS = {
    "main": ("A_", 1), "ports": ("PORTS_A_", 1), "flow": ("FLOW_A_", 1),
    "event": ("EVENT_A_", 1), "limit": ("LIMIT_A_", 1),
    "counters": ("CNT_", 0), "limits": ("LIMIT_", 0),
    "matches": ("MATCHES_A_", 1), "match": ("MATCH_A_", 1), "tables": ("WHAT_", 0),
}


def read(name):
    with open(os.path.join(KMOD, name), encoding="utf-8") as file:
        return file.read()


def header(text):
    """{name without SMTP_FIXUP_: number} of all enums and constants."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = {}
    for body in re.findall(r"^enum \w+ \{(.*?)\};", text, re.M | re.S):
        for number, name in enumerate(re.findall(r"\w+", body)):
            found[name.replace("SMTP_FIXUP_", "")] = number
    for name, number in re.findall(r"^#define SMTP_FIXUP_(\w+)\s+(\d+)$", text, re.M):
        found[name] = int(number)
    return found


def upper(name):
    return re.sub(r"[-.]", "_", name).upper()


def name_of(entry):
    return entry if isinstance(entry, str) else entry["name"]


def compared(numbers, prefix, names, first):
    """What is wrong with the names, which the header counts from first on."""
    for place, name in enumerate(names, first):
        got = numbers.get(prefix + upper(name))
        if name != "pad" and got != place:
            return "%s is %s in the header, not %d" % (name, got, place)
    if "pad" in names[1:]:
        names = names[:-1]
    end = numbers.get("__" + prefix + "MAX")
    if end != first + len(names):
        return "the header has %s, not %d" % (end, first + len(names))
    return None


def options():
    """[(attribute, name on the line, is it a flag?)] of core/policy/fields.h."""
    text = read("core/policy/fields.h").replace("\\\n", " ")
    return [(attribute.lower().replace("_", "-"), name, kind == "FLAG") for kind, attribute, name
            in re.findall(r"\b(WORD|TEXT|FLAG)\((\w+), \w+, \"([^\"]+)\"", text)
            if attribute != "ATTRIBUTE"]


def check_options(spec, wrong):
    """Each option has its attribute in the YAML, and its place in the man page."""
    attributes = {a["name"]: a for s in spec["attribute-sets"] if s["name"] == "main"
                  for a in s["attributes"]}
    manual = read("../userspace/smtpfixup.8")
    found = options()
    if len(found) < 10:
        wrong["options of fields.h"] = "only %d found" % len(found)
    for attribute, name, flag in found:
        entry = attributes.get(attribute)
        why = None
        if not entry:
            why = "no attribute %s" % attribute
        elif (entry["type"] == "flag") != flag:
            why = "type %s" % entry["type"]
        elif not flag and "enum" not in entry:
            why = "no enum"
        elif not re.search(r"^\.It Cm %s\b" % re.escape(name), manual, re.M):
            why = "not in the man page"
        wrong["option " + name] = why


def main():
    spec, numbers = yaml.safe_load(read("smtp_fixup.yaml")), header(read("uapi/linux/smtp_fixup.h"))
    wrong = {}
    for entry in spec["definitions"]:
        name = entry["name"]
        if entry["type"] == "const":
            if numbers.get(upper(name)) != entry["value"]:
                wrong[name] = "not the header's value"
            else:
                wrong[name] = None
        else:
            wrong[name] = compared(numbers, upper(name) + "_",
                                   [name_of(e) for e in entry["entries"]], 0)
    whole = {s["name"]: [a["name"] for a in s["attributes"]] for s in spec["attribute-sets"]}
    for entry in spec["attribute-sets"]:
        if "subset-of" in entry:
            stray = set(whole[entry["name"]]) - set(whole[entry["subset-of"]])
            wrong["subset " + entry["name"]] = stray and "not in the whole: %s" % stray
            continue
        prefix, first = SETS[entry["name"]]
        attributes = entry["attributes"]
        wrong["attributes of " + entry["name"]] = compared(
            numbers, prefix, [a["name"] for a in attributes], first)
        for a in attributes:
            top = a.get("checks", {}).get("max")
            if "enum" in a and top is not None:
                most = numbers["__%s_MAX" % upper(a["enum"])] - 1
                if (entry["name"], a["name"]) in LAST:
                    most = numbers[LAST[entry["name"], a["name"]]]
                wrong["check of " + a["name"]] = None if top == most else "max: %d" % top
    check_options(spec, wrong)
    wrong["operations"] = compared(
        numbers, "CMD_", [o["name"] for o in spec["operations"]["list"]], 1)
    count = Counting()
    for name, why in wrong.items():
        count.result(name, why)
    return count.finish()


if __name__ == "__main__":
    sys.exit(main())
