"""Isotropic power spectra of square fields."""

import numpy as np
from registry import Family

FAMILY = Family("spectrum", full=dict(frames=20, width=500), quick=dict(frames=4, width=128))
KILOMETRES = 5.0


@FAMILY.inputs
def inputs(write, frames, width):
    random = np.random.default_rng(4)
    write.array("fields", np.cumsum(np.cumsum(random.standard_normal((frames, width, width)), 1), 2))
    write.number("spacing", KILOMETRES)


def size(sizes):
    return f"{sizes['frames']}x{sizes['width']}x{sizes['width']}"


@FAMILY.peer("isotropic", "xrft", aim=5, tolerance=1e-8, size=size)
def xrft(read):
    import numpy_groupies  # noqa: F401  (xrft needs it and does not say so)
    import xarray as xr
    import xrft

    values = read.array("fields")
    places = np.arange(values.shape[1]) * KILOMETRES
    fields = xr.DataArray(values, dims=("t", "y", "x"), coords={"t": np.arange(len(values)), "y": places, "x": places})
    options = dict(dim=["y", "x"], detrend="constant", window="hann", window_correction=True, truncate=True)
    return lambda: xrft.isotropic_power_spectrum(fields, **options)[:, 3].mean()
