//! Optimal interpolation (simple kriging): the linear estimate with the least error variance under a covariance in space and
//! time.
//!
//! # Reference
//! Bretherton, F. P., Davis, R. E. and Fandry, C. B. (1976), A technique for objective analysis and design of oceanographic
//! experiments applied to MODE-73. doi:10.1016/0011-7471(76)90001-2

mod covariance;
mod neighbours;
mod place;

pub use covariance::{CorrelationShape, Covariance};
pub(crate) use place::Places;

use std::collections::HashSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::background::{Background, Centring};
use super::cholesky::Cholesky;
use super::hide::{Hiding, hidden_cells};
use super::sequence::{Sequence, Solution};
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};
use neighbours::Neighbourhood;

/// Rows and columns of the block of cells that share their neighbours.
const BLOCK: usize = 2;
/// Blocks worked on by one thread at a time.
const BLOCKS_AT_A_TIME: usize = 64;

/// Settings of optimal interpolation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InterpolationConfig {
    /// The covariance of the anomalies; fitted to the observed cells where absent.
    pub covariance: Option<Covariance>,
    /// The most observed cells that an estimate rests on.
    pub neighbours: usize,
    /// Observed cells correlated less than this are left out.
    pub least_correlation: f64,
    /// What is taken off first; chosen on seen cells that are hidden where absent: a constant pattern is worth much where many
    /// frames tell it, and misleads where few do.
    pub centring: Option<Centring>,
}

impl Default for InterpolationConfig {
    fn default() -> InterpolationConfig {
        InterpolationConfig { covariance: None, neighbours: 64, least_correlation: 0.02, centring: None }
    }
}

/// What the interpolation found.
pub(crate) struct Interpolated {
    pub solution: Solution,
    /// Standard deviation of the error of the field, without the noise of single cells; 0 where observed.
    pub error: Vec<f64>,
    pub covariance: Covariance,
}

/// Estimates each gap from the observed cells around it in space and time. Gaps without any correlated one stay.
///
/// # Formula
/// ```text
/// x = b + cᵀ (C + R)⁻¹ (y - b),   error² = σ² - cᵀ (C + R)⁻¹ c
/// ```
/// where y are the observed neighbours, C their covariances among each other, c those with the gap, R the noise, b the
/// background and σ² the variance of the field.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range.
pub(crate) fn interpolate(sequence: &Sequence, places: &Places, config: &InterpolationConfig) -> MethodResult<Interpolated> {
    if config.neighbours == 0 || !(0.0..1.0).contains(&config.least_correlation) {
        return Err(MethodError::Argument(format!(
            "{} neighbours and a least correlation of {} were given; 1 or more, and 0 to below 1, are wanted",
            config.neighbours, config.least_correlation
        )));
    }
    let centring = match config.centring {
        Some(centring) => centring,
        None => chosen_centring(sequence, places, config)?,
    };
    let gaps = |i: usize| sequence.sea[i] && !sequence.observed[i];
    let (found, covariance) = estimated(sequence, gaps, places, centring, config)?;
    let mut solution = sequence.solution();
    let mut error = vec![0.0; sequence.values.len()];
    for (i, value, deviation) in found {
        solution.values[i] = value;
        solution.known[i] = true;
        error[i] = deviation;
    }
    Ok(Interpolated { solution, error, covariance })
}

/// Share of the seen cells that are hidden for the choice of what is taken off.
const HIDDEN_SHARE: f64 = 0.05;

/// The centring with the least absolute error over seen cells that are hidden in the shape of the gaps.
fn chosen_centring(sequence: &Sequence, places: &Places, config: &InterpolationConfig) -> MethodResult<Centring> {
    let hidden = hidden_cells(sequence, HIDDEN_SHARE, Hiding::Clouds, &mut Random::new(0, "centring"));
    let rest = sequence.hiding(&hidden);
    let mut best = (f64::INFINITY, Centring::FrameOffset);
    for centring in [Centring::FrameOffset, Centring::FrameOffsetAndPattern] {
        let wanted: HashSet<usize> = hidden.iter().copied().collect();
        let (found, _) = estimated(&rest, |i| wanted.contains(&i), places, centring, config)?;
        let error = found.iter().map(|(i, value, _)| (value - sequence.values[*i]).abs()).sum::<f64>() / found.len() as f64;
        if error < best.0 {
            best = (error, centring);
        }
    }
    Ok(best.1)
}

/// Cell, estimate and standard deviation of its error for the cells that are `wanted`, and the covariance used.
fn estimated(
    sequence: &Sequence,
    wanted: impl Fn(usize) -> bool,
    places: &Places,
    centring: Centring,
    config: &InterpolationConfig,
) -> MethodResult<(Vec<(usize, f64, f64)>, Covariance)> {
    let background = Background::new(sequence, centring)?;
    let anomalies = background.taken_off(sequence);
    let covariance = config.covariance.unwrap_or_else(|| Covariance::fitted(&anomalies, places));
    covariance.check()?;
    let neighbourhood = Neighbourhood::new(&anomalies, places, &covariance, config);
    let blocks = blocks(sequence, wanted);
    let mut found: Vec<(usize, f64, f64)> = blocks
        .par_chunks(BLOCKS_AT_A_TIME)
        .flat_map_iter(|blocks| blocks.iter().flat_map(|cells| estimates(cells, &anomalies, places, &covariance, &neighbourhood)))
        .collect();
    let pixels = sequence.frame_len();
    found.iter_mut().for_each(|(i, value, _)| *value += background.at(*i / pixels, *i % pixels));
    Ok((found, covariance))
}

/// The cells wanted, those of a small square of one frame together.
fn blocks(sequence: &Sequence, wanted: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let [frames, rows, columns] = sequence.shape;
    let mut blocks = Vec::new();
    for t in 0..frames {
        for y in (0..rows).step_by(BLOCK) {
            for x in (0..columns).step_by(BLOCK) {
                let cells =
                    (y..rows.min(y + BLOCK)).flat_map(|y| (x..columns.min(x + BLOCK)).map(move |x| (t * rows + y) * columns + x));
                let gaps: Vec<usize> = cells.filter(|i| wanted(*i)).collect();
                if !gaps.is_empty() {
                    blocks.push(gaps);
                }
            }
        }
    }
    blocks
}

/// Cell, estimate of the anomaly and standard deviation of its error, for the gaps of one block.
fn estimates(
    gaps: &[usize],
    anomalies: &Sequence,
    places: &Places,
    covariance: &Covariance,
    neighbourhood: &Neighbourhood,
) -> Vec<(usize, f64, f64)> {
    let [_, rows, columns] = anomalies.shape;
    let indices = |i: usize| [i / (rows * columns), i / columns % rows, i % columns];
    let near = neighbourhood.of(indices(gaps[0]), anomalies);
    if near.is_empty() {
        return Vec::new();
    }
    let origin = (indices(gaps[0])[1], indices(gaps[0])[2]);
    let seen: Vec<[f64; 3]> = near.iter().map(|i| places.seen_from(origin, indices(*i))).collect();
    let between = |a: &[f64; 3], b: &[f64; 3]| covariance.at((a[0] - b[0]).hypot(a[1] - b[1]), (a[2] - b[2]).abs());
    let n = near.len();
    let mut matrix = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..i {
            matrix[i * n + j] = between(&seen[i], &seen[j]);
        }
        matrix[i * n + i] = covariance.variance + covariance.noise;
    }
    let factor = Cholesky::new(matrix.clone(), n).or_else(|| {
        // Without noise, cells close together can be too much alike for the arithmetic.
        (0..n).for_each(|i| matrix[i * n + i] += 1e-6 * covariance.variance);
        Cholesky::new(matrix, n)
    });
    let Some(factor) = factor else { return Vec::new() };
    let values: Vec<f64> = near.iter().map(|i| anomalies.values[*i]).collect();
    let weighted = factor.forward(&values);
    gaps.iter()
        .map(|gap| {
            let place = places.seen_from(origin, indices(*gap));
            let c: Vec<f64> = seen.iter().map(|s| between(s, &place)).collect();
            let v = factor.forward(&c);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            (*gap, dot(&v, &weighted), (covariance.variance - dot(&v, &v)).max(0.0).sqrt())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::sequence;
    use super::*;

    fn covariance() -> Covariance {
        Covariance {
            variance: 2.0,
            noise: 0.1,
            metres: 3000.0,
            space: CorrelationShape::Exponential,
            seconds: 2.0 * 86_400.0,
            time: CorrelationShape::Gaussian,
        }
    }

    fn config() -> InterpolationConfig {
        InterpolationConfig {
            covariance: Some(covariance()),
            neighbours: 1000,
            least_correlation: 0.0,
            centring: Some(Centring::None),
        }
    }

    #[test]
    fn one_and_two_observations_by_hand() {
        // One neighbour at one cell: ρ = e^(-1/3); weight 2 ρ / 2.1.
        let one = sequence([1, 1, 2], vec![Some(3.0), None]);
        let places = Places::plane(&one, 1000.0, 86_400.0);
        let found = interpolate(&one, &places, &config()).unwrap();
        let rho = (-1.0f64 / 3.0).exp();
        assert!((found.solution.values[1] - 3.0 * 2.0 * rho / 2.1).abs() < 1e-12);
        assert!((found.error[1] - (2.0 - 4.0 * rho * rho / 2.1).sqrt()).abs() < 1e-12);
        assert_eq!(found.error[0], 0.0);
        // One on each side, both with covariance c with the gap and k with each other: weights c / (2.1 + k) each.
        let two = sequence([3, 1, 1], vec![Some(1.0), None, Some(5.0)]);
        let found = interpolate(&two, &Places::plane(&two, 1000.0, 86_400.0), &config()).unwrap();
        let (c, k) = (2.0 * (-0.125f64).exp(), 2.0 * (-0.5f64).exp());
        assert!((found.solution.values[1] - 6.0 * c / (2.1 + k)).abs() < 1e-12);
        assert!((found.error[1] - (2.0 - 2.0 * c * c / (2.1 + k)).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn with_the_true_covariance_it_is_the_dense_solution() {
        let shape = [4, 5, 6];
        let mut random = Random::new(8, "dense");
        let given = sequence(shape, (0..120).map(|_| (random.uniform() < 0.5).then(|| random.normal())).collect());
        let places = Places::plane(&given, 1000.0, 86_400.0);
        let found = interpolate(&given, &places, &config()).unwrap();
        // (C + R)⁻¹ (y, c) by Gauss and Jordan's elimination with the covariance written out.
        let seen: Vec<usize> = (0..120).filter(|i| given.observed[*i]).collect();
        let c = |i: usize, j: usize| {
            let place = |i: usize| [i / 30, i / 6 % 5, i % 6].map(|v| v as f64);
            let [a, b] = [place(i), place(j)];
            let distance = ((a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)).sqrt();
            2.0 * (-distance / 3.0).exp() * (-((a[0] - b[0]) / 2.0).powi(2) / 2.0).exp()
        };
        for gap in (0..120).filter(|i| !given.observed[*i]) {
            let n = seen.len();
            let mut rows: Vec<Vec<f64>> = seen
                .iter()
                .map(|i| {
                    let mut row: Vec<f64> = seen.iter().map(|j| c(*i, *j) + if i == j { 0.1 } else { 0.0 }).collect();
                    row.extend([given.values[*i], c(*i, gap)]);
                    row
                })
                .collect();
            for k in 0..n {
                let pivot = rows[k].clone();
                for (i, row) in rows.iter_mut().enumerate() {
                    let factor = if i == k { 1.0 - 1.0 / pivot[k] } else { row[k] / pivot[k] };
                    row.iter_mut().zip(&pivot).for_each(|(a, b)| *a -= factor * b);
                }
            }
            let value: f64 = (0..n).map(|k| c(seen[k], gap) * rows[k][n]).sum();
            let left: f64 = 2.0 - (0..n).map(|k| c(seen[k], gap) * rows[k][n + 1]).sum::<f64>();
            assert!((found.solution.values[gap] - value).abs() < 1e-9, "{gap}");
            assert!((found.error[gap] - left.sqrt()).abs() < 1e-9, "{gap}");
        }
    }

    #[test]
    fn a_few_neighbours_are_almost_as_good_as_all() {
        let shape = [6, 24, 24];
        let mut random = Random::new(9, "near");
        let smooth = |i: usize| ((i % 24) as f64 / 5.0).sin() + ((i / 24 % 24) as f64 / 6.0).cos() + 0.1 * (i / 576) as f64;
        let given = sequence(shape, (0..3456).map(|i| (random.uniform() < 0.4).then(|| smooth(i))).collect());
        let places = Places::plane(&given, 1000.0, 86_400.0);
        let few = interpolate(&given, &places, &InterpolationConfig { neighbours: 48, ..config() }).unwrap();
        let more = interpolate(&given, &places, &InterpolationConfig { neighbours: 200, ..config() }).unwrap();
        let gaps: Vec<usize> = (0..3456).filter(|i| !given.observed[*i]).collect();
        let mean = |f: &dyn Fn(usize) -> f64| gaps.iter().map(|i| f(*i).powi(2)).sum::<f64>() / gaps.len() as f64;
        let apart = mean(&|i| few.solution.values[i] - more.solution.values[i]).sqrt();
        assert!(apart < 0.1 * mean(&|i| more.error[i]).sqrt(), "{apart}");
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let again = one.install(|| interpolate(&given, &places, &InterpolationConfig { neighbours: 48, ..config() }).unwrap());
        assert_eq!(again.solution.values, few.solution.values);
        let bad = InterpolationConfig { neighbours: 0, ..config() };
        assert!(interpolate(&given, &places, &bad).is_err());
    }

    #[test]
    fn a_constant_pattern_is_taken_off_where_many_frames_tell_it() {
        let mut random = Random::new(10, "pattern");
        let rough: Vec<f64> = (0..144).map(|_| 3.0 * random.normal()).collect();
        let choice = |frames: usize, pattern: &[f64], random: &mut Random| {
            let values = (0..frames * 144).map(|i| {
                let wave = ((i % 12) as f64 / 3.0 + (i / 144) as f64 / 5.0).sin();
                (random.uniform() < 0.6).then(|| pattern[i % 144] + wave)
            });
            let given = sequence([frames, 12, 12], values.collect());
            let places = Places::plane(&given, 1000.0, 86_400.0);
            let config = InterpolationConfig { neighbours: 24, ..InterpolationConfig::default() };
            chosen_centring(&given, &places, &config).unwrap()
        };
        assert_eq!(choice(30, &rough, &mut random), Centring::FrameOffsetAndPattern);
        assert_eq!(choice(2, &[0.0; 144], &mut random), Centring::FrameOffset);
    }
}
