//! Windows that taper data before a spectrum.

use serde::{Deserialize, Serialize};

use crate::score::error::{ScoreError, ScoreResult};

/// A taper, which keeps the jump between the two ends of the data from leaking into all frequencies.
///
/// # Formula
/// ```text
/// with p = i/n (periodic, for spectra) or i/(n − 1) (symmetric):
/// Boxcar      1
/// Hann        sin²(πp)
/// Hamming     0.54 − 0.46 cos(2πp)
/// Blackman    0.42 − 0.5 cos(2πp) + 0.08 cos(4πp)
/// Tukey{α}    (1 − cos(2πp/α))/2 for p < α/2, likewise at the other end, 1 between
/// ```
///
/// # Reference
/// Harris (1978), doi:10.1109/PROC.1978.10837
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum SpectralWindow {
    /// No taper.
    Boxcar,
    /// Cosine bell.
    #[default]
    Hann,
    /// Raised cosine bell that does not reach 0.
    Hamming,
    /// Three-term bell.
    Blackman,
    /// Flat with cosine ends.
    Tukey {
        /// Part of the data that is tapered, both ends together: 0 is a boxcar, 1 a Hann window.
        taper: f64,
    },
}

impl SpectralWindow {
    /// The periodic form, one period of which has `count` points: right for spectra.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for a taper outside 0..1.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::SpectralWindow;
    /// let hann = SpectralWindow::Hann.weights(4).unwrap();
    /// assert!(hann.iter().zip([0.0, 0.5, 1.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-15));
    /// ```
    pub fn weights(self, count: usize) -> ScoreResult<Vec<f64>> {
        self.at_phases(count, count as f64)
    }

    /// The symmetric form, whose last point mirrors its first.
    ///
    /// # Errors
    /// As [`SpectralWindow::weights`].
    pub fn symmetric_weights(self, count: usize) -> ScoreResult<Vec<f64>> {
        if count == 1 {
            return Ok(vec![1.0]);
        }
        self.at_phases(count, count as f64 - 1.0)
    }

    fn at_phases(self, count: usize, period: f64) -> ScoreResult<Vec<f64>> {
        if let SpectralWindow::Tukey { taper } = self
            && !(0.0..=1.0).contains(&taper)
        {
            return Err(ScoreError::Argument(format!("a taper of {taper} was asked for; 0 to 1 is wanted")));
        }
        let weight = |phase: f64| {
            let cosine = |turns: f64| (std::f64::consts::TAU * turns).cos();
            match self {
                SpectralWindow::Boxcar => 1.0,
                SpectralWindow::Hann => 0.5 - 0.5 * cosine(phase),
                SpectralWindow::Hamming => 0.54 - 0.46 * cosine(phase),
                SpectralWindow::Blackman => 0.42 - 0.5 * cosine(phase) + 0.08 * cosine(2.0 * phase),
                SpectralWindow::Tukey { taper } => match phase.min(1.0 - phase) {
                    end if end < 0.5 * taper => 0.5 - 0.5 * cosine(end / taper),
                    _ => 1.0,
                },
            }
        };
        Ok((0..count).map(|i| weight(i as f64 / period)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-15), "{got:?} {want:?}");
    }

    #[test]
    fn by_hand() {
        close(&SpectralWindow::Hann.symmetric_weights(5).unwrap(), &[0.0, 0.5, 1.0, 0.5, 0.0]);
        close(&SpectralWindow::Hamming.weights(4).unwrap(), &[0.08, 0.54, 1.0, 0.54]);
        close(&SpectralWindow::Blackman.weights(4).unwrap(), &[0.0, 0.34, 1.0, 0.34]);
        close(&SpectralWindow::Tukey { taper: 0.5 }.weights(8).unwrap(), &[0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]);
        close(&SpectralWindow::Hann.symmetric_weights(1).unwrap(), &[1.0]);
    }

    #[test]
    fn tukey_lies_between_boxcar_and_hann() {
        close(&SpectralWindow::Tukey { taper: 0.0 }.weights(7).unwrap(), &SpectralWindow::Boxcar.weights(7).unwrap());
        close(&SpectralWindow::Tukey { taper: 1.0 }.weights(7).unwrap(), &SpectralWindow::Hann.weights(7).unwrap());
        assert!(SpectralWindow::Tukey { taper: 1.1 }.weights(7).is_err());
    }
}
