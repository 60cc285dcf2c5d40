//! Each pixel interpolated in time.

use rayon::prelude::*;

use super::frame_offset::between;
use super::harmonic::{SPACE, harmonic};
use super::sequence::{Sequence, Solution};
use crate::methods::error::MethodResult;

/// Linear in time between a pixel's observations, constant before the first and after the last. Pixels that are never seen
/// are then filled in each frame by Laplace's equation.
pub(crate) fn linear(sequence: &Sequence) -> MethodResult<Solution> {
    let pixels = sequence.frame_len();
    let frames = sequence.shape[0];
    let columns: Vec<Option<Vec<f64>>> = (0..pixels)
        .into_par_iter()
        .with_min_len(256)
        .map(|p| {
            let seen: Vec<usize> = (0..frames).filter(|t| sequence.observed[t * pixels + p]).collect();
            let value = |t: usize| sequence.values[t * pixels + p];
            (!seen.is_empty()).then(|| {
                let fill =
                    |t| if sequence.observed[t * pixels + p] { value(t) } else { between(&sequence.seconds, t, &seen, value) };
                (0..frames).map(fill).collect()
            })
        })
        .collect();
    let mut filled = sequence.clone();
    for (p, column) in columns.into_iter().enumerate() {
        for (t, value) in column.into_iter().flatten().enumerate() {
            let i = t * pixels + p;
            if sequence.sea[i] {
                filled.values[i] = value;
                filled.observed[i] = true;
            }
        }
    }
    harmonic(&filled, SPACE)
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::sequence;
    use super::*;

    #[test]
    fn a_straight_line_in_time_and_laplace_for_the_unseen() {
        // Pixels: seen at 1 and 3; seen at 2; never seen (between them); of the land.
        let mut given = sequence([4, 1, 4], vec![None; 16]);
        let mut see = |t: usize, p: usize, v: f64| {
            given.values[4 * t + p] = v;
            given.observed[4 * t + p] = true;
        };
        see(1, 0, 10.0);
        see(3, 0, 14.0);
        see(2, 2, 20.0);
        (3..16).step_by(4).for_each(|i| given.sea[i] = false);
        let got = linear(&given).unwrap();
        let wanted = [[10.0, 15.0, 20.0], [10.0, 15.0, 20.0], [12.0, 16.0, 20.0], [14.0, 17.0, 20.0]];
        for (t, row) in wanted.iter().enumerate() {
            for (p, wanted) in row.iter().enumerate() {
                assert!((got.values[4 * t + p] - wanted).abs() < 1e-9 && got.known[4 * t + p], "{t} {p}");
            }
            assert!(!got.known[4 * t + 3]);
        }
    }
}
