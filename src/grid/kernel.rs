//! Interpolation kernels: the weight of a cell by its distance, in cells, from where the value is wanted.

use serde::{Deserialize, Serialize};

/// The `a` of PyTorch's bicubic (without antialias), and of this project's.
pub const CUBIC_A_HOUSE: f64 = -0.75;
/// The `a` of Pillow's bicubic, and of PyTorch's with antialias; third-order accurate (Keys).
pub const CUBIC_A_KEYS: f64 = -0.5;

/// A separable interpolation kernel.
///
/// # Reference
/// Keys, R. (1981), Cubic convolution interpolation for digital image processing. doi:10.1109/TASSP.1981.1163711.
/// Unser, M. (1999), Splines: a perfect fit for signal and image processing. doi:10.1109/79.799930.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    /// The cell whose centre is nearest; of two equally near the upper one.
    Nearest,
    /// The nearest cell as Pillow finds it: positions are summed up step by step, so that where two cells are
    /// equally near, rounding decides.
    NearestSummed,
    /// Mean over a cell; with antialias the plain area mean (Pillow's `BOX`).
    Box,
    /// Straight line between centres.
    Linear,
    /// Cubic convolution over four cells with free parameter `a`.
    Cubic {
        /// Slope parameter: -0.75 in PyTorch, -0.5 in Pillow.
        a: f64,
    },
    /// Windowed sinc over six cells (Pillow's `LANCZOS`).
    Lanczos3,
    /// Interpolating cubic B-spline (SciPy's `order=3`): coefficients are found first, so it is *not* cubic
    /// convolution. Needs [`super::Edge::Mirror`] or [`super::Edge::Reflect`].
    Spline3,
}

impl Kernel {
    /// Half the kernel's width in cells.
    pub fn support(self) -> f64 {
        match self {
            Kernel::Nearest | Kernel::NearestSummed | Kernel::Box => 0.5,
            Kernel::Linear => 1.0,
            Kernel::Cubic { .. } | Kernel::Spline3 => 2.0,
            Kernel::Lanczos3 => 3.0,
        }
    }

    /// The kernel at signed distance `x` in cells.
    ///
    /// # Formula
    /// ```text
    /// Cubic:    (a+2)|x|³ − (a+3)|x|² + 1        |x| ≤ 1
    ///           a|x|³ − 5a|x|² + 8a|x| − 4a      1 < |x| < 2
    /// Lanczos3: sinc(x) sinc(x/3)                |x| < 3
    /// Spline3:  (4 − 6x² + 3|x|³) / 6            |x| ≤ 1
    ///           (2 − |x|)³ / 6                   1 < |x| < 2
    /// ```
    pub fn weight(self, x: f64) -> f64 {
        let d = x.abs();
        match self {
            // Half open, so that a point midway between two cells belongs to one of them.
            Kernel::Nearest | Kernel::NearestSummed | Kernel::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Kernel::Linear => (1.0 - d).max(0.0),
            Kernel::Cubic { a } if d <= 1.0 => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
            Kernel::Cubic { a } if d < 2.0 => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
            Kernel::Lanczos3 if d < 3.0 => sinc(d) * sinc(d / 3.0),
            Kernel::Spline3 if d <= 1.0 => (4.0 - 6.0 * d * d + 3.0 * d * d * d) / 6.0,
            Kernel::Spline3 if d < 2.0 => (2.0 - d).powi(3) / 6.0,
            Kernel::Cubic { .. } | Kernel::Lanczos3 | Kernel::Spline3 => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let angle = std::f64::consts::PI * x;
    angle.sin() / angle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_phases_of_bicubic_by_5() {
        // a = -3/4 worked by hand, e.g. t = 0.6: w(0) = (1.25 * 0.6 - 2.25) * 0.36 + 1 = 0.46
        let cubic = Kernel::Cubic { a: CUBIC_A_HOUSE };
        let phases = [
            (0.6, [-0.072, 0.460, 0.720, -0.108]),
            (0.8, [-0.024, 0.200, 0.920, -0.096]),
            (0.0, [0.0, 1.0, 0.0, 0.0]),
            (0.2, [-0.096, 0.920, 0.200, -0.024]),
            (0.4, [-0.108, 0.720, 0.460, -0.072]),
        ];
        for (t, want) in phases {
            for (tap, weight) in want.iter().enumerate() {
                let x = tap as f64 - 1.0 - t;
                assert!((cubic.weight(x) - weight).abs() < 1e-14, "t {t} tap {tap}");
            }
        }
    }

    #[test]
    fn kernels_that_are_partitions_of_unity() {
        for kernel in [Kernel::Box, Kernel::Linear, Kernel::Cubic { a: -0.5 }, Kernel::Cubic { a: -0.75 }, Kernel::Spline3] {
            for step in 0..20 {
                let s = f64::from(step) / 20.0;
                let sum: f64 = (-4..=4).map(|i| kernel.weight(f64::from(i) - s)).sum();
                assert!((sum - 1.0).abs() < 1e-14, "{kernel:?} at {s}: {sum}");
            }
        }
    }
}
