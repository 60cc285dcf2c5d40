//! Exact areas of latitude-longitude cells.

use super::axis::Axis;

/// Mean radius of the Earth in metres (IUGG R1), used for every distance and area.
pub const EARTH_RADIUS_METRES: f64 = 6_371_008.8;

/// Relative area of each latitude row: `sin(upper edge) - sin(lower edge)`, exact on the sphere.
///
/// # Formula
/// ```text
/// w_i = |sin φ_{i+½} − sin φ_{i−½}|
/// ```
/// The cell's area is `R² Δλ w_i` with Δλ in radians.
///
/// # Example
/// ```
/// use isotherm::grid::{area_weights, Axis, AxisKind};
/// let axis = Axis::regular(AxisKind::Latitude, -89.5, 1.0, 180).unwrap();
/// let sum: f64 = area_weights(&axis).iter().sum();
/// assert!((sum - 2.0).abs() < 1e-12); // ∫ cos φ dφ from pole to pole
/// ```
pub fn area_weights(latitude: &Axis) -> Vec<f64> {
    latitude.edges().windows(2).map(|e| (e[1].to_radians().sin() - e[0].to_radians().sin()).abs()).collect()
}

/// Area of one cell of each row in square metres, for cells `longitude_spacing` degrees wide.
pub fn cell_areas(latitude: &Axis, longitude_spacing: f64) -> Vec<f64> {
    let factor = EARTH_RADIUS_METRES * EARTH_RADIUS_METRES * longitude_spacing.abs().to_radians();
    area_weights(latitude).into_iter().map(|w| w * factor).collect()
}

#[cfg(test)]
mod tests {
    use super::super::axis::AxisKind;
    use super::*;

    #[test]
    fn row_between_30_and_60_degrees_by_hand() {
        // sin 60 - sin 30 = 0.8660254037844386 - 0.5
        let axis = Axis::regular(AxisKind::Latitude, 45.0, 30.0, 2);
        assert!(axis.is_ok());
        let axis = Axis::new(AxisKind::Latitude, vec![15.0, 45.0, 75.0]).unwrap();
        assert!((area_weights(&axis)[1] - 0.366_025_403_784_438_6).abs() < 1e-15);
    }

    #[test]
    fn the_whole_sphere() {
        let axis = Axis::regular(AxisKind::Latitude, -89.875, 0.25, 720).unwrap();
        let total: f64 = cell_areas(&axis, 0.25).iter().sum::<f64>() * 1440.0;
        let sphere = 4.0 * std::f64::consts::PI * EARTH_RADIUS_METRES * EARTH_RADIUS_METRES;
        assert!((total / sphere - 1.0).abs() < 1e-12);
    }
}
