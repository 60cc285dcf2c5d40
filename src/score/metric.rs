//! [`PointwiseMetric`]: the pointwise metrics by name.

use serde::{Deserialize, Serialize};

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;

/// A metric that is a function of [`Pairs`], by name, so that tables and bootstraps can loop over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointwiseMetric {
    /// [`Pairs::bias`].
    Bias,
    /// [`Pairs::mae`].
    Mae,
    /// [`Pairs::mse`].
    Mse,
    /// [`Pairs::rmse`].
    Rmse,
    /// [`Pairs::rmse_unbiased`].
    RmseUnbiased,
    /// [`Pairs::pearson`].
    Pearson,
    /// [`Pairs::r_squared_pearson`].
    RSquaredPearson,
    /// [`Pairs::nse`].
    Nse,
}

impl PointwiseMetric {
    /// Every pointwise metric.
    pub const ALL: [PointwiseMetric; 8] = [
        PointwiseMetric::Bias,
        PointwiseMetric::Mae,
        PointwiseMetric::Mse,
        PointwiseMetric::Rmse,
        PointwiseMetric::RmseUnbiased,
        PointwiseMetric::Pearson,
        PointwiseMetric::RSquaredPearson,
        PointwiseMetric::Nse,
    ];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            PointwiseMetric::Bias => "bias",
            PointwiseMetric::Mae => "mae",
            PointwiseMetric::Mse => "mse",
            PointwiseMetric::Rmse => "rmse",
            PointwiseMetric::RmseUnbiased => "rmse_unbiased",
            PointwiseMetric::Pearson => "pearson",
            PointwiseMetric::RSquaredPearson => "r_squared_pearson",
            PointwiseMetric::Nse => "nse",
        }
    }

    /// The metric of that name.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] names the text found and the metrics known.
    pub fn parse(name: &str) -> ScoreResult<PointwiseMetric> {
        PointwiseMetric::ALL.into_iter().find(|m| m.name() == name).ok_or_else(|| {
            let known: Vec<&str> = PointwiseMetric::ALL.iter().map(|m| m.name()).collect();
            ScoreError::Argument(format!("metric '{name}' is not known; wanted one of: {}", known.join(", ")))
        })
    }

    /// Is the value in the unit of the data (kelvin), rather than a number without unit?
    pub fn has_unit_of_data(self) -> bool {
        matches!(self, PointwiseMetric::Bias | PointwiseMetric::Mae | PointwiseMetric::Rmse | PointwiseMetric::RmseUnbiased)
    }

    /// The metric's value for these pairs.
    ///
    /// # Errors
    /// Those of the metric.
    pub fn of(self, pairs: &Pairs) -> ScoreResult<f64> {
        match self {
            PointwiseMetric::Bias => pairs.bias(),
            PointwiseMetric::Mae => pairs.mae(),
            PointwiseMetric::Mse => pairs.mse(),
            PointwiseMetric::Rmse => pairs.rmse(),
            PointwiseMetric::RmseUnbiased => pairs.rmse_unbiased(),
            PointwiseMetric::Pearson => pairs.pearson(),
            PointwiseMetric::RSquaredPearson => pairs.r_squared_pearson(),
            PointwiseMetric::Nse => pairs.nse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for metric in PointwiseMetric::ALL {
            assert_eq!(PointwiseMetric::parse(metric.name()), Ok(metric));
        }
        assert!(PointwiseMetric::parse("rsme").is_err());
    }
}
