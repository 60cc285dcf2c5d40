//! Distance to the coast of each cell of a grid, exact on the sphere.

use rayon::prelude::*;

use super::error::{ScoreError, ScoreResult};
use crate::grid::{EARTH_RADIUS_METRES, great_circle_metres};

/// Distance in metres from each cell's centre to that of the nearest land cell, along the great circle; where that is
/// `limit_metres` or more, the limit. Land itself has 0.
///
/// Only land inside the grid is seen: near the border of a region the coast may be nearer than told. Longitudes
/// ascend and go around the globe at most once.
///
/// Of each row only the nearest land to the west and to the east can be the nearest, and rows farther away than the best
/// found so far are not looked at, so the cost grows with the limit and not with the number of land cells.
///
/// # Errors
/// [`ScoreError::Argument`] where the land does not fit the axes or the limit is not positive.
///
/// # Example
/// ```
/// use isotherm::score::coast_distance;
/// // one row on the equator, land in the first of four cells of one degree: 111.195 km each
/// let metres = coast_distance(&[true, false, false, false], &[0.0], &[0.0, 1.0, 2.0, 3.0], 250e3).unwrap();
/// assert!((metres[1] - 111_195.08).abs() < 0.1 && metres[3] == 250e3);
/// ```
///
/// # Reference
/// Great circle: Sinnott (1984), Virtues of the haversine, Sky and Telescope 68, 159
pub fn coast_distance(land: &[bool], latitudes: &[f64], longitudes: &[f64], limit_metres: f64) -> ScoreResult<Vec<f64>> {
    let (rows, columns) = (latitudes.len(), longitudes.len());
    if land.len() != rows * columns || columns == 0 {
        return Err(ScoreError::Argument(format!("{} cells of land do not fit a grid of {rows} x {columns}", land.len())));
    }
    if !(limit_metres > 0.0 && limit_metres.is_finite()) {
        return Err(ScoreError::Argument(format!("a limit of {limit_metres} m was given; a positive distance is wanted")));
    }
    let nearest: Vec<[Option<u32>; 2]> = land.par_chunks(columns).flat_map_iter(nearest_in_row).collect();
    let mut metres = vec![limit_metres; land.len()];
    metres.par_chunks_mut(columns).enumerate().for_each(|(y, out)| {
        let order = rows_by_distance(latitudes, y);
        for (x, best) in out.iter_mut().enumerate() {
            for (row, along_meridian) in &order {
                if along_meridian >= best {
                    break;
                }
                for column in nearest[row * columns + x].into_iter().flatten() {
                    let there = longitudes[column as usize];
                    *best = best.min(great_circle_metres(latitudes[y], longitudes[x], latitudes[*row], there));
                }
            }
        }
    });
    Ok(metres)
}

/// The rows from the nearest to the farthest, with a lower bound of the distance to any place in them.
fn rows_by_distance(latitudes: &[f64], row: usize) -> Vec<(usize, f64)> {
    // A hair below the true arc, so that rounding never hides an equally near row.
    let arc = |other: usize| (latitudes[other] - latitudes[row]).abs().to_radians() * EARTH_RADIUS_METRES * (1.0 - 1e-12);
    let mut order: Vec<(usize, f64)> = (0..latitudes.len()).map(|other| (other, arc(other))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    order
}

/// For each column the nearest land column at or before it, and at or after it, going around: on a circle of latitude the
/// nearest is one of the two, whether the grid closes or not.
fn nearest_in_row(row: &[bool]) -> Vec<[Option<u32>; 2]> {
    let n = row.len();
    let mut nearest = vec![[None; 2]; n];
    let mut last = None;
    for step in 0..2 * n {
        let x = step % n;
        last = if row[x] { Some(x as u32) } else { last };
        nearest[x][0] = last;
    }
    last = None;
    for step in (0..2 * n).rev() {
        let x = step % n;
        last = if row[x] { Some(x as u32) } else { last };
        nearest[x][1] = last;
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn it_is_the_brute_force_distance() {
        let mut random = Random::new(5, "coast");
        for (spacing, south) in [(15.0, -88.0), (14.0, -80.0), (3.0, 40.0), (0.5, 70.0)] {
            let (rows, columns) = (12, 24);
            let latitudes: Vec<f64> = (0..rows).map(|y| south + spacing * f64::from(y)).collect();
            let longitudes: Vec<f64> = (0..columns).map(|x| 10.0 + spacing * f64::from(x)).collect();
            let land: Vec<bool> = (0..rows * columns).map(|_| random.uniform() < 0.04).collect();
            let limit = 2500e3;
            let fast = coast_distance(&land, &latitudes, &longitudes, limit).unwrap();
            for (i, fast) in fast.iter().enumerate() {
                let at = |i: usize| (latitudes[i / columns as usize], longitudes[i % columns as usize]);
                let to = |j: usize| great_circle_metres(at(i).0, at(i).1, at(j).0, at(j).1);
                let slow = (0..land.len()).filter(|j| land[*j]).map(to).fold(limit, f64::min);
                assert!((fast - slow).abs() < 1e-6, "{spacing} {i}: {fast} {slow}");
            }
        }
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(coast_distance(&[true], &[0.0], &[0.0, 1.0], 1.0).is_err());
        assert!(coast_distance(&[], &[], &[], 1.0).is_err());
        assert!(coast_distance(&[true], &[0.0], &[0.0], 0.0).is_err());
        assert_eq!(coast_distance(&[false], &[0.0], &[0.0], 5.0).unwrap(), [5.0]);
    }
}
