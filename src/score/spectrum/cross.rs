//! Spectra of two series or fields, and how far they belong together.

use serde::{Deserialize, Serialize};

/// The spectra of a first and a second series (or field) with their cross spectrum, averaged over estimates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossSpectrum {
    /// Frequencies in cycles per unit of distance or time, ascending.
    pub frequencies: Vec<f64>,
    /// Power of the first.
    pub first: Vec<f64>,
    /// Power of the second.
    pub second: Vec<f64>,
    /// Real and imaginary part of the mean of conj(first) · second.
    pub cross: Vec<[f64; 2]>,
    /// Number of estimates averaged at each frequency.
    pub estimates: Vec<u64>,
}

impl CrossSpectrum {
    /// The squared coherence at each frequency.
    ///
    /// # Formula
    /// ```text
    /// C² = |S₁₂|² / (S₁₁ S₂₂)
    /// ```
    /// 0..1; 1 where one is the other filtered, 0 where they share nothing. Of n independent estimates that share nothing
    /// the expected value is 1/n. None where fewer than two estimates were averaged (it would be 1 whatever the data) and
    /// where either has no power.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::CrossSpectrum;
    /// let s = CrossSpectrum { frequencies: vec![0.1], first: vec![4.0], second: vec![1.0], cross: vec![[0.0, 1.0]], estimates: vec![9] };
    /// assert_eq!(s.coherence(), [Some(0.25)]);
    /// assert_eq!(s.phase_degrees(), [Some(90.0)]);
    /// ```
    ///
    /// # Reference
    /// Bendat, Piersol (2010), doi:10.1002/9781118032428
    pub fn coherence(&self) -> Vec<Option<f64>> {
        (0..self.frequencies.len())
            .map(|i| {
                let product = self.first[i] * self.second[i];
                let [real, imaginary] = self.cross[i];
                // Cauchy's inequality holds but for rounding.
                (self.estimates[i] > 1 && product > 0.0).then(|| ((real * real + imaginary * imaginary) / product).min(1.0))
            })
            .collect()
    }

    /// The phase of the second against the first in degrees, -180..180; positive where the second comes earlier. None without
    /// common power.
    pub fn phase_degrees(&self) -> Vec<Option<f64>> {
        let phase =
            |[real, imaginary]: &[f64; 2]| (*real != 0.0 || *imaginary != 0.0).then(|| imaginary.atan2(*real).to_degrees());
        self.cross.iter().map(phase).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_coherence_is_none() {
        let s = CrossSpectrum {
            frequencies: vec![0.0, 0.1, 0.2],
            first: vec![1.0, 0.0, 2.0],
            second: vec![1.0, 1.0, 2.0],
            cross: vec![[1.0, 0.0], [0.0, 0.0], [-2.0, 0.0]],
            estimates: vec![1, 5, 5],
        };
        assert_eq!(s.coherence(), [None, None, Some(1.0)]);
        assert_eq!(s.phase_degrees(), [Some(0.0), None, Some(180.0)]);
    }
}
