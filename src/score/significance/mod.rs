//! Tests of hypothesis: is one model better than another, or is it chance?

mod diebold_mariano;
mod groups;
mod multiple;
mod paired_t;
mod sign_flip;
mod sign_test;
pub(in crate::score) mod tail;
mod wilcoxon;

pub use diebold_mariano::{DieboldMariano, LongRunVariance, diebold_mariano, diebold_mariano_of_losses};
pub use groups::{analysis_of_variance, friedman, kruskal_wallis, levene};
pub use multiple::{Correction, adjusted_p_values};
pub use paired_t::{PairedT, paired_t, welch_t};
pub use sign_flip::{SignFlip, sign_flip_exact, sign_flip_sampled};
pub use sign_test::{SignTest, sign_test};
pub use wilcoxon::{WilcoxonMethod, Zeros, wilcoxon};

use super::error::{ScoreError, ScoreResult};

/// On which side a departure from "no difference" counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Alternative {
    /// The first differs from the second.
    #[default]
    TwoSided,
    /// The first is smaller.
    Less,
    /// The first is larger.
    Greater,
}

/// A test statistic and the probability of one as extreme where there is no difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// The statistic.
    pub statistic: f64,
    /// Its p-value, 0..1.
    pub p_value: f64,
}

/// Differences a − b of pairs, checked.
fn differences(a: &[f64], b: &[f64], metric: &'static str, wanted: usize) -> ScoreResult<Vec<f64>> {
    super::valid::check_count(a, b, metric, wanted)?;
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    // The square of anything larger is infinite, and a statistic of it undefined.
    match differences.iter().find(|d| d.abs() > 1e150) {
        Some(found) => Err(ScoreError::Argument(format!("a difference of {found} is too large for {metric}"))),
        None => Ok(differences),
    }
}

/// Fails where the differences vary by no more than the rounding of the values they are made of.
fn check_varies(a: &[f64], b: &[f64], differences: &[f64], metric: &'static str) -> ScoreResult<()> {
    let size = a.iter().chain(b).fold(0.0f64, |m, v| m.max(v.abs()));
    let (low, high) = differences.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), d| (l.min(*d), h.max(*d)));
    if high - low <= 8.0 * f64::EPSILON * size {
        return Err(ScoreError::Constant { what: "the difference of the two", metric });
    }
    Ok(())
}
