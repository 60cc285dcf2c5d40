//! Convolutions without a gathered matrix: the kernel's taps are read straight from a padded copy of the input.
//!
//! Forward, blocks of six output channels and up to 16 pixels are summed in registers over all taps. For the gradient
//! of the weight, blocks of six taps and up to 16 output channels are summed over the pixels: twelve sums, two values and
//! one factor take fifteen of the sixteen registers. Every output value has one fixed order of its terms, however the
//! blocks are shared out among threads.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::convolution_kernels::Geometry;
use super::convolution_source::{Piece, Source};
use super::lanes::{LANES, LaneWork, Laned, Lanes};
use super::slices::filled;

/// Output channels of a block.
const CHANNELS: usize = 6;
/// Pieces of pixels of a block.
const PIECES: usize = 2;
/// Taps of a block of the weight's gradient.
const TAPS: usize = 6;
/// Blocks of taps that one task sums.
const TASK_BLOCKS: usize = 12;
/// Pixels that stay in the first-level cache while a task goes through its taps.
const CACHED_PIXELS: usize = 320;

/// Does the direct way pay? Not for a plain product of matrices, nor where most of the eight lanes would idle.
pub(super) fn pays(g: &Geometry) -> bool {
    let pointwise = g.kernel == [1; 3] && g.stride == [1; 3] && g.padding == [0; 3];
    !pointwise && g.output_size()[2] >= LANES / 2 && (g.groups == 1 || g.outputs >= 4)
}

/// The output `[batch, groups * outputs, output size]`, with one number added to each channel.
pub(super) fn forward<T: Laned>(g: &Geometry, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
    let source = Source::new(g);
    let (taps, pieces, copy) = (source.taps(), source.pieces(), source.copy(x));
    source.check(&taps, pieces.iter().map(|piece| piece.from));
    let plane: usize = g.output_size().iter().product();
    let panels = g.outputs.div_ceil(CHANNELS);
    let packed = pack_weights(g, weight, taps.len());
    // Few images are cut by channels too; no value depends on it.
    let many = g.batch * g.groups >= 2 * rayon::current_num_threads();
    let share = if many { panels } else { panels.div_ceil(2 * rayon::current_num_threads()) };
    let run = |image: usize, part: usize, out: &mut [MaybeUninit<T>]| {
        let group = image % g.groups;
        T::with_lanes(Forward {
            source: &copy[image * source.image()..],
            taps: &taps,
            pieces: &pieces,
            weights: &packed[(group * panels + part * share) * taps.len() * CHANNELS..],
            bias: bias.map(|bias| &bias[group * g.outputs + part * share * CHANNELS..]),
            plane,
            out,
        });
    };
    // The pieces cover each plane.
    filled(g.batch * g.groups * g.outputs * plane, |out| {
        out.par_chunks_mut(g.outputs * plane).enumerate().for_each(|(image, out)| {
            out.par_chunks_mut(share * CHANNELS * plane).enumerate().for_each(|(part, out)| run(image, part, out));
        });
    })
}

/// Weights by blocks of channels: for each tap the weights of six channels, those beyond the last zero.
fn pack_weights<T: Laned>(g: &Geometry, weight: &[T], taps: usize) -> Vec<T> {
    let panels = g.outputs.div_ceil(CHANNELS);
    let mut packed = vec![T::from_f64(0.0); g.groups * panels * taps * CHANNELS];
    for (row, weights) in weight.chunks_exact(taps).enumerate() {
        let (group, channel) = (row / g.outputs, row % g.outputs);
        let panel = &mut packed[(group * panels + channel / CHANNELS) * taps * CHANNELS..][..taps * CHANNELS];
        for (to, weight) in panel.chunks_exact_mut(CHANNELS).zip(weights) {
            to[channel % CHANNELS] = *weight;
        }
    }
    packed
}

struct Forward<'a, T> {
    /// From the start of the image on.
    source: &'a [T],
    taps: &'a [usize],
    pieces: &'a [Piece],
    /// Of the first block of channels on.
    weights: &'a [T],
    bias: Option<&'a [T]>,
    plane: usize,
    out: &'a mut [MaybeUninit<T>],
}

impl<T: Laned> LaneWork<T> for Forward<'_, T> {
    #[inline(always)]
    fn run<V: Lanes<T>>(mut self) {
        for pieces in self.pieces.chunks(PIECES) {
            match *pieces {
                [a, b] => self.pixels::<V, 2>([a, b]),
                [a] => self.pixels::<V, 1>([a]),
                _ => {}
            }
        }
    }
}

impl<T: Laned> Forward<'_, T> {
    /// All channels of a few pieces of pixels.
    #[inline(always)]
    fn pixels<V: Lanes<T>, const N: usize>(&mut self, pieces: [Piece; N]) {
        let channels = self.out.len() / self.plane;
        for first in (0..channels).step_by(CHANNELS) {
            match channels - first {
                1 => self.block::<V, 1, N>(first, 1, pieces),
                2 => self.block::<V, 2, N>(first, 2, pieces),
                count @ 3..=4 => self.block::<V, 4, N>(first, count, pieces),
                count => self.block::<V, CHANNELS, N>(first, count.min(CHANNELS), pieces),
            }
        }
    }

    /// `count` channels from `first` on, at most `M`.
    #[inline(always)]
    fn block<V: Lanes<T>, const M: usize, const N: usize>(&mut self, first: usize, count: usize, pieces: [Piece; N]) {
        let weights = &self.weights[first * self.taps.len()..][..self.taps.len() * CHANNELS];
        let mut sums = [[V::splat(T::from_f64(0.0)); N]; M];
        if let Some(bias) = self.bias {
            for m in 0..count {
                sums[m] = [V::splat(bias[first + m]); N];
            }
        }
        // SAFETY: `Source::check` has made sure that eight values lie at each sum of offsets, and `weights` holds
        // `CHANNELS >= M` values for each tap.
        unsafe {
            let mut weights = weights.as_ptr();
            let mut from = [self.source.as_ptr(); N];
            for n in 0..N {
                from[n] = from[n].add(pieces[n].from);
            }
            for tap in self.taps {
                let mut values = [V::splat(T::from_f64(0.0)); N];
                for n in 0..N {
                    values[n] = V::load(from[n].add(*tap));
                }
                for m in 0..M {
                    let weight = V::splat(*weights.add(m));
                    for n in 0..N {
                        sums[m][n] = values[n].times_plus(weight, sums[m][n]);
                    }
                }
                weights = weights.add(CHANNELS);
            }
        }
        for m in 0..M.min(count) {
            for n in 0..N {
                let Piece { to, len, .. } = pieces[n];
                let out = &mut self.out[(first + m) * self.plane + to..][..len];
                // SAFETY: both hold eight values.
                unsafe {
                    if len == LANES {
                        sums[m][n].store(out.as_mut_ptr().cast());
                    } else {
                        let mut whole = [T::from_f64(0.0); LANES];
                        sums[m][n].store(whole.as_mut_ptr());
                        for (out, value) in out.iter_mut().zip(whole) {
                            out.write(value);
                        }
                    }
                }
            }
        }
    }
}

/// The gradient of the weight `[groups * outputs, inputs, kernel]`.
pub(super) fn weight_gradient<T: Laned>(g: &Geometry, x: &[T], output_gradient: &[T]) -> Vec<T> {
    let source = Source::new(g);
    let (mut taps, lines, copy) = (source.taps(), source.lines(), source.copy(x));
    let (count, plane, columns) = (taps.len(), g.output_size().iter().product::<usize>(), g.output_size()[2]);
    source.check(&taps, lines.iter().map(|line| line + columns - 1));
    // A last block that is not full sums some tap again, which nobody reads.
    taps.resize(count.div_ceil(TAPS) * TAPS, 0);
    let width = if g.outputs > LANES { 2 * LANES } else { LANES };
    let panels = g.outputs.div_ceil(width);
    let above = pack_gradient(g, output_gradient, plane, width);
    let mut sums = vec![T::from_f64(0.0); g.groups * panels * taps.len() * width];
    let share = TASK_BLOCKS * TAPS;
    sums.par_chunks_mut(taps.len() * width).enumerate().for_each(|(panel, sums)| {
        let (group, panel) = (panel / panels, panel % panels);
        sums.par_chunks_mut(share * width).zip(taps.par_chunks(share)).for_each(|(sums, taps)| {
            for image in 0..g.batch {
                let task = image * g.groups + group;
                T::with_lanes(WeightGradient {
                    source: &copy[task * source.image()..],
                    above: &above[(task * panels + panel) * plane * width..][..plane * width],
                    taps,
                    lines: &lines,
                    columns,
                    width,
                    sums: &mut *sums,
                });
            }
        });
    });
    let mut gradient = vec![T::from_f64(0.0); g.groups * g.outputs * count];
    for (row, to) in gradient.chunks_exact_mut(count).enumerate() {
        let (group, channel) = (row / g.outputs, row % g.outputs);
        let from = &sums[(group * panels + channel / width) * taps.len() * width + channel % width..];
        for (to, from) in to.iter_mut().zip(from.iter().step_by(width)) {
            *to = *from;
        }
    }
    gradient
}

/// The output's gradient by panels of `width` channels: for each pixel the values of all channels of the panel.
fn pack_gradient<T: Laned>(g: &Geometry, output_gradient: &[T], plane: usize, width: usize) -> Vec<T> {
    let panels = g.outputs.div_ceil(width);
    let mut packed = vec![T::from_f64(0.0); g.batch * g.groups * panels * plane * width];
    packed.par_chunks_mut(plane * width).enumerate().for_each(|(panel, packed)| {
        let (task, first) = (panel / panels, panel % panels * width);
        let channels = (g.outputs - first).min(width);
        let from = &output_gradient[(task * g.outputs + first) * plane..][..channels * plane];
        // A few pixels at a time, so that what is written stays in the cache.
        for (part, packed) in packed.chunks_mut(LANES * width).enumerate() {
            for (channel, from) in from.chunks_exact(plane).enumerate() {
                for (to, from) in packed.chunks_exact_mut(width).zip(&from[part * LANES..]) {
                    to[channel] = *from;
                }
            }
        }
    });
    packed
}

struct WeightGradient<'a, T> {
    /// From the start of the image on.
    source: &'a [T],
    /// `[pixels, width]`
    above: &'a [T],
    taps: &'a [usize],
    lines: &'a [usize],
    columns: usize,
    width: usize,
    /// `[taps, width]`, added to.
    sums: &'a mut [T],
}

impl<T: Laned> LaneWork<T> for WeightGradient<'_, T> {
    #[inline(always)]
    fn run<V: Lanes<T>>(mut self) {
        if self.width == LANES { self.all::<V, 1>() } else { self.all::<V, 2>() }
    }
}

impl<T: Laned> WeightGradient<'_, T> {
    #[inline(always)]
    fn all<V: Lanes<T>, const N: usize>(&mut self) {
        let lines = (CACHED_PIXELS / self.columns).max(1);
        let pixels = self.above.chunks(lines * self.columns * self.width);
        for (lines, above) in self.lines.chunks(lines).zip(pixels) {
            for (taps, sums) in self.taps.chunks_exact(TAPS).zip(self.sums.chunks_exact_mut(TAPS * self.width)) {
                // SAFETY: `Source::check` has made sure that a value lies at each sum of offsets; `above` holds
                // `width = N * LANES` values for each pixel of the lines, and `sums` for each tap.
                unsafe {
                    let mut totals = [[V::splat(T::from_f64(0.0)); N]; TAPS];
                    let mut above = above.as_ptr();
                    for line in lines {
                        let mut from = [self.source.as_ptr().add(*line); TAPS];
                        for t in 0..TAPS {
                            from[t] = from[t].add(taps[t]);
                        }
                        for column in 0..self.columns {
                            let mut values = [V::splat(T::from_f64(0.0)); N];
                            for n in 0..N {
                                values[n] = V::load(above.add(n * LANES));
                            }
                            for t in 0..TAPS {
                                let value = V::splat(*from[t].add(column));
                                for n in 0..N {
                                    totals[t][n] = values[n].times_plus(value, totals[t][n]);
                                }
                            }
                            above = above.add(N * LANES);
                        }
                    }
                    let one = V::splat(T::from_f64(1.0));
                    for t in 0..TAPS {
                        for n in 0..N {
                            let place = sums.as_mut_ptr().add((t * N + n) * LANES);
                            totals[t][n].times_plus(one, V::load(place)).store(place);
                        }
                    }
                }
            }
        }
    }
}
