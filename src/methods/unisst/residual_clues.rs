//! What the network of the residual is told of each frame: the first fill, what it rests on, and what was seen there before
//! and after.

use super::first_fills::{FirstFills, OTHERS};
use crate::methods::baselines::{Sequence, frame_offsets};
use crate::methods::error::MethodResult;

/// Channels of a frame: what is seen, and what the other fills say.
pub(super) const CLUES: usize = FIRST_OTHER + OTHERS;
/// The channel of the first of the other fills.
pub(super) const FIRST_OTHER: usize = 13;

/// Frames in which the worth of what was seen before or after falls to 1/e.
const MEMORY_FRAMES: f32 = 6.0;
/// Steps in the frame, and in space and time, in which the worth of what is seen falls to 1/e.
const REACH_IN_FRAME: f32 = 6.0;
const REACH: f32 = 4.0;
/// Frames before and after whose fill is compared with the frame's own.
const NEAR_FRAMES: usize = 2;
const FAR_FRAMES: usize = 6;
/// Differences are cut at this many units.
const LIMIT: f64 = 8.0;
/// A unit is so many times the root mean square difference of seen neighbours.
const UNIT_OF_DIFFERENCES: f64 = 4.0;
/// A sequence smoother than this has this unit, in its own.
const LEAST_UNIT: f64 = 1e-6;

/// The clues of a sequence.
#[derive(Clone, Debug)]
pub(super) struct Clues {
    /// Frames, rows, columns.
    pub shape: [usize; 3],
    /// `[frame, channel, row, column]`.
    pub values: Vec<f32>,
    /// A unit of the network's differences and of its correction, in the unit of the field.
    pub unit: f64,
}

impl Clues {
    /// Of what is seen of a sequence and its first fill. Nothing else is read.
    ///
    /// # Formula
    /// Channels, where b is the fill without its frame's offset a(t), u the [unit](Clues::unit), and all is 0 on land:
    /// ```text
    /// 0        (b - mean of the frame) / deviation of all frames
    /// 1, 2     1 where seen; 1 at sea
    /// 3, 4     (last value seen there - its a - b) / u, exp(-frames since / 6)       0 where never
    /// 5, 6     the same of the next value to be seen
    /// 7, 8     exp(-steps to the nearest seen cell / reach), in the frame and in space and time
    /// 9 to 12  (b(t') - b(t)) / u for t' = t - 2, t + 2, t - 6, t + 6                 0 beyond the ends
    /// 13 on    (what each of the other fills says - the first fill) / u               0 where it says nothing
    /// ```
    /// The unit is four times the root mean square difference of neighbours of which both are seen: a field in other units, or
    /// of another liveliness, looks the same to the network.
    pub fn new(sequence: &Sequence, fills: &FirstFills) -> MethodResult<Clues> {
        let [frames, rows, columns] = sequence.shape;
        let pixels = rows * columns;
        let offsets = frame_offsets(sequence)?;
        let fill = &fills.first;
        let known = |i: usize| fill.known[i] && sequence.sea[i];
        let bare: Vec<f64> =
            fill.values.iter().enumerate().map(|(i, v)| if known(i) { v - offsets[i / pixels] } else { 0.0 }).collect();
        let (means, deviation) = means_and_deviation(&bare, pixels, known);
        let unit = unit(sequence);
        let difference = |of: f64, from: f64| ((of - from) / unit).clamp(-LIMIT, LIMIT) as f32;
        let in_frame = sequence.steps_from(&sequence.observed, false);
        let around = sequence.steps_from(&sequence.observed, true);
        let worth = |steps: Option<u32>, reach: f32| steps.map_or(0.0, |s| (-(s as f32) / reach).exp());
        let before = neighbours_in_time(sequence, &bare, (0..frames).collect());
        let after = neighbours_in_time(sequence, &bare, (0..frames).rev().collect());
        let mut values = vec![0.0; frames * CLUES * pixels];
        for (t, frame) in values.chunks_mut(CLUES * pixels).enumerate() {
            let other = |by: isize| t.checked_add_signed(by).filter(|o| *o < frames);
            let near = NEAR_FRAMES as isize;
            let far = FAR_FRAMES as isize;
            let others = [-near, near, -far, far].map(other);
            for p in 0..pixels {
                let i = t * pixels + p;
                if !known(i) {
                    continue;
                }
                let mut set = |channel: usize, value: f32| frame[channel * pixels + p] = value;
                set(0, ((bare[i] - means[t]) / deviation) as f32);
                set(1, f32::from(u8::from(sequence.observed[i])));
                set(2, 1.0);
                for (channel, seen) in [(3, before[i]), (5, after[i])] {
                    if let Some((value, age)) = seen {
                        set(channel, difference(value, bare[i]));
                        set(channel + 1, (-(age as f32) / MEMORY_FRAMES).exp());
                    }
                }
                set(7, worth(in_frame[i], REACH_IN_FRAME));
                set(8, worth(around[i], REACH));
                for (k, other) in others.iter().enumerate() {
                    if let Some(o) = other.map(|o| o * pixels + p).filter(|o| known(*o)) {
                        set(9 + k, difference(bare[o], bare[i]));
                    }
                }
                for (k, other) in fills.others.iter().enumerate().filter(|(_, other)| other.known[i]) {
                    set(FIRST_OTHER + k, difference(other.values[i], fill.values[i]));
                }
            }
        }
        Ok(Clues { shape: sequence.shape, values, unit })
    }

    /// The channels of one frame.
    pub fn frame(&self, t: usize) -> &[f32] {
        let length = CLUES * self.shape[1] * self.shape[2];
        &self.values[t * length..(t + 1) * length]
    }
}

/// The mean of each frame over its known cells, and the deviation of all from them.
fn means_and_deviation(values: &[f64], pixels: usize, known: impl Fn(usize) -> bool) -> (Vec<f64>, f64) {
    let (mut means, mut squares, mut count) = (Vec::new(), 0.0, 0usize);
    for t in 0..values.len() / pixels {
        let cells: Vec<f64> = (t * pixels..(t + 1) * pixels).filter(|i| known(*i)).map(|i| values[i]).collect();
        let mean = cells.iter().sum::<f64>() / cells.len().max(1) as f64;
        squares += cells.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        count += cells.len();
        means.push(mean);
    }
    (means, (squares / count.max(1) as f64).sqrt().max(LEAST_UNIT))
}

/// Of each cell the value last seen at its pixel, in the order of `frames`, and how many frames ago: 0 for a seen cell.
fn neighbours_in_time(sequence: &Sequence, bare: &[f64], frames: Vec<usize>) -> Vec<Option<(f64, usize)>> {
    let pixels = sequence.frame_len();
    let mut last: Vec<Option<(f64, usize)>> = vec![None; pixels];
    let mut found = vec![None; bare.len()];
    for t in frames {
        for (p, last) in last.iter_mut().enumerate() {
            let i = t * pixels + p;
            if sequence.observed[i] {
                *last = Some((bare[i], t));
            }
            found[i] = last.map(|(value, at)| (value, at.abs_diff(t)));
        }
    }
    found
}

fn unit(sequence: &Sequence) -> f64 {
    let columns = sequence.shape[2];
    let pixels = sequence.frame_len();
    let (mut squares, mut count) = (0.0, 0usize);
    for i in (0..sequence.values.len()).filter(|i| sequence.observed[*i]) {
        let right = (i % columns + 1 < columns).then_some(i + 1);
        let above = (i % pixels + columns < pixels).then_some(i + columns);
        for j in [right, above].into_iter().flatten().filter(|j| sequence.observed[*j]) {
            squares += (sequence.values[i] - sequence.values[j]).powi(2);
            count += 1;
        }
    }
    (UNIT_OF_DIFFERENCES * (squares / count.max(1) as f64).sqrt()).max(LEAST_UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::baselines::Solution;

    /// One row of four pixels in three frames; the first pixel is land.
    fn small() -> (Sequence, FirstFills) {
        let values: Vec<f64> = vec![0.0, 1.0, 2.0, 3.0, 0.0, 1.5, 2.5, 3.5, 0.0, 1.0, 2.0, 3.0];
        let observed: Vec<bool> = (0..12).map(|i| i % 4 != 0 && i != 6).collect();
        let fill = Solution { values: values.clone(), known: (0..12).map(|i| i % 4 != 0).collect() };
        let sequence = Sequence {
            shape: [3, 1, 4],
            wrap: false,
            seconds: vec![0.0, 1.0, 2.0],
            values: values.iter().zip(&observed).map(|(v, o)| if *o { *v } else { 0.0 }).collect(),
            observed,
            sea: (0..12).map(|i| i % 4 != 0).collect(),
        };
        let silent = Solution { values: vec![9.0; 12], known: vec![false; 12] };
        let other = Solution { values: values.iter().map(|v| v + 2.0).collect(), known: vec![true; 12] };
        (sequence, FirstFills { first: fill, others: [other, silent.clone(), silent] })
    }

    #[test]
    fn channels_by_hand() {
        let (sequence, fill) = small();
        let clues = Clues::new(&sequence, &fill).unwrap();
        // Neighbours of which both are seen differ by 1, so a unit is 4.
        assert!((clues.unit - 4.0).abs() < 1e-12);
        let at = |t: usize, channel: usize, p: usize| clues.frame(t)[channel * 4 + p];
        // The middle frame is warmer by a half as a whole, which the offsets take off.
        for (channel, wanted) in [(1, 0.0), (2, 1.0), (3, 0.0), (5, 0.0)] {
            assert!((at(1, channel, 2) - wanted).abs() < 1e-6, "{channel}");
        }
        for channel in [4, 6] {
            assert!((at(1, channel, 2) - (-1.0f32 / 6.0).exp()).abs() < 1e-6);
        }
        assert!((at(1, 7, 2) - (-1.0f32 / 6.0).exp()).abs() < 1e-6 && (at(1, 8, 2) - (-0.25f32).exp()).abs() < 1e-6);
        // Of 1, 2, 3 about their mean the deviation is √(2/3).
        assert!((at(0, 0, 1) + 1.5f32.sqrt()).abs() < 1e-5 && (at(2, 1, 3) - 1.0).abs() < 1e-6);
        assert!((0..3).all(|t| (0..CLUES).all(|c| at(t, c, 0) == 0.0)));
        // Beyond the ends of the sequence there is nothing to compare with.
        assert_eq!((at(0, 9, 1), at(0, 11, 1), at(0, 12, 1)), (0.0, 0.0, 0.0));
        // The second fill says 2 more, which is half a unit; the others say nothing.
        assert_eq!((at(1, 13, 2), at(1, 14, 2), at(1, 15, 2)), (0.5, 0.0, 0.0));
    }

    #[test]
    fn another_unit_gives_the_same_clues() {
        let (sequence, fill) = small();
        let twice = |values: &[f64]| values.iter().map(|v| 2.0 * v).collect::<Vec<f64>>();
        let scaled = Sequence { values: twice(&sequence.values), ..sequence.clone() };
        let double = |s: &Solution| Solution { values: twice(&s.values), known: s.known.clone() };
        let fill_scaled = FirstFills { first: double(&fill.first), others: fill.others.each_ref().map(double) };
        let (one, two) = (Clues::new(&sequence, &fill).unwrap(), Clues::new(&scaled, &fill_scaled).unwrap());
        assert!((two.unit - 2.0 * one.unit).abs() < 1e-9);
        assert!(one.values.iter().zip(&two.values).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
