"""Autocorrelation and partial autocorrelation of many daily series of a year."""

import numpy as np
from registry import Family

FAMILY = Family("series", full=dict(series=500), quick=dict(series=50))
LAGS = 20


@FAMILY.inputs
def inputs(write, series):
    random = np.random.default_rng(2)
    values = random.standard_normal((series, 365))
    for day in range(1, 365):
        values[:, day] += 0.8 * values[:, day - 1]
    write.array("series", values)
    write.number("lags", LAGS)


def size(sizes):
    return f"{sizes['series']}x365, {LAGS} lags"


def peer(task, name, **options):
    def prepare(read):
        from statsmodels.tsa import stattools

        values, function = read.array("series"), getattr(stattools, name)

        def run():
            lags = [function(series, nlags=LAGS, **options) for series in values]
            return sum(r[1] + 0.1 * r[2] + 0.01 * r[LAGS] for r in lags) / len(lags)

        return run

    note = ", ".join(f"{k}={v}" for k, v in options.items())
    FAMILY.peer(task, "statsmodels", aim=5, tolerance=1e-9, size=size, note=note)(prepare)


peer("acf", "acf")
peer("acf", "acf", fft=False)
peer("pacf_yule_walker", "pacf", method="ldb")
peer("pacf_yule_walker", "pacf", method="ywm")
peer("pacf_burg", "pacf", method="burg")
peer("pacf_least_squares", "pacf", method="ols")
