"""pyDINEOF's half of the comparison: fills FOLDER/values.f32 with up to MODES modes, ITERATIONS rounds for each
(0: until the gaps rest), and prints one JSON line.

pyDINEOF works on the logarithm of positive values; it is given the exponential, so that both sides fill the same anomalies.
Its temporal filter is off (alpha 0), as ours has none.
"""

import contextlib
import io
import json
import resource
import sys
import time

import numpy as np
import xarray as xr
from pydineof import run_2D

folder, modes, iterations = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
limit = {"nitemax": iterations, "toliter": 1e-12} if iterations else {}
shape = json.load(open(f"{folder}/shape.json"))
values = np.fromfile(f"{folder}/values.f32", dtype=np.float32).reshape(shape)
data = xr.DataArray(
    np.exp(values), dims=("time", "y", "x"), coords={"time": np.arange(shape[0]), "y": np.arange(shape[1]), "x": np.arange(shape[2])}
)
missing = np.isnan(values)
before = resource.getrusage(resource.RUSAGE_SELF)
wall = time.perf_counter()
said = io.StringIO()
with contextlib.redirect_stdout(said):
    filled = run_2D(data, nev=modes, ncv=modes + 6, alpha=0.0, rec=False, seed=1, **limit)
wall = time.perf_counter() - wall
after = resource.getrusage(resource.RUSAGE_SELF)
truth = np.fromfile(f"{folder}/truth.f32", dtype=np.float32).reshape(shape)
error = np.log(filled.transpose("time", "y", "x").values) - truth
chosen = [line.split(":")[1].strip() for line in said.getvalue().splitlines() if "eigenvalues retained" in line]
print(
    json.dumps(
        {
            "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "wall": wall,
            "peak_bytes": after.ru_maxrss * 1024,
            "rms_error": float(np.sqrt(np.mean(error[missing].astype(np.float64) ** 2))),
            "modes": int(chosen[-1]),
        }
    )
)
