//! Finding the bin of a squared distance in the inner loop over pairs: no root, no search.

/// Cells of the table; far more than bins, so that at most a step or two remain.
const CELLS: usize = 4096;

/// Ascending thresholds with a table of where to begin.
pub(super) struct BinLookup {
    /// The thresholds, then an infinity that ends every walk.
    thresholds: Vec<f64>,
    /// For each cell a slot at or below that of every number in it.
    begin: Vec<u16>,
    scale: f64,
}

impl BinLookup {
    /// `thresholds` ascend, are finite and fewer than 2¹⁶ − 1.
    pub(super) fn new(mut thresholds: Vec<f64>) -> BinLookup {
        let largest = thresholds[thresholds.len() - 1];
        let scale = CELLS as f64 / largest;
        // One cell early, since the cell of a number at a border depends on rounding.
        let slot = |cell: usize| thresholds.partition_point(|t| *t <= cell.saturating_sub(1) as f64 / scale);
        let begin = (0..=CELLS).map(|cell| if cell == 0 { 0 } else { slot(cell) as u16 }).collect();
        thresholds.push(f64::INFINITY);
        BinLookup { thresholds, begin, scale }
    }

    /// The number of slots: below the first threshold, between two, and from the last on.
    pub(super) fn slots(&self) -> usize {
        self.thresholds.len()
    }

    /// The number of thresholds at or below `value`, which is finite and not negative: 0 is before the first bin, k is
    /// bin k − 1.
    #[inline(always)]
    pub(super) fn slot(&self, value: f64) -> usize {
        // The cast saturates, so any large value falls into the last cell.
        let mut slot = usize::from(self.begin[((value * self.scale) as usize).min(CELLS)]);
        while value >= self.thresholds[slot] {
            slot += 1;
        }
        slot
    }

    /// The last threshold: values from here on are in no bin.
    pub(super) fn largest(&self) -> f64 {
        self.thresholds[self.thresholds.len() - 2]
    }
}

/// The smallest number whose square root is at least `edge`: to compare a square with it is to compare the root with
/// the edge, to the last bit.
pub(super) fn square_threshold(edge: f64) -> f64 {
    let mut square = edge * edge;
    while square.sqrt() < edge {
        square = square.next_up();
    }
    while square > 0.0 && square.next_down().sqrt() >= edge {
        square = square.next_down();
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_search(mut edges in prop::collection::vec(0.0f64..100.0, 2..30), values in prop::collection::vec(0.0f64..150.0, 50)) {
            edges.sort_unstable_by(f64::total_cmp);
            let lookup = BinLookup::new(edges.clone());
            for value in values.into_iter().chain(edges.iter().flat_map(|e| [*e, e.next_down().max(0.0), e.next_up()])) {
                prop_assert_eq!(lookup.slot(value), edges.partition_point(|e| *e <= value), "{}", value);
            }
            prop_assert_eq!(lookup.slot(f64::MAX), edges.len());
        }

        #[test]
        fn comparing_squares_is_comparing_roots(edge in 1e-3f64..1e4, offset in -4i64..5) {
            let threshold = square_threshold(edge);
            let square = f64::from_bits((edge * edge).to_bits().wrapping_add_signed(offset));
            prop_assert_eq!(square >= threshold, square.sqrt() >= edge);
        }
    }

    #[test]
    fn zero_is_a_threshold() {
        assert_eq!(square_threshold(0.0), 0.0);
        assert_eq!(BinLookup::new(vec![0.0, 1.0]).slot(0.0), 1);
    }
}
