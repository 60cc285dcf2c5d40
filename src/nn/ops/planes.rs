//! Loops over the planes of `[b, c, ...]`: one plane holds the values of one channel of one image.

use candle_core::{Layout, WithDType};
use rayon::prelude::*;

use crate::base::vector::{Work, widest};

/// Values handled by one task.
const TASK_VALUES: usize = 16_384;

/// Values of one plane.
pub(crate) fn plane_len(layout: &Layout) -> usize {
    layout.dims()[2..].iter().product::<usize>().max(1)
}

/// Fills each plane of a new tensor by `f(channel, plane, plane of x)`.
pub(crate) fn map_planes<T: WithDType>(
    x: &[T],
    channels: usize,
    plane: usize,
    f: impl Fn(usize, &mut [T], &[T]) + Sync,
) -> Vec<T> {
    struct Part<'a, T, F> {
        y: &'a mut [T],
        x: &'a [T],
        first: usize,
        channels: usize,
        plane: usize,
        f: &'a F,
    }
    impl<T, F: Fn(usize, &mut [T], &[T])> Work for Part<'_, T, F> {
        type Output = ();

        #[inline(always)]
        fn run(self) {
            let mut channel = self.first;
            for (y, x) in self.y.chunks_exact_mut(self.plane).zip(self.x.chunks_exact(self.plane)) {
                (self.f)(channel, y, x);
                channel = if channel + 1 == self.channels { 0 } else { channel + 1 };
            }
        }
    }
    let mut y = vec![T::from_f64(0.0); x.len()];
    let planes = (TASK_VALUES / plane).max(1);
    y.par_chunks_mut(planes * plane).zip(x.par_chunks(planes * plane)).enumerate().for_each(|(task, (y, x))| {
        widest(Part { y, x, first: task * planes % channels, channels, plane, f: &f });
    });
    y
}

/// The sum over images of `f(plane of a, plane of b)` for each channel, always in the same order.
pub(crate) fn sum_planes<T: WithDType>(
    a: &[T],
    b: &[T],
    channels: usize,
    plane: usize,
    f: impl Fn(&[T], &[T]) -> T + Sync,
) -> Vec<T> {
    struct Part<'a, T, F> {
        a: &'a [T],
        b: &'a [T],
        plane: usize,
        sums: &'a mut [T],
        f: &'a F,
    }
    impl<T: WithDType, F: Fn(&[T], &[T]) -> T> Work for Part<'_, T, F> {
        type Output = ();

        #[inline(always)]
        fn run(self) {
            let count = self.sums.len().max(1);
            for (i, (a, b)) in self.a.chunks_exact(self.plane).zip(self.b.chunks_exact(self.plane)).enumerate() {
                self.sums[i % count] += (self.f)(a, b);
            }
        }
    }
    // Whole images where they are small, else plane by plane.
    let image = channels * plane;
    let images = TASK_VALUES / image.max(1);
    let task = if images > 0 { images * image } else { plane };
    let parts: Vec<Vec<T>> = a
        .par_chunks(task.max(1))
        .zip(b.par_chunks(task.max(1)))
        .map(|(a, b)| {
            let mut sums = vec![T::from_f64(0.0); (a.len() / plane).min(channels)];
            widest(Part { a, b, plane, sums: &mut sums, f: &f });
            sums
        })
        .collect();
    let mut sums = vec![T::from_f64(0.0); channels];
    let mut channel = 0;
    for value in parts.into_iter().flatten() {
        sums[channel] += value;
        channel = (channel + 1) % channels;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_for_small_and_large_planes() {
        // image i holds the value i + 1 + 10 c in channel c; 3 channels
        for (images, plane) in [(9000, 1), (700, 5), (2, 20_000)] {
            let x: Vec<f64> = (0..images * 3 * plane).map(|v| (v / plane / 3 + 1 + 10 * (v / plane % 3)) as f64).collect();
            let got = sum_planes(&x, &x, 3, plane, |a, _| a.iter().sum());
            let one = (images * (images + 1) / 2 * plane) as f64;
            let want: Vec<f64> = (0..3).map(|c| one + (10 * c * images * plane) as f64).collect();
            assert_eq!(got, want);
            let doubled = map_planes(&x, 3, plane, |c, y, x| y.iter_mut().zip(x).for_each(|(y, x)| *y = x - 10.0 * c as f64));
            assert!(doubled.iter().enumerate().all(|(v, y)| *y == (v / plane / 3 + 1) as f64));
        }
    }
}
