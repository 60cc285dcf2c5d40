//! Random fields and coasts: crops that owe nothing to any ocean, so that the network leans on no one spectrum.

use super::source::Crop;
use crate::base::random::Random;
use crate::grid::{Edge, gaussian_plane};
use crate::methods::error::MethodResult;

/// Widths in pixels of the smoothed noises that are added up.
const WIDTHS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];
/// Standard deviation of the logarithm of each width's amplitude: the slope of the spectrum varies much.
const LOG_AMPLITUDE: f64 = 1.5;
/// Standard deviation of the whole, in kelvin.
const SPREAD: f64 = 1.0;
const MEAN: f64 = 15.0;

/// White noise, smoothed and brought to unit variance.
fn smoothed_noise(side: usize, width: f64, random: &mut Random) -> MethodResult<Vec<f64>> {
    let white: Vec<f64> = (0..side * side).map(|_| random.normal()).collect();
    let smooth = gaussian_plane(&white, side, side, [width; 2], [Edge::Drop; 2])?;
    let n = smooth.len() as f64;
    let mean = smooth.iter().sum::<f64>() / n;
    let spread = (smooth.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt().max(1e-12);
    Ok(smooth.into_iter().map(|v| (v - mean) / spread).collect())
}

/// A Gaussian random field without land: noises of five widths with random amplitudes.
pub(super) fn random_crop(side: usize, random: &mut Random) -> MethodResult<Crop> {
    let mut sum = vec![0.0; side * side];
    let mut power = 0.0;
    for width in WIDTHS {
        let amplitude = (LOG_AMPLITUDE * random.normal()).exp();
        power += amplitude * amplitude;
        for (sum, noise) in sum.iter_mut().zip(smoothed_noise(side, width, random)?) {
            *sum += amplitude * noise;
        }
    }
    let values = sum.into_iter().map(|v| (MEAN + SPREAD * v / power.sqrt()) as f32).collect();
    Ok(Crop { values, sea: vec![true; side * side] })
}

/// Widths in pixels of the noise whose level line is a coast.
const COAST_PIXELS: (f64, f64) = (4.0, 25.0);
/// Share of the crop that becomes land.
const LAND_SHARE: (f64, f64) = (0.05, 0.6);

/// Lays land over a crop: where smoothed noise exceeds a level. The values stay, so that the fill over land is not a
/// plateau of the field itself.
pub(super) fn add_coast(crop: &mut Crop, side: usize, random: &mut Random) -> MethodResult<()> {
    let width = random.uniform_in(COAST_PIXELS.0, COAST_PIXELS.1);
    let land_share = random.uniform_in(LAND_SHARE.0, LAND_SHARE.1);
    let noise = smoothed_noise(side, width, random)?;
    let mut ordered = noise.clone();
    let at = (((1.0 - land_share) * ordered.len() as f64) as usize).min(ordered.len() - 1);
    let (_, level, _) = ordered.select_nth_unstable_by(at, f64::total_cmp);
    let level = *level;
    crop.sea.iter_mut().zip(noise).for_each(|(sea, noise)| *sea &= noise < level);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_crop_has_its_variance_and_a_coast_its_share() {
        let mut random = Random::new(3, "fields");
        let mut spreads = 0.0;
        for _ in 0..20 {
            let mut crop = random_crop(60, &mut random).unwrap();
            let mean = crop.values.iter().sum::<f32>() / 3600.0;
            spreads += f64::from(crop.values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 3600.0);
            assert!((f64::from(mean) - MEAN).abs() < 1e-3);
            add_coast(&mut crop, 60, &mut random).unwrap();
            let land = crop.sea.iter().filter(|s| !**s).count() as f64 / 3600.0;
            assert!((LAND_SHARE.0 - 1e-3..=LAND_SHARE.1 + 1e-3).contains(&land), "{land}");
        }
        // unit variance but for the chance correlation of the parts
        assert!((spreads / 20.0 - 1.0).abs() < 0.3, "{}", spreads / 20.0);
    }
}
