"""Structural similarity and peak signal-to-noise ratio of two planes."""

import numpy as np
from registry import Family

FAMILY = Family("image", full=dict(rows=720), quick=dict(rows=180))


@FAMILY.inputs
def inputs(write, rows):
    random = np.random.default_rng(6)
    truth = np.cumsum(random.standard_normal((rows, 2 * rows)).astype("f4"), 1) * np.float32(0.1)
    write.array("truth", truth)
    write.array("prediction", truth + np.float32(0.1) * random.standard_normal(truth.shape).astype("f4"))
    write.number("data_range", truth.max() - truth.min())


def size(sizes):
    return f"{sizes['rows']}x{2 * sizes['rows']}"


def peer(task, function, tolerance, **options):
    def prepare(read):
        from skimage import metrics

        truth, prediction, data_range = read.array("truth"), read.array("prediction"), read.number("data_range")
        function_of = getattr(metrics, function)
        function_of(truth[:32, :32], prediction[:32, :32], data_range=data_range, **options)  # loads what it needs
        return lambda: function_of(truth, prediction, data_range=data_range, **options)

    FAMILY.peer(task, "scikit-image", aim=1, tolerance=tolerance, size=size)(prepare)


# scikit-image computes in the precision of its input, here f32.
peer("ssim_gaussian", "structural_similarity", 1e-4, gaussian_weights=True, use_sample_covariance=False)
peer("ssim_uniform", "structural_similarity", 1e-4)
peer("psnr", "peak_signal_noise_ratio", 1e-6)
