//! A long record cut into sequences of frames, and the sequences shared out to training, validation and test.

use crate::grid::{SECONDS_PER_DAY, TimeAxis};
use crate::methods::error::{MethodError, MethodResult};

/// Steps that differ by less than this share of a step are the same.
const STEP_TOLERANCE: f64 = 1e-3;

/// The frames of one sequence, as positions in the record, ascending.
pub type Frames = Vec<usize>;

/// Cuts a record into sequences of `length` frames that follow each other by `step_seconds`, phase after phase: hourly
/// frames taken every six hours make six phases.
///
/// Sequences that would run over a gap of the record, or from the end of one phase to the start of the next, are not made.
///
/// # Errors
/// [`MethodError::Argument`] for a length or step of 0, or where no sequence fits.
pub fn sequences(time: &TimeAxis, length: usize, step_seconds: f64) -> MethodResult<Vec<Frames>> {
    if length == 0 || !(step_seconds > 0.0 && step_seconds.is_finite()) {
        return Err(MethodError::Argument(format!(
            "sequences of {length} frames every {step_seconds} s were asked for; 1 or more and above 0 are wanted"
        )));
    }
    let seconds = time.seconds();
    let mut used = vec![false; seconds.len()];
    let mut found = Vec::new();
    for start in 0..seconds.len() {
        if used[start] {
            continue;
        }
        let mut frames = vec![start];
        while frames.len() < length {
            let last = seconds[frames[frames.len() - 1]];
            match frame_at(seconds, last + step_seconds, STEP_TOLERANCE * step_seconds).filter(|t| !used[*t]) {
                Some(next) => frames.push(next),
                None => break,
            }
        }
        if frames.len() == length {
            frames.iter().for_each(|t| used[*t] = true);
            found.push(frames);
        }
    }
    if found.is_empty() {
        return Err(MethodError::Argument(format!(
            "no sequence of {length} frames every {step_seconds} s fits a record of {} frames",
            seconds.len()
        )));
    }
    Ok(found)
}

fn frame_at(seconds: &[f64], wanted: f64, tolerance: f64) -> Option<usize> {
    let after = seconds.partition_point(|s| *s < wanted - tolerance);
    (after < seconds.len() && (seconds[after] - wanted).abs() <= tolerance).then_some(after)
}

/// Sequences by what they are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequenceSplit {
    /// To learn from.
    pub train: Vec<Frames>,
    /// To choose by.
    pub validation: Vec<Frames>,
    /// To report on.
    pub test: Vec<Frames>,
}

impl SequenceSplit {
    /// Three blocks of days one after the other: `shares` are those of training and validation, the rest is for the test. Between
    /// blocks lie `buffer_days` of which no frame is used, and no sequence runs over a border.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the shares leave nothing for the test, or a block gets no sequence.
    pub fn by_days(time: &TimeAxis, all: &[Frames], shares: [f64; 2], buffer_days: f64) -> MethodResult<SequenceSplit> {
        let sum: f64 = shares.iter().sum();
        if shares.iter().any(|s| *s <= 0.0) || sum.is_nan() || sum >= 1.0 || buffer_days.is_nan() || buffer_days < 0.0 {
            return Err(MethodError::Argument(format!(
                "shares of {shares:?} and a buffer of {buffer_days} days were given; above 0, together below 1, and 0 or more are wanted"
            )));
        }
        let seconds = time.seconds();
        let [first, last] = [seconds.first(), seconds.last()].map(|s| s.copied().unwrap_or(0.0));
        let span = last - first;
        let half = 0.5 * buffer_days * SECONDS_PER_DAY;
        let borders = [first + shares[0] * span, first + sum * span];
        let mut split = SequenceSplit::default();
        for frames in all {
            let Some((from, to)) = frames.first().zip(frames.last()) else { continue };
            let (from, to) = (seconds[*from], seconds[*to]);
            if to < borders[0] - half {
                split.train.push(frames.clone());
            } else if from >= borders[0] + half && to < borders[1] - half {
                split.validation.push(frames.clone());
            } else if from >= borders[1] + half {
                split.test.push(frames.clone());
            }
        }
        for (name, part) in [("training", &split.train), ("validation", &split.validation), ("test", &split.test)] {
            if part.is_empty() {
                return Err(MethodError::Argument(format!(
                    "no sequence is left for {name} with a buffer of {buffer_days} days; take shorter sequences or another share"
                )));
            }
        }
        Ok(split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hourly(hours: usize) -> TimeAxis {
        TimeAxis::from_seconds((0..hours).map(|h| h as f64 * 3600.0).collect()).unwrap()
    }

    #[test]
    fn no_sequence_runs_over_the_border_of_a_phase() {
        // 100 hours every 6 hours: phases 0 to 3 have 17 frames, 4 and 5 have 16; sequences of 8 fit twice each.
        let found = sequences(&hourly(100), 8, 6.0 * 3600.0).unwrap();
        assert_eq!(found.len(), 12);
        for frames in &found {
            assert!(frames.windows(2).all(|w| w[1] - w[0] == 6));
        }
        let mut all: Vec<usize> = found.concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 96);
    }

    #[test]
    fn a_gap_of_the_record_parts_sequences() {
        let mut seconds: Vec<f64> = (0..10).map(|d| f64::from(d) * 86_400.0).collect();
        seconds.remove(4);
        let time = TimeAxis::from_seconds(seconds).unwrap();
        assert_eq!(sequences(&time, 4, 86_400.0).unwrap(), [vec![0, 1, 2, 3], vec![4, 5, 6, 7]]);
        assert!(sequences(&time, 6, 86_400.0).is_err());
        assert!(sequences(&time, 0, 86_400.0).is_err());
    }

    #[test]
    fn blocks_of_days_keep_their_distance() {
        let time = hourly(24 * 100);
        let all = sequences(&time, 8, 6.0 * 3600.0).unwrap();
        let split = SequenceSplit::by_days(&time, &all, [0.6, 0.2], 4.0).unwrap();
        let ends = |part: &[Frames]| {
            let days: Vec<f64> = part.concat().iter().map(|t| *t as f64 / 24.0).collect();
            (days.iter().copied().fold(f64::MAX, f64::min), days.iter().copied().fold(f64::MIN, f64::max))
        };
        let [train, validation, test] = [&split.train, &split.validation, &split.test].map(|p| ends(p));
        assert!(train.0 == 0.0 && train.1 < 58.0 && validation.0 >= 61.9 && validation.1 < 78.0 && test.0 >= 81.9);
        assert!(split.train.len() + split.validation.len() + split.test.len() < all.len());
        assert!(SequenceSplit::by_days(&time, &all, [0.8, 0.2], 4.0).is_err());
        assert!(SequenceSplit::by_days(&time, &all, [0.6, 0.2], 60.0).unwrap_err().to_string().contains("validation"));
    }
}
