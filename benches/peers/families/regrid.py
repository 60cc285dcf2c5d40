"""A quarter-degree plane with land to a tenth of a degree, and planes without gaps to four times their size."""

import numpy as np
from registry import Family

FAMILY = Family(
    "regrid",
    full=dict(rows=720, target_rows=1800, planes=32, plane_rows=180),
    quick=dict(rows=180, target_rows=450, planes=4, plane_rows=90),
)


@FAMILY.inputs
def inputs(write, rows, target_rows, planes, plane_rows):
    random = np.random.default_rng(5)
    plane = (random.standard_normal((rows, 2 * rows)) + 288).astype("f4")
    plane[random.random(plane.shape) < 0.3] = np.nan
    write.array("plane", plane)
    # Inside the outer centres, beyond which the peers have no value or refuse.
    write.number("north", 90 - 0.6 * 180 / rows)
    write.number("east", 180 - 0.6 * 180 / rows)
    write.number("target_rows", target_rows)
    write.number("target_columns", 2 * target_rows)
    write.array("planes", random.standard_normal((planes, plane_rows, 2 * plane_rows)).astype("f4"))


def bilinear_size(sizes):
    rows, target = sizes["rows"], sizes["target_rows"]
    return f"{rows}x{2 * rows} to {target}x{2 * target}"


def resize_size(sizes):
    return f"{sizes['planes']}x{sizes['plane_rows']}x{2 * sizes['plane_rows']}, x4"


def grids(read):
    plane = read.array("plane").astype("f8")
    cell = 180 / len(plane)
    axes = -90 + cell * (np.arange(len(plane)) + 0.5), -180 + cell * (np.arange(2 * len(plane)) + 0.5)
    rows, columns = int(read.number("target_rows")), int(read.number("target_columns"))
    north, east = read.number("north"), read.number("east")
    return plane, axes, (np.linspace(-north, north, rows), np.linspace(-east, east, columns)), cell


@FAMILY.peer("bilinear", "xarray", aim=1, tolerance=1e-6, size=bilinear_size)
def xarray(read):
    import xarray as xr

    plane, (latitude, longitude), (rows, columns), _ = grids(read)
    field = xr.DataArray(plane, dims=("lat", "lon"), coords={"lat": latitude, "lon": longitude})
    return lambda: field.interp(lat=rows, lon=columns).sum()


@FAMILY.peer("bilinear", "scipy", aim=1, tolerance=1e-6, note="RegularGridInterpolator")
def regular_grid(read):
    from scipy.interpolate import RegularGridInterpolator

    plane, axes, target, _ = grids(read)
    rows, columns = np.meshgrid(*target, indexing="ij")
    return lambda: np.nansum(RegularGridInterpolator(axes, plane)((rows, columns)))


@FAMILY.peer("bilinear", "scipy", aim=1, tolerance=1e-6, note="map_coordinates")
def map_coordinates(read):
    from scipy import ndimage

    plane, axes, target, cell = grids(read)
    rows, columns = np.meshgrid(*target, indexing="ij")

    def run():
        places = [(rows - axes[0][0]) / cell, (columns - axes[1][0]) / cell]
        return np.nansum(ndimage.map_coordinates(plane, places, order=1))

    return run


def proof(fine):
    """The same numbers of a fine plane as on the other side."""
    return float((fine[:, 0] * fine[:, 0]).sum()) + float(fine.ravel()[fine.size // 2 + 1])


@FAMILY.peer("bicubic", "pillow", aim=1, tolerance=1e-5, size=resize_size)
def pillow(read):
    from PIL import Image

    planes = read.array("planes")
    rows, columns = 4 * planes.shape[1], 4 * planes.shape[2]

    def fine(plane):
        return np.asarray(Image.fromarray(plane).resize((columns, rows), Image.Resampling.BICUBIC))

    return lambda: sum(proof(fine(plane)) for plane in planes)


@FAMILY.peer("spline", "scipy", aim=1, tolerance=1e-4, size=resize_size, note="ndimage.zoom, order 3")
def spline(read):
    from scipy import ndimage

    planes = read.array("planes")
    return lambda: sum(proof(ndimage.zoom(p, 4, order=3, grid_mode=True, mode="grid-mirror")) for p in planes)
