//! The value of a plane at single points.

use super::axis::Axis;
use super::error::{GridError, GridResult};
use super::lookup::{Bracket, Lookup};
use super::plane::{Sample, check_plane};
use super::sphere::central_angle;
use super::spline::natural_spline;

/// How a value between cell centres is made. Peers differ in what they do with masked corners and outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PointRule {
    /// The nearest centre, inside the outer centres only; halfway the lower one (SciPy, pyinterp).
    Nearest,
    /// The nearest centre, however far; halfway the upper one (xarray's `sel(method="nearest")`).
    NearestAnywhere,
    /// Bilinear over the valid corners, their weights renormalised; no value where these carry
    /// `minimum_weight` or less of the whole (unless they carry all of it). Our own rule.
    Bilinear {
        /// Share of the weight, 0..=1, that the valid corners must exceed.
        minimum_weight: f64,
    },
    /// Bilinear; no value where any of the four corners is masked, even one without weight (SciPy, xarray,
    /// pyinterp).
    BilinearAllValid,
    /// Weights 1/d² of the four corners, d the great-circle distance; all must be valid unless the point lies on
    /// one (pyinterp's `inverse_distance_weighting`).
    InverseDistance,
    /// Natural cubic splines over the surrounding 6 x 6 cells, which must all exist and be valid (pyinterp's
    /// `bicubic` with `nx = ny = 3`).
    SplineWindow,
}

/// Half the width in cells of [`PointRule::SplineWindow`].
const SPLINE_HALF_WIDTH: isize = 3;

/// A plane made ready to be asked for its value at points.
pub struct PointSampler<'a, T> {
    latitude: Lookup,
    longitude: Lookup,
    values: &'a [T],
    valid: &'a [bool],
}

impl<'a, T: Sample> PointSampler<'a, T> {
    /// A sampler of a plane on the given axes (rows are latitudes).
    ///
    /// # Errors
    /// [`GridError::Length`] where values or mask do not fit the axes.
    pub fn new(latitude: &Axis, longitude: &Axis, values: &'a [T], valid: &'a [bool]) -> GridResult<PointSampler<'a, T>> {
        check_plane("the plane to sample", values.len(), latitude.len(), longitude.len())?;
        check_plane("the mask of the plane to sample", valid.len(), latitude.len(), longitude.len())?;
        Ok(PointSampler { latitude: Lookup::new(latitude), longitude: Lookup::new(longitude), values, valid })
    }

    /// The value at a point in degrees, or `None` outside the grid or where the mask forbids it. Longitudes
    /// may be counted in any turn.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::{Axis, AxisKind, PointRule, PointSampler};
    /// let lat = Axis::regular(AxisKind::Latitude, 0.0, 1.0, 2).unwrap();
    /// let lon = Axis::regular(AxisKind::Longitude, 0.0, 1.0, 2).unwrap();
    /// let sampler = PointSampler::new(&lat, &lon, &[1.0_f64, 2.0, 3.0, 4.0], &[true; 4]).unwrap();
    /// assert_eq!(sampler.at(0.5, 0.5, PointRule::BilinearAllValid), Some(2.5));
    /// assert_eq!(sampler.at(0.5, 1.5, PointRule::BilinearAllValid), None);
    /// ```
    pub fn at(&self, latitude: f64, longitude: f64, rule: PointRule) -> Option<f64> {
        if rule == PointRule::NearestAnywhere {
            return self.cell(self.latitude.nearest(latitude, true)? as isize, self.longitude.nearest(longitude, true)? as isize);
        }
        let (y, x) = (self.latitude.bracket(latitude)?, self.longitude.bracket(longitude)?);
        match rule {
            PointRule::Nearest | PointRule::NearestAnywhere => {
                let upper = |bracket: Bracket| bracket.lower as isize + isize::from(bracket.fraction > 0.5);
                self.cell(upper(y), upper(x))
            }
            PointRule::Bilinear { minimum_weight } => {
                let (mut sum, mut weight) = (0.0, 0.0);
                for (value, w) in self.corners(y, x) {
                    if let Some(value) = value {
                        sum += w * value;
                        weight += w;
                    }
                }
                enough(weight, minimum_weight).then(|| sum / weight)
            }
            PointRule::BilinearAllValid => {
                self.corners(y, x).into_iter().try_fold(0.0, |sum, (value, weight)| Some(sum + weight * value?))
            }
            PointRule::InverseDistance => self.inverse_distance(latitude, y, x),
            PointRule::SplineWindow => self.spline_window(y, x),
        }
    }

    /// The value of the cell counted upwards from south-west.
    fn cell(&self, row: isize, column: isize) -> Option<f64> {
        let index = self.latitude.cell(row) * self.longitude.len() + self.longitude.cell(column);
        self.valid[index].then(|| self.values[index].to_f64())
    }

    fn corners(&self, y: Bracket, x: Bracket) -> [(Option<f64>, f64); 4] {
        let (row, column) = (y.lower as isize, x.lower as isize);
        [
            (self.cell(row, column), (1.0 - y.fraction) * (1.0 - x.fraction)),
            (self.cell(row, column + 1), (1.0 - y.fraction) * x.fraction),
            (self.cell(row + 1, column), y.fraction * (1.0 - x.fraction)),
            (self.cell(row + 1, column + 1), y.fraction * x.fraction),
        ]
    }

    fn inverse_distance(&self, latitude: f64, y: Bracket, x: Bracket) -> Option<f64> {
        let (dy, dx) = (self.latitude.gap(y.lower), self.longitude.gap(x.lower));
        let (mut sum, mut weights) = (0.0, 0.0);
        let offsets = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)];
        let mut poisoned = false;
        for ((row, column), (value, _)) in offsets.into_iter().zip(self.corners(y, x)) {
            let corner = latitude + (row - y.fraction) * dy;
            let squared = central_angle(latitude, 0.0, corner, (column - x.fraction) * dx).powi(2);
            if squared == 0.0 {
                return value;
            }
            match value {
                Some(value) => sum += value / squared,
                None => poisoned = true,
            }
            weights += 1.0 / squared;
        }
        (!poisoned).then(|| sum / weights)
    }

    fn spline_window(&self, y: Bracket, x: Bracket) -> Option<f64> {
        let first = |bracket: Bracket| bracket.lower as isize + 1 - SPLINE_HALF_WIDTH;
        let width = 2 * SPLINE_HALF_WIDTH;
        let inside =
            |axis: &Lookup, from: isize| axis.holds(from) && axis.holds(from + width - 1) && axis.len() >= width as usize;
        if !inside(&self.latitude, first(y)) || !inside(&self.longitude, first(x)) {
            return None;
        }
        let middle = (SPLINE_HALF_WIDTH - 1) as f64;
        let mut column_values = Vec::with_capacity(width as usize);
        for row in 0..width {
            let line: Option<Vec<f64>> = (0..width).map(|column| self.cell(first(y) + row, first(x) + column)).collect();
            column_values.push(natural_spline(&line?, middle + x.fraction));
        }
        Some(natural_spline(&column_values, middle + y.fraction))
    }
}

/// Do valid corners of this `weight` suffice?
pub(crate) fn enough(weight: f64, minimum_weight: f64) -> bool {
    weight > 0.0 && (weight > minimum_weight || weight > 1.0 - 1e-9)
}

/// Refuses a minimum weight that is not a share.
pub(crate) fn check_minimum_weight(minimum_weight: f64) -> GridResult<()> {
    if (0.0..=1.0).contains(&minimum_weight) {
        return Ok(());
    }
    Err(GridError::Argument(format!("the minimum weight of valid corners is {minimum_weight}; a share from 0 to 1 is wanted")))
}

#[cfg(test)]
mod tests {
    use super::super::AxisKind;
    use super::*;

    fn axes() -> (Axis, Axis) {
        let lat = Axis::regular(AxisKind::Latitude, 1.0, -1.0, 2).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.0, 1.0, 2).unwrap();
        (lat, lon)
    }

    #[test]
    fn renormalised_corners_by_hand() {
        let (lat, lon) = axes();
        // rows are 1 N (5, masked) and 0 N (1, 3); at (0.25 N, 0.5 E) the weights are .125 .125 | .375 .375
        let sampler = PointSampler::new(&lat, &lon, &[5.0_f64, f64::NAN, 1.0, 3.0], &[true, false, true, true]).unwrap();
        // (.125 * 5 + .375 * 1 + .375 * 3) / .875 = 2.125 / .875
        let bilinear = |minimum_weight| sampler.at(0.25, 0.5, PointRule::Bilinear { minimum_weight });
        assert!((bilinear(0.5).unwrap() - 2.125 / 0.875).abs() < 1e-15);
        assert_eq!(bilinear(0.9), None);
        assert_eq!(sampler.at(0.25, 0.5, PointRule::BilinearAllValid), None);
        // on a row of valid cells all the weight is valid, whatever is masked next to it
        assert_eq!(sampler.at(0.0, 0.5, PointRule::Bilinear { minimum_weight: 1.0 }), Some(2.0));
        assert_eq!(sampler.at(1.0, 0.0, PointRule::InverseDistance), Some(5.0));
        assert_eq!(sampler.at(0.9, 0.1, PointRule::InverseDistance), None);
    }

    #[test]
    fn a_minimum_weight_is_a_share() {
        assert!(check_minimum_weight(1.0).is_ok());
        assert!(check_minimum_weight(f64::NAN).is_err());
        assert!(check_minimum_weight(-0.1).is_err());
    }
}
