//! [`GridIndex`]: the cell of a grid at a point, by latitude and longitude each for itself.

use rayon::prelude::*;

use super::axis_line::AxisLine;
use super::error::{ScoreError, ScoreResult};
use super::locate::on_sphere;
use crate::grid::Axis;

/// Points that one task works on.
const CHUNK: usize = 1 << 14;

/// Finds cells by the nearest latitude and the nearest longitude: on a regular grid the cell that holds the point, by
/// arithmetic alone.
///
/// Several times faster than [`GridLocator`](super::GridLocator), which goes by great circles and gives distances. The two
/// differ only where a point lies close to the border of two rows: to the east or west of its cell's centre the great circle
/// bulges poleward.
///
/// # Example
/// ```
/// use isotherm::grid::{Axis, AxisKind};
/// use isotherm::score::GridIndex;
/// let latitude = Axis::regular(AxisKind::Latitude, 40.0, 1.0, 3).unwrap();
/// let longitude = Axis::regular(AxisKind::Longitude, -179.5, 1.0, 360).unwrap();
/// // nearest 41 N and 179.5 W
/// assert_eq!(GridIndex::new(&latitude, &longitude).cells(&[41.2], &[180.9]).unwrap(), [360]);
/// ```
#[derive(Clone, Debug)]
pub struct GridIndex {
    rows: AxisLine,
    columns: AxisLine,
}

impl GridIndex {
    /// The index of the grid of these axes.
    pub fn new(latitude: &Axis, longitude: &Axis) -> GridIndex {
        GridIndex { rows: AxisLine::new(latitude), columns: AxisLine::new(longitude) }
    }

    /// Row times number of columns plus column of the nearest cell, however far; a tie goes to the lower position. Longitudes
    /// may be counted in any turn.
    #[inline]
    pub fn cell(&self, latitude: f64, longitude: f64) -> Option<usize> {
        let cell = || self.rows.nearest(latitude) * self.columns.centres.len() + self.columns.nearest_longitude(longitude);
        on_sphere(latitude, longitude).then(cell)
    }

    /// The cell of each point.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for lists of different lengths or the first point that is not on the sphere.
    pub fn cells(&self, latitudes: &[f64], longitudes: &[f64]) -> ScoreResult<Vec<usize>> {
        if latitudes.len() != longitudes.len() {
            return Err(ScoreError::Argument(format!(
                "{} latitudes and {} longitudes make no points; as many of both are wanted",
                latitudes.len(),
                longitudes.len()
            )));
        }
        let mut cells = vec![0; latitudes.len()];
        let places = latitudes.par_chunks(CHUNK).zip(longitudes.par_chunks(CHUNK));
        let failures: Vec<Option<usize>> = cells
            .par_chunks_mut(CHUNK)
            .zip(places)
            .enumerate()
            .map(|(chunk, (cells, (latitudes, longitudes)))| {
                let mut failure = None;
                for (i, (cell, (latitude, longitude))) in cells.iter_mut().zip(latitudes.iter().zip(longitudes)).enumerate() {
                    match self.cell(*latitude, *longitude) {
                        Some(found) => *cell = found,
                        None => failure = failure.or(Some(chunk * CHUNK + i)),
                    }
                }
                failure
            })
            .collect();
        match failures.into_iter().flatten().min() {
            None => Ok(cells),
            Some(i) => Err(ScoreError::Argument(format!(
                "point {i} at latitude {}, longitude {} is not on the sphere",
                latitudes[i], longitudes[i]
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::grid::{AxisKind, longitude_difference};

    #[test]
    fn nearest_in_each_coordinate() {
        let grids = [
            (Axis::regular(AxisKind::Latitude, -85.0, 10.0, 18), Axis::regular(AxisKind::Longitude, 5.0, 10.0, 36)),
            (Axis::regular(AxisKind::Latitude, 60.0, -1.5, 12), Axis::regular(AxisKind::Longitude, 170.0, 2.0, 14)),
            (Axis::new(AxisKind::Latitude, vec![-70.0, -20.0, 3.0]), Axis::new(AxisKind::Longitude, vec![-50.0, 0.0, 1.0, 90.0])),
        ];
        let mut random = Random::new(12, "grid index");
        for (latitude, longitude) in grids {
            let (latitude, longitude) = (latitude.unwrap(), longitude.unwrap());
            let y: Vec<f64> = (0..500).map(|_| random.uniform_in(-90.0, 90.0)).collect();
            let x: Vec<f64> = (0..500).map(|_| random.uniform_in(-400.0, 800.0)).collect();
            let cells = GridIndex::new(&latitude, &longitude).cells(&y, &x).unwrap();
            for (cell, (y, x)) in cells.iter().zip(y.iter().zip(&x)) {
                let (row, column) = (cell / longitude.len(), cell % longitude.len());
                let rows = latitude.centres().iter().map(|c| (c - y).abs()).fold(f64::MAX, f64::min);
                let columns = longitude.centres().iter().map(|c| longitude_difference(*c, *x)).fold(f64::MAX, f64::min);
                assert_eq!((latitude.centres()[row] - y).abs(), rows);
                assert!(longitude_difference(longitude.centres()[column], *x) <= columns + 1e-9);
            }
        }
    }

    #[test]
    fn what_is_no_point_is_named() {
        let axis = |kind| Axis::regular(kind, 0.0, 1.0, 3).unwrap();
        let index = GridIndex::new(&axis(AxisKind::Latitude), &axis(AxisKind::Longitude));
        assert!(index.cells(&[0.0], &[]).is_err());
        assert!(index.cells(&[0.0, 91.0], &[0.0, 0.0]).unwrap_err().to_string().contains("point 1"));
        assert_eq!(index.cell(f64::NAN, 0.0), None);
        assert_eq!(index.cell(0.4, 0.6), Some(1));
    }
}
