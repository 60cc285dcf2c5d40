"""Distances of two large samples."""

import numpy as np
from registry import Family

FAMILY = Family("distribution", full=dict(count=1_000_000, pairs=100_000), quick=dict(count=50_000, pairs=5_000))


@FAMILY.inputs
def inputs(write, count, pairs):
    random = np.random.default_rng(6)
    write.array("first", random.standard_normal(count))
    write.array("second", random.standard_normal(count) + 0.1)
    write.number("pairs", pairs)


def size(sizes):
    return f"{sizes['count']} against {sizes['count']}"


def peer(task, tolerance, of, size=size):
    def prepare(read):
        from scipy import stats

        first, second = read.array("first"), read.array("second")
        return lambda: of(stats, first, second, int(read.number("pairs")))

    FAMILY.peer(task, "scipy", aim=1, tolerance=tolerance, size=size)(prepare)


peer("wasserstein", 1e-9, lambda stats, a, b, n: stats.wasserstein_distance(a, b))
peer("energy_distance", 1e-9, lambda stats, a, b, n: stats.energy_distance(a, b))
peer("kolmogorov_smirnov", 1e-12, lambda stats, a, b, n: stats.ks_2samp(a, b, method="asymp").statistic)
peer(
    "wilcoxon",
    1e-12,
    lambda stats, a, b, n: stats.wilcoxon(a[:n], b[:n], method="asymptotic").statistic,
    lambda sizes: f"{sizes['pairs']} pairs",
)
