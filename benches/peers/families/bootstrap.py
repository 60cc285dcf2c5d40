"""The bias-corrected and accelerated interval of a mean. Both sides draw their own resamples, so the ends agree only to
the scatter of the resampling."""

import numpy as np
from registry import Family

FAMILY = Family("bootstrap", full=dict(count=1000, resamples=9999), quick=dict(count=200, resamples=1999))


@FAMILY.inputs
def inputs(write, count, resamples):
    write.array("sample", np.random.default_rng(8).standard_normal(count) + 10)
    write.number("resamples", resamples)


@FAMILY.peer("bca_mean", "scipy", aim=1, tolerance=1e-3, size=lambda s: f"{s['count']} values, {s['resamples']} resamples")
def bca(read):
    from scipy import stats

    sample, count = read.array("sample"), int(read.number("resamples"))
    options = dict(n_resamples=count, method="BCa", batch=500)
    return lambda: stats.bootstrap((sample,), np.mean, rng=1, **options).confidence_interval.low
