"""Times training steps of four small networks side by side with PyTorch: `just bench-train`.

A step is forward, backward and Adam, in f32 on the processor. For every network and number of threads the two programs run in turns
(ours, theirs, ours, ...), each in a process of its own, from the same weights and inputs, which the Rust program
writes to a file. The first losses of both must agree (they pass through gradients and optimiser from the second on),
or the row is void and the exit status 1.

The table shows median milliseconds of a step by the clock, the ratio of ours over theirs (below 1 we are faster), the
same of processor seconds, which other programs on the machine disturb less, and the memory that training took beyond
weights and inputs. The last line is JSON: the ratio by network and number of threads.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

NETWORKS = {
    "edsr": "6 blocks of 32 channels, 8 tiles 16x16, 5 times finer",
    "unet": "3 levels of 32, 64, 64 channels, attention, 8 images 32x32",
    "residual3d": "3 blocks of 32 channels, 2 clips 7x24x24",
    "wgan_gp": "4 layers, 8 images 32x32, gradient penalty",
}
THREAD_VARIABLES = ["RAYON", "OMP", "OPENBLAS", "MKL"]
TOLERANCE = 1e-3
TIMEOUT_SECONDS = 600


def run(command, threads):
    """The JSON line that a timed process prints, or {"failed": why}."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **{v + "_NUM_THREADS": str(threads) for v in THREAD_VARIABLES})
    # candle cuts gradients of gradients without it.
    environment["CANDLE_GRAD_DO_NOT_DETACH"] = "1"
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return {"failed": f"no result after {TIMEOUT_SECONDS} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0:
        return json.loads(lines[-1]) if lines else {}
    return {"failed": (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]}


def gather(rounds):
    """Medians over all rounds of one side."""
    peaks = [r["peak_bytes"] for r in rounds if r["peak_bytes"] is not None]
    return {
        "wall_ms": 1e3 * statistics.median(s for r in rounds for s in r["wall"]),
        "processor_ms": 1e3 * statistics.median(s for r in rounds for s in r["processor"]),
        "peak_bytes": max(peaks, default=None),
        "steps": sum(len(r["wall"]) for r in rounds),
        "losses": rounds[0]["losses"],
    }


def agree(ours, theirs):
    pairs = zip(ours["losses"], theirs["losses"], strict=True)
    return all(abs(a - b) <= TOLERANCE * max(abs(a), abs(b)) for a, b in pairs)


def measure(name, threads, file, options):
    """One row of the table."""
    row = {"network": name, "threads": threads}
    ours_command = [options.program, name, file, str(options.seconds)]
    theirs_command = [sys.executable, os.path.join(HERE, "pytorch.py"), name, file, str(options.seconds), str(threads)]
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(run(ours_command, threads))
        if not (theirs and "skipped" in theirs[-1]):
            theirs.append(run(theirs_command, threads))
        for who, last in (("ours", ours[-1]), ("theirs", theirs[-1])):
            if "failed" in last:
                return row | {"failed": f"{who}: {last['failed']}"}
    row["ours"] = gather(ours)
    if "skipped" in theirs[-1]:
        return row | {"skipped": theirs[-1]["skipped"]}
    row |= {"theirs": gather(theirs), "torch": theirs[-1]["torch"]}
    if not agree(row["ours"], row["theirs"]):
        return row | {"failed": f"losses differ: ours {row['ours']['losses']}, theirs {row['theirs']['losses']}"}
    ratio = {kind: row["ours"][kind] / row["theirs"][kind] for kind in ("wall_ms", "processor_ms")}
    return row | {"ratio": ratio["wall_ms"], "processor_ratio": ratio["processor_ms"]}


def cells_of(row):
    ours, theirs = row["ours"], row.get("theirs")
    start = [row["network"], str(row["threads"]), f"{ours['wall_ms']:.1f}"]
    if theirs is None:
        return [*start, "not installed", "", "", megabytes(ours), ""]
    ratios = [f"{row[key]:.2f}" if key in row else "void" for key in ("ratio", "processor_ratio")]
    return [*start, f"{theirs['wall_ms']:.1f}", *ratios, megabytes(ours), megabytes(theirs)]


def megabytes(side):
    return "?" if side["peak_bytes"] is None else f"{side['peak_bytes'] / 1e6:.0f}"


def table(rows):
    heads = ["network", "threads", "ours ms", "PyTorch ms", "ratio", "processor ratio", "ours MB", "PyTorch MB"]
    lines = [heads] + [cells_of(r) for r in rows if "ours" in r]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            fields = dict(line.rstrip("\n").split("\t: ", 1) for line in file if "\t: " in line)
    except OSError:
        return platform.processor()
    vectors = next((v for v in ("avx512f", "avx2", "sse2") if v in fields.get("flags", "").split()), "")
    return f"{fields.get('model name', '?')}, family {fields.get('cpu family', '?')}, {vectors}"


def save(path, rows, options):
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    about = {"processor": processor(), "processors": os.cpu_count(), "load_at_end": load, "python": platform.python_version()}
    about |= {"rounds": options.rounds, "seconds_per_process": options.seconds, "networks": NETWORKS}
    with open(path, "w") as file:
        json.dump({"about": about, "rows": rows}, file, indent=1)
        file.write("\n")
    print(f"written: {path}")


def arguments():
    parser = argparse.ArgumentParser(description="Times training steps side by side with PyTorch.")
    parser.add_argument("network", nargs="*", help=f"only these of {', '.join(NETWORKS)}")
    parser.add_argument("--program", required=True, help="the built Rust program")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads (1 2)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds of steps per process (3)")
    parser.add_argument("--save", help="also write everything to this JSON file")
    options = parser.parse_args()
    unknown = [n for n in options.network if n not in NETWORKS]
    if unknown:
        parser.error(f"no network is called {unknown[0]}; {', '.join(NETWORKS)} are there")
    return options


def main():
    options = arguments()
    rows = []
    with tempfile.TemporaryDirectory(prefix="isotherm-train-") as folder:
        for name in options.network or NETWORKS:
            file = os.path.join(folder, name + ".safetensors")
            start = run([options.program, name, "start", file], 1)
            if "failed" in start:
                rows.append({"network": name, "failed": "ours: " + start["failed"]})
                continue
            for threads in options.threads:
                print(f"timing {name} on {threads} thread{'s' if threads > 1 else ''}", file=sys.stderr, flush=True)
                rows.append(measure(name, threads, file, options))
    print(table(rows))
    failures = [r for r in rows if "failed" in r]
    for r in failures:
        print(f"{r['network']}{' on ' + str(r['threads']) if 'threads' in r else ''}: {r['failed']}")
    if any("skipped" in r for r in rows):
        print("not installed, skipped: torch")
    if options.save:
        save(options.save, rows, options)
    ratios = {}
    for r in rows:
        if "ratio" in r:
            ratios.setdefault(r["network"], {})[str(r["threads"])] = round(r["ratio"], 2)
    print(json.dumps(ratios))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
