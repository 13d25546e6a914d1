#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Requests of generic netlink that nobody would send: every command and attribute
of smtp_fixup.yaml, with wrong lengths, nests, duplicates and truncations, dumps that
are not read, listeners that never read, and namespaces that end meanwhile.

Started by netlink.sh in the guest: netlink.py SECONDS. A refused request changes
nothing; after an accepted one, what save writes gives the same in another namespace.
SEED=N in the environment repeats a run.
"""
import collections
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

from net import Inside, Mismatch, tool
from netlink_spec import Spec
from counting import Counting       # pylint: disable=wrong-import-order

SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
DICE = random.Random(SEED)
REQUEST, MULTI, ACK, DUMP = 1, 2, 4, 0x300
ERROR, DONE, GENERIC, CONTROL = 2, 3, 16, 16
NESTED = 0x8000
SOL_NETLINK, ADD_MEMBERSHIP, CAP_ACK, EXT_ACK, SNDBUFFORCE = 270, 1, 10, 11, 32
OPEN_AT_ONCE = 24   # sockets that are not read

SPEC = Spec()
CHANGES = ("policy-set", "policy-replace")
DUMPS = ("policy-get", "stats-get", "flow-get", "stats-zero")
used = collections.Counter()    # attributes of accepted requests
accepted = collections.Counter()
refused = collections.Counter()


# -- requests ---------------------------------------------------------------

def padded(data):
    return data + bytes(-len(data) % 4)


def attribute(number, data):
    return padded(struct.pack("=HH", min(4 + len(data), 0xffff), number & 0xffff) + data)


def integer(entry, fmt):
    top = SPEC.numbers.get(entry.get("enum"))
    bits = 8 * struct.calcsize("=" + fmt)
    if "flags-mask" in entry.get("checks", {}):
        value = DICE.choice((DICE.getrandbits(top), (1 << top) - 1, 0, 1 << top, 0x7fff))
        if entry["enum"] == "verb" and DICE.random() < 0.8:
            value &= ~(1 << SPEC.enums["verb"].index("starttls"))   # it must agree with tls
    elif top:
        value = DICE.randrange(top) if DICE.random() < 0.95 else DICE.getrandbits(bits)
    else:
        value = DICE.choice((1, 25, 25, 26, 587, DICE.getrandbits(bits), 0, (1 << bits) - 1))
    return struct.pack("=" + fmt, value & (1 << bits) - 1)


def string(entry):
    limit = SPEC.numbers.get(entry.get("checks", {}).get("max-len"), 64)
    kind = DICE.random()
    if kind < 0.7:
        text = bytes(DICE.choice(b"abcXYZ019-.'\"\\ #") for _ in range(DICE.randint(1, limit)))
    elif kind < 0.9:
        text = DICE.randbytes(DICE.randint(0, limit + 2))
    else:
        text = b"x" * DICE.choice((0, 1, limit, limit + 1, 4 * limit))
    return text + bytes(DICE.choice((1, 1, 1, 0, 2)))


def value(entry, depth):
    kind = entry["type"]
    if kind == "nest":
        return nest(entry["nested-attributes"], depth + 1)
    if kind in ("u8", "u16", "u32", "u64"):
        data = integer(entry, {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}[kind])
    elif kind == "string":
        data = string(entry)
    else:
        data = b""
    if DICE.random() < 0.02:
        data = DICE.randbytes(DICE.randrange(12))
    return data


def one(entry, depth):
    number = entry["number"] | (NESTED if entry["type"] == "nest" else 0)
    if DICE.random() < 0.01:
        number ^= DICE.choice((NESTED, 0x4000, 1, 2, 0xff))
    return attribute(number, value(entry, depth))


def ports():
    """A range that makes sense, mostly."""
    entries = SPEC.sets["ports"]
    first = DICE.choice((25, 26, 587, DICE.randrange(1, 60)))
    out = attribute(entries["first"]["number"], struct.pack("=H", first))
    if DICE.random() < 0.6:
        last = first + DICE.choice((0, 1, 9, 1000)) if DICE.random() < 0.95 else 0
        out += attribute(entries["last"]["number"], struct.pack("=H", last))
    return out


def nest(name, depth):
    if depth > 6:
        return b""
    if name == "ports" and DICE.random() < 0.9:
        return ports()
    if name == "policy":
        return policy(depth)
    entries = list(SPEC.sets[name].values())
    if name == "limit":
        chosen = [e for e in entries if DICE.random() < 0.95]
    else:
        chosen = DICE.choices(entries, k=DICE.choice((0, 1, 1, 2, 3)))
    return b"".join(one(e, depth) for e in chosen)


# No pattern matches anything: one state, which leads nowhere.
TABLE = struct.pack("<HH256xBHH", 1, 1, 0, 0, 0)


def criteria():
    """(matches, tables) that belong together."""
    match = {name: a["number"] for name, a in SPEC.sets["match"].items()}
    chosen = DICE.sample(("helo", "sender", "recipient"), DICE.choice((1, 2, 3)))
    matches = tables = b""
    for what in chosen:
        for _ in range(DICE.choice((1, 1, 2))):
            one_match = [attribute(match["what"], bytes([SPEC.enums["what"].index(what)])),
                         attribute(match["action"], bytes([DICE.choice((1, 1, 3, 4))])),
                         attribute(match["patterns"], DICE.choice((b"a", b"a@b,c*")) + b"\0")]
            if DICE.random() < 0.3:
                one_match.append(attribute(match["not"], b""))
            matches += attribute(SPEC.sets["matches"]["match"]["number"] | NESTED,
                                 b"".join(one_match))
        tables += attribute(SPEC.sets["tables"][what]["number"], TABLE)
    return matches, tables


OPTIONS = [n for n in SPEC.requests["policy-set"] if n not in ("ports", "mode")]


def policy(depth=0, extra=None):
    """What a set has: mostly one that makes sense, with a few options."""
    entries = SPEC.sets["main"]
    names = ["ports"] * DICE.choice((1, 1, 1, 2, 5))
    if DICE.random() < 0.97:
        names.append("mode")
    extra = extra or DICE.sample(OPTIONS, DICE.choice((0, 1, 1, 2, 2, 3, 6)))
    if "banner-text" in extra and DICE.random() < 0.9:
        extra = [n for n in extra if n != "banner"]
    names += extra
    if DICE.random() < 0.03:
        names += DICE.choices(list(entries), k=2)
    DICE.shuffle(names)
    out = []
    belong = criteria() if DICE.random() < 0.8 and {"matches", "tables"} & set(names) else None
    if belong:
        names = [n for n in names if n not in ("matches", "tables")] + ["matches", "tables"]
    for name in names:
        if belong and name in ("matches", "tables"):
            out.append(attribute(entries[name]["number"] | NESTED, belong[name == "tables"]))
            continue
        if name == "banner-text" and "banner" not in names:
            out.append(attribute(entries["banner"]["number"], b"\3"))
        out.append(one(entries[name], depth))
    if DICE.random() < 0.03:
        out.append(DICE.choice(out))
    return b"".join(out)


def deep():
    """Nests in nests, as many as a message holds."""
    data = b""
    number = DICE.choice((SPEC.sets["main"]["policy"], SPEC.sets["main"]["limits"],
                          SPEC.sets["main"]["ports"]))["number"] | NESTED
    for _ in range(DICE.choice((3, 12, 2000))):
        data = attribute(number, data)
    return data


def body(name):
    kind = DICE.random()
    if kind < 0.02:
        return deep()
    if kind < 0.04:
        return DICE.randbytes(DICE.randrange(200))
    if kind < 0.05:
        # Many and empty: all that one datagram holds
        return attribute(SPEC.sets["main"]["policy"]["number"] | NESTED, b"") * 20000
    if name == "policy-set":
        return policy()
    entries = SPEC.sets["main"]
    if name == "policy-replace":
        return b"".join(one(entries["policy"], 0) for _ in range(DICE.choice((0, 1, 2, 5))))
    if name == "flush":
        return b"".join(one(entries["ports"], 0) for _ in range(DICE.choice((0, 1, 3))))
    return policy() if DICE.random() < 0.1 else b""


def damaged(data):
    """Cut, longer, or with octets changed."""
    data = bytearray(data)
    for _ in range(DICE.choice((1, 1, 2, 4))):
        kind = DICE.randrange(4)
        if kind == 0 and data:
            del data[DICE.randrange(len(data)):]
        elif kind == 1:
            data += DICE.randbytes(DICE.randrange(1, 9))
        elif data:
            # Lengths of attributes, more often than not
            at = DICE.randrange(0, len(data), 4) if kind == 2 else DICE.randrange(len(data))
            data[at] = DICE.choice((0, 1, 3, 4, 5, 0xff, DICE.getrandbits(8)))
    return bytes(data)


def directed():
    """(command, flags to be turned, data): each command as it is never accepted, each
    option until it is, and more policies than there can be."""
    for name in SPEC.commands:
        if name != "event":
            yield name, DUMP, body(name)
    for name in SPEC.commands:
        if name != "event":
            yield name, 0, policy() if name in CHANGES[:1] else b""
    for option in OPTIONS:
        for _ in range(500):
            if not used["main", option]:
                yield "policy-set", 0, policy(extra=[option])
    yield "policy-replace", 0, attribute(
        SPEC.sets["main"]["policy"]["number"] | NESTED, b"") * 7700000


def message(family, command, flags, seq, data):
    return struct.pack("=IHHII", 20 + len(data), family, flags, seq, 0) + \
        struct.pack("=BBH", command, 1, 0) + data


# -- the other side ---------------------------------------------------------

class Netlink:
    """A socket in that namespace."""

    def __init__(self, namespace="router"):
        with Inside(namespace):
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, GENERIC)
        self.sock.settimeout(20)
        self.sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, CAP_ACK, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SNDBUFFORCE, 1 << 26)
        self.seq = 100

    def close(self):
        self.sock.close()

    def family(self):
        """(number of the family, number of its group of events)"""
        self.sock.send(message(CONTROL, 3, REQUEST, 1, attribute(2, b"smtp_fixup\0")))
        answer = self.sock.recv(65536)
        top = attributes(answer[20:struct.unpack_from("=I", answer)[0]])
        group = attributes(next(iter(attributes(top[7]).values())))
        return struct.unpack("=H", top[1])[0], struct.unpack("=I", group[2])[0]

    def ask(self, data):
        """Send it; what came until a request behind it was answered, and a dump that was
        begun had ended: [(type, seq, payload)]."""
        self.seq += 1
        mark = self.seq | 0x40000000
        try:
            self.sock.send(data)
        except OSError:
            return []
        self.sock.send(message(CONTROL, 3, REQUEST | ACK, mark, attribute(2, b"nlctrl\0")))
        found = []
        answered = dumping = False
        while dumping or not answered:
            got = self.sock.recv(1 << 20)
            while len(got) >= 16:
                length, kind, flags, seq, _ = struct.unpack_from("=IHHII", got)
                if seq == mark:
                    answered |= kind == ERROR
                else:
                    dumping = bool(flags & MULTI) and kind != DONE
                    found.append((kind, seq, got[16:length]))
                got = got[length + 3 & ~3:]
        return found


def in_force(netlink, family):
    """The policies, as the kernel tells them."""
    return [payload for kind, _, payload in netlink.ask(message(
        family, SPEC.commands["policy-get"], REQUEST | ACK | DUMP, 5, b"")) if kind == family]


def attributes(data):
    found = {}
    while len(data) >= 4:
        length, number = struct.unpack_from("=HH", data)
        found[number & 0x3fff] = data[4:length]
        data = data[length + 3 & ~3:]
    return found


class Unread:
    """Sockets with a dump begun, or in the group of events, that are not read on."""

    def __init__(self):
        self.open = collections.deque()

    def add(self, family, group):
        namespace = DICE.choice(("router", "client"))
        netlink = Netlink(namespace)
        netlink.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        if DICE.random() < 0.3:
            netlink.sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
        else:
            command = SPEC.commands[DICE.choice(DUMPS)]
            netlink.sock.send(message(family, command, REQUEST | DUMP, 7, b""))
            for _ in range(DICE.choice((0, 1, 2))):
                netlink.sock.setblocking(False)
                try:
                    netlink.sock.recv(DICE.choice((1, 16, 4096)))
                except BlockingIOError:
                    break
        self.open.append(netlink)
        while len(self.open) > OPEN_AT_ONCE:
            self.open.popleft().close()

    def close(self):
        while self.open:
            self.open.popleft().close()


def namespace_ends(family, group):
    """One with a policy, an unread dump and a listener; its sockets outlive its name."""
    subprocess.run(["ip", "netns", "add", "doomed"], check=True)
    tool("restore", "/tmp/many", namespace="doomed")
    listener, dump = Netlink("doomed"), Netlink("doomed")
    listener.sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
    dump.sock.send(message(family, SPEC.commands["policy-get"], REQUEST | DUMP, 7, b""))
    subprocess.run(["ip", "netns", "delete", "doomed"], check=True)
    for _ in range(3):
        dump.sock.recv(65536)
    dump.ask(message(family, SPEC.commands["policy-set"], REQUEST | ACK, 9, policy()))
    for netlink in (dump, listener):
        netlink.close()


def talk(stop):
    """Events: sessions with a blocked command, over and over, on loopback."""
    with Inside("router"):
        listener = socket.create_server(("127.0.0.1", 25))
    listener.settimeout(2)
    while not stop.is_set():
        try:
            with Inside("router"):
                client = socket.create_connection(("127.0.0.1", 25), timeout=2)
            server = listener.accept()[0]
            server.send(b"220 ready\r\n")
            client.send(b"FROB x\r\n" * 50)
            server.settimeout(2)
            server.recv(4096)
            client.close()
            server.close()
        except OSError:
            pass
        stop.wait(0.2)
    listener.close()


def names_used(data, which):
    entries = {e["number"]: e for e in SPEC.sets[which].values()}
    for number, content in attributes(data).items():
        if number in entries:
            used[which, entries[number]["name"]] += 1
            if entries[number]["type"] == "nest":
                names_used(content, entries[number]["nested-attributes"])


def meaning(policies):
    """What was dumped, without the order of setting."""
    return sorted(tuple(sorted((number, value) for number, value in attributes(p[4:]).items()
                               if number != SPEC.sets["main"]["serial"]["number"]))
                  for p in policies)


def round_trip(data, family, here, there):
    """save, restore in another namespace: the dumps are equal, and what save writes,
    where the order of setting shows, every now and then."""
    saved = tool("save")
    with open("/tmp/saved", "w", encoding="ascii") as file:
        file.write(saved)
    tool("restore", "/tmp/saved", namespace="client")
    dumps = [meaning(in_force(netlink, family)) for netlink in (here, there)]
    again = tool("save", namespace="client") if DICE.random() < 0.2 else saved
    if dumps[0] != dumps[1] or again != saved:
        raise Mismatch("after %s\nsaved\n%s\nrestored in another namespace\n%s\n"
                       "dumped here only\n%r\nthere only\n%r" %
                       (data.hex(), saved, again, [p for p in dumps[0] if p not in dumps[1]],
                        [p for p in dumps[1] if p not in dumps[0]]))


def unprivileged(family, seconds):
    """The same from a user without rights: nothing that changes anything is accepted."""
    child = os.fork()
    if child:
        return child
    try:
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        os.nice(10)
        DICE.seed(SEED + 1)
        end = time.monotonic() + seconds
        netlink = Netlink.__new__(Netlink)
        netlink.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, GENERIC)
        netlink.sock.settimeout(20)
        netlink.seq = 0
        while time.monotonic() < end:
            name = DICE.choice(list(SPEC.commands))
            flags = REQUEST | ACK | (DUMP if name in DUMPS else 0)
            answers = netlink.ask(message(family, SPEC.commands[name], flags, 5, body(name)))
            if name in CHANGES + ("flush", "stats-zero", "flow-get"):
                for kind, _, payload in answers:
                    if kind != ERROR or not struct.unpack_from("=i", payload)[0]:
                        raise Mismatch("%s is not refused" % name)
            time.sleep(0.02)
        os._exit(0)
    except BaseException:   # pylint: disable=broad-except
        traceback.print_exc()
        os._exit(3)


def anything(family):
    name = DICE.choices(list(SPEC.commands), [8, 2, 2, 1, 1, 5, 1, 1])[0]
    command = SPEC.commands[name]
    if DICE.random() < 0.01:
        command = DICE.getrandbits(8)
    flags = REQUEST | ACK | (DUMP if name in DUMPS else 0)
    if DICE.random() < 0.03:
        flags = DICE.getrandbits(16) | REQUEST
    data = body(name)
    if DICE.random() < 0.15:
        data = damaged(data)
    request = message(family, command, flags, 5, data)
    if DICE.random() < 0.03:
        request = damaged(request)
    return name, command, flags, data, request[:200000]


def covered():
    """Is there nothing of which the tests at the end would say never?"""
    return all(used["main", name] for name in SPEC.requests["policy-set"]) and \
        all(accepted[name] and refused[name] for name in SPEC.commands if name != "event")


def fuzz(seconds):
    """For @seconds; on a slow machine until all is covered, six times as long at most."""
    netlink, elsewhere = Netlink(), Netlink("client")
    family, group = netlink.family()
    unread = Unread()
    with open("/tmp/many", "w", encoding="ascii") as file:
        for port in range(1, 2000, 2):
            file.write("set %d esmtp banner text 'a text that takes room %d'\n" % (port, port))
    stop = threading.Event()
    talker = threading.Thread(target=talk, args=(stop,), daemon=True)
    talker.start()
    print("# seed %d" % SEED, flush=True)
    nobody = unprivileged(family, seconds / 2)
    end = count = 0
    before = None
    first = directed()
    while not end or time.monotonic() < end or \
            (time.monotonic() < end + 5 * seconds and not covered()):
        count += 1
        name, turned, data = next(first, (None, 0, b""))
        if name:
            command = SPEC.commands[name]
            flags = (REQUEST | ACK | (DUMP if name in DUMPS else 0)) ^ turned
            request = message(family, command, flags, 5, data)
        else:
            if not end:
                end = time.monotonic() + seconds
                print("# seed %d: %d requests in order, from now on at random" %
                      (SEED, count), flush=True)
            name, command, flags, data, request = anything(family)
        answers = netlink.ask(request)
        done = [struct.unpack_from("=i", payload)[0] for kind, _, payload in answers
                if kind == ERROR] + \
               [0 for kind, _, _ in answers if kind == DONE]
        good = 0 in done
        (accepted if good else refused)[name] += 1
        if good:
            names_used(data, "main")
        if name in CHANGES and command == SPEC.commands[name]:
            if good:
                round_trip(request, family, netlink, elsewhere)
                before = None
            elif before is not None and in_force(netlink, family) != before:
                raise Mismatch("a refused request changed something: %s" % request.hex())
        elif good:
            before = None
        before = before or in_force(netlink, family)
        if len(before) > 100:
            tool("restore", "/dev/null")
            before = in_force(netlink, family)
        if DICE.random() < 0.1:
            unread.add(family, group)
        if count % 50 == 0:
            print("# %d requests" % count, flush=True)
        if count % 300 == 0:
            namespace_ends(family, group)
        if count % 97 == 0:
            tool("restore", "/tmp/many", namespace="client")
    stop.set()
    talker.join()
    unread.close()
    for each in (netlink, elsewhere):
        each.close()
    status = os.waitpid(nobody, 0)[1]
    print("# seed %d: %d requests; accepted %s; refused %s" %
          (SEED, count, dict(accepted), dict(refused)))
    if status:
        raise Mismatch("an unprivileged user: status %d" % status)


def main():
    count = Counting()
    try:
        fuzz(float(sys.argv[1]))
        why = None
    except (Mismatch, OSError) as error:
        why = "seed %d: %s: %s\n%s" % (SEED, type(error).__name__, error, traceback.format_exc())
    count.result("requests: refused ones change nothing, accepted ones can be saved and restored", why)
    for name in SPEC.commands:
        if name != "event":
            count.result("%s: accepted, and refused" % name,
                   None if accepted[name] and refused[name] else
                   "accepted %d, refused %d" % (accepted[name], refused[name]))
    for name in SPEC.requests["policy-set"]:
        count.result("%s: in an accepted request" % name,
               None if used["main", name] else "never")
    return count.finish()


if __name__ == "__main__":
    sys.exit(main())
