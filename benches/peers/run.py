"""Times the Rust program and the Python programs side by side: `just bench-peers`.

For every task both sides read the same inputs, made once from fixed seeds. They run in turns (ours, theirs, ours, ...),
each in a process of its own with one thread, for several rounds; each process warms up once and then repeats the
computation. Reading the inputs is not timed, except where reading is the task. Both results must agree, or the row is
void and the exit status 1.

The table shows medians of processor seconds (user and system, of all threads, so that other programs on the machine
disturb them least), their ratio and the aim, the time of one pass over the input's bytes (floor), the memory that the
computation took beyond its inputs, and how many times faster two threads are by the clock. The last line is JSON:
the ratio of each pair, peer's time over ours.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from registry import Writer, families  # noqa: E402

THREAD_VARIABLES = ["RAYON", "OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM"]
# A peer whose first round took this long is not run again.
LONG_SECONDS = 20.0
TIMEOUT_SECONDS = 1200


def run(command, threads=1):
    """The JSON line that a timed process prints, or {"failed": why}."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **{v + "_NUM_THREADS": str(threads) for v in THREAD_VARIABLES})
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return {"failed": f"no result after {TIMEOUT_SECONDS} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return json.loads(lines[-1])
    return {"failed": (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]}


def gather(rounds):
    """Median seconds and memory over all rounds of one side."""
    return {
        "seconds": statistics.median(s for r in rounds for s in r["processor"]),
        "wall": statistics.median(s for r in rounds for s in r["wall"]),
        "peak_bytes": max((r["peak_bytes"] for r in rounds if r["peak_bytes"] is not None), default=None),
        "check": rounds[0]["check"],
    }


def measure_task(family, task, folder, options):
    """Rows of the table for one task: one for each peer."""
    ours_command = [options.program, f"{family.name}.{task}", folder, str(options.seconds)]
    peers = family.peers[task]
    ours, theirs = [], [[] for _ in peers]
    for number_of_round in range(options.rounds):
        one = run(ours_command)
        if "failed" in one:
            return [{"task": f"{family.name}.{task}", "failed": "ours: " + one["failed"]}]
        ours.append(one)
        for number, rounds in enumerate(theirs):
            previous = rounds[-1] if rounds else {}
            if "skipped" in previous or "failed" in previous or max(previous.get("wall", [0])) > LONG_SECONDS:
                continue
            peer = [sys.executable, os.path.join(HERE, "peer.py"), f"{family.name}.{task}", str(number)]
            rounds.append(run(peer + [folder, str(options.seconds)]))
    two = [run(ours_command, threads=2) for _ in range(options.rounds)] if (os.cpu_count() or 1) > 1 else []
    one = gather(ours)
    one["floor"] = statistics.median(r["floor"] for r in ours)
    one["two_threads_wall"] = statistics.median(s for r in two for s in r.get("wall", [])) if two else None
    return [row(family, task, peer, one, rounds, options) for peer, rounds in zip(peers, theirs)]


def row(family, task, peer, ours, rounds, options):
    sizes = family.quick if options.quick else family.full
    out = {"task": f"{family.name}.{task}", "size": family.size[task](sizes), "peer": peer.package, "note": peer.note}
    out |= {"aim": peer.aim, "ours": ours, "load": round(os.getloadavg()[0], 1)}
    for why in ("skipped", "failed"):
        if why in rounds[-1]:
            return out | {why: rounds[-1][why]}
    theirs = gather(rounds)
    difference = abs(theirs["check"] - ours["check"])
    agree = difference <= peer.tolerance * max(abs(theirs["check"]), abs(ours["check"]))
    out |= {"theirs": theirs, "ratio": theirs["seconds"] / ours["seconds"], "agree": agree}
    return out if agree else out | {"failed": f"results differ: ours {ours['check']!r}, theirs {theirs['check']!r}"}


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.2f} ms" if value >= 1e-3 else f"{1e6 * value:.0f} µs"


def megabytes(value):
    return "?" if value is None else f"{value / 1e6:.0f} MB" if value >= 1e7 else f"{value / 1e6:.1f} MB"


def cells_of(row):
    """The cells of one printed row."""
    peer = row["peer"] + (f" ({row['note']})" if row["note"] else "")
    ours = row["ours"]
    if "skipped" in row:
        return [row["task"], row["size"], peer, seconds(ours["seconds"]), "skipped: not installed", "", "", "", "", "", ""]
    theirs, two = row["theirs"], ours["two_threads_wall"]
    reached = "void" if "failed" in row else "yes" if row["ratio"] >= row["aim"] else "no"
    memory = f"{megabytes(ours['peak_bytes'])} / {megabytes(theirs['peak_bytes'])}"
    gain = f"{ours['wall'] / two:.2f}" if two else "?"
    times = [seconds(ours["seconds"]), seconds(theirs["seconds"])]
    return [row["task"], row["size"], peer, *times, f"{row['ratio']:.1f}", f"{row['aim']:g}", reached, seconds(ours["floor"]), memory, gain]


def table(rows):
    heads = ["task", "size", "peer", "ours", "theirs", "ratio", "aim", "reached", "floor", "memory ours / theirs", "2 threads"]
    lines = [heads] + [cells_of(r) for r in rows if "ours" in r and ("failed" not in r or "theirs" in r)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def key(row):
    """Name of a pair in the JSON line: the note tells apart two programs of one package."""
    return f"{row['task']}/{row['peer']}" + (f" ({row['note']})" if row["note"] else "")


def arguments():
    parser = argparse.ArgumentParser(description="Times Isotherm side by side with its Python peers.")
    parser.add_argument("filter", nargs="*", help="only tasks whose FAMILY.NAME contains one of these")
    parser.add_argument("--program", required=True, help="the built Rust program")
    parser.add_argument("--quick", action="store_true", help="small inputs: a minute instead of half an hour")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side (3)")
    parser.add_argument("--seconds", type=float, default=None, help="seconds of repeats per process (2; quick: 0.3)")
    parser.add_argument("--save", action="store_true", help="also write benches/results/peers_cpu.md and .json, family by family")
    options = parser.parse_args()
    options.seconds = options.seconds or (0.3 if options.quick else 2.0)
    return options


def main():
    options = arguments()
    rows = []
    for family in families():
        wanted = [t for t in family.peers if not options.filter or any(f in f"{family.name}.{t}" for f in options.filter)]
        if not wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="isotherm-peers-") as folder:
            writer = Writer(folder)
            family.make(writer, **(family.quick if options.quick else family.full))
            writer.finish()
            for task in wanted:
                print(f"timing {family.name}.{task}", file=sys.stderr, flush=True)
                rows += measure_task(family, task, folder, options)
        if options.save:
            save(rows, options)
    print(table(rows))
    failures = [r for r in rows if "failed" in r]
    for r in failures:
        print(f"{r['task']}{' / ' + r['peer'] if 'peer' in r else ''}: {r['failed']}")
    skipped = sorted({r["peer"] for r in rows if "skipped" in r})
    if skipped:
        print("not installed, skipped: " + ", ".join(skipped))
    print(json.dumps({key(r): round(r["ratio"], 2) for r in rows if "ratio" in r and "failed" not in r}))
    return 1 if failures else 0


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def save(rows, options):
    """Writes the rows; those of tasks that were not measured now stay as an earlier run left them."""
    path = os.path.join(os.path.dirname(HERE), "results", "peers_cpu")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    today = f"{datetime.date.today():%Y-%m-%d}"
    facts = {"date": today, "rounds": options.rounds, "seconds": options.seconds, "quick": options.quick}
    facts |= {"python": platform.python_version(), "processor": processor(), "processors": os.cpu_count()}
    rows = [r | {"run": facts} for r in rows]
    measured = {r["task"] for r in rows}
    if os.path.exists(path + ".json"):
        with open(path + ".json") as file:
            rows = [r for r in json.load(file)["rows"] if r["task"] not in measured] + rows
    order = [f"{f.name}.{t}" for f in families() for t in f.peers]
    rows.sort(key=lambda r: order.index(r["task"]) if r["task"] in order else len(order))
    with open(path + ".json", "w") as file:
        json.dump({"rows": rows}, file, indent=1)
        file.write("\n")
    with open(path + ".md", "w") as file:
        file.write(report(rows))


def report(rows):
    """The saved rows as a page."""
    heads = ["task", "size", "peer", "ours", "theirs", "ratio", "aim", "reached", "floor", "memory ours / theirs", "2 threads", "load"]
    shown = [r for r in rows if "ours" in r and ("failed" not in r or "theirs" in r)]
    lines = [heads, ["---"] * len(heads)] + [cells_of(r) + [f"{r['load']:g}"] for r in shown]
    facts = rows[0]["run"]
    text = "# Side by side with the Python peers (`just bench-peers --save`)\n\n"
    text += f"{facts['processor']}, {facts['processors']} processors, Python {facts['python']}, {facts['date']}; "
    text += f"{facts['rounds']} rounds of {facts['seconds']:g} s in turns, one thread a side.\n"
    text += "Times are medians of processor seconds (user and system); the ratio is the peer's over ours, and means something only\n"
    text += "within its row. Floor: one pass over the bytes of the input. Memory: what the computation took beyond its input. 2 threads:\n"
    text += "how many times faster by the clock, which other programs disturb: load is the machine's average over a minute.\n\n"
    text += "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
    for r in rows:
        if "failed" in r:
            text += f"\n{r['task']}{' / ' + r['peer'] if 'peer' in r else ''}: {r['failed']}\n"
    lost = [key(r) for r in shown if "ratio" in r and "failed" not in r and r["ratio"] < r["aim"]]
    return text + ("\nBelow the aim: " + ", ".join(lost) + ".\n" if lost else "\nEvery aim is reached.\n")


if __name__ == "__main__":
    sys.exit(main())
