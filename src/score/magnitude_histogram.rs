//! [`MagnitudeHistogram`]: quantiles of magnitudes that are too many to sort.

use super::error::{ScoreError, ScoreResult};

/// Bits of a single-precision number that are left out of the bin's number: the exponent and seven bits of the
/// fraction stay, so a bin is at most 1/128 of its value wide.
const DROPPED_BITS: u32 = 16;
/// Bins of the numbers from 0 to the largest finite one.
const BINS: usize = 0x7F80;

/// Counts of magnitudes (numbers of at least 0) in bins of equal relative width. Histograms of parts add up to that of the
/// whole, so quantiles of files larger than memory come from one pass.
///
/// # Example
/// ```
/// use isotherm::score::MagnitudeHistogram;
/// let mut histogram = MagnitudeHistogram::new();
/// (1..=1000).for_each(|k| histogram.add(k as f32));
/// let median = histogram.quantile(0.5).unwrap();
/// assert!((500.0..504.0).contains(&median));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MagnitudeHistogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for MagnitudeHistogram {
    fn default() -> Self {
        MagnitudeHistogram::new()
    }
}

impl MagnitudeHistogram {
    /// No magnitude yet.
    pub fn new() -> MagnitudeHistogram {
        MagnitudeHistogram { counts: vec![0; BINS], total: 0 }
    }

    /// Counts one magnitude; its sign is dropped, and what is not finite is not counted.
    pub fn add(&mut self, magnitude: f32) {
        if magnitude.is_finite() {
            // The bits of numbers of one sign are ordered as the numbers are.
            self.counts[(magnitude.abs().to_bits() >> DROPPED_BITS) as usize] += 1;
            self.total += 1;
        }
    }

    /// Takes in the counts of another histogram.
    pub fn merge(&mut self, other: &MagnitudeHistogram) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.total += other.total;
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The smallest edge of a bin below which at least the share `p` of all lies: the quantile, rounded up by less than 1 %.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] where nothing was counted, [`ScoreError::Argument`] for p outside 0..1.
    pub fn quantile(&self, p: f64) -> ScoreResult<f64> {
        if !(0.0..=1.0).contains(&p) {
            return Err(ScoreError::Argument(format!("the quantile {p} was asked for; 0..1 is wanted")));
        }
        if self.total == 0 {
            return Err(ScoreError::TooFew { metric: "a quantile", found: 0, wanted: 1 });
        }
        let wanted = (p * self.total as f64).max(1.0);
        let mut below = 0;
        for (bin, count) in self.counts.iter().enumerate() {
            below += count;
            if below as f64 >= wanted {
                return Ok(f64::from(f32::from_bits((bin as u32 + 1) << DROPPED_BITS)));
            }
        }
        Ok(f64::from(f32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::super::quantile::{quantile_of_sorted, sorted};
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn quantiles_are_those_of_the_sorted_list_to_one_percent() {
        let mut random = Random::new(4, "magnitudes");
        let values: Vec<f32> = (0..20_001).map(|_| random.normal().exp() as f32 * 1e-3).collect();
        let (mut left, mut right) = (MagnitudeHistogram::new(), MagnitudeHistogram::default());
        values[..7000].iter().for_each(|v| left.add(*v));
        values[7000..].iter().for_each(|v| right.add(-*v));
        left.merge(&right);
        let ordered = sorted(&values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>()).unwrap();
        for p in [0.0, 0.25, 0.5, 0.75, 0.9, 1.0] {
            let (got, wanted) = (left.quantile(p).unwrap(), quantile_of_sorted(&ordered, p).unwrap());
            assert!(got > wanted * 0.999 && got < wanted * 1.01, "{p}: {got} {wanted}");
            let share = ordered.iter().filter(|v| **v < got).count() as f64 / ordered.len() as f64;
            assert!(share >= p, "{share} {p}");
        }
    }

    #[test]
    fn what_has_no_quantile_is_refused() {
        let mut histogram = MagnitudeHistogram::new();
        histogram.add(f32::NAN);
        histogram.add(f32::INFINITY);
        assert!(matches!(histogram.quantile(0.5), Err(ScoreError::TooFew { .. })));
        histogram.add(0.0);
        assert!(histogram.quantile(1.5).is_err());
        assert!(histogram.quantile(0.5).unwrap() < 1e-40);
        histogram.add(f32::MAX);
        assert!(histogram.quantile(1.0).unwrap() >= f64::from(f32::MAX));
    }
}
