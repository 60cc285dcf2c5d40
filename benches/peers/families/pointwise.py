"""Scores of a field against another, 30 % land."""

import numpy as np
from registry import Family

FAMILY = Family("pointwise", full=dict(frames=36, rows=720), quick=dict(frames=6, rows=180))


@FAMILY.inputs
def inputs(write, frames, rows):
    random = np.random.default_rng(0)
    shape = (frames, rows, 2 * rows)
    truth = random.standard_normal(shape, dtype=np.float32) + np.float32(288)
    prediction = truth + np.float32(0.3) * random.standard_normal(shape, dtype=np.float32)
    land = random.random(shape[1:]) < 0.3
    truth[:, land] = np.nan
    prediction[:, land] = np.nan
    write.array("truth", truth)
    write.array("prediction", prediction)


def size(sizes):
    return f"{sizes['frames']}x{sizes['rows']}x{2 * sizes['rows']}"


def arrays(read):
    import xarray as xr

    names = ("time", "lat", "lon")
    return xr.DataArray(read.array("truth"), dims=names), xr.DataArray(read.array("prediction"), dims=names)


@FAMILY.peer("rmse_time_map", "xskillscore", aim=5, tolerance=1e-4, size=size)
def rmse_map(read):
    import xskillscore as xs

    truth, prediction = arrays(read)
    return lambda: xs.rmse(truth, prediction, "time", skipna=True).mean()


@FAMILY.peer("rmse_time_map", "numpy", aim=1, tolerance=1e-4)
def rmse_map_numpy(read):
    truth, prediction = read.array("truth"), read.array("prediction")
    return lambda: np.nanmean(np.sqrt(np.nanmean((prediction - truth) ** 2, 0)), dtype="f8")


@FAMILY.peer("rmse_weighted_per_time", "xskillscore", aim=5, tolerance=1e-4, size=size)
def rmse_weighted(read):
    import xarray as xr
    import xskillscore as xs

    truth, prediction = arrays(read)
    rows, columns = truth.shape[1:]
    cell = 180 / rows
    latitude = -90 + cell * (np.arange(rows) + 0.5)
    weights = np.repeat(np.cos(np.deg2rad(latitude))[:, None], columns, 1).astype("f4")
    weights = xr.DataArray(weights, dims=("lat", "lon"))
    return lambda: xs.rmse(truth, prediction, ["lat", "lon"], weights=weights, skipna=True).mean()


@FAMILY.peer("pearson_time_map", "xskillscore", aim=5, tolerance=1e-3, size=size)
def pearson_map(read):
    import xskillscore as xs

    truth, prediction = (a.astype("f4") for a in arrays(read))
    return lambda: xs.pearson_r(truth, prediction, "time", skipna=True).mean()


@FAMILY.peer("rmse_flat", "HydroErr", aim=5, tolerance=1e-3, size=size)
def rmse_flat(read):
    import HydroErr

    truth, prediction = read.array("truth").ravel(), read.array("prediction").ravel()
    return lambda: HydroErr.rmse(prediction, truth)


@FAMILY.peer("kge_2012_flat", "HydroErr", aim=5, tolerance=1e-3, size=size)
def kge_flat(read):
    import HydroErr

    truth, prediction = read.array("truth").ravel(), read.array("prediction").ravel()
    return lambda: HydroErr.kge_2012(prediction, truth)
