//! Other ways to hide cells: raindrops, a moving bar, single pixels, and gaps of whole days.

use serde::{Deserialize, Serialize};

use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};

/// Places tried in a row without room for a gap before the search ends.
const IDLE_TRIES: usize = 1000;

/// A way to hide cells of a sequence of frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occlusion {
    /// Each cell by itself with this probability.
    Pixels {
        /// Probability.
        share: f64,
    },
    /// Vertical bars that fall.
    Raindrops {
        /// How many.
        count: usize,
        /// Rows of a bar.
        length: usize,
        /// Columns of a bar.
        width: usize,
        /// Rows fallen from one frame to the next.
        speed: usize,
    },
    /// One bar over all rows that moves along the columns and comes around again.
    MovingBar {
        /// Columns of the bar.
        width: usize,
        /// Columns moved from one frame to the next.
        speed: usize,
    },
    /// Gaps of several frames in a row in rectangles at random places, until the share is hidden.
    Gaps {
        /// Share of the cells to be hidden.
        share: f64,
        /// Shortest gap in frames.
        shortest: usize,
        /// Longest gap in frames.
        longest: usize,
        /// Rows and columns of a rectangle.
        side: usize,
    },
}

impl Occlusion {
    /// Imposed gaps of 5 to 10 daily frames over half of the cells, in squares of 24 cells.
    pub fn imposed_gaps() -> Occlusion {
        Occlusion::Gaps { share: 0.5, shortest: 5, longest: 10, side: 24 }
    }

    /// Which cells of `[frames, rows, columns]` are hidden.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where a share lies outside of 0..1, a size is 0, or gaps are longer than the sequence.
    ///
    /// # Example
    /// ```
    /// use isotherm::base::random::Random;
    /// use isotherm::methods::unisst::Occlusion;
    /// let bar = Occlusion::MovingBar { width: 1, speed: 1 };
    /// let hidden = bar.draw([2, 1, 4], &mut Random::new(1, "bar")).unwrap();
    /// assert_eq!(hidden.iter().filter(|h| **h).count(), 2);
    /// ```
    pub fn draw(&self, shape: [usize; 3], random: &mut Random) -> MethodResult<Vec<bool>> {
        self.check(shape)?;
        let [frames, rows, columns] = shape;
        let mut hidden = vec![false; frames * rows * columns];
        match *self {
            Occlusion::Pixels { share } => hidden.iter_mut().for_each(|h| *h = random.uniform() < share),
            Occlusion::Raindrops { count, length, width, speed } => {
                for _ in 0..count {
                    let (top, left) = (random.below(rows), random.below(columns));
                    for t in 0..frames {
                        let down = (0..length).map(|k| (top + t * speed + k) % rows);
                        hide(&mut hidden, shape, t, down, (0..width).map(|k| (left + k) % columns));
                    }
                }
            }
            Occlusion::MovingBar { width, speed } => {
                let left = random.below(columns);
                for t in 0..frames {
                    hide(&mut hidden, shape, t, 0..rows, (0..width.min(columns)).map(|k| (left + t * speed + k) % columns));
                }
            }
            Occlusion::Gaps { share, shortest, longest, side } => {
                let wanted = (share * hidden.len() as f64) as usize;
                let (mut count, mut idle) = (0, 0);
                // Gaps of one pixel do not meet: a meeting would make a longer one. Where none fits any more, what is hidden
                // must do.
                while count < wanted && idle < IDLE_TRIES {
                    let length = shortest + random.below(longest - shortest + 1);
                    let start = random.below(frames - length + 1);
                    let (top, left) = (random.below(rows), random.below(columns));
                    let before = count;
                    for y in top..rows.min(top + side) {
                        for x in left..columns.min(left + side) {
                            let cells = || (start..start + length).map(|t| (t * rows + y) * columns + x);
                            let around = [start.checked_sub(1), Some(start + length).filter(|t| *t < frames)];
                            let beside = around.into_iter().flatten().map(|t| (t * rows + y) * columns + x);
                            if count < wanted && !cells().chain(beside).any(|i| hidden[i]) {
                                cells().for_each(|i| hidden[i] = true);
                                count += length;
                            }
                        }
                    }
                    idle = if count == before { idle + 1 } else { 0 };
                }
            }
        }
        Ok(hidden)
    }

    fn check(&self, [frames, rows, columns]: [usize; 3]) -> MethodResult<()> {
        let problem = match *self {
            Occlusion::Pixels { share } | Occlusion::Gaps { share, .. } if !(0.0..=1.0).contains(&share) => {
                format!("a share of {share} was to be hidden; 0 to 1 is wanted")
            }
            Occlusion::Raindrops { length: 0, .. }
            | Occlusion::Raindrops { width: 0, .. }
            | Occlusion::MovingBar { width: 0, .. } => "bars of no size were to hide cells; 1 or more cells are wanted".into(),
            Occlusion::Gaps { shortest, longest, side, .. }
                if shortest == 0 || shortest > longest || longest > frames || side == 0 =>
            {
                format!("gaps of {shortest} to {longest} frames in squares of {side} do not fit {frames} frames")
            }
            _ if frames * rows * columns == 0 => "a sequence without cells was to be occluded".into(),
            _ => return Ok(()),
        };
        Err(MethodError::Argument(problem))
    }
}

fn hide(
    hidden: &mut [bool],
    [_, rows, columns]: [usize; 3],
    frame: usize,
    down: impl Iterator<Item = usize>,
    along: impl Iterator<Item = usize> + Clone,
) {
    for y in down {
        for x in along.clone() {
            hidden[(frame * rows + y) * columns + x] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(occlusion: Occlusion, shape: [usize; 3]) -> Vec<bool> {
        occlusion.draw(shape, &mut Random::new(4, "occlusion")).unwrap()
    }

    #[test]
    fn pixels_are_hidden_at_the_rate_asked_for() {
        let hidden = drawn(Occlusion::Pixels { share: 0.3 }, [10, 40, 50]);
        let share = hidden.iter().filter(|h| **h).count() as f64 / 20_000.0;
        // five standard errors of √(0.3 · 0.7 / 20000)
        assert!((share - 0.3).abs() < 0.0163, "{share}");
    }

    #[test]
    fn a_bar_moves_and_a_drop_falls() {
        let hidden = drawn(Occlusion::MovingBar { width: 3, speed: 2 }, [4, 5, 10]);
        for t in 0..3 {
            for i in 0..50 {
                assert_eq!(hidden[t * 50 + i], hidden[(t + 1) * 50 + i / 10 * 10 + (i % 10 + 2) % 10]);
            }
        }
        assert!(hidden.chunks(10).all(|row| row.iter().filter(|h| **h).count() == 3));
        let hidden = drawn(Occlusion::Raindrops { count: 1, length: 4, width: 2, speed: 3 }, [3, 12, 9]);
        for t in 0..2 {
            for i in 0..108 {
                assert_eq!(hidden[t * 108 + i], hidden[(t + 1) * 108 + (i / 9 + 3) % 12 * 9 + i % 9]);
            }
        }
        assert!(hidden.chunks(108).all(|frame| frame.iter().filter(|h| **h).count() == 8));
    }

    #[test]
    fn imposed_gaps_have_the_lengths_asked_for() {
        let shape = [91, 30, 30];
        let hidden = drawn(Occlusion::Gaps { share: 0.4, shortest: 5, longest: 10, side: 8 }, shape);
        let share = hidden.iter().filter(|h| **h).count() as f64 / hidden.len() as f64;
        assert!((share - 0.4).abs() < 0.001, "{share}");
        for p in 0..900 {
            let mut run = 0;
            for t in 0..=91 {
                if t < 91 && hidden[t * 900 + p] {
                    run += 1;
                } else {
                    assert!(run == 0 || (5..=10).contains(&run), "{run}");
                    run = 0;
                }
            }
        }
    }

    #[test]
    fn absurd_settings_are_refused() {
        let mut random = Random::new(1, "absurd");
        for occlusion in [
            Occlusion::Pixels { share: 1.5 },
            Occlusion::MovingBar { width: 0, speed: 1 },
            Occlusion::Gaps { share: 0.5, shortest: 5, longest: 10, side: 4 },
            Occlusion::Gaps { share: 0.5, shortest: 4, longest: 3, side: 4 },
        ] {
            assert!(occlusion.draw([9, 4, 4], &mut random).is_err(), "{occlusion:?}");
        }
    }
}
