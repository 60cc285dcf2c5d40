//! Plain slices of CPU tensors for the custom operations, and loops whose result does not depend on the
//! number of threads.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, DType, Layout, Result, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::base::vector::{Work, widest};

/// Values handled by one task of an elementwise loop.
const CHUNK: usize = 16_384;

/// The values of a contiguous tensor.
pub(in crate::nn) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    shared(T::cpu_storage_as_slice(storage)?, layout)
}

/// The part of a storage's buffer that a contiguous layout covers, to be read.
pub(in crate::nn) fn shared<'a, T>(buffer: &'a [T], layout: &Layout) -> Result<&'a [T]> {
    let (start, end) = covered(layout)?;
    Ok(&buffer[start..end])
}

/// The part of a storage's buffer that a contiguous layout covers, to be changed.
pub(in crate::nn) fn mutable<'a, T>(buffer: &'a mut [T], layout: &Layout) -> Result<&'a mut [T]> {
    let (start, end) = covered(layout)?;
    Ok(&mut buffer[start..end])
}

fn covered(layout: &Layout) -> Result<(usize, usize)> {
    match layout.contiguous_offsets() {
        Some(range) => Ok(range),
        None => bail!("found a tensor with gaps or a transposed order; a contiguous one is wanted"),
    }
}

/// Does the tensor live where our own loops work: on the CPU, in f32 or f64?
pub(crate) fn own_path(x: &Tensor) -> bool {
    x.device().is_cpu() && matches!(x.dtype(), DType::F32 | DType::F64)
}

/// `f` of each value.
pub(crate) fn map<T: WithDType>(x: &[T], f: impl Fn(T) -> T + Sync) -> Vec<T> {
    struct Part<'a, T, F>(&'a mut [MaybeUninit<T>], &'a [T], &'a F);
    impl<T: Copy, F: Fn(T) -> T> Work for Part<'_, T, F> {
        type Output = ();

        #[inline(always)]
        fn run(self) {
            for (y, x) in self.0.iter_mut().zip(self.1) {
                y.write((self.2)(*x));
            }
        }
    }
    filled(x.len(), |y| {
        y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| widest(Part(y, x, &f)));
    })
}

/// A vector of `len` values, all of which `fill` must write.
pub(crate) fn filled<T>(len: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Vec<T> {
    let mut values = Vec::with_capacity(len);
    fill(&mut values.spare_capacity_mut()[..len]);
    // SAFETY: the capacity is at least `len`, and the few callers write every place.
    unsafe { values.set_len(len) };
    values
}

/// `f` of each pair of values.
pub(crate) fn map2<T: WithDType>(a: &[T], b: &[T], f: impl Fn(T, T) -> T + Sync) -> Vec<T> {
    struct Part<'a, T, F>(&'a mut [MaybeUninit<T>], &'a [T], &'a [T], &'a F);
    impl<T: Copy, F: Fn(T, T) -> T> Work for Part<'_, T, F> {
        type Output = ();

        #[inline(always)]
        fn run(self) {
            for (y, (a, b)) in self.0.iter_mut().zip(self.1.iter().zip(self.2)) {
                y.write((self.3)(*a, *b));
            }
        }
    }
    assert_eq!(a.len(), b.len(), "two slices of one length");
    filled(a.len(), |y| {
        let parts = y.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK)));
        parts.for_each(|(y, (a, b))| widest(Part(y, a, b, &f)));
    })
}

/// The sum of `values` in sixteen interleaved lanes: quick, and always in the same order.
#[inline(always)]
pub(crate) fn lane_sum<T: WithDType>(values: &[T]) -> T {
    let mut lanes = [T::from_f64(0.0); 16];
    for part in values.chunks(16) {
        for (lane, value) in lanes.iter_mut().zip(part) {
            *lane += *value;
        }
    }
    lanes.into_iter().fold(T::from_f64(0.0), |sum, lane| sum + lane)
}

/// Runs a generic body for the type of a CPU storage (f32 or f64).
macro_rules! by_type {
    ($storage:expr, $name:expr, $t:ident => $body:expr) => {
        match $storage {
            candle_core::CpuStorage::F32(_) => {
                type $t = f32;
                $body
            }
            candle_core::CpuStorage::F64(_) => {
                type $t = f64;
                $body
            }
            _ => candle_core::bail!("{} works in f32 or f64 on the CPU", $name),
        }
    };
}
pub(crate) use by_type;
