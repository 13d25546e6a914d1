# SPDX-License-Identifier: GPL-2.0-only
"""Measures, in user-mode Linux or a VM: client, router and server in namespaces.

guest.py MACHINE PROGRAMS FIRST ROUNDS SECONDS [MEASURE...]

MACHINE: uml; stock: a VM; counted: one whose clock counts its instructions.

Every case alternates with its baseline, shortly one after
the other, so that what else the machine does meets both alike; every other round
has the cases the other way round. Rounds are numbered from FIRST. None begins,
nor a measure in one but the first, once SECONDS have passed. One line of JSON a
run; "for" is the case whose turns they are.
"""

import json
import os
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SMTPFIXUP = ROOT + "/userspace/smtpfixup"
SERVER, ROUTER = "10.0.2.2", "10.0.1.1"
DIRECT = "10.0.3.2"     # the server, past the router
NOBODY = "10.0.2.99"    # beyond the router; nobody answers there
RUN_NS = 150_000_000    # processor time that a run is to take
TURNS = 4               # of a case and its baseline, in a round
FLOOD = 80_000         # SYNs
CROWDS = (10, 10_000, 1_000_000)    # connections beside those that are measured

CONNTRACK = """
table inet bench {
	chain forward {
		type filter hook forward priority 0; policy accept;
		ct state established,related accept
	}
}
"""
FTP = """
table inet bench {
	ct helper ftp { type "ftp" protocol tcp; }
	chain prerouting {
		type filter hook prerouting priority 0; policy accept;
		tcp dport 25 ct helper set "ftp"
	}
	chain forward {
		type filter hook forward priority 0; policy accept;
		ct state established,related accept
	}
}
"""
QUEUE = """
table inet bench {
	chain forward {
		type filter hook forward priority 0; policy accept;
		tcp dport 25 queue num 0
		tcp sport 25 queue num 0
	}
}
"""
NO_LIMITS = [word for name in ("command-line", "rcpt", "sender", "header-line", "body-line",
                               "mime-filename")
             for word in ("limit", name, "512", "off")]

# None of them matches: each is looked for in every address, name and part
TWENTY = [word for n in range(20) for word in (
    "match", ("sender", "recipient", "helo", "mime-filename")[n % 4],
    "*nobody%d.example,*.%dexe" % (n, n), "drop")]
FIELDS = ["match", "header:subject", "*buy*now*,*v1agra*", "drop",
          "match", "header:x-mailer", "/.*mass ?mail.*/", "drop",
          "match", "mime-filename", "*.exe,*.scr,*.js", "drop"]

# name: what the router does, and how octets go if not by DATA. "against" is
# the case's baseline.
CASES = {
    # No router at all: what the two ends cost, to be taken off
    "direct": {"direct": True, "against": "plain"},
    "plain": {},
    "conntrack": {"nft": CONNTRACK},
    "other port": {"nft": CONNTRACK, "set": ["26", "esmtp"], "against": "conntrack"},
    "fixup": {"nft": CONNTRACK, "set": ["25", "fixup"], "against": "conntrack"},
    "esmtp": {"nft": CONNTRACK, "set": ["25", "esmtp"], "against": "conntrack"},
    "esmtp, no limits": {"nft": CONNTRACK, "set": ["25", "esmtp"] + NO_LIMITS,
                         "against": "conntrack"},
    "esmtp, 20 matches": {"nft": CONNTRACK, "set": ["25", "esmtp"] + TWENTY,
                          "against": "conntrack"},
    "esmtp, headers": {"nft": CONNTRACK, "set": ["25", "esmtp"] + FIELDS, "against": "esmtp"},
    "observe": {"nft": CONNTRACK, "set": ["25", "esmtp", "observe"], "against": "conntrack"},
    "BDAT": {"nft": CONNTRACK, "way": "bdat", "against": "conntrack",
             "set": ["25", "esmtp", "allow", "BDAT", "ehlo-allow", "CHUNKING"]},
    "TLS": {"nft": CONNTRACK, "way": "tls", "set": ["25", "esmtp", "tls", "allow"],
            "against": "conntrack"},
    "ftp helper": {"nft": FTP, "against": "conntrack"},
    # Scale: so many policies, each for one port; measure_scale() has more flows
    "1 policy, 10 flows": {"nft": CONNTRACK, "policies": 1, "flows": 10},
    "100 policies": {"nft": CONNTRACK, "policies": 100, "flows": 10,
                     "against": "1 policy, 10 flows"},
    "60,000 policies": {"nft": CONNTRACK, "policies": 60000, "flows": 10,
                        "against": "1 policy, 10 flows"},
    "HAProxy": {"haproxy": True, "against": "plain"},
    "NFQUEUE": {"nft": QUEUE, "against": "plain"},
}
SCALE = [name for name in CASES if "flows" in CASES[name]]
BULK = [name for name in CASES if name not in SCALE and name != "esmtp, 20 matches"]
FEW = ["direct", "plain", "conntrack", "fixup", "esmtp", "HAProxy", "NFQUEUE"]

# name: packets, way, processes, cases
MEASURES = {
    "one stream, 64 KB": ("64k", "data", 1, BULK),
    "eight streams, 64 KB": ("64k", "data", 8, FEW),
    "one stream, 1500": ("1500", "data", 1, BULK),
    "eight streams, 1500": ("1500", "data", 8, FEW),
    "mails": ("1500", "mails", 4, FEW + ["esmtp, no limits", "esmtp, 20 matches", "ftp helper"]),
    "connections": ("1500", "connections", 4, FEW),
    "connections at scale": ("1500", "connections", 4, SCALE),
}
COUNTED = ["one stream, 64 KB", "one stream, 1500", "mails", "connections"]


def sh(*command, **how):
    return subprocess.run(command, check=True, capture_output=True, text=True, **how)


def write_to(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def load_others():
    """On a distribution's kernel; in user-mode Linux all of it is there."""
    sh("modprobe", "-a", "nf_conntrack", "nf_conntrack_ftp", "nf_defrag_ipv4", "nf_defrag_ipv6",
       "nf_reject_ipv4", "nf_reject_ipv6", "nf_tables", "nft_ct", "nft_queue")


def load_module(wanted):
    """Its hooks stay until it goes: the baseline is without it."""
    if os.path.exists("/sys/module/nf_smtp_fixup") == wanted:
        return
    if wanted:
        sh("insmod", os.environ.get("UML_MODULE", ROOT + "/nf_smtp_fixup.ko"), "mode=off",
           "memory_limit=1024")
    else:
        sh("rmmod", "nf_smtp_fixup")


def build_network():
    script = """
    ip netns add client; ip netns add server
    ip link add veth-rc type veth peer name veth-c netns client
    ip link add veth-rs type veth peer name veth-s netns server
    ip addr add 10.0.1.1/24 dev veth-rc; ip addr add 10.0.2.1/24 dev veth-rs
    ip link set lo up; ip link set veth-rc up; ip link set veth-rs up
    ip -n client addr add 10.0.1.2/24 dev veth-c; ip -n client link set veth-c up
    ip -n server addr add 10.0.2.2/24 dev veth-s; ip -n server link set veth-s up
    ip link add veth-cd netns client type veth peer name veth-sd netns server
    ip -n client addr add 10.0.3.1/24 dev veth-cd; ip -n client link set veth-cd up
    ip -n server addr add 10.0.3.2/24 dev veth-sd; ip -n server link set veth-sd up
    ip -n client route add default via 10.0.1.1; ip -n server route add default via 10.0.2.1
    echo 1 >/proc/sys/net/ipv4/ip_forward
    ip netns exec client sh -c 'echo 2 >/proc/sys/net/ipv4/tcp_tw_reuse
        echo "4096 262144 4194304" >/proc/sys/net/ipv4/tcp_wmem'
    ip netns exec server sh -c 'echo "4096 262144 4194304" >/proc/sys/net/ipv4/tcp_rmem'
    """
    sh("bash", "-e", "-c", script)


def set_packets(size):
    on = "on" if size == "64k" else "off"
    for where in (["veth-rc"], ["veth-rs"]):
        sh("ethtool", "-K", *where, "tso", on, "gso", on, "gro", "off")
    for space, device in (("client", "veth-c"), ("server", "veth-s"),
                          ("client", "veth-cd"), ("server", "veth-sd")):
        sh("ip", "netns", "exec", space, "ethtool", "-K", device, "tso", on, "gso", on,
           "gro", "off")


def wait_for_port():
    for _ in range(600):
        try:
            socket.create_connection((ROUTER, 25), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("HAProxy does not listen")


class Case:
    """The router does what the case says, until close()."""

    def __init__(self, programs, name):
        self.what = CASES[name]
        self.daemon = None
        self.host = DIRECT if "direct" in self.what else SERVER
        load_module("set" in self.what or "policies" in self.what)
        sh("nft", "-f", "-", input="flush ruleset\n" + self.what.get("nft", ""))
        if "set" in self.what:
            sh(SMTPFIXUP, "restore", "-", input="")
            sh(SMTPFIXUP, "set", *self.what["set"])
        if self.what.get("nft"):
            for timeout in ("time_wait", "close"):
                path = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_" + timeout
                write_to(path, "1")
        if self.what.get("haproxy"):
            self.host = ROUTER
            with open("/run/haproxy.cfg", "w", encoding="ascii") as file:
                file.write("defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n"
                           " timeout server 60s\nlisten smtp\n bind :25\n"
                           f" server s {SERVER}:25\n")
            self.daemon = subprocess.Popen(["haproxy", "-db", "-q", "-f", "/run/haproxy.cfg"])
        elif "queue" in self.what.get("nft", ""):
            self.daemon = subprocess.Popen([programs + "/nfqueue"])
        if "policies" in self.what:
            ports = [25] + list(range(1000, 999 + self.what["policies"]))
            sh(SMTPFIXUP, "restore", "-", input="".join(f"set {p} fixup\n" for p in ports))
            sh(SMTPFIXUP, "set", "2525", "fixup")
            self.daemon = subprocess.Popen(
                ["ip", "netns", "exec", "client", programs + "/mail", "idle", SERVER,
                 str(self.what["flows"])], stdout=subprocess.PIPE, text=True)
            if self.daemon.stdout.readline() != "open\n":
                raise RuntimeError("the flows did not open")
        elif self.what.get("haproxy"):
            wait_for_port()
        elif self.daemon:
            time.sleep(0.5)

    def close(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait()


def slabs():
    """Octets of an object of each slab that a connection needs."""
    with open("/proc/slabinfo", encoding="ascii") as file:
        fields = [line.split() for line in file]
    return {line[0]: int(line[3]) for line in fields
            if line[0] in ("smtp_ct_flow", "nf_conntrack")}


def counters():
    """What tells a slow filter from one that has the sender repeat: of the first port."""
    words = ("segments_dropped", "segments_cut", "segments_replayed", "memory_refused")
    found, ports = {}, 0
    with open("/proc/net/smtp_fixup", encoding="ascii") as file:
        for line in file:
            name, _, value = line.strip().partition(" ")
            ports += name == "port"
            if ports > 1:
                break       # there may be 60,000
            if name in words and value != "0":
                found[name] = int(value)
    return found


def run(programs, case, way, processes, units):
    """Units, processor time and time of one load."""
    done = sh("ip", "netns", "exec", "client", programs + "/mail", way, case.host,
              str(processes), str(units), timeout=60)
    return [int(word) for word in done.stdout.split()]


def units_for(programs, name, case, way):
    """How many units take as long as a run is to."""
    _, load, processes, _ = MEASURES[name]
    few = 4_000_000 // processes if load == "data" else 25
    units = few
    # A start that is slow is no measure for what follows
    for _ in range(2 if load == "data" else 1):
        _, cpu, wall = run(programs, case, way, processes, units)
        units = max(few // 2, units * RUN_NS // (cpu or wall))
    return units


def measure_case(programs, name, number, units, case_name, held_against):
    """One run of a case, told unless it failed before."""
    _, load, processes, _ = MEASURES[name]
    key = (name, case_name)
    if units.get(key) == 0:
        return
    told = {"measure": name, "case": case_name, "for": held_against, "round": number}
    way = CASES[case_name].get("way", load) if load == "data" else load
    case = None
    try:
        case = Case(programs, case_name)
        if key not in units:
            units[key] = units_for(programs, name, case, way)
        done, cpu, wall = run(programs, case, way, processes, units[key])
        told.update({"units": done, "cpu": cpu, "wall": wall})
        if "set" in CASES[case_name]:
            told.update(counters())
    except (subprocess.SubprocessError, RuntimeError) as error:
        units[key] = 0
        told["error"] = f"{error}: {getattr(error, 'stderr', '')}"
    finally:
        if case:
            case.close()
    print(json.dumps(told), flush=True)


def measure(programs, name, number, turns, units):
    packets, _, _, cases = MEASURES[name]
    set_packets(packets)
    for case_name in cases[::-1] if number % 2 else cases:
        base = CASES[case_name].get("against")
        if not base:
            continue        # measured with the cases whose baseline it is
        for turn in range(1 if "policies" in CASES[case_name] else turns):
            for which in (base, case_name)[::-1 if turn % 2 else 1]:
                measure_case(programs, name, number, units, which, case_name)


def slab_octets():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Slab:"))


def flows_in_use():
    with open("/proc/slabinfo", encoding="ascii") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("smtp_ct_flow")), None)


def connection_cost(programs, case):
    """Processor time of a connection in ns, beside as many others as there are."""
    costs = []
    for _ in range(5):
        done, cpu, _ = run(programs, case, "connections", 4, 100)
        costs.append(cpu / done)
    return round(sorted(costs)[2])


def forget_connections():
    sh("conntrack", "-F")
    time.sleep(3)       # until RCU has let go of them


def measure_flood(programs):
    """Connections without payload: octets of each, and flow objects of all."""
    case = Case(programs, "esmtp")
    forget_connections()
    before, flows = slab_octets(), flows_in_use()
    sh("ip", "netns", "exec", "client", programs + "/mail", "flood", NOBODY, "0", str(FLOOD),
       timeout=120)
    with open("/proc/sys/net/netfilter/nf_conntrack_count", encoding="ascii") as file:
        tracked = int(file.read())
    found = {"sent": FLOOD, "tracked": tracked, "octets": round((slab_octets() - before) / FLOOD),
             "flows": flows_in_use() - flows}
    case.close()
    return found


def measure_crowds(programs, name):
    """A connection beside 10, 10,000 and 1,000,000 idle ones: cost; octets of these."""
    case = Case(programs, name)
    forget_connections()
    before, flows, sent, costs = slab_octets(), flows_in_use(), 0, []
    for crowd in CROWDS:
        sh("ip", "netns", "exec", "client", "bash", "-c", 'exec "$@" 3</run/netns/server', "mail",
           programs + "/mail", "flows", NOBODY, str(sent), str(crowd - sent), timeout=600)
        sent = crowd
        costs.append(connection_cost(programs, case))
    found = {"costs": costs, "octets": round((slab_octets() - before) / sent),
             "flows": (flows_in_use() or 0) - (flows or 0)}
    case.close()
    return found


def measure_scale(programs):
    for path, text in (("/proc/sys/net/netfilter/nf_conntrack_max", "4000000"),
                       ("/sys/module/nf_conntrack/parameters/hashsize", "1048576"),
                       ("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_syn_sent", "3600")):
        write_to(path, text)
    sh("bash", "-c", "ip neigh replace " + NOBODY + " lladdr 02:00:00:00:00:99 dev veth-rs "
       "nud permanent; ip route add 10.128.0.0/9 via 10.0.1.2")
    print(json.dumps({"flood": measure_flood(programs)}), flush=True)
    print(json.dumps({"crowds": {name: measure_crowds(programs, name)
                                 for name in ("ftp helper", "esmtp")}}), flush=True)


def main():
    machine, programs, names = sys.argv[1], sys.argv[2], sys.argv[6:]
    first, rounds, seconds = [int(word) for word in sys.argv[3:6]]
    end = time.monotonic() + seconds
    if machine != "uml":
        load_others()
    load_module(True)
    build_network()
    with subprocess.Popen(["ip", "netns", "exec", "server", programs + "/mail",
                           "server"]) as server:
        subprocess.Popen(["ip", "netns", "exec", "server", programs + "/mail", "crowd"])
        time.sleep(0.5)
        print(json.dumps({"slabs": slabs(), "kernel": os.uname().release}), flush=True)
        units = {}
        measures = [name for name in names or (COUNTED if machine == "counted" else MEASURES)
                    if name in MEASURES]
        for number in range(first, first + rounds):
            for name in measures:
                if number == first or time.monotonic() < end:
                    measure(programs, name, number, 1 if machine == "counted" else TURNS, units)
        if (not names or "scale" in names) and machine == "uml":
            measure_scale(programs)
        server.kill()


if __name__ == "__main__":
    main()
