//! The error of the twin's coarse analysis in space and in time, recovered as if nothing were known about it.

use super::diagnostics_bootstrap::{Estimates, estimates};
use crate::data::DataResult;
use crate::data::twin::{COARSE_FACTOR, Twin};
use crate::grid::{Field, coarsen_mean, gaussian_smooth};
use crate::paper::products;
use crate::score::{
    FitWeights, LagBin, LagDivisor, MissingDays, PlaneAxis, ScoreError, ScoreResult, Variogram, VariogramEstimator,
    VariogramFamily, VariogramFit, VariogramModel, VariogramShape, autocorrelation, axis_variogram, e_folding_lag,
};

/// A coarse cell with a smaller share of sea than this is land in the twin's coarse analysis.
const SEA_SHARE: f64 = 0.5;

/// The family that is fitted: the twin's errors have the correlation exp(−r²/L²).
const FIT: VariogramFit =
    VariogramFit { family: VariogramFamily::Gaussian, weights: FitWeights::Pairs, nugget: true, largest_range: None };

/// The coarse analysis minus what it would be without error: the truth's block means, smoothed as the analysis is.
///
/// # Errors
/// From the twin and the grid floor.
pub fn coarse_error(twin: &Twin, days: &[usize]) -> DataResult<Field> {
    let truth = products::frames(twin.truth(), days)?;
    let without =
        gaussian_smooth(&coarsen_mean(&truth, COARSE_FACTOR, SEA_SHARE)?, twin.config().analyses.coarse_smoothing_cells)?;
    let analysis = products::frames(&twin.coarse_analysis()?, days)?;
    let difference = analysis.values().iter().zip(without.values()).map(|(a, w)| a - w).collect();
    Ok(analysis.with_values(difference, analysis.mask().and(without.mask())?)?)
}

/// The error's semivariogram with its model.
pub struct ErrorVariogram {
    /// Lags in kilometres.
    pub lags: Vec<f64>,
    /// Semivariance at each lag, K².
    pub semivariance: Estimates,
    /// Range (km), sill and nugget (K²) of the fitted model.
    pub parameters: Estimates,
    /// The fitted model.
    pub model: VariogramModel,
    /// Number of pairs.
    pub pairs: u64,
}

/// The semivariogram of the error at whole cells along rows and columns, all days together, with the fitted model.
///
/// # Errors
/// From the score floor.
pub fn error_variogram(
    error: &Field,
    cell_kilometres: f64,
    largest_lag: usize,
    (block_days, resamples, seed): (usize, usize, u64),
) -> ScoreResult<ErrorVariogram> {
    let [days, rows, columns] = error.shape();
    let mut daily = Vec::with_capacity(days);
    for t in 0..days {
        let values: Vec<f64> = error.frame(t).iter().map(|v| f64::from(*v)).collect();
        let valid: Vec<bool> = error.frame_mask(t).iter().map(|c| c.is_valid()).collect();
        let along = |axis| axis_variogram(&values, rows, columns, Some(&valid), axis, largest_lag, VariogramEstimator::Matheron);
        daily.push([along(PlaneAxis::Rows)?, along(PlaneAxis::Columns)?]);
    }
    let pooled = |at: &[usize]| pool(at.iter().flat_map(|t| &daily[*t]), cell_kilometres);
    let everything: Vec<usize> = (0..days).collect();
    let all = pooled(&everything);
    let model = FIT.of(&all)?.model;
    let semivariance = estimates(days, block_days, resamples, seed, |at| Ok(pooled(at).points().iter().map(|p| p.1).collect()))?;
    let parameters = estimates(days, block_days, resamples, seed, |at| {
        let model = FIT.of(&pooled(at))?.model;
        Ok(vec![model.range(), model.sill(), model.nugget])
    })?;
    let lags = all.points().iter().map(|p| p.0).collect();
    Ok(ErrorVariogram { lags, semivariance, parameters, model, pairs: all.pairs() })
}

/// Semivariograms of the same lags brought together, each lag's by its number of pairs.
fn pool<'a>(parts: impl Iterator<Item = &'a Variogram>, cell_kilometres: f64) -> Variogram {
    let mut sums: Vec<(u64, f64)> = Vec::new();
    for part in parts {
        for (k, bin) in part.bins.iter().enumerate() {
            if sums.len() <= k {
                sums.push((0, 0.0));
            }
            if let Some(gamma) = bin.semivariance {
                sums[k].0 += bin.pairs;
                sums[k].1 += gamma * bin.pairs as f64;
            }
        }
    }
    let bin = |(k, (pairs, sum)): (usize, (u64, f64))| {
        let position = (k + 1) as f64 * cell_kilometres;
        let semivariance = (pairs > 0).then(|| sum / pairs as f64);
        LagBin { lower: position, upper: position + cell_kilometres, position, pairs, semivariance }
    };
    Variogram { bins: sums.into_iter().enumerate().map(bin).collect(), estimator: VariogramEstimator::Matheron }
}

/// The semivariogram that the twin was told to make: sill σ² with correlation exp(−r²/L²), and what rounding adds.
///
/// # Errors
/// From the score floor, for settings that make no variogram.
pub fn known_variogram(twin: &Twin) -> ScoreResult<VariogramModel> {
    let settings = &twin.config().analyses;
    // Rounding to steps of q is noise of variance q²/12, without memory in space.
    let nugget = settings.quantum_kelvin.powi(2) / 12.0;
    VariogramModel::with_scale(VariogramShape::Gaussian, settings.error_kilometres, settings.coarse_error_kelvin.powi(2), nugget)
}

/// The error's memory in time.
pub struct ErrorMemory {
    /// Autocorrelation at lags of 0, 1, ... days.
    pub autocorrelation: Estimates,
    /// Lag at which it falls to 1/e, days.
    pub e_folding: Estimates,
    /// Number of values.
    pub values: u64,
}

/// The autocorrelation of the error over all cells, with intervals over tiles of `tile_cells`.
///
/// The cells' series stand one after the other with a gap as long as the largest lag between them, so that the mean that is
/// taken away is one for all: the mean of a short series of its own would take away a good part of its memory.
///
/// # Errors
/// From the score floor; [`ScoreError::Argument`] where the autocorrelation does not fall to 1/e within the lags.
pub fn error_memory(
    error: &Field,
    largest_lag: usize,
    tile_cells: usize,
    (resamples, seed): (usize, u64),
) -> ScoreResult<ErrorMemory> {
    let [days, rows, columns] = error.shape();
    let tile_cells = tile_cells.max(1);
    let tiles_across = columns.div_ceil(tile_cells);
    let mut tiles: Vec<(Vec<f64>, Vec<bool>)> = vec![Default::default(); rows.div_ceil(tile_cells) * tiles_across];
    let mut values = 0;
    for i in 0..rows * columns {
        let cell = |t: usize| t * rows * columns + i;
        if (0..days).all(|t| error.mask().is_valid(cell(t))) {
            let (series, valid) = &mut tiles[(i / columns) / tile_cells * tiles_across + (i % columns) / tile_cells];
            series.extend((0..days).map(|t| f64::from(error.values()[cell(t)])));
            valid.extend(std::iter::repeat_n(true, days));
            series.extend(std::iter::repeat_n(0.0, largest_lag));
            valid.extend(std::iter::repeat_n(false, largest_lag));
            values += days as u64;
        }
    }
    tiles.retain(|(series, _)| !series.is_empty());
    let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> {
        let series: Vec<f64> = at.iter().flat_map(|tile| &tiles[*tile].0).copied().collect();
        let valid: Vec<bool> = at.iter().flat_map(|tile| &tiles[*tile].1).copied().collect();
        autocorrelation(&series, Some(&valid), largest_lag, LagDivisor::Pairs, MissingDays::Conservative)
    };
    let lag = |at: &[usize]| {
        e_folding_lag(&statistic(at)?).map(|lag| vec![lag]).ok_or_else(|| {
            ScoreError::Argument(format!("the errors' autocorrelation does not fall to 1/e within {largest_lag} days"))
        })
    };
    Ok(ErrorMemory {
        autocorrelation: estimates(tiles.len(), 1, resamples, seed, statistic)?,
        e_folding: estimates(tiles.len(), 1, resamples, seed, lag)?,
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::data::twin::TwinConfig;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};

    fn field(values: Vec<f32>, [days, rows, columns]: [usize; 3]) -> Field {
        let axis = |kind, n| Axis::regular(kind, 30.0, 0.25, n).unwrap();
        let time = TimeAxis::from_seconds((0..days).map(|d| d as f64 * 86_400.0).collect()).unwrap();
        let mask = Mask::all_valid(values.len());
        Field::new("sst", values, mask, time, axis(AxisKind::Latitude, rows), axis(AxisKind::Longitude, columns), Unit::Kelvin)
            .unwrap()
    }

    #[test]
    fn the_error_is_what_was_added() {
        let config = TwinConfig { days: 3, spin_up_days: 1, ..TwinConfig::tiny() };
        let exact = {
            let mut config = config.clone();
            config.analyses.coarse_error_kelvin = 0.0;
            config.analyses.quantum_kelvin = 1e-6;
            coarse_error(&Twin::generate(&config, false).unwrap(), &[0, 2]).unwrap()
        };
        assert_eq!(exact.frames(), 2);
        let largest = (0..exact.values().len()).filter(|i| exact.mask().is_valid(*i)).map(|i| exact.values()[i].abs());
        // without an error nothing is left but the rounding of single precision near 20 degrees
        assert!(largest.fold(0.0, f32::max) < 1e-5);
    }

    #[test]
    fn pooled_semivariances_are_those_of_all_pairs_by_hand() {
        // day 0: differences 1 and 3 along the row; day 1: 2 and 0. At lag 1: (1 + 9 + 4 + 0)/4/2
        let error = field(vec![0.0, 1.0, 4.0, 5.0, 7.0, 7.0], [2, 1, 3]);
        let along = |t: usize| {
            let values: Vec<f64> = error.frame(t).iter().map(|v| f64::from(*v)).collect();
            axis_variogram(&values, 1, 3, None, PlaneAxis::Columns, 2, VariogramEstimator::Matheron).unwrap()
        };
        let pooled = pool([along(0), along(1)].iter(), 25.0);
        assert_eq!(pooled.points(), [(25.0, 14.0 / 8.0), (50.0, (16.0 + 4.0) / 4.0)]);
        assert_eq!(pooled.pairs(), 6);
    }

    #[test]
    fn short_series_keep_their_memory() {
        // an autoregressive process of memory 0.8: 1/e after 1/ln(1/0.8) = 4.48 days; 20 days a cell lose much with a mean of their own
        let (days, cells) = (20, 24 * 24);
        let mut random = Random::new(9, "test");
        let mut now: Vec<f64> = (0..cells).map(|_| random.normal()).collect();
        let mut values = Vec::new();
        for _ in 0..days {
            values.extend(now.iter().map(|v| *v as f32));
            now.iter_mut().for_each(|v| *v = 0.8 * *v + 0.6 * random.normal());
        }
        let memory = error_memory(&field(values, [days, 24, 24]), 8, 6, (200, 1)).unwrap();
        let (lower, upper) = memory.e_folding.interval(0).unwrap();
        let want = -1.0 / 0.8f64.ln();
        assert!(lower < want && want < upper && upper - lower < 1.6, "{want} {lower} {upper}");
        assert_eq!((memory.values, memory.e_folding.units), ((days * cells) as u64, 16.0));
        assert!((memory.autocorrelation.values[1] - 0.8).abs() < 0.03);
    }

    #[test]
    fn an_error_that_never_forgets_is_refused() {
        let values: Vec<f32> = (0..10 * 16).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert!(error_memory(&field(values, [10, 4, 4]), 3, 2, (10, 1)).is_err());
    }
}
