//! The error of a fill, from observed cells that were hidden from it.

use super::sequence::Sequence;

/// Upper ends of the classes of distance, in steps to the nearest observed cell; the last class is open.
const CLASSES: [u32; 5] = [1, 2, 4, 8, 16];
/// A class with fewer hidden cells shares those of the class before it.
const LEAST: usize = 20;

/// Root mean square error by distance to the nearest observed cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeldOutError {
    through_time: bool,
    by_class: [f64; CLASSES.len() + 1],
}

impl HeldOutError {
    /// From the cells `hidden` of `sequence`, which a fill of `rest` (the sequence without them) gave `values`. Steps lead
    /// `through_time` or stay in the frame. None where too few were hidden to say anything.
    pub fn new(
        sequence: &Sequence,
        rest: &Sequence,
        hidden: &[usize],
        through_time: bool,
        values: impl Fn(usize) -> Option<f64>,
    ) -> Option<HeldOutError> {
        let steps = rest.steps_from(&rest.observed, through_time);
        let mut sums = [(0.0, 0usize); CLASSES.len() + 1];
        for i in hidden {
            if let (Some(value), Some(steps)) = (values(*i), steps[*i]) {
                let (sum, count) = &mut sums[class(steps)];
                *sum += (value - sequence.values[*i]).powi(2);
                *count += 1;
            }
        }
        if sums.iter().map(|(_, count)| count).sum::<usize>() < LEAST {
            return None;
        }
        let mut by_class = [0.0; CLASSES.len() + 1];
        let mut last = 0.0;
        let mut pending = (0.0, 0);
        for (slot, (sum, count)) in by_class.iter_mut().zip(sums) {
            pending = (pending.0 + sum, pending.1 + count);
            if pending.1 >= LEAST {
                // Farther is never better: a smaller number there is chance.
                last = f64::max(last, (pending.0 / pending.1 as f64).sqrt());
                pending = (0.0, 0);
            }
            *slot = last;
        }
        // Classes before the first with enough cells share that one's.
        let first = by_class.iter().copied().find(|e| *e > 0.0).unwrap_or(0.0);
        by_class.iter_mut().filter(|e| **e == 0.0).for_each(|e| *e = first);
        Some(HeldOutError { through_time, by_class })
    }

    /// The error expected of each cell of `sequence`: 0 where observed.
    pub fn of_cells(&self, sequence: &Sequence) -> Vec<f64> {
        let steps = sequence.steps_from(&sequence.observed, self.through_time);
        steps.into_iter().map(|s| s.map_or(0.0, |s| if s == 0 { 0.0 } else { self.by_class[class(s)] })).collect()
    }
}

fn class(steps: u32) -> usize {
    CLASSES.iter().position(|end| steps <= *end).unwrap_or(CLASSES.len())
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::sequence;
    use super::*;

    #[test]
    fn errors_by_distance() {
        // A row seen at its left end alone; hidden cells at steps 1 to 60 with errors of 1 up to step 16, of 3 beyond.
        let whole = sequence([1, 1, 61], vec![Some(0.0); 61]);
        let hidden: Vec<usize> = (1..61).collect();
        let rest = whole.hiding(&hidden);
        let error = HeldOutError::new(&whole, &rest, &hidden, true, |i| Some(if i <= 16 { 1.0 } else { 3.0 })).unwrap();
        // 16 cells are too few for classes of their own: with the 44 beyond they make the last, √((16 + 9·44) / 60)
        let all = ((16.0 + 9.0 * 44.0) / 60.0f64).sqrt();
        assert!(error.by_class.iter().all(|e| (e - all).abs() < 1e-12), "{error:?}");
        let cells = error.of_cells(&rest);
        assert_eq!(cells[0], 0.0);
        assert!((cells[5] - all).abs() < 1e-12);
        assert!(HeldOutError::new(&whole, &rest, &hidden[..5], true, |_| Some(0.0)).is_none());
        // three rows make enough: 1 near, 3 far, nothing between grows again
        let whole = sequence([1, 3, 61], vec![Some(0.0); 183]);
        let hidden: Vec<usize> = (0..183).filter(|i| i % 61 > 0).collect();
        let error =
            HeldOutError::new(&whole, &whole.hiding(&hidden), &hidden, true, |i| Some(if i % 61 <= 16 { 1.0 } else { 3.0 }));
        assert_eq!(error.unwrap().by_class[2..], [1.0, 1.0, 1.0, 3.0]);
    }
}
