//! For each cell the nearest valid one, by the exact Euclidean distance in cells.

use rayon::prelude::*;

use super::error::{GridError, GridResult};
use super::plane::check_plane;

/// The nearest valid cell of every cell of a plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearestValid {
    /// Position of the nearest valid cell; of several equally near one is taken, always the same.
    pub source: Vec<usize>,
    /// Squared distance to it in cells; 0 where the cell is itself valid.
    pub squared_distance: Vec<u64>,
}

/// Farther than any two cells of a plane can lie apart, and its square still fits.
const FAR: i64 = 1 << 30;

/// The nearest valid cell of each cell, in time proportional to the number of cells.
///
/// Columns go around where `wrap_columns` is set. Distances are counted in cells, not kilometres.
///
/// # Errors
/// [`GridError::Length`] where the mask does not fit; [`GridError::Empty`] where no cell is valid.
///
/// # Reference
/// Felzenszwalb, P. and Huttenlocher, D. (2012), Distance transforms of sampled functions.
/// doi:10.4086/toc.2012.v008a019.
///
/// # Example
/// ```
/// use isotherm::grid::nearest_valid;
/// let nearest = nearest_valid(&[true, false, false, true, false, false], 1, 6, false).unwrap();
/// assert_eq!(nearest.source, [0, 0, 3, 3, 3, 3]);
/// assert_eq!(nearest.squared_distance, [0, 1, 1, 0, 1, 4]);
/// ```
pub fn nearest_valid(valid: &[bool], rows: usize, columns: usize, wrap_columns: bool) -> GridResult<NearestValid> {
    check_plane("the mask", valid.len(), rows, columns)?;
    if !valid.contains(&true) {
        return Err(GridError::Empty(format!("none of {rows} x {columns} cells is valid; at least one is wanted to fill from")));
    }
    let above = nearest_row(valid, rows, columns);
    let mut source = vec![0; valid.len()];
    let mut squared_distance = vec![0; valid.len()];
    source.par_chunks_mut(columns).zip(squared_distance.par_chunks_mut(columns)).enumerate().for_each(|(y, (from, squared))| {
        let line = &above[y * columns..(y + 1) * columns];
        let height = |x: usize| (line[x] - y as i64).pow(2);
        // Around the globe: half a turn more on either side holds every shortest way.
        let reach = if wrap_columns { (columns / 2 + 1) as i64 } else { 0 };
        let n = columns as i64;
        let parabolas = Envelope::of((-reach..n + reach).filter_map(|x| {
            let column = x.rem_euclid(n) as usize;
            (line[column] < FAR).then(|| (x, height(column)))
        }));
        parabolas.along(columns, |x, apex, distance| {
            let column = apex.rem_euclid(n) as usize;
            from[x] = line[column] as usize * columns + column;
            squared[x] = distance as u64;
        });
    });
    Ok(NearestValid { source, squared_distance })
}

/// For each cell the row of the nearest valid cell in its column, or [`FAR`]; upper rows win ties.
fn nearest_row(valid: &[bool], rows: usize, columns: usize) -> Vec<i64> {
    let mut nearest = vec![FAR; valid.len()];
    for y in 0..rows {
        for x in 0..columns {
            let i = y * columns + x;
            nearest[i] = if valid[i] {
                y as i64
            } else if y > 0 {
                nearest[i - columns]
            } else {
                FAR
            };
        }
    }
    for y in (0..rows.saturating_sub(1)).rev() {
        for x in 0..columns {
            let i = y * columns + x;
            let below = nearest[i + columns];
            if (below - y as i64).abs() < (nearest[i] - y as i64).abs() {
                nearest[i] = below;
            }
        }
    }
    nearest
}

/// The lower envelope of parabolas `height + (x - apex)²`.
struct Envelope {
    /// Apex, height, and the first whole x at which this parabola is the lowest.
    parts: Vec<(i64, i64, i64)>,
}

impl Envelope {
    /// `parabolas` come with ascending apex.
    fn of(parabolas: impl Iterator<Item = (i64, i64)>) -> Envelope {
        let mut parts: Vec<(i64, i64, i64)> = Vec::new();
        for (apex, height) in parabolas {
            let mut start = i64::MIN;
            while let Some(&(left, left_height, left_start)) = parts.last() {
                // First x where the new parabola is strictly lower, in whole numbers:
                // height + (x - apex)² < left_height + (x - left)²
                let excess = height + apex * apex - left_height - left * left;
                start = excess.div_euclid(2 * (apex - left)) + 1;
                if start > left_start {
                    break;
                }
                parts.pop();
                start = i64::MIN;
            }
            parts.push((apex, height, start));
        }
        Envelope { parts }
    }

    fn along(&self, length: usize, mut visit: impl FnMut(usize, i64, i64)) {
        let mut part = 0;
        for x in 0..length as i64 {
            while part + 1 < self.parts.len() && self.parts[part + 1].2 <= x {
                part += 1;
            }
            if let Some((apex, height, _)) = self.parts.get(part) {
                visit(x as usize, *apex, height + (x - apex).pow(2));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The distance by trying every valid cell.
    fn brute_force(valid: &[bool], rows: usize, columns: usize, wrap: bool) -> Vec<u64> {
        let squared = |a: usize, b: usize| {
            let (dy, mut dx) = ((a / columns).abs_diff(b / columns), (a % columns).abs_diff(b % columns));
            if wrap {
                dx = dx.min(columns - dx);
            }
            (dy * dy + dx * dx) as u64
        };
        (0..rows * columns).map(|i| (0..valid.len()).filter(|j| valid[*j]).map(|j| squared(i, j)).min().unwrap()).collect()
    }

    #[test]
    fn nothing_valid_is_an_error() {
        assert!(matches!(nearest_valid(&[false; 4], 2, 2, false), Err(GridError::Empty(_))));
    }

    #[test]
    fn the_nearest_may_lie_across_the_date_line() {
        let nearest = nearest_valid(&[false, false, false, false, true], 1, 5, true).unwrap();
        assert_eq!(nearest.squared_distance, [1, 4, 4, 1, 0]);
    }

    proptest! {
        #[test]
        fn it_is_the_brute_force_distance(
            rows in 1usize..9, columns in 1usize..9, bits in prop::collection::vec(0u8..5, 64), at in 0usize..64, wrap: bool
        ) {
            let mut valid: Vec<bool> = bits[..rows * columns].iter().map(|b| *b == 0).collect();
            valid[at % (rows * columns)] = true;
            let nearest = nearest_valid(&valid, rows, columns, wrap).unwrap();
            prop_assert_eq!(&nearest.squared_distance, &brute_force(&valid, rows, columns, wrap));
            for (i, source) in nearest.source.iter().enumerate() {
                prop_assert!(valid[*source]);
                let mut only = vec![false; valid.len()];
                only[*source] = true;
                prop_assert_eq!(brute_force(&only, rows, columns, wrap)[i], nearest.squared_distance[i]);
            }
        }
    }
}
