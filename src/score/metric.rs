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
    /// The value of [`Pairs::kge_2009`]; depends on the zero of the unit.
    #[serde(rename = "kge_2009")]
    Kge2009,
    /// The value of [`Pairs::kge_2012`]; depends on the zero of the unit.
    #[serde(rename = "kge_2012")]
    Kge2012,
    /// The value of [`Pairs::kge_modified`].
    KgeModified,
    /// RMSE over the mean of the truth, as [`super::normalised_rmse`]; depends on the zero of the unit.
    NormalisedRmseByMean,
    /// RMSE over the root mean square of the truth, as [`super::normalised_rmse`]; depends on the zero of the unit.
    NormalisedRmseByRootMeanSquare,
    /// As [`super::volumetric_efficiency`]; depends on the zero of the unit.
    VolumetricEfficiency,
}

impl PointwiseMetric {
    /// Every pointwise metric.
    pub const ALL: [PointwiseMetric; 14] = [
        PointwiseMetric::Bias,
        PointwiseMetric::Mae,
        PointwiseMetric::Mse,
        PointwiseMetric::Rmse,
        PointwiseMetric::RmseUnbiased,
        PointwiseMetric::Pearson,
        PointwiseMetric::RSquaredPearson,
        PointwiseMetric::Nse,
        PointwiseMetric::Kge2009,
        PointwiseMetric::Kge2012,
        PointwiseMetric::KgeModified,
        PointwiseMetric::NormalisedRmseByMean,
        PointwiseMetric::NormalisedRmseByRootMeanSquare,
        PointwiseMetric::VolumetricEfficiency,
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
            PointwiseMetric::Kge2009 => "kge_2009",
            PointwiseMetric::Kge2012 => "kge_2012",
            PointwiseMetric::KgeModified => "kge_modified",
            PointwiseMetric::NormalisedRmseByMean => "normalised_rmse_by_mean",
            PointwiseMetric::NormalisedRmseByRootMeanSquare => "normalised_rmse_by_root_mean_square",
            PointwiseMetric::VolumetricEfficiency => "volumetric_efficiency",
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

    /// Is another value the result where the unit's zero moves (°C to K), though the errors stay the same?
    pub fn depends_on_zero_of_unit(self) -> bool {
        matches!(
            self,
            PointwiseMetric::Kge2009
                | PointwiseMetric::Kge2012
                | PointwiseMetric::NormalisedRmseByMean
                | PointwiseMetric::NormalisedRmseByRootMeanSquare
                | PointwiseMetric::VolumetricEfficiency
        )
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
            PointwiseMetric::Kge2009 => Ok(pairs.kge_2009()?.value),
            PointwiseMetric::Kge2012 => Ok(pairs.kge_2012()?.value),
            PointwiseMetric::KgeModified => Ok(pairs.kge_modified()?.value),
            PointwiseMetric::NormalisedRmseByMean => pairs.normalised_rmse_by_mean(),
            PointwiseMetric::NormalisedRmseByRootMeanSquare => pairs.normalised_rmse_by_root_mean_square(),
            PointwiseMetric::VolumetricEfficiency => pairs.volumetric_efficiency(),
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

    /// The functions on whole lists say the same as the metrics on moments.
    #[test]
    fn moments_say_what_the_lists_say() {
        let (truth, prediction) = ([1.0, 4.0, 2.5, 8.0, 3.0], [1.5, 3.0, 2.0, 9.0, 3.5]);
        let pairs = Pairs::collect(&truth, &prediction, None, None).unwrap();
        let close = |metric: PointwiseMetric, wanted: f64| {
            let got = metric.of(&pairs).unwrap();
            assert!((got - wanted).abs() < 1e-13, "{}: {got} {wanted}", metric.name());
        };
        // errors 0.5 -1 -0.5 1 0.5: squares sum to 2.75, absolutes to 3.5; truth sums to 18.5, its squares to 96.25
        close(PointwiseMetric::NormalisedRmseByMean, 0.55f64.sqrt() / 3.7);
        close(PointwiseMetric::NormalisedRmseByRootMeanSquare, (2.75f64 / 96.25).sqrt());
        close(PointwiseMetric::VolumetricEfficiency, 1.0 - 3.5 / 18.5);
    }

    #[test]
    fn which_metrics_move_with_the_zero_of_the_unit() {
        let (truth, prediction) = ([10.0, 14.0, 12.5, 18.0], [10.5, 13.0, 12.0, 20.0]);
        let of = |zero: f64, metric: PointwiseMetric| {
            let shift = |v: [f64; 4]| v.map(|x| x + zero);
            metric.of(&Pairs::collect(&shift(truth), &shift(prediction), None, None).unwrap()).unwrap()
        };
        for metric in PointwiseMetric::ALL {
            let moved = (of(0.0, metric) - of(273.15, metric)).abs() > 1e-9;
            assert_eq!(moved, metric.depends_on_zero_of_unit(), "{}", metric.name());
        }
    }
}
