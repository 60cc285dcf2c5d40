"""DINEOF side by side: ours and pyDINEOF on one sequence with gaps. See benches/results/dineof.md.

    pip install pydineof xarray
    cargo build --bench dineof
    python benches/dineof/run.py PROGRAM [--frames 365] [--side 256] [--modes 5] [--iterations 0] [--rounds 1]

PROGRAM is the bench that cargo built (target/.../deps/dineof-*). Each side runs in a process of its own with one thread, in
turns; the table gives processor seconds (user and system), so that other programs on the machine disturb least.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
THREADS = ["RAYON", "OMP", "OPENBLAS", "MKL"]


def sequence(frames, side):
    """Four modes of falling size with noise of a tenth, three fifths of it under blocks of gaps: (truth, with gaps)."""
    random = np.random.default_rng(1)
    y, x = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side), indexing="ij")
    truth = np.zeros((frames, side, side), np.float32)
    for mode in range(4):
        walk = np.cumsum(random.normal(size=frames))
        series = (walk - walk.mean()) / walk.std() / (1 + mode)
        pattern = np.cos(2 * np.pi * (random.uniform(0.5, 3) * x + random.uniform(0.5, 3) * y + random.uniform()))
        truth += (series[:, None, None] * pattern).astype(np.float32)
    seen = truth + random.normal(scale=0.1, size=truth.shape).astype(np.float32)
    blocks = random.uniform(size=(frames, -(-side // 8), -(-side // 8)))
    hidden = np.kron(blocks, np.ones((1, 8, 8)))[:, :side, :side] < 0.6
    seen[hidden] = np.nan
    return truth, seen


def one(command):
    """The JSON line of a timed process."""
    environment = dict(os.environ, **{name + "_NUM_THREADS": "1" for name in THREADS})
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--frames", type=int, default=365)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--modes", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=0, help="rounds for each number of modes; 0: until the gaps rest")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        truth, seen = sequence(options.frames, options.side)
        truth.tofile(f"{folder}/truth.f32")
        seen.tofile(f"{folder}/values.f32")
        print(f"{seen.shape} with {100 * np.isnan(seen).mean():.1f} % gaps", flush=True)
        json.dump(seen.shape, open(f"{folder}/shape.json", "w"))
        del truth, seen
        sides = {
            "ours": [options.program, folder, str(options.modes), str(options.iterations)],
            "pyDINEOF": [sys.executable, f"{HERE}/peer.py", folder, str(options.modes), str(options.iterations)],
        }
        found = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, command in sides.items():
                found[name].append(one(command))
                print(name, json.dumps(found[name][-1]), flush=True)
        seconds = {name: statistics.median(r["processor"] for r in rounds) for name, rounds in found.items()}
        print(f"ratio of processor seconds: {seconds['pyDINEOF'] / seconds['ours']:.1f}")


if __name__ == "__main__":
    main()
