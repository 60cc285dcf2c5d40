//! [`Derived`]: metrics of what is made of the files' values first, frame by frame or by a second pass.

use anyhow::{anyhow, bail};
use rayon::prelude::*;

use super::slabs::{Slab, Steps, located, walk};
use super::sources::Sources;
use super::tally::Lists;
use crate::score::{PointwiseMetric, RankTable, Ranks, ScoreError, SsimOptions, sobel_magnitude, ssim_map};

/// A metric of derived pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Derived {
    /// Pearson's correlation of the ranks among all pairs.
    Spearman,
    /// The mean structural similarity of the windows that are whole, with a Gaussian window of σ = 1.5.
    Ssim,
    /// The error of the gradients' magnitudes, by Sobel's operator, per cell.
    GradientRmse,
}

impl Derived {
    pub const ALL: [Derived; 3] = [Derived::Spearman, Derived::Ssim, Derived::GradientRmse];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Derived::Spearman => "spearman",
            Derived::Ssim => "ssim",
            Derived::GradientRmse => "gradient_rmse",
        }
    }

    /// The metric of the derived pairs. A similarity is the error of itself against 0, so that its mean is their bias.
    pub fn metric(self) -> PointwiseMetric {
        match self {
            Derived::Spearman => PointwiseMetric::Pearson,
            Derived::Ssim => PointwiseMetric::Bias,
            Derived::GradientRmse => PointwiseMetric::Rmse,
        }
    }

    /// Has the value the unit of the data?
    pub fn has_unit_of_data(self) -> bool {
        self == Derived::GradientRmse
    }

    /// Does a cell's derived value depend on its neighbours?
    pub fn needs_whole_frames(self) -> bool {
        self != Derived::Spearman
    }

    /// What the rules must say besides the name.
    pub fn rule(self, data_range: Option<f64>) -> String {
        match (self, data_range) {
            (Derived::Ssim, Some(range)) => format!(" (Gaussian window of 1.5 cells, data range {range})"),
            (Derived::GradientRmse, _) => " (Sobel, per cell)".to_string(),
            _ => String::new(),
        }
    }
}

/// What derives the pairs.
pub(super) enum Maker {
    Ranks { truth: Ranks, prediction: Ranks },
    Similarity { data_range: f64 },
    Gradients,
}

/// Derived pairs of a slab.
pub(super) struct Pairs {
    truth: Vec<f64>,
    prediction: Vec<f64>,
    valid: Vec<bool>,
}

impl Maker {
    /// Gets ready; for ranks everything is read once.
    ///
    /// # Errors
    /// One sentence: those of reading, a value that is not finite, ranks that take more than `memory` bytes.
    pub fn of(
        derived: Derived,
        sources: &Sources<'_>,
        steps: Steps,
        data_range: Option<f64>,
        memory: usize,
    ) -> anyhow::Result<Maker> {
        match derived {
            Derived::GradientRmse => Ok(Maker::Gradients),
            Derived::Ssim => {
                let Some(data_range) = data_range else {
                    bail!("ssim depends on the range of the data, in their unit; state it with --data-range")
                };
                Ok(Maker::Similarity { data_range })
            }
            Derived::Spearman => {
                let (mut truth, mut prediction) = (RankTable::new(memory / 2), RankTable::new(memory / 2));
                walk(sources, steps, "ranks", |slab| {
                    let add = |table: &mut RankTable, values: &[f32], source| {
                        table.add(values, &slab.valid).map_err(|error| match error {
                            ScoreError::Argument(reason) => {
                                anyhow!("{reason}; allow more with --memory, or choose a part with --region")
                            }
                            error => located(error, sources, slab, 0, source),
                        })
                    };
                    add(&mut truth, &slab.truth, &sources.truth)?;
                    add(&mut prediction, &slab.prediction, &sources.prediction)
                })?;
                Ok(Maker::Ranks { truth: truth.ranks(), prediction: prediction.ranks() })
            }
        }
    }

    /// The pairs of a slab: of its cells in their order.
    ///
    /// # Errors
    /// One sentence for a value that is not finite.
    pub fn pairs(&self, slab: &Slab, sources: &Sources<'_>) -> anyhow::Result<Pairs> {
        let (rows, width) = (slab.rows.len(), slab.width);
        let frame = rows * width;
        if let Maker::Ranks { truth, prediction } = self {
            let of = |ranks: &Ranks, values: &[f32]| values.par_iter().map(|v| ranks.of(*v).unwrap_or(0.0)).collect();
            let (truth, prediction) = (of(truth, &slab.truth), of(prediction, &slab.prediction));
            return Ok(Pairs { truth, prediction, valid: slab.valid.clone() });
        }
        let frames: Vec<anyhow::Result<Pairs>> = (0..slab.moments.len())
            .into_par_iter()
            .map(|t| {
                let part = t * frame..(t + 1) * frame;
                let (truth, prediction) = (&slab.truth[part.clone()], &slab.prediction[part.clone()]);
                let valid = &slab.valid[part.clone()];
                let place = |e| located(e, sources, slab, part.start, &sources.prediction);
                if let Maker::Similarity { data_range } = self {
                    let options = SsimOptions::wang_2004();
                    let map = ssim_map(truth, prediction, rows, width, Some(valid), *data_range, &options).map_err(place)?;
                    return Ok(Pairs { truth: vec![0.0; frame], prediction: map.values, valid: map.whole });
                }
                let of = |values: &[f32]| {
                    let values: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
                    sobel_magnitude(&values, rows, width, Some(valid))
                };
                let truth = of(truth).map_err(|e| located(e, sources, slab, part.start, &sources.truth))?;
                let prediction = of(prediction).map_err(place)?;
                Ok(Pairs { truth: truth.values, prediction: prediction.values, valid: truth.valid })
            })
            .collect();
        let mut all = Pairs { truth: Vec::new(), prediction: Vec::new(), valid: Vec::new() };
        for pairs in frames {
            let mut pairs = pairs?;
            all.truth.append(&mut pairs.truth);
            all.prediction.append(&mut pairs.prediction);
            all.valid.append(&mut pairs.valid);
        }
        Ok(all)
    }
}

impl Pairs {
    /// For the tally.
    pub fn lists(&self) -> Lists<'_, f64> {
        Lists { truth: &self.truth, prediction: &self.prediction, reference: None, valid: &self.valid }
    }
}
