//! The widest vectors of the processor for loops that the compiler turns into vector code.

/// Runs `work`, compiled twice: for any processor of the architecture, and with AVX2 for those that have it (asked once).
///
/// The same numbers come out to the last bit: both versions do the same operations in the same order, and multiplication
/// and addition are never fused. What `work` calls must be `#[inline(always)]` to be compiled along with it.
///
/// # Example
/// ```
/// let squares = isotherm::base::vector::widest(|| [1.0, 2.0, 3.0].map(|v: f64| v * v));
/// assert_eq!(squares, [1.0, 4.0, 9.0]);
/// ```
#[inline]
pub fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        // SAFETY: the processor was asked for AVX2 in the line above.
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[inline(always)]
    fn dot(a: &[f64], b: &[f64]) -> f64 {
        let mut sums = [0.0; 8];
        for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
            (0..8).for_each(|lane| sums[lane] += x[lane] * y[lane]);
        }
        sums.iter().sum()
    }

    #[test]
    fn the_same_bits_with_and_without() {
        let mut random = Random::new(1, "vector");
        let mut draw = || (0..800).map(|_| random.normal()).collect::<Vec<f64>>();
        let (a, b) = (draw(), draw());
        assert_eq!(widest(|| dot(&a, &b)).to_bits(), dot(&a, &b).to_bits());
    }
}
