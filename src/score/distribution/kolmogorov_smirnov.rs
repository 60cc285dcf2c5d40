//! The test of Kolmogorov and Smirnov: the largest gap between two cumulative distributions.

use super::kolmogorov_law::kolmogorov_above;
use super::{ScoreError, ScoreResult, ordered};

/// Most cells of the lattice for an exact p-value.
const LARGEST_LATTICE: usize = 200_000_000;

/// The largest gap between two cumulative distributions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KolmogorovSmirnov {
    /// The gap, 0..1.
    pub statistic: f64,
    /// The value after which the gap is found.
    pub location: f64,
    /// 1 where the first distribution is above there (its values are smaller), −1 where it is below.
    pub sign: i8,
    /// Values in the first sample.
    pub first: usize,
    /// Values in the second sample.
    pub second: usize,
}

/// The largest gap between the cumulative distributions of two samples.
///
/// # Formula
/// ```text
/// D = max |F(x) − G(x)|
/// ```
/// 0 for equal samples, 1 where they do not overlap.
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::kolmogorov_smirnov;
/// let ks = kolmogorov_smirnov(&[1.0, 2.0, 3.0], &[4.0, 5.0]).unwrap();
/// assert_eq!((ks.statistic, ks.location, ks.sign), (1.0, 3.0, 1));
/// // of the 10 orders of 3 and 2 values, two keep the samples apart
/// assert!((ks.p_value_exact().unwrap() - 0.2).abs() < 1e-15);
/// ```
///
/// # Reference
/// Hodges (1958), doi:10.1007/BF02589501
pub fn kolmogorov_smirnov(first: &[f64], second: &[f64]) -> ScoreResult<KolmogorovSmirnov> {
    let a = ordered(first, "the first sample", "kolmogorov_smirnov")?;
    let b = ordered(second, "the second sample", "kolmogorov_smirnov")?;
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (mut above, mut below) = ((f64::NEG_INFINITY, a[0]), (f64::INFINITY, a[0]));
    // The gap is largest right after a value of the first sample, and smallest before the next one; values that only the
    // second sample holds are looked at for the smallest gap, and for the largest where the first sample has ended.
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let x = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) | (None, Some(x)) => *x,
            (None, None) => break,
        };
        while i < a.len() && a[i] == x {
            i += 1;
        }
        while j < b.len() && b[j] == x {
            j += 1;
        }
        let gap = i as f64 / n - j as f64 / m;
        if gap > above.0 {
            above = (gap, x);
        }
        if gap < below.0 {
            below = (gap, x);
        }
    }
    let (high, low) = (above.0.max(0.0), (-below.0).max(0.0));
    let (statistic, location, sign) = if low > high { (low, below.1, -1) } else { (high, above.1, 1) };
    Ok(KolmogorovSmirnov { statistic: statistic.min(1.0), location, sign, first: a.len(), second: b.len() })
}

impl KolmogorovSmirnov {
    /// Probability of a gap as large between samples of one continuous distribution, by counting all orders of the values.
    /// Ties make it conservative.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] where the product of the sample sizes is above 2·10⁸.
    pub fn p_value_exact(&self) -> ScoreResult<f64> {
        let (n, m) = (self.first, self.second);
        if n.saturating_mul(m) > LARGEST_LATTICE {
            return Err(ScoreError::Argument(format!(
                "an exact p-value for samples of {n} and {m} was asked for; take the asymptotic one"
            )));
        }
        let common = greatest_common_divisor(n, m);
        let (step_i, step_j) = (m / common, n / common);
        // The gap in whole numbers of 1/(least common multiple).
        let limit = (self.statistic * (n * step_i) as f64).round() as u64;
        if limit == 0 {
            return Ok(1.0);
        }
        // Probability of being at (i, j) without ever having had the gap: the next of the values left is the first sample's
        // with probability (n − i)/(n − i + m − j). What leaves is summed, so that small probabilities keep their digits.
        let mut alive = vec![0.0; m + 1];
        let mut lost = 0.0;
        for i in 0..=n {
            let mut arriving = if i == 0 { 1.0 } else { 0.0 };
            for (j, cell) in alive.iter_mut().enumerate() {
                // `cell` holds what comes from (i − 1, j), `arriving` what comes from (i, j − 1).
                let mut here = *cell + arriving;
                if ((i * step_i) as u64).abs_diff((j * step_j) as u64) >= limit {
                    lost += here;
                    here = 0.0;
                }
                let (left_i, left_j) = ((n - i) as f64, (m - j) as f64);
                let left = left_i + left_j;
                if left > 0.0 {
                    *cell = here * left_i / left;
                    arriving = here * left_j / left;
                }
            }
        }
        Ok(lost.min(1.0))
    }

    /// The same from the law of one sample of n m/(n + m) values (rounded), right for large samples.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] where n m/(n + m) rounds to 0.
    pub fn p_value_asymptotic(&self) -> ScoreResult<f64> {
        let (n, m) = (self.first as f64, self.second as f64);
        kolmogorov_above((n * m / (n + m)).round_ties_even() as usize, self.statistic)
    }

    /// Exact for samples of up to 10 000 values, else asymptotic.
    ///
    /// # Errors
    /// Those of the two.
    pub fn p_value(&self) -> ScoreResult<f64> {
        if self.first.max(self.second) <= 10_000 { self.p_value_exact() } else { self.p_value_asymptotic() }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a.max(1) } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_p_values_count_all_orders() {
        // All orders of 4 and 3 values, as bit patterns.
        for limit in 1..=12u64 {
            let (mut all, mut reached) = (0, 0);
            for pattern in 0..1u32 << 7 {
                if pattern.count_ones() != 4 {
                    continue;
                }
                all += 1;
                let (mut i, mut j, mut gap) = (0u64, 0u64, 0u64);
                for step in 0..7 {
                    if pattern >> step & 1 == 1 {
                        i += 1
                    } else {
                        j += 1
                    }
                    gap = gap.max((3 * i).abs_diff(4 * j));
                }
                reached += i32::from(gap >= limit);
            }
            let statistic = limit as f64 / 12.0;
            let ks = KolmogorovSmirnov { statistic, location: 0.0, sign: 1, first: 4, second: 3 };
            assert!((ks.p_value_exact().unwrap() - f64::from(reached) / f64::from(all)).abs() < 1e-14, "{limit}");
        }
    }

    #[test]
    fn gap_by_a_grid_search() {
        let (a, b) = ([0.1, 0.4, 0.4, 0.9, 1.3], [0.2, 0.4, 1.1, 1.2]);
        let share = |x: &[f64], at: f64| x.iter().filter(|v| **v <= at).count() as f64 / x.len() as f64;
        let want = a.iter().chain(&b).map(|x| (share(&a, *x) - share(&b, *x)).abs()).fold(0.0, f64::max);
        let ks = kolmogorov_smirnov(&a, &b).unwrap();
        assert!((ks.statistic - want).abs() < 1e-15);
        assert_eq!(kolmogorov_smirnov(&b, &a).unwrap().sign, -ks.sign);
    }

    #[test]
    fn equal_and_empty_samples() {
        let same = kolmogorov_smirnov(&[1.0, 2.0], &[2.0, 1.0]).unwrap();
        assert_eq!((same.statistic, same.p_value_exact().unwrap()), (0.0, 1.0));
        assert!(kolmogorov_smirnov(&[], &[1.0]).is_err());
        assert!(kolmogorov_smirnov(&[1.0], &[2.0]).unwrap().p_value_asymptotic().is_err());
    }

    #[test]
    fn exact_and_asymptotic_come_close() {
        let a: Vec<f64> = (0..400).map(f64::from).collect();
        let b: Vec<f64> = (0..300).map(|i| 30.5 + 1.3 * f64::from(i)).collect();
        let ks = kolmogorov_smirnov(&a, &b).unwrap();
        let (exact, asymptotic) = (ks.p_value_exact().unwrap(), ks.p_value_asymptotic().unwrap());
        assert!((exact - asymptotic).abs() < 0.1 * exact, "{exact} {asymptotic}");
    }
}
