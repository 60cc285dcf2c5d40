//! Distances on the sphere.

/// The great-circle angle between two points, in degrees of arc.
///
/// # Formula
/// ```text
/// a = sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2),    angle = 2 atan2(√a, √(1 − a)),    a clipped to 0..1
/// ```
/// 0..180. Exact to rounding for near points; the clip keeps antipodes from becoming NaN.
///
/// # Example
/// ```
/// use isotherm::score::great_circle_degrees;
/// assert!((great_circle_degrees(0.0, 0.0, 0.0, 180.0) - 180.0).abs() < 1e-12);
/// assert!((great_circle_degrees(89.0, 10.0, 89.0, 190.0) - 2.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Sinnott (1984), Virtues of the haversine, Sky and Telescope 68, 159
pub fn great_circle_degrees(latitude_a: f64, longitude_a: f64, latitude_b: f64, longitude_b: f64) -> f64 {
    let (a, b) = (latitude_a.to_radians(), latitude_b.to_radians());
    let half_latitude = (0.5 * (b - a)).sin();
    // Reduced first: a difference of 360 must be 0 exactly, and 180 the largest.
    let half_longitude = (0.5 * longitude_difference(longitude_a, longitude_b).to_radians()).sin();
    let h = half_latitude * half_latitude + a.cos() * b.cos() * half_longitude * half_longitude;
    let h = h.clamp(0.0, 1.0);
    (2.0 * h.sqrt().atan2((1.0 - h).sqrt())).to_degrees()
}

/// The smaller angle between two longitudes, 0..180 degrees.
pub(super) fn longitude_difference(a: f64, b: f64) -> f64 {
    let d = (a - b).rem_euclid(360.0);
    d.min(360.0 - d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn antipodes_and_the_date_line() {
        // an exactly antipodal pair whose haversine rounds above 1 in common code
        assert!((great_circle_degrees(-14.3, 65.7, 14.3, -114.3) - 180.0).abs() < 1e-5);
        assert!((great_circle_degrees(0.0, 179.9, 0.0, -179.9) - 0.2).abs() < 1e-12);
        assert_eq!(great_circle_degrees(12.0, 34.0, 12.0, 394.0), great_circle_degrees(12.0, 34.0, 12.0, 34.0));
        assert!((longitude_difference(359.0, -3.0) - 2.0).abs() < 1e-12);
    }
}
