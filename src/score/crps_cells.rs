//! The continuous ranked probability score of an ensemble in each of many cells.

use rayon::prelude::*;

use super::column_sort::{Block, COLUMNS, ColumnSort, ColumnWork, Lanes, in_widest_lanes};
use super::crps::{CrpsEstimator, crps};
use super::error::{ScoreError, ScoreResult};

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
    let sort = ColumnSort::new(count);
    let mut scores = vec![0.0; cells];
    let chunks = scores.par_chunks_mut(CHUNK).zip(members.par_chunks(CHUNK * count)).zip(observations.par_chunks(CHUNK));
    let failures: Vec<Option<usize>> = chunks
        .enumerate()
        .map_init(
            || sort.room(),
            |room, (chunk, ((scores, members), observations))| {
                in_widest_lanes(Cells { members, observations, count, estimator, sort: &sort, room, scores });
                scores.iter().position(|s| !s.is_finite()).map(|cell| chunk * CHUNK + cell)
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

/// Cells to score, with room to sort the members of some of them side by side.
struct Cells<'a> {
    members: &'a [f64],
    observations: &'a [f64],
    count: usize,
    estimator: CrpsEstimator,
    sort: &'a ColumnSort,
    room: &'a mut [Block],
    scores: &'a mut [f64],
}

impl ColumnWork for Cells<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Cells { members, observations, count, estimator, sort, room, scores } = self;
        let groups = scores.chunks_mut(COLUMNS).zip(observations.chunks(COLUMNS)).zip(members.chunks(COLUMNS * count));
        for ((scores, observations), members) in groups {
            // Columns without a cell keep what they held. Rows beyond the ensemble still hold infinities after a sort, unless
            // an ensemble was not finite, of which the caller is told anyway.
            let rows = &mut room.as_flattened_mut()[..count];
            for (column, (ensemble, observation)) in members.chunks_exact(count).zip(observations).enumerate().take(COLUMNS) {
                for (row, member) in rows.iter_mut().zip(ensemble) {
                    row[column] = member - observation;
                }
            }
            sort.sort::<L>(room);
            score_group(&room.as_flattened()[..count], estimator, scores);
        }
    }
}

/// The scores of the cells whose departures, in ascending order, are the columns.
#[inline(always)]
fn score_group(rows: &[[f64; COLUMNS]], estimator: CrpsEstimator, scores: &mut [f64]) {
    let m = rows.len() as f64;
    let (mut error, mut spread) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    for (i, row) in rows.iter().enumerate() {
        let factor = 2.0 * i as f64 - m + 1.0;
        for (k, departure) in row.iter().enumerate() {
            error[k] += departure.abs();
            spread[k] += factor * departure;
        }
    }
    let pairs = m * if estimator == CrpsEstimator::Fair { m - 1.0 } else { m };
    for (score, (error, spread)) in scores.iter_mut().zip(error.into_iter().zip(spread)) {
        *score = error / m - spread / pairs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

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
