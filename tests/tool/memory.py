#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What restore keeps of a file: its peak memory, without a module to send it to.

memory.py SMTPFIXUP: a build without sanitizers, whose shadow would be counted.
"""
import os
import sys
import tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from counting import Counting    # noqa: E402  pylint: disable=wrong-import-position

FILE = 32 << 20     # the longest that restore reads
LINES = 65536       # the most that set a policy


def every_port(text):
    return b"".join(b"set %d %s\n" % (port, text) for port in range(1, LINES))


# Name, the file, what stderr has, MiB at most: the file itself, and 1 KiB for each
# policy and its ports; tables of patterns have up to 4 KiB more.
FILES = (
    ("32 MiB of short lines", lambda: (b"set 25 fixup\n" * FILE)[:FILE],
     "more than 65536 lines that set a policy", 32 + 64),
    ("32 MiB of empty lines", lambda: b"\n" * FILE, "is not loaded", 32 + 32),
    ("32 MiB of comments", lambda: b"#\n" * (FILE // 2), "is not loaded", 32 + 32),
    ("32 MiB without a line end", lambda: b"x" * FILE, "can't begin a line", 32 + 32),
    ("a policy for each port", lambda: every_port(b"fixup"), "is not loaded", 1 + 64),
    ("a policy with a text for each port",
     lambda: every_port(b"esmtp banner text '%s'" % (b"x" * 200)), "is not loaded", 15 + 64),
    ("10000 lines with a match", lambda: b"set 25 esmtp match sender a log\n" * 10000,
     "is not loaded", 10 + 40),
    ("more than 32 MiB", lambda: b"\n" * (FILE + 1), "longer than 32 MiB", 32 + 32),
)


def peak(program, name, output):
    """(status, MiB) of restore."""
    child = os.fork()
    if not child:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        os.execv(program, [program, "restore", name])
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss >> 10


def main():
    count = Counting()
    for title, text, said, limit in FILES:
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryFile() as output:
            file.write(text())
            file.flush()
            status, used = peak(sys.argv[1], file.name, output)
            output.seek(0)
            words = output.read().decode()
        good = status == 1 and said in words and used <= limit
        count.result("restore: %s: %d MiB, %d at most" % (title, used, limit),
                     None if good else "status %d: %s" % (status, words))
    return count.finish()


if __name__ == "__main__":
    sys.exit(main())
