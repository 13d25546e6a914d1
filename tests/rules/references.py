# SPDX-License-Identifier: GPL-2.0-only
"""What sources and pages refer to: pages, sections, contracts and files of the tree."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Tells of the past; what tests read; what must be noticed below
NOT_READ = ("CHANGELOG.md", "tests/rules/references.py")
DATA = re.compile(r"^(?:tests/(?:replay/corpus|tool/import|tool/fuzz-corpus)/|LICENSE)")
PAGE = re.compile(r"(?:\.{1,2}/)*\w[\w./-]*\.md\b")
SECTION = re.compile(r'([\w./-]*\w\.md), "([^"]+)"')
CONTRACT = re.compile(r"\bcontracts? (\d+)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#([^)]*))?\)")
ANCHOR = re.compile(r"\]\(#([^)]*)\)")
# A source, by its path from the top; "NAME" and the like stand for any
SOURCE = re.compile(r"(?<![\w./-])(?:kmod|userspace|tests|scripts(?!/kconfig)|debian)/[\w./-]*\w\.(?:c|h|py|sh|list|yaml)\b")
ANY = re.compile(r"NAME|MODE|\bX\b")
# A source by its name alone, a function or a constant of ours, in a comment
C_SOURCE = r"(?:kmod|userspace|tests)/.*\.[ch]$"
COMMENT = re.compile(r"/\*.*?\*/", re.S)
NAME = re.compile(r"(?<![\w./<-])[a-z]\w*\.[ch]\b")
IDENTIFIER = re.compile(r"\b(?:smtp_\w*[a-z]\(|SMTP_[A-Z_0-9]*[A-Z0-9]\b(?!\*|_))")


def tracked():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE).stdout.decode().split("\n")
    return sorted(name for name in names if name and os.path.isfile(os.path.join(ROOT, name)))


def read(names):
    texts = {}
    for name in names:
        if name in NOT_READ or DATA.match(name):
            continue
        with open(os.path.join(ROOT, name), "rb") as file:
            data = file.read()
        if b"\0" not in data:
            texts[name] = data.decode("utf-8", "replace")
    return texts


def place(name, path, files, shell=False):
    """The file that @path in the file @name means, or None"""
    tries = [os.path.join(os.path.dirname(name), path), path, os.path.join("docs", path)]
    if shell:       # "$ROOT/docs/rules.md"
        tries.append(path.partition("/")[2])
    return next((where for where in map(os.path.normpath, tries) if where in files), None)


def headings(text):
    return re.findall(r"^#+ (.*)$", text, re.M)


def anchor(heading):
    """As GitHub makes it of a heading"""
    return re.sub(r"[^\w -]", "", re.sub(r"[`*]", "", heading).lower()).replace(" ", "-")


def joined(text):
    """A comment's lines as one"""
    return re.sub(r"\n(?:\s*(?:\*|#|//))? ?\s*", " ", text)


def dangling(texts, files):
    """One line for each reference that leads nowhere"""
    contracts = set(re.findall(r"^(\d+)\. \*\*", texts.get("docs/design.md", ""), re.M))
    basenames = {os.path.basename(name) for name in files}
    words = {word for name, text in texts.items() if re.match(C_SOURCE, name)
             for word in re.findall(r"\w+", COMMENT.sub(" ", text))}
    for name, text in texts.items():
        seen = set()
        for found in PAGE.finditer(text):
            shell = text[max(found.start() - 1, 0):found.start()] in ("$", "{", "}", "/")
            if not place(name, found.group(), files, shell):
                seen.add("no page " + found.group())
        for page, section in SECTION.findall(joined(text)):
            where = place(name, page, files)
            if where and section not in headings(texts.get(where, "")):
                seen.add('%s has no section "%s"' % (page, section))
        for number in CONTRACT.findall(text):
            if number not in contracts:
                seen.add("no contract " + number)
        for path in SOURCE.findall(text):
            if not ANY.search(path) and path not in files:
                seen.add("no file " + path)
        if name.endswith(".md"):
            for path, at in LINK.findall(text):
                where = os.path.normpath(os.path.join(os.path.dirname(name), path))
                if not os.path.exists(os.path.join(ROOT, where)) and where not in files:
                    seen.add("a link to %s, which is not there" % path)
                elif at and at not in map(anchor, headings(texts.get(where, ""))):
                    seen.add("a link to %s#%s, which is not there" % (path, at))
            for at in ANCHOR.findall(text):
                if at not in map(anchor, headings(text)):
                    seen.add("a link to #%s, which is not there" % at)
        if re.match(C_SOURCE, name):
            for comment in COMMENT.findall(text):
                seen.update("no file " + other for other in NAME.findall(comment)
                            if other not in basenames)
                seen.update("nothing is called " + word
                            for word in map(lambda found: found.rstrip("("),
                                            IDENTIFIER.findall(comment))
                            if word not in words)
        for line in sorted(seen):
            yield "%s: %s" % (name, line)


def too_long(readme):
    """README.md is one page: words of prose and tables, and columns."""
    prose = re.sub(r"```.*?```|\]\([^)]*\)", " ", readme, flags=re.S)
    words = len(re.findall(r"[\w'./`-]*\w[\w'./`-]*", prose))
    if words > 750:
        yield "README.md has %d words, 750 at most" % words
    for number, line in enumerate(readme.splitlines(), 1):
        if len(line) > 100:
            yield "README.md:%d has %d columns, 100 at most" % (number, len(line))


# What must be noticed, in a file of its own
WRONG = {
    "kmod/a.c": ["/* docs/nowhere.md */", '/* docs/design.md, "No such section" */',
                 "/* contract 99 */", "/* see nowhere.h */", "/* smtp_nowhere() */",
                 "/* %SMTP_NOWHERE */", "/* tests/vm/nowhere.py */"],
    "docs/a.md": ["[a](nowhere.md)", "[a](rules.md#nowhere)", "[a](#nowhere)"],
}


def check(count):
    """Counts what dangles, and whether that would be noticed."""
    files = set(tracked())
    texts = read(sorted(files))
    lines = list(dangling(texts, files))
    count.passed += len(texts) - len({line.partition(":")[0] for line in lines})
    for line in lines:
        count.result(line, "it leads nowhere")
    for line in too_long(texts["README.md"]):
        count.result(line, "the rest belongs to docs/")
    count.passed += 1
    for name, wrong in WRONG.items():
        for text in wrong:
            pages = {"docs/design.md": texts["docs/design.md"],
                     "docs/rules.md": texts["docs/rules.md"], name: text}
            count.passed += 1
            if not any(line.startswith(name + ":") for line in dangling(pages, files)):
                count.result("%s: %s" % (name, text), "it was not noticed")
