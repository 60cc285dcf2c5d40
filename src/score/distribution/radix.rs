//! Sorting of many numbers.

/// Below this many numbers a comparison sort is faster.
const FEW: usize = 2048;
/// Bits of a digit: six passes over 64 bits, with counters that stay in the first cache.
const BITS: u32 = 11;
const PASSES: usize = 6;

/// Sorts numbers in ascending order, −0 before 0, NaN at the ends. Long lists are sorted by their binary digits, which needs no
/// comparison and as much memory again.
///
/// # Example
/// ```
/// let mut values = [2.0, -1.0, 0.5];
/// isotherm::score::sort_values(&mut values);
/// assert_eq!(values, [-1.0, 0.5, 2.0]);
/// ```
///
/// # Reference
/// Knuth (1998), The Art of Computer Programming 3, section 5.2.5
pub fn sort_values(values: &mut [f64]) {
    if values.len() < FEW {
        values.sort_unstable_by(f64::total_cmp);
        return;
    }
    let mut keys: Vec<u64> = values.iter().map(|v| key(*v)).collect();
    let mut other = vec![0u64; keys.len()];
    // All digits are counted in one pass.
    let mut counts = vec![[0usize; 1 << BITS]; PASSES];
    for k in &keys {
        for (pass, count) in counts.iter_mut().enumerate() {
            count[digit(*k, pass)] += 1;
        }
    }
    for (pass, count) in counts.iter_mut().enumerate() {
        if count.contains(&keys.len()) {
            continue; // all have the same digit here
        }
        let mut start = 0;
        for c in count.iter_mut() {
            start += std::mem::replace(c, start);
        }
        for k in &keys {
            let slot = &mut count[digit(*k, pass)];
            other[*slot] = *k;
            *slot += 1;
        }
        std::mem::swap(&mut keys, &mut other);
    }
    values.iter_mut().zip(keys).for_each(|(v, k)| *v = value(k));
}

fn digit(key: u64, pass: usize) -> usize {
    (key >> (BITS * pass as u32)) as usize & ((1 << BITS) - 1)
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
        let mut random = Random::new(2, "radix");
        for n in [0, 1, FEW - 1, FEW, 3 * FEW + 7] {
            let mut values: Vec<f64> = (0..n).map(|i| random.normal() * 10f64.powi((i % 9) as i32 - 4)).collect();
            values.extend([0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, -1e-320]);
            let mut want = values.clone();
            want.sort_by(f64::total_cmp);
            sort_values(&mut values);
            assert!(values.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()), "{n}");
        }
    }

    #[test]
    fn equal_values_stay() {
        let mut values = vec![288.15; 3 * FEW];
        sort_values(&mut values);
        assert!(values.iter().all(|v| *v == 288.15));
    }
}
