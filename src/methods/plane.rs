//! Single frames as plain slices: interpolation to a finer grid, block means, back-projection, land fill.
//!
//! Half-pixel centres (a coarse cell is exactly a block of fine ones), borders clamped or wrapped.

use rayon::prelude::*;

/// Source indices and weights of one output position.
type Taps = Vec<(usize, f32)>;

/// How values between cell centres are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    Nearest,
    Bilinear,
    /// Cubic convolution with a = -0.75, the convention of PyTorch. Keys (1981), doi:10.1109/TASSP.1981.1163711.
    Bicubic,
}

fn taps(kernel: Kernel, cells: usize, factor: usize, wrap: bool) -> Vec<Taps> {
    const A: f64 = -0.75;
    let place = |i: isize| -> usize {
        let n = cells as isize;
        (if wrap { i.rem_euclid(n) } else { i.clamp(0, n - 1) }) as usize
    };
    (0..cells * factor)
        .map(|fine| {
            let position = (fine as f64 + 0.5) / factor as f64 - 0.5;
            let (floor, t) = (position.floor() as isize, position - position.floor());
            match kernel {
                Kernel::Nearest => vec![(fine / factor, 1.0)],
                Kernel::Bilinear => vec![(place(floor), (1.0 - t) as f32), (place(floor + 1), t as f32)],
                Kernel::Bicubic => {
                    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
                    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
                    [(-1, far(1.0 + t)), (0, near(t)), (1, near(1.0 - t)), (2, far(2.0 - t))]
                        .map(|(offset, weight)| (place(floor + offset), weight as f32))
                        .to_vec()
                }
            }
        })
        .collect()
}

/// `[rows, columns]` to `[rows * factor, columns * factor]`; `wrap` joins the last column to the first.
pub(crate) fn upsample_plane(kernel: Kernel, values: &[f32], rows: usize, columns: usize, factor: usize, wrap: bool) -> Vec<f32> {
    let (down, across) = (taps(kernel, rows, factor, false), taps(kernel, columns, factor, wrap));
    let width = columns * factor;
    let mut out = vec![0.0f32; rows * factor * width];
    out.par_chunks_mut(width.max(1)).zip(&down).for_each_init(
        || vec![0.0f32; columns],
        |line, (out, down)| {
            line.fill(0.0);
            for (row, weight) in down {
                for (sum, value) in line.iter_mut().zip(&values[row * columns..]) {
                    *sum += weight * value;
                }
            }
            for (out, across) in out.iter_mut().zip(&across) {
                *out = across.iter().map(|(column, weight)| weight * line[*column]).sum();
            }
        },
    );
    out
}

/// Mean of each block of `factor` by `factor`; both sizes must be multiples of it.
pub(crate) fn coarsen_plane(values: &[f32], rows: usize, columns: usize, factor: usize) -> Vec<f32> {
    let (coarse_rows, coarse_columns) = (rows / factor, columns / factor);
    let mut out = Vec::with_capacity(coarse_rows * coarse_columns);
    for y in 0..coarse_rows {
        for x in 0..coarse_columns {
            let sum: f64 = (0..factor)
                .flat_map(|dy| &values[(y * factor + dy) * columns + x * factor..][..factor])
                .map(|v| f64::from(*v))
                .sum();
            out.push((sum / (factor * factor) as f64) as f32);
        }
    }
    out
}

/// Bicubic whose block means are the coarse values again: `u += bicubic(low - coarsen(u))`, repeated.
/// Irani and Peleg (1991), doi:10.1016/1049-9652(91)90045-L.
pub(crate) fn back_project_plane(
    low: &[f32],
    rows: usize,
    columns: usize,
    factor: usize,
    iterations: usize,
    wrap: bool,
) -> Vec<f32> {
    let mut fine = upsample_plane(Kernel::Bicubic, low, rows, columns, factor, wrap);
    for _ in 0..iterations {
        let back = coarsen_plane(&fine, rows * factor, columns * factor, factor);
        let missing: Vec<f32> = low.iter().zip(&back).map(|(a, b)| a - b).collect();
        let correction = upsample_plane(Kernel::Bicubic, &missing, rows, columns, factor, wrap);
        for (value, add) in fine.iter_mut().zip(correction) {
            *value += add;
        }
    }
    fine
}

/// The plane with each invalid cell given the mean of its filled neighbours, ring by ring from the valid
/// ones outwards; `None` where no cell is valid.
pub(crate) fn fill_plane(values: &[f32], valid: &[bool], rows: usize, columns: usize) -> Option<Vec<f32>> {
    if !valid.contains(&true) {
        return None;
    }
    let (mut values, mut known) = (values.to_vec(), valid.to_vec());
    let mut open: Vec<usize> = (0..values.len()).filter(|i| !known[*i]).collect();
    while !open.is_empty() {
        let ring: Vec<(usize, f32)> = open
            .iter()
            .filter_map(|&i| {
                let (y, x) = (i / columns, i % columns);
                let (mut sum, mut count) = (0.0f64, 0usize);
                for ny in y.saturating_sub(1)..(y + 2).min(rows) {
                    for nx in x.saturating_sub(1)..(x + 2).min(columns) {
                        if known[ny * columns + nx] {
                            sum += f64::from(values[ny * columns + nx]);
                            count += 1;
                        }
                    }
                }
                (count > 0).then(|| (i, (sum / count as f64) as f32))
            })
            .collect();
        for (i, value) in ring {
            values[i] = value;
            known[i] = true;
        }
        open.retain(|i| !known[*i]);
    }
    Some(values)
}

/// Gaussian smoothing with standard deviation `sigma` pixels, cut at three, renormalised at the borders.
pub(crate) fn smooth_plane(values: &[f32], rows: usize, columns: usize, sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as usize;
    if reach == 0 {
        return values.to_vec();
    }
    let weights: Vec<f32> = (0..=reach).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp() as f32).collect();
    // Down the columns, row by row, so that the inner loop runs along memory; turned over for the other axis.
    let down = |source: &[f32], lines: usize, width: usize| -> Vec<f32> {
        let mut out = vec![0.0f32; source.len()];
        for (i, out) in out.chunks_mut(width.max(1)).enumerate() {
            let around = i.saturating_sub(reach)..(i + reach + 1).min(lines);
            let total: f32 = around.clone().map(|j| weights[i.abs_diff(j)]).sum();
            for j in around {
                let weight = weights[i.abs_diff(j)] / total;
                for (sum, value) in out.iter_mut().zip(&source[j * width..]) {
                    *sum += weight * value;
                }
            }
        }
        out
    };
    let turned = transposed(&down(values, rows, columns), rows, columns);
    transposed(&down(&turned, columns, rows), columns, rows)
}

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|x| (0..rows).map(move |y| values[y * columns + x])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_phases_of_the_cubic() {
        // t = 0.6, 0.8, 0, 0.2, 0.4 for a = -0.75, by hand: at t = 0.2 the outer weights are -0.096, -0.024
        let phases = taps(Kernel::Bicubic, 10, 5, false);
        let weights = |fine: usize| phases[fine].iter().map(|(_, w)| (f64::from(*w) * 1e6).round() / 1e6).collect::<Vec<_>>();
        assert_eq!(weights(25), [-0.072, 0.46, 0.72, -0.108]);
        assert_eq!(weights(27), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(weights(28), [-0.096, 0.92, 0.2, -0.024]);
        assert_eq!(phases[25][0].0, 3);
    }

    #[test]
    fn back_projection_closes_and_keeps_a_constant() {
        let low: Vec<f32> = (0..48).map(|i| ((i * 37 % 11) as f32) / 4.0).collect();
        let fine = back_project_plane(&low, 6, 8, 5, 20, false);
        let back = coarsen_plane(&fine, 30, 40, 5);
        assert!(low.iter().zip(&back).all(|(a, b)| (a - b).abs() < 2e-3));
        assert!(back_project_plane(&[7.0; 12], 3, 4, 5, 3, true).iter().all(|v| (v - 7.0).abs() < 1e-5));
    }

    #[test]
    fn a_wrapped_plane_does_not_know_where_it_begins() {
        let low: Vec<f32> = (0..24).map(|i| ((i * 7 % 13) as f32).sin()).collect();
        let rolled: Vec<f32> = (0..24).map(|i| low[i / 8 * 8 + (i % 8 + 3) % 8]).collect();
        let (a, b) = (back_project_plane(&low, 3, 8, 5, 4, true), back_project_plane(&rolled, 3, 8, 5, 4, true));
        for y in 0..15 {
            for x in 0..40 {
                assert!((b[y * 40 + x] - a[y * 40 + (x + 15) % 40]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn filling_by_rings() {
        let filled = fill_plane(&[1.0, 9.0, 9.0, 9.0], &[true, false, false, false], 1, 4).unwrap();
        assert_eq!(filled, [1.0; 4]);
        assert!(fill_plane(&[0.0; 4], &[false; 4], 2, 2).is_none());
    }

    #[test]
    fn smoothing_an_impulse_and_a_constant() {
        let mut plane = vec![0.0; 21 * 21];
        plane[10 * 21 + 10] = 1.0;
        let out = smooth_plane(&plane, 21, 21, 1.5);
        // neighbour ratio exp(-1 / (2 * 1.5²)) = 0.800737
        assert!((out[10 * 21 + 11] / out[10 * 21 + 10] - 0.800_737).abs() < 1e-5);
        assert!(smooth_plane(&[3.0; 30], 5, 6, 2.0).iter().all(|v| (v - 3.0).abs() < 1e-6));
    }
}
