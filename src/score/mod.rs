//! Floor 2: statistics, metrics and inference: pure functions on slices, masks and weights.
//!
//! Errors are prediction − truth everywhere. What is undefined is a [`ScoreError`] with its reason.

mod agreement;
mod axis_line;
mod bands;
mod block_score;
mod blocks;
mod cell_chunk;
mod cell_sums;
mod coast;
mod collocation;
mod column_sort;
mod correlation;
mod crps;
mod crps_cells;
mod distribution;
mod ensemble;
mod error;
mod extremes;
mod fit_line;
mod gradient;
mod grid_index;
mod interval;
mod kge;
mod lag;
mod locate;
mod magnitude_histogram;
mod match_rule;
mod matchup;
mod metric;
mod pair_chunk;
mod pairs;
mod pointwise;
mod protocol;
mod psnr;
mod quantile;
mod rank;
mod rank_table;
mod region;
mod relative;
mod resample;
mod robust;
#[allow(clippy::module_inception)]
mod score;
mod season;
mod series;
mod shape;
mod significance;
mod skill;
mod spectrum;
mod squared_error;
mod ssim;
mod ssim_band;
mod sums;
mod super_observation;
mod valid;
mod variogram;

pub use agreement::{
    index_of_agreement, modified_nse, refined_index_of_agreement, relative_index_of_agreement, relative_nse, spectral_angle,
};
pub use bands::Bands;
pub use block_score::{BlockDifference, BlockScore};
pub use blocks::{BlockAccumulator, DEFAULT_COVERAGE};
pub use cell_sums::CellSums;
pub use coast::coast_distance;
pub use collocation::{CollocationInterval, CollocationSet, TripleCollocation, collocation_intervals, triple_collocation};
pub use correlation::{correlation_p_value, effective_sample_size, fisher_interval};
pub use crps::{CrpsEstimator, crps, crps_normal, crps_weighted, log_score_normal};
pub use crps_cells::crps_of_cells;
pub use distribution::{
    Bandwidth, KernelDensity, KolmogorovSmirnov, QuantileError, QuantileRule, chi_squared_distance, cramer_von_mises,
    dagostino_pearson, energy_distance, energy_distance_weighted, equal_bins, excess_kurtosis_unbiased, hellinger,
    histogram_shares, jarque_bera, jensen_shannon, kolmogorov_above, kolmogorov_smirnov, kullback_leibler, mann_whitney,
    perkins_skill, quantile_error, quantile_pairs, shapiro_wilk, skewness_unbiased, sort_values, total_variation, wasserstein,
    wasserstein_histogram, wasserstein_weighted,
};
pub use ensemble::{
    SpreadSkill, brier_above, energy_score, interval_score, quantile_score, rank_histogram, rank_range, spread_skill,
    variogram_score,
};
pub use error::{ScoreError, ScoreResult};
pub use extremes::{
    Frechet, Gaussian, GeneralizedLogistic, GeneralizedPareto, Gev, Gumbel, GumbelMinima, LMoments, Law, LawFit,
    PeaksOverThreshold, PlottingPosition, ReturnLevel, Weibull, anderson_darling, cluster_peaks, kolmogorov_smirnov_law,
    likelihood_ratio, plotting_positions, return_level,
};
pub use fit_line::FitLine;
pub use gradient::{GradientMagnitude, gradient_magnitude, gradient_pairs, sobel_magnitude};
pub use grid_index::GridIndex;
pub use interval::{Interval, IntervalKind, basic_interval, bca_interval, interval, percentile_interval};
pub use kge::{Kge, kge_nonparametric};
pub use lag::lagged_pairs;
pub use locate::{CornerWeights, GridLocator, LocatedCell};
pub use magnitude_histogram::MagnitudeHistogram;
pub use match_rule::{Interpolation, MatchRule, Placement, Point, nearest_time};
pub use matchup::{Match, common_set, distance_metres, match_field};
pub use metric::PointwiseMetric;
pub use pairs::Pairs;
pub use protocol::Protocol;
pub use psnr::psnr;
pub use quantile::{median, quantile, quantile_of_sorted, sorted};
pub use rank::{Kendall, average_ranks, kendall, spearman};
pub use rank_table::{RankTable, Ranks};
pub use region::{NAMED_REGIONS, Region};
pub use relative::{Normalisation, mape, normalised_rmse, rmsle, smape, volumetric_efficiency};
pub use resample::{Resampling, resample, runs_from};
pub use robust::{IQR_OF_STANDARD_NORMAL, MAD_TO_STANDARD_DEVIATION, RobustStatistics};
pub use score::{Score, Weighting};
pub use season::Season;
pub use series::{
    LagDivisor, LagScore, LjungBox, MissingDays, PartialMethod, autocorrelation, autocorrelations, autocovariance,
    bartlett_bands, best_lag, cross_correlation, default_lags, default_partial_lags, e_folding_lag, effective_count_of_scale,
    effective_count_of_step, first_lag_below, integral_scale, lag_profile, ljung_box, partial_autocorrelation,
    partial_autocorrelations, partial_of_autocovariance, white_noise_bands, zero_crossing_lag,
};
pub use shape::{excess_kurtosis, skewness};
pub use significance::{
    Alternative, Correction, DieboldMariano, LongRunVariance, PairedT, SignFlip, SignTest, TestResult, WilcoxonMethod, Zeros,
    adjusted_p_values, analysis_of_variance, diebold_mariano, diebold_mariano_of_losses, friedman, kruskal_wallis, levene,
    paired_t, sign_flip_exact, sign_flip_sampled, sign_test, welch_t, wilcoxon,
};
pub use skill::{BlockSkill, Skill};
pub use spectrum::{
    CrossSpectrum, CrossingAxis, Detrend, IsotropicBins, IsotropicSpectrum, LineSpectra, LineSpectrum, PlaneSpectra,
    PlaneSpectrum, Resolution, SpectralWindow, SpectrumScaling, effective_resolution, spectral_ratio, spectral_score,
    spectral_slope,
};
pub use squared_error::mean_squared_error;
pub use ssim::{Ssim, SsimMap, SsimOptions, SsimWindow, ssim, ssim_map};
pub use super_observation::{GroupSummary, SuperObservation, summarise_groups, super_observations};
pub use valid::valid_pairs;
pub use variogram::{
    FitWeights, FittedVariogram, LagBin, LagBins, LagDirection, LagMap, LagPosition, LatLonGrid, PlaneAxis, PointDistance,
    PointVariogram, Variogram, VariogramEstimator, VariogramFamily, VariogramFit, VariogramModel, VariogramShape, axis_variogram,
    matern_correlation, pair_distance_quantiles, plane_variogram,
};

pub use crate::grid::great_circle_degrees;
