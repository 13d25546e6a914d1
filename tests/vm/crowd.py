#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Many greeted connections in a network namespace of an unprivileged user.

    unshare --user --map-root-user --net crowd.py N [forget]

Prints how many of N clients were greeted, and keeps the connections until its
input ends. forget: takes the conntrack helper from them first, as ctnetlink lets
one do. Linux 7.2 refuses, and they keep it.
"""
import errno
import select
import socket
import struct
import subprocess
import sys

NETLINK_NETFILTER = 12
NLM_F_REQUEST_ACK = 5
CT_NEW = 1 << 8             # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW
NESTED = 0x8000
LOCALHOST = socket.inet_aton("127.0.0.1")
SETTLED = 2                 # s without another greeting


def attr(number, value):
    return struct.pack("HH", 4 + len(value), number) + value + b"\0" * (-len(value) % 4)


def nest(number, *values):
    return attr(number | NESTED, b"".join(values))


def forget(netlink, port):
    """The connection from there has no helper any more."""
    addresses = nest(1, attr(1, LOCALHOST), attr(2, LOCALHOST))
    ports = nest(2, attr(1, bytes((socket.IPPROTO_TCP,))), attr(2, struct.pack("!H", port)),
                 attr(3, struct.pack("!H", 25)))
    message = (struct.pack("BBH", socket.AF_INET, 0, 0) + nest(1, addresses, ports) +
               nest(5, attr(1, b"\0")))
    netlink.send(struct.pack("IHHII", 16 + len(message), CT_NEW, NLM_F_REQUEST_ACK, 0, 0) +
                 message)
    error = struct.unpack_from("i", netlink.recv(4096), 16)[0]
    if error and -error != errno.EOPNOTSUPP:
        sys.exit("ctnetlink says %d" % error)


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["smtpfixup", "set", "25", "fixup"], check=True)
    listener = socket.create_server(("127.0.0.1", 25), backlog=64)
    clients, servers = {}, []
    poll = select.poll()
    for _ in range(int(sys.argv[1])):
        client = socket.create_connection(("127.0.0.1", 25))
        servers.append(listener.accept()[0])
        servers[-1].send(b"220 mx\r\n")
        clients[client.fileno()] = client
        poll.register(client, select.POLLIN)
    greeted = 0
    while ready := poll.poll(SETTLED * 1000):
        for number, _ in ready:
            poll.unregister(number)
        greeted += len(ready)
    if "forget" in sys.argv:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        netlink.bind((0, 0))
        for client in clients.values():
            forget(netlink, client.getsockname()[1])
    print(greeted, flush=True)
    sys.stdin.read()
    # By RST: what waits for its end would keep the namespace for minutes
    for sock in (*clients.values(), *servers):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


if __name__ == "__main__":
    main()
