//! Sorting of many numbers.

/// Sorts numbers in ascending order, −0 before 0, NaN at the ends.
///
/// The numbers are sorted as whole numbers that have the same order, which is about twice as fast as to compare them as they are.
///
/// # Example
/// ```
/// let mut values = [2.0, -1.0, 0.5];
/// isotherm::score::sort_values(&mut values);
/// assert_eq!(values, [-1.0, 0.5, 2.0]);
/// ```
///
/// # Reference
/// The order is that of IEEE 754-2019, section 5.10 (totalOrder), doi:10.1109/IEEESTD.2019.8766229
pub fn sort_values(values: &mut [f64]) {
    let mut keys: Vec<u64> = values.iter().map(|v| key(*v)).collect();
    keys.sort_unstable();
    values.iter_mut().zip(keys).for_each(|(v, k)| *v = value(k));
}

/// A whole number that orders as the value does: negative numbers with all bits turned, others with the sign turned.
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

fn value(key: u64) -> f64 {
    f64::from_bits(key ^ (((!key as i64 >> 63) as u64) | 1 << 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn comparison_sort_is_the_twin() {
        let mut random = Random::new(2, "sort");
        for n in [0, 1, 20, 5000] {
            let mut values: Vec<f64> = (0..n).map(|i| random.normal() * 10f64.powi(i % 9 - 4)).collect();
            values.extend([0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, -1e-320, f64::NAN]);
            let mut want = values.clone();
            want.sort_by(f64::total_cmp);
            sort_values(&mut values);
            assert!(values.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()), "{n}");
        }
    }
}
