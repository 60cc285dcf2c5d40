//! Floor 2: statistics, metrics and inference: pure functions on slices, masks and weights.
//!
//! Errors are prediction − truth everywhere. What is undefined is a [`ScoreError`] with its reason.

mod agreement;
mod block_score;
mod blocks;
mod correlation;
mod crps;
mod ensemble;
mod error;
mod fit_line;
mod gradient;
mod interval;
mod kge;
mod lag;
mod locate;
mod match_rule;
mod matchup;
mod metric;
mod pairs;
mod pointwise;
mod psnr;
mod quantile;
mod rank;
mod relative;
mod resample;
mod robust;
#[allow(clippy::module_inception)]
mod score;
mod shape;
mod spectrum;
mod ssim;
mod super_observation;
mod valid;
mod variogram;

pub use agreement::{
    index_of_agreement, modified_nse, refined_index_of_agreement, relative_index_of_agreement, relative_nse, spectral_angle,
};
pub use block_score::{BlockDifference, BlockScore};
pub use blocks::{BlockAccumulator, DEFAULT_COVERAGE};
pub use correlation::{correlation_p_value, effective_sample_size, fisher_interval};
pub use crps::{CrpsEstimator, crps, crps_normal, crps_weighted, log_score_normal};
pub use ensemble::{
    SpreadSkill, brier_above, energy_score, interval_score, quantile_score, rank_histogram, rank_range, spread_skill,
    variogram_score,
};
pub use error::{ScoreError, ScoreResult};
pub use fit_line::FitLine;
pub use gradient::{GradientMagnitude, gradient_magnitude, gradient_pairs, sobel_magnitude};
pub use interval::{Interval, IntervalKind, basic_interval, bca_interval, interval, percentile_interval};
pub use kge::{Kge, kge_nonparametric};
pub use lag::lagged_pairs;
pub use locate::{CornerWeights, GridLocator, LocatedCell};
pub use match_rule::{Interpolation, MatchRule, Placement, Point, nearest_time};
pub use matchup::{Match, common_set, distance_metres, match_field};
pub use metric::PointwiseMetric;
pub use pairs::Pairs;
pub use quantile::{median, quantile, quantile_of_sorted, sorted};
pub use rank::{Kendall, average_ranks, kendall, spearman};
pub use relative::{Normalisation, mape, normalised_rmse, rmsle, smape, volumetric_efficiency};
pub use resample::{Resampling, resample, runs_from};
pub use robust::{IQR_OF_STANDARD_NORMAL, MAD_TO_STANDARD_DEVIATION, RobustStatistics};
pub use score::{Score, Weighting};
pub use shape::{excess_kurtosis, skewness};
pub use spectrum::{
    CrossSpectrum, CrossingAxis, Detrend, IsotropicBins, IsotropicSpectrum, LineSpectra, LineSpectrum, PlaneSpectra,
    PlaneSpectrum, Resolution, SpectralWindow, SpectrumScaling, effective_resolution, spectral_ratio, spectral_score,
    spectral_slope,
};
pub use ssim::{Ssim, SsimMap, SsimOptions, SsimWindow, ssim, ssim_map};
pub use super_observation::{GroupSummary, SuperObservation, summarise_groups, super_observations};
pub use valid::valid_pairs;
pub use variogram::{
    FitWeights, FittedVariogram, LagBin, LagBins, LagDirection, LagMap, LagPosition, LatLonGrid, PlaneAxis, PointDistance,
    PointVariogram, Variogram, VariogramEstimator, VariogramFamily, VariogramFit, VariogramModel, VariogramShape, axis_variogram,
    matern_correlation, pair_distance_quantiles, plane_variogram,
};

pub use crate::grid::great_circle_degrees;
