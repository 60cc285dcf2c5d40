//! The continuous ranked probability score of an ensemble in each of many cells.

use rayon::prelude::*;

use super::crps::{CrpsEstimator, crps};
use super::error::{ScoreError, ScoreResult};
use crate::base::vector::{Work, widest};

/// Cells whose members are sorted side by side.
const LANES: usize = 16;
/// Cells that one task works on.
const CHUNK: usize = 4096;

/// The score of each cell of a field of ensembles, all of one size: what [`crps`] gives cell by cell, to the last bit.
///
/// `members` holds the ensemble of the first cell, then that of the second, and so on.
///
/// # Errors
/// [`ScoreError::Argument`] where the members are no whole number of ensembles; as [`crps`], where the position of a member
/// is the one in the whole list, and that of an observation its cell.
///
/// # Example
/// ```
/// use isotherm::score::{crps_of_cells, CrpsEstimator};
/// // two cells of two members
/// let scores = crps_of_cells(&[0.0, 2.0, 5.0, 5.0], &[1.0, 4.0], CrpsEstimator::Plain).unwrap();
/// assert_eq!(scores, [0.5, 1.0]);
/// ```
///
/// # Reference
/// Gneiting, Raftery (2007), doi:10.1198/016214506000001437; Ferro (2014), doi:10.1002/qj.2270 (fair)
pub fn crps_of_cells(members: &[f64], observations: &[f64], estimator: CrpsEstimator) -> ScoreResult<Vec<f64>> {
    let cells = observations.len();
    if cells == 0 || !members.len().is_multiple_of(cells) {
        return Err(ScoreError::Argument(format!("{} members are no whole ensembles for {cells} observations", members.len())));
    }
    let count = members.len() / cells;
    if count == 0 || (count == 1 && estimator == CrpsEstimator::Fair) {
        // Too few: the error of a single cell says it.
        return Ok(vec![crps(&members[..count], observations[0], estimator)?]);
    }
    let network = sorting_network(count);
    let mut scores = vec![0.0; cells];
    let failures: Vec<Option<usize>> = scores
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map_init(
            || vec![[0.0; LANES]; count],
            |buffer, (chunk, scores)| {
                let mut failure = None;
                for (group, scores) in scores.chunks_mut(LANES).enumerate() {
                    let first = chunk * CHUNK + group * LANES;
                    let observations = &observations[first..first + scores.len()];
                    let members = &members[first * count..(first + scores.len()) * count];
                    widest(Group { members, observations, estimator, network: &network, buffer, scores });
                    if failure.is_none() && !scores.iter().all(|s| s.is_finite()) {
                        failure = Some(first);
                    }
                }
                failure
            },
        )
        .collect();
    match failures.into_iter().flatten().min() {
        Some(first) => one_by_one(members, observations, count, estimator, first, scores),
        None => Ok(scores),
    }
}

/// What is wrong from the cell `first` on; the scores, where nothing is (sums of finite values too large for f64).
fn one_by_one(
    members: &[f64],
    observations: &[f64],
    count: usize,
    estimator: CrpsEstimator,
    first: usize,
    scores: Vec<f64>,
) -> ScoreResult<Vec<f64>> {
    for cell in first..observations.len() {
        let ensemble = &members[cell * count..(cell + 1) * count];
        crps(ensemble, observations[cell], estimator).map_err(|error| match error {
            ScoreError::NotFinite { what: "the ensemble", position } => {
                ScoreError::NotFinite { what: "the ensemble", position: cell * count + position }
            }
            ScoreError::NotFinite { what, .. } => ScoreError::NotFinite { what, position: cell },
            other => other,
        })?;
    }
    Ok(scores)
}

/// Scores of up to `LANES` cells; lanes without a cell hold zeros.
struct Group<'a> {
    members: &'a [f64],
    observations: &'a [f64],
    estimator: CrpsEstimator,
    network: &'a [(usize, usize)],
    buffer: &'a mut [[f64; LANES]],
    scores: &'a mut [f64],
}

impl Work for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Group { members, observations, estimator, network, buffer, scores } = self;
        let count = buffer.len();
        if observations.len() < LANES {
            buffer.iter_mut().for_each(|row| *row = [0.0; LANES]);
        }
        for (lane, (ensemble, observation)) in members.chunks_exact(count).zip(observations).enumerate().take(LANES) {
            for (row, member) in buffer.iter_mut().zip(ensemble) {
                row[lane] = member - observation;
            }
        }
        for (low, high) in network {
            // The network's pairs ascend and lie within the buffer.
            let (head, tail) = buffer.split_at_mut(*high);
            exchange(&mut head[*low], &mut tail[0]);
        }
        let m = count as f64;
        let (mut error, mut spread) = ([0.0; LANES], [0.0; LANES]);
        for (i, row) in buffer.iter().enumerate() {
            let factor = 2.0 * i as f64 - m + 1.0;
            for lane in 0..LANES {
                error[lane] += row[lane].abs();
                spread[lane] += factor * row[lane];
            }
        }
        let pairs = m * if estimator == CrpsEstimator::Fair { m - 1.0 } else { m };
        for (lane, score) in scores.iter_mut().enumerate() {
            *score = error[lane] / m - spread[lane] / pairs;
        }
    }
}

/// Puts the smaller of each two into `low`.
#[inline(always)]
fn exchange(low: &mut [f64; LANES], high: &mut [f64; LANES]) {
    for lane in 0..LANES {
        let (x, y) = (low[lane], high[lane]);
        low[lane] = if x < y { x } else { y };
        high[lane] = if x < y { y } else { x };
    }
}

/// Pairs of positions whose ordering, one after the other, sorts any `count` values: the same steps for every cell, so
/// that many cells can take them side by side.
///
/// # Reference
/// Batcher (1968), doi:10.1145/1468075.1468121 (odd-even merge exchange)
fn sorting_network(count: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let top = count.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            pairs.extend((0..count.saturating_sub(d)).filter(|i| i & p == r).map(|i| (i, i + d)));
            if q == p {
                break;
            }
            (d, q, r) = (q - p, q / 2, p);
        }
        p /= 2;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    /// By the zero-one principle a network that sorts all sequences of zeros and ones sorts everything.
    #[test]
    fn the_network_sorts() {
        for count in 1..=14 {
            let network = sorting_network(count);
            assert!(network.iter().all(|(low, high)| low < high && *high < count));
            for bits in 0u32..1 << count {
                let mut values: Vec<u32> = (0..count).map(|i| bits >> i & 1).collect();
                for (low, high) in &network {
                    if values[*low] > values[*high] {
                        values.swap(*low, *high);
                    }
                }
                assert!(values.is_sorted(), "{count} {bits:b}");
            }
        }
    }

    #[test]
    fn it_is_the_score_of_each_cell_to_the_last_bit() {
        let mut random = Random::new(5, "crps cells");
        for (cells, count) in [(1, 1), (15, 2), (16, 3), (17, 32), (4100, 7), (33, 100)] {
            let members: Vec<f64> = (0..cells * count).map(|_| 288.0 + random.normal()).collect();
            let observations: Vec<f64> = (0..cells).map(|_| 288.0 + random.normal()).collect();
            for estimator in [CrpsEstimator::Plain, CrpsEstimator::Fair] {
                if count == 1 && estimator == CrpsEstimator::Fair {
                    assert!(crps_of_cells(&members, &observations, estimator).is_err());
                    continue;
                }
                let all = crps_of_cells(&members, &observations, estimator).unwrap();
                for (cell, score) in all.iter().enumerate() {
                    let one = crps(&members[cell * count..][..count], observations[cell], estimator).unwrap();
                    assert_eq!(score.to_bits(), one.to_bits());
                }
            }
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let mut random = Random::new(6, "crps threads");
        let members: Vec<f64> = (0..9000 * 5).map(|_| random.normal()).collect();
        let observations: Vec<f64> = (0..9000).map(|_| random.normal()).collect();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| crps_of_cells(&members, &observations, CrpsEstimator::Fair).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let plain = |members: &[f64], observations: &[f64]| crps_of_cells(members, observations, CrpsEstimator::Plain);
        let bad = plain(&[1.0, 2.0, 3.0, f64::NAN], &[1.0, 1.0]);
        assert_eq!(bad, Err(ScoreError::NotFinite { what: "the ensemble", position: 3 }));
        let bad = plain(&[1.0, 2.0, 3.0, 4.0], &[1.0, f64::INFINITY]);
        assert_eq!(bad, Err(ScoreError::NotFinite { what: "the observation", position: 1 }));
        assert!(matches!(plain(&[1.0, 2.0, 3.0], &[1.0, 1.0]), Err(ScoreError::Argument(_))));
        assert!(plain(&[], &[]).is_err());
        assert!(matches!(plain(&[], &[1.0]), Err(ScoreError::TooFew { found: 0, .. })));
    }
}
