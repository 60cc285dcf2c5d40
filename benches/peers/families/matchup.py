"""Values of a daily quarter-degree field, 30 % land, at observations of the open globe.

All sides take the nearest of all cells and drop an observation whose cell is land.
"""

import numpy as np
from registry import Family

FAMILY = Family("matchup", full=dict(points=1_000_000, days=36, rows=720), quick=dict(points=50_000, days=4, rows=180))


@FAMILY.inputs
def inputs(write, points, days, rows):
    random = np.random.default_rng(3)
    grid = random.standard_normal((days, rows, 2 * rows), dtype=np.float32) + np.float32(288)
    grid[:, random.random(grid.shape[1:]) < 0.3] = np.nan
    write.array("grid", grid)
    write.array("latitude", np.rad2deg(np.arcsin(random.uniform(-0.9, 0.9, points))))
    # Inside the outer centres in space and time, beyond which the peers of the trilinear task have no value.
    write.array("longitude", random.uniform(-179.4, 179.4, points))
    write.array("day", random.uniform(0.5, days - 0.5, points))
    write.number("radius_degrees", 0.15 * 720 / rows)
    # Half the diagonal of a cell on the equator is 0.18 degrees: every point has its cell.
    write.number("whole_cell_degrees", 0.2 * 720 / rows)


def size(sizes):
    return f"{sizes['points']} points, {sizes['days']}x{sizes['rows']}x{2 * sizes['rows']}"


def axes(rows):
    cell = 180 / rows
    return -90 + cell * (np.arange(rows) + 0.5), -180 + cell * (np.arange(2 * rows) + 0.5)


def unit_vectors(latitude, longitude):
    latitude, longitude = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.c_[np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]


def cells_and_points(read):
    """The grid as a list of cells, and the observations. Building the tree is not timed."""
    grid = read.array("grid")
    latitude, longitude = (a.ravel() for a in np.meshgrid(*axes(grid.shape[1]), indexing="ij"))
    points = read.array("latitude"), read.array("longitude"), read.array("day").astype(int)
    return grid.reshape(len(grid), -1), unit_vectors(latitude, longitude), points


def gather(values, near, index, day):
    found = values[day[near], index[near]]
    return np.nansum(found, dtype="f8")


def chord(read):
    return 2 * np.sin(np.deg2rad(read.number("radius_degrees")) / 2)


@FAMILY.peer("nearest", "scipy", aim=1, tolerance=1e-5, size=size, note="cKDTree, built before")
def ckdtree(read):
    from scipy.spatial import cKDTree

    values, cells, (latitude, longitude, day) = cells_and_points(read)
    tree, reach = cKDTree(cells), chord(read)

    def run():
        distance, index = tree.query(unit_vectors(latitude, longitude), distance_upper_bound=reach)
        return gather(values, np.isfinite(distance), index, day)

    return run


@FAMILY.peer("nearest", "pykdtree", aim=1, tolerance=1e-5, note="built before")
def pykdtree(read):
    from pykdtree.kdtree import KDTree

    values, cells, (latitude, longitude, day) = cells_and_points(read)
    tree, reach = KDTree(cells), chord(read)

    def run():
        distance, index = tree.query(unit_vectors(latitude, longitude), k=1, distance_upper_bound=reach)
        return gather(values, np.isfinite(distance), index.astype(int), day)

    return run


@FAMILY.peer("nearest", "pyresample", aim=5, tolerance=1e-4, note="with its tree")
def pyresample(read):
    from pyresample import geometry, kd_tree

    grid = read.array("grid")
    latitude, longitude = np.meshgrid(*axes(grid.shape[1]), indexing="ij")
    source = geometry.GridDefinition(lons=longitude, lats=latitude)
    target = geometry.SwathDefinition(lons=read.array("longitude"), lats=read.array("latitude"))
    day, values = read.array("day").astype(int), grid.reshape(len(grid), -1)
    metres = np.deg2rad(read.number("radius_degrees")) * 6370997.0

    def run():
        cells, points, index, distance = kd_tree.get_neighbour_info(source, target, metres, neighbours=1)
        near = np.isfinite(distance)
        return gather(values[:, cells] if not cells.all() else values, near, index, day[points])

    return run


@FAMILY.peer("index", "numpy", aim=1, tolerance=1e-6, size=size, note="arithmetic on a regular grid")
def index(read):
    grid = read.array("grid")
    rows = grid.shape[1]
    cell = 180 / rows
    latitude, longitude, day = read.array("latitude"), read.array("longitude"), read.array("day")

    def run():
        row = np.clip(np.rint((latitude + 90 - cell / 2) / cell).astype(int), 0, rows - 1)
        column = np.rint((longitude + 180 - cell / 2) / cell).astype(int) % (2 * rows)
        return np.nansum(grid[day.astype(int), row, column], dtype="f8")

    return run


@FAMILY.peer("trilinear", "scipy", aim=1, tolerance=1e-5, size=size, note="RegularGridInterpolator")
def trilinear(read):
    from scipy.interpolate import RegularGridInterpolator

    grid = read.array("grid")
    noons = np.arange(len(grid)) + 0.5
    points = np.c_[read.array("day"), read.array("latitude"), read.array("longitude")]
    interpolate = RegularGridInterpolator((noons, *axes(grid.shape[1])), grid, bounds_error=False, fill_value=np.nan)
    return lambda: np.nansum(interpolate(points), dtype="f8")
