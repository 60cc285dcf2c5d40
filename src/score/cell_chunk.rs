//! [`CellChunk`]: running sums of some neighbouring cells, laid out so that the compiler makes vector code of them.

use super::metric::PointwiseMetric;
use super::pairs::Pairs;
use super::sums::Sums;
use crate::base::vector::{Work, widest};

/// Cells whose departures are held at once.
const BLOCK: usize = 256;

/// Which sums the metrics asked for need; no other is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) error: bool,
    pub(super) absolute: bool,
    pub(super) squared: bool,
    pub(super) deviation: bool,
    pub(super) spread: bool,
}

impl Needs {
    pub(super) fn of(metrics: &[PointwiseMetric]) -> Needs {
        use PointwiseMetric::*;
        let any = |list: &[PointwiseMetric]| metrics.iter().any(|m| list.contains(m));
        Needs {
            error: any(&[Bias, KgeModified]),
            absolute: any(&[Mae, VolumetricEfficiency]),
            squared: any(&[Mse, Rmse, Nse, NormalisedRmseByMean, NormalisedRmseByRootMeanSquare]),
            deviation: any(&[RmseUnbiased]),
            spread: any(&[
                Pearson,
                RSquaredPearson,
                Nse,
                Kge2009,
                Kge2012,
                KgeModified,
                NormalisedRmseByMean,
                NormalisedRmseByRootMeanSquare,
                VolumetricEfficiency,
            ]),
        }
    }

    /// Bytes of one cell.
    pub(super) fn bytes(self) -> usize {
        let one = |needed: bool, bytes: usize| if needed { bytes } else { 0 };
        4 + one(self.error, 8) + one(self.absolute, 8) + one(self.squared, 8) + one(self.deviation, 24) + one(self.spread, 48)
    }
}

/// Running sums of some neighbouring cells.
#[derive(Clone, Debug)]
pub(super) struct CellChunk {
    pub(super) first: usize,
    pub(super) count: Vec<u32>,
    error: Vec<f64>,
    absolute: Vec<f64>,
    squared: Vec<f64>,
    /// First error of each cell, Σ and Σ² of the departures from it; empty where nobody asked.
    deviation: Vec<Vec<f64>>,
    /// First pair of the cell.
    origin: Vec<[f32; 2]>,
    /// Sums of dt, dp, dt², dp², dt dp of each cell; empty where nobody asked.
    spread: Vec<Vec<f64>>,
}

/// A part of one frame on its way into the sums.
struct Addition<'a> {
    chunk: &'a mut CellChunk,
    truth: &'a [f32],
    prediction: &'a [f32],
    valid: &'a [bool],
}

impl Work for Addition<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        self.chunk.add_blocks(self.truth, self.prediction, self.valid)
    }
}

impl CellChunk {
    /// Empty sums of `n` cells from the cell `first` on.
    pub(super) fn new(first: usize, n: usize, needs: Needs) -> CellChunk {
        let room = |needed: bool| vec![0.0; if needed { n } else { 0 }];
        CellChunk {
            first,
            count: vec![0; n],
            error: room(needs.error),
            absolute: room(needs.absolute),
            squared: room(needs.squared),
            deviation: vec![vec![0.0; n]; if needs.deviation { 3 } else { 0 }],
            origin: vec![[0.0; 2]; if needs.spread { n } else { 0 }],
            spread: vec![vec![0.0; n]; if needs.spread { 5 } else { 0 }],
        }
    }

    /// Adds a part of one frame; the position of the first pair that is not finite, if any.
    pub(super) fn add(&mut self, truth: &[f32], prediction: &[f32], valid: &[bool]) -> Option<usize> {
        if widest(Addition { chunk: self, truth, prediction, valid }) {
            return None;
        }
        (0..valid.len()).find(|i| valid[*i] && !(truth[*i].is_finite() && prediction[*i].is_finite()))
    }

    /// Adds a part of one frame, a block of cells at a time; whether all its valid values are finite.
    #[inline(always)]
    fn add_blocks(&mut self, truth: &[f32], prediction: &[f32], valid: &[bool]) -> bool {
        let n = self.count.len();
        let mut clean = true;
        let (mut first, mut second) = ([0.0; BLOCK], [0.0; BLOCK]);
        for start in (0..n).step_by(BLOCK) {
            let range = start..(start + BLOCK).min(n);
            let (truth, prediction, valid) = (&truth[range.clone()], &prediction[range.clone()], &valid[range.clone()]);
            let count = &mut self.count[range.clone()];
            // One length for all, so that the loops below need no bounds checks.
            let n = range.len();
            let (first, second) = (&mut first[..n], &mut second[..n]);
            if !self.spread.is_empty() {
                let origin = &mut self.origin[range.clone()];
                for i in 0..n {
                    let (t, p) = (truth[i], prediction[i]);
                    let new = valid[i] & (count[i] == 0);
                    origin[i] = if new { [t, p] } else { origin[i] };
                    let (dt, dp) = (f64::from(t) - f64::from(origin[i][0]), f64::from(p) - f64::from(origin[i][1]));
                    first[i] = if valid[i] { dt } else { 0.0 };
                    second[i] = if valid[i] { dp } else { 0.0 };
                }
                let [st, sp, stt, spp, stp] = &mut self.spread[..] else { return false };
                add_to(&mut st[range.clone()], n, |i| first[i]);
                add_to(&mut sp[range.clone()], n, |i| second[i]);
                add_to(&mut stt[range.clone()], n, |i| first[i] * first[i]);
                add_to(&mut spp[range.clone()], n, |i| second[i] * second[i]);
                add_to(&mut stp[range.clone()], n, |i| first[i] * second[i]);
            }
            // Subtracted in f64: two finite values never give an infinity there.
            for i in 0..n {
                let error = f64::from(prediction[i]) - f64::from(truth[i]);
                first[i] = if valid[i] { error } else { 0.0 };
                clean &= first[i].is_finite();
            }
            if !self.deviation.is_empty() {
                let [origin, sum, squares] = &mut self.deviation[..] else { return false };
                let origin = &mut origin[range.clone()];
                for i in 0..n {
                    origin[i] = if valid[i] & (count[i] == 0) { first[i] } else { origin[i] };
                    second[i] = if valid[i] { first[i] - origin[i] } else { 0.0 };
                }
                add_to(&mut sum[range.clone()], n, |i| second[i]);
                add_to(&mut squares[range.clone()], n, |i| second[i] * second[i]);
            }
            if !self.error.is_empty() {
                add_to(&mut self.error[range.clone()], n, |i| first[i]);
            }
            if !self.absolute.is_empty() {
                add_to(&mut self.absolute[range.clone()], n, |i| first[i].abs());
            }
            if !self.squared.is_empty() {
                add_to(&mut self.squared[range.clone()], n, |i| first[i] * first[i]);
            }
            (0..n).for_each(|i| count[i] += u32::from(valid[i]));
        }
        clean
    }

    /// The moments of a cell, as far as its sums were kept.
    pub(super) fn pairs(&self, i: usize) -> Pairs {
        let kept = |sums: &[f64]| sums.get(i).copied().unwrap_or(0.0);
        let list = |lists: &[Vec<f64>], k: usize| lists.get(k).map_or(0.0, |list| list[i]);
        let spread = [0, 1, 2, 3, 4].map(|k| list(&self.spread, k));
        let deviation = [0, 1, 2].map(|k| list(&self.deviation, k));
        let origin = self.origin.get(i).copied().unwrap_or_default();
        Sums {
            count: self.count[i] as usize,
            weight: f64::from(self.count[i]),
            truth: spread[0],
            prediction: spread[1],
            truth_squared: spread[2],
            prediction_squared: spread[3],
            product: spread[4],
            error: kept(&self.error),
            absolute: kept(&self.absolute),
            squared: kept(&self.squared),
            deviation: deviation[1],
            deviation_squared: deviation[2],
        }
        .about((f64::from(origin[0]), f64::from(origin[1])))
    }
}

/// Adds to each of the first `n` sums.
#[inline(always)]
fn add_to(sums: &mut [f64], n: usize, of: impl Fn(usize) -> f64) {
    sums[..n].iter_mut().enumerate().for_each(|(i, sum)| *sum += of(i));
}
