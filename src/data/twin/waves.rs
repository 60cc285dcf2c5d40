//! A smooth random function of time and place that can be asked anywhere: a sum of random plane waves.

use crate::base::random::Random;
use crate::grid::SECONDS_PER_DAY;

/// Plane waves of equal amplitude and random direction, length, period and phase; their sum has mean 0
/// and variance 1 and, by the central limit theorem, is close to Gaussian.
pub(super) struct Waves(Vec<Wave>);

struct Wave {
    per_degree_east: f64,
    per_degree_north: f64,
    per_second: f64,
    phase: f64,
}

impl Waves {
    /// `count` waves with lengths in degrees and periods in days drawn log-uniformly from two ranges; an
    /// infinite length makes a function of time alone.
    pub(super) fn new(seed: u64, name: &str, count: usize, lengths: (f64, f64), periods: (f64, f64)) -> Waves {
        let mut random = Random::new(seed, name);
        let log_uniform = |draw: f64, (low, high): (f64, f64)| if low.is_finite() { low * (high / low).powf(draw) } else { low };
        let tau = std::f64::consts::TAU;
        let waves = (0..count).map(|_| {
            let (length, period) = (log_uniform(random.uniform(), lengths), log_uniform(random.uniform(), periods));
            let (direction, phase) = (tau * random.uniform(), tau * random.uniform());
            Wave {
                per_degree_east: tau / length * direction.cos(),
                per_degree_north: tau / length * direction.sin(),
                per_second: tau / (period * SECONDS_PER_DAY),
                phase,
            }
        });
        Waves(waves.collect())
    }

    /// The value at a time (seconds since 1970) and place.
    pub(super) fn at(&self, seconds: f64, latitude: f64, longitude: f64) -> f64 {
        let sum: f64 = self
            .0
            .iter()
            .map(|w| (w.per_degree_east * longitude + w.per_degree_north * latitude - w.per_second * seconds + w.phase).cos())
            .sum();
        sum * (2.0 / self.0.len() as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_zero_and_variance_one() {
        let waves = Waves::new(5, "test", 32, (5.0, 20.0), (3.0, 12.0));
        let values: Vec<f64> = (0..20_000)
            .map(|i| waves.at(f64::from(i) * 0.37 * SECONDS_PER_DAY, 30.0 + f64::from(i % 17), 130.0 + f64::from(i % 13)))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.1, "{mean} {variance}");
    }
}
