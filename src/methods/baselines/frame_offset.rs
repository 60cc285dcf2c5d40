//! One number for each frame: what warms or cools the whole field at once, such as the diurnal cycle.

use rayon::prelude::*;

use super::conjugate_gradient::conjugate_gradient;
use super::sequence::Sequence;
use crate::methods::error::MethodResult;

const TOLERANCE: f64 = 1e-10;
const MOST_ITERATIONS: usize = 10_000;

/// The offset of each frame, estimated together with a constant pattern, so that it does not matter which part of the
/// pattern a cloud hides.
///
/// # Formula
/// ```text
/// minimise Σ (y(t, p) - a(t) - s(p))² over the observed cells; Σ n(t) a(t) = 0
/// ```
/// where n(t) is the number of observed cells. A frame without any gets the offset interpolated in time between its
/// neighbours'.
pub(crate) fn frame_offsets(sequence: &Sequence) -> MethodResult<Vec<f64>> {
    let design = Design::new(sequence);
    let n = design.observed_in.clone();
    // s is eliminated: s(p) is the mean of y - a over the frames that see p.
    let pattern = design.pattern(Some(&sequence.values), &vec![0.0; n.len()]);
    let right = design.frame_sums(Some(&sequence.values), &pattern);
    let mut offsets = vec![0.0; n.len()];
    conjugate_gradient(
        |a, out| {
            let pattern = design.pattern(None, a);
            let sums = design.frame_sums(None, &pattern);
            for (t, out) in out.iter_mut().enumerate() {
                *out = n[t] * a[t] + sums[t];
            }
        },
        |r, z| {
            for (t, z) in z.iter_mut().enumerate() {
                *z = if n[t] > 0.0 { r[t] / n[t] } else { 0.0 };
            }
        },
        &right,
        &mut offsets,
        TOLERANCE,
        MOST_ITERATIONS,
    )?;
    let total: f64 = n.iter().sum();
    let mean = offsets.iter().zip(&n).map(|(a, n)| a * n).sum::<f64>() / total;
    offsets.iter_mut().for_each(|a| *a -= mean);
    let seen: Vec<usize> = (0..n.len()).filter(|t| n[*t] > 0.0).collect();
    for t in (0..n.len()).filter(|t| n[*t] == 0.0) {
        offsets[t] = between(&sequence.seconds, t, &seen, |at| offsets[at]);
    }
    Ok(offsets)
}

/// The pattern s that belongs to `offsets`: the mean of y - a of each pixel, `None` where it is never seen.
pub(crate) fn pattern_of(sequence: &Sequence, offsets: &[f64]) -> Vec<Option<f64>> {
    let design = Design::new(sequence);
    let pattern = design.pattern(Some(&sequence.values), offsets);
    pattern.into_iter().zip(&design.seen_by).map(|(s, n)| (*n > 0.0).then_some(s)).collect()
}

/// Linear between the nearest of `seen` (ascending, not empty) on both sides of `at`, constant beyond them.
pub(crate) fn between(seconds: &[f64], at: usize, seen: &[usize], value: impl Fn(usize) -> f64) -> f64 {
    let after = seen.partition_point(|t| *t < at);
    match (after.checked_sub(1).map(|i| seen[i]), seen.get(after)) {
        (Some(a), Some(b)) => {
            let share = (seconds[at] - seconds[a]) / (seconds[*b] - seconds[a]);
            value(a) + share * (value(*b) - value(a))
        }
        (Some(only), None) => value(only),
        (None, Some(only)) => value(*only),
        (None, None) => 0.0,
    }
}

/// Which frame sees which pixel, and how many.
struct Design<'a> {
    observed: &'a [bool],
    pixels: usize,
    observed_in: Vec<f64>,
    seen_by: Vec<f64>,
}

/// Pixels worked on by one thread at a time.
const PIXELS_AT_A_TIME: usize = 2048;

impl Design<'_> {
    fn new(sequence: &Sequence) -> Design<'_> {
        let pixels = sequence.frame_len();
        let observed_in = sequence.observed_per_frame().into_iter().map(|n| n as f64).collect();
        let mut seen_by = vec![0.0; pixels];
        for frame in sequence.observed.chunks(pixels) {
            seen_by.iter_mut().zip(frame).for_each(|(n, o)| *n += f64::from(u8::from(*o)));
        }
        Design { observed: &sequence.observed, pixels, observed_in, seen_by }
    }

    /// The mean of y - a over the frames that see each pixel; y = 0 without `values`.
    fn pattern(&self, values: Option<&[f64]>, offsets: &[f64]) -> Vec<f64> {
        let mut pattern = vec![0.0; self.pixels];
        pattern.par_chunks_mut(PIXELS_AT_A_TIME).enumerate().for_each(|(part, out)| {
            let first = part * PIXELS_AT_A_TIME;
            for (t, offset) in offsets.iter().enumerate() {
                let from = t * self.pixels + first;
                let observed = &self.observed[from..from + out.len()];
                for (i, (out, o)) in out.iter_mut().zip(observed).enumerate() {
                    let y = values.map_or(0.0, |v| v[from + i]);
                    *out += if *o { y - offset } else { 0.0 };
                }
            }
            let counts = &self.seen_by[first..first + out.len()];
            out.iter_mut().zip(counts).for_each(|(s, n)| *s = if *n > 0.0 { *s / n } else { 0.0 });
        });
        pattern
    }

    /// Σ (y - s) over the observed cells of each frame; Σ s, with the other sign, without `values`.
    fn frame_sums(&self, values: Option<&[f64]>, pattern: &[f64]) -> Vec<f64> {
        let frames: Vec<usize> = (0..self.observed_in.len()).collect();
        let sum = |t: &usize| {
            let range = t * self.pixels..(t + 1) * self.pixels;
            let observed = &self.observed[range.clone()];
            match values {
                Some(values) => {
                    let cells = values[range].iter().zip(pattern).zip(observed);
                    cells.map(|((y, s), o)| if *o { y - s } else { 0.0 }).sum::<f64>()
                }
                None => pattern.iter().zip(observed).map(|(s, o)| if *o { *s } else { 0.0 }).sum::<f64>(),
            }
        };
        frames.par_iter().map(sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::sequence;
    use super::*;

    #[test]
    fn an_offset_and_a_pattern_are_told_apart() {
        // a = (-1, 0.5, 0.5 + c) on a steep pattern of which each frame sees another part.
        let (a, s) = ([-1.0, 0.25, 2.0, -3.0], |p: usize| 5.0 * p as f64);
        let seen = |t: usize, p: usize| t != 2 && !(p + t).is_multiple_of(4);
        let cells = (0..4 * 30).map(|i| (i / 30, i % 30));
        let given = sequence([4, 5, 6], cells.map(|(t, p)| seen(t, p).then(|| a[t] + s(p))).collect());
        let got = frame_offsets(&given).unwrap();
        // up to a constant; the frame that sees nothing lies between its neighbours
        for t in [1, 3] {
            assert!((got[t] - got[0] - (a[t] - a[0])).abs() < 1e-7, "{got:?}");
        }
        assert!((got[2] - 0.5 * (got[1] + got[3])).abs() < 1e-12);
        let counts = given.observed_per_frame();
        assert!((0..4).map(|t| counts[t] as f64 * got[t]).sum::<f64>().abs() < 1e-6);
        let pattern = pattern_of(&given, &got);
        assert!((pattern[7].unwrap() - pattern[6].unwrap() - 5.0).abs() < 1e-7);
    }

    #[test]
    fn interpolation_in_time_ends_constant() {
        let seconds = [0.0, 10.0, 20.0, 60.0, 70.0];
        let value = |t: usize| t as f64;
        assert_eq!(between(&seconds, 0, &[1, 3], value), 1.0);
        assert_eq!(between(&seconds, 2, &[1, 3], value), 1.0 + 2.0 * 0.2);
        assert_eq!(between(&seconds, 4, &[1, 3], value), 3.0);
        assert_eq!(between(&seconds, 4, &[], value), 0.0);
    }
}
