//! Latitude, longitude and time axes: they know their direction, their cell edges and whether they wrap.

use serde::{Deserialize, Serialize};

use super::error::{GridError, GridResult};

/// Which way the coordinate runs along the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// South to north, west to east.
    Ascending,
    /// North to south (or, rarely, east to west).
    Descending,
}

/// Latitude or longitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AxisKind {
    /// Degrees north, within -90..90.
    Latitude,
    /// Degrees east; may lie in -180..180 or in 0..360.
    Longitude,
}

impl AxisKind {
    /// The word used in messages.
    pub fn name(self) -> &'static str {
        match self {
            AxisKind::Latitude => "latitude",
            AxisKind::Longitude => "longitude",
        }
    }
}

/// A horizontal axis: the cell centres in degrees, strictly monotone.
///
/// Longitudes are kept unwrapped (monotone); an axis whose cells go once around the globe *wraps*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    kind: AxisKind,
    centres: Vec<f64>,
}

/// Degrees by which two neighbouring spacings may differ on an axis called regular: a hundredth of the
/// spacing, since files store coordinates as f32.
const REGULAR_TOLERANCE: f64 = 1e-2;

impl Axis {
    /// An axis from its cell centres in degrees.
    ///
    /// A longitude axis that jumps by 360 in the middle (`..., 179.75, -179.75, ...`) is unwrapped.
    ///
    /// # Errors
    /// [`GridError::Axis`] where there is no centre, one is not finite, a latitude lies outside -90..90,
    /// or the centres are not strictly monotone.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::{Axis, AxisKind};
    /// let axis = Axis::new(AxisKind::Latitude, vec![30.125, 30.375, 30.625]).unwrap();
    /// assert_eq!(axis.edges(), vec![30.0, 30.25, 30.5, 30.75]);
    /// ```
    pub fn new(kind: AxisKind, mut centres: Vec<f64>) -> GridResult<Axis> {
        let fail = |problem: String| GridError::Axis { axis: kind.name(), problem };
        if centres.is_empty() {
            return Err(fail("has no points; at least one is wanted".into()));
        }
        if let Some(bad) = centres.iter().find(|c| !c.is_finite()) {
            return Err(fail(format!("holds {bad}; finite degrees are wanted")));
        }
        match kind {
            AxisKind::Latitude => {
                if let Some(bad) = centres.iter().find(|c| c.abs() > 90.0 + 1e-6) {
                    return Err(fail(format!("holds {bad}; degrees within -90..90 are wanted")));
                }
                centres.iter_mut().for_each(|c| *c = c.clamp(-90.0, 90.0));
            }
            AxisKind::Longitude => {
                let mut shift = 0.0;
                let mut previous = centres[0];
                for c in centres.iter_mut().skip(1) {
                    let step = *c + shift - previous;
                    if step < -180.0 {
                        shift += 360.0;
                    } else if step > 180.0 {
                        shift -= 360.0;
                    }
                    *c += shift;
                    previous = *c;
                }
            }
        }
        let ascending = centres.windows(2).all(|p| p[1] > p[0]);
        let descending = centres.windows(2).all(|p| p[1] < p[0]);
        if !ascending && !descending {
            return Err(fail("is not strictly monotone; sorted cell centres are wanted".into()));
        }
        Ok(Axis { kind, centres })
    }

    /// `count` cells of `spacing` degrees, the first centre at `start`.
    ///
    /// # Errors
    /// As [`Axis::new`].
    pub fn regular(kind: AxisKind, start: f64, spacing: f64, count: usize) -> GridResult<Axis> {
        Axis::new(kind, (0..count).map(|i| start + spacing * i as f64).collect())
    }

    /// Latitude or longitude?
    pub fn kind(&self) -> AxisKind {
        self.kind
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.centres.len()
    }

    /// Never true: an axis has at least one cell.
    pub fn is_empty(&self) -> bool {
        self.centres.is_empty()
    }

    /// Cell centres in degrees.
    pub fn centres(&self) -> &[f64] {
        &self.centres
    }

    /// Which way it runs; a single cell counts as ascending.
    pub fn direction(&self) -> Direction {
        if self.centres.len() > 1 && self.centres[1] < self.centres[0] { Direction::Descending } else { Direction::Ascending }
    }

    /// Mean spacing in degrees, signed (negative where the axis descends); 0 for a single cell.
    pub fn spacing(&self) -> f64 {
        let n = self.centres.len();
        if n < 2 { 0.0 } else { (self.centres[n - 1] - self.centres[0]) / (n - 1) as f64 }
    }

    /// Is every spacing the same, to a hundredth of it?
    pub fn is_regular(&self) -> bool {
        let spacing = self.spacing();
        self.centres.windows(2).all(|p| (p[1] - p[0] - spacing).abs() <= REGULAR_TOLERANCE * spacing.abs())
    }

    /// Does a longitude axis go once around the globe, so that its last cell touches its first?
    pub fn wraps(&self) -> bool {
        self.kind == AxisKind::Longitude
            && self.len() > 1
            && (self.spacing().abs() * self.len() as f64 - 360.0).abs() < 0.5 * self.spacing().abs()
    }

    /// Cell edges in degrees, one more than there are cells: midway between centres, and half a spacing
    /// beyond the outer ones (latitudes are kept within -90..90). A single cell is given one degree.
    pub fn edges(&self) -> Vec<f64> {
        let c = &self.centres;
        let n = c.len();
        let mut edges = Vec::with_capacity(n + 1);
        if n == 1 {
            edges.extend([c[0] - 0.5, c[0] + 0.5]);
        } else {
            edges.push(c[0] - 0.5 * (c[1] - c[0]));
            edges.extend(c.windows(2).map(|p| 0.5 * (p[0] + p[1])));
            edges.push(c[n - 1] + 0.5 * (c[n - 1] - c[n - 2]));
        }
        if self.kind == AxisKind::Latitude {
            edges.iter_mut().for_each(|e| *e = e.clamp(-90.0, 90.0));
        }
        edges
    }

    /// The cells `range`, as an axis of their own.
    ///
    /// # Errors
    /// [`GridError::Argument`] where the range is empty or runs past the end.
    pub fn slice(&self, range: std::ops::Range<usize>) -> GridResult<Axis> {
        match self.centres.get(range.clone()) {
            Some(part) if !part.is_empty() => Ok(Axis { kind: self.kind, centres: part.to_vec() }),
            _ => Err(GridError::Argument(format!(
                "cells {range:?} of a {} axis of {} cells do not exist",
                self.kind.name(),
                self.len()
            ))),
        }
    }

    /// The axis of blocks of `factor` cells: the centre of a block is the mean of its outer edges.
    /// Cells left over at the end are dropped.
    ///
    /// # Errors
    /// [`GridError::Argument`] where `factor` is 0 or larger than the axis.
    pub fn coarsen(&self, factor: usize) -> GridResult<Axis> {
        if factor == 0 || factor > self.len() {
            return Err(GridError::Argument(format!(
                "a {} axis of {} cells cannot be coarsened by {factor}",
                self.kind.name(),
                self.len()
            )));
        }
        let edges = self.edges();
        let centres = (0..self.len() / factor).map(|i| 0.5 * (edges[i * factor] + edges[(i + 1) * factor])).collect();
        Axis::new(self.kind, centres)
    }

    /// The axis whose cells are these, each cut into `factor` equal ones.
    ///
    /// # Errors
    /// [`GridError::Argument`] where `factor` is 0.
    pub fn refine(&self, factor: usize) -> GridResult<Axis> {
        if factor == 0 {
            return Err(GridError::Argument("an axis cannot be refined by 0".into()));
        }
        let edges = self.edges();
        let centres = edges
            .windows(2)
            .flat_map(|e| (0..factor).map(move |i| e[0] + (e[1] - e[0]) * (i as f64 + 0.5) / factor as f64))
            .collect();
        Axis::new(self.kind, centres)
    }
}

/// A longitude brought into -180 (inclusive) .. 180 (exclusive).
pub fn wrap_180(longitude: f64) -> f64 {
    (longitude + 180.0).rem_euclid(360.0) - 180.0
}

/// A longitude brought into 0 (inclusive) .. 360 (exclusive).
pub fn wrap_360(longitude: f64) -> f64 {
    longitude.rem_euclid(360.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longitude_axis_across_the_date_line_is_unwrapped() {
        let axis = Axis::new(AxisKind::Longitude, vec![179.0, -180.0, -179.0]).unwrap();
        assert_eq!(axis.centres(), &[179.0, 180.0, 181.0]);
        assert!(!axis.wraps());
    }

    #[test]
    fn a_global_axis_wraps() {
        assert!(Axis::regular(AxisKind::Longitude, 0.125, 0.25, 1440).unwrap().wraps());
        assert!(!Axis::regular(AxisKind::Longitude, 0.125, 0.25, 1400).unwrap().wraps());
    }

    #[test]
    fn coarsen_undoes_refine() {
        let axis = Axis::regular(AxisKind::Latitude, 45.875, -0.25, 64).unwrap();
        let back = axis.refine(5).unwrap().coarsen(5).unwrap();
        assert_eq!(back.direction(), Direction::Descending);
        for (a, b) in axis.centres().iter().zip(back.centres()) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn bad_axes_are_refused() {
        assert!(Axis::new(AxisKind::Latitude, vec![]).is_err());
        assert!(Axis::new(AxisKind::Latitude, vec![1.0, 1.0]).is_err());
        assert!(Axis::new(AxisKind::Latitude, vec![91.0]).is_err());
        assert!(Axis::new(AxisKind::Longitude, vec![f64::NAN]).is_err());
    }
}
