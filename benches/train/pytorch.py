"""Times training steps of one network in PyTorch, in a process of its own: pytorch.py NET FILE SECONDS THREADS.

Prints one JSON line in the form of the Rust program's (main.rs), or {"skipped": why} where PyTorch is missing. PyTorch runs
eagerly, in its default memory layout.
"""

import json
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from peer import measure  # noqa: E402

COMPARED_STEPS = 4
RATE = 1e-3


def read(path, torch):
    """Weights and inputs of a safetensors file, by name."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack("<Q", data[:8])
    parts = {"weight": {}, "input": {}}
    for name, entry in json.loads(bytes(data[8 : 8 + length])).items():
        if name == "__metadata__":
            continue
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        kind, name = name.split("/", 1)
        values = torch.frombuffer(data[first:last], dtype=torch.float32).reshape(entry["shape"])
        parts[kind][name] = values.requires_grad_(kind == "weight")
    return parts["weight"], parts["input"]


def training(name, path, torch):
    """A function that does one step: forward, backward, Adam; it gives the loss before the step."""
    from networks import NETWORKS

    weights, inputs = read(path, torch)
    optimizer = torch.optim.Adam(weights.values(), lr=RATE)

    def step():
        optimizer.zero_grad()
        loss = NETWORKS[name](weights, inputs)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def main():
    name, path, budget, threads = sys.argv[1:]
    try:
        import torch
    except ImportError as error:
        print(json.dumps({"skipped": str(error)}))
        return
    torch.set_num_threads(int(threads))
    report = measure(training(name, path, torch), float(budget))
    again = training(name, path, torch)
    report["losses"] = [again() for _ in range(COMPARED_STEPS)]
    report["torch"] = torch.__version__
    print(json.dumps(report))


if __name__ == "__main__":
    main()
