"""Times the networks of benches/train on a CUDA card beside PyTorch, and convolutions against the roofline: `just gpu-bench`.

A step is forward, backward and Adam. For every network and precision the programs run in turns (ours, PyTorch eager,
PyTorch compiled, ours, ...), each in a process of its own, from the same weights and inputs. The first losses must agree
within what the precision allows, or the row is void and the exit status 1.

The first table shows median milliseconds of a step and the ratios of ours over theirs (below 1 we are faster); the second
what convolutions reach of the roofline (measured: a large product of matrices, a large copy) and of the card's data
sheet. The last line is JSON: the same ratios and shares.
"""

import argparse
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "train"))
from run import NETWORKS, gather, run  # noqa: E402

# How far losses of four steps may be apart: they pass through gradients and optimiser from the second on.
TOLERANCE = {"f32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}
MODES = ["eager", "compile"]


def agree(ours, theirs, tolerance):
    pairs = zip(ours["losses"], theirs["losses"], strict=True)
    return all(abs(a - b) <= tolerance * max(abs(a), abs(b)) for a, b in pairs)


def measure(name, precision, file, options):
    """One row of the table of steps."""
    row = {"network": name, "precision": precision}
    ours_command = [options.program, "step", name, file, str(options.seconds), options.device, precision]
    torch_command = [sys.executable, os.path.join(HERE, "torch_step.py"), name, file, str(options.seconds), options.device]
    ours, theirs = [], {mode: [] for mode in options.modes}
    for _ in range(options.rounds):
        ours.append(run(ours_command, options.threads))
        if "failed" in ours[-1]:
            return row | {"failed": "ours: " + ours[-1]["failed"]}
        for mode, rounds in theirs.items():
            if not rounds or "wall" in rounds[-1]:
                rounds.append(run([*torch_command, precision, mode], options.threads))
    row["ours"] = gather(ours)
    for mode, rounds in theirs.items():
        why = next((f"{key}: {rounds[-1][key]}" for key in ("skipped", "unsupported", "failed") if key in rounds[-1]), None)
        if why:
            row[mode] = {"missing": why}
            continue
        row[mode] = gather(rounds) | {"torch": rounds[-1]["torch"]}
        if agree(row["ours"], row[mode], TOLERANCE[precision]):
            row[mode]["ratio"] = row["ours"]["wall_ms"] / row[mode]["wall_ms"]
        else:
            row["failed"] = f"losses differ: ours {row['ours']['losses']}, {mode} {row[mode]['losses']}"
    return row


def printed(heads, lines):
    lines = [heads, *lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def steps_table(rows, modes):
    def cells(row):
        out = [row["network"], row["precision"], f"{row['ours']['wall_ms']:.2f}"]
        for mode in modes:
            ratio = row[mode].get("ratio")
            out += [f"{row[mode]['wall_ms']:.2f}" if "wall_ms" in row[mode] else "-", "-" if ratio is None else f"{ratio:.2f}"]
        return out

    heads = ["network", "precision", "ours ms"] + [h for mode in modes for h in (f"PyTorch {mode} ms", "ratio")]
    return printed(heads, [cells(row) for row in rows if "ours" in row])


def share(value):
    return "-" if value is None else f"{100 * value:.0f} %"


def roofline_table(roofline):
    def cells(row):
        rates = [f"{row[key]:.0f}" for key in ("gflops", "roof_gflops")]
        return [row["shape"], row["precision"], row["pass"], *rates, share(row["share_of_roof"]), share(row["share_of_card"])]

    heads = ["convolution", "precision", "pass", "GFLOP/s", "roof", "of roof", "of data sheet"]
    return printed(heads, [cells(row) for row in roofline["convolutions"]])


def arguments():
    parser = argparse.ArgumentParser(description="Times training steps and convolutions on a CUDA card beside PyTorch.")
    parser.add_argument("network", nargs="*", help=f"only these of {', '.join(NETWORKS)}")
    parser.add_argument("--program", required=True, help="the built Rust program")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:NUMBER, or cpu to try the programs (cuda)")
    parser.add_argument("--precisions", nargs="+", default=list(TOLERANCE), choices=list(TOLERANCE), help="(all three)")
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES, help="PyTorch's (both)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="processor threads (all)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side (3)")
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds of steps per process (2)")
    parser.add_argument("--quick", action="store_true", help="small shapes in the roofline")
    parser.add_argument("--save", help="also write everything to this JSON file")
    options = parser.parse_args()
    unknown = [n for n in options.network if n not in NETWORKS]
    if unknown:
        parser.error(f"no network is called {unknown[0]}; {', '.join(NETWORKS)} are there")
    return options


def main():
    options = arguments()
    rows, failures = [], []
    with tempfile.TemporaryDirectory(prefix="isotherm-gpu-") as folder:
        for name in options.network or NETWORKS:
            file = os.path.join(folder, name + ".safetensors")
            start = run([options.program, "start", name, file], 1)
            if "failed" in start:
                failures.append(f"{name}: {start['failed']}")
                continue
            for precision in options.precisions:
                print(f"timing {name} in {precision}", file=sys.stderr, flush=True)
                rows.append(measure(name, precision, file, options))
    print("timing the roofline", file=sys.stderr, flush=True)
    roofline = run([options.program, "roofline", options.device, "quick" if options.quick else "full"], options.threads)
    print(steps_table(rows, options.modes))
    failures += [f"{row['network']} in {row['precision']}: {row['failed']}" for row in rows if "failed" in row]
    for row in rows:
        for mode in options.modes:
            if "missing" in row.get(mode, {}):
                print(f"{row['network']} in {row['precision']}, PyTorch {mode}: {row[mode]['missing']}")
    if "failed" in roofline:
        failures.append("roofline: " + roofline["failed"])
    else:
        print(f"\n{roofline_table(roofline)}")
        products = ", ".join(f"{name} {value['gflops']:.0f} GFLOP/s" for name, value in roofline["products"].items())
        print(f"roof: copy {roofline['copy_gigabytes_per_second']:.0f} GB/s, product of matrices {products}")
    for failure in failures:
        print(failure)
    if options.save:
        with open(options.save, "w") as file:
            json.dump({"options": vars(options), "steps": rows, "roofline": roofline}, file, indent=1)
            file.write("\n")
    print(json.dumps(summary(rows, roofline, options.modes)))
    return 1 if failures else 0


def summary(rows, roofline, modes):
    steps, shares = {}, {}
    for row in rows:
        ratios = {mode: round(row[mode]["ratio"], 3) for mode in modes if "ratio" in row.get(mode, {})}
        if ratios:
            steps.setdefault(row["network"], {})[row["precision"]] = ratios
    for row in roofline.get("convolutions", []):
        shares.setdefault(row["shape"], {}).setdefault(row["precision"], {})[row["pass"]] = round(row["share_of_roof"], 3)
    return {"steps": steps, "roofline": shares}


if __name__ == "__main__":
    sys.exit(main())
