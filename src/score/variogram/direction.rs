//! The direction along which pairs are taken.

use serde::{Deserialize, Serialize};

use crate::score::error::{ScoreError, ScoreResult};

/// Pairs along one direction of the plane only, either way round.
///
/// # Formula
/// ```text
/// along = |Δ · u|,   across = |Δ × u|,   taken where  along > |Δ| cos(half angle)  and  across < half width
/// ```
/// where u is the unit vector of the direction. Both limits are **half** openings, as in GSTools: SciKit-GStat states
/// the full angle and the full width, which are twice as large. Coinciding points belong to every direction.
///
/// # Example
/// ```
/// use isotherm::score::LagDirection;
/// let north_east = LagDirection::azimuth(45.0, 22.5, None).unwrap();
/// assert!(north_east.takes(1.0, 1.1) && north_east.takes(-1.0, -1.1) && !north_east.takes(1.0, -1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LagDirection {
    unit: [f64; 2],
    squared_cosine: f64,
    half_width: Option<f64>,
}

impl LagDirection {
    /// `azimuth` in degrees clockwise from the y axis (north), `half_angle` in degrees to either side, `half_width` in the
    /// unit of the coordinates to either side of the line through the first point, none for no limit.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] unless the azimuth is finite, the half angle in 0..90 (0 excluded) and the half width positive.
    pub fn azimuth(azimuth: f64, half_angle: f64, half_width: Option<f64>) -> ScoreResult<LagDirection> {
        LagDirection::from_x_axis(90.0 - azimuth, half_angle, half_width)
    }

    /// As [`LagDirection::azimuth`], with the angle in degrees counter-clockwise from the x axis (east).
    ///
    /// # Errors
    /// As [`LagDirection::azimuth`].
    pub fn from_x_axis(angle: f64, half_angle: f64, half_width: Option<f64>) -> ScoreResult<LagDirection> {
        let sensible = angle.is_finite() && half_angle > 0.0 && half_angle <= 90.0;
        if !sensible || half_width.is_some_and(|w| !(w > 0.0)) {
            return Err(ScoreError::Argument(format!(
                "a direction of {angle} degrees, {half_angle} degrees and {half_width:?} to either side was asked for; \
                 a half angle in 0..90 and a positive half width are wanted"
            )));
        }
        let (sine, cosine) = angle.to_radians().sin_cos();
        Ok(LagDirection { unit: [cosine, sine], squared_cosine: half_angle.to_radians().cos().powi(2), half_width })
    }

    /// Is a pair with this separation taken?
    #[inline]
    pub fn takes(&self, x: f64, y: f64) -> bool {
        let along = x * self.unit[0] + y * self.unit[1];
        let across = x * self.unit[1] - y * self.unit[0];
        let squared = x * x + y * y;
        let in_angle = squared == 0.0 || along * along > squared * self.squared_cosine;
        in_angle && self.half_width.is_none_or(|w| across.abs() < w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azimuth_is_clockwise_from_north() {
        let east = LagDirection::azimuth(90.0, 10.0, None).unwrap();
        assert!(east.takes(5.0, 0.5) && east.takes(-5.0, 0.5) && !east.takes(0.0, 1.0) && !east.takes(5.0, 1.0));
        // tan 10° = 0.176: 5 east and 0.88 north is the limit
        assert!(east.takes(5.0, 0.88) && !east.takes(5.0, 0.89));
        assert!(east.takes(0.0, 0.0));
    }

    #[test]
    fn the_width_is_to_either_side() {
        let east = LagDirection::from_x_axis(0.0, 45.0, Some(2.0)).unwrap();
        assert!(east.takes(100.0, 1.9) && east.takes(100.0, -1.9) && !east.takes(100.0, 2.0));
    }

    #[test]
    fn senseless_directions_are_refused() {
        for (angle, half, width) in [(f64::NAN, 10.0, None), (0.0, 0.0, None), (0.0, 91.0, None), (0.0, 10.0, Some(0.0))] {
            assert!(LagDirection::azimuth(angle, half, width).is_err());
        }
    }
}
