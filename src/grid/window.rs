//! Windows: weights along one axis of a tile.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// A window function. Hann comes in three that differ at their ends, and programs differ in which one they mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Ones.
    Rectangle,
    /// `½ − ½ cos(2πi/(n−1))`: 0 at both ends (default of SciPy and NumPy).
    HannSymmetric,
    /// `½ − ½ cos(2πi/n)`: 0 at the first end only (default of PyTorch).
    HannPeriodic,
    /// `sin²(π(i+½)/n)`: nowhere 0, and sums to a constant at every hop that divides n/2. The one to stitch with.
    HannHalfSample,
    /// Flat in the middle, with half-Hann shoulders over the share `taper` (0..=1) of the window.
    Tukey {
        /// Share of the window taken by both shoulders together: 0 rectangle, 1 Hann.
        taper: f64,
    },
    /// `sin(π(i+½)/n)`.
    Cosine,
}

impl Window {
    /// The `length` weights, within 0..=1; a window of one cell is 1.
    ///
    /// # Reference
    /// Harris, F. (1978), On the use of windows for harmonic analysis with the discrete Fourier transform.
    /// doi:10.1109/PROC.1978.10837.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::Window;
    /// assert_eq!(Window::HannSymmetric.weights(3), [0.0, 1.0, 0.0]);
    /// ```
    pub fn weights(self, length: usize) -> Vec<f64> {
        if length == 1 {
            return vec![1.0];
        }
        let n = length as f64;
        (0..length).map(|i| self.weight(i as f64, n)).collect()
    }

    fn weight(self, i: f64, n: f64) -> f64 {
        match self {
            Window::Rectangle => 1.0,
            Window::HannSymmetric => 0.5 - 0.5 * (2.0 * PI * i / (n - 1.0)).cos(),
            Window::HannPeriodic => 0.5 - 0.5 * (2.0 * PI * i / n).cos(),
            Window::HannHalfSample => (PI * (i + 0.5) / n).sin().powi(2),
            Window::Tukey { taper } => {
                let from_end = i.min(n - 1.0 - i);
                let shoulder = 0.5 * taper.clamp(0.0, 1.0) * (n - 1.0);
                if from_end >= shoulder { 1.0 } else { 0.5 - 0.5 * (PI * from_end / shoulder).cos() }
            }
            Window::Cosine => (PI * (i + 0.5) / n).sin(),
        }
    }

    /// Is some weight 0, so that a tile alone cannot give its border a value?
    pub fn reaches_zero(self) -> bool {
        match self {
            Window::HannSymmetric | Window::HannPeriodic => true,
            Window::Tukey { taper } => taper > 0.0,
            Window::Rectangle | Window::HannHalfSample | Window::Cosine => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sin_squared_sums_to_a_constant_at_dividing_hops() {
        // 16 cells: hops of 8, 4 and 2 give 1, 2 and 4, for sin² + cos² = 1
        let w = Window::HannHalfSample.weights(16);
        for (hop, want) in [(8, 1.0), (4, 2.0), (2, 4.0)] {
            for phase in 0..hop {
                let sum: f64 = w.iter().skip(phase).step_by(hop).sum();
                assert!((sum - want).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn tukey_lies_between_rectangle_and_hann() {
        let close = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-15);
        assert!(close(Window::Tukey { taper: 0.0 }.weights(7), vec![1.0; 7]));
        assert!(close(Window::Tukey { taper: 1.0 }.weights(7), Window::HannSymmetric.weights(7)));
        assert!(Window::HannHalfSample.weights(0).is_empty());
    }
}
