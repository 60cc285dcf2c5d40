//! Robust statistics of matchup differences, as the SST community reports them.

use super::error::{ScoreError, ScoreResult};
use super::quantile::{quantile_of_sorted, sorted};

/// Factor that makes a median absolute deviation the standard deviation of normal data: 1/Φ⁻¹(3/4),
/// rounded as in the GHRSST reports.
pub const MAD_TO_STANDARD_DEVIATION: f64 = 1.4826;

/// Interquartile range of a standard normal distribution: 2 Φ⁻¹(3/4), rounded as in the GHRSST reports.
pub const IQR_OF_STANDARD_NORMAL: f64 = 1.349;

/// Robust statistics of differences (prediction − truth), in the unit of the data.
///
/// # Formula
/// ```text
/// median = Q(½)    MAD = median |d − median|    robust sd = 1.4826 MAD    or    (Q(¾) − Q(¼)) / 1.349
/// ```
/// A few wild matchups (drifters aground, clouds missed) do not move them.
///
/// # Example
/// ```
/// use isotherm::score::RobustStatistics;
/// // departures from the median 2.5: 1.5, 0.5, 0.5, 97.5, whose median is 1
/// let robust = RobustStatistics::of(&[1.0, 2.0, 3.0, 100.0]).unwrap();
/// assert_eq!(robust.median, 2.5);
/// assert!((robust.standard_deviation_mad - 1.4826).abs() < 1e-12);
/// ```
///
/// # Reference
/// Merchant et al. (2014), doi:10.1002/gdj3.20; Rousseeuw, Croux (1993), doi:10.1080/01621459.1993.10476408
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobustStatistics {
    /// Number of differences.
    pub count: usize,
    /// Median.
    pub median: f64,
    /// First quartile.
    pub quartile_low: f64,
    /// Third quartile.
    pub quartile_high: f64,
    /// Median absolute deviation from the median, not scaled.
    pub median_absolute_deviation: f64,
    /// Robust standard deviation: 1.4826 times the median absolute deviation.
    pub standard_deviation_mad: f64,
    /// Robust standard deviation: the interquartile range over 1.349.
    pub standard_deviation_iqr: f64,
}

impl RobustStatistics {
    /// The robust statistics of these differences.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a difference, [`ScoreError::NotFinite`] for an infinity or NaN.
    pub fn of(differences: &[f64]) -> ScoreResult<RobustStatistics> {
        if differences.is_empty() {
            return Err(ScoreError::TooFew { metric: "robust statistics", found: 0, wanted: 1 });
        }
        let ordered = sorted(differences)?;
        let median = quantile_of_sorted(&ordered, 0.5)?;
        let (low, high) = (quantile_of_sorted(&ordered, 0.25)?, quantile_of_sorted(&ordered, 0.75)?);
        let departures: Vec<f64> = ordered.iter().map(|d| (d - median).abs()).collect();
        let deviation = quantile_of_sorted(&sorted(&departures)?, 0.5)?;
        Ok(RobustStatistics {
            count: ordered.len(),
            median,
            quartile_low: low,
            quartile_high: high,
            median_absolute_deviation: deviation,
            standard_deviation_mad: MAD_TO_STANDARD_DEVIATION * deviation,
            standard_deviation_iqr: (high - low) / IQR_OF_STANDARD_NORMAL,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn normal_data_with_wild_ones() {
        let mut random = Random::new(5, "robust");
        let mut d: Vec<f64> = (0..20_000).map(|_| 0.1 + 0.4 * random.normal()).collect();
        d.iter_mut().take(200).for_each(|d| *d = 50.0);
        let robust = RobustStatistics::of(&d).unwrap();
        // 1 % of outliers moves the median by 0.4 * 0.0125 and each robust sd by about 2 %
        assert!((robust.median - 0.1).abs() < 0.02, "{robust:?}");
        assert!((robust.standard_deviation_mad / 0.4 - 1.0).abs() < 0.04, "{robust:?}");
        assert!((robust.standard_deviation_iqr / 0.4 - 1.0).abs() < 0.04, "{robust:?}");
    }

    #[test]
    fn none_is_refused() {
        assert!(RobustStatistics::of(&[]).is_err());
    }
}
