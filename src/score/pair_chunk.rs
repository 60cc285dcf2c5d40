//! [`Chunk`]: the sums of a few thousand pairs, laid out so that the compiler makes vector code of them.

use super::sums::Sums;
use crate::base::vector::Work;

/// Pairs whose departures are held at once (five lists of them stay in the first cache).
const BLOCK: usize = 256;
/// Running sums side by side. Fixed, so that the order of addition does not depend on the processor.
const LANES: usize = 8;

/// A part of the pairs, with the origin that its sums are taken about.
pub(super) struct Chunk<'a, T, P> {
    pub truth: &'a [T],
    pub prediction: &'a [P],
    pub valid: Option<&'a [bool]>,
    pub weights: Option<&'a [f64]>,
    pub origin: (f64, f64),
}

/// Departures of a block of pairs; 0 where a pair does not count.
struct Block {
    /// t − t₀
    truth: [f64; BLOCK],
    /// p − p₀
    prediction: [f64; BLOCK],
    /// p − t
    error: [f64; BLOCK],
    /// p − t − (p₀ − t₀)
    deviation: [f64; BLOCK],
    weight: [f64; BLOCK],
}

/// Sums in lanes, in the order of [`Sums`].
type Lanes = [[f64; LANES]; 10];

impl<T: Copy + Into<f64>, P: Copy + Into<f64>> Work for Chunk<'_, T, P> {
    /// The sums, and whether every valid pair was finite with a weight that can be summed.
    type Output = (Sums, bool);

    #[inline(always)]
    fn run(self) -> (Sums, bool) {
        let n = self.truth.len();
        let mut block = Block {
            truth: [0.0; BLOCK],
            prediction: [0.0; BLOCK],
            error: [0.0; BLOCK],
            deviation: [0.0; BLOCK],
            weight: [0.0; BLOCK],
        };
        let mut lanes: Lanes = [[0.0; LANES]; 10];
        let (mut count, mut weight, mut clean) = (0, [0.0; LANES], true);
        for start in (0..n).step_by(BLOCK) {
            let (length, end) = (BLOCK.min(n - start), (start + BLOCK).min(n));
            if length < BLOCK {
                for list in [&mut block.truth, &mut block.prediction, &mut block.error, &mut block.deviation] {
                    list[length..].fill(0.0);
                }
                block.weight[length..].fill(0.0);
            }
            let (truth, prediction) = (&self.truth[start..end], &self.prediction[start..end]);
            clean &= match self.valid {
                Some(valid) => {
                    let valid = &valid[start..end];
                    count += valid.iter().map(|v| usize::from(*v)).sum::<usize>();
                    block.fill(truth, prediction, self.origin, |i| valid[i])
                }
                None => {
                    count += length;
                    block.fill(truth, prediction, self.origin, |_| true)
                }
            };
            match self.weights {
                Some(weights) => {
                    let weights = &weights[start..end];
                    let valid = self.valid.map(|v| &v[start..end]);
                    clean &= block.weigh(weights, |i| valid.is_none_or(|v| v[i]));
                    count -= (0..length).filter(|i| weights[*i] == 0.0 && valid.is_none_or(|v| v[*i])).count();
                    (0..BLOCK).for_each(|i| weight[i % LANES] += block.weight[i]);
                    block.add::<true>(&mut lanes);
                }
                None => block.add::<false>(&mut lanes),
            }
        }
        let of = |list: [f64; LANES]| {
            let [a, b, c, d, e, f, g, h] = list;
            ((a + e) + (b + f)) + ((c + g) + (d + h))
        };
        let sums = Sums {
            count,
            weight: if self.weights.is_some() { of(weight) } else { count as f64 },
            truth: of(lanes[0]),
            prediction: of(lanes[1]),
            truth_squared: of(lanes[2]),
            prediction_squared: of(lanes[3]),
            product: of(lanes[4]),
            error: of(lanes[5]),
            absolute: of(lanes[6]),
            squared: of(lanes[7]),
            deviation: of(lanes[8]),
            deviation_squared: of(lanes[9]),
        };
        (sums, clean)
    }
}

impl Block {
    /// Takes in pairs; whether all valid ones are finite.
    #[inline(always)]
    fn fill<T, P>(&mut self, truth: &[T], prediction: &[P], origin: (f64, f64), valid: impl Fn(usize) -> bool) -> bool
    where
        T: Copy + Into<f64>,
        P: Copy + Into<f64>,
    {
        let n = truth.len().min(prediction.len()).min(BLOCK);
        let (truth, prediction) = (&truth[..n], &prediction[..n]);
        let offset = origin.1 - origin.0;
        let mut clean = true;
        for i in 0..n {
            let (t, p): (f64, f64) = (truth[i].into(), prediction[i].into());
            let e = p - t;
            let counts = valid(i);
            self.truth[i] = if counts { t - origin.0 } else { 0.0 };
            self.prediction[i] = if counts { p - origin.1 } else { 0.0 };
            self.error[i] = if counts { e } else { 0.0 };
            self.deviation[i] = if counts { e - offset } else { 0.0 };
            clean &= self.error[i].is_finite();
        }
        clean
    }

    /// Takes in weights; whether those of valid pairs can be summed. Pairs of weight 0 lose their departures.
    #[inline(always)]
    fn weigh(&mut self, weights: &[f64], valid: impl Fn(usize) -> bool) -> bool {
        let mut clean = true;
        for (i, weight) in weights.iter().enumerate().take(BLOCK) {
            let weight = if valid(i) { *weight } else { 0.0 };
            clean &= (0.0..f64::INFINITY).contains(&weight);
            self.weight[i] = weight;
        }
        clean
    }

    /// Adds the block to the running sums, in three turns of few sums each, which stay in registers.
    #[inline(always)]
    fn add<const WEIGHTED: bool>(&self, lanes: &mut Lanes) {
        let mut sums = *lanes;
        for start in (0..BLOCK).step_by(LANES) {
            for lane in 0..LANES {
                let i = start + lane;
                let w = if WEIGHTED { self.weight[i] } else { 1.0 };
                let (dt, dp) = (self.truth[i], self.prediction[i]);
                let (wt, wp) = (w * dt, w * dp);
                sums[0][lane] += wt;
                sums[1][lane] += wp;
                sums[2][lane] += wt * dt;
                sums[3][lane] += wp * dp;
                sums[4][lane] += wt * dp;
            }
        }
        for start in (0..BLOCK).step_by(LANES) {
            for lane in 0..LANES {
                let i = start + lane;
                let w = if WEIGHTED { self.weight[i] } else { 1.0 };
                let (e, de) = (self.error[i], self.deviation[i]);
                let (we, wd) = (w * e, w * de);
                sums[5][lane] += we;
                sums[6][lane] += we.abs();
                sums[7][lane] += we * e;
                sums[8][lane] += wd;
                sums[9][lane] += wd * de;
            }
        }
        *lanes = sums;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    /// Every sum pair by pair, as its definition has it.
    #[test]
    fn the_sums_are_those_of_the_definition() {
        let mut random = Random::new(8, "chunk");
        for n in [1, 7, 8, 255, 256, 300, 1000] {
            let truth: Vec<f32> = (0..n).map(|_| 288.0 + random.normal() as f32).collect();
            let prediction: Vec<f64> = truth.iter().map(|t| f64::from(*t) + 0.1 * random.normal()).collect();
            let valid: Vec<bool> = (0..n).map(|_| random.uniform() < 0.7).collect();
            let weights: Vec<f64> = (0..n).map(|i| if i % 5 == 0 { 0.0 } else { random.uniform() }).collect();
            let origin = (288.0, 288.25);
            for (valid, weights) in
                [(None, None), (Some(&valid[..]), None), (None, Some(&weights[..])), (Some(&valid), Some(&weights))]
            {
                let chunk = Chunk { truth: &truth, prediction: &prediction, valid, weights, origin };
                let (sums, clean) = chunk.run();
                let mut want = Sums::default();
                for i in (0..n).filter(|i| valid.is_none_or(|v| v[*i]) && weights.is_none_or(|w| w[*i] > 0.0)) {
                    let (t, p, w) = (f64::from(truth[i]), prediction[i], weights.map_or(1.0, |w| w[i]));
                    want.count += 1;
                    want.weight += w;
                    want.product += w * (t - 288.0) * (p - 288.25);
                    want.truth_squared += w * (t - 288.0).powi(2);
                    want.absolute += w * (p - t).abs();
                    want.squared += w * (p - t).powi(2);
                    want.deviation += w * (p - t - 0.25);
                    want.deviation_squared += w * (p - t - 0.25).powi(2);
                }
                assert!(clean);
                assert_eq!(sums.count, want.count);
                for (got, want) in [
                    (sums.weight, want.weight),
                    (sums.product, want.product),
                    (sums.truth_squared, want.truth_squared),
                    (sums.absolute, want.absolute),
                    (sums.squared, want.squared),
                    (sums.deviation, want.deviation),
                    (sums.deviation_squared, want.deviation_squared),
                ] {
                    assert!((got - want).abs() <= 1e-12 * want.abs() + 1e-12, "{got} {want}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_noticed_where_it_counts() {
        let origin = (0.0, 0.0);
        let chunk = |valid, weights| Chunk { truth: &[1.0, f64::NAN], prediction: &[1.0, 2.0], valid, weights, origin }.run().1;
        assert!(!chunk(None, None));
        assert!(chunk(Some(&[true, false][..]), None));
        assert!(!chunk(Some(&[false, true][..]), Some(&[1.0, 0.0][..])));
        assert!(!chunk(Some(&[true, false][..]), Some(&[-1.0, 1.0][..])));
        assert!(chunk(Some(&[true, false][..]), Some(&[1.0, f64::NAN][..])));
    }
}
