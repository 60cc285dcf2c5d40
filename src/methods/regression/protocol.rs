//! What all trained rungs share: the pairs, the loss of one correction, the score on fixed tiles.

use candle_core::{Device, Tensor};

use super::fit::FitOptions;
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};
use crate::methods::refinement::{Batch, FineFieldSource, TileConfig, batch, largest_crop};
use crate::nn::ops::masked_loss;
use crate::train::{TrainError, TrainResult};

/// Where a training takes its batches from, and how their corrections are judged.
pub(in crate::methods) struct Protocol<'a> {
    training: FineFieldSource<'a>,
    tile: TileConfig,
    options: &'a FitOptions,
    device: &'a Device,
    held_out: Vec<Batch>,
    /// Of each held-out tile: the rms of what the back-projected bicubic lacks.
    lacking: Vec<f64>,
}

impl<'a> Protocol<'a> {
    /// # Errors
    /// [`MethodError::Argument`] for settings out of range or fields without room for a tile.
    pub fn new(
        method: &str,
        tile: &TileConfig,
        training: FineFieldSource<'a>,
        validation: FineFieldSource<'a>,
        options: &'a FitOptions,
        device: &'a Device,
    ) -> MethodResult<Protocol<'a>> {
        if options.batch == 0
            || options.validation_tiles == 0
            || options.smooth_tile_floor.is_nan()
            || options.smooth_tile_floor <= 0.0
        {
            return Err(MethodError::Argument(format!(
                "{method}: batch, validation_tiles and smooth_tile_floor must be positive"
            )));
        }
        let side = largest_crop(tile);
        let (training, validation) = (training.with_room_for(side)?, validation.with_room_for(side)?);
        let mut fixed = Random::new(options.seed, "validation tiles");
        let held_out: Vec<Batch> = (0..options.validation_tiles.div_ceil(options.batch))
            .map(|_| batch(&validation, tile, &options.degradation, options.batch, &mut fixed, device))
            .collect::<MethodResult<_>>()?;
        let lacking = held_out.iter().map(|b| rms_by_tile(&b.target, &b.sea)).collect::<TrainResult<Vec<_>>>()?.concat();
        Ok(Protocol { training, tile: *tile, options, device, held_out, lacking })
    }

    /// A batch of training pairs.
    pub fn draw(&self, random: &mut Random) -> TrainResult<Batch> {
        batch(&self.training, &self.tile, &self.options.degradation, self.options.batch, random, self.device)
            .map_err(|e| TrainError::Task(e.to_string()))
    }

    /// What a tile's loss is multiplied by, `[b, 1, 1, 1]`: smooth tiles count as much as rough ones.
    pub fn weight(&self, batch: &Batch) -> TrainResult<Tensor> {
        Ok((rms(&batch.target, &batch.sea)? + self.options.smooth_tile_floor)?.recip()?)
    }

    /// The loss of a correction `[b, 1, h f, w f]`.
    pub fn loss(&self, batch: &Batch, correction: &Tensor) -> TrainResult<Tensor> {
        let weight = self.weight(batch)?;
        let (prediction, target) = (correction.broadcast_mul(&weight)?, batch.target.broadcast_mul(&weight)?);
        Ok(masked_loss(self.options.loss, &prediction, &target, Some(&batch.sea))?)
    }

    /// The geometric mean over the held-out tiles of the rms error as a share of the back-projected bicubic's.
    pub fn score(&self, correction: impl Fn(&Tensor) -> candle_core::Result<Tensor>) -> TrainResult<f64> {
        let mut left = Vec::with_capacity(self.lacking.len());
        for b in &self.held_out {
            left.extend(rms_by_tile(&(correction(&b.low)?.detach() - &b.target)?, &b.sea)?);
        }
        Ok(geometric_mean_ratio(&left, &self.lacking))
    }
}

/// The root mean square over the sea of each tile of `[b, 1, h, w]`, as `[b, 1, 1, 1]`.
fn rms(t: &Tensor, sea: &Tensor) -> candle_core::Result<Tensor> {
    let count = sea.sum_keepdim((1, 2, 3))?;
    (t.sqr()? * sea)?.sum_keepdim((1, 2, 3))?.div(&count)?.sqrt()
}

fn rms_by_tile(t: &Tensor, sea: &Tensor) -> TrainResult<Vec<f64>> {
    Ok(rms(t, sea)?.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
}

/// `exp(mean(ln(left / lacking)))`; a tile that lacks nothing (a constant) is left out.
fn geometric_mean_ratio(left: &[f64], lacking: &[f64]) -> f64 {
    const NOTHING: f64 = 1e-6;
    let logs: Vec<f64> =
        left.iter().zip(lacking).filter(|(_, l)| **l > NOTHING).map(|(r, l)| (r.max(NOTHING) / l).ln()).collect();
    (logs.iter().sum::<f64>() / logs.len().max(1) as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_by_hand() {
        // ratios 1/2 and 2 cancel; a constant tile does not count
        assert!((geometric_mean_ratio(&[1.0, 4.0, 9.0], &[2.0, 2.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!((geometric_mean_ratio(&[0.5], &[2.0]) - 0.25).abs() < 1e-12);
        let t = Tensor::new(&[[3f32, 4.0], [0.0, 2.0]], &Device::Cpu).unwrap().reshape((2, 1, 1, 2)).unwrap();
        let sea = Tensor::new(&[[1f32, 1.0], [0.0, 1.0]], &Device::Cpu).unwrap().reshape((2, 1, 1, 2)).unwrap();
        // sqrt((9 + 16) / 2), sqrt(4 / 1)
        let rms = rms_by_tile(&t, &sea).unwrap();
        assert!((rms[0] - 12.5f64.sqrt()).abs() < 1e-6 && (rms[1] - 2.0).abs() < 1e-6);
    }
}
