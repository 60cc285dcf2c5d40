//! Cumulative distributions of samples as staircases, and integrals over the space between two.

use super::{ScoreError, ScoreResult, ordered, sort_values};

/// A sample in ascending order with the share of weight up to each value.
pub(super) struct Steps {
    values: Vec<f64>,
    /// Share of weight before value i; none where all weigh the same.
    shares: Option<Vec<f64>>,
}

impl Steps {
    pub(super) fn of(values: &[f64], weights: Option<&[f64]>, what: &'static str, metric: &'static str) -> ScoreResult<Steps> {
        let Some(weights) = weights else {
            return Ok(Steps { values: ordered(values, what, metric)?, shares: None });
        };
        if weights.len() != values.len() {
            return Err(ScoreError::Argument(format!(
                "{what} has {} values and {} weights; one for each is wanted",
                values.len(),
                weights.len()
            )));
        }
        if let Some(weight) = weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            return Err(ScoreError::Argument(format!("{what} has a weight of {weight}; 0 or more is wanted")));
        }
        // Checks the values too.
        ordered(values, what, metric)?;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
        let total: f64 = weights.iter().sum();
        if total <= 0.0 {
            return Err(ScoreError::Argument(format!("all weights of {what} are 0; a positive sum is wanted")));
        }
        let mut shares = vec![0.0];
        let mut sum = 0.0;
        for i in &order {
            sum += weights[*i];
            shares.push(sum / total);
        }
        Ok(Steps { values: order.iter().map(|i| values[*i]).collect(), shares: Some(shares) })
    }

    fn share(&self, before: usize) -> f64 {
        self.shares.as_ref().map_or_else(|| before as f64 / self.values.len() as f64, |shares| shares[before])
    }

    /// ∫ f(F(x) − G(x)) dx over the range of both samples.
    pub(super) fn integral(&self, other: &Steps, f: impl Fn(f64) -> f64) -> f64 {
        let (a, b) = (&self.values, &other.values);
        let (mut i, mut j) = (0, 0);
        let mut sum = 0.0;
        let mut last = a[0].min(b[0]);
        let mut between = 0.0;
        while i < a.len() && j < b.len() {
            let next = a[i].min(b[j]);
            sum += between * (next - last);
            last = next;
            while i < a.len() && a[i] == next {
                i += 1;
            }
            while j < b.len() && b[j] == next {
                j += 1;
            }
            between = f(self.share(i) - other.share(j));
        }
        for (i, next) in a.iter().enumerate().skip(i) {
            sum += between * (next - last);
            last = *next;
            between = f(self.share(i + 1) - 1.0);
        }
        for (j, next) in b.iter().enumerate().skip(j) {
            sum += between * (next - last);
            last = *next;
            between = f(1.0 - other.share(j + 1));
        }
        sum
    }
}

/// Mean of f(difference) over the values of both samples in order: for samples of one size the distance of their quantiles.
pub(super) fn mean_quantile_gap(a: &mut [f64], b: &mut [f64]) -> f64 {
    sort_values(a);
    sort_values(b);
    // Four running sums, so that the additions need not wait for each other.
    let mut sums = [0.0; 4];
    for (k, (x, y)) in a.iter().zip(b.iter()).enumerate() {
        sums[k % 4] += (x - y).abs();
    }
    sums.iter().sum::<f64>() / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integral_by_hand() {
        // F steps at 0 and 2, G at 1: F − G is ½ on 0..1 and −½ on 1..2
        let (f, g) = (Steps::of(&[2.0, 0.0], None, "a", "x").unwrap(), Steps::of(&[1.0], None, "b", "x").unwrap());
        assert_eq!(f.integral(&g, |d| d), 0.0);
        assert_eq!(f.integral(&g, f64::abs), 1.0);
        assert_eq!(g.integral(&f, |d| d * d), 0.5);
    }

    #[test]
    fn weights_are_repetitions() {
        let weighted = Steps::of(&[3.0, 1.0], Some(&[1.0, 2.0]), "a", "x").unwrap();
        let repeated = Steps::of(&[1.0, 3.0, 1.0], None, "a", "x").unwrap();
        let other = Steps::of(&[0.5, 2.5, 7.0], None, "b", "x").unwrap();
        assert!((weighted.integral(&other, f64::abs) - repeated.integral(&other, f64::abs)).abs() < 1e-15);
        assert!(Steps::of(&[1.0], Some(&[0.0]), "a", "x").is_err());
        assert!(Steps::of(&[1.0], Some(&[-1.0]), "a", "x").is_err());
        assert!(Steps::of(&[1.0], Some(&[]), "a", "x").is_err());
    }
}
