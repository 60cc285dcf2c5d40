"""Semivariograms of scattered points (every pair) and of a whole field with gaps."""

import numpy as np
from registry import Family

FAMILY = Family(
    "variogram",
    full=dict(points=5000, many=20000, rows=720, largest=200),
    quick=dict(points=1500, many=4000, rows=180, largest=50),
)
EDGES = np.linspace(0, 500, 21)


@FAMILY.inputs
def inputs(write, points, many, rows, largest):
    random = np.random.default_rng(1)
    for suffix, count in (("", points), ("_large", many)):
        x, y = random.uniform(0, 1000, (2, count))
        write.array("x" + suffix, x)
        write.array("y" + suffix, y)
        write.array("z" + suffix, np.sin(x / 90) + np.cos(y / 70) + random.normal(0, 0.2, count))
    write.array("latitude", random.uniform(-60, 60, points))
    write.array("longitude", random.uniform(-180, 180, points))
    field = np.cumsum(random.standard_normal((rows, 2 * rows)), 1) * 0.01
    field[random.random(field.shape) < 0.3] = np.nan
    write.array("field", field)
    write.number("largest_lag", largest)


def few(sizes):
    return f"{sizes['points']} points"


def many(sizes):
    return f"{sizes['many']} points"


def plane(sizes):
    return f"{sizes['rows']}x{2 * sizes['rows']}"


def scikit_gstat(estimator, suffix=""):
    def prepare(read):
        import skgstat

        places = np.c_[read.array("x" + suffix), read.array("y" + suffix)]
        z = read.array("z" + suffix)
        options = dict(n_lags=20, maxlag=500.0, estimator=estimator, model="spherical")
        skgstat.Variogram(places[:200], z[:200], **options)  # compiles
        return lambda: skgstat.Variogram(places, z, **options).experimental[3]

    return prepare


def gstools_points(suffix=""):
    def prepare(read):
        import gstools

        gstools.config.NUM_THREADS = 1
        places, z = np.array([read.array("x" + suffix), read.array("y" + suffix)]), read.array("z" + suffix)
        return lambda: gstools.vario_estimate(places, z, EDGES.copy())[1][3]

    return prepare


FAMILY.peer("matheron", "scikit-gstat", aim=5, tolerance=1e-6, size=few)(scikit_gstat("matheron"))
FAMILY.peer("matheron", "gstools", aim=5, tolerance=1e-6)(gstools_points())
FAMILY.peer("matheron_large", "scikit-gstat", aim=5, tolerance=1e-6, size=many)(scikit_gstat("matheron", "_large"))
FAMILY.peer("matheron_large", "gstools", aim=5, tolerance=1e-6)(gstools_points("_large"))
FAMILY.peer("cressie", "scikit-gstat", aim=5, tolerance=1e-6, size=few)(scikit_gstat("cressie"))
FAMILY.peer("dowd", "scikit-gstat", aim=5, tolerance=1e-6, size=few)(scikit_gstat("dowd"))


@FAMILY.peer("matheron_sphere", "gstools", aim=5, tolerance=1e-6, size=few)
def sphere(read):
    import gstools

    gstools.config.NUM_THREADS = 1
    places, z = np.array([read.array("latitude"), read.array("longitude")]), read.array("z")
    edges = np.linspace(0, 3000, 21)
    # It divides the edges that it is given in place.
    return lambda: gstools.vario_estimate(places, z, edges.copy(), latlon=True, geo_scale=gstools.KM_SCALE)[1][3]


@FAMILY.peer("field", "scipy", aim=1, tolerance=1e-8, size=plane, note="written out with scipy.fft")
def field(read):
    from scipy import fft

    values, largest = read.array("field"), int(read.number("largest_lag"))
    rows, columns = values.shape
    reach = largest + 1

    def run():
        valid = np.isfinite(values).astype(float)
        z = np.where(valid > 0, values - np.nanmean(values), 0.0)
        shape = (fft.next_fast_len(rows + reach, True), fft.next_fast_len(columns + reach, True))
        m, z, q = (fft.rfft2(a, shape) for a in (valid, z, z * z))
        pairs = np.rint(fft.irfft2(m * m.conj(), shape))
        squares = fft.irfft2(2 * (q * m.conj()).real - 2 * z * z.conj(), shape)
        # Lags of both signs along the columns; on row 0 one sign only, since the other holds the same pairs.
        pairs, squares = (np.hstack([a[: reach + 1, -reach:], a[: reach + 1, : reach + 1]]) for a in (pairs, squares))
        pairs[0, : reach + 1] = squares[0, : reach + 1] = 0
        distance = np.hypot(np.arange(reach + 1)[:, None], np.arange(-reach, reach + 1)[None])
        bins = np.rint(distance).astype(int).ravel()
        count, total = np.bincount(bins, pairs.ravel()), np.bincount(bins, squares.ravel())
        # The transform gives Σ over both ends of (z_a² + z_b²) / 2 - z_a z_b, which is half of the squared increment.
        return (total / 2 / np.maximum(count, 1))[5]

    return run


@FAMILY.peer("field_axis", "gstools", aim=5, tolerance=1e-8, size=plane)
def field_axis(read):
    import gstools

    gstools.config.NUM_THREADS = 1
    values = np.ma.masked_invalid(read.array("field"))
    return lambda: gstools.vario_estimate_axis(values, "y")[5]
