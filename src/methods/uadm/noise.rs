//! What the noise of the diffusion looks like in space.

use candle_core::{Device, Tensor, Var};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::methods::error::{MethodError, MethodResult};
use crate::score::{PlaneSpectra, ScoreError};

/// The spectrum of the diffusion's noise.
///
/// White noise is as strong in the smallest waves as in the largest, whereas what a coarse field lacks has nearly all of its
/// variance in its largest waves and none beyond what the fine product resolves. White noise must then be many times as strong
/// as the data to hide their largest waves, and few steps do not get rid of it in the small ones. Noise with the spectrum of what
/// is missing hides all waves alike, so that a state is nearly a scaled sample from the first step on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum NoiseColour {
    /// No cell knows of another, as published.
    White,
    /// The spectrum of what the back-projected bicubic lacks on the training tiles: white noise through a kernel that reaches so
    /// many pixels to each side, which is measured before the training and kept with the weights.
    #[default]
    Missing,
}

/// Pixels that the kernel reaches to each side.
pub(super) const REACH: usize = 12;
/// Side of the kernel.
pub(super) const SIDE: usize = 2 * REACH + 1;

/// Makes white noise into the diffusion's.
#[derive(Clone, Debug)]
pub(super) struct Colour {
    /// `SIDE` x `SIDE`, its squares sum to 1; none for white noise.
    kernel: Option<Vec<f32>>,
}

impl Colour {
    /// The colour of a trained network: none for no kernel.
    pub fn of(kernel: Option<&Var>) -> MethodResult<Colour> {
        let kernel = kernel.map(|kernel| kernel.as_tensor().to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>());
        Ok(Colour { kernel: kernel.transpose()? })
    }

    /// How many cells of white noise it wants beyond each border.
    pub fn margin(&self) -> usize {
        if self.kernel.is_some() { REACH } else { 0 }
    }

    /// The noise on `rows` x `columns` cells from white noise on as many and [`Colour::margin`] more beyond each border, or
    /// beyond the first and last row alone where the columns go around (`wrap`).
    pub fn paint(&self, white: &[f64], [rows, columns]: [usize; 2], wrap: bool) -> Vec<f64> {
        let Some(kernel) = &self.kernel else { return white.to_vec() };
        let width = columns + 2 * REACH;
        let stored = if wrap { columns } else { width };
        let extended: Vec<f32> = white
            .chunks(stored)
            .flat_map(|line| {
                let from = if wrap { columns - REACH % columns } else { 0 };
                (0..width).map(move |x| line[(from + x) % stored] as f32)
            })
            .collect();
        let mut painted = vec![0.0f32; rows * columns];
        painted.par_chunks_mut(columns).enumerate().for_each(|(y, line)| {
            for (dy, taps) in kernel.chunks(SIDE).enumerate() {
                let from = &extended[(y + dy) * width..(y + dy + 1) * width];
                for (dx, tap) in taps.iter().enumerate() {
                    line.iter_mut().zip(&from[dx..dx + columns]).for_each(|(to, value)| *to += tap * value);
                }
            }
        });
        painted.into_iter().map(f64::from).collect()
    }
}

/// The kernel whose noise has the mean spectrum of `planes`, squares of `side` pixels without gaps: the transform of the
/// spectrum's root, tapered at its reach, its squares summing to 1.
pub(super) fn kernel_of(planes: &[Vec<f64>], side: usize) -> MethodResult<Vec<f32>> {
    let spectra = PlaneSpectra::new(1.0, 1.0);
    let mut power = vec![0.0; side * side];
    for plane in planes {
        let spectrum = spectra.power(plane, side, side).map_err(|e: ScoreError| MethodError::Argument(format!("uadm: {e}")))?;
        power.iter_mut().zip(spectrum.power).for_each(|(sum, p)| *sum += p);
    }
    let half = side / 2;
    // The frequencies ascend through 0 at `half`; an even side has its highest on one side only.
    let at = |y: isize, x: isize| {
        let index = |v: isize| (v + half as isize).rem_euclid(side as isize) as usize;
        power[index(y) * side + index(x)]
    };
    // What turns and mirrors make of a field is as likely as the field.
    let amplitude: Vec<f64> = (0..side * side)
        .map(|i| {
            let (y, x) = ((i / side) as isize - half as isize, (i % side) as isize - half as isize);
            let all = [at(y, x), at(y, -x), at(-y, x), at(-y, -x), at(x, y), at(x, -y), at(-x, y), at(-x, -y)];
            all.iter().sum::<f64>().sqrt()
        })
        .collect();
    let cosine: Vec<f64> = (0..side).map(|i| (std::f64::consts::TAU * i as f64 / side as f64).cos()).collect();
    let phase = |k: usize, d: usize| cosine[((k as isize - half as isize) * d as isize).rem_euclid(side as isize) as usize];
    // Along the rows first; even in both directions, so that a quarter is enough.
    let mut rows = vec![0.0; side * (REACH + 1)];
    for (k, line) in amplitude.chunks(side).enumerate() {
        for d in 0..=REACH {
            rows[k * (REACH + 1) + d] = line.iter().enumerate().map(|(x, a)| a * phase(x, d)).sum();
        }
    }
    let taper = |d: usize| 0.5 + 0.5 * (std::f64::consts::PI * d as f64 / (REACH + 1) as f64).cos();
    let quarter =
        |dy: usize, dx: usize| taper(dy) * taper(dx) * (0..side).map(|k| rows[k * (REACH + 1) + dx] * phase(k, dy)).sum::<f64>();
    let quarters: Vec<f64> = (0..(REACH + 1) * (REACH + 1)).map(|i| quarter(i / (REACH + 1), i % (REACH + 1))).collect();
    let kernel: Vec<f64> =
        (0..SIDE * SIDE).map(|i| quarters[(i / SIDE).abs_diff(REACH) * (REACH + 1) + (i % SIDE).abs_diff(REACH)]).collect();
    let length = kernel.iter().map(|k| k * k).sum::<f64>().sqrt();
    if !(length.is_finite() && length > 0.0) {
        return Err(MethodError::Argument(
            "uadm: the training tiles lack nothing that a coarse field does not hold, so noise has no colour to take; set the \
             diffusion's colour to white"
                .to_string(),
        ));
    }
    Ok(kernel.into_iter().map(|k| (k / length) as f32).collect())
}

/// The kernel as the value of a network's variable.
pub(super) fn kernel_tensor(kernel: Vec<f32>, device: &Device) -> MethodResult<Tensor> {
    Ok(Tensor::from_vec(kernel, (SIDE, SIDE), &Device::Cpu)?.to_device(device)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn white(cells: usize, name: &str) -> Vec<f64> {
        let mut random = Random::new(5, name);
        (0..cells).map(|_| random.normal()).collect()
    }

    fn colour(kernel: Vec<f32>) -> Colour {
        Colour { kernel: Some(kernel) }
    }

    #[test]
    fn white_planes_give_a_kernel_that_changes_nothing() {
        let planes: Vec<Vec<f64>> = (0..400).map(|i| white(32 * 32, &i.to_string())).collect();
        let kernel = kernel_of(&planes, 32).unwrap();
        let middle = kernel[REACH * SIDE + REACH];
        assert!(middle > 0.99, "{middle}");
        assert!((kernel.iter().map(|k| k * k).sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn noise_has_the_covariance_of_the_planes() {
        // Sums over 3 x 3 cells have correlations 2/3 and 1/3 at one and two cells' distance.
        let side = 48;
        let blurred = |white: &[f64], width: usize, rows: usize, columns: usize| -> Vec<f64> {
            (0..rows * columns)
                .map(|i| (0..9).map(|k| white[(i / columns + k / 3) * width + i % columns + k % 3]).sum::<f64>() / 3.0)
                .collect()
        };
        let planes: Vec<Vec<f64>> =
            (0..300).map(|i| blurred(&white((side + 2) * (side + 2), &i.to_string()), side + 2, side, side)).collect();
        let colour = colour(kernel_of(&planes, side).unwrap());
        let (rows, columns) = (200, 220);
        let noise = colour.paint(&white((rows + 2 * REACH) * (columns + 2 * REACH), "noise"), [rows, columns], false);
        let mean = |dy: usize, dx: usize| {
            let pairs = (0..rows - dy).flat_map(|y| (0..columns - dx).map(move |x| (y, x)));
            let (sum, n) = pairs
                .fold((0.0, 0), |(sum, n), (y, x)| (sum + noise[y * columns + x] * noise[(y + dy) * columns + x + dx], n + 1));
            sum / f64::from(n)
        };
        assert!((mean(0, 0) - 1.0).abs() < 0.05, "{}", mean(0, 0));
        for (dy, dx, want) in [(0, 1, 2.0 / 3.0), (1, 0, 2.0 / 3.0), (0, 2, 1.0 / 3.0), (1, 1, 4.0 / 9.0), (0, 5, 0.0)] {
            assert!((mean(dy, dx) - want).abs() < 0.06, "{dy} {dx}: {}", mean(dy, dx));
        }
    }

    #[test]
    fn columns_that_go_around_have_no_seam() {
        let kernel: Vec<f32> = (0..SIDE * SIDE).map(|i| 1.0 / (1.0 + i as f32)).collect();
        let (rows, columns) = (3, 17);
        let plain = white((rows + 2 * REACH) * columns, "around");
        let around = colour(kernel.clone()).paint(&plain, [rows, columns], true);
        // The same with the columns repeated by hand, and turned by 5 columns.
        let width = columns + 2 * REACH;
        let wide: Vec<f64> = plain
            .chunks(columns)
            .flat_map(|line| (0..width).map(|x| line[(x + 2 * columns - REACH) % columns]).collect::<Vec<_>>())
            .collect();
        assert_eq!(around, colour(kernel.clone()).paint(&wide, [rows, columns], false));
        let turned: Vec<f64> =
            plain.chunks(columns).flat_map(|line| (0..columns).map(|x| line[(x + 5) % columns]).collect::<Vec<_>>()).collect();
        let turned = colour(kernel).paint(&turned, [rows, columns], true);
        for y in 0..rows {
            assert!((0..columns).all(|x| turned[y * columns + x] == around[y * columns + (x + 5) % columns]));
        }
    }

    #[test]
    fn nothing_missing_has_no_colour() {
        let error = kernel_of(&[vec![0.0; 32 * 32]], 32).unwrap_err().to_string();
        assert!(error.contains("white"), "{error}");
    }
}
