//! [`CellSums`]: scores over time, one for each cell of a grid, from frames that come in one by one.

use rayon::prelude::*;

use super::cell_chunk::{CellChunk, Needs};
use super::error::{ScoreError, ScoreResult};
use super::metric::PointwiseMetric;
use super::skill::Skill;

/// Cells that one task works on. Each cell has sums of its own, so the partition changes no bit of the result.
const CHUNK: usize = 4096;

/// Running sums over time for each cell. Within a cell every instant counts the same, so no weights are needed.
///
/// # Example
/// ```
/// use isotherm::score::{CellSums, PointwiseMetric};
/// let mut sums = CellSums::new(2, &[PointwiseMetric::Rmse]).unwrap();
/// // two frames of two cells; the second cell is hidden in the first frame
/// sums.add(&[1.0, 0.0, 1.0, 5.0], &[4.0, 9.0, 5.0, 6.0], &[true, false, true, true]).unwrap();
/// assert_eq!(sums.map(PointwiseMetric::Rmse).unwrap(), [Some(12.5f64.sqrt()), Some(1.0)]);
/// assert_eq!(sums.counts(), [2, 1]);
/// ```
#[derive(Clone, Debug)]
pub struct CellSums {
    cells: usize,
    needs: Needs,
    chunks: Vec<CellChunk>,
}

impl CellSums {
    /// Empty sums of `cells` cells for these metrics.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] without a metric or a cell.
    pub fn new(cells: usize, metrics: &[PointwiseMetric]) -> ScoreResult<CellSums> {
        if metrics.is_empty() || cells == 0 {
            return Err(ScoreError::Argument(format!("a map of {} metrics over {cells} cells was asked for", metrics.len())));
        }
        let needs = Needs::of(metrics);
        let chunks = (0..cells.div_ceil(CHUNK))
            .map(|chunk| CellChunk::new(chunk * CHUNK, CHUNK.min(cells - chunk * CHUNK), needs))
            .collect();
        Ok(CellSums { cells, needs, chunks })
    }

    /// Bytes that one cell takes: 12 for an RMSE, 52 for a correlation.
    pub fn bytes_per_cell(metrics: &[PointwiseMetric]) -> usize {
        Needs::of(metrics).bytes()
    }

    /// Takes in whole frames, one after the other. What an invalid cell holds is never looked at.
    ///
    /// # Errors
    /// [`ScoreError::Length`], [`ScoreError::Argument`] where the lengths do not fit; [`ScoreError::NotFinite`] names the
    /// first position of a valid value that is not finite, after which the sums are not to be used.
    pub fn add(&mut self, truth: &[f32], prediction: &[f32], valid: &[bool]) -> ScoreResult<()> {
        if truth.len() != prediction.len() {
            return Err(ScoreError::Length { truth: truth.len(), prediction: prediction.len() });
        }
        if truth.len() != valid.len() || !truth.len().is_multiple_of(self.cells) {
            return Err(ScoreError::Argument(format!(
                "{} values with a mask of {} are no whole frames of {} cells",
                truth.len(),
                valid.len(),
                self.cells
            )));
        }
        let cells = self.cells;
        let results: Vec<Option<usize>> = self
            .chunks
            .par_iter_mut()
            .map(|chunk| {
                for frame in 0..truth.len() / cells {
                    let from = frame * cells + chunk.first;
                    let range = from..from + chunk.count.len();
                    if let Some(at) = chunk.add(&truth[range.clone()], &prediction[range.clone()], &valid[range]) {
                        return Some(from + at);
                    }
                }
                None
            })
            .collect();
        match results.into_iter().flatten().min() {
            None => Ok(()),
            Some(position) if !truth[position].is_finite() => Err(ScoreError::NotFinite { what: "truth", position }),
            Some(position) => Err(ScoreError::NotFinite { what: "prediction", position }),
        }
    }

    /// Valid pairs of each cell.
    pub fn counts(&self) -> Vec<u32> {
        self.chunks.iter().flat_map(|c| c.count.iter().copied()).collect()
    }

    /// The metric of each cell; `None` where it is undefined there (too few pairs, a constant).
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for a metric whose sums were not kept.
    pub fn map(&self, metric: PointwiseMetric) -> ScoreResult<Vec<Option<f64>>> {
        self.check_kept(metric)?;
        Ok(self.chunks.par_iter().flat_map_iter(|c| (0..c.count.len()).map(|i| metric.of(&c.pairs(i)).ok())).collect())
    }

    /// The skill against a reference in each cell, both scored on the same pairs; `None` where it is undefined.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] where the sums were not kept or the two do not hold the same pairs.
    pub fn skill_map(&self, reference: &CellSums, skill: Skill) -> ScoreResult<Vec<Option<f64>>> {
        self.check_kept(skill.metric())?;
        reference.check_kept(skill.metric())?;
        if self.cells != reference.cells {
            return Err(ScoreError::Argument(format!("{} cells against {} of the reference", self.cells, reference.cells)));
        }
        let both = self.chunks.par_iter().zip(&reference.chunks);
        Ok(both.flat_map_iter(|(a, b)| (0..a.count.len()).map(|i| skill.of(&a.pairs(i), &b.pairs(i)).ok())).collect())
    }

    fn check_kept(&self, metric: PointwiseMetric) -> ScoreResult<()> {
        let (wanted, kept) = (Needs::of(&[metric]), self.needs);
        let enough = (kept.error || !wanted.error)
            && (kept.absolute || !wanted.absolute)
            && (kept.squared || !wanted.squared)
            && (kept.deviation || !wanted.deviation)
            && (kept.spread || !wanted.spread);
        if enough {
            return Ok(());
        }
        Err(ScoreError::Argument(format!("the sums that {} needs were not kept; name it when they begin", metric.name())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Pairs;
    use super::*;
    use crate::base::random::Random;

    const CELLS: usize = 5000; // more than one chunk
    const FRAMES: usize = 9;

    fn sample() -> (Vec<f32>, Vec<f32>, Vec<bool>) {
        let mut random = Random::new(8, "cells");
        let truth: Vec<f32> = (0..CELLS * FRAMES).map(|_| (288.0 + 3.0 * random.normal()) as f32).collect();
        let prediction = truth.iter().map(|t| t + (0.2 + 0.5 * random.normal()) as f32).collect();
        (truth, prediction, (0..CELLS * FRAMES).map(|_| random.uniform() < 0.7).collect())
    }

    /// Every metric of every cell against the metric of that cell's pairs gathered one by one.
    #[test]
    fn each_cell_is_scored_as_if_alone() {
        let (mut truth, prediction, valid) = sample();
        (0..truth.len()).filter(|i| !valid[*i]).for_each(|i| truth[i] = f32::NAN);
        let mut alone = vec![Pairs::default(); CELLS];
        for i in (0..truth.len()).filter(|i| valid[*i]) {
            alone[i % CELLS].add(f64::from(truth[i]), f64::from(prediction[i]), 1.0).unwrap();
        }
        for metric in PointwiseMetric::ALL {
            let mut sums = CellSums::new(CELLS, &[metric]).unwrap();
            let half = 4 * CELLS;
            sums.add(&truth[..half], &prediction[..half], &valid[..half]).unwrap();
            sums.add(&truth[half..], &prediction[half..], &valid[half..]).unwrap();
            for (cell, (got, pairs)) in sums.map(metric).unwrap().iter().zip(&alone).enumerate() {
                match (got, metric.of(pairs)) {
                    (Some(got), Ok(wanted)) => {
                        assert!((got - wanted).abs() < 1e-8, "{} of cell {cell}: {got} {wanted}", metric.name());
                    }
                    (None, Err(_)) => {}
                    (got, wanted) => panic!("{} of cell {cell}: {got:?} {wanted:?}", metric.name()),
                }
            }
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let (truth, prediction, valid) = sample();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut sums = CellSums::new(CELLS, &[PointwiseMetric::Nse]).unwrap();
                sums.add(&truth, &prediction, &valid).unwrap();
                sums.map(PointwiseMetric::Nse).unwrap()
            })
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn what_cannot_be_summed_is_named() {
        let mut sums = CellSums::new(2, &[PointwiseMetric::Bias]).unwrap();
        let bad = sums.add(&[1.0, 1.0, 1.0, f32::INFINITY], &[1.0; 4], &[true; 4]);
        assert_eq!(bad, Err(ScoreError::NotFinite { what: "truth", position: 3 }));
        assert!(sums.add(&[1.0; 3], &[1.0; 3], &[true; 3]).is_err());
        assert!(sums.add(&[1.0; 2], &[1.0; 4], &[true; 2]).is_err());
        assert!(sums.map(PointwiseMetric::Rmse).unwrap_err().to_string().contains("rmse"));
        assert!(CellSums::new(0, &[PointwiseMetric::Bias]).is_err() && CellSums::new(1, &[]).is_err());
    }

    #[test]
    fn only_what_is_needed_is_kept() {
        let bytes = |metric| CellSums::bytes_per_cell(&[metric]);
        assert_eq!((bytes(PointwiseMetric::Rmse), bytes(PointwiseMetric::Pearson)), (12, 52));
    }

    #[test]
    fn skill_of_a_cell() {
        let mut prediction = CellSums::new(1, &[PointwiseMetric::Mse]).unwrap();
        let mut reference = prediction.clone();
        prediction.add(&[0.0, 0.0], &[1.0, 1.0], &[true, true]).unwrap();
        reference.add(&[0.0, 0.0], &[2.0, 2.0], &[true, true]).unwrap();
        // 1 - 1/4
        assert_eq!(prediction.skill_map(&reference, Skill::Mse).unwrap(), [Some(0.75)]);
    }
}
