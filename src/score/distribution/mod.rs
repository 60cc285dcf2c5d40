//! Distributions of values, without regard to where and when: how far apart are two, and what shape has one?

mod cramer_von_mises;
mod density;
mod divergence;
mod energy_distance;
mod histogram;
mod kolmogorov_law;
mod kolmogorov_smirnov;
mod mann_whitney;
mod normality;
mod quantile_error;
mod quantile_rule;
mod radix;
mod shapiro_wilk;
mod steps;
mod wasserstein;

pub use cramer_von_mises::cramer_von_mises;
pub use density::{Bandwidth, KernelDensity};
pub use divergence::{chi_squared_distance, hellinger, jensen_shannon, kullback_leibler, perkins_skill, total_variation};
pub use energy_distance::{energy_distance, energy_distance_weighted};
pub use histogram::{equal_bins, histogram_shares};
pub use kolmogorov_law::kolmogorov_above;
pub use kolmogorov_smirnov::{KolmogorovSmirnov, kolmogorov_smirnov};
pub use mann_whitney::mann_whitney;
pub use normality::{dagostino_pearson, excess_kurtosis_unbiased, jarque_bera, skewness_unbiased};
pub use quantile_error::{QuantileError, quantile_error, quantile_pairs};
pub use quantile_rule::QuantileRule;
pub use radix::sort_values;
pub use shapiro_wilk::shapiro_wilk;
pub use wasserstein::{wasserstein, wasserstein_histogram, wasserstein_weighted};

use super::error::{ScoreError, ScoreResult};

/// The values in ascending order, checked.
fn ordered(values: &[f64], what: &'static str, metric: &'static str) -> ScoreResult<Vec<f64>> {
    if values.is_empty() {
        return Err(ScoreError::TooFew { metric, found: 0, wanted: 1 });
    }
    if let Some(position) = values.iter().position(|v| !v.is_finite()) {
        return Err(ScoreError::NotFinite { what, position });
    }
    let mut values = values.to_vec();
    sort_values(&mut values);
    Ok(values)
}
