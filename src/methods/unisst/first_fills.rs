//! The fills that a network starts from: the one that it corrects, and what others say.

use crate::grid::Field;
use crate::methods::baselines::{Bending, GapFill, Sequence, Solution, frame_offset_biharmonic};
use crate::methods::error::MethodResult;

/// Number of other fills.
pub(super) const OTHERS: usize = 3;

/// The corrected fill: a frame-offset biharmonic one with some tension, which swings less in wide gaps, and solved roughly,
/// since a network follows.
const FIRST: Bending = Bending { slope_weight: 0.1, temporal_weight: 4.0, tolerance: 1e-3 };
/// The same with more trust in what was seen at other times.
const LASTING: Bending = Bending { slope_weight: 0.1, temporal_weight: 12.0, tolerance: 1e-3 };

/// Fills of one sequence.
#[derive(Clone, Debug)]
pub(super) struct FirstFills {
    /// The one that is corrected.
    pub first: Solution,
    /// The fill that moves with the flow, a biharmonic one that is stiffer in time, and a straight line in time without frame
    /// offsets.
    pub others: [Solution; OTHERS],
}

impl FirstFills {
    /// Of a field and its sequence.
    ///
    /// # Errors
    /// As [`GapFill::fill`].
    pub fn new(field: &Field, sequence: &Sequence) -> MethodResult<FirstFills> {
        Ok(FirstFills {
            first: frame_offset_biharmonic(sequence, &FIRST)?,
            others: [
                GapFill::MovingBiharmonic.solution(field, sequence)?,
                frame_offset_biharmonic(sequence, &LASTING)?,
                GapFill::FrameOffset.solution(field, sequence)?,
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::residual_fill::tests::pond;
    use super::*;
    use crate::grid::{Cell, Mask};

    #[test]
    fn all_fill_and_keep_what_is_seen() {
        let cells = (0..864).map(|i| if (i / 7) % 3 == 0 { Cell::Cloud } else { Cell::Valid }).collect();
        let seen = pond(0).remasked(Mask::from_cells(cells)).unwrap();
        let sequence = Sequence::new(&seen).unwrap();
        let fills = FirstFills::new(&seen, &sequence).unwrap();
        for fill in std::iter::once(&fills.first).chain(&fills.others) {
            for i in 0..864 {
                assert!(!sequence.observed[i] || fill.values[i] == sequence.values[i]);
                // the waves stay within 1.2 of 15
                assert!(!fill.known[i] || (fill.values[i] - 15.0).abs() < 3.0);
            }
        }
    }
}
