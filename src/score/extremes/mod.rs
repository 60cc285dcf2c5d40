//! Extremes: the laws that maxima and excesses follow, their fits, and return levels.

mod gamma;
mod gaussian;
mod gev;
mod gev_fit;
mod goodness;
mod gumbel;
mod l_moments;
mod law;
mod likelihood;
mod logistic;
mod newton;
mod pareto;
mod peaks;
mod plotting_position;
mod return_level;
mod weibull;

pub use gaussian::Gaussian;
pub use gev::Gev;
pub use goodness::{anderson_darling, kolmogorov_smirnov_law};
pub use gumbel::{Gumbel, GumbelMinima};
pub use l_moments::LMoments;
pub use law::Law;
pub use likelihood::{LawFit, likelihood_ratio};
pub use logistic::GeneralizedLogistic;
pub use pareto::GeneralizedPareto;
pub use peaks::{PeaksOverThreshold, cluster_peaks};
pub use plotting_position::{PlottingPosition, plotting_positions};
pub use return_level::{ReturnLevel, return_level};
pub use weibull::{Frechet, Weibull};

use super::error::{ScoreError, ScoreResult};

/// Fails unless every value is finite and there are at least `wanted` of them that are not all the same.
fn check_sample(values: &[f64], metric: &'static str, wanted: usize) -> ScoreResult<()> {
    if values.len() < wanted {
        return Err(ScoreError::TooFew { metric, found: values.len(), wanted });
    }
    if let Some(position) = values.iter().position(|v| !v.is_finite()) {
        return Err(ScoreError::NotFinite { what: "the sample", position });
    }
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return Err(ScoreError::Constant { what: "the sample", metric });
    }
    Ok(())
}

/// Fails unless the location is finite and the scale positive and finite.
fn check_parameters(location: f64, scale: f64) -> ScoreResult<()> {
    if location.is_finite() && scale.is_finite() && scale > 0.0 {
        return Ok(());
    }
    Err(ScoreError::Argument(format!(
        "a location of {location} and a scale of {scale} were given; finite numbers and a positive scale are wanted"
    )))
}

fn check_probability(probability: f64) -> ScoreResult<()> {
    if (0.0..=1.0).contains(&probability) {
        return Ok(());
    }
    Err(ScoreError::Argument(format!("probability {probability} is outside 0..1")))
}
