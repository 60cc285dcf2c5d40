//! The test of Diebold and Mariano: do two forecasts differ in their expected loss?

use super::tail::student_beyond;
use super::{Alternative, ScoreError, ScoreResult, check_varies};
use crate::score::valid::check_count;

/// How the variance of the mean loss difference is found from its autocovariances g(k).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LongRunVariance {
    /// (g(0) + 2 Σ g(k))/n over k below the horizon; may come out negative, which is an error.
    #[default]
    Plain,
    /// (g(0) + 2 Σ (1 − k/h) g(k))/n: never negative.
    Bartlett,
}

/// What the test of Diebold and Mariano is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DieboldMariano {
    /// Steps that a forecast looks ahead, at least 1: losses closer than that are taken to be correlated.
    pub horizon: usize,
    /// Variance of the mean.
    pub variance: LongRunVariance,
    /// The small-sample factor of Harvey, Leybourne and Newbold.
    pub harvey: bool,
    /// The side that counts; `Less` asks whether the first forecast has the smaller loss.
    pub alternative: Alternative,
}

impl Default for DieboldMariano {
    fn default() -> DieboldMariano {
        DieboldMariano { horizon: 1, variance: LongRunVariance::Plain, harvey: true, alternative: Alternative::TwoSided }
    }
}

/// The test for squared errors.
///
/// # Formula
/// ```text
/// d(t) = (p₁(t) − truth(t))² − (p₂(t) − truth(t))²
/// DM = d̄/√V · √( (n + 1 − 2h + h(h − 1)/n)/n ),    V as the variance chosen, h the horizon; p from t with n − 1 degrees
/// ```
/// Negative where the first forecast is better.
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::NotFinite`], [`ScoreError::TooFew`] below two times, [`ScoreError::Constant`] where
/// losses do not differ or differ by a constant, [`ScoreError::Negative`] for a negative variance, [`ScoreError::Argument`] for a
/// horizon of 0 or that of the whole series.
///
/// # Example
/// ```
/// use isotherm::score::{diebold_mariano, DieboldMariano};
/// let truth = [1.0, 2.0, 3.0, 4.0, 5.0];
/// let (good, bad) = ([1.1, 2.0, 2.9, 4.1, 5.0], [2.0, 1.5, 4.0, 3.0, 7.0]);
/// let test = diebold_mariano(&truth, &good, &bad, DieboldMariano::default()).unwrap();
/// assert!(test.statistic < 0.0);
/// ```
///
/// # Reference
/// Diebold, Mariano (1995), doi:10.1080/07350015.1995.10524599; Harvey, Leybourne, Newbold (1997),
/// doi:10.1016/S0169-2070(96)00719-4
pub fn diebold_mariano(truth: &[f64], first: &[f64], second: &[f64], options: DieboldMariano) -> ScoreResult<super::TestResult> {
    check_count(truth, first, "diebold_mariano", 2)?;
    check_count(truth, second, "diebold_mariano", 2)?;
    let loss = |prediction: &[f64]| prediction.iter().zip(truth).map(|(p, t)| (p - t).powi(2)).collect::<Vec<f64>>();
    diebold_mariano_of_losses(&loss(first), &loss(second), options)
}

/// The test for any loss: one value of each forecast for each time.
///
/// # Errors
/// As [`diebold_mariano`].
pub fn diebold_mariano_of_losses(first: &[f64], second: &[f64], options: DieboldMariano) -> ScoreResult<super::TestResult> {
    let d = super::differences(first, second, "diebold_mariano", 2)?;
    check_varies(first, second, &d, "diebold_mariano")?;
    let (n, horizon) = (d.len(), options.horizon);
    if horizon == 0 || horizon >= n {
        return Err(ScoreError::Argument(format!("a horizon of {horizon} was asked for; 1 to {} fit a series of {n}", n - 1)));
    }
    let mean = d.iter().sum::<f64>() / n as f64;
    let autocovariance = |lag: usize| (lag..n).map(|t| (d[t] - mean) * (d[t - lag] - mean)).sum::<f64>() / n as f64;
    let (size, h) = (n as f64, horizon as f64);
    let mut variance = autocovariance(0);
    for lag in 1..horizon {
        let weight = if options.variance == LongRunVariance::Bartlett { 1.0 - lag as f64 / h } else { 1.0 };
        variance += 2.0 * weight * autocovariance(lag);
    }
    variance /= size;
    if variance <= 0.0 {
        return Err(ScoreError::Negative { what: "the variance of the mean loss difference", value: variance });
    }
    let mut statistic = mean / variance.sqrt();
    if options.harvey {
        let factor = (size + 1.0 - 2.0 * h + h * (h - 1.0) / size) / size;
        if factor <= 0.0 {
            return Err(ScoreError::Argument(format!("a horizon of {horizon} is too long for a series of {n}")));
        }
        statistic *= factor.sqrt();
    }
    let both = student_beyond(statistic, size - 1.0);
    let p_value = match options.alternative {
        Alternative::TwoSided => both,
        Alternative::Less if statistic < 0.0 => both / 2.0,
        Alternative::Greater if statistic > 0.0 => both / 2.0,
        _ => 1.0 - both / 2.0,
    };
    Ok(super::TestResult { statistic, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::paired_t;

    #[test]
    fn one_step_ahead_it_is_nearly_the_paired_test() {
        // V has divisor n where Student's has n − 1; Harvey's factor √((n − 1)/n) mends exactly that.
        let (a, b) = ([0.2, 0.5, 0.1, 0.9, 0.4, 0.3], [0.3, 0.4, 0.6, 1.2, 0.5, 0.2]);
        let (dm, t) = (diebold_mariano_of_losses(&a, &b, DieboldMariano::default()).unwrap(), paired_t(&a, &b, 0.95).unwrap());
        assert!((dm.statistic - t.statistic).abs() < 1e-12 && (dm.p_value - t.p_value).abs() < 1e-12);
    }

    #[test]
    fn sides_add_to_one_and_exchange_turns_the_sign() {
        let (a, b) = ([0.2, 0.5, 0.1, 0.9, 0.4, 0.3, 0.8], [0.3, 0.4, 0.6, 1.2, 0.5, 0.2, 0.7]);
        let of = |a: &[f64], b: &[f64], alternative| {
            let options = DieboldMariano { horizon: 2, variance: LongRunVariance::Bartlett, harvey: true, alternative };
            diebold_mariano_of_losses(a, b, options).unwrap()
        };
        let (less, greater) = (of(&a, &b, Alternative::Less), of(&a, &b, Alternative::Greater));
        assert!((less.p_value + greater.p_value - 1.0).abs() < 1e-14);
        assert_eq!(of(&b, &a, Alternative::TwoSided).statistic, -less.statistic);
    }

    #[test]
    fn undefined_tests_are_refused() {
        let x = [1.0, 2.0, 3.0];
        assert!(matches!(diebold_mariano(&x, &x, &x, DieboldMariano::default()), Err(ScoreError::Constant { .. })));
        let options = DieboldMariano { horizon: 3, ..DieboldMariano::default() };
        assert!(diebold_mariano(&x, &[1.1, 2.5, 3.0], &x, options).is_err());
        // differences 1, -1, 1, -1: g(0) = 1, g(1) = -3/4: 1 - 1.5 < 0
        let (a, b) = ([1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]);
        let options = DieboldMariano { horizon: 2, ..DieboldMariano::default() };
        assert!(matches!(diebold_mariano_of_losses(&a, &b, options), Err(ScoreError::Negative { .. })));
    }
}
