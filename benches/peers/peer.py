"""Times one Python program on one task, in a process of its own: peer.py FAMILY.TASK PACKAGE-NUMBER FOLDER SECONDS.

Prints one JSON line in the form of the Rust program's (measure.rs). A package that is missing gives {"skipped": why}.
"""

import json
import os
import sys
import time
import warnings

MOST_REPEATS = 50
LONG_RUN = 5.0  # a run of so many budgets is not repeated: the first counts


def status_bytes(key):
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))
    except (OSError, StopIteration):
        return None


def reset_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def timed(run):
    processor, wall = time.process_time(), time.perf_counter()
    check = run()
    return time.process_time() - processor, time.perf_counter() - wall, float(check)


def measure(run, budget):
    reset_peak()
    before = status_bytes("VmRSS:")
    first = timed(run)
    peak = status_bytes("VmHWM:")
    long = first[1] > LONG_RUN * budget
    repeats = [first[:2]] if long else []
    while not long and len(repeats) < MOST_REPEATS and (len(repeats) < 3 or sum(r[1] for r in repeats) < budget):
        repeats.append(timed(run)[:2])
    return {
        "check": first[2],
        "processor": [r[0] for r in repeats],
        "wall": [r[1] for r in repeats],
        "peak_bytes": None if None in (peak, before) else max(0, peak - before),
    }


def main():
    from registry import Reader, families

    name, number, folder, budget = sys.argv[1:]
    family, task = name.split(".", 1)
    peer = next(f for f in families() if f.name == family).peers[task][int(number)]
    try:
        run = peer.prepare(Reader(folder))
    except ImportError as error:
        print(json.dumps({"skipped": str(error)}))
        return
    print(json.dumps(measure(run, float(budget))))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
