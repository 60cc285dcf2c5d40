//! Eight numbers side by side, for the few loops where the compiler does not find the best vector code itself.
//!
//! The loops are generic over [`Lanes`]; where the processor has AVX2 and fused multiplication and addition they are
//! compiled for these, else for plain arrays of eight.

use candle_core::WithDType;

/// Eight numbers of type `T`.
pub(super) trait Lanes<T>: Copy {
    /// Eight times the same.
    fn splat(value: T) -> Self;

    /// Eight numbers in memory.
    ///
    /// # Safety
    /// Eight values lie at `from`, and the processor has what the implementation was compiled for.
    unsafe fn load(from: *const T) -> Self;

    /// Puts them into memory.
    ///
    /// # Safety
    /// As [`Lanes::load`].
    unsafe fn store(self, to: *mut T);

    /// `self * factor + sum`.
    fn times_plus(self, factor: Self, sum: Self) -> Self;
}

/// How many numbers stand side by side.
pub(super) const LANES: usize = 8;

/// For any processor.
#[derive(Clone, Copy)]
pub(super) struct Plain<T>([T; LANES]);

impl<T: WithDType> Lanes<T> for Plain<T> {
    #[inline(always)]
    fn splat(value: T) -> Self {
        Plain([value; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's promise.
        Plain(unsafe { from.cast::<[T; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[T; LANES]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    fn times_plus(self, factor: Self, sum: Self) -> Self {
        let mut out = sum.0;
        for i in 0..LANES {
            out[i] += self.0[i] * factor.0[i];
        }
        Plain(out)
    }
}

/// Work that is compiled for several kinds of lanes. Write `#[inline(always)]` on `run` and on what it calls.
pub(super) trait LaneWork<T> {
    /// Does the work.
    fn run<V: Lanes<T>>(self);
}

/// A type that has lanes of its own on some processors.
pub(crate) trait Laned: WithDType {
    /// Runs work with the quickest lanes that this processor has (asked once).
    #[allow(private_bounds)]
    fn with_lanes<W: LaneWork<Self>>(work: W);
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;

    use super::{LANES, LaneWork, Laned, Lanes, Plain};

    /// One register of AVX2.
    #[derive(Clone, Copy)]
    struct Singles(__m256);

    /// Two registers of AVX2.
    #[derive(Clone, Copy)]
    struct Doubles([__m256d; 2]);

    // Values of these two are made only inside `run_singles` and `run_doubles`, so the processor has the instructions.
    impl Lanes<f32> for Singles {
        #[inline(always)]
        fn splat(value: f32) -> Self {
            // SAFETY: see above.
            Singles(unsafe { _mm256_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's promise, and see above.
            Singles(unsafe { _mm256_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller's promise, and see above.
            unsafe { _mm256_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        fn times_plus(self, factor: Self, sum: Self) -> Self {
            // SAFETY: see above.
            Singles(unsafe { _mm256_fmadd_ps(self.0, factor.0, sum.0) })
        }
    }

    impl Lanes<f64> for Doubles {
        #[inline(always)]
        fn splat(value: f64) -> Self {
            // SAFETY: see above.
            Doubles([unsafe { _mm256_set1_pd(value) }; 2])
        }

        #[inline(always)]
        unsafe fn load(from: *const f64) -> Self {
            // SAFETY: the caller's promise, and see above.
            unsafe { Doubles([_mm256_loadu_pd(from), _mm256_loadu_pd(from.add(LANES / 2))]) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f64) {
            // SAFETY: the caller's promise, and see above.
            unsafe {
                _mm256_storeu_pd(to, self.0[0]);
                _mm256_storeu_pd(to.add(LANES / 2), self.0[1]);
            }
        }

        #[inline(always)]
        fn times_plus(self, factor: Self, sum: Self) -> Self {
            // SAFETY: see above.
            unsafe {
                Doubles([_mm256_fmadd_pd(self.0[0], factor.0[0], sum.0[0]), _mm256_fmadd_pd(self.0[1], factor.0[1], sum.0[1])])
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn run_singles<W: LaneWork<f32>>(work: W) {
        work.run::<Singles>();
    }

    #[target_feature(enable = "avx2,fma")]
    fn run_doubles<W: LaneWork<f64>>(work: W) {
        work.run::<Doubles>();
    }

    fn available() -> bool {
        std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
    }

    impl Laned for f32 {
        fn with_lanes<W: LaneWork<f32>>(work: W) {
            if available() {
                // SAFETY: the processor was asked in the line above.
                unsafe { run_singles(work) }
            } else {
                work.run::<Plain<f32>>();
            }
        }
    }

    impl Laned for f64 {
        fn with_lanes<W: LaneWork<f64>>(work: W) {
            if available() {
                // SAFETY: the processor was asked in the line above.
                unsafe { run_doubles(work) }
            } else {
                work.run::<Plain<f64>>();
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Laned for f32 {
    fn with_lanes<W: LaneWork<f32>>(work: W) {
        work.run::<Plain<f32>>();
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Laned for f64 {
    fn with_lanes<W: LaneWork<f64>>(work: W) {
        work.run::<Plain<f64>>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Polynomial<'a, T>(&'a [T; LANES], &'a mut [T; LANES]);

    impl<T: WithDType> LaneWork<T> for Polynomial<'_, T> {
        #[inline(always)]
        fn run<V: Lanes<T>>(self) {
            // SAFETY: both arrays hold eight values.
            unsafe {
                let x = V::load(self.0.as_ptr());
                x.times_plus(x, V::splat(T::from_f64(1.0))).store(self.1.as_mut_ptr());
            }
        }
    }

    #[test]
    fn all_lanes_do_the_same() {
        let x = [0.0, 1.0, -2.0, 3.0, -4.0, 5.0, 6.0, 7.0];
        let want = [1.0, 2.0, 5.0, 10.0, 17.0, 26.0, 37.0, 50.0];
        let (mut quick, mut plain) = ([0.0f64; 8], [0.0f64; 8]);
        f64::with_lanes(Polynomial(&x, &mut quick));
        Polynomial(&x, &mut plain).run::<Plain<f64>>();
        assert_eq!((quick, plain), (want, want));
        let mut single = [0.0f32; 8];
        f32::with_lanes(Polynomial(&x.map(|v| v as f32), &mut single));
        assert_eq!(single.map(f64::from), want);
    }
}
