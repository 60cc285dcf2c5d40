"""The continuous ranked probability score of 32 members in every cell of a field."""

import numpy as np
from registry import Family

FAMILY = Family("ensemble", full=dict(cells=720 * 1440), quick=dict(cells=20_000))
MEMBERS = 32


@FAMILY.inputs
def inputs(write, cells):
    random = np.random.default_rng(6)
    write.array("members", random.standard_normal((cells, MEMBERS)))
    write.array("observations", random.standard_normal(cells))


def size(sizes):
    return f"{sizes['cells']}x{MEMBERS}"


@FAMILY.peer("crps_plain", "properscoring", aim=5, tolerance=1e-9, size=size)
def properscoring(read):
    import properscoring

    members, observations = read.array("members"), read.array("observations")
    properscoring.crps_ensemble(observations[:10], members[:10])  # compiles
    return lambda: properscoring.crps_ensemble(observations, members).mean()


def scoringrules(task, estimator):
    def prepare(read):
        import scoringrules

        members, observations = read.array("members"), read.array("observations")
        options = dict(estimator=estimator, backend="numba")
        scoringrules.crps_ensemble(observations[:10], members[:10], **options)  # compiles
        return lambda: scoringrules.crps_ensemble(observations, members, **options).mean()

    FAMILY.peer(task, "scoringrules", aim=5, tolerance=1e-9, size=size, note=estimator)(prepare)


scoringrules("crps_plain", "qd")
scoringrules("crps_fair", "fair")
scoringrules("crps_fair", "pwm")
