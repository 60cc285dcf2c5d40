//! One counter-based random generator for everything: Philox4x32-10.
//!
//! A number is a pure function of (seed, stream, counter), so draws do not depend on the number of
//! threads, may be made in any order, and are the same on every device.
//!
//! # Reference
//! Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3. doi:10.1145/2063384.2063405

use super::vector::{Work, widest};

/// Multipliers and key increments of Philox4x32.
const M0: u64 = 0xD251_1F53;
const M1: u64 = 0xCD9E_8D57;
const K0: u32 = 0x9E37_79B9;
const K1: u32 = 0xBB67_AE85;
/// The lower half of 64 bits.
const LOW: u64 = 0xFFFF_FFFF;
/// Blocks computed side by side where many numbers are wanted.
const GROUP: usize = 8;

/// The four 32-bit words that Philox4x32-10 gives for a counter under a key.
///
/// # Example
/// ```
/// // Random123's known answer for an all-zero counter and key
/// let words = isotherm::base::random::philox([0; 4], [0; 2]);
/// assert_eq!(words, [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
/// ```
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p0 = M0 * u64::from(counter[0]);
        let p1 = M1 * u64::from(counter[2]);
        counter = [(p1 >> 32) as u32 ^ counter[1] ^ key[0], p1 as u32, (p0 >> 32) as u32 ^ counter[3] ^ key[1], p0 as u32];
        key = [key[0].wrapping_add(K0), key[1].wrapping_add(K1)];
    }
    counter
}

/// A stream of random numbers. Streams of the same seed with different names are independent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    key: [u32; 2],
    stream: u64,
    counter: u64,
    buffer: [u32; 4],
    left: u8,
}

impl Random {
    /// The stream `name` of `seed`. Name streams by what they are for (`"weights"`, `"noise"`), never by
    /// order of use, so that adding one does not change another.
    pub fn new(seed: u64, name: &str) -> Random {
        // FNV-1a, 64 bit: enough to tell names apart, and the same everywhere.
        let stream = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
        Random { key: [seed as u32, (seed >> 32) as u32], stream, counter: 0, buffer: [0; 4], left: 0 }
    }

    /// The stream as it is after `blocks` blocks of four words: skips without drawing.
    pub fn at(mut self, blocks: u64) -> Random {
        self.counter = blocks;
        self.left = 0;
        self
    }

    /// A stream that is independent of this one, for item `index` (a sample, a tile, a day).
    pub fn child(&self, index: u64) -> Random {
        let mut child = self.clone();
        child.stream =
            self.stream.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ index.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        child.counter = 0;
        child.left = 0;
        child
    }

    /// Where the stream stands: `(blocks drawn, words left of the last block)`. With the seed and the
    /// name it is all that a checkpoint needs.
    pub fn position(&self) -> (u64, u8) {
        (self.counter, self.left)
    }

    /// Puts the stream back to a [`Random::position`].
    pub fn restore(&mut self, position: (u64, u8)) {
        self.counter = position.0;
        self.left = position.1;
        if self.left > 0 {
            self.buffer = self.block(self.counter.wrapping_sub(1));
        }
    }

    /// Uniform integers in 0 .. `bound` into all of `out`: the same as so many calls of [`Random::below`], in a fraction of
    /// the time.
    ///
    /// # Example
    /// ```
    /// use isotherm::base::random::Random;
    /// let (mut one, mut all) = (Random::new(1, "draws"), Random::new(1, "draws"));
    /// let mut out = [0; 5];
    /// all.fill_below(10, &mut out);
    /// assert_eq!(out, [(); 5].map(|()| one.below(10)));
    /// assert_eq!(one, all);
    /// ```
    pub fn fill_below(&mut self, bound: usize, out: &mut [usize]) {
        let mut done = 0;
        // Two 64-bit numbers come of each block. What does not begin or end with a whole group of blocks goes one by one.
        while done < out.len() && self.left != 0 {
            out[done] = self.below(bound);
            done += 1;
        }
        let bound_64 = bound as u64;
        if bound_64 > 1 {
            let threshold = bound_64.wrapping_neg() % bound_64;
            while out.len() - done >= 2 * GROUP {
                let words = widest(Group { key: self.key, stream: self.stream, counter: self.counter });
                let products = words.map(|word| u128::from(word) * u128::from(bound_64));
                if products.iter().any(|product| (*product as u64) < threshold) {
                    // A number must be drawn again: rare, and left to the plain way.
                    out[done..done + words.len()].iter_mut().for_each(|o| *o = self.below(bound));
                    done += words.len();
                    while done < out.len() && self.left != 0 {
                        out[done] = self.below(bound);
                        done += 1;
                    }
                    continue;
                }
                for (out, product) in out[done..].iter_mut().zip(products) {
                    *out = (product >> 64) as usize;
                }
                self.counter = self.counter.wrapping_add(GROUP as u64);
                // As after the last of so many single draws.
                self.buffer = [
                    (words[2 * GROUP - 2] >> 32) as u32,
                    words[2 * GROUP - 2] as u32,
                    (words[2 * GROUP - 1] >> 32) as u32,
                    words[2 * GROUP - 1] as u32,
                ];
                done += words.len();
            }
        }
        out[done..].iter_mut().for_each(|o| *o = self.below(bound));
    }

    fn block(&self, counter: u64) -> [u32; 4] {
        philox([counter as u32, (counter >> 32) as u32, self.stream as u32, (self.stream >> 32) as u32], self.key)
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.left == 0 {
            self.buffer = self.block(self.counter);
            self.counter = self.counter.wrapping_add(1);
            self.left = 4;
        }
        self.left -= 1;
        self.buffer[3 - usize::from(self.left)]
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    /// Uniform in 0 (inclusive) .. 1 (exclusive), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `low` .. `high`.
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform integer in 0 .. `bound` (0 for a bound of 0), without bias (Lemire's method).
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        if bound <= 1 {
            return 0;
        }
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= bound.wrapping_neg() % bound {
                return (product >> 64) as usize;
            }
        }
    }

    /// Standard normal, by Box and Muller (one of the pair; the other is dropped, so that each draw
    /// takes the same number of words).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// The 64-bit numbers of the blocks from `counter` on, computed side by side.
struct Group {
    key: [u32; 2],
    stream: u64,
    counter: u64,
}

impl Work for Group {
    type Output = [u64; 2 * GROUP];

    #[inline(always)]
    fn run(self) -> [u64; 2 * GROUP] {
        let mut lanes = [[0u64; GROUP]; 4];
        for lane in 0..GROUP {
            let counter = self.counter.wrapping_add(lane as u64);
            lanes[0][lane] = counter & LOW;
            lanes[1][lane] = counter >> 32;
            lanes[2][lane] = self.stream & LOW;
            lanes[3][lane] = self.stream >> 32;
        }
        let mut key = self.key;
        for _ in 0..10 {
            let [a, b, c, d] = lanes;
            for lane in 0..GROUP {
                // The masks change nothing; they tell the compiler that 32 by 32 bits are enough.
                let (p0, p1) = (M0 * (a[lane] & LOW), M1 * (c[lane] & LOW));
                lanes[0][lane] = (p1 >> 32) ^ b[lane] ^ u64::from(key[0]);
                lanes[1][lane] = p1 & LOW;
                lanes[2][lane] = (p0 >> 32) ^ d[lane] ^ u64::from(key[1]);
                lanes[3][lane] = p0 & LOW;
            }
            key = [key[0].wrapping_add(K0), key[1].wrapping_add(K1)];
        }
        let mut words = [0; 2 * GROUP];
        for lane in 0..GROUP {
            words[2 * lane] = lanes[0][lane] << 32 | lanes[1][lane];
            words[2 * lane + 1] = lanes[2][lane] << 32 | lanes[3][lane];
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123 1.14, file kat_vectors, philox4x32 10.
    #[test]
    fn known_answers() {
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        assert_eq!(
            philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
        );
    }

    #[test]
    fn many_at_once_are_the_same_as_one_by_one() {
        // The largest bound makes every second number or so be drawn again.
        for bound in [0, 1, 2, 1000, (1 << 33) + 7, (usize::MAX >> 1) + 2] {
            for (before, count) in [(0, 100), (1, 64), (3, 37), (2, 5), (5, 1000)] {
                let (mut one, mut all) = (Random::new(3, "many"), Random::new(3, "many"));
                (0..before).for_each(|_| assert_eq!(one.next_u32(), all.next_u32()));
                let mut out = vec![0; count];
                all.fill_below(bound, &mut out);
                assert_eq!(out, (0..count).map(|_| one.below(bound)).collect::<Vec<_>>(), "{bound} {before} {count}");
                assert_eq!(one.next_u32(), all.next_u32());
                assert_eq!(one, all);
            }
        }
    }

    #[test]
    fn restoring_a_position_repeats_the_stream() {
        let mut a = Random::new(7, "noise");
        for _ in 0..5 {
            a.next_u32();
        }
        let position = a.position();
        let wanted: Vec<u32> = (0..9).map(|_| a.next_u32()).collect();
        let mut b = Random::new(7, "noise");
        b.restore(position);
        assert_eq!((0..9).map(|_| b.next_u32()).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn moments_of_the_draws() {
        let mut r = Random::new(1, "test");
        let n = 200_000;
        let draws: Vec<f64> = (0..n).map(|_| r.normal()).collect();
        let mean = draws.iter().sum::<f64>() / n as f64;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n as f64;
        // five standard errors: 5/sqrt(n) = 0.011 for the mean, 5 sqrt(2/n) = 0.016 for the variance
        assert!(mean.abs() < 0.0112 && (variance - 1.0).abs() < 0.0159, "{mean} {variance}");
        let mut counts = [0usize; 7];
        (0..70_000).for_each(|_| counts[r.below(7)] += 1);
        assert!(counts.iter().all(|c| (*c as f64 - 10_000.0).abs() < 500.0), "{counts:?}");
    }

    #[test]
    fn streams_differ() {
        let (mut a, mut b) = (Random::new(1, "a"), Random::new(1, "b"));
        assert_ne!(a.next_u64(), b.next_u64());
        assert_ne!(a.child(0).next_u64(), a.child(1).next_u64());
    }
}
