//! The widest vectors of the processor for loops that the compiler turns into vector code.

/// Work that is compiled once for any processor and once for wide vectors.
pub trait Work {
    /// What comes out.
    type Output;

    /// Does the work. Write `#[inline(always)]` on it and on what it calls: only code inside it is compiled for wide vectors.
    fn run(self) -> Self::Output;
}

/// Runs `work` with AVX2 where the processor has it (asked once), else as for any processor of the architecture.
///
/// The same numbers come out to the last bit: both versions do the same operations in the same order, and multiplication
/// and addition are never fused.
///
/// # Example
/// ```
/// use isotherm::base::vector::{Work, widest};
/// struct Squares<'a>(&'a mut [f64]);
/// impl Work for Squares<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn run(self) {
///         self.0.iter_mut().for_each(|v| *v *= *v);
///     }
/// }
/// let mut values = [1.0, 2.0, 3.0];
/// widest(Squares(&mut values));
/// assert_eq!(values, [1.0, 4.0, 9.0]);
/// ```
#[inline]
pub fn widest<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn with_avx2<W: Work>(work: W) -> W::Output {
            work.run()
        }
        // SAFETY: the processor was asked for AVX2 in the line above.
        return unsafe { with_avx2(work) };
    }
    work.run()
}

/// A function and its argument as [`Work`]. The function is a named one with `#[inline(always)]`, no closure.
pub struct Call<F, A>(pub F, pub A);

impl<A, R, F: Fn(A) -> R> Work for Call<F, A> {
    type Output = R;

    #[inline(always)]
    fn run(self) -> R {
        (self.0)(self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    struct Dot<'a>(&'a [f64], &'a [f64]);

    impl Work for Dot<'_> {
        type Output = f64;

        #[inline(always)]
        fn run(self) -> f64 {
            let mut sums = [0.0; 8];
            for (x, y) in self.0.chunks_exact(8).zip(self.1.chunks_exact(8)) {
                (0..8).for_each(|lane| sums[lane] += x[lane] * y[lane]);
            }
            sums.iter().sum()
        }
    }

    #[test]
    fn the_same_bits_with_and_without() {
        let mut random = Random::new(1, "vector");
        let mut draw = || (0..800).map(|_| random.normal()).collect::<Vec<f64>>();
        let (a, b) = (draw(), draw());
        assert_eq!(widest(Dot(&a, &b)).to_bits(), Dot(&a, &b).run().to_bits());
    }
}
