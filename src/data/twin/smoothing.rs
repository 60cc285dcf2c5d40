//! Gaussian smoothing that knows land: a normalised convolution over the valid cells.

/// The kernel is cut at this many standard deviations, where it has fallen to 3e-4 of its peak.
const REACH: f64 = 4.0;

/// Smooths one frame of `rows x columns` with a Gaussian of `sigma_cells`, `G*(value·valid) / G*(valid)`.
///
/// Cells that are not valid take no part, and hold 0 afterwards. Beyond the edge there is nothing, so the
/// kernel is one-sided there.
pub(super) fn smooth(values: &[f32], valid: &[bool], rows: usize, columns: usize, sigma_cells: f64) -> Vec<f32> {
    if sigma_cells <= 0.0 {
        return values.iter().zip(valid).map(|(v, ok)| if *ok { *v } else { 0.0 }).collect();
    }
    let reach = (REACH * sigma_cells).ceil() as usize;
    let kernel: Vec<f32> = (0..=reach).map(|d| (-0.5 * (d as f64 / sigma_cells).powi(2)).exp() as f32).collect();
    let weighted: Vec<[f32; 2]> = values.iter().zip(valid).map(|(v, ok)| if *ok { [*v, 1.0] } else { [0.0, 0.0] }).collect();
    let mut along = vec![[0.0f32; 2]; weighted.len()];
    for y in 0..rows {
        convolve(&weighted[y * columns..(y + 1) * columns], &kernel, |x, sum| along[y * columns + x] = sum);
    }
    let mut result = vec![0.0; values.len()];
    let mut column = vec![[0.0f32; 2]; rows];
    for x in 0..columns {
        for (y, cell) in column.iter_mut().enumerate() {
            *cell = along[y * columns + x];
        }
        convolve(&column, &kernel, |y, [sum, weight]| {
            let index = y * columns + x;
            if valid[index] {
                result[index] = sum / weight;
            }
        });
    }
    result
}

fn convolve(line: &[[f32; 2]], kernel: &[f32], mut store: impl FnMut(usize, [f32; 2])) {
    let reach = kernel.len() - 1;
    for centre in 0..line.len() {
        let (first, last) = (centre.saturating_sub(reach), (centre + reach).min(line.len() - 1));
        let mut sum = [0.0f32; 2];
        for (offset, cell) in line[first..=last].iter().enumerate() {
            let weight = kernel[(first + offset).abs_diff(centre)];
            sum[0] += weight * cell[0];
            sum[1] += weight * cell[1];
        }
        store(centre, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_and_land_does_not_leak() {
        let mut valid = vec![true; 30];
        valid[7] = false;
        let mut values = vec![4.0; 30];
        values[7] = 1e6;
        let smoothed = smooth(&values, &valid, 5, 6, 1.3);
        assert!(smoothed.iter().enumerate().all(|(i, v)| if i == 7 { *v == 0.0 } else { (v - 4.0).abs() < 1e-5 }));
    }

    #[test]
    fn a_wave_loses_what_theory_says() {
        // A Gaussian of σ cells multiplies a wave of wavenumber k by exp(−k²σ²/2); far from the edges.
        let (rows, columns, sigma) = (3, 120, 2.0);
        let k = std::f64::consts::TAU / 12.0;
        let wave: Vec<f32> = (0..rows * columns).map(|i| (k * (i % columns) as f64).cos() as f32).collect();
        let smoothed = smooth(&wave, &vec![true; wave.len()], rows, columns, sigma);
        let wanted = (-0.5 * k * k * sigma * sigma).exp();
        assert!((f64::from(smoothed[columns + 60]) - wanted).abs() < 2e-4, "{} {wanted}", smoothed[columns + 60]);
    }

    #[test]
    fn as_brute_force() {
        let (rows, columns, sigma) = (9, 7, 0.8);
        let values: Vec<f32> = (0..63).map(|i| ((i * 37) % 11) as f32).collect();
        let valid: Vec<bool> = (0..63).map(|i| i % 5 != 0).collect();
        let smoothed = smooth(&values, &valid, rows, columns, sigma);
        for y in 0..rows {
            for x in 0..columns {
                if !valid[y * columns + x] {
                    continue;
                }
                let (mut sum, mut weight) = (0.0, 0.0);
                for v in 0..rows {
                    for u in 0..columns {
                        let (dy, dx) = (v.abs_diff(y), u.abs_diff(x));
                        if valid[v * columns + u] && dy <= 4 && dx <= 4 {
                            let w = (-0.5 * ((dy * dy + dx * dx) as f64) / (sigma * sigma)).exp();
                            sum += w * f64::from(values[v * columns + u]);
                            weight += w;
                        }
                    }
                }
                assert!((f64::from(smoothed[y * columns + x]) - sum / weight).abs() < 1e-4);
            }
        }
    }
}
