//! What an ensemble says of its own uncertainty: CRPS, spread over skill, ranks.

use rayon::prelude::*;

use crate::grid::Field;
use crate::score::{CrpsEstimator, ScoreError, ScoreResult, crps_of_cells, rank_histogram, rank_range};

/// Sums over the cells of one frame.
#[derive(Clone, Debug)]
struct Frame {
    cells: f64,
    crps: f64,
    crps_fair: f64,
    squared_error: f64,
    variance: f64,
    ranks: Vec<f64>,
}

/// The statistics of an ensemble against a truth, frame by frame.
#[derive(Clone, Debug)]
pub struct EnsembleStatistics {
    frames: Vec<Frame>,
    members: usize,
}

impl EnsembleStatistics {
    /// The statistics of `members` where they and the truth are valid.
    ///
    /// # Errors
    /// From the score floor; [`ScoreError::TooFew`] below two members.
    pub fn of(truth: &Field, members: &[&Field]) -> ScoreResult<EnsembleStatistics> {
        let count = members.len();
        if count < 2 {
            return Err(ScoreError::TooFew { metric: "the statistics of an ensemble (members)", found: count, wanted: 2 });
        }
        let frames = (0..truth.frames()).into_par_iter().map(|t| frame(truth, members, t)).collect::<ScoreResult<_>>()?;
        Ok(EnsembleStatistics { frames, members: count })
    }

    /// Cells in all frames.
    pub fn cells(&self) -> u64 {
        self.frames.iter().map(|f| f.cells).sum::<f64>() as u64
    }

    /// CRPS, fair CRPS and spread over skill (1 for a reliable ensemble of this size) of the frames `at`.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a cell.
    pub fn numbers(&self, at: &[usize]) -> ScoreResult<Vec<f64>> {
        let sum = |of: fn(&Frame) -> f64| at.iter().map(|t| of(&self.frames[*t])).sum::<f64>();
        let cells = sum(|f| f.cells);
        if cells == 0.0 {
            return Err(ScoreError::TooFew { metric: "the statistics of an ensemble (cells)", found: 0, wanted: 1 });
        }
        let m = self.members as f64;
        let ratio = (sum(|f| f.variance) / sum(|f| f.squared_error)).sqrt() * ((m + 1.0) / m).sqrt();
        Ok(vec![sum(|f| f.crps) / cells, sum(|f| f.crps_fair) / cells, ratio])
    }

    /// Share of the cells in which the truth takes each rank among the members.
    pub fn rank_shares(&self) -> Vec<f64> {
        let mut counts = vec![0.0; self.members + 1];
        for frame in &self.frames {
            counts.iter_mut().zip(&frame.ranks).for_each(|(sum, n)| *sum += n);
        }
        let total: f64 = counts.iter().sum::<f64>().max(1.0);
        counts.into_iter().map(|n| n / total).collect()
    }
}

/// The sums of frame `t`.
fn frame(truth: &Field, members: &[&Field], t: usize) -> ScoreResult<Frame> {
    let valid: Vec<usize> = (0..truth.frame_len())
        .filter(|i| truth.frame_mask(t)[*i].is_valid() && members.iter().all(|m| m.frame_mask(t)[*i].is_valid()))
        .collect();
    let observed: Vec<f64> = valid.iter().map(|i| f64::from(truth.frame(t)[*i])).collect();
    let all: Vec<f64> = valid.iter().flat_map(|i| members.iter().map(|m| f64::from(m.frame(t)[*i]))).collect();
    let count = members.len();
    if valid.is_empty() {
        let ranks = vec![0.0; count + 1];
        return Ok(Frame { cells: 0.0, crps: 0.0, crps_fair: 0.0, squared_error: 0.0, variance: 0.0, ranks });
    }
    let ranks = all.chunks(count).zip(&observed).map(|(m, y)| rank_range(m, *y)).collect::<ScoreResult<Vec<_>>>()?;
    let cells: Vec<(f64, f64)> = all
        .chunks(count)
        .zip(&observed)
        .map(|(m, y)| {
            let mean = m.iter().sum::<f64>() / count as f64;
            (m.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1) as f64, (mean - y).powi(2))
        })
        .collect();
    let sum = |scores: Vec<f64>| scores.iter().sum::<f64>();
    Ok(Frame {
        cells: valid.len() as f64,
        crps: sum(crps_of_cells(&all, &observed, CrpsEstimator::Plain)?),
        crps_fair: sum(crps_of_cells(&all, &observed, CrpsEstimator::Fair)?),
        squared_error: cells.iter().map(|c| c.1).sum(),
        variance: cells.iter().map(|c| c.0).sum(),
        ranks: rank_histogram(&ranks, count)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};
    use crate::score::spread_skill;

    fn field(values: Vec<f32>) -> Field {
        let axis = |kind, n| Axis::regular(kind, 0.0, 0.1, n).unwrap();
        let (lat, lon) = (axis(AxisKind::Latitude, 2), axis(AxisKind::Longitude, 2));
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::all_valid(4), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn by_hand() {
        let truth = field(vec![0.0, 1.0, 2.0, 5.0]);
        let (a, b) = (field(vec![1.0, 0.0, 1.0, 3.0]), field(vec![3.0, 2.0, 3.0, 5.0]));
        let found = EnsembleStatistics::of(&truth, &[&a, &b]).unwrap();
        // Means 2, 1, 2, 4; errors 2, 0, 0, -1; each variance 2.
        let spread = (2.0f64 / (5.0 / 4.0)).sqrt() * 1.5f64.sqrt();
        let numbers = found.numbers(&[0]).unwrap();
        assert!((numbers[2] - spread).abs() < 1e-12, "{numbers:?}");
        // Mean |x - y| is 2, 1, 1, 1 and half the mean difference of two members 0.5 (plain) or 1 (fair).
        assert!((numbers[0] - 0.75).abs() < 1e-12 && (numbers[1] - 0.25).abs() < 1e-12, "{numbers:?}");
        // The truth is below both, between, between, and level with the upper one: ranks 1, 2, 2 and half of 2 and of 3.
        assert_eq!(found.rank_shares(), [0.25, 0.625, 0.125]);
        assert_eq!(found.cells(), 4);
        // The library's own over all cases, as an independent sum.
        let pairs: [&[f64]; 4] = [&[1.0, 3.0], &[0.0, 2.0], &[1.0, 3.0], &[3.0, 5.0]];
        let whole = spread_skill(&pairs, &[0.0, 1.0, 2.0, 5.0]).unwrap();
        assert!((whole.ratio_for_size - numbers[2]).abs() < 1e-12);
        assert!(EnsembleStatistics::of(&truth, &[&a]).is_err());
    }
}
