//! The flow that carries what is seen from frame to frame, found by matching frames where both are seen.

use rayon::prelude::*;

use super::conjugate_gradient::conjugate_gradient;
use super::knots::Knots;
use super::sequence::Sequence;
use crate::methods::error::MethodResult;

/// What keeps the flow smooth, and how frames are matched.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DriftOptions {
    /// Cells from one knot of the stream function to the next.
    pub knot_cells: usize,
    /// Frames from one knot to the next.
    pub knot_frames: usize,
    /// How many frames apart the frames are that are matched.
    pub lags: &'static [usize],
    /// Weight of changes of the flow in space.
    pub smoothness: f64,
    /// Weight of changes of the flow in time.
    pub steadiness: f64,
    /// Weight of the flow itself: where nothing is seen it rests.
    pub slowness: f64,
    /// Times that frames are carried by the flow found so far and matched anew.
    pub rounds: usize,
}

impl Default for DriftOptions {
    /// Chosen on validation sequences of the twin, six-hourly and of 5 km.
    fn default() -> DriftOptions {
        DriftOptions {
            knot_cells: 8,
            knot_frames: 6,
            lags: &[1, 2, 4],
            smoothness: 0.002,
            steadiness: 0.3,
            slowness: 0.003,
            rounds: 2,
        }
    }
}

/// Share of the deviation of what is seen that a difference between frames is measured in.
const UNIT_OF_DEVIATION: f64 = 0.3;
/// Differences of this many units count half as much as small ones.
const OUTLYING: f64 = 0.5;
/// Weight of the prior against the observations of one knot's cells.
const PRIOR: f64 = 0.2;
/// Every so many-th row and column is matched: a knot still has dozens.
const STRIDE: usize = 2;
const TOLERANCE: f64 = 1e-6;
const MOST_ITERATIONS: usize = 20_000;
/// A weight on the stream function itself, whose mean means nothing.
const LEVEL: f64 = 1e-6;

/// A flow without divergence, in cells per frame.
#[derive(Clone, Debug)]
pub(crate) struct Drift {
    /// Along rows, one number for each cell of each frame.
    pub along: Vec<f32>,
    /// Along columns.
    pub across: Vec<f32>,
}

impl Drift {
    /// No flow.
    #[cfg(test)]
    pub fn none(cells: usize) -> Drift {
        Drift { along: vec![0.0; cells], across: vec![0.0; cells] }
    }

    /// The flow that makes the frames of `anomalies` most alike.
    ///
    /// # Formula
    /// ```text
    /// minimise Σ w r² + P(ψ),   r = (y(t + k, p + k u / 2) - y(t, p - k u / 2)) / unit,   u = (-∂ψ/∂y, ∂ψ/∂x)
    /// w = 1 / (k √(1 + r² / (k/4)))
    /// P = c (a |∇u|² + b |∂u/∂t|² + d |u|²)
    /// ```
    /// over cells and lags k with all that is interpolated seen; ψ is a cubic spline in space and linear in time; solved by
    /// Gauss and Newton's method in a few rounds.
    ///
    /// # Reference
    /// Horn and Schunck (1981), Determining optical flow. doi:10.1016/0004-3702(81)90024-2
    pub fn of(anomalies: &Sequence, options: &DriftOptions) -> MethodResult<Drift> {
        let [frames, rows, columns] = anomalies.shape;
        let knots = Knots::new(anomalies.shape, options.knot_frames, options.knot_cells);
        let mut stream = vec![0.0; knots.count()];
        let unit = UNIT_OF_DEVIATION * deviation(anomalies);
        let mut drift = Drift { along: vec![0.0; frames * rows * columns], across: vec![0.0; frames * rows * columns] };
        // A single row or column has no neighbours to be matched with.
        if unit <= 0.0 || frames < 2 || rows < 5 || columns < 5 {
            return Ok(drift);
        }
        let prior = knots.prior(
            PRIOR * (options.knot_cells.pow(2) * options.knot_frames) as f64,
            [options.smoothness, options.steadiness, options.slowness],
            LEVEL,
        );
        for _ in 0..options.rounds {
            let mut normal = prior.clone();
            let mut right = vec![0.0; stream.len()];
            prior.apply(&stream, &mut right);
            right.iter_mut().for_each(|r| *r = -*r);
            for lag in options.lags.iter().copied().filter(|lag| *lag < frames) {
                let matches: Vec<Vec<Match>> =
                    (0..frames - lag).into_par_iter().map(|t| matched(anomalies, &drift, t, lag, unit)).collect();
                for found in matches.iter().flatten() {
                    knots.add(&mut normal, &mut right, found.cell, found.slopes, found.weight, found.difference);
                }
            }
            let mut change = vec![0.0; stream.len()];
            let diagonal = normal.diagonal();
            conjugate_gradient(
                |x, out| normal.apply(x, out),
                |r, z| z.iter_mut().zip(r).zip(&diagonal).for_each(|((z, r), d)| *z = r / d),
                &right,
                &mut change,
                TOLERANCE,
                MOST_ITERATIONS,
            )?;
            stream.iter_mut().zip(&change).for_each(|(s, c)| *s += c);
            (drift.along, drift.across) = knots.flow(&stream);
        }
        Ok(drift)
    }
}

/// One cell of one frame held against a later frame.
struct Match {
    /// Frame halfway, row, column.
    cell: [usize; 3],
    /// How the difference grows with the flow along rows and along columns.
    slopes: [f64; 2],
    weight: f64,
    difference: f64,
}

fn matched(sequence: &Sequence, drift: &Drift, t: usize, lag: usize, unit: f64) -> Vec<Match> {
    let [_, rows, columns] = sequence.shape;
    let pixels = rows * columns;
    let mut found = Vec::new();
    for y in (1..rows - 1).step_by(STRIDE) {
        for x in (1..columns - 1).step_by(STRIDE) {
            let (from, to) = (t * pixels + y * columns + x, (t + lag) * pixels + y * columns + x);
            let half = 0.25 * lag as f64;
            let [u, v] = [&drift.along, &drift.across].map(|f| half * f64::from(f[from] + f[to]));
            let later = Around::new(sequence, t + lag, y as f64 + v, x as f64 + u);
            let before = Around::new(sequence, t, y as f64 - v, x as f64 - u);
            if let (Some(later), Some(before)) = (later, before) {
                let difference = (later.centre - before.centre) / unit;
                let slope = |a: f64, b: f64| 0.5 * (a + b) * lag as f64 / unit;
                let outlying = difference / OUTLYING;
                found.push(Match {
                    cell: [t + lag / 2, y, x],
                    slopes: [slope(later.along, before.along), slope(later.across, before.across)],
                    weight: 1.0 / (lag as f64 * (1.0 + outlying * outlying / lag as f64).sqrt()),
                    difference,
                });
            }
        }
    }
    found
}

/// A frame between its cells: the value and its slopes.
struct Around {
    centre: f64,
    along: f64,
    across: f64,
}

impl Around {
    /// At a row and a column; none where a cell that it rests on is not seen.
    fn new(sequence: &Sequence, t: usize, y: f64, x: f64) -> Option<Around> {
        let at = |y: f64, x: f64| between(sequence, t, y, x);
        Some(Around {
            centre: at(y, x)?,
            along: 0.5 * (at(y, x + 1.0)? - at(y, x - 1.0)?),
            across: 0.5 * (at(y + 1.0, x)? - at(y - 1.0, x)?),
        })
    }
}

/// Bilinear in a frame; none where one of the four cells is not seen.
fn between(sequence: &Sequence, t: usize, y: f64, x: f64) -> Option<f64> {
    corners(sequence.shape, sequence.wrap, y, x)?.into_iter().try_fold(0.0, |sum, (pixel, weight)| {
        let i = t * sequence.frame_len() + pixel;
        sequence.observed[i].then(|| sum + weight * sequence.values[i])
    })
}

/// The four pixels around a place of a frame and their weights; none beyond the border.
pub(crate) fn corners([_, rows, columns]: [usize; 3], wrap: bool, y: f64, x: f64) -> Option<[(usize, f64); 4]> {
    let (top, left) = (y.floor(), x.floor());
    let (fy, fx) = (y - top, x - left);
    let row = |step: f64| {
        let r = top + step;
        // A weight of 0 needs no row.
        if (0.0..rows as f64).contains(&r) { Some(r as usize) } else { (step == 1.0 && fy == 0.0).then_some(rows - 1) }
    };
    let column = |step: f64| {
        let c = left + step;
        if (0.0..columns as f64).contains(&c) {
            Some(c as usize)
        } else if wrap && c.abs() < 1e9 {
            Some((c as i64).rem_euclid(columns as i64) as usize)
        } else {
            (step == 1.0 && fx == 0.0).then_some(columns - 1)
        }
    };
    let (above, below, before, after) = (row(0.0)?, row(1.0)?, column(0.0)?, column(1.0)?);
    Some([
        (above * columns + before, (1.0 - fy) * (1.0 - fx)),
        (above * columns + after, (1.0 - fy) * fx),
        (below * columns + before, fy * (1.0 - fx)),
        (below * columns + after, fy * fx),
    ])
}

/// The deviation of what is seen from its mean.
fn deviation(sequence: &Sequence) -> f64 {
    let seen = || sequence.values.iter().zip(&sequence.observed).filter(|(_, o)| **o).map(|(v, _)| *v);
    let count = seen().count().max(1) as f64;
    let mean = seen().sum::<f64>() / count;
    (seen().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::sequence;
    use super::*;

    /// Waves on 8 frames of 40 x 40 cells that drift by `[u, v]` cells a frame, every third square of 7 cells hidden.
    fn waves([u, v]: [f64; 2]) -> Sequence {
        let values = (0..8 * 1600).map(|i| {
            let (t, y, x) = ((i / 1600) as f64, (i / 40 % 40) as f64, (i % 40) as f64);
            let (y, x) = (y - v * t, x - u * t);
            let hidden = (i / 40 % 40 / 7 + i % 40 / 7 + i / 1600) % 3 == 0;
            (!hidden).then(|| (x / 3.0).sin() * (y / 4.0).cos() + (0.21 * x + 0.17 * y).sin())
        });
        sequence([8, 40, 40], values.collect())
    }

    #[test]
    fn the_flow_of_drifting_waves_is_found() {
        for given in [[0.6, -0.3], [-0.2, 0.0], [0.0, 1.1]] {
            let drift = Drift::of(&waves(given), &DriftOptions::default()).unwrap();
            let inner = |i: &usize| (8..32).contains(&(i / 40 % 40)) && (8..32).contains(&(i % 40));
            let cells: Vec<usize> = (0..8 * 1600).filter(inner).collect();
            let apart = |f: &[f32], wanted: f64| {
                cells.iter().map(|i| (f64::from(f[*i]) - wanted).powi(2)).sum::<f64>() / cells.len() as f64
            };
            let error = (apart(&drift.along, given[0]) + apart(&drift.across, given[1])).sqrt();
            assert!(error < 0.1, "{given:?}: {error}");
        }
    }

    #[test]
    fn what_rests_has_no_flow_and_a_flat_field_none_either() {
        let drift = Drift::of(&waves([0.0, 0.0]), &DriftOptions::default()).unwrap();
        assert!(drift.along.iter().chain(&drift.across).all(|u| u.abs() < 1e-3));
        let flat = sequence([3, 8, 8], vec![Some(2.0); 192]);
        let drift = Drift::of(&flat, &DriftOptions::default()).unwrap();
        assert!(drift.along.iter().chain(&drift.across).all(|u| *u == 0.0));
    }

    #[test]
    fn threads_change_no_bit() {
        let given = waves([0.4, 0.2]);
        let of = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Drift::of(&given, &DriftOptions::default()).unwrap().along)
        };
        assert_eq!(of(1), of(3));
    }

    #[test]
    fn corners_by_hand() {
        let shape = [1, 3, 4];
        assert_eq!(corners(shape, false, 1.25, 2.5).unwrap(), [(6, 0.375), (7, 0.375), (10, 0.125), (11, 0.125)]);
        // The last row and column exactly, and what lies beyond.
        assert_eq!(corners(shape, false, 2.0, 3.0).unwrap()[0], (11, 1.0));
        assert!(corners(shape, false, 2.1, 0.0).is_none() && corners(shape, false, 0.0, -0.1).is_none());
        let around = corners(shape, true, 0.0, -0.25).unwrap();
        assert_eq!((around[0], around[1]), ((3, 0.25), (0, 0.75)));
    }
}
