//! The total strain rate of a geostrophic flow whose surface would look like the temperature: where it is large, fronts are
//! sharp and a coarse field says least about the fine one.

use serde::{Deserialize, Serialize};

use crate::grid::{EARTH_RADIUS_METRES, Sample};

/// Angular speed of the Earth, rad/s.
const ROTATION: f64 = 7.2921e-5;
/// Acceleration of gravity, m/s².
const GRAVITY: f64 = 9.81;
/// The published program's smallest |f|, 1/s.
const SMALLEST_CORIOLIS: f64 = 1e-10;
/// Latitude whose f keeps the divisor away from 0 at the equator, degrees.
const REGULAR_LATITUDE: f64 = 5.0;
/// Smallest cosine of the latitude: columns of cells meet at the poles.
const SMALLEST_COSINE: f64 = 1e-3;

/// How the strain is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrainMode {
    /// As published: the streamfunction is `(g/f) y` with |f| at least 1e-10, differenced twice by central differences, the
    /// second time as if the plane were periodic. Near the equator a few cells drown all others, and opposite borders touch.
    Paper,
    /// From the second derivatives, with `1/√(f² + f(5°)²)`, borders that repeat their neighbours, and columns that wrap only
    /// where longitude does.
    #[default]
    Fixed,
}

/// The metric of a plane of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct StrainGrid {
    /// Distance of rows, metres.
    row_spacing: f64,
    /// Distance of columns in each row, metres.
    column_spacing: Vec<f64>,
    /// f in each row, 1/s.
    coriolis: Vec<f64>,
    wrap: bool,
    mode: StrainMode,
}

impl StrainGrid {
    /// Of rows at `latitudes` and columns `longitude_step` apart (degrees); do columns go around the globe?
    pub fn on_sphere(latitudes: &[f64], longitude_step: f64, wrap: bool, mode: StrainMode) -> StrainGrid {
        let metres = |degrees: f64| EARTH_RADIUS_METRES * degrees.to_radians();
        let steps = latitudes.len().saturating_sub(1).max(1) as f64;
        let row_step = latitudes.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f64>() / steps;
        StrainGrid {
            row_spacing: metres(if row_step > 0.0 { row_step } else { longitude_step.abs() }),
            column_spacing: latitudes
                .iter()
                .map(|lat| metres(longitude_step.abs()) * lat.to_radians().cos().max(SMALLEST_COSINE))
                .collect(),
            coriolis: latitudes.iter().map(|lat| 2.0 * ROTATION * lat.to_radians().sin()).collect(),
            wrap,
            mode,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.coriolis.len()
    }

    /// The total strain rate at each cell of a plane, in 1/s per unit of the values (were they metres of sea surface height).
    ///
    /// # Formula
    /// ```text
    /// P = (g/f) y     u = −∂P/∂y'    v = ∂P/∂x'
    /// S = √((u_x' − v_y')² + (v_x' + u_y')²) = (g/|f|) √(4 y_x'y'² + (y_x'x' − y_y'y')²) = (g/|f|) |λ₁ − λ₂|
    /// ```
    /// with x' eastward, y' northward and λ the eigenvalues of the Hessian of y; the second line holds where f varies little
    /// over two cells, and is what [`StrainMode::Fixed`] computes with `1/√(f² + f(5°)²)` in place of `1/|f|`. A plane of less
    /// than three rows or columns has none: zeros.
    pub fn total_strain<T: Sample>(&self, values: &[T], columns: usize) -> Vec<f64> {
        let rows = self.rows();
        if rows < 3 || columns < 3 {
            return vec![0.0; values.len()];
        }
        match self.mode {
            StrainMode::Paper => self.paper(values, columns),
            StrainMode::Fixed => self.fixed(values, columns),
        }
    }

    fn fixed<T: Sample>(&self, values: &[T], columns: usize) -> Vec<f64> {
        let rows = self.rows();
        let regular = 2.0 * ROTATION * REGULAR_LATITUDE.to_radians().sin();
        let at = |y: usize, x: usize| values[y * columns + x].to_f64();
        let dy = self.row_spacing;
        let mut strain = vec![0.0; values.len()];
        for (i, line) in strain.chunks_mut(columns).enumerate() {
            let y = i.clamp(1, rows - 2);
            let dx = self.column_spacing[y];
            let gain = GRAVITY / self.coriolis[y].hypot(regular);
            for (j, cell) in line.iter_mut().enumerate() {
                let (west, x, east) = if self.wrap {
                    ((j + columns - 1) % columns, j, (j + 1) % columns)
                } else {
                    let x = j.clamp(1, columns - 2);
                    (x - 1, x, x + 1)
                };
                let xx = (at(y, east) - 2.0 * at(y, x) + at(y, west)) / (dx * dx);
                let yy = (at(y + 1, x) - 2.0 * at(y, x) + at(y - 1, x)) / (dy * dy);
                let xy = (at(y + 1, east) - at(y + 1, west) - at(y - 1, east) + at(y - 1, west)) / (4.0 * dx * dy);
                *cell = gain * (2.0 * xy).hypot(xx - yy);
            }
        }
        strain
    }

    fn paper<T: Sample>(&self, values: &[T], columns: usize) -> Vec<f64> {
        let rows = self.rows();
        let stream: Vec<f64> = values
            .iter()
            .enumerate()
            .map(|(i, v)| {
                let f = self.coriolis[i / columns];
                GRAVITY / if f.abs() < SMALLEST_CORIOLIS { SMALLEST_CORIOLIS } else { f } * v.to_f64()
            })
            .collect();
        // The velocities of the interior, repeated one cell outwards.
        let (mut eastward, mut northward) = (vec![0.0; values.len()], vec![0.0; values.len()]);
        for i in 0..values.len() {
            let (y, x) = ((i / columns).clamp(1, rows - 2), (i % columns).clamp(1, columns - 2));
            eastward[i] = -(stream[(y + 1) * columns + x] - stream[(y - 1) * columns + x]) / (2.0 * self.row_spacing);
            northward[i] = (stream[y * columns + x + 1] - stream[y * columns + x - 1]) / (2.0 * self.column_spacing[y]);
        }
        let along = |plane: &[f64], y: usize, x: usize| {
            (plane[y * columns + (x + 1) % columns] - plane[y * columns + (x + columns - 1) % columns])
                / (2.0 * self.column_spacing[y])
        };
        let across = |plane: &[f64], y: usize, x: usize| {
            (plane[(y + 1) % rows * columns + x] - plane[(y + rows - 1) % rows * columns + x]) / (2.0 * self.row_spacing)
        };
        (0..values.len())
            .map(|i| {
                let (y, x) = (i / columns, i % columns);
                let normal = along(&eastward, y, x) - across(&northward, y, x);
                let shear = along(&northward, y, x) + across(&eastward, y, x);
                let strain = normal.hypot(shear);
                if strain.is_finite() { strain } else { 0.0 }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 21;

    /// A patch of 0.05 degree cells about `latitude`; rows northward.
    fn latitudes(latitude: f64) -> Vec<f64> {
        (0..SIDE).map(|i| latitude + 0.05 * (i as f64 - 10.0)).collect()
    }

    /// `value(x, y)` with x and y in metres from the centre; x in the metric of each row.
    fn plane(grid: &StrainGrid, value: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..SIDE * SIDE)
            .map(|i| {
                let (row, column) = (i / SIDE, i % SIDE);
                value((column as f64 - 10.0) * grid.column_spacing[row], (row as f64 - 10.0) * grid.row_spacing)
            })
            .collect()
    }

    fn centre(strain: &[f64]) -> f64 {
        strain[10 * SIDE + 10]
    }

    #[test]
    fn pure_shear_and_no_strain() {
        // y = a x y: Hessian off the diagonal a, eigenvalues a and -a, S = 2 a g / |f|. y = a (x² + y²): none.
        let a = 1e-10;
        for (mode, latitude) in [(StrainMode::Fixed, 40.0), (StrainMode::Paper, 40.0), (StrainMode::Fixed, -40.0)] {
            let grid = StrainGrid::on_sphere(&latitudes(latitude), 0.05, false, mode);
            let (f, five) = (2.0 * 7.2921e-5 * 40f64.to_radians().sin(), 2.0 * 7.2921e-5 * 5f64.to_radians().sin());
            let f = if mode == StrainMode::Fixed { (f * f + five * five).sqrt() } else { f };
            let want = 2.0 * a * 9.81 / f;
            let got = centre(&grid.total_strain(&plane(&grid, |x, y| a * x * y), SIDE));
            // columns of rows to the north lie closer: half a percent over 20 rows
            assert!((got / want - 1.0).abs() < 0.005, "{mode:?}: {got}, want {want}");
            let none = centre(&grid.total_strain(&plane(&grid, |x, y| a * (x * x + y * y)), SIDE));
            assert!(none < 0.03 * want, "{mode:?}: {none} of {want}");
            // y = a x² alone: eigenvalues 2 a and 0
            let got = centre(&grid.total_strain(&plane(&grid, |x, _| a * x * x), SIDE));
            assert!((got / want - 1.0).abs() < 0.03, "{mode:?}: {got}, want {want}");
        }
    }

    #[test]
    fn on_a_plane_of_constant_f_the_closed_form_is_exact() {
        let mut grid = StrainGrid::on_sphere(&latitudes(30.0), 0.05, false, StrainMode::Fixed);
        grid.column_spacing = vec![2.0; SIDE];
        grid.row_spacing = 3.0;
        grid.coriolis = vec![1e-4; SIDE];
        let five = 2.0 * 7.2921e-5 * 5f64.to_radians().sin();
        let gain = 9.81 / (1e-8 + five * five).sqrt();
        // Second differences of a quadratic are exact everywhere, borders included.
        let strain = grid.total_strain(&plane(&grid, |x, y| 0.3 * x * x - 0.2 * y * y + 0.5 * x * y + 7.0 * x - y + 2.0), SIDE);
        let want = gain * (1.0f64 + 1.0).sqrt(); // 2 y_xy = 1, y_xx - y_yy = 0.6 + 0.4
        assert!(strain.iter().all(|s| (s / want - 1.0).abs() < 1e-9));
        let none = grid.total_strain(&plane(&grid, |x, y| x * x + y * y), SIDE);
        assert!(none.iter().all(|s| s.abs() < 1e-6 * gain));
    }

    #[test]
    fn flips_turn_the_strain_with_the_field() {
        let value = |x: f64, y: f64| (x * 3e-4).sin() * (y * 2e-4).cos() + (x * 1e-4 + y * 2.3e-4).sin();
        for mode in [StrainMode::Paper, StrainMode::Fixed] {
            let grid = StrainGrid::on_sphere(&latitudes(35.0), 0.05, false, mode);
            let field = plane(&grid, value);
            let strain = grid.total_strain(&field, SIDE);
            let mirrored: Vec<f64> = field.chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
            let other = grid.total_strain(&mirrored, SIDE);
            let largest = strain.iter().fold(0.0f64, |a, b| a.max(*b));
            for (i, s) in strain.iter().enumerate() {
                let j = i / SIDE * SIDE + SIDE - 1 - i % SIDE;
                assert!((s - other[j]).abs() < 1e-9 * largest, "{mode:?}");
            }
            // upside down: the latitudes with it
            let turned: Vec<f64> = field.chunks(SIDE).rev().flatten().copied().collect();
            let down: Vec<f64> = latitudes(35.0).into_iter().rev().collect();
            let other = StrainGrid::on_sphere(&down, 0.05, false, mode).total_strain(&turned, SIDE);
            for (i, s) in strain.iter().enumerate() {
                let j = (SIDE - 1 - i / SIDE) * SIDE + i % SIDE;
                assert!((s - other[j]).abs() < 1e-9 * largest, "{mode:?}");
            }
        }
    }

    #[test]
    fn the_equator_drowns_the_rest_only_in_the_published_mode() {
        // The same waves everywhere; the share of cells above a twentieth of the largest strain.
        let share = |mode| {
            let grid = StrainGrid::on_sphere(&latitudes(0.0), 0.05, false, mode);
            let strain = grid.total_strain(&plane(&grid, |x, y| (x * 4e-4).sin() * (y * 4e-4).cos()), SIDE);
            let largest = strain.iter().fold(0.0f64, |a, b| a.max(*b));
            strain.iter().filter(|s| **s > 0.05 * largest).count() as f64 / strain.len() as f64
        };
        assert!(share(StrainMode::Paper) < 0.3, "{}", share(StrainMode::Paper));
        assert!(share(StrainMode::Fixed) > 0.8, "{}", share(StrainMode::Fixed));
    }

    #[test]
    fn a_global_plane_has_no_seam_and_a_small_one_no_strain() {
        let columns = 40;
        let lat: Vec<f64> = (0..5).map(|i| 30.0 + i as f64).collect();
        let grid = StrainGrid::on_sphere(&lat, 9.0, true, StrainMode::Fixed);
        let wave: Vec<f64> =
            (0..5 * columns).map(|i| (std::f64::consts::TAU * (i % columns) as f64 / 40.0 * 3.0).sin()).collect();
        let shifted: Vec<f64> = (0..5 * columns).map(|i| wave[i / columns * columns + (i + 7) % columns]).collect();
        let (a, b) = (grid.total_strain(&wave, columns), grid.total_strain(&shifted, columns));
        for i in 0..a.len() {
            assert!((a[i / columns * columns + (i + 7) % columns] - b[i]).abs() < 1e-9 * a[3].abs().max(1e-12));
        }
        assert_eq!(StrainGrid::on_sphere(&[1.0, 2.0], 1.0, false, StrainMode::Fixed).total_strain(&[1.0f32; 8], 4), [0.0; 8]);
    }
}
