#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""An SMTP server that counts the mails it gets by the SHA-256 of their bytes.

    sink.py PORT REPORT

listens on every address; on SIGTERM it writes REPORT, as JSON:
{"mails": {SHA-256 of what came between 354 and the dot: how often},
 "refused": [command lines it did not know]}
(smtp-sink -d would do but for a slip at the edges of its read buffer.)
"""
import asyncio
import collections
import hashlib
import json
import signal
import sys

MAILS = collections.Counter()
REFUSED = []
ANSWERS = {
    b"HELO": b"250 sink.example\r\n",
    b"EHLO": b"250-sink.example\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
}


async def session(reader, writer):
    writer.write(b"220 sink.example ESMTP\r\n")
    try:
        while True:
            line = await reader.readuntil(b"\r\n")
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go\r\n")
                body = await reader.readuntil(b"\r\n.\r\n")
                MAILS[hashlib.sha256(body[:-3]).hexdigest()] += 1
                writer.write(b"250 2.0.0 Ok\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                break
            else:
                if verb not in ANSWERS:
                    REFUSED.append(line.decode("latin-1"))
                writer.write(ANSWERS.get(verb, b"500 5.5.2 unrecognized\r\n"))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main(port, report):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.start_server(session, ["0.0.0.0", "::"], port, limit=1 << 23, backlog=100)
    await stop.wait()
    with open(report, "w", encoding="ascii") as file:
        json.dump({"mails": MAILS, "refused": REFUSED}, file)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
