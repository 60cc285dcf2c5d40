//! Covariance in space and time, and its fit to observed anomalies.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::sequence::Sequence;
use super::place::Places;
use crate::methods::error::{MethodError, MethodResult};

/// How correlation falls with a distance in units of its scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrelationShape {
    /// exp(-h): rough.
    Exponential,
    /// (1 + h) exp(-h): smooth once.
    Matern,
    /// exp(-h²/2): smooth.
    Gaussian,
}

impl CorrelationShape {
    const ALL: [CorrelationShape; 3] = [CorrelationShape::Exponential, CorrelationShape::Matern, CorrelationShape::Gaussian];

    /// The correlation at `h` scales.
    pub fn at(self, h: f64) -> f64 {
        match self {
            CorrelationShape::Exponential => (-h).exp(),
            CorrelationShape::Matern => (1.0 + h) * (-h).exp(),
            CorrelationShape::Gaussian => (-0.5 * h * h).exp(),
        }
    }
}

/// A separable covariance of the anomalies: `variance · ρ(distance / metres) · ρ(lag / seconds)`, and errors of single cells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Covariance {
    /// Variance of the field, squared unit of differences.
    pub variance: f64,
    /// Variance of what single cells have for themselves: noise, and what is too small to be interpolated.
    pub noise: f64,
    /// Scale in space, metres.
    pub metres: f64,
    /// How it falls in space.
    pub space: CorrelationShape,
    /// Scale in time, seconds.
    pub seconds: f64,
    /// How it falls in time.
    pub time: CorrelationShape,
}

/// Lags in cells or frames at which covariances are taken.
const LAGS: [usize; 14] = [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 90, 128];
/// Lags are used until the covariance has fallen to this share of the variance.
const FALLEN: f64 = 0.1;
/// A lag needs so many pairs.
const LEAST_PAIRS: usize = 50;
/// About so many cells are looked at for each lag.
const CELLS: usize = 2_000_000;
/// Least share of noise: it keeps the systems solvable.
const LEAST_NOISE: f64 = 1e-3;
/// Scales tried, as multiples of the shortest lag: from 1/2 to 512, 8 to the doubling.
const SCALES: std::ops::RangeInclusive<i32> = -8..=72;

impl Covariance {
    /// The covariance at a distance in metres and a lag in seconds.
    pub fn at(&self, metres: f64, seconds: f64) -> f64 {
        self.variance * self.space.at(metres / self.metres) * self.time.at(seconds / self.seconds)
    }

    pub(crate) fn check(&self) -> MethodResult<()> {
        let positive = [self.variance, self.metres, self.seconds].into_iter().all(|v| v > 0.0 && v.is_finite());
        if !positive || self.noise < 0.0 || !self.noise.is_finite() {
            return Err(MethodError::Argument(format!(
                "a covariance needs a variance and scales above 0 and a noise of 0 or more; found {self:?}"
            )));
        }
        Ok(())
    }

    /// Fitted to anomalies: first how the covariance within frames falls along rows and columns, which also parts field from
    /// noise, then how that of single pixels falls in time. Least squares, near lags weighing more.
    ///
    /// A sequence too small or too constant to say gets scales of ten cells and three frames.
    pub(crate) fn fitted(anomalies: &Sequence, places: &Places) -> Covariance {
        let lags = Lags::new(anomalies);
        let total = lags.variance();
        let [time_step, row_step, column_step] = places.steps();
        let mut covariance = Covariance {
            variance: total.max(f64::MIN_POSITIVE) * (1.0 - LEAST_NOISE),
            noise: total * LEAST_NOISE,
            metres: 10.0 * row_step.min(column_step),
            space: CorrelationShape::Exponential,
            seconds: 3.0 * time_step,
            time: CorrelationShape::Exponential,
        };
        if total <= 0.0 {
            return covariance;
        }
        let mut within: Vec<Lag> = lags.along(2, column_step, total);
        within.extend(lags.along(1, row_step, total));
        if let Some(fit) = Fit::best(&within, None) {
            covariance.variance = fit.variance.clamp(0.05 * total, (1.0 - LEAST_NOISE) * total);
            covariance.noise = total - covariance.variance;
            (covariance.metres, covariance.space) = (fit.scale, fit.shape);
        }
        if let Some(fit) = Fit::best(&lags.along(0, time_step, total), Some(covariance.variance)) {
            (covariance.seconds, covariance.time) = (fit.scale, fit.shape);
        }
        covariance
    }
}

/// The mean product of anomalies some distance apart.
struct Lag {
    distance: f64,
    weight: f64,
    covariance: f64,
}

struct Lags<'a> {
    sequence: &'a Sequence,
    /// Every so many-th row is looked at.
    stride: usize,
}

impl Lags<'_> {
    fn new(sequence: &Sequence) -> Lags<'_> {
        Lags { sequence, stride: (sequence.values.len() / CELLS).max(1) }
    }

    fn variance(&self) -> f64 {
        self.mean_product(0).map_or(0.0, |(covariance, _)| covariance)
    }

    /// The covariances along an axis, until they have fallen.
    fn along(&self, axis: usize, step: f64, total: f64) -> Vec<Lag> {
        let [_, rows, columns] = self.sequence.shape;
        let cells = [rows * columns, columns, 1][axis];
        let mut lags = Vec::new();
        for lag in LAGS.into_iter().take_while(|lag| 2 * lag <= self.sequence.shape[axis]) {
            let Some((covariance, pairs)) = self.mean_product_along(axis, lag * cells, lag) else { continue };
            lags.push(Lag { distance: lag as f64 * step, weight: (pairs as f64).min(1e4) / lag as f64, covariance });
            if covariance < FALLEN * total {
                break;
            }
        }
        lags
    }

    fn mean_product(&self, apart: usize) -> Option<(f64, usize)> {
        self.mean_product_along(0, apart, 0)
    }

    /// Mean of r(i) r(i + apart) over pairs that lie in one row, column or pixel, and their number.
    fn mean_product_along(&self, axis: usize, apart: usize, lag: usize) -> Option<(f64, usize)> {
        let Sequence { shape: [_, rows, columns], values, observed, .. } = self.sequence;
        let lines: Vec<usize> = (0..values.len() / columns).step_by(self.stride).collect();
        let sums: Vec<(f64, usize)> = lines
            .par_chunks(64)
            .map(|lines| {
                let (mut sum, mut pairs) = (0.0, 0);
                for line in lines {
                    if axis == 1 && line % rows + lag >= *rows {
                        continue;
                    }
                    let width = if axis == 2 { columns - lag } else { *columns };
                    for i in line * columns..line * columns + width {
                        if i + apart < values.len() && observed[i] && observed[i + apart] {
                            sum += values[i] * values[i + apart];
                            pairs += 1;
                        }
                    }
                }
                (sum, pairs)
            })
            .collect();
        let (sum, pairs) = sums.into_iter().fold((0.0, 0), |(s, n), (sum, pairs)| (s + sum, n + pairs));
        (pairs >= LEAST_PAIRS).then(|| (sum / pairs as f64, pairs))
    }
}

struct Fit {
    variance: f64,
    scale: f64,
    shape: CorrelationShape,
}

impl Fit {
    /// The shape, scale and (unless given) variance with the least squares.
    fn best(lags: &[Lag], variance: Option<f64>) -> Option<Fit> {
        let shortest = lags.iter().map(|l| l.distance).fold(f64::INFINITY, f64::min);
        if !shortest.is_finite() || lags.iter().all(|l| l.covariance <= 0.0) {
            return None;
        }
        let mut best: Option<(f64, Fit)> = None;
        for shape in CorrelationShape::ALL {
            for step in SCALES {
                let scale = shortest * 2f64.powf(f64::from(step) / 8.0);
                let model = |l: &Lag| shape.at(l.distance / scale);
                let square: f64 = lags.iter().map(|l| l.weight * model(l).powi(2)).sum();
                let cross: f64 = lags.iter().map(|l| l.weight * model(l) * l.covariance).sum();
                let variance = variance.unwrap_or(cross / square);
                let cost: f64 = lags.iter().map(|l| l.weight * (l.covariance - variance * model(l)).powi(2)).sum();
                if cost.is_finite() && variance > 0.0 && best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, Fit { variance, scale, shape }));
                }
            }
        }
        best.map(|(_, fit)| fit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sequence::tests::sequence;
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn the_scales_of_a_known_process_are_found() {
        // Autoregressive in time and along both axes: covariance a^|t| b^|y| c^|x| with noise; exponential along each axis.
        let (frames, rows, columns) = (60, 40, 40);
        let mut random = Random::new(5, "process");
        let (a, b): (f64, f64) = ((-1.0f64 / 5.0).exp(), (-1.0f64 / 4.0).exp());
        let mut field = vec![0.0; frames * rows * columns];
        let at = |t: usize, y: usize, x: usize| (t * rows + y) * columns + x;
        for t in 0..frames {
            let mut plane: Vec<f64> = (0..rows * columns).map(|_| random.normal()).collect();
            let spread = (1.0 - b * b).sqrt();
            for y in 0..rows {
                for x in 1..columns {
                    plane[y * columns + x] = b * plane[y * columns + x - 1] + spread * plane[y * columns + x];
                }
            }
            for y in 1..rows {
                for x in 0..columns {
                    plane[y * columns + x] = b * plane[(y - 1) * columns + x] + spread * plane[y * columns + x];
                }
            }
            for y in 0..rows {
                for x in 0..columns {
                    let new = plane[y * columns + x];
                    let old = if t > 0 { field[at(t - 1, y, x)] } else { 0.0 };
                    field[at(t, y, x)] = if t > 0 { a * old + (1.0 - a * a).sqrt() * new } else { new };
                }
            }
        }
        let cells = field.iter().map(|v| (random.uniform() < 0.6).then(|| 2.0 * v + 0.5 * random.normal())).collect();
        let given = sequence([frames, rows, columns], cells);
        let places = Places::plane(&given, 1000.0, 86_400.0);
        let fit = Covariance::fitted(&given, &places);
        assert_eq!((fit.space, fit.time), (CorrelationShape::Exponential, CorrelationShape::Exponential));
        assert!((fit.metres / 4000.0 - 1.0).abs() < 0.2, "{fit:?}");
        assert!((fit.seconds / (5.0 * 86_400.0) - 1.0).abs() < 0.25, "{fit:?}");
        assert!((fit.variance / 4.0 - 1.0).abs() < 0.15 && (fit.noise / 0.25 - 1.0).abs() < 0.6, "{fit:?}");
    }

    #[test]
    fn a_constant_or_a_handful_is_no_trouble() {
        for values in [vec![Some(0.0); 100], (0..100).map(|i| (i == 3).then_some(1.0)).collect()] {
            let given = sequence([1, 10, 10], values);
            let fit = Covariance::fitted(&given, &Places::plane(&given, 1000.0, 3600.0));
            fit.check().unwrap();
            // a single frame has no step in time: it counts as one second
            assert_eq!((fit.metres, fit.seconds), (10_000.0, 3.0));
        }
    }
}
