//! Distances on the sphere.

use super::area::EARTH_RADIUS_METRES;

/// The angle in radians that two points span at the centre of the sphere. Degrees in, longitudes in any turn.
///
/// # Formula
/// ```text
/// a = sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2),    angle = 2 atan2(√a, √(1 − a)),    a clipped to 0..1
/// ```
/// Exact to rounding for near points; the clip keeps antipodes from becoming NaN.
///
/// # Example
/// ```
/// use isotherm::grid::central_angle;
/// assert!((central_angle(0.0, 0.0, 0.0, 180.0) - std::f64::consts::PI).abs() < 1e-12);
/// ```
///
/// # Reference
/// Sinnott (1984), Virtues of the haversine, Sky and Telescope 68, 159
pub fn central_angle(latitude_a: f64, longitude_a: f64, latitude_b: f64, longitude_b: f64) -> f64 {
    let (a, b) = (latitude_a.to_radians(), latitude_b.to_radians());
    let half_latitude = (0.5 * (b - a)).sin();
    // Reduced first: a difference of 360 must be 0 exactly, and 180 the largest.
    let half_longitude = (0.5 * longitude_difference(longitude_a, longitude_b).to_radians()).sin();
    let h = half_latitude * half_latitude + a.cos() * b.cos() * half_longitude * half_longitude;
    let h = h.clamp(0.0, 1.0);
    2.0 * h.sqrt().atan2((1.0 - h).sqrt())
}

/// [`central_angle`] in degrees of arc, 0..180.
///
/// # Example
/// ```
/// use isotherm::grid::great_circle_degrees;
/// assert!((great_circle_degrees(0.0, 0.0, 0.0, 180.0) - 180.0).abs() < 1e-12);
/// assert!((great_circle_degrees(89.0, 10.0, 89.0, 190.0) - 2.0).abs() < 1e-12);
/// ```
pub fn great_circle_degrees(latitude_a: f64, longitude_a: f64, latitude_b: f64, longitude_b: f64) -> f64 {
    central_angle(latitude_a, longitude_a, latitude_b, longitude_b).to_degrees()
}

/// The smaller angle between two longitudes, 0..180 degrees.
pub fn longitude_difference(a: f64, b: f64) -> f64 {
    let apart = (a - b).abs();
    // Mostly no turn lies between the two, and the remainder is slow.
    if apart <= 180.0 {
        return apart;
    }
    let d = apart.rem_euclid(360.0);
    d.min(360.0 - d)
}

/// Distance of two points along the surface in metres, on the sphere of [`EARTH_RADIUS_METRES`].
pub fn great_circle_metres(latitude_a: f64, longitude_a: f64, latitude_b: f64, longitude_b: f64) -> f64 {
    EARTH_RADIUS_METRES * central_angle(latitude_a, longitude_a, latitude_b, longitude_b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_known_by_hand() {
        let degree = std::f64::consts::PI / 180.0;
        assert!((central_angle(10.0, 20.0, 11.0, 20.0) - degree).abs() < 1e-14);
        assert!((central_angle(0.0, 359.5, 0.0, 0.5) - degree).abs() < 1e-14);
        // over the pole: 30 degrees up and 30 down
        assert!((central_angle(60.0, 0.0, 60.0, 180.0) - 60.0 * degree).abs() < 1e-14);
        // cos d = sin 30 sin 45 + cos 30 cos 45 cos 60 = 0.353553 + 0.306186
        let oblique = (0.5 * 0.5_f64.sqrt() + 0.75_f64.sqrt() * 0.5_f64.sqrt() * 0.5).acos();
        assert!((central_angle(30.0, 0.0, 45.0, 60.0) - oblique).abs() < 1e-14);
        assert!((great_circle_metres(0.0, 0.0, 0.0, 180.0) / EARTH_RADIUS_METRES - 180.0 * degree).abs() < 1e-7);
    }

    #[test]
    fn antipodes_have_a_distance() {
        for i in 0..90 {
            let latitude = f64::from(i) + 0.123_456_7;
            assert!(central_angle(latitude, 12.3, -latitude, 192.3) > std::f64::consts::PI - 1e-7);
        }
    }

    #[test]
    fn antipodes_and_the_date_line() {
        // an exactly antipodal pair whose haversine rounds above 1 in common code
        assert!((great_circle_degrees(-14.3, 65.7, 14.3, -114.3) - 180.0).abs() < 1e-5);
        assert!((great_circle_degrees(0.0, 179.9, 0.0, -179.9) - 0.2).abs() < 1e-12);
        assert_eq!(great_circle_degrees(12.0, 34.0, 12.0, 394.0), great_circle_degrees(12.0, 34.0, 12.0, 34.0));
        assert!((longitude_difference(359.0, -3.0) - 2.0).abs() < 1e-12);
    }
}
