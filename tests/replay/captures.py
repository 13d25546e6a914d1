# SPDX-License-Identifier: GPL-2.0-only
"""Captures made octet by octet, and read again: no library between them and the file."""
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ETHERNET, RAW, LOOP, NULL, SLL, SLL2, IPV4, IPV6 = 1, 101, 108, 0, 113, 276, 228, 229


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packed(address):
    return ipaddress.ip_address(address).packed


def tcp(source, target, sport, dport, seq, ack, flags, data=b"", options=b"", urg=0, good=True):
    """A segment with its checksum."""
    options += b"\1" * (-len(options) % 4)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       (20 + len(options)) // 4 << 4, flags, 65535, 0, urg) + options
    pseudo = packed(source) + packed(target) + struct.pack("!II", len(head + data), 6)
    total = checksum(pseudo + head + data) if good else 0xdead
    return head[:16] + struct.pack("!H", total) + head[18:] + data


def ip4(source, target, payload, ident=1, offset=0, more=False, length=None, proto=6):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload) if length is None else length,
                       ident, (0x2000 if more else 0) | offset // 8, 64, proto, 0)
    head += packed(source) + packed(target)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(source, target, payload, extension=b"", proto=6, length=None):
    """@extension: headers whose first octet names what follows; proto names the first."""
    size = len(extension + payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, size, proto, 64) + packed(source) + packed(target) + \
        extension + payload


def link(kind, packet, tags=()):
    """@tags: pairs of a VLAN's type and number."""
    ethertype = 0x86dd if packet[0] >> 4 == 6 else 0x0800
    types = [t for t, _ in tags] + [ethertype]
    vlans = b"".join(struct.pack("!HH", number, following)
                     for (_, number), following in zip(tags, types[1:]))
    if kind == ETHERNET:
        return b"\2\0\0\0\0\2\2\0\0\0\0\1" + struct.pack("!H", types[0]) + vlans + packet
    if kind == SLL:
        return struct.pack("!HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1", types[0]) + vlans + packet
    if kind == SLL2:
        return struct.pack("!HHIHBB8s", types[0], 0, 1, 1, 0, 6, b"\2\0\0\0\0\1") + vlans + packet
    if kind == NULL:
        return struct.pack("=I", 30 if ethertype == 0x86dd else 2) + packet
    if kind == LOOP:
        return struct.pack("!I", 24 if ethertype == 0x86dd else 2) + packet
    return packet


def pcap(path, frames, kind=ETHERNET, snap=262144, nano=False, big=False):
    """@frames: (seconds, octets)"""
    order = ">" if big else "<"
    with open(path, "wb") as file:
        file.write(struct.pack(order + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4,
                               2, 4, 0, 0, snap, kind))
        for when, data in frames:
            part = round(when % 1 * 1e6) * (1000 if nano else 1)
            file.write(struct.pack(order + "IIII", int(when), part, min(snap, len(data)),
                                   len(data)) + data[:snap])


def pcapng(path, frames, kind=ETHERNET, interfaces=1):
    def block(number, body):
        body += b"\0" * (-len(body) % 4)
        size = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", number) + size + body + size
    with open(path, "wb") as file:
        file.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for _ in range(interfaces):
            file.write(block(1, struct.pack("<HHI", kind, 0, 262144)))
        for number, (when, data) in enumerate(frames):
            stamp = int(when * 1e6)
            file.write(block(6, struct.pack("<IIIII", number % interfaces, stamp >> 32,
                                            stamp & 0xffffffff, len(data), len(data)) + data))


def read(path):
    """(seconds, octets, length) of each packet of what -w has written."""
    with open(path, "rb") as file:
        data = file.read()
    magic = struct.unpack("<I", data[:4])[0]
    assert magic == 0xa1b23c4d, hex(magic)
    kind = struct.unpack("<I", data[20:24])[0]
    at, found = 24, []
    while at < len(data):
        seconds, nano, cap, size = struct.unpack("<IIII", data[at:at + 16])
        found.append((seconds + nano / 1e9, data[at + 16:at + 16 + cap], size))
        at += 16 + cap
    return kind, found


class Segment:
    """A TCP segment as it stands in a frame; wrong names what does not add up."""

    HEADERS = {ETHERNET: 14, SLL: 16, SLL2: 20, RAW: 0, IPV4: 0, IPV6: 0, NULL: 4, LOOP: 4}

    def __init__(self, kind, frame):
        at, self.wrong = self.HEADERS[kind], []
        if kind in (ETHERNET, SLL):
            ethertype = struct.unpack("!H", frame[at - 2:at])[0]
            while ethertype in (0x8100, 0x88a8, 0x9100, 0x9200):
                ethertype = struct.unpack("!H", frame[at + 2:at + 4])[0]
                at += 4
        ip = frame[at:]
        self.family = ip[0] >> 4
        if self.family == 4:
            header, total = (ip[0] & 15) * 4, struct.unpack("!H", ip[2:4])[0]
            if total and total != len(ip):
                self.wrong.append("IP length %d of %d" % (total, len(ip)))
            if checksum(ip[:header]):
                self.wrong.append("IP checksum")
            self.source, self.target = ip[12:16], ip[16:20]
        else:
            header, total, proto = 40, struct.unpack("!H", ip[4:6])[0], ip[6]
            if total and total != len(ip) - 40:
                self.wrong.append("IPv6 length %d of %d" % (total, len(ip) - 40))
            while proto != 6:
                proto, size = ip[header], (ip[header + 1] + 1) * 8
                header += size
            self.source, self.target = ip[8:24], ip[24:40]
        segment = ip[header:]
        pseudo = self.source + self.target + struct.pack("!II", len(segment), 6)
        if checksum(pseudo + segment):
            self.wrong.append("TCP checksum")
        (self.sport, self.dport, self.seq, self.ack, offset, self.flags, _, _,
         self.urg) = struct.unpack("!HHIIBBHHH", segment[:20])
        self.options = segment[20:(offset >> 4) * 4]
        self.data = segment[(offset >> 4) * 4:]


class Talk:
    """A connection being captured: c() and s() are what the ends say."""

    def __init__(self, kind=ETHERNET, family=4, ports=(4242, 25), isn=(1000, 5000), start=1.7e9,
                 mss=1460, wrap=None, good=True):
        self.kind, self.family, self.ports, self.mss, self.good = kind, family, ports, mss, good
        self.hosts = ("10.0.0.1", "10.0.0.2") if family == 4 else ("fd00::1", "fd00::2")
        self.next, self.now, self.frames = list(isn), start, []
        self.wrap = wrap or (lambda packet: [link(kind, packet)])

    def packet(self, who, flags, data=b"", seq=None, ack=None, options=b"", urg=0, tick=0.001,
               **more):
        """Captured: a packet of who (0 client, 1 server), at the place it is told."""
        source, target = self.hosts[who], self.hosts[1 - who]
        sport, dport = self.ports[who], self.ports[1 - who]
        segment = tcp(source, target, sport, dport, self.next[who] if seq is None else seq,
                      (self.next[1 - who] if ack is None else ack) if flags & ACK else 0,
                      flags, data, options, urg, self.good)
        build = ip4 if self.family == 4 else ip6
        for frame in self.wrap(build(source, target, segment, **more)):
            self.frames.append((self.now, frame))
        self.now += tick

    def say(self, who, data, flags=PSH | ACK, **more):
        self.packet(who, flags, data, **more)
        self.next[who] += len(data) + bool(flags & (SYN | FIN))

    def c(self, data, **more):
        self.say(0, data, **more)

    def s(self, data, **more):
        self.say(1, data, **more)

    def open(self):
        mss = struct.pack("!BBH", 2, 4, self.mss)
        self.say(0, b"", SYN, options=mss)
        self.say(1, b"", SYN | ACK, options=mss)
        self.packet(0, ACK)
        return self

    def close(self):
        self.say(0, b"", FIN | ACK)
        self.say(1, b"", FIN | ACK)
        self.packet(0, ACK)
        return self


def streams(path, port=25):
    """What each side sent in what was written, in order, and what is wrong with it.

    {client's port: (client's octets, server's octets)}, [complaints]
    """
    kind, frames = read(path)
    pieces, starts, wrong = {}, {}, []
    for number, (_, frame, _) in enumerate(frames, 1):
        segment = Segment(kind, frame)
        wrong += ["packet %d: %s" % (number, text) for text in segment.wrong]
        if port not in (segment.sport, segment.dport):
            continue
        client = segment.sport if segment.dport == port else segment.dport
        key = client, segment.dport != port
        if segment.flags & SYN:
            starts.setdefault(key, segment.seq + 1)
            continue
        if not segment.data:
            continue
        pieces.setdefault(key, []).append((segment.seq, segment.data))
    found = {}
    for key, all_of_it in pieces.items():
        stream, have = {}, 0
        for seq, data in all_of_it:
            at = (seq - starts.get(key, all_of_it[0][0])) & 0xffffffff
            for offset, octet in enumerate(data, at):
                # H4: what was ACKed comes again as octets that mean nothing
                if stream.setdefault(offset, octet) != octet and octet != ord("*"):
                    wrong.append("octet %d of %r leaves as %d and as %d" % (
                        offset, key, stream[offset], octet))
        while have in stream:
            have += 1
        if have != len(stream):
            wrong.append("%r has a hole at %d of %d" % (key, have, len(stream)))
        found.setdefault(key[0], [b"", b""])[key[1]] = bytes(stream[n] for n in range(have))
    return {client: tuple(both) for client, both in found.items()}, wrong
