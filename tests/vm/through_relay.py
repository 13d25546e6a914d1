# SPDX-License-Identifier: GPL-2.0-only
""""smtpfixup relay" in place of the router, for the suites of this folder.

Each port of a suite that is connected to gets a relay with the policy that was
set for it, and a port of its own; "set" only remembers. So the same vectors
are compared with the module and with the relay.
"""
import atexit
import collections
import json
import signal
import socket
import subprocess

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


class Relay:
    """A running relay for one port, family and policy."""

    def __init__(self, program, family, words):
        host = LOOPBACK[family]
        bracketed = "[%s]" % host if family == 6 else host
        domain = socket.AF_INET6 if family == 6 else socket.AF_INET
        # It listens as long as the relay runs, or a connection gets its port
        self.server = socket.create_server((host, 0), family=domain)
        self.process = subprocess.Popen(
            [program, "-j", "relay", bracketed + ":0",
             "%s:%d" % (bracketed, self.server.getsockname()[1]), *words],
            stdout=subprocess.PIPE, text=True)
        listening = json.loads(self.process.stdout.readline())["listening"]
        self.port = int(listening[0].rpartition(":")[2])

    def counters(self):
        self.process.send_signal(signal.SIGUSR1)
        text = ""
        while not text.endswith("\n]\n"):
            line = self.process.stdout.readline()
            if not line:
                raise EOFError("the relay has ended")
            text += line
        return json.loads(text)[0]

    def stop(self):
        """Returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.read()
        self.server.close()
        return self.process.wait(10)


def join(program, patience, mismatch):
    """tool(), counters() and meet() as net.py has them."""
    policies, relays = {}, {}

    def policy_of(port):
        inside = [p for p in policies if p[0] <= port <= p[1]]
        if not inside:
            return ("off",)
        return policies[min(inside, key=lambda p: p[1] - p[0])]

    def relay_of(port, family):
        key = port, family, policy_of(port)
        if key not in relays:
            relays[key] = Relay(program, family, key[2])
        return relays[key]

    def tool(*words, status=0, **_):
        if words == ("show",):
            return repr(sorted(policies.items()))
        if words[0] != "set":
            raise mismatch("the relay has no %r" % (words,))
        if status:
            done = subprocess.run([program, "relay", "127.0.0.1:0", "127.0.0.1:1", *words[2:]],
                                  capture_output=True, text=True, timeout=60, check=False)
            if done.returncode != status:
                raise mismatch("relay with %r: status %d" % (words[2:], done.returncode))
            return ""
        for part in words[1].split(","):
            first, _, last = part.partition("-")
            ports = int(first), int(last or first)
            policies[ports] = words[2:]
        return ""

    def counters(**_):
        found = {}
        for (port, _, words), relay in relays.items():
            sums = found.setdefault(str(port), collections.Counter(mode=""))
            for name, value in relay.counters().items():
                if name == "mode":
                    sums[name] = value
                elif name != "ports":
                    sums[name] += value
        for first, last in policies:
            found.setdefault("%d" % first if first == last else "%d-%d" % (first, last),
                             collections.Counter())
        return found

    def meet(port, family, **_):
        relay = relay_of(port, family)
        relay.server.settimeout(patience)
        near = socket.create_connection((LOOPBACK[family], relay.port), patience)
        far, peer = relay.server.accept()
        return near, far, peer

    def stop():
        for relay in relays.values():
            relay.stop()

    atexit.register(stop)
    return tool, counters, meet
