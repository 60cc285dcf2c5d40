//! The continuous ranked probability score of an ensemble in each of many cells.

use rayon::prelude::*;

use super::crps::{CrpsEstimator, crps};
use super::error::{ScoreError, ScoreResult};
use crate::base::vector::{Work, widest};

/// Cells whose members are sorted side by side.
const LANES: usize = 16;
/// Cells of them in one register of the widest kind in use.
const STEP: usize = 4;
/// Members sorted in registers before runs of them are merged.
const RUN: usize = 8;
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
    let padded = count.next_multiple_of(RUN);
    let network = merging_network(padded);
    let mut scores = vec![0.0; cells];
    let failures: Vec<Option<usize>> = scores
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map_init(
            || vec![[0.0; LANES]; padded],
            |buffer, (chunk, scores)| {
                let mut failure = None;
                for (group, scores) in scores.chunks_mut(LANES).enumerate() {
                    let first = chunk * CHUNK + group * LANES;
                    let observations = &observations[first..first + scores.len()];
                    let members = &members[first * count..(first + scores.len()) * count];
                    widest(Group { members, count, observations, estimator, network: &network, buffer, scores });
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
    count: usize,
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
        let Group { members, count, observations, estimator, network, buffer, scores } = self;
        let (ensembles, rest) = buffer.split_at_mut(count);
        // Rows beyond the members sort to the end.
        rest.iter_mut().for_each(|row| *row = [f64::INFINITY; LANES]);
        if let Some(observations) = observations.first_chunk::<LANES>() {
            for (i, row) in ensembles.iter_mut().enumerate() {
                for lane in 0..LANES {
                    row[lane] = members[lane * count + i] - observations[lane];
                }
            }
        } else {
            ensembles.iter_mut().for_each(|row| *row = [0.0; LANES]);
            for (lane, (ensemble, observation)) in members.chunks_exact(count).zip(observations).enumerate().take(LANES) {
                ensembles.iter_mut().zip(ensemble).for_each(|(row, member)| row[lane] = member - observation);
            }
        }
        buffer.as_chunks_mut::<RUN>().0.iter_mut().for_each(sort_run);
        for (low, high) in network {
            // The network's pairs ascend and lie within the buffer.
            let (head, tail) = buffer.split_at_mut(*high);
            exchange(&mut head[*low], &mut tail[0]);
        }
        let m = count as f64;
        let (mut error, mut spread) = ([0.0; LANES], [0.0; LANES]);
        for (i, row) in buffer[..count].iter().enumerate() {
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

/// Sorts eight rows, lane by lane, in registers.
///
/// # Reference
/// Batcher (1968), doi:10.1145/1468075.1468121
#[inline(always)]
fn sort_run(rows: &mut [[f64; LANES]; RUN]) {
    const NETWORK: [(usize, usize); 19] = [
        (0, 1),
        (2, 3),
        (4, 5),
        (6, 7),
        (0, 2),
        (1, 3),
        (4, 6),
        (5, 7),
        (1, 2),
        (5, 6),
        (0, 4),
        (1, 5),
        (2, 6),
        (3, 7),
        (2, 4),
        (3, 5),
        (1, 2),
        (3, 4),
        (5, 6),
    ];
    for first in (0..LANES).step_by(STEP) {
        let mut part = [[0.0; STEP]; RUN];
        for (part, row) in part.iter_mut().zip(rows.iter()) {
            part.copy_from_slice(&row[first..first + STEP]);
        }
        for (low, high) in NETWORK {
            for lane in 0..STEP {
                let (x, y) = (part[low][lane], part[high][lane]);
                part[low][lane] = if x < y { x } else { y };
                part[high][lane] = if x < y { y } else { x };
            }
        }
        for (part, row) in part.iter().zip(rows.iter_mut()) {
            row[first..first + STEP].copy_from_slice(part);
        }
    }
}

/// Pairs of positions whose ordering, one after the other, merges sorted runs of eight to one of `count`, a multiple of
/// eight: the same steps for every cell, so that many cells can take them side by side.
///
/// # Reference
/// Batcher (1968), doi:10.1145/1468075.1468121 (odd-even merge)
fn merging_network(count: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut run = RUN;
    while run < count {
        let mut apart = run;
        while apart > 0 {
            for start in (apart % run..count.saturating_sub(apart)).step_by(2 * apart) {
                for i in start..(start + apart).min(count - apart) {
                    if i / (2 * run) == (i + apart) / (2 * run) {
                        pairs.push((i, i + apart));
                    }
                }
            }
            apart /= 2;
        }
        run *= 2;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    /// By the zero-one principle a network that sorts all sequences of zeros and ones sorts everything; here all those whose
    /// runs of eight are sorted, since the run's own network is tested below.
    #[test]
    fn the_network_merges() {
        for runs in 1..=6 {
            let network = merging_network(RUN * runs);
            assert!(network.iter().all(|(low, high)| low < high && *high < RUN * runs));
            for case in 0..(RUN + 1).pow(runs as u32) {
                let ones = |run: usize| case / (RUN + 1).pow(run as u32) % (RUN + 1);
                let mut values: Vec<bool> = (0..RUN * runs).map(|i| RUN - i % RUN <= ones(i / RUN)).collect();
                for (low, high) in &network {
                    if values[*low] & !values[*high] {
                        values.swap(*low, *high);
                    }
                }
                assert!(values.is_sorted(), "{runs} {case}");
            }
        }
    }

    #[test]
    fn a_run_is_sorted_in_every_lane() {
        for first in (0u32..256).step_by(LANES) {
            let mut rows = [[0.0; LANES]; RUN];
            for (i, row) in rows.iter_mut().enumerate() {
                (0..LANES).for_each(|lane| row[lane] = f64::from((first + lane as u32) >> i & 1));
            }
            sort_run(&mut rows);
            assert!((0..LANES).all(|lane| rows.is_sorted_by_key(|row| row[lane])), "{first}");
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
