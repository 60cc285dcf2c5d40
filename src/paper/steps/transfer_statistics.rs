//! Numbers of predicted dust, day by day, so that days can be drawn again.

use crate::grid::{EARTH_RADIUS_METRES, Field, area_weights};
use crate::score::{CrpsEstimator, LagBins, LatLonGrid, Pairs, PointwiseMetric, ScoreError, ScoreResult, crps_of_cells};

/// In what an error is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Decimal logarithms of the optical depth, as the fields hold them.
    Logarithm,
    /// The optical depth itself.
    OpticalDepth,
}

impl Scale {
    /// A frame in this scale.
    fn of(self, frame: &[f32]) -> Vec<f64> {
        match self {
            Scale::Logarithm => frame.iter().map(|v| f64::from(*v)).collect(),
            Scale::OpticalDepth => frame.iter().map(|v| 10f64.powf(f64::from(*v))).collect(),
        }
    }
}

/// Truth and prediction of each day, weighted by area.
///
/// # Errors
/// Where the fields have different shapes.
pub fn daily_pairs(truth: &Field, prediction: &Field, scale: Scale) -> ScoreResult<Vec<Pairs>> {
    if truth.shape() != prediction.shape() {
        let problem = format!("{} has {:?} cells, the truth {:?}", prediction.name(), prediction.shape(), truth.shape());
        return Err(ScoreError::Argument(problem));
    }
    let rows = area_weights(truth.latitude());
    let mean = rows.iter().sum::<f64>() / rows.len() as f64;
    let columns = truth.longitude().len();
    let weights: Vec<f64> = rows.iter().flat_map(|w| std::iter::repeat_n(w / mean, columns)).collect();
    (0..truth.frames())
        .map(|t| Pairs::collect(&scale.of(truth.frame(t)), &scale.of(prediction.frame(t)), None, Some(&weights)))
        .collect()
}

/// A metric of the days `at`, taken together.
///
/// # Errors
/// Those of the metric.
pub fn of_days(days: &[Pairs], at: &[usize], metric: PointwiseMetric) -> ScoreResult<f64> {
    let mut all = Pairs::default();
    at.iter().for_each(|t| all.merge(&days[*t]));
    metric.of(&all)
}

/// The exact semivariogram of each day, over great-circle distances.
#[derive(Clone, Debug)]
pub struct DailyVariograms {
    /// Middle of each bin in kilometres.
    pub kilometres: Vec<f64>,
    /// Pairs of cells in each bin of one day.
    pub pairs: Vec<u64>,
    /// Semivariance by day and bin; 0 where a bin has no pair.
    days: Vec<Vec<f64>>,
}

impl DailyVariograms {
    /// Of a field of logarithms, with these edges of the bins in kilometres.
    ///
    /// # Errors
    /// Where the edges do not ascend.
    pub fn of(field: &Field, edges: &[f64]) -> ScoreResult<DailyVariograms> {
        let bins = LagBins::from_edges(edges.to_vec())?;
        let [frames, _, columns] = field.shape();
        let grid = LatLonGrid::new(field.latitude().centres(), columns, field.longitude().spacing().abs())?;
        let mut found = DailyVariograms { kilometres: bins.positions(), pairs: Vec::new(), days: Vec::new() };
        for t in 0..frames {
            let variogram =
                grid.variogram(&Scale::Logarithm.of(field.frame(t)), None, &bins, EARTH_RADIUS_METRES / 1000.0, false)?;
            found.pairs = variogram.bins.iter().map(|bin| bin.pairs).collect();
            found.days.push(variogram.bins.iter().map(|bin| bin.semivariance.unwrap_or(0.0)).collect());
        }
        Ok(found)
    }

    /// The mean semivariance of a bin over the days `at`; every day has the same pairs.
    pub fn mean(&self, bin: usize, at: &[usize]) -> f64 {
        at.iter().map(|t| self.days[*t][bin]).sum::<f64>() / at.len().max(1) as f64
    }

    /// Bins that hold pairs.
    pub fn filled(&self) -> Vec<usize> {
        (0..self.pairs.len()).filter(|k| self.pairs[*k] > 0).collect()
    }
}

/// What an ensemble of independent members says of a day: sums over its cells.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnsembleDay {
    cells: f64,
    crps: f64,
    crps_fair: f64,
    squared_error: f64,
    variance: f64,
}

/// The ensemble's sums for each day.
///
/// # Errors
/// [`ScoreError::TooFew`] below two members.
pub fn ensemble_days(truth: &Field, members: &[&Field]) -> ScoreResult<Vec<EnsembleDay>> {
    let count = members.len();
    if count < 2 {
        return Err(ScoreError::TooFew { metric: "the statistics of an ensemble (members)", found: count, wanted: 2 });
    }
    (0..truth.frames())
        .map(|t| {
            let observed = Scale::Logarithm.of(truth.frame(t));
            let frames: Vec<&[f32]> = members.iter().map(|m| m.frame(t)).collect();
            let all: Vec<f64> = (0..observed.len()).flat_map(|i| frames.iter().map(move |f| f64::from(f[i]))).collect();
            let mut day = EnsembleDay { cells: observed.len() as f64, ..EnsembleDay::default() };
            day.crps = crps_of_cells(&all, &observed, CrpsEstimator::Plain)?.iter().sum();
            day.crps_fair = crps_of_cells(&all, &observed, CrpsEstimator::Fair)?.iter().sum();
            for (m, y) in all.chunks(count).zip(&observed) {
                let mean = m.iter().sum::<f64>() / count as f64;
                day.squared_error += (mean - y).powi(2);
                day.variance += m.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
            }
            Ok(day)
        })
        .collect()
}

/// CRPS, fair CRPS, and spread over skill (1 for a reliable ensemble of this size) of the days `at`.
///
/// # Errors
/// [`ScoreError::TooFew`] without a cell.
pub fn ensemble_numbers(days: &[EnsembleDay], members: usize, at: &[usize]) -> ScoreResult<Vec<f64>> {
    let sum = |of: fn(&EnsembleDay) -> f64| at.iter().map(|t| of(&days[*t])).sum::<f64>();
    let cells = sum(|d| d.cells);
    if cells == 0.0 {
        return Err(ScoreError::TooFew { metric: "the statistics of an ensemble (cells)", found: 0, wanted: 1 });
    }
    let m = members as f64;
    let ratio = (sum(|d| d.variance) / sum(|d| d.squared_error)).sqrt() * ((m + 1.0) / m).sqrt();
    Ok(vec![sum(|d| d.crps) / cells, sum(|d| d.crps_fair) / cells, ratio])
}

/// Mean over all pairs of days `lag` apart of the root mean square difference of their maps, and of the squared correlation.
///
/// # Errors
/// Where a map is constant.
pub fn lag_curve(field: &Field, largest: usize) -> ScoreResult<Vec<(f64, f64)>> {
    (1..=largest.min(field.frames().saturating_sub(1)))
        .map(|lag| {
            let mut sums = (0.0, 0.0);
            for t in lag..field.frames() {
                let pairs = Pairs::collect(field.frame(t - lag), field.frame(t), None, None)?;
                sums = (sums.0 + pairs.rmse()?, sums.1 + pairs.r_squared_pearson()?);
            }
            let n = (field.frames() - lag) as f64;
            Ok((sums.0 / n, sums.1 / n))
        })
        .collect()
}

/// The mean over the map of each day's departure from what is usual on that day.
pub fn mean_departures(field: &Field, usual: &Field) -> Vec<f64> {
    (0..field.frames())
        .map(|t| {
            let n = field.frame_len() as f64;
            field.frame(t).iter().zip(usual.frame(t)).map(|(a, b)| f64::from(a - b)).sum::<f64>() / n
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};

    fn field(values: Vec<f32>, side: usize) -> Field {
        let axis = |kind| Axis::regular(kind, 0.0, 0.1, side).unwrap();
        let days = values.len() / (side * side);
        let first = chrono::NaiveDate::from_ymd_opt(2003, 1, 1).unwrap();
        let (time, mask) = (TimeAxis::daily(first, 12.0, days).unwrap(), Mask::all_valid(values.len()));
        Field::new("aod", values, mask, time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), Unit::One).unwrap()
    }

    #[test]
    fn logarithms_and_optical_depths() {
        let (truth, found) = (field(vec![-1.0, 0.0, -1.0, 0.0], 2), field(vec![0.0, 0.0, -1.0, -1.0], 2));
        let all = [0];
        let rmse = |scale| of_days(&daily_pairs(&truth, &found, scale).unwrap(), &all, PointwiseMetric::Rmse).unwrap();
        // Two of four are off by 1 decade; by 0.9 and -0.9 in optical depth. (Areas differ by next to nothing at the equator.)
        assert!((rmse(Scale::Logarithm) - 0.5f64.sqrt()).abs() < 1e-5);
        assert!((rmse(Scale::OpticalDepth) - 0.9 * 0.5f64.sqrt()).abs() < 1e-5);
        assert!(daily_pairs(&truth, &field(vec![0.0; 9], 3), Scale::Logarithm).is_err());
    }

    #[test]
    fn a_variogram_of_a_slope() {
        // Columns 0.1 degree apart at the equator, 11.12 km: value = column. Pairs of one column apart differ by 1.
        let found = DailyVariograms::of(&field((0..16).map(|i| (i % 4) as f32).collect(), 4), &[5.0, 11.5, 18.0]).unwrap();
        // 12 pairs along rows with difference 1, 12 along columns with 0: half the mean square is 0.25.
        assert_eq!(found.pairs[0], 24);
        assert!((found.mean(0, &[0]) - 0.25).abs() < 1e-9, "{found:?}");
        // Diagonal neighbours at 15.7 km: 18 pairs, all with difference 1.
        assert_eq!((found.pairs[1], found.filled()), (18, vec![0, 1]));
        assert!((found.mean(1, &[0]) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn an_ensemble_by_hand() {
        // Members 0 and 2 of a truth 0 in every cell: mean 1, variance 2; |x - y| mean 1, half the mean difference 0.5 or 1.
        let (truth, low, high) = (field(vec![0.0; 4], 2), field(vec![0.0; 4], 2), field(vec![2.0; 4], 2));
        let days = ensemble_days(&truth, &[&low, &high]).unwrap();
        let numbers = ensemble_numbers(&days, 2, &[0]).unwrap();
        for (found, wanted) in numbers.iter().zip([0.5, 0.0, 3f64.sqrt()]) {
            assert!((found - wanted).abs() < 1e-12, "{numbers:?}");
        }
        assert!(ensemble_days(&truth, &[&low]).is_err());
    }

    #[test]
    fn a_map_that_grows_by_one_a_day() {
        let days: Vec<f32> = (0..4).flat_map(|d| [0.0f32, 1.0, 2.0, 3.0].map(|v| v + d as f32)).collect();
        let curve = lag_curve(&field(days.clone(), 2), 9).unwrap();
        assert_eq!(curve.len(), 3);
        for (k, (rmse, r2)) in curve.iter().enumerate() {
            assert!((rmse - (k + 1) as f64).abs() < 1e-9 && (r2 - 1.0).abs() < 1e-9);
        }
        let usual = field(vec![0.5; 16], 2);
        assert_eq!(mean_departures(&field(days, 2), &usual), [1.0, 2.0, 3.0, 4.0]);
    }
}
