# SPDX-License-Identifier: GPL-2.0-only
"""Runs user-mode Linux and tells it the processor time that it has used.

uml-clock.py SECONDS LINUX ARG...

Processor time is what a measurement on a busy machine can go by. It is that
of all processes of the session: user space in user-mode Linux runs in
processes of its own. Those that have ended are not in the sum. All of it runs on
one processor: it has no use for more, and where the host moves its processes from
one to another, each turn of theirs costs twice as much or not, by chance.
"""

import glob
import os
import select
import signal
import socket
import subprocess
import sys
import time


def session(stat):
    """The session of a process, from its /proc/PID/stat."""
    return int(stat.rpartition(")")[2].split()[3])


def processor_time(sid):
    """Nanoseconds that all tasks of the session have run."""
    total = 0
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="latin-1") as file:
                if session(file.read()) != sid:
                    continue
            for task in glob.glob(os.path.dirname(stat) + "/task/*/schedstat"):
                with open(task, encoding="ascii") as file:
                    total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def on_one_processor():
    """For the process that is about to be LINUX, and all of its own."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main():
    limit = time.monotonic() + float(sys.argv[1])
    ours, theirs = socket.socketpair()
    os.set_inheritable(theirs.fileno(), True)
    command = sys.argv[2:] + ["ssl=null", f"ssl0=fd:{theirs.fileno()}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False,
                          start_new_session=True, preexec_fn=on_one_processor) as process:
        theirs.close()
        waiting = b""
        while process.poll() is None:
            left = limit - time.monotonic()
            if left <= 0:
                os.killpg(process.pid, signal.SIGKILL)
                return "no answer in time"
            if not select.select([ours], [], [], min(left, 1))[0]:
                continue
            got = ours.recv(4096)
            if not got:
                break
            waiting += got
            while b"\n" in waiting:
                waiting = waiting.partition(b"\n")[2]
                ours.sendall(b"%d\n" % processor_time(process.pid))
    return 0


sys.exit(main())
