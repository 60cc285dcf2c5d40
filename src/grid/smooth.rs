//! Gaussian and box smoothing of planes and fields.

use super::edge::Edge;
use super::error::{GridError, GridResult};
use super::field::Field;
use super::plan::{AxisPlan, apply};
use super::plane::{Sample, check_plane, valid_of_frame};

/// A Gaussian is cut off at this many standard deviations (SciPy's default).
pub const GAUSSIAN_TRUNCATE_SIGMA: f64 = 4.0;

/// Normalised Gaussian weights at -r..=r cells, `r = floor(4 sigma + 1/2)`; a single 1 for sigma 0.
///
/// # Errors
/// [`GridError::Argument`] where sigma is negative, not finite or so large that nothing could be left.
///
/// # Example
/// ```
/// use isotherm::grid::gaussian_weights;
/// let weights = gaussian_weights(0.5).unwrap();
/// assert_eq!(weights.len(), 5);
/// assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-15);
/// ```
pub fn gaussian_weights(sigma_cells: f64) -> GridResult<Vec<f64>> {
    if !(0.0..=1e5).contains(&sigma_cells) {
        return Err(GridError::Argument(format!(
            "a Gaussian's sigma is {sigma_cells} cells; a number from 0 to 100000 is wanted"
        )));
    }
    let radius = (GAUSSIAN_TRUNCATE_SIGMA * sigma_cells + 0.5) as i64;
    if radius == 0 {
        return Ok(vec![1.0]);
    }
    let weights: Vec<f64> = (-radius..=radius).map(|i| (-0.5 * (i as f64 / sigma_cells).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    Ok(weights.into_iter().map(|w| w / sum).collect())
}

/// Gaussian smoothing of a plane with sigma (rows, columns) in cells and one edge rule each
/// (SciPy's `gaussian_filter`, whose default edge is [`Edge::Reflect`]).
///
/// # Errors
/// [`GridError::Length`] where `values` does not fit; [`GridError::Argument`] for a sigma that cannot be.
pub fn gaussian_plane<T: Sample>(
    values: &[T],
    rows: usize,
    columns: usize,
    sigma_cells: [f64; 2],
    edges: [Edge; 2],
) -> GridResult<Vec<T>> {
    let weights = [gaussian_weights(sigma_cells[0])?, gaussian_weights(sigma_cells[1])?];
    convolve_plane(values, rows, columns, [&weights[0], &weights[1]], edges)
}

/// Mean over the (2 `radius` + 1)² cells around each.
///
/// # Errors
/// [`GridError::Length`] where `values` does not fit.
///
/// # Example
/// ```
/// use isotherm::grid::{box_mean_plane, Edge};
/// assert_eq!(box_mean_plane(&[1.0_f64, 2.0, 6.0], 1, 3, 1, [Edge::Drop; 2]).unwrap(), [1.5, 3.0, 4.0]);
/// ```
pub fn box_mean_plane<T: Sample>(
    values: &[T],
    rows: usize,
    columns: usize,
    radius: usize,
    edges: [Edge; 2],
) -> GridResult<Vec<T>> {
    let weights = vec![1.0; 2 * radius + 1];
    convolve_plane(values, rows, columns, [&weights, &weights], edges)
}

fn convolve_plane<T: Sample>(
    values: &[T],
    rows: usize,
    columns: usize,
    weights: [&[f64]; 2],
    edges: [Edge; 2],
) -> GridResult<Vec<T>> {
    check_plane("the plane to smooth", values.len(), rows, columns)?;
    let vertical = AxisPlan::convolution(rows, weights[0], edges[0]);
    let horizontal = AxisPlan::convolution(columns, weights[1], edges[1]);
    Ok(apply(values, columns, &vertical, &horizontal))
}

/// Gaussian smoothing of each frame of a field. Masked cells have no weight (normalised convolution) and stay
/// masked; borders are reflected, longitudes that go around the globe are periodic.
///
/// # Formula
/// ```text
/// s = G(m v) / G(m)      m = 1 where valid, else 0
/// ```
///
/// # Errors
/// [`GridError::Argument`] for a sigma that cannot be.
///
/// # Reference
/// Knutsson, H. and Westin, C.-F. (1993), Normalized and differential convolution. doi:10.1109/CVPR.1993.341081.
pub fn gaussian_smooth(field: &Field, sigma_cells: f64) -> GridResult<Field> {
    let weights = gaussian_weights(sigma_cells)?;
    smooth_field(field, &weights)
}

/// Mean over the valid ones of the (2 `radius` + 1)² cells around each valid cell; masked cells stay masked.
/// Borders as in [`gaussian_smooth`].
///
/// # Errors
/// Never for a field that [`Field::new`] made; the signature is that of its parts.
pub fn box_mean(field: &Field, radius: usize) -> GridResult<Field> {
    smooth_field(field, &vec![1.0; 2 * radius + 1])
}

fn smooth_field(field: &Field, weights: &[f64]) -> GridResult<Field> {
    let [frames, rows, columns] = field.shape();
    let edge = if field.longitude().wraps() { Edge::Wrap } else { Edge::Reflect };
    let vertical = AxisPlan::convolution(rows, weights, Edge::Reflect);
    let horizontal = AxisPlan::convolution(columns, weights, edge);
    let mut values = Vec::with_capacity(frames * rows * columns);
    for t in 0..frames {
        let valid = valid_of_frame(field, t);
        // In f64, and masked cells hold 0, so that the quotient of two sums is exact enough.
        let held: Vec<f64> = field.frame(t).iter().map(|v| f64::from(*v)).collect();
        let sum = apply(&held, columns, &vertical, &horizontal);
        let present: Vec<f64> = valid.iter().map(|v| f64::from(u8::from(*v))).collect();
        let share = apply(&present, columns, &vertical, &horizontal);
        values.extend(valid.iter().zip(sum.iter().zip(&share)).map(|(v, (s, w))| if *v { (s / w) as f32 } else { 0.0 }));
    }
    field.with_values(values, field.mask().clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};
    use super::*;

    fn field(values: Vec<f32>, cells: Vec<Cell>) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 0.5, 1.0, 1).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.5, 1.0, values.len()).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn weights_by_hand() {
        // sigma 0.4: radius floor(2.1) = 2; exp(-1/0.32) = 0.0439369, exp(-4/0.32) = 3.7266531e-6
        let w = gaussian_weights(0.4).unwrap();
        let total = 1.0 + 2.0 * (0.043_936_933_623_407_42 + 3.726_653_172_078_671e-6);
        assert!((w[2] - 1.0 / total).abs() < 1e-15);
        assert!((w[1] - 0.043_936_933_623_407_42 / total).abs() < 1e-15);
        assert_eq!(gaussian_weights(0.0).unwrap(), [1.0]);
        assert!(gaussian_weights(-1.0).is_err() && gaussian_weights(f64::NAN).is_err());
    }

    #[test]
    fn a_masked_cell_has_no_weight() {
        use Cell::{Land, Valid};
        let smooth = box_mean(&field(vec![1.0, 3.0, 0.0, 8.0], vec![Valid, Valid, Land, Valid]), 1).unwrap();
        // reflected: (1 + 1 + 3)/3, (1 + 3)/2, land, (8 + 8)/2
        assert_eq!(smooth.values(), &[5.0 / 3.0, 2.0, 0.0, 8.0]);
        assert_eq!(smooth.mask().cells()[2], Land);
    }

    #[test]
    fn a_wave_loses_what_theory_says() {
        // A Gaussian of σ cells multiplies a wave of wavenumber k by exp(−k²σ²/2); 120 cells hold ten waves, so
        // that the axis may wrap.
        let (sigma, k) = (2.0, std::f64::consts::TAU / 12.0);
        let wave: Vec<f64> = (0..120).map(|i| (k * f64::from(i)).cos()).collect();
        let smooth = gaussian_plane(&wave, 1, 120, [sigma; 2], [Edge::Reflect, Edge::Wrap]).unwrap();
        let wanted = (-0.5 * k * k * sigma * sigma).exp();
        assert!(wave.iter().zip(&smooth).all(|(w, s)| (wanted * w - s).abs() < 2e-4));
    }

    #[test]
    fn a_masked_field_as_brute_force() {
        let (rows, columns, sigma) = (9usize, 7usize, 0.8);
        let values: Vec<f32> = (0..63).map(|i| ((i * 37) % 11) as f32).collect();
        let cells: Vec<Cell> = (0..63).map(|i| if i % 5 == 0 { Cell::Land } else { Cell::Valid }).collect();
        let axis = |kind, count| Axis::regular(kind, 0.5, 1.0, count).unwrap();
        let (lat, lon) = (axis(AxisKind::Latitude, rows), axis(AxisKind::Longitude, columns));
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        let field = Field::new("sst", values.clone(), Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap();
        let smooth = gaussian_smooth(&field, sigma).unwrap();
        // σ = 0.8 reaches floor(3.7) = 3 cells; beyond the border the plane is mirrored about its outer edge
        let mirrored = |i: isize, n: usize| (if i < 0 { -1 - i } else { i.min(2 * n as isize - 1 - i) }) as usize;
        for at in (0..63).filter(|at| at % 5 != 0) {
            let (mut sum, mut weight) = (0.0, 0.0);
            for (dy, dx) in (-3..=3).flat_map(|dy| (-3..=3).map(move |dx| (dy, dx))) {
                let i = mirrored((at / columns) as isize + dy, rows) * columns + mirrored((at % columns) as isize + dx, columns);
                if i % 5 != 0 {
                    let w = (-0.5 * (dy * dy + dx * dx) as f64 / (sigma * sigma)).exp();
                    sum += w * f64::from(values[i]);
                    weight += w;
                }
            }
            assert!((f64::from(smooth.values()[at]) - sum / weight).abs() < 1e-5, "cell {at}");
        }
    }

    proptest! {
        #[test]
        fn constants_stay_and_means_are_kept(values in prop::collection::vec(-5.0f64..35.0, 30), sigma in 0.0f64..3.0) {
            let constant = gaussian_plane(&[17.25_f64; 30], 5, 6, [sigma; 2], [Edge::Reflect; 2]).unwrap();
            prop_assert!(constant.iter().all(|v| (v - 17.25).abs() < 1e-12));
            // reflection about the outer edge and periodicity both keep the sum
            let smooth = gaussian_plane(&values, 5, 6, [sigma; 2], [Edge::Reflect, Edge::Wrap]).unwrap();
            prop_assert!((smooth.iter().sum::<f64>() - values.iter().sum::<f64>()).abs() < 1e-9);
        }

        #[test]
        fn a_constant_sea_stays_one_beside_any_coast(land in prop::collection::vec(any::<bool>(), 20), sigma in 0.0f64..4.0) {
            let cells: Vec<Cell> = land.iter().map(|l| if *l { Cell::Land } else { Cell::Valid }).collect();
            let smooth = gaussian_smooth(&field(vec![12.5; 20], cells), sigma).unwrap();
            prop_assert!(smooth.values().iter().zip(&land).all(|(v, l)| *l || (*v - 12.5).abs() < 1e-5));
        }
    }
}
