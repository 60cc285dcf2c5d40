//! [`Degradation`]: how a fine crop is varied before it is coarsened.

use serde::{Deserialize, Serialize};

use super::pairs::tile_statistics;
use crate::base::random::Random;
use crate::grid::{Edge, gaussian_plane};
use crate::methods::error::MethodResult;

/// How a fine crop is varied before it is coarsened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Degradation {
    /// Share of the crops that are Gaussian random fields of random spectra instead of the source's.
    pub random_field_share: f64,
    /// Share of the crops that get a random coast besides their own.
    pub coast_share: f64,
    /// Largest standard deviation of the Gaussian smoothing, in fine pixels; drawn uniformly from 0.
    pub smoothing_pixels: f64,
    /// Half of the crops lose up to this share of their large scales (a Gaussian of 8 to 20 pixels). What is left
    /// varies most near the size of a coarse cell, as fields of eddies without a gradient around them do; a network
    /// that never saw those corrects them too little or too much.
    pub large_scale_removed: f64,
    /// The anomalies of a crop are multiplied by `exp(±uniform(0, this))`.
    pub log_amplitude: f64,
    /// A quarter of the crops get short-waved variation that a coarse cell does not resolve, with a standard
    /// deviation of up to this share of the crop's own; real analyses hold such speckle, and a network that
    /// never saw it takes its block means for signal and sharpens them.
    pub speckle_share: f64,
    /// Largest width of the speckle in fine pixels; drawn from half a pixel on.
    pub speckle_pixels: f64,
    /// Half of the crops are rounded to multiples of this, as packed analyses are (in the field's unit).
    pub quantum: f64,
    /// Largest standard deviation of white noise on the coarse cells, in the field's unit; drawn from 0.
    pub noise: f64,
}

impl Default for Degradation {
    fn default() -> Degradation {
        Degradation {
            random_field_share: 0.2,
            coast_share: 0.35,
            smoothing_pixels: 4.0,
            large_scale_removed: 1.0,
            log_amplitude: 1.0,
            speckle_share: 0.3,
            speckle_pixels: 2.5,
            quantum: 0.01,
            noise: 0.0,
        }
    }
}

/// Widths in fine pixels of the Gaussian that tells large scales from small ones.
const LARGE_SCALE_PIXELS: (f64, f64) = (8.0, 20.0);

impl Degradation {
    /// The crop, varied.
    pub(super) fn vary(&self, mut fine: Vec<f32>, side: usize, random: &mut Random) -> MethodResult<Vec<f32>> {
        let sigma = random.uniform_in(0.0, self.smoothing_pixels);
        let amplitude = random.uniform_in(-self.log_amplitude, self.log_amplitude).exp() as f32;
        let quantum = if random.below(2) == 1 { self.quantum as f32 } else { 0.0 };
        // Less than half a pixel changes nothing but the run time.
        if sigma > 0.5 {
            fine = gaussian_plane(&fine, side, side, [sigma; 2], [Edge::Drop; 2])?;
        }
        if random.below(2) == 1 {
            let width = random.uniform_in(LARGE_SCALE_PIXELS.0, LARGE_SCALE_PIXELS.1);
            let share = random.uniform_in(0.0, self.large_scale_removed) as f32;
            let wide = gaussian_plane(&fine, side, side, [width; 2], [Edge::Drop; 2])?;
            let (mean, _) = tile_statistics(&wide, None, 0.0);
            fine.iter_mut().zip(wide).for_each(|(value, wide)| *value -= share * (wide - mean));
        }
        let (mean, spread) = tile_statistics(&fine, None, 0.0);
        if random.below(4) == 0 {
            let share = random.uniform_in(0.0, self.speckle_share) as f32;
            let width = random.uniform_in(0.5, self.speckle_pixels.max(0.5));
            let white: Vec<f32> = (0..side * side).map(|_| random.normal() as f32).collect();
            let speckle = gaussian_plane(&white, side, side, [width; 2], [Edge::Drop; 2])?;
            let (_, own) = tile_statistics(&speckle, None, 1e-6);
            for (value, speckle) in fine.iter_mut().zip(speckle) {
                *value += share * spread * speckle / own;
            }
        }
        for value in &mut fine {
            *value = mean + amplitude * (*value - mean);
            if quantum > 0.0 {
                *value = (*value / quantum).round() * quantum;
            }
        }
        Ok(fine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_off_changes_nothing() {
        let off = Degradation {
            smoothing_pixels: 0.0,
            large_scale_removed: 0.0,
            log_amplitude: 0.0,
            speckle_share: 0.0,
            quantum: 0.0,
            ..Degradation::default()
        };
        let fine: Vec<f32> = (0..400).map(|i| 15.0 + (i as f32 * 0.3).sin()).collect();
        for seed in 0..8 {
            let same = off.vary(fine.clone(), 20, &mut Random::new(seed, "v")).unwrap();
            assert!(same.iter().zip(&fine).all(|(a, b)| (a - b).abs() < 1e-5));
        }
        let rounded = Degradation { quantum: 0.5, ..off };
        let seen = (0..8).filter(|seed| {
            let values = rounded.vary(fine.clone(), 20, &mut Random::new(*seed, "v")).unwrap();
            values.iter().all(|v| (v * 2.0).fract() == 0.0)
        });
        let seen = seen.count();
        assert!((1..8).contains(&seen), "{seen} of 8 rounded; about half is wanted");
    }
}
