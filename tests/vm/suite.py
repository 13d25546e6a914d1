# SPDX-License-Identifier: GPL-2.0-only
"""Tests with names, run one after the other and counted.

@test("V3", "a blocked verb is X-ed") marks a function; it takes the IP family
and runs once for 4 and once for 6. quick=True: also with every offload setting;
module=True: needs the module itself, so "smtpfixup relay" can't stand in for it.
"""
import signal

from net import SLOWER, THROUGH, Mismatch
from counting import Counting       # pylint: disable=wrong-import-order

TESTS = []
LIMIT = 120 * SLOWER    # s: longer than that and the test itself is stuck


def test(rule, name, quick=False, families=(4, 6), module=False):
    def mark(function):
        if module and THROUGH != "router":
            return function
        TESTS.append((rule, name, quick, families, function))
        return function
    return mark


def stuck(_signal, _frame):
    raise Mismatch("no end after %d s" % LIMIT)


def run(quick_only=False, only=None, label=""):
    """Run them; returns the exit status."""
    count = Counting()
    signal.signal(signal.SIGALRM, stuck)
    for rule, name, quick, families, function in TESTS:
        if quick_only and not quick:
            continue
        if only and only not in rule.split() and only not in name:
            continue
        for family in families:
            title = "%s %s, IPv%s%s" % (rule, name, family, label)
            signal.alarm(LIMIT)
            count.attempt(title, function, family, known=Mismatch)
    signal.alarm(0)
    return count.finish(0)
