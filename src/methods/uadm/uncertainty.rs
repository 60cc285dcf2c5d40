//! The uncertainty ψ of a plane, normalised, and the weight u of the noise that follows from it.

use super::config::UncertaintyConfig;
use super::strain::StrainMode;

/// What stands for 0 and for 1 of an uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub low: f64,
    pub high: f64,
}

impl Bounds {
    /// Of the cells of a tile that are sea. The published mode takes smallest and largest; the other 0 and a percentile, so
    /// that no single cell decides.
    pub fn of(config: &UncertaintyConfig, raw: &[f64], sea: impl Fn(usize) -> bool) -> Bounds {
        let mut values: Vec<f64> = raw.iter().enumerate().filter(|(i, _)| sea(*i)).map(|(_, v)| *v).collect();
        if values.is_empty() {
            return Bounds { low: 0.0, high: 0.0 };
        }
        let low = match config.strain {
            StrainMode::Paper => values.iter().copied().fold(f64::INFINITY, f64::min),
            StrainMode::Fixed => 0.0,
        };
        let rank = ((values.len() - 1) as f64 * config.percentile / 100.0).round() as usize;
        let (_, high, _) = values.select_nth_unstable_by(rank, f64::total_cmp);
        Bounds { low, high: *high }
    }

    /// The normalised uncertainty, 0 to 1; 0 where all cells are alike.
    pub fn normalised(&self, raw: f64) -> f64 {
        let range = self.high - self.low;
        if range > 0.0 { ((raw - self.low) / range).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// The weight of the noise in each cell of a tile; the least on land.
pub(super) fn tile_weights(config: &UncertaintyConfig, raw: &[f64], sea: impl Fn(usize) -> bool + Copy) -> Vec<f32> {
    let bounds = Bounds::of(config, raw, sea);
    let weight = |(i, raw): (usize, &f64)| config.weight(if sea(i) { bounds.normalised(*raw) } else { 0.0 }) as f32;
    raw.iter().enumerate().map(weight).collect()
}

/// The rms, over the sea, of each coarse cell's difference from the mean of its neighbours across and along: how much a
/// coarse plane varies near the size of its cells, and so how much may hide below.
pub(super) fn coarse_detail(low: &[f32], sea: &[bool], columns: usize) -> f64 {
    let rows = low.len() / columns.max(1);
    let (mut sum, mut count) = (0.0, 0usize);
    for i in (0..low.len()).filter(|i| sea[*i]) {
        let (y, x) = (i / columns, i % columns);
        // Both neighbours of a direction or none, so that a slope leaves nothing at borders and coasts.
        let pairs =
            [(y > 0 && y + 1 < rows).then(|| [i - columns, i + columns]), (x > 0 && x + 1 < columns).then(|| [i - 1, i + 1])];
        let whole: Vec<usize> = pairs.into_iter().flatten().filter(|pair| pair.iter().all(|j| sea[*j])).flatten().collect();
        if whole.is_empty() {
            continue;
        }
        let mean = whole.iter().map(|j| f64::from(low[*j])).sum::<f64>() / whole.len() as f64;
        sum += (f64::from(low[i]) - mean).powi(2);
        count += 1;
    }
    (sum / count.max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normalisation_by_hand() {
        let raw = [4.0, 1.0, 2.0, 100.0];
        let sea = |i: usize| i != 3;
        let paper = UncertaintyConfig { strain: StrainMode::Paper, percentile: 100.0, ..UncertaintyConfig::default() };
        assert_eq!(Bounds::of(&paper, &raw, sea), Bounds { low: 1.0, high: 4.0 });
        // psi 1, 0, 1/3: saturated, none, saturated at 0.3; land the least
        assert_eq!(tile_weights(&paper, &raw, sea), [1.0, 0.4, 1.0, 0.4]);
        let half = UncertaintyConfig { percentile: 50.0, saturation: 1.0, ..UncertaintyConfig::default() };
        assert_eq!(Bounds::of(&half, &raw, sea), Bounds { low: 0.0, high: 2.0 });
        assert_eq!(tile_weights(&half, &raw, sea), [1.0, 0.7, 1.0, 0.4]);
        assert_eq!(tile_weights(&half, &[0.0; 3], |_| true), [0.4; 3]);
        assert_eq!(tile_weights(&half, &[1.0; 3], |_| false), [0.4; 3]);
    }

    #[test]
    fn the_detail_of_a_slope_is_none_and_of_a_spike_known() {
        let slope: Vec<f32> = (0..16).map(|i| (i % 4) as f32 + 2.0 * (i / 4) as f32).collect();
        assert!(coarse_detail(&slope, &[true; 16], 4) < 1e-6);
        // One spike in 3 x 3: the centre 1, its four neighbours (each with one whole direction, along the border) 0, corners
        // have no whole direction.
        let mut spike = [0.0f32; 9];
        spike[4] = 1.0;
        let got = coarse_detail(&spike, &[true; 9], 3);
        assert!((got - (1.0f64 / 5.0).sqrt()).abs() < 1e-7, "{got}");
        // What land holds changes nothing.
        let sea: Vec<bool> = (0..9).map(|i| i != 8).collect();
        let mut other = spike;
        other[8] = 50.0;
        assert_eq!(coarse_detail(&spike, &sea, 3), coarse_detail(&other, &sea, 3));
        assert_eq!(coarse_detail(&spike, &[false; 9], 3), 0.0);
    }
}
