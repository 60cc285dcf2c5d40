//! Distances on the sphere.

use super::area::EARTH_RADIUS_METRES;

/// The angle in radians that two points span at the centre of the sphere (haversine formula, which keeps its digits
/// for near points). Degrees in, longitudes in any turn.
///
/// # Example
/// ```
/// use isotherm::grid::central_angle;
/// assert!((central_angle(0.0, 0.0, 0.0, 180.0) - std::f64::consts::PI).abs() < 1e-12);
/// ```
pub fn central_angle(latitude_a: f64, longitude_a: f64, latitude_b: f64, longitude_b: f64) -> f64 {
    let half_sine = |degrees: f64| (0.5 * degrees.to_radians()).sin();
    let haversine = half_sine(latitude_b - latitude_a).powi(2)
        + latitude_a.to_radians().cos() * latitude_b.to_radians().cos() * half_sine(longitude_b - longitude_a).powi(2);
    // Rounding may lift antipodal points above 1, of which there is no arc sine.
    2.0 * haversine.min(1.0).sqrt().asin()
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
}
