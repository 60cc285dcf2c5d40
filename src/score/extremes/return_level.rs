//! Return levels: what is exceeded once in so many years, and how well that is known.

use statrs::distribution::{ContinuousCDF, Normal};

use super::gev_fit::negative_log_likelihood;
use super::law::{Law, shaped_exp};
use super::newton::minimise;
use super::{Gev, LMoments, LawFit, ScoreResult};
use crate::score::error::ScoreError;
use crate::score::interval::Interval;

/// A level and its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReturnLevel {
    /// Blocks (years) between two exceedances, on average.
    pub period: f64,
    /// The level.
    pub level: f64,
    /// Its profile-likelihood interval.
    pub interval: Interval,
}

/// The level that block maxima exceed once in `period` blocks, by the generalized extreme value law of highest likelihood, with
/// the interval from its profile likelihood.
///
/// The profile interval is not symmetric: its upper end lies further away, as it must where little is known about the tail. The
/// upper end is +∞ where the likelihood does not fall far enough within a thousand sample ranges.
///
/// # Formula
/// ```text
/// z = the level with P(X > z) = 1/period;    interval: 2 (ℓ_max − max over σ, ξ of ℓ(z, σ, ξ)) ≤ χ²_{1, coverage}
/// ```
///
/// # Errors
/// As [`Gev::fit`]; [`ScoreError::Argument`] for a period not above 1 or a coverage outside 0..1.
///
/// # Example
/// ```
/// use isotherm::score::return_level;
/// let years = [3.1, 4.4, 2.9, 3.6, 5.2, 3.3, 3.0, 4.1, 3.8, 6.0, 3.5, 4.0];
/// let level = return_level(&years, 20.0, 0.95).unwrap();
/// assert!(level.interval.lower < level.level && level.level < level.interval.upper);
/// ```
///
/// # Reference
/// Coles (2001), section 3.3.4, doi:10.1007/978-1-4471-3675-0
pub fn return_level(values: &[f64], period: f64, coverage: f64) -> ScoreResult<ReturnLevel> {
    if !(period.is_finite() && period > 1.0) {
        return Err(ScoreError::Argument(format!("a return period of {period} blocks was asked for; more than 1 is wanted")));
    }
    if !(coverage > 0.0 && coverage < 1.0) {
        return Err(ScoreError::Argument(format!("a coverage of {coverage} was asked for; between 0 and 1 is wanted (0.95)")));
    }
    let fit = Gev::fit(values)?;
    let level = fit.law.upper_quantile(1.0 / period)?;
    let moments = LMoments::of(values)?;
    let profile = Profile::of(values, &fit, moments, period);
    let half = Normal::standard().inverse_cdf(0.5 + coverage / 2.0).powi(2) / 2.0;
    let (lower, upper) = (profile.end(level, -1.0, half), profile.end(level, 1.0, half));
    Ok(ReturnLevel { period, level, interval: Interval { lower, upper, coverage } })
}

/// The likelihood as a function of the return level, in standard units.
struct Profile {
    values: Vec<f64>,
    location: f64,
    unit: f64,
    lowest: f64,
    /// ln(−ln(1 − 1/period)).
    reduced: f64,
    start: [f64; 2],
}

impl Profile {
    fn of(values: &[f64], fit: &LawFit<Gev>, moments: LMoments, period: f64) -> Profile {
        let (location, unit) = (moments.location, moments.scale);
        let values: Vec<f64> = values.iter().map(|v| (v - location) / unit).collect();
        let start = [(fit.law.scale() / unit).ln(), fit.law.shape()];
        let lowest = -fit.log_likelihood - values.len() as f64 * unit.ln();
        Profile { values, location, unit, lowest, reduced: (-(-1.0 / period).ln_1p()).ln(), start }
    }

    /// Rise of the negative log-likelihood above its minimum with the level held, and where; none where no law has that level.
    fn rise(&self, level: f64, start: [f64; 2]) -> Option<(f64, [f64; 2])> {
        let held = (level - self.location) / self.unit;
        let objective = |p: [f64; 2]| {
            let (scale, shape) = (p[0].exp(), p[1]);
            // z = μ + σ q(ξ), so μ follows from σ and ξ.
            let q = shaped_exp(shape, -self.reduced);
            let (value, slope) = negative_log_likelihood(&self.values, [held - scale * q, p[0], shape])?;
            let by_location = slope[0];
            Some((
                value,
                [slope[1] - by_location * scale * q, slope[2] - by_location * scale * quantile_slope(shape, self.reduced)],
            ))
        };
        minimise(start, &objective).map(|m| (m.value - self.lowest, m.at))
    }

    /// The level in direction `sign` at which the rise is `limit`.
    fn end(&self, level: f64, sign: f64, limit: f64) -> f64 {
        let range = self.values.iter().fold(0.0f64, |m, v| m.max(v.abs())) * self.unit;
        let (mut inside, mut at) = (level, self.start);
        let mut step = 0.1 * self.unit;
        // Outwards with growing steps, each search starting where the last one ended.
        let mut outside = loop {
            let next = inside + sign * step;
            if (next - level).abs() > 1000.0 * range {
                return sign * f64::INFINITY;
            }
            match self.rise(next, at) {
                Some((rise, p)) if rise < limit => (inside, at, step) = (next, p, step * 1.5),
                _ => break next,
            }
        };
        // A level that no law reaches counts as outside.
        for _ in 0..60 {
            let middle = 0.5 * (inside + outside);
            match self.rise(middle, at) {
                Some((rise, p)) if rise < limit => (inside, at) = (middle, p),
                _ => outside = middle,
            }
            if (outside - inside).abs() <= 1e-10 * self.unit {
                break;
            }
        }
        0.5 * (inside + outside)
    }
}

/// The derivative by ξ of (exp(−ξL) − 1)/ξ.
fn quantile_slope(shape: f64, reduced: f64) -> f64 {
    let y = -reduced;
    let product = shape * y;
    if product.abs() < 1e-3 {
        // y²/2 + ξy³/3 + ξ²y⁴/8 + ξ³y⁵/30
        return y * y * (0.5 + product / 3.0 + product * product / 8.0 + product.powi(3) / 30.0);
    }
    (y * product.exp() - shaped_exp(shape, y)) / shape
}

/// Annual highest sea levels at Port Pirie in metres, 1923 to 1987, as printed by Coles (2001), table 1.1.
#[cfg(test)]
pub(super) const PORT_PIRIE: [f64; 65] = [
    4.03, 3.83, 3.65, 3.88, 4.01, 4.08, 4.18, 3.80, 4.36, 3.96, 3.98, 4.69, 3.85, 3.96, 3.85, 3.93, 3.75, 3.63, 3.57, 4.25, 3.97,
    4.05, 4.24, 4.22, 3.73, 4.37, 4.06, 3.71, 3.96, 4.06, 4.55, 3.79, 3.89, 4.11, 3.85, 3.86, 3.86, 4.21, 4.01, 4.11, 4.24, 3.96,
    4.21, 3.74, 3.85, 3.88, 3.66, 4.11, 3.71, 4.18, 3.90, 3.78, 3.91, 3.72, 4.00, 3.66, 3.62, 4.33, 4.55, 3.75, 4.08, 3.90, 3.88,
    3.94, 4.33,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_by_differences() {
        for (shape, reduced) in [(0.2, -3.0), (-0.3, -4.6), (1e-5, -2.0), (0.3, 0.5)] {
            let h = 1e-6;
            let want = (shaped_exp(shape + h, -reduced) - shaped_exp(shape - h, -reduced)) / (2.0 * h);
            assert!((quantile_slope(shape, reduced) - want).abs() < 1e-5 * (1.0 + want.abs()), "{shape} {reduced}");
        }
    }

    #[test]
    fn published_levels_of_port_pirie() {
        // Coles (2001), section 3.4.1: 10 years 4.30; 100 years 4.69 with the profile interval 4.50 .. 5.27
        assert!((return_level(&PORT_PIRIE, 10.0, 0.95).unwrap().level - 4.30).abs() < 0.005);
        let century = return_level(&PORT_PIRIE, 100.0, 0.95).unwrap();
        assert!((century.level - 4.69).abs() < 0.005, "{century:?}");
        assert!((century.interval.lower - 4.50).abs() < 0.011, "{century:?}");
        assert!((century.interval.upper - 5.27).abs() < 0.011, "{century:?}");
    }

    #[test]
    fn wider_coverage_is_a_wider_interval() {
        let narrow = return_level(&PORT_PIRIE, 50.0, 0.5).unwrap().interval;
        let wide = return_level(&PORT_PIRIE, 50.0, 0.99).unwrap().interval;
        assert!(wide.lower < narrow.lower && narrow.upper < wide.upper);
    }

    #[test]
    fn bad_questions_are_refused() {
        assert!(return_level(&PORT_PIRIE, 1.0, 0.95).is_err() && return_level(&PORT_PIRIE, 10.0, 1.0).is_err());
        assert!(return_level(&[1.0; 20], 10.0, 0.95).is_err());
    }
}
