"""Times training steps of one network in PyTorch: torch_step.py NET FILE SECONDS DEVICE PRECISION eager|compile.

The networks are those of benches/train. Prints one JSON line in the form of the Rust program's (step.rs), or
{"skipped": why} where PyTorch or its device is missing, or {"unsupported": why} where torch.compile refuses.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", part) for part in ("train", "peers")]
from peer import measure  # noqa: E402
from pytorch import COMPARED_STEPS, RATE, read  # noqa: E402

WARM_UP = 10


def training(torch, name, path, device, precision, mode):
    """A function that does one step: forward, backward, Adam; it gives the loss before the step."""
    from networks import NETWORKS

    weights, inputs = read(path, torch)
    weights = {n: t.detach().to(device).requires_grad_() for n, t in weights.items()}
    inputs = {n: t.to(device) for n, t in inputs.items()}
    optimizer = torch.optim.Adam(weights.values(), lr=RATE)
    loss_of = torch.compile(NETWORKS[name]) if mode == "compile" else NETWORKS[name]

    def step():
        optimizer.zero_grad()
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bf16"):
            loss = loss_of(weights, inputs)
        loss.backward()
        optimizer.step()
        return loss.item()  # waits for the card

    return step


def report(torch, name, path, budget, device, precision, mode):
    # What the networks make themselves (waves of time) lies beside their inputs.
    torch.set_default_device(device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "f32"
    step = training(torch, name, path, device, precision, mode)
    losses = [step() for _ in range(COMPARED_STEPS)]
    for _ in range(WARM_UP):
        step()
    return measure(step, float(budget)) | {"losses": losses, "torch": torch.__version__}


def main():
    name, path, budget, device, precision, mode = sys.argv[1:]
    try:
        import torch
    except ImportError as error:
        print(json.dumps({"skipped": str(error)}))
        return
    if device.startswith("cuda") and not torch.cuda.is_available():
        print(json.dumps({"skipped": "this PyTorch sees no CUDA card"}))
        return
    try:
        line = report(torch, name, path, budget, device, precision, mode)
    except Exception as error:
        if mode != "compile":
            raise
        line = {"unsupported": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
