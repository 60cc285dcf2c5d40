//! The observed cells around a gap that say most about it.

use super::super::sequence::Sequence;
use super::InterpolationConfig;
use super::covariance::Covariance;
use super::place::{Places, reach};

/// Steps looked at along one axis to each side, at most.
const FARTHEST: usize = 40;
/// Steps kept: where little is observed, the search ends here.
const MOST_STEPS: usize = 30_000;
/// An eighth of the space around a gap gives no more than this share of the neighbours, so that a near edge of a cloud
/// does not keep out the other ones.
const SHARE_OF_AN_OCTANT: f64 = 0.25;

/// Steps in frames, rows and columns, most correlated first.
pub(super) struct Neighbourhood {
    steps: Vec<[i32; 3]>,
    most: usize,
    of_an_octant: usize,
}

impl Neighbourhood {
    pub fn new(sequence: &Sequence, places: &Places, covariance: &Covariance, config: &InterpolationConfig) -> Neighbourhood {
        let unit = places.steps();
        let farthest = reach(sequence).map(|n| n.min(FARTHEST) as i32);
        let mut steps: Vec<(f64, [i32; 3])> = Vec::new();
        let least = config.least_correlation;
        for t in -farthest[0]..=farthest[0] {
            let in_time = covariance.time.at(f64::from(t.abs()) * unit[0] / covariance.seconds);
            if in_time < least {
                continue;
            }
            for y in -farthest[1]..=farthest[1] {
                for x in -farthest[2]..=farthest[2] {
                    let metres = (f64::from(y) * unit[1]).hypot(f64::from(x) * unit[2]);
                    let correlation = in_time * covariance.space.at(metres / covariance.metres);
                    if correlation >= least && (t, y, x) != (0, 0, 0) {
                        steps.push((correlation, [t, y, x]));
                    }
                }
            }
        }
        // Ties are broken by the step itself, so that the order is always the same.
        steps.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        steps.truncate(MOST_STEPS);
        let all = sequence.observed.iter().filter(|o| **o).count() <= config.neighbours;
        let of_an_octant = if all { config.neighbours } else { (SHARE_OF_AN_OCTANT * config.neighbours as f64).ceil() as usize };
        Neighbourhood { steps: steps.into_iter().map(|(_, step)| step).collect(), most: config.neighbours, of_an_octant }
    }

    /// The observed cells around a cell.
    pub fn of(&self, [t, y, x]: [usize; 3], sequence: &Sequence) -> Vec<usize> {
        let [frames, rows, columns] = sequence.shape;
        let mut found = Vec::with_capacity(self.most.min(self.steps.len()));
        let mut counts = [0usize; 8];
        let add = |at: usize, step: i32, len: usize| at.checked_add_signed(step as isize).filter(|i| *i < len);
        for [dt, dy, dx] in &self.steps {
            let column = match add(x, *dx, columns) {
                None if sequence.wrap => Some((x as i64 + i64::from(*dx)).rem_euclid(columns as i64) as usize),
                other => other,
            };
            let (Some(t), Some(y), Some(x)) = (add(t, *dt, frames), add(y, *dy, rows), column) else { continue };
            let cell = (t * rows + y) * columns + x;
            if !sequence.observed[cell] {
                continue;
            }
            let octant = usize::from(*dt >= 0) * 4 + usize::from(*dy >= 0) * 2 + usize::from(*dx >= 0);
            if counts[octant] == self.of_an_octant {
                continue;
            }
            // Halfway around the globe, one cell lies at both ends of the steps.
            if sequence.wrap && dx.unsigned_abs() as usize * 2 == columns && *dx > 0 {
                continue;
            }
            counts[octant] += 1;
            found.push(cell);
            if found.len() == self.most {
                break;
            }
        }
        found
    }
}
