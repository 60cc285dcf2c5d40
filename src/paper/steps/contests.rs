//! [`Contest`]: what a refinement is given, and what it should have found.

use crate::data::Tier;
use crate::data::twin::Twin;
use crate::grid::{Field, GridError, GridResult, area_weights, coarsen_mean};
use crate::paper::PaperResult;
use crate::paper::products;
use crate::paper::step::{DataFile, StepContext};
use crate::score::{BlockAccumulator, ScoreResult};

/// One data set: a coarse field, and the fine one that it was made from.
pub struct Contest {
    /// Its name in tables.
    pub dataset: &'static str,
    /// Its kind.
    pub tier: Tier,
    /// `validation` or `test`.
    pub split: &'static str,
    /// What a method is given.
    pub low: Field,
    /// What it should have found.
    pub truth: Field,
}

impl Contest {
    /// The same with every `stride`th of its frames.
    pub fn every(self, stride: usize) -> GridResult<Contest> {
        let kept: Vec<usize> = (0..self.truth.frames()).step_by(stride.max(1)).collect();
        Ok(Contest { low: products::frames(&self.low, &kept)?, truth: products::frames(&self.truth, &kept)?, ..self })
    }
}

/// The product files that [`real`] reads.
pub const DATA: &[DataFile] = &[products::BLACK_SEA_SST, products::MEDITERRANEAN_ADT];

/// The twin on some days: from the truth's own block means (`twin`), and from the coarse analysis with its errors
/// (`twin_analysis`).
pub fn twin(
    context: &StepContext<'_>,
    twin: &Twin,
    split: &'static str,
    days: &[usize],
    factor: usize,
) -> PaperResult<[Contest; 2]> {
    let fail = |e: GridError| context.error(e);
    let analysis = twin.coarse_analysis().map_err(|e| context.error(e))?;
    let truth = products::frames(twin.truth(), days).map_err(fail)?;
    let low = coarsen_mean(&truth, factor, 1.0).map_err(fail)?;
    let coarse = products::frames(&analysis, days).map_err(fail)?.masked(low.mask()).map_err(fail)?;
    let contest = |dataset, low| Contest { dataset, tier: Tier::Twin, split, low, truth: truth.clone() };
    Ok([contest("twin", low), contest("twin_analysis", coarse)])
}

/// Real fields that no method was trained on: a day of the Black Sea, three months of the Mediterranean.
pub fn real(context: &StepContext<'_>, factor: usize) -> PaperResult<[Contest; 2]> {
    let contest = |dataset, tier, file| -> PaperResult<Contest> {
        let truth = products::read_field(context, file)?;
        let truth = products::crop_to_multiple(&truth, factor).map_err(|e| context.error(e))?;
        let low = coarsen_mean(&truth, factor, 1.0).map_err(|e| context.error(e))?;
        Ok(Contest { dataset, tier, split: "test", low, truth })
    };
    Ok([
        contest("black_sea_sst", Tier::Real, products::BLACK_SEA_SST)?,
        contest("mediterranean_adt", Tier::Proxy, products::MEDITERRANEAN_ADT)?,
    ])
}

/// The size of the blocks that a bootstrap draws.
#[derive(Clone, Copy, Debug)]
pub struct BlockSize {
    /// Edge in fine cells.
    pub cells: usize,
    /// Length in days.
    pub days: usize,
}

/// Truth and prediction of every cell that both have and `counts` admits (by its index in the frame), by block of space
/// and time, weighted by area.
///
/// # Errors
/// From the score floor.
pub fn blocks(
    truth: &Field,
    prediction: &Field,
    size: BlockSize,
    counts: impl Fn(usize, usize) -> bool,
) -> ScoreResult<BlockAccumulator> {
    let [frames, rows, columns] = truth.shape();
    if prediction.shape() != truth.shape() {
        let problem = format!("a method gave {:?} for {:?} cells", prediction.shape(), truth.shape());
        return Err(crate::score::ScoreError::Argument(problem));
    }
    let weights = area_weights(truth.latitude());
    let mean_weight = weights.iter().sum::<f64>() / weights.len() as f64;
    let (tiles_y, tiles_x) = (rows.div_ceil(size.cells), columns.div_ceil(size.cells));
    let seconds = truth.time().seconds();
    let mut blocks = BlockAccumulator::new();
    for t in 0..frames {
        let day = ((seconds[t] - seconds[0]) / crate::grid::SECONDS_PER_DAY) as usize;
        let (values, predicted) = (truth.frame(t), prediction.frame(t));
        let (truth_mask, mask) = (truth.frame_mask(t), prediction.frame_mask(t));
        for (y, weight) in weights.iter().enumerate() {
            for x in 0..columns {
                let i = y * columns + x;
                if truth_mask[i].is_valid() && mask[i].is_valid() && counts(t, i) {
                    let tile = (y / size.cells) * tiles_x + x / size.cells;
                    let block = (day / size.days) * tiles_y * tiles_x + tile;
                    blocks.add(block, f64::from(values[i]), f64::from(predicted[i]), weight / mean_weight)?;
                }
            }
        }
    }
    Ok(blocks)
}
