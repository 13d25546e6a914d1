#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs what docs/without-module.md shows: each output there is what comes out.

A block that begins with "$" is of commands and what they print, one with ">>>"
of Python, one with a year of what the relay has printed since. What follows
"This is `NAME`:" is a file. Times and the clients' ports differ, and the ports
2525 and 2526 are others here. A line "..." stands for any.

Usage: docs.py PROGRAM
"""
import contextlib
import doctest
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "../..")
sys.path.append(os.path.join(HERE, ".."))
from counting import Counting    # noqa: E402  pylint: disable=wrong-import-position
DOC = os.path.join(TOP, "docs/without-module.md")
NPM = os.path.join(os.environ.get("MTA") or
                   os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache") +
                   "/smtpfixup/mail", "npm/node_modules")
CHECKER = doctest.OutputChecker()


def free_port(first):
    """One that the kernel gives to no connection: below ip_local_port_range."""
    for port in range(first, first + 1000):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                sock.bind(("127.0.0.1", port))
                return str(port)
    raise OSError("no port is free from %d to %d" % (first, port))


PORTS = {"2525": free_port(12000), "2526": free_port(13000)}


def ported(text):
    return re.sub(r"\b(2525|2526)\b", lambda m: PORTS[m.group()], text)


def plain(text):
    """Without what differs each time."""
    text = re.sub(r"^\d{4}-\d\d-\d\d [\d:.]+", "TIME", text, flags=re.M)
    return re.sub(r" [\d.]+:\d+ > ", " CLIENT > ", text)


def same(want, got):
    return CHECKER.check_output(plain(ported(want)), plain(got), doctest.ELLIPSIS)


class Run:
    """The page, from its first block to its last."""

    def __init__(self, folder, program):
        self.folder, self.names, self.jobs = folder, {}, []
        self.relay, self.heard = None, 0
        tools = os.path.join(folder, "bin")
        os.mkdir(tools)
        os.symlink(os.path.abspath(program), os.path.join(tools, "smtpfixup"))
        sink = shutil.which("smtp-sink", path=os.environ["PATH"] + ":/usr/sbin")
        with open(os.path.join(tools, "smtp-sink"), "w", encoding="ascii") as file:
            # It wants to give up its rights
            file.write("#!/bin/sh\nexec %s %s \"$@\"\n" %
                       (sink, "" if os.geteuid() else "-u nobody"))
        os.chmod(file.name, 0o755)
        self.env = dict(os.environ, PATH=tools + ":" + os.environ["PATH"], TZ="UTC", LC_ALL="C",
                        NODE_PATH=NPM)

    def start(self, words):
        log = open(os.path.join(self.folder, "log%d" % len(self.jobs)), "w+b")
        job = subprocess.Popen(words, cwd=self.folder, env=self.env, stdout=log,
                               stderr=subprocess.STDOUT)
        self.jobs.append((job, log))
        return log

    def end(self):
        for job, log in self.jobs:
            job.terminate()
            job.wait(10)
            log.close()
        self.jobs = []

    def relay_said(self, lines):
        """What it has printed since, when there are so many lines."""
        for _ in range(100):
            self.relay.flush()
            with open(self.relay.name, encoding="utf8") as file:
                file.seek(self.heard)
                got = file.read()
            if got.count("\n") >= lines:
                break
            time.sleep(0.1)
        self.heard += len(got)
        return got

    def command(self, line, want):
        words = shlex.split(ported(line).rstrip("&"))
        if words[0] == "node" and not os.path.isdir(NPM + "/nodemailer"):
            print("      nodemailer is not here (tests/vm/servers fetches it): left out")
            return want
        if words[:2] == ["smtpfixup", "relay"]:
            if self.relay:
                self.jobs[-1][0].terminate()
                self.jobs[-1][0].wait(10)
            self.relay, self.heard = self.start(words), 0
            return self.relay_said(want.count("\n"))
        if line.endswith("&"):
            self.start(words)
            for _ in range(100):
                with socket.socket() as sock:
                    if not sock.connect_ex(("127.0.0.1", int(PORTS["2526"]))):
                        break
                time.sleep(0.1)
            return ""
        return subprocess.run(words, cwd=self.folder, env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=60).stdout.decode()

    def console(self, block):
        """Pairs of what was wanted and what came, a command each."""
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            line, _, want = part.partition("\n")
            yield line, want, self.command(line, want)

    def python(self, block):
        found = []
        test = doctest.DocTestParser().get_doctest(ported(block), self.names, "doc", DOC, 0)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(test, out=found.append, clear_globs=False)
        self.names.update(test.globs)
        return "".join(found)


def blocks():
    with open(DOC, encoding="utf8") as file:
        text = file.read()
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        name = re.search(r"This is `([^`]+)`:\s*$", text[:match.start()])
        yield match.group(2), name and name.group(1)


def main():
    count = Counting()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        run = Run(folder, sys.argv[1])
        for name in os.listdir(TOP + "/tests/replay/corpus"):
            os.symlink(os.path.abspath(TOP + "/tests/replay/corpus/" + name), folder + "/" + name)
        try:
            for block, name in blocks():
                results = []
                if name:
                    with open(os.path.join(folder, name), "w", encoding="utf8") as file:
                        file.write(ported(block))
                elif block.startswith("$ "):
                    results = [(line, "" if same(want, got) else got)
                               for line, want, got in run.console(block)]
                elif block.startswith(">>> "):
                    results = [(block.splitlines()[0], run.python(block))]
                elif re.match(r"\d{4}-", block):
                    got = run.relay_said(block.count("\n"))
                    results = [("events", "" if same(block, got) else got)]
                for title, wrong in results:
                    count.result("docs/without-module.md: " + title, wrong)
        finally:
            run.end()
    return count.finish(8)


if __name__ == "__main__":
    sys.exit(main())
