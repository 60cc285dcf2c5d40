//! [`Tally`]: the moments of all pairs, by stratum and block of the bootstrap.

use rayon::prelude::*;

use super::slabs::{Slab, located};
use super::sources::Sources;
use super::strata::Strata;
use crate::grid::area_weights;
use crate::score::{BlockAccumulator, Pairs, ScoreResult, Weighting};

/// Cells along each side of a block where there is but one block of days, as in the protocol of the ladder.
pub(super) const CELLS_OF_A_TILE: usize = 40;

/// How pairs are cut into blocks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blocking {
    /// The block of days of each common instant.
    pub of_moment: Vec<usize>,
    /// Cells along each side of a tile.
    pub cells: usize,
    tiles: (usize, usize),
    /// In words.
    pub words: String,
}

impl Blocking {
    /// Blocks of `days` days and `cells` cells; without days in the files, every instant is a block.
    pub fn of(sources: &Sources<'_>, days: u32, cells: Option<usize>) -> Blocking {
        let first = sources.moments.first().and_then(|m| m.date);
        let of_moment: Vec<usize> = sources
            .moments
            .iter()
            .enumerate()
            .map(|(i, m)| match (first, m.date) {
                (Some(first), Some(date)) => ((date - first).num_days().max(0) / i64::from(days)) as usize,
                _ => i,
            })
            .collect();
        let (height, width) = sources.shape();
        let alone = of_moment.iter().all(|b| *b == of_moment[0]);
        let tiled = cells.or(alone.then_some(CELLS_OF_A_TILE));
        let cells = tiled.unwrap_or(height.max(width));
        let time = if days == 1 { "1 day".to_string() } else { format!("{days} days") };
        let space = tiled.map_or(String::new(), |c| format!(" and {c} x {c} cells"));
        let words = format!("{time}{space}");
        Blocking { of_moment, cells, tiles: (height.div_ceil(cells), width.div_ceil(cells)), words }
    }

    fn block(&self, moment: usize, row: usize, tile_column: usize) -> usize {
        (self.of_moment[moment] * self.tiles.0 + row / self.cells) * self.tiles.1 + tile_column
    }
}

/// The sums of one stratum.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub prediction: BlockAccumulator,
    pub reference: BlockAccumulator,
    /// By common instant; empty unless a series was asked for.
    pub series: Vec<(Pairs, Pairs)>,
}

/// All sums.
pub(super) struct Tally {
    pub strata: Vec<Sums>,
    weights: Vec<f64>,
    series: bool,
}

/// The numbers that are paired: those of the files, or what a metric makes of them, for every cell of a slab.
#[derive(Clone, Copy)]
pub(super) struct Lists<'a, T> {
    pub truth: &'a [T],
    pub prediction: &'a [T],
    pub reference: Option<&'a [T]>,
    pub valid: &'a [bool],
}

/// What one part of a row amounts to.
type Part = (usize, usize, Pairs, Pairs);

impl Tally {
    /// Nothing summed yet.
    pub fn new(sources: &Sources<'_>, strata: &Strata, weighting: Weighting, series: bool) -> Tally {
        let weights = match weighting {
            Weighting::Area => area_weights(sources.truth.reader.latitude()),
            Weighting::Equal => vec![1.0; sources.shape().0],
        };
        let instants = if series { sources.moments.len() } else { 0 };
        let empty = Sums { series: vec![Default::default(); instants], ..Sums::default() };
        Tally { strata: vec![empty; strata.labels.len()], weights, series }
    }

    /// Adds a slab. Rows are summed in parallel, each by itself, and merged in order, so that the result does not depend on
    /// the number of threads or the size of slabs.
    ///
    /// # Errors
    /// One sentence for a value that is not finite, with its file, day and place.
    pub fn add<T: Copy + Into<f64> + Sync>(
        &mut self,
        slab: &Slab,
        lists: Lists<'_, T>,
        sources: &Sources<'_>,
        strata: &Strata,
        blocking: &Blocking,
    ) -> anyhow::Result<()> {
        let classes = strata.classes(slab, sources)?;
        let (width, rows) = (slab.width, slab.rows.len());
        let parts: Vec<anyhow::Result<Vec<Part>>> = (0..slab.moments.len() * rows)
            .into_par_iter()
            .map(|line| {
                let (moment, row) = (slab.moments.start + line / rows, slab.rows.start + line % rows);
                // The classes may be those of one frame that holds for all instants.
                let class_row = classes.len().checked_div(width).filter(|n| *n > 0).map(|n| line % n);
                let classes = class_row.map(|r| &classes[r * width..(r + 1) * width]);
                self.line(slab, lists, sources, strata, blocking, (moment, row, line * width), classes)
            })
            .collect();
        for (line, parts) in parts.into_iter().enumerate() {
            let moment = slab.moments.start + line / rows;
            for (stratum, block, prediction, reference) in parts? {
                let sums = &mut self.strata[stratum];
                sums.prediction.add_pairs(block, &prediction);
                if lists.reference.is_some() {
                    sums.reference.add_pairs(block, &reference);
                }
                if self.series {
                    sums.series[moment].0.merge(&prediction);
                    sums.series[moment].1.merge(&reference);
                }
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a line of a slab, with what sorts it")]
    fn line<T: Copy + Into<f64> + Sync>(
        &self,
        slab: &Slab,
        lists: Lists<'_, T>,
        sources: &Sources<'_>,
        strata: &Strata,
        blocking: &Blocking,
        (moment, row, from): (usize, usize, usize),
        classes: Option<&[u8]>,
    ) -> anyhow::Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut of_class = Vec::new();
        for part in strata.row_parts(moment, row, slab.width) {
            let valid = &lists.valid[from..from + slab.width];
            let valid = match (part.class, classes) {
                (Some(class), Some(classes)) => {
                    of_class.clear();
                    of_class.extend(valid.iter().zip(classes).map(|(valid, c)| *valid && *c == class));
                    of_class.as_slice()
                }
                _ => valid,
            };
            let mut column = part.columns.start;
            while column < part.columns.end {
                let tile = column / blocking.cells;
                let end = ((tile + 1) * blocking.cells).min(part.columns.end);
                let here = from + column..from + end;
                let weighted = |values: &[T]| -> ScoreResult<Pairs> {
                    Pairs::collect(&lists.truth[here.clone()], &values[here.clone()], Some(&valid[column..end]), None)?
                        .reweighted(self.weights[row])
                };
                let prediction =
                    weighted(lists.prediction).map_err(|e| located(e, sources, slab, here.start, &sources.prediction))?;
                let reference = match (lists.reference, &sources.reference) {
                    (Some(values), Some(source)) => {
                        weighted(values).map_err(|e| located(e, sources, slab, here.start, source))?
                    }
                    _ => Pairs::default(),
                };
                if prediction.count() > 0 {
                    parts.push((part.stratum, blocking.block(moment, row, tile), prediction, reference));
                }
                column = end;
            }
        }
        Ok(parts)
    }
}
