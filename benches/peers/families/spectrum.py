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


@FAMILY.peer("isotropic", "scipy", aim=1, tolerance=1e-8, note="rfft2, bincount")
def plain(read):
    from scipy import fft, signal

    values, cell = read.array("fields"), read.number("spacing")
    width = values.shape[1]

    def run():
        window = signal.windows.hann(width, sym=False)
        window = window[:, None] * window
        left = (values - values.mean((1, 2), keepdims=True)) * window
        transform = fft.rfft2(left)
        power = (transform.real**2 + transform.imag**2).mean(0)
        # Some cells lie on the edge of a bin: the same rounding as xrft's.
        radius = np.sqrt(fft.fftfreq(width, cell)[:, None] ** 2 + fft.rfftfreq(width, cell) ** 2)
        edges = np.linspace(0, radius.max(), width // 4 + 1)
        bins = np.maximum(np.searchsorted(edges, radius) - 1, 0).ravel()
        # Each cell of the half spectrum stands for two but for the first column, and the last of an even number.
        weight = np.full(radius.shape, 2.0)
        weight[:, 0] = 1
        weight[:, width // 2 :] = 2 - (width % 2 == 0)
        count = np.bincount(bins, weight.ravel())
        mean = np.bincount(bins, (weight * power).ravel()) / count
        frequency = np.bincount(bins, (weight * radius).ravel()) / count
        scale = cell**2 / width**2 / (window**2).mean()
        return (mean * frequency * scale)[3]

    return run
