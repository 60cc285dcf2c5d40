//! [`GridLocator`]: which cell of a latitude-longitude grid lies nearest to a point of the sphere.

use super::axis_line::AxisLine;
use crate::grid::{Axis, AxisKind, great_circle_degrees, longitude_difference};

/// A cell found for a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocatedCell {
    /// Row (latitude index).
    pub row: usize,
    /// Column (longitude index).
    pub column: usize,
    /// Row times number of columns, plus column.
    pub index: usize,
    /// Great-circle distance from the point to the cell's centre, in degrees of arc.
    pub distance_degrees: f64,
}

/// Below this difference in longitude between a point and its column, the row is found without trigonometry.
const LARGEST_PLAIN_DIFFERENCE_DEGREES: f64 = 10.0;

/// The cells around a point with their weights, which sum to 1.
pub type CornerWeights = [(usize, f64); 4];

/// Finds cells of a latitude-longitude grid without a tree: by arithmetic on the axes, exact on the sphere.
///
/// Longitudes of points and grid may follow different conventions; poles, the date line, descending and
/// irregular axes need no care of the caller.
///
/// # Example
/// ```
/// use isotherm::grid::{Axis, AxisKind};
/// use isotherm::score::GridLocator;
/// let latitude = Axis::regular(AxisKind::Latitude, 85.5, 1.0, 5).unwrap();
/// let longitude = Axis::regular(AxisKind::Longitude, -179.5, 1.0, 360).unwrap();
/// let cell = GridLocator::new(&latitude, &longitude).nearest(88.4, 539.9).unwrap();
/// assert_eq!((cell.row, cell.column), (3, 359)); // 88.5 N, 179.5 E
/// ```
#[derive(Clone, Debug)]
pub struct GridLocator {
    rows: AxisLine,
    columns: AxisLine,
    wraps: bool,
}

impl GridLocator {
    /// A locator for the grid of these axes.
    pub fn new(latitude: &Axis, longitude: &Axis) -> GridLocator {
        debug_assert!(latitude.kind() == AxisKind::Latitude && longitude.kind() == AxisKind::Longitude);
        GridLocator { rows: AxisLine::new(latitude), columns: AxisLine::new(longitude), wraps: longitude.wraps() }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.rows.centres.len() * self.columns.centres.len()
    }

    /// Never true: an axis has at least one cell.
    pub fn is_empty(&self) -> bool {
        self.rows.centres.is_empty() || self.columns.centres.is_empty()
    }

    /// The cell whose centre is nearest to the point by great circle, however far it is. Of equally near cells
    /// the one with the smallest index (as far as rounding can tell). `None` only where the point is not on the sphere: a
    /// latitude outside −90..90, or a coordinate that is not finite.
    pub fn nearest(&self, latitude: f64, longitude: f64) -> Option<LocatedCell> {
        if !on_sphere(latitude, longitude) {
            return None;
        }
        let column = self.columns.nearest_longitude(longitude);
        let difference = longitude_difference(self.columns.centres[column], longitude);
        if let Some(row) = self.row_without_doubt(latitude, difference) {
            return Some(self.cell(row, column, latitude, longitude));
        }
        // Along a meridian at Δλ the angle to the point is cos d = A cos(φ − ψ): the nearest row is the one
        // nearest to ψ, on the circle, so it is a neighbour of ψ or an end of the axis.
        let phi = latitude.to_radians();
        let summit = phi.sin().atan2(phi.cos() * difference.to_radians().cos()).to_degrees();
        let inner = self.rows.nearest(summit);
        let mut rows = [0, inner.saturating_sub(1), inner, (inner + 1).min(self.rows.last()), self.rows.last()];
        rows.sort_unstable();
        let mut best: Option<LocatedCell> = None;
        for row in rows {
            let cell = self.cell(row, column, latitude, longitude);
            if best.is_none_or(|b| cell.distance_degrees < b.distance_degrees) {
                best = Some(cell);
            }
        }
        best
    }

    /// The nearest row by latitude alone, where that is beyond doubt: ψ lies a little poleward of φ,
    /// tan(ψ − φ) = tan φ (sec Δλ − 1) / (1 + tan² φ sec Δλ) ≤ (sec Δλ − 1) / 2, so a row that is nearer to φ than every
    /// other by more than twice that shift is also the nearest to ψ. On the same side of the pole (Δλ below 90°) no row is
    /// nearer across it.
    fn row_without_doubt(&self, latitude: f64, difference: f64) -> Option<usize> {
        if difference > LARGEST_PLAIN_DIFFERENCE_DEGREES {
            return None;
        }
        // sec x − 1 < 0.51 x² up to 10 degrees; a tie must be decided by the distances themselves.
        let x = difference.to_radians();
        let shift = (0.255 * x * x).to_degrees() + 1e-9;
        let row = self.rows.nearest(latitude);
        let distance = |row: usize| (self.rows.centres[row] - latitude).abs();
        let clear = |other: usize| other == row || distance(other) - distance(row) > 2.0 * shift;
        (clear(row.saturating_sub(1)) && clear((row + 1).min(self.rows.last()))).then_some(row)
    }

    fn cell(&self, row: usize, column: usize, latitude: f64, longitude: f64) -> LocatedCell {
        LocatedCell {
            row,
            column,
            index: row * self.columns.centres.len() + column,
            distance_degrees: great_circle_degrees(latitude, longitude, self.rows.centres[row], self.columns.centres[column]),
        }
    }

    /// Every cell whose centre lies within `radius_degrees` (inclusive) of the point, nearest first, equal
    /// distances by index. Empty for a point that is not on the sphere.
    pub fn within(&self, latitude: f64, longitude: f64, radius_degrees: f64) -> Vec<LocatedCell> {
        if !on_sphere(latitude, longitude) || radius_degrees.is_nan() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (row, centre) in self.rows.centres.iter().enumerate() {
            // The margin keeps cells at exactly the radius in, whatever the rounding of the difference.
            if (centre - latitude).abs() > radius_degrees * (1.0 + 1e-12) + 1e-12 {
                continue;
            }
            for column in 0..self.columns.centres.len() {
                let cell = self.cell(row, column, latitude, longitude);
                if cell.distance_degrees <= radius_degrees {
                    found.push(cell);
                }
            }
        }
        found.sort_by(|a, b| a.distance_degrees.total_cmp(&b.distance_degrees).then(a.index.cmp(&b.index)));
        found
    }

    /// The four cells around the point with bilinear weights in latitude and longitude, summing to 1. A point on
    /// a row or column of centres gives weight 0 to the far side. `None` outside the rectangle of cell centres (a grid
    /// that wraps has no eastern or western end), and for a point that is not on the sphere.
    pub fn bilinear(&self, latitude: f64, longitude: f64) -> Option<CornerWeights> {
        if !on_sphere(latitude, longitude) {
            return None;
        }
        let (south, north, y) = self.rows.bracket(latitude)?;
        let line = &self.columns;
        let low = line.centres[0].min(line.centres[line.last()]);
        let x = low + (longitude - low).rem_euclid(360.0);
        let (west, east, x) = match line.bracket(x) {
            Some(found) => found,
            None if self.wraps => {
                // Between the two ends, across the seam.
                let (a, b) = if line.descending { (0, line.last()) } else { (line.last(), 0) };
                let gap = longitude_difference(line.centres[a], line.centres[b]);
                (a, b, longitude_difference(x, line.centres[a]) / gap)
            }
            None => return None,
        };
        let columns = line.centres.len();
        Some([
            (south * columns + west, (1.0 - y) * (1.0 - x)),
            (south * columns + east, (1.0 - y) * x),
            (north * columns + west, y * (1.0 - x)),
            (north * columns + east, y * x),
        ])
    }
}

pub(super) fn on_sphere(latitude: f64, longitude: f64) -> bool {
    latitude.abs() <= 90.0 && longitude.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn brute(latitude: &Axis, longitude: &Axis, point: (f64, f64)) -> f64 {
        let mut best = f64::INFINITY;
        for y in latitude.centres() {
            for x in longitude.centres() {
                best = best.min(great_circle_degrees(point.0, point.1, *y, *x));
            }
        }
        best
    }

    #[test]
    fn as_near_as_the_nearest_of_all_cells() {
        let grids = [
            (Axis::regular(AxisKind::Latitude, -85.0, 10.0, 18), Axis::regular(AxisKind::Longitude, 5.0, 10.0, 36)),
            (Axis::regular(AxisKind::Latitude, 60.0, -1.5, 12), Axis::regular(AxisKind::Longitude, 170.0, 2.0, 14)),
            (
                Axis::new(AxisKind::Latitude, vec![-70.0, -20.0, 3.0, 4.0, 80.0]),
                Axis::new(AxisKind::Longitude, vec![-50.0, 0.0, 1.0, 90.0]),
            ),
            (Axis::new(AxisKind::Latitude, vec![10.0]), Axis::regular(AxisKind::Longitude, 30.0, -7.0, 20)),
            (Axis::regular(AxisKind::Latitude, 70.0, 1.0, 21), Axis::regular(AxisKind::Longitude, 0.0, 1.0, 360)),
        ];
        let mut random = Random::new(11, "locate");
        for (latitude, longitude) in grids {
            let (latitude, longitude) = (latitude.unwrap(), longitude.unwrap());
            let locator = GridLocator::new(&latitude, &longitude);
            for k in 0..400 {
                let y = if k % 9 == 0 { [90.0, -90.0][k % 2] } else { random.uniform_in(-90.0, 90.0) };
                let point = (y, random.uniform_in(-400.0, 800.0));
                let cell = locator.nearest(point.0, point.1).unwrap();
                assert!(cell.distance_degrees <= brute(&latitude, &longitude, point) + 1e-9, "{point:?} {cell:?}");
                assert_eq!(cell.index, cell.row * longitude.len() + cell.column);
            }
        }
    }

    #[test]
    fn bilinear_weights_give_back_a_plane_and_cross_the_seam() {
        let latitude = Axis::regular(AxisKind::Latitude, 10.0, -1.0, 8).unwrap();
        let longitude = Axis::regular(AxisKind::Longitude, 0.0, 30.0, 12).unwrap();
        let locator = GridLocator::new(&latitude, &longitude);
        let corners = locator.bilinear(5.25, 67.5).unwrap();
        let plane: f64 = corners.iter().map(|(i, w)| w * (latitude.centres()[i / 12] * 3.0 + longitude.centres()[i % 12])).sum();
        assert!((plane - (5.25 * 3.0 + 67.5)).abs() < 1e-12);
        // 345 E lies midway between 330 and 360 = 0
        let seam = locator.bilinear(10.0, -15.0).unwrap();
        let weight = |column: usize| seam.iter().filter(|(i, _)| i % 12 == column).map(|(_, w)| w).sum::<f64>();
        assert!((weight(11) - 0.5).abs() < 1e-12 && (weight(0) - 0.5).abs() < 1e-12, "{seam:?}");
        assert!(locator.bilinear(10.5, 0.0).is_none());
        let regional = GridLocator::new(&latitude, &Axis::regular(AxisKind::Longitude, 0.0, 1.0, 5).unwrap());
        assert!(regional.bilinear(5.0, 4.5).is_none() && regional.bilinear(5.0, -0.5).is_none());
    }

    #[test]
    fn within_a_radius_is_what_the_definition_says() {
        let latitude = Axis::regular(AxisKind::Latitude, 80.0, 1.0, 11).unwrap();
        let longitude = Axis::regular(AxisKind::Longitude, 0.0, 10.0, 36).unwrap();
        let locator = GridLocator::new(&latitude, &longitude);
        let found = locator.within(88.0, 15.0, 2.5);
        let all = (0..11 * 36)
            .filter(|i| great_circle_degrees(88.0, 15.0, latitude.centres()[i / 36], longitude.centres()[i % 36]) <= 2.5);
        assert_eq!(found.len(), all.count());
        assert!(found.windows(2).all(|p| p[0].distance_degrees <= p[1].distance_degrees));
    }

    #[test]
    fn a_point_off_the_sphere_has_no_cell() {
        let axis = |kind| Axis::regular(kind, 0.0, 1.0, 3).unwrap();
        let locator = GridLocator::new(&axis(AxisKind::Latitude), &axis(AxisKind::Longitude));
        assert!(locator.nearest(91.0, 0.0).is_none());
        assert!(locator.nearest(f64::NAN, 0.0).is_none());
        assert!(locator.nearest(0.0, f64::INFINITY).is_none());
    }
}
