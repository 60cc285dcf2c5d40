//! What is taken off a sequence before its gaps are filled, and put back after.

use serde::{Deserialize, Serialize};

use super::frame_offset::{frame_offsets, pattern_of};
use super::harmonic::{SPACE, harmonic};
use super::sequence::Sequence;
use crate::methods::error::MethodResult;

/// What is taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Centring {
    /// Nothing: the values are anomalies already.
    None,
    /// The mean over all observed cells.
    Mean,
    /// An offset for each frame (the diurnal cycle, the season), about the mean.
    FrameOffset,
    /// An offset for each frame and a constant pattern, fitted together to the observed cells.
    FrameOffsetAndPattern,
}

/// a(t) + s(p).
pub(crate) struct Background {
    pub offsets: Vec<f64>,
    pub pattern: Vec<f64>,
}

impl Background {
    /// Fitted to the observed cells of a sequence. Pixels that are never seen take the pattern of those around them.
    pub fn new(sequence: &Sequence, centring: Centring) -> MethodResult<Background> {
        let (frames, pixels) = (sequence.shape[0], sequence.frame_len());
        let mut background = Background { offsets: vec![0.0; frames], pattern: vec![0.0; pixels] };
        if centring == Centring::None {
            return Ok(background);
        }
        if centring != Centring::Mean {
            background.offsets = frame_offsets(sequence)?;
        }
        if centring == Centring::FrameOffsetAndPattern {
            let pattern = pattern_of(sequence, &background.offsets);
            let plane = Sequence {
                shape: [1, sequence.shape[1], sequence.shape[2]],
                wrap: sequence.wrap,
                seconds: vec![0.0],
                observed: pattern.iter().map(Option::is_some).collect(),
                values: pattern.into_iter().map(|s| s.unwrap_or(0.0)).collect(),
                sea: (0..pixels).map(|p| (0..frames).any(|t| sequence.sea[t * pixels + p])).collect(),
            };
            background.pattern = harmonic(&plane, SPACE)?.values;
        } else {
            // The mean of y - a; cells that are not observed hold 0.
            let counts = sequence.observed_per_frame();
            let sums = sequence.values.chunks(pixels).zip(&counts).zip(&background.offsets);
            let sum: f64 = sums.map(|((frame, n), a)| frame.iter().sum::<f64>() - *n as f64 * a).sum();
            background.pattern.fill(sum / counts.iter().sum::<usize>().max(1) as f64);
        }
        Ok(background)
    }

    /// What was taken off a cell.
    pub fn at(&self, frame: usize, pixel: usize) -> f64 {
        self.offsets[frame] + self.pattern[pixel]
    }

    /// The sequence without it.
    pub fn taken_off(&self, sequence: &Sequence) -> Sequence {
        let mut rest = sequence.clone();
        for (t, frame) in rest.values.chunks_mut(sequence.frame_len()).enumerate() {
            let observed = &sequence.observed[t * frame.len()..(t + 1) * frame.len()];
            for (p, (value, o)) in frame.iter_mut().zip(observed).enumerate() {
                if *o {
                    *value -= self.at(t, p);
                }
            }
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::sequence;
    use super::*;

    #[test]
    fn each_choice_takes_off_what_it_says() {
        // Two frames of three pixels: (1, 2, gap), (4, gap, 6).
        let given = sequence([2, 1, 3], vec![Some(1.0), Some(2.0), None, Some(4.0), None, Some(6.0)]);
        let of = |centring| {
            let b = Background::new(&given, centring).unwrap();
            [(0, 0), (0, 1), (1, 0), (1, 2)].map(|(t, p)| b.at(t, p))
        };
        assert_eq!(of(Centring::None), [0.0; 4]);
        assert_eq!(of(Centring::Mean), [3.25; 4]);
        // Only the first pixel is seen twice: it says that the second frame is 3 above the first.
        let close = |a: [f64; 4], b: [f64; 4]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-8), "{a:?} {b:?}");
        close(of(Centring::FrameOffset), [1.75, 1.75, 4.75, 4.75]);
        close(of(Centring::FrameOffsetAndPattern), [1.0, 2.0, 4.0, 6.0]);
        let rest = Background::new(&given, Centring::Mean).unwrap().taken_off(&given);
        assert_eq!(rest.values, [-2.25, -1.25, 0.0, 0.75, 0.0, 2.75]);
    }
}
