//! Mountains, basins, and the ground from which dust is lifted.

use super::config::DustConfig;
use super::random_field::RandomField;
use crate::base::random::Random;

/// The ground of the simulated square, in (row, column) order.
pub(super) struct Terrain {
    /// Height in metres.
    pub elevation: Vec<f32>,
    /// How readily each cell gives dust, 0 to 1: dry floors of basins, in patches.
    pub source: Vec<f32>,
    /// Rate at which dust falls out, over that of low and smooth ground.
    pub roughness: Vec<f32>,
}

impl Terrain {
    /// The ground of a configuration.
    pub(super) fn new(config: &DustConfig) -> Terrain {
        let n = config.simulated_cells();
        let draw = |name: &str, kilometres: f64, exponent: f64| {
            let random = Random::new(config.seed, &format!("dust terrain/{name}"));
            let length = kilometres * 1000.0 / config.cell_metres();
            RandomField::new(n, length, exponent, 0.0, random).values()
        };
        // Wide basins and plateaus; on them chains of ridges, sharp where a field passes through zero.
        let (wide, chain, patches) = (draw("plateaus", 110.0, 3.0), draw("ridges", 45.0, 2.2), draw("patches", 30.0, 2.2));
        let elevation: Vec<f32> = wide
            .iter()
            .zip(&chain)
            .map(|(wide, chain)| {
                let ridge = (1.0 - chain.abs()).max(0.0).powi(2);
                // Ridges stand on high ground; basins are filled and flat.
                let high = 1.0 / (1.0 + (-2.0 * wide).exp());
                150.0 + 1500.0 * high + 1500.0 * ridge * high
            })
            .collect();
        let source = elevation
            .iter()
            .zip(&patches)
            .map(|(height, patch)| (1.0 - (height - 150.0) / 700.0).clamp(0.0, 1.0) * (patch + 0.2).clamp(0.0, 1.0))
            .collect();
        let slope = |i: usize| {
            let (y, x) = (i / n, i % n);
            let at = |y: usize, x: usize| elevation[y % n * n + x % n];
            let (up, along) = (at(y + 1, x) - at(y + n - 1, x), at(y, x + 1) - at(y, x + n - 1));
            up.hypot(along) / (2.0 * config.cell_metres() as f32)
        };
        let roughness = (0..n * n).map(|i| 1.0 + (30.0 * slope(i)).min(3.0) + (elevation[i] / 3000.0).min(1.5)).collect();
        Terrain { elevation, source, roughness }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dust_comes_from_low_ground_and_falls_on_rough_ground() {
        let config = DustConfig::tiny();
        let terrain = Terrain::new(&config);
        let lowest = terrain.elevation.iter().copied().fold(f32::INFINITY, f32::min);
        let highest = terrain.elevation.iter().copied().fold(0.0, f32::max);
        assert!((150.0..700.0).contains(&lowest) && (1200.0..3200.0).contains(&highest), "{lowest} {highest}");
        let dusty = terrain.source.iter().filter(|s| **s > 0.0).count() as f64 / terrain.source.len() as f64;
        assert!((0.02..0.7).contains(&dusty), "{dusty}");
        let high_sources = terrain.source.iter().zip(&terrain.elevation).filter(|(s, h)| **s > 0.0 && **h > 850.0).count();
        assert_eq!(high_sources, 0);
        assert!(terrain.roughness.iter().all(|r| (1.0..=5.5).contains(r)));
    }
}
