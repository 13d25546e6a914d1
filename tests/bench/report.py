# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/bench measured: figures, a table, plots, and the budgets.

report.py write MACHINE RUNS CORE DIR   from lines of JSON (guest.py), and what
                                        tests/bench/run printed, to files in DIR
report.py compare DIR   the budgets, by DIR and DIR/counted; exit status 1: one is missed
"""

import collections
import json
import os
import platform
import statistics
import subprocess
import sys

from guest import CROWDS

# What is asked for: measure, case, at least this much of its baseline
BUDGETS = [(f"{case}, {measure}", measure, case, want) for measure, case, want in (
    ("one stream, 64 KB", "fixup", 0.95),
    ("one stream, 64 KB", "esmtp", 0.90),
    ("one stream, 64 KB", "observe", 0.90),
    ("one stream, 64 KB", "BDAT", 0.98),
    ("one stream, 64 KB", "TLS", 0.98),
    ("one stream, 64 KB", "other port", 0.98),
    ("one stream, 64 KB", "esmtp, headers", 0.98),
    ("one stream, 1500", "fixup", 0.92),
    ("one stream, 1500", "esmtp", 0.88),
    ("one stream, 1500", "observe", 0.88),
    ("one stream, 1500", "BDAT", 0.96),
    ("one stream, 1500", "TLS", 0.96),
    ("one stream, 1500", "other port", 0.96),
    ("mails", "fixup", 0.97),
    ("mails", "esmtp", 0.97),
    ("mails", "esmtp, 20 matches", 0.93),
)]
# At most so many microseconds a megabyte more than its baseline: ratios depend
# on how fast the machine forwards
MORE = [("one stream, 64 KB", "fixup", 15), ("one stream, 64 KB", "esmtp", 30)]
# The same, where the clock counts instructions
COUNTED = [
    ("small mails, fixup, by instructions", "mails", "fixup", 0.95),
    ("small mails, esmtp, by instructions", "mails", "esmtp", 0.95),
    ("goodput under 1 % loss", "goodput, base64, loss of 1 %", "esmtp", 0.95),
    ("goodput under 1 % loss, prose", "goodput, prose, loss of 1 %", "esmtp", 0.95),
    ("goodput under reordering", "goodput, base64, reordering", "esmtp", 0.95),
    ("goodput under reordering, prose", "goodput, prose, reordering", "esmtp", 0.95),
]
# Filters in user space: fixup must be faster, and of one stream their router has to work
# ten times as long. All of it together can't be: with plain forwarding it is not.
MANY = ("one stream, 64 KB", "one stream, 1500")
RIVALS = ("HAProxy", "NFQUEUE")
TIMES = [(measure, rival) for measure in (
    "one stream, 64 KB", "eight streams, 64 KB", "one stream, 1500", "eight streams, 1500",
    "mails", "connections") for rival in RIVALS]
FLOW_MAX = 512
# Instructions an octet of the core alone, by case of tests/bench/core.c
CORE = [("base64-64k", 0.11), ("mime-64k", 0.30), ("text-64k", 0.60),
        ("esmtp-base64-64k", 0.14), ("esmtp-mime-64k", 0.55), ("esmtp-text-64k", 0.65),
        ("base64-1448", 0.45), ("mime-1448", 0.65), ("esmtp-mime-1448", 1.0),
        ("mails", 5.5), ("esmtp-mails", 8)]


def spread(values):
    """Median and quartiles."""
    if len(values) < 2:
        return [values[0]] * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return [middle, low, high]


def unit_of(measure):
    return measure.partition(" at")[0] if measure.startswith(("mails", "connections")) else "MB"


def rate(runs):
    """Units a second of some runs together; megabytes where they are octets."""
    measure = runs[0]["measure"]
    spent = sum(run["cpu"] or run["wall"] for run in runs)
    return sum(run["units"] for run in runs) * 1e9 / spent / (
        1e6 if unit_of(measure) == "MB" else 1)


def collect(runs):
    """Rates, and ratios within each round, by measure and case; what else was told."""
    by_case = collections.defaultdict(lambda: collections.defaultdict(list))
    paired = collections.defaultdict(list)
    errors, told = {}, {}
    with open(runs, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("{") or not line.endswith("}\n"):
                continue
            run = json.loads(line)
            if "measure" not in run:
                told.update(run)
                continue
            measure, case = run["measure"], run["case"]
            if "error" in run:
                errors[f"{measure} / {case}"] = run["error"]
                continue
            by_case[measure, case][run["round"]].append(run)
            paired[measure, run["for"], run["round"], case == run["for"]].append(run)
    results = {}
    for (measure, case), rounds in by_case.items():
        rates = {number: rate(some) for number, some in rounds.items()}
        result = {"rate": spread(list(rates.values())), "rounds": len(rates)}
        bases = {n: paired.get((measure, case, n, False)) for n in rates}
        both = [rates[n] / rate(base) for n, base in bases.items() if base]
        if both:
            result["ratio"] = spread(both)
            result["more"] = spread([1e6 / rates[n] - 1e6 / rate(base)
                                     for n, base in bases.items() if base])
            result["of"] = next(base[0]["case"] for base in bases.values() if base)
        for rival in RIVALS:
            theirs = by_case.get((measure, rival), {})
            both = [rates[n] / rate(theirs[n]) for n in rates if n in theirs]
            if both:
                result["over " + rival] = spread(both)
        results.setdefault(measure, {})[case] = result
    for cases in results.values():
        take_off_ends(cases)
    return results, told, errors


def take_off_ends(cases):
    """What a unit costs the router, ns: what it costs all, less what it costs the ends alone."""
    if "direct" not in cases:
        return
    ends = 1e9 / cases["direct"]["rate"][0]
    for case, result in cases.items():
        if case != "direct":
            result["own"] = [1e9 / result["rate"][i] - ends for i in (0, 2, 1)]


def collect_core(printed):
    """Instructions an octet by case, from the table of tests/bench/run."""
    with open(printed, encoding="utf-8") as file:
        fields = [line.split() for line in file]
    return {line[0]: float(line[1]) for line in fields
            if len(line) == 6 and line[1][0].isdigit()}


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0]


def provenance():
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "commit": first_line("git", "describe", "--always", "--dirty", "--abbrev=12"),
        "date": first_line("date", "-u", "+%Y-%m-%d %H:%M UTC"),
        "processor": f"{model}, {os.cpu_count()} of them",
        "load": "%.1f" % os.getloadavg()[2],
        "host": platform.release(),
        "compiler": first_line("gcc", "--version"),
    }


def scaling(results):
    """Eight streams against one: how the two processors are made use of."""
    lines = []
    for packets in ("64 KB", "1500"):
        one, eight = results.get(f"one stream, {packets}"), results.get(f"eight streams, {packets}")
        if one and eight:
            lines += ["", f"## Eight streams in one's rate, {packets}", "", "| case | times |",
                      "| --- | --- |"]
            lines += [f"| {case} | {eight[case]['rate'][0] / one[case]['rate'][0]:.2f} |"
                      for case in eight if case in one]
    return lines


COMMANDS = {"uml": "scripts/bench", "stock": "scripts/bench --stock",
            "counted": "scripts/bench --counted"}
HEADS = {
    "uml": """# Measured in user-mode Linux

Client, router and server are namespaces of one user-mode Linux with one
processor, which does all the work: a rate is units for each second of
processor time.""",
    "stock": """# Measured in a virtual machine

Client, router and server are namespaces of one virtual machine with two
emulated processors: a cross-check of user-mode Linux, and no measure of speed.
A rate is units a second.""",
    "counted": """# Counted in a virtual machine

Client, router and server are namespaces of one virtual machine whose clock
counts instructions, a nanosecond each: what a processor's caches make of them
is not in these figures, nor is what else the machine does. A rate is units a
second of that clock. Goodput is of some large mails together, with esmtp and on
a port without a policy, over a path of 100 Mbit/s and 20 ms.""",
}


def own_time(results):
    """The router's own time, of each measure that has a case without a router."""
    lines = []
    for measure, cases in results.items():
        own = {case: result["own"] for case, result in cases.items() if "own" in result}
        if "fixup" not in own:
            continue        # it is what the others are compared with
        lines += ["", f"## The router's own time: {measure}", "",
                  "What a case takes more than the two ends without a router, in microseconds.", "",
                  f"| case | of a {unit_of(measure).rstrip('s')} | fixup's |", "| --- | --- | --- |"]
        lines += [f"| {case} | {digits(time / 1000)} ({digits(low / 1000)}-{digits(high / 1000)}) | "
                  f"{time / own['fixup'][0]:.1f} times |" for case, (time, low, high) in own.items()]
    return lines


def digits(value):
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"


def markdown(figures):
    lines = HEADS[figures["machine"]].splitlines()
    lines += ["A ratio is to a baseline that each case alternated with, in one",
              "round: medians of the rounds, and quartiles in brackets. Microseconds more are of each",
              "megabyte, mail or connection.",
              f"`{COMMANDS[figures['machine']]}` makes all of this.", ""]
    for name, value in figures["provenance"].items():
        lines.append(f"- {name}: {value}")
    for measure, cases in figures["results"].items():
        lines += ["", f"## {measure}", "",
                  f"| case | {unit_of(measure)}/s | of | ratio | microseconds more |",
                  "| --- | --- | --- | --- | --- |"]
        for case, result in cases.items():
            rate, low, high = [digits(value) for value in result["rate"]]
            line = f"| {case} | {rate} ({low}-{high}) |"
            if "ratio" in result:
                ratio, low, high = result["ratio"]
                line += f" {result['of']} | {ratio:.3f} ({low:.3f}-{high:.3f}) |"
                more, low, high = result["more"]
                line += f" {more:.1f} ({low:.1f}-{high:.1f}) |"
            else:
                line += " | | |"
            lines.append(line)
    lines += own_time(figures["results"])
    if figures["machine"] == "stock":
        lines += scaling(figures["results"])
    lines += ["", "## Memory of a flow", ""]
    lines += [f"- {size} octets: an object of the slab {name}"
              for name, size in figures["slabs"].items()]
    flood, crowds = figures["scale"]["flood"], figures["scale"]["crowds"]
    if flood:
        lines += [f"- {flood['octets']} octets: all of a connection without payload, under a policy; "
                  f"{flood['tracked']} were tracked of the {flood['sent']} that a SYN flood began, "
                  f"and had {flood['flows']} flow objects"]
    if crowds:
        lines += [f"- {found['octets']} octets: all of a connection that has been greeted and is idle, "
                  f"{name}; {found['flows']} flow objects" for name, found in crowds.items()]
        lines += ["", "## Beside idle connections", "",
                  "Processor time of a whole connection (greeting, QUIT), in microseconds", "",
                  "| idle connections | ftp helper | esmtp | ratio |", "| --- | --- | --- | --- |"]
        lines += [f"| {crowd:,} | {ours[0] / 1000:.0f} | {ours[1] / 1000:.0f} | {ours[0] / ours[1]:.3f} |"
                  for crowd, *ours in zip(CROWDS, crowds["ftp helper"]["costs"],
                                          crowds["esmtp"]["costs"])]
    lines += ["", "## The core alone", "", "| case | instructions an octet |", "| --- | --- |"]
    lines += [f"| {case} | {count:.3f} |" for case, count in figures["core"].items()]
    if figures["errors"]:
        lines += ["", "## Not measured", ""]
        lines += [f"- {what}" for what in figures["errors"]]
    return "\n".join(lines) + "\n"


def plot(figures, where):
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "smtpfixup"
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    results = figures["results"]
    columns = 2 if len(results) > 1 else 1
    rows = (len(results) + columns - 1) // columns
    picture, axes = pyplot.subplots(rows, columns, figsize=(6 * columns, 2.9 * rows),
                                    squeeze=False)
    for axis in axes.flat[len(results):]:
        axis.axis("off")
    for axis, (measure, cases) in zip(axes.flat, results.items()):
        names = list(cases)[::-1]
        rates = [cases[name]["rate"] for name in names]
        colours = ["#888888" if name in ("direct", "plain", "conntrack") else
                   "#cc7a00" if name in ("HAProxy", "NFQUEUE", "ftp helper") else "#2b6cb0"
                   for name in names]
        axis.barh(names, [r[0] for r in rates], color=colours, height=0.7,
                  xerr=[[r[0] - r[1] for r in rates], [r[2] - r[0] for r in rates]],
                  error_kw={"elinewidth": 1, "ecolor": "#333333"})
        axis.set_title(measure, fontsize=10)
        axis.set_xlabel(f"{unit_of(measure)} a second" +
                        (" of processor time" if figures["machine"] == "uml" else ""),
                        fontsize=8)
        axis.tick_params(labelsize=8)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    picture.tight_layout()
    picture.savefig(os.path.join(where, "throughput.svg"), metadata={"Date": None})


def write(machine, runs, core, where):
    results, told, errors = collect(runs)
    if not (results or "crowds" in told):
        sys.exit("report: nothing was measured")
    figures = {"provenance": {**provenance(), "kernel": told["kernel"]},
               "machine": machine, "results": results, "slabs": told["slabs"],
               "scale": {name: told.get(name) for name in ("flood", "crowds")},
               "core": collect_core(core), "errors": errors}
    with open(os.path.join(where, "figures.json"), "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=1)
        file.write("\n")
    with open(os.path.join(where, "README.md"), "w", encoding="utf-8") as file:
        file.write(markdown(figures))
    if results:
        plot(figures, where)
    for what, why in errors.items():
        print(f"not measured: {what}: {why}", file=sys.stderr)
    print(f"written: {where}/README.md, figures.json, throughput.svg")


def load(where):
    with open(os.path.join(where, "figures.json"), encoding="utf-8") as file:
        return json.load(file)


def compare(where):
    figures = load(where)
    rows = []
    for budgets, results in ((BUDGETS, figures["results"]),
                             (COUNTED, load(os.path.join(where, "counted"))["results"])):
        for what, measure, case, want in budgets:
            result = results.get(measure, {}).get(case, {})
            rows.append((what, want, result.get("ratio"), ""))
    for measure, rival in TIMES:
        cases = figures["results"].get(measure, {})
        ours, theirs = cases.get("fixup", {}), cases.get(rival, {})
        rows.append((f"fixup against {rival}, {measure}", 1, ours.get("over " + rival), "x"))
        if measure in MANY:
            both = "own" in ours and "own" in theirs and [
                theirs["own"][i] / ours["own"][j] for i, j in ((0, 0), (1, 2), (2, 1))]
            rows.append((f"the router's own time of {rival}, {measure}", 10, both, "x"))
    rows.append(("look-up: 60,000 policies against 1", 0.95, figures["results"]
                 .get("connections at scale", {}).get("60,000 policies", {}).get("ratio"), ""))
    flow = figures["slabs"].get("smtp_ct_flow")
    at_most = [("octets of a flow in command state", FLOW_MAX, flow)]
    for measure, case, want in MORE:
        more = figures["results"].get(measure, {}).get(case, {}).get("more")
        at_most.append((f"microseconds a MB more, {case}, {measure}", want, more and more[0]))
    at_most += [(f"instructions an octet of the core, {case}", want, figures["core"].get(case))
                for case, want in CORE]
    flood, crowds = figures["scale"]["flood"] or {}, figures["scale"]["crowds"] or {}
    own, base = crowds.get("esmtp"), crowds.get("ftp helper")
    at_most += [("flow objects after a SYN flood", 0, flood.get("flows")),
                ("MB of a million idle connections, beside ftp's helper", 512,
                 own and own["octets"] - base["octets"]),
                ("a connection beside 1,000,000, in those beside 10", 1.5,
                 own and own["costs"][-1] / own["costs"][0])]
    missed = 0
    print(f"{'budget':52} {'wanted':>8} {'measured':>9}   (quartiles)")
    for what, want, got, times in rows:
        if not got:
            missed += 1
            print(f"{what:52} {want:>7}{times or ' '}       none            MISSED")
            continue
        # ">" where it must only be faster
        kept = got[0] >= want if want != 1 else got[0] > 1
        missed += not kept
        digits = 1 if times else 3
        print(f"{what:52} {want:>7}{times or ' '} {got[0]:>8.{digits}f}{times or ' '}  "
              f"({got[1]:.{digits}f}-{got[2]:.{digits}f})   {'kept' if kept else 'MISSED'}")
    for what, most, got in at_most:
        kept = got is not None and got <= most
        missed += not kept
        print(f"{what:52} {most:>7}  {got if got is None else round(got, 3)!s:>8}                  "
              f"{'kept' if kept else 'MISSED'}")
    print(f"{len(rows) + len(at_most) - missed} passed, {missed} failed")
    return 1 if missed else 0


def main():
    if len(sys.argv) == 6 and sys.argv[1] == "write":
        return write(*sys.argv[2:])
    if len(sys.argv) == 3 and sys.argv[1] == "compare":
        return compare(sys.argv[2])
    sys.exit(__doc__)


sys.exit(main())
