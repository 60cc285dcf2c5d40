"""Extreme-value distributions fitted to forty annual maxima in many cells."""

import numpy as np
from registry import Family

FAMILY = Family("extremes", full=dict(cells=200), quick=dict(cells=10))


@FAMILY.inputs
def inputs(write, cells):
    # scipy.stats.genextreme(0.1, 29, 1) by its quantile function, so that making the inputs needs numpy only.
    uniform = np.random.default_rng(7).uniform(size=(cells, 40))
    write.array("maxima", 29 + (1 - (-np.log(uniform)) ** 0.1) / 0.1)


def size(sizes):
    return f"{sizes['cells']}x40"


# The search stops near the maximum: judged by the mean log-likelihood, to a thousandth.
@FAMILY.peer("gev_likelihood", "scipy", aim=5, tolerance=1e-3, size=size)
def gev(read):
    from scipy import stats

    maxima = read.array("maxima")

    def run():
        fits = [stats.genextreme.fit(cell) for cell in maxima]
        return np.mean([stats.genextreme.logpdf(cell, *fit).sum() for cell, fit in zip(maxima, fits)])

    return run


@FAMILY.peer("gumbel_likelihood", "scipy", aim=1, tolerance=1e-5, size=size)
def gumbel(read):
    from scipy import stats

    maxima = read.array("maxima")
    return lambda: sum(stats.gumbel_r.fit(cell)[1] for cell in maxima) / len(maxima)


@FAMILY.peer("gev_moments", "lmoments3", aim=1, tolerance=1e-5, size=size)
def moments(read):
    from lmoments3 import distr

    maxima = read.array("maxima")
    return lambda: sum(distr.gev.lmom_fit(cell)["scale"] for cell in maxima) / len(maxima)
