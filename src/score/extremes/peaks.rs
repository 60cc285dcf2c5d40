//! Peaks over a threshold: independent excesses and their return levels.

use super::law::shaped_exp;
use super::{GeneralizedPareto, LawFit, ScoreResult};
use crate::score::error::ScoreError;

/// Positions of the highest value of each cluster above `threshold`. A cluster ends when `run` values in a row are not above it;
/// missing values count as not above.
///
/// Values above a threshold come in groups (a warm spell); the law of excesses holds for independent ones, so one of each group
/// is kept.
///
/// # Errors
/// [`ScoreError::Argument`] for a run of 0, a mask of another length or a threshold that is not finite,
/// [`ScoreError::NotFinite`] for a valid value that is infinite or NaN.
///
/// # Example
/// ```
/// use isotherm::score::cluster_peaks;
/// let x = [0.0, 3.0, 5.0, 0.0, 4.0, 0.0, 0.0, 2.0];
/// assert_eq!(cluster_peaks(&x, None, 1.0, 2).unwrap(), vec![2, 7]); // one quiet day does not end a cluster
/// assert_eq!(cluster_peaks(&x, None, 1.0, 1).unwrap(), vec![2, 4, 7]);
/// ```
///
/// # Reference
/// Smith, Weissman (1994), doi:10.1111/j.2517-6161.1994.tb01997.x
pub fn cluster_peaks(values: &[f64], valid: Option<&[bool]>, threshold: f64, run: usize) -> ScoreResult<Vec<usize>> {
    if run == 0 || !threshold.is_finite() {
        return Err(ScoreError::Argument(format!(
            "a run of {run} and a threshold of {threshold} were given; at least 1 and a finite number are wanted"
        )));
    }
    if let Some(valid) = valid.filter(|v| v.len() != values.len()) {
        return Err(ScoreError::Argument(format!(
            "the mask has {} entries for a series of {}; one for each is wanted",
            valid.len(),
            values.len()
        )));
    }
    let mut peaks: Vec<usize> = Vec::new();
    // Quiet values since the last one above; a first cluster begins as if after a long quiet time.
    let mut quiet = run;
    for (i, value) in values.iter().enumerate() {
        let known = valid.is_none_or(|v| v[i]);
        if known && !value.is_finite() {
            return Err(ScoreError::NotFinite { what: "the series", position: i });
        }
        if !known || *value <= threshold {
            quiet = quiet.saturating_add(1);
            continue;
        }
        match peaks.last_mut() {
            Some(last) if quiet < run => {
                if *value > values[*last] {
                    *last = i;
                }
            }
            _ => peaks.push(i),
        }
        quiet = 0;
    }
    Ok(peaks)
}

/// Peaks over a threshold with their fitted law.
#[derive(Clone, Debug, PartialEq)]
pub struct PeaksOverThreshold {
    /// Positions of the peaks in the series.
    pub positions: Vec<usize>,
    /// Valid values in the series.
    pub count: usize,
    /// The generalized Pareto law of the peaks.
    pub fit: LawFit<GeneralizedPareto>,
}

impl PeaksOverThreshold {
    /// Declusters a series and fits the law of highest likelihood to the peaks.
    ///
    /// # Errors
    /// As [`cluster_peaks`] and [`GeneralizedPareto::fit`] (at least three peaks).
    ///
    /// # Example
    /// ```
    /// use isotherm::score::PeaksOverThreshold;
    /// // exponential values in a mixed order
    /// let x: Vec<f64> = (0..101).map(|i| -((f64::from(i * 37 % 101) + 0.5) / 101.0).ln()).collect();
    /// let peaks = PeaksOverThreshold::of(&x, None, 1.0, 1).unwrap();
    /// assert!(peaks.level(1000.0).unwrap() > 4.0);
    /// ```
    ///
    /// # Reference
    /// Davison, Smith (1990), doi:10.1111/j.2517-6161.1990.tb01796.x
    pub fn of(values: &[f64], valid: Option<&[bool]>, threshold: f64, run: usize) -> ScoreResult<PeaksOverThreshold> {
        let positions = cluster_peaks(values, valid, threshold, run)?;
        let heights: Vec<f64> = positions.iter().map(|i| values[*i]).collect();
        let count = valid.map_or(values.len(), |v| v.iter().filter(|v| **v).count());
        Ok(PeaksOverThreshold { fit: GeneralizedPareto::fit(&heights, threshold)?, positions, count })
    }

    /// Share of valid values that are a peak.
    pub fn rate(&self) -> f64 {
        self.positions.len() as f64 / self.count as f64
    }

    /// The level that a peak exceeds once in `period` values of the series (365 × 50 for fifty years of days).
    ///
    /// # Formula
    /// ```text
    /// u + σ/ξ ((period · rate)^ξ − 1)
    /// ```
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for a period with less than one peak.
    pub fn level(&self, period: f64) -> ScoreResult<f64> {
        let peaks = period * self.rate();
        if !(peaks.is_finite() && peaks >= 1.0) {
            return Err(ScoreError::Argument(format!("{period} values hold {peaks} peaks on average; at least one is wanted")));
        }
        let law = &self.fit.law;
        Ok(law.threshold() + law.scale() * shaped_exp(law.shape(), peaks.ln()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn missing_values_hold_anything_and_are_quiet() {
        let x = [5.0, f64::NAN, 4.0, 9.0];
        let valid = [true, false, true, true];
        assert_eq!(cluster_peaks(&x, Some(&valid), 1.0, 1).unwrap(), vec![0, 3]);
        assert_eq!(cluster_peaks(&x, Some(&valid), 1.0, 2).unwrap(), vec![3]);
        assert!(cluster_peaks(&x, None, 1.0, 1).is_err() && cluster_peaks(&x, Some(&valid), 1.0, 0).is_err());
        assert!(cluster_peaks(&[], None, 0.0, 1).unwrap().is_empty());
    }

    #[test]
    fn exponential_series_has_the_level_of_its_law() {
        // Of independent exponential values ln(N) is exceeded once in N.
        let mut random = Random::new(12, "peaks");
        let x: Vec<f64> = (0..20_000).map(|_| -(1.0 - random.uniform()).ln()).collect();
        let peaks = PeaksOverThreshold::of(&x, None, 3.0, 1).unwrap();
        assert!((peaks.rate() - (-3.0f64).exp()).abs() < 0.005);
        assert!((peaks.level(1000.0).unwrap() - 1000.0f64.ln()).abs() < 0.4);
        assert!(peaks.level(2.0).is_err());
    }
}
