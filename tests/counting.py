# SPDX-License-Identifier: GPL-2.0-only
"""How tests in Python count.

Each test says "ok    NAME" or "FAIL  NAME", with what went wrong in lines that begin
with "      | ". A program ends with the status of finish(), which says
"N passed, N failed".
"""
import traceback

LONGEST = 4000      # characters of what went wrong


class Counting:
    """How many tests have passed, and how many have failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def result(self, name, why=None):
        """Nothing went wrong with it, or this did."""
        if why:
            self.failed += 1
            print("FAIL  " + name)
            for line in str(why)[:LONGEST].splitlines():
                print("      | " + line)
        else:
            self.passed += 1
            print("ok    " + name)
        # What hangs next must not hide it
        print(end="", flush=True)
        return not why

    def attempt(self, name, function, *arguments, known=()):
        """Call it. What it raises went wrong: its text alone if it is of a known kind."""
        try:
            function(*arguments)
        except Exception as error:    # pylint: disable=broad-except
            why = str(error) if isinstance(error, known) else traceback.format_exc()
            code = getattr(function, "__code__", None)
            frames = [f for f in traceback.extract_tb(error.__traceback__)
                      if code and f.filename == code.co_filename]
            if frames:
                why = why.rstrip() + "\nat line %d: %s" % (frames[-1].lineno, frames[-1].line)
            return self.result(name, why or repr(error))
        return self.result(name)

    def finish(self, least=1):
        """Say the sum. Returns the exit status."""
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        return 1 if self.failed or self.passed < least else 0


class Tests:
    """Functions with a title, run in the order in which they are marked: @test("title")."""

    def __init__(self):
        self.tests = []

    def __call__(self, title):
        def mark(function):
            self.tests.append((title, function))
            return function
        return mark

    def run(self, only=""):
        """Those whose title contains it. Returns the exit status."""
        count = Counting()
        for title, function in self.tests:
            if only in title:
                count.attempt(title, function)
        return count.finish()


def equal(got, want, what):
    if got != want:
        raise AssertionError("%s:\n      | got    %.600r\n      | wanted %.600r" % (what, got, want))
