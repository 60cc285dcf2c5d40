//! [`MatchRule`]: what counts as a match between a point and a cell of a field, in space, time and quality.

use serde::{Deserialize, Serialize};

use super::error::{ScoreError, ScoreResult};
use super::locate::GridLocator;

/// Where and when something was observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub time: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east, in any convention.
    pub longitude: f64,
    /// Quality level, 5 best, 0 unusable (the scale of iQuam).
    pub quality: u8,
}

/// How the field's value at a point is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The value of the nearest cell at the nearest time. If that cell is masked there is no match: no other
    /// cell is looked for.
    Nearest,
    /// Bilinear in latitude and longitude between four cell centres, at the nearest time.
    Bilinear,
    /// Bilinear in space, linear in time between the frame before and the frame after; outside the field's
    /// period the nearest frame.
    Trilinear,
    /// Mean of the nearest cells within the radius, weighted by 1/distance² (distance at least 1 m). As in
    /// pyresample, one masked cell among them spoils the match.
    InverseDistance {
        /// Largest number of cells used.
        neighbours: usize,
    },
}

/// What counts as a match.
///
/// Ties: of equally near cells the one with the smallest index, of equally near times the earlier one. Radius and time window
/// are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchRule {
    /// Largest great-circle distance from the point to the nearest cell's centre, in degrees of arc.
    pub radius_degrees: f64,
    /// Largest |time of point − time of frame| in seconds.
    pub time_window_seconds: f64,
    /// How the value is made.
    pub interpolation: Interpolation,
    /// Points of lower quality are not matched.
    pub minimum_quality: u8,
    /// For bilinear and trilinear values near masked cells: the least sum of weights that valid corners must have;
    /// the weights are then renormalised. 1 demands every corner that has any weight.
    pub minimum_weight: f64,
}

impl Default for MatchRule {
    /// Nearest cell within 0.15 degrees and 12 hours, quality at least 4: on a daily grid of 0.25 degrees
    /// nearly every point keeps its cell.
    fn default() -> MatchRule {
        MatchRule {
            radius_degrees: 0.15,
            time_window_seconds: 12.0 * 3600.0,
            interpolation: Interpolation::Nearest,
            minimum_quality: 4,
            minimum_weight: 1.0,
        }
    }
}

/// The cell and frame that a point falls to, whether or not the field has a value there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Index of the nearest cell in a frame.
    pub cell: usize,
    /// Index of the nearest frame.
    pub frame: usize,
    /// Great-circle distance from the point to the cell's centre, in degrees.
    pub distance_degrees: f64,
    /// Time of the point minus time of the frame, in seconds.
    pub time_difference_seconds: f64,
}

impl MatchRule {
    /// Fails unless the rule makes sense.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for a negative or undefined radius or window, a minimum weight outside 0..1, or
    /// no neighbours.
    pub fn check(&self) -> ScoreResult<()> {
        let fail = |text: String| Err(ScoreError::Argument(text));
        if self.radius_degrees.is_nan() || self.radius_degrees < 0.0 {
            return fail(format!("a match radius of {} degrees was asked for; at least 0 is wanted", self.radius_degrees));
        }
        if self.time_window_seconds.is_nan() || self.time_window_seconds < 0.0 {
            return fail(format!("a time window of {} s was asked for; at least 0 is wanted", self.time_window_seconds));
        }
        if !(self.minimum_weight > 0.0 && self.minimum_weight <= 1.0) {
            return fail(format!("a minimum weight of {} was asked for; above 0, at most 1 is wanted", self.minimum_weight));
        }
        if self.interpolation == (Interpolation::InverseDistance { neighbours: 0 }) {
            return fail("inverse distance from 0 neighbours was asked for; at least 1 is wanted".into());
        }
        Ok(())
    }

    /// The nearest cell and frame, where both lie within the rule's radius and window and the point's quality suffices.
    /// `times` are the frames' in seconds, ascending.
    pub fn place(&self, locator: &GridLocator, times: &[f64], point: &Point) -> Option<Placement> {
        if point.quality < self.minimum_quality {
            return None;
        }
        let frame = nearest_time(times, point.time)?;
        let time_difference_seconds = point.time - times[frame];
        if time_difference_seconds.abs() > self.time_window_seconds {
            return None;
        }
        let cell = locator.nearest(point.latitude, point.longitude)?;
        (cell.distance_degrees <= self.radius_degrees).then_some(Placement {
            cell: cell.index,
            frame,
            distance_degrees: cell.distance_degrees,
            time_difference_seconds,
        })
    }
}

/// The position of the time nearest to `time` in an ascending list; a tie goes to the earlier one. `None` for an empty
/// list or a time that is not finite.
///
/// # Example
/// ```
/// use isotherm::score::nearest_time;
/// assert_eq!(nearest_time(&[0.0, 10.0, 20.0], 15.0), Some(1));
/// assert_eq!(nearest_time(&[0.0, 10.0, 20.0], 1e9), Some(2));
/// ```
pub fn nearest_time(times: &[f64], time: f64) -> Option<usize> {
    if times.is_empty() || !time.is_finite() {
        return None;
    }
    let after = times.partition_point(|t| *t < time);
    Some(match after {
        0 => 0,
        k if k == times.len() => k - 1,
        k if time - times[k - 1] <= times[k] - time => k - 1,
        k => k,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind};

    #[test]
    fn senseless_rules_are_refused() {
        let usual = MatchRule::default();
        assert!(usual.check().is_ok());
        for bad in [
            MatchRule { radius_degrees: f64::NAN, ..usual },
            MatchRule { radius_degrees: -0.1, ..usual },
            MatchRule { time_window_seconds: -1.0, ..usual },
            MatchRule { minimum_weight: 0.0, ..usual },
            MatchRule { interpolation: Interpolation::InverseDistance { neighbours: 0 }, ..usual },
        ] {
            assert!(matches!(bad.check(), Err(ScoreError::Argument(_))), "{bad:?}");
        }
    }

    #[test]
    fn the_nearest_time_is_the_earlier_of_two() {
        assert_eq!(nearest_time(&[0.0, 10.0], 5.0), Some(0));
        assert_eq!(nearest_time(&[0.0, 10.0], 5.1), Some(1));
        assert_eq!(nearest_time(&[0.0, 10.0], -1e9), Some(0));
        assert_eq!(nearest_time(&[], 0.0), None);
        assert_eq!(nearest_time(&[0.0], f64::NAN), None);
    }

    #[test]
    fn a_placement_by_hand() {
        let axis = |kind| Axis::regular(kind, 0.0, 1.0, 3).unwrap();
        let locator = GridLocator::new(&axis(AxisKind::Latitude), &axis(AxisKind::Longitude));
        let rule = MatchRule { radius_degrees: 0.5, time_window_seconds: 60.0, ..MatchRule::default() };
        let point = Point { time: 140.0, latitude: 1.25, longitude: 2.0, quality: 4 };
        let placement = rule.place(&locator, &[0.0, 100.0], &point).unwrap();
        assert_eq!((placement.cell, placement.frame, placement.time_difference_seconds), (5, 1, 40.0));
        assert!((placement.distance_degrees - 0.25).abs() < 1e-12);
        assert!(rule.place(&locator, &[0.0, 100.0], &Point { time: 161.0, ..point }).is_none());
        assert!(rule.place(&locator, &[0.0, 100.0], &Point { quality: 3, ..point }).is_none());
        assert!(rule.place(&locator, &[0.0, 100.0], &Point { latitude: 2.75, ..point }).is_none());
    }
}
