//! What the network of the residual learns from: cells whose value is known but was hidden from the first fill.

use super::first_fills::FirstFills;
use super::residual_clues::{CLUES, Clues};
use crate::base::random::Random;
use crate::grid::{Cell, Field, Mask};
use crate::methods::baselines::Sequence;
use crate::methods::error::{MethodError, MethodResult};

/// A sequence to learn from.
#[derive(Clone, Debug)]
pub enum Lesson {
    /// Cells that are seen are hidden besides those under the clouds: what lies under a cloud is never asked for.
    Hidden {
        /// The sequence under its clouds.
        occluded: Field,
        /// Which cells are hidden besides; those that are under a cloud anyway teach nothing.
        hidden: Vec<bool>,
    },
    /// The truth under the clouds is told: an upper bound that no satellite could train.
    Clear {
        /// The sequence under its clouds.
        occluded: Field,
        /// The same without them.
        truth: Field,
    },
}

/// The frames of a lesson as the network takes them.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub clues: Clues,
    /// What the first fill lacks, in the clues' unit; 0 where it is not asked for.
    pub lacking: Vec<f32>,
    /// 1 where it is asked for.
    pub asked: Vec<f32>,
    /// Frames in which something is asked for.
    pub frames: Vec<usize>,
}

impl Lesson {
    /// Fills what the lesson hides and says what the fill lacks.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where sizes differ, or nothing is left to see or to ask for.
    pub(super) fn prepare(&self) -> MethodResult<Prepared> {
        let wrong = |what: &str| MethodError::Argument(format!("a lesson of the residual network {what}"));
        let (shown, truth): (Field, &Field) = match self {
            Lesson::Hidden { occluded, hidden } => {
                if hidden.len() != occluded.values().len() {
                    return Err(wrong("hides another number of cells than it has"));
                }
                let cells = occluded.mask().cells().iter().zip(hidden);
                let cells = cells.map(|(c, hide)| if *hide && c.is_valid() { Cell::Cloud } else { *c }).collect();
                (occluded.clone().remasked(Mask::from_cells(cells))?, occluded)
            }
            Lesson::Clear { occluded, truth } => {
                if truth.shape() != occluded.shape() {
                    return Err(wrong("has a truth of another shape"));
                }
                (occluded.clone(), truth)
            }
        };
        let sequence = Sequence::new(&shown)?;
        let fills = FirstFills::new(&shown, &sequence)?;
        let clues = Clues::new(&sequence, &fills)?;
        let fill = fills.first;
        let asked_for = |i: usize| truth.mask().is_valid(i) && !sequence.observed[i] && fill.known[i];
        let mut lacking = vec![0.0; fill.values.len()];
        let mut asked = vec![0.0; fill.values.len()];
        for i in (0..lacking.len()).filter(|i| asked_for(*i)) {
            lacking[i] = ((f64::from(truth.values()[i]) - fill.values[i]) / clues.unit) as f32;
            asked[i] = 1.0;
        }
        let pixels = sequence.frame_len();
        let frames: Vec<usize> = (0..sequence.shape[0]).filter(|t| asked[t * pixels..(t + 1) * pixels].contains(&1.0)).collect();
        if frames.is_empty() {
            return Err(wrong("asks for no cell; hide some that are seen"));
        }
        Ok(Prepared { clues, lacking, asked, frames })
    }
}

/// Frames side by side: clues `[b, 16, h, w]`, what is lacking and what is asked for `[b, 1, h, w]`.
#[derive(Clone, Debug, Default)]
pub(super) struct FrameBatch {
    pub clues: Vec<f32>,
    pub lacking: Vec<f32>,
    pub asked: Vec<f32>,
}

impl FrameBatch {
    /// Adds a square of `side` cells of a random frame, turned or mirrored at random.
    pub fn push(&mut self, lesson: &Prepared, side: usize, random: &mut Random) {
        let [_, rows, columns] = lesson.clues.shape;
        let t = lesson.frames[random.below(lesson.frames.len())];
        let (top, left) = (random.below(rows - side + 1), random.below(columns - side + 1));
        let symmetry = random.below(8);
        let place = |i: usize| {
            let (mut y, mut x) = (i / side, i % side);
            if symmetry & 4 != 0 {
                (y, x) = (x, y);
            }
            if symmetry & 2 != 0 {
                y = side - 1 - y;
            }
            if symmetry & 1 != 0 {
                x = side - 1 - x;
            }
            (top + y) * columns + left + x
        };
        let places: Vec<usize> = (0..side * side).map(place).collect();
        let pixels = rows * columns;
        let frame = lesson.clues.frame(t);
        for channel in 0..CLUES {
            self.clues.extend(places.iter().map(|p| frame[channel * pixels + p]));
        }
        self.lacking.extend(places.iter().map(|p| lesson.lacking[t * pixels + p]));
        self.asked.extend(places.iter().map(|p| lesson.asked[t * pixels + p]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, TimeAxis, Unit};

    fn field(values: Vec<f32>, cells: Vec<Cell>) -> Field {
        let axis = |kind| Axis::regular(kind, 0.5, 1.0, 4).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0, 1.0, 2.0]).unwrap();
        let mask = Mask::from_cells(cells);
        Field::new("sst", values, mask, time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), Unit::Celsius).unwrap()
    }

    #[test]
    fn only_cells_that_are_seen_are_asked_for() {
        let values: Vec<f32> = (0..48).map(|i| (i as f32 * 0.9).sin()).collect();
        let cells: Vec<Cell> = (0..48).map(|i| if i % 5 == 0 { Cell::Cloud } else { Cell::Valid }).collect();
        let occluded = field(values.clone(), cells);
        let hidden: Vec<bool> = (0..48).map(|i| i % 3 == 0).collect();
        let lesson = Lesson::Hidden { occluded: occluded.clone(), hidden };
        let prepared = lesson.prepare().unwrap();
        for i in 0..48 {
            assert_eq!(prepared.asked[i] == 1.0, i % 3 == 0 && i % 5 != 0, "{i}");
        }
        let truth = field(values, vec![Cell::Valid; 48]);
        let told = Lesson::Clear { occluded: occluded.clone(), truth }.prepare().unwrap();
        assert!((0..48).all(|i| (told.asked[i] == 1.0) == (i % 5 == 0)));
        let nothing = Lesson::Hidden { occluded, hidden: vec![false; 48] };
        assert!(nothing.prepare().unwrap_err().to_string().contains("asks for no cell"));
    }

    #[test]
    fn a_batch_keeps_channels_and_answers_together() {
        let values: Vec<f32> = (0..48).map(|i| i as f32).collect();
        let occluded = field(values, vec![Cell::Valid; 48]);
        let hidden: Vec<bool> = (0..48).map(|i| i == 21).collect();
        let prepared = Lesson::Hidden { occluded, hidden }.prepare().unwrap();
        let mut batch = FrameBatch::default();
        let mut random = Random::new(1, "batch");
        (0..8).for_each(|_| batch.push(&prepared, 4, &mut random));
        assert_eq!((batch.clues.len(), batch.lacking.len()), (8 * CLUES * 16, 8 * 16));
        for (clues, asked) in batch.clues.chunks(CLUES * 16).zip(batch.asked.chunks(16)) {
            // The one hidden cell, wherever it was turned to, is the one that is not seen.
            let hidden = asked.iter().position(|a| *a == 1.0).unwrap();
            assert!((0..16).all(|p| (clues[16 + p] == 0.0) == (p == hidden)));
        }
    }
}
