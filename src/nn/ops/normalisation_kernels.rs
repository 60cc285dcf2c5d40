//! The loops of the normalisations on the CPU: forward, gradient of the input, gradients of weight and bias.
//!
//! A tensor is cut into rows that are normalised one by one. Sums run over fixed pieces in a fixed order
//! and are gathered in f64, so the result is the same for any number of threads.

use candle_core::WithDType;
use rayon::prelude::*;

use crate::base::vector::{Call, widest};

/// Values handled by one task.
const TASK_VALUES: usize = 16_384;
/// Values summed in the type of the tensor before the sum moves on in f64.
const PIECE: usize = 4_096;

/// How a contiguous tensor is cut into rows, and which weight belongs to which value.
///
/// Row `r` holds the channels `(r % groups) * channels ..` of one image, each with `plane` values. Layer
/// normalisation over the last dimension is one group with `plane` 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rows {
    pub channels: usize,
    pub plane: usize,
    pub groups: usize,
    pub epsilon: f64,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.channels * self.plane
    }

    pub fn all_channels(&self) -> usize {
        self.channels * self.groups
    }

    /// Rows of one task: a number that depends on the shape alone.
    fn per_task(&self) -> usize {
        (TASK_VALUES / self.len().max(1)).max(1)
    }

    /// The channels of row `row`.
    fn channels_of(&self, row: usize) -> std::ops::Range<usize> {
        let first = (row % self.groups) * self.channels;
        first..first + self.channels
    }
}

/// `Σ f(a, b)`, in sixteen lanes for each piece.
#[inline(always)]
fn sum<T: WithDType>(a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> f64 {
    let zero = T::from_f64(0.0);
    let mut total = 0.0;
    for (a, b) in a.chunks(PIECE).zip(b.chunks(PIECE)) {
        let mut lanes = [zero; 16];
        let (whole_a, whole_b) = (a.chunks_exact(16), b.chunks_exact(16));
        let rest = whole_a.remainder().iter().zip(whole_b.remainder()).fold(zero, |sum, (a, b)| sum + f(*a, *b));
        for (a, b) in whole_a.zip(whole_b) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += f(*a, *b);
            }
        }
        total += lanes.into_iter().fold(rest, |sum, lane| sum + lane).to_f64();
    }
    total
}

/// Mean and `1 / sqrt(variance + epsilon)` of a row (biased variance).
#[inline(always)]
fn statistics<T: WithDType>(rows: &Rows, row: &[T]) -> (T, T) {
    let count = row.len() as f64;
    let mean = sum(row, row, |x, _| x) / count;
    let centre = T::from_f64(mean);
    let variance = sum(row, row, |x, _| (x - centre) * (x - centre)) / count;
    (centre, T::from_f64(1.0 / (variance + rows.epsilon).sqrt()))
}

/// `weight · (x - mean) / sqrt(variance + epsilon) + bias`.
pub(crate) fn forward<T: WithDType>(rows: &Rows, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let mut y = vec![T::from_f64(0.0); x.len()];
    let (len, per_task) = (rows.len(), rows.per_task());
    if len == 0 {
        return y;
    }
    y.par_chunks_mut(len * per_task).zip(x.par_chunks(len * per_task)).enumerate().for_each(|(task, (y, x))| {
        widest(Call(forward_rows, (rows, task * per_task, x, weight, bias, y)));
    });
    y
}

/// Rows from `first` on.
#[inline(always)]
fn forward_rows<T: WithDType>((rows, first, x, weight, bias, y): (&Rows, usize, &[T], &[T], &[T], &mut [T])) {
    let len = rows.len();
    for (i, (y, x)) in y.chunks_exact_mut(len).zip(x.chunks_exact(len)).enumerate() {
        let channels = rows.channels_of(first + i);
        let (weight, bias) = (&weight[channels.clone()], &bias[channels]);
        let (mean, scale) = statistics(rows, x);
        if rows.plane == 1 {
            for ((y, x), (weight, bias)) in y.iter_mut().zip(x).zip(weight.iter().zip(bias)) {
                *y = (*x - mean) * scale * *weight + *bias;
            }
            continue;
        }
        let planes = y.chunks_exact_mut(rows.plane).zip(x.chunks_exact(rows.plane));
        for ((y, x), (weight, bias)) in planes.zip(weight.iter().zip(bias)) {
            let factor = scale * *weight;
            for (y, x) in y.iter_mut().zip(x) {
                *y = (*x - mean) * factor + *bias;
            }
        }
    }
}

/// The gradient of the input: `s (p - mean(p) - n mean(p n))` with `p = weight · above`, the normalised
/// values `n` and `s = 1 / sqrt(variance + epsilon)`.
pub(crate) fn input_gradient<T: WithDType>(rows: &Rows, x: &[T], weight: &[T], above: &[T]) -> Vec<T> {
    let mut dx = vec![T::from_f64(0.0); x.len()];
    let (len, per_task) = (rows.len(), rows.per_task());
    if len == 0 {
        return dx;
    }
    let tasks = dx.par_chunks_mut(len * per_task).zip(x.par_chunks(len * per_task).zip(above.par_chunks(len * per_task)));
    tasks.enumerate().for_each(|(task, (dx, (x, above)))| {
        widest(Call(gradient_rows, (rows, task * per_task, x, weight, above, dx)));
    });
    dx
}

/// Rows from `start` on.
#[inline(always)]
fn gradient_rows<T: WithDType>((rows, start, x, weight, above, dx): (&Rows, usize, &[T], &[T], &[T], &mut [T])) {
    let len = rows.len();
    let inputs = x.chunks_exact(len).zip(above.chunks_exact(len));
    for (i, (dx, (x, above))) in dx.chunks_exact_mut(len).zip(inputs).enumerate() {
        let weight = &weight[rows.channels_of(start + i)];
        let (mean, scale) = statistics(rows, x);
        let (mut first, mut second) = (0.0, 0.0);
        if rows.plane == 1 {
            // `dx` holds p for the moment.
            for ((p, weight), above) in dx.iter_mut().zip(weight).zip(above) {
                *p = *weight * *above;
            }
            first = sum(dx, dx, |p, _| p);
            second = sum(dx, x, |p, x| p * (x - mean));
        } else {
            for ((x, above), weight) in x.chunks_exact(rows.plane).zip(above.chunks_exact(rows.plane)).zip(weight) {
                let weight = weight.to_f64();
                first += weight * sum(above, above, |p, _| p);
                second += weight * sum(above, x, |p, x| p * (x - mean));
            }
        }
        let count = len as f64;
        let mean_p = T::from_f64(first / count);
        // mean(p n) s, so that n mean(p n) = (x - mean) times this
        let slope = T::from_f64(second * scale.to_f64() * scale.to_f64() / count);
        if rows.plane == 1 {
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx = scale * (*dx - mean_p - (*x - mean) * slope);
            }
            continue;
        }
        let planes = x.chunks_exact(rows.plane).zip(above.chunks_exact(rows.plane));
        for ((dx, (x, above)), weight) in dx.chunks_exact_mut(rows.plane).zip(planes).zip(weight) {
            for (dx, (x, above)) in dx.iter_mut().zip(x.iter().zip(above)) {
                *dx = scale * (*weight * *above - mean_p - (*x - mean) * slope);
            }
        }
    }
}

/// The gradients of weight and bias, `[2, channels]`: the sums of `above · n` and of `above` over all but
/// the channel.
pub(crate) fn parameter_gradient<T: WithDType>(rows: &Rows, x: &[T], above: &[T]) -> Vec<T> {
    let (len, per_task, all) = (rows.len(), rows.per_task(), rows.all_channels());
    let mut total = vec![0.0; 2 * all];
    if len == 0 {
        return total.into_iter().map(T::from_f64).collect();
    }
    let parts: Vec<Vec<f64>> = x
        .par_chunks(len * per_task)
        .zip(above.par_chunks(len * per_task))
        .enumerate()
        .map(|(task, (x, above))| {
            let mut part = vec![0.0; 2 * all];
            widest(Call(parameter_rows, (rows, task * per_task, x, above, &mut part[..])));
            part
        })
        .collect();
    for part in &parts {
        for (total, value) in total.iter_mut().zip(part) {
            *total += value;
        }
    }
    total.into_iter().map(T::from_f64).collect()
}

/// Rows from `first` on.
#[inline(always)]
fn parameter_rows<T: WithDType>((rows, first, x, above, part): (&Rows, usize, &[T], &[T], &mut [f64])) {
    let (len, all) = (rows.len(), rows.all_channels());
    let (to_weight, to_bias) = part.split_at_mut(all);
    for (i, (x, above)) in x.chunks_exact(len).zip(above.chunks_exact(len)).enumerate() {
        let channels = rows.channels_of(first + i);
        let (to_weight, to_bias) = (&mut to_weight[channels.clone()], &mut to_bias[channels]);
        let (mean, scale) = statistics(rows, x);
        let planes = x.chunks_exact(rows.plane).zip(above.chunks_exact(rows.plane));
        for ((to_weight, to_bias), (x, above)) in to_weight.iter_mut().zip(to_bias).zip(planes) {
            if let ([x], [above]) = (x, above) {
                *to_weight += (*above * (*x - mean) * scale).to_f64();
                *to_bias += above.to_f64();
            } else {
                *to_weight += sum(above, x, |above, x| above * (x - mean)) * scale.to_f64();
                *to_bias += sum(above, above, |above, _| above);
            }
        }
    }
}
