//! The largest square of cells without land or gaps.

/// A square of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Square {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
    /// Cells along each side.
    pub cells: usize,
}

/// The largest square in which every cell is valid, the first in reading order of several; none without a valid cell.
///
/// # Formula
/// ```text
/// s(y, x) = 1 + min( s(y−1, x), s(y, x−1), s(y−1, x−1) ) where valid, else 0:  the largest square that ends at (y, x)
/// ```
pub fn land_free_square(valid: &[bool], rows: usize, columns: usize) -> Option<Square> {
    if valid.len() != rows * columns {
        return None;
    }
    let mut above = vec![0usize; columns];
    let mut best: Option<Square> = None;
    for y in 0..rows {
        let mut now = vec![0usize; columns];
        for x in 0..columns {
            if !valid[y * columns + x] {
                continue;
            }
            let (left, corner) = if x == 0 { (0, 0) } else { (now[x - 1], above[x - 1]) };
            let cells = 1 + left.min(corner).min(above[x]);
            now[x] = cells;
            if best.is_none_or(|b| cells > b.cells) {
                best = Some(Square { row: y + 1 - cells, column: x + 1 - cells, cells });
            }
        }
        above = now;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn is_free(valid: &[bool], columns: usize, s: Square) -> bool {
        (s.row..s.row + s.cells).all(|y| (s.column..s.column + s.cells).all(|x| valid[y * columns + x]))
    }

    #[test]
    fn every_square_tried_in_turn_is_the_twin() {
        let mut random = Random::new(2, "square");
        for (rows, columns, sea) in [(7, 9, 0.8), (9, 5, 0.9), (1, 6, 0.5), (8, 8, 0.97), (5, 5, 0.0)] {
            for _ in 0..40 {
                let valid: Vec<bool> = (0..rows * columns).map(|_| random.uniform() < sea).collect();
                let every = (1..=rows.min(columns)).rev().flat_map(|cells| {
                    let corners = move |row: usize| (0..=columns - cells).map(move |column| Square { row, column, cells });
                    (0..=rows - cells).flat_map(corners)
                });
                let want = every.into_iter().find(|s| is_free(&valid, columns, *s));
                let got = land_free_square(&valid, rows, columns);
                assert_eq!(got.map(|s| s.cells), want.map(|s| s.cells));
                assert!(got.is_none_or(|s| is_free(&valid, columns, s)));
            }
        }
    }

    #[test]
    fn nothing_from_nothing() {
        assert_eq!(land_free_square(&[], 0, 0), None);
        assert_eq!(land_free_square(&[true], 1, 2), None);
        assert_eq!(land_free_square(&[false, true], 1, 2), Some(Square { row: 0, column: 1, cells: 1 }));
    }
}
