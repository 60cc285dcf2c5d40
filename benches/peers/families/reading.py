"""Reading a packed, compressed file, unpacking it and taking the mean. Here reading is the task and is timed."""

import numpy as np
from registry import Family

FAMILY = Family("reading", full=dict(frames=30, rows=720), quick=dict(frames=4, rows=180))
FILE = "packed.nc"


@FAMILY.inputs
def inputs(write, frames, rows):
    try:
        import netCDF4
    except ImportError:
        return
    random = np.random.default_rng(8)
    y, x = np.mgrid[0:rows, 0 : 2 * rows] * (720 / rows)
    land = random.random((rows // 6, rows // 3)).repeat(6, 0).repeat(6, 1) < 0.3
    with netCDF4.Dataset(write.path(FILE), "w") as file:
        for name, length in (("time", frames), ("lat", rows), ("lon", 2 * rows)):
            file.createDimension(name, length)
        for name, units, values in (
            ("time", "days since 2020-01-01", np.arange(frames)),
            ("lat", "degrees_north", -90 + 180 / rows * (np.arange(rows) + 0.5)),
            ("lon", "degrees_east", -180 + 180 / rows * (np.arange(2 * rows) + 0.5)),
        ):
            axis = file.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        options = dict(zlib=True, complevel=4, shuffle=True, chunksizes=(1, rows // 2, rows), fill_value=-32768)
        sst = file.createVariable("analysed_sst", "i2", ("time", "lat", "lon"), **options)
        sst.units, sst.scale_factor, sst.add_offset = "kelvin", 0.01, 273.15
        for t in range(frames):
            warm = 288 + 10 * np.cos(y / 200) + np.sin(x / 60 + t) + random.normal(0, 0.1, y.shape)
            sst[t] = np.ma.array(warm, mask=land)


def size(sizes):
    return f"{sizes['frames']}x{sizes['rows']}x{2 * sizes['rows']}, int16, zlib"


@FAMILY.peer("unpack_mean", "netCDF4", aim=1, tolerance=1e-6, size=size)
def netcdf4(read):
    import netCDF4

    def run():
        with netCDF4.Dataset(read.path(FILE)) as file:
            return file["analysed_sst"][:].mean()

    return run


@FAMILY.peer("unpack_mean", "xarray", aim=1, tolerance=1e-5)
def xarray(read):
    import netCDF4  # noqa: F401  (the engine)
    import xarray as xr

    def run():
        with xr.open_dataset(read.path(FILE), engine="netcdf4") as file:
            return file.analysed_sst.mean()

    return run
