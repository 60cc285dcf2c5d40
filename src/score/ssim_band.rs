//! Structural similarity of a band of rows: the window's means of five products, one direction after the other.

use super::ssim::reflect;
use crate::base::vector::Work;

/// Pixels of a row that are summed side by side.
const LANES: usize = 8;
/// The products whose means the similarity is made of: t, p, t², p², t p.
const PRODUCTS: usize = 5;

/// Two planes and the window that slides over them.
pub(super) struct Planes<'a, T> {
    pub truth: &'a [T],
    pub prediction: &'a [T],
    /// What an invalid pixel holds is never looked at; it counts as the origin.
    pub valid: Option<&'a [bool]>,
    pub rows: usize,
    pub columns: usize,
    /// Taken off every value, so that variances near 288 K lose no digits.
    pub origin: f64,
    /// Weights of the window along each direction, an odd number of them.
    pub kernel: &'a [f64],
    /// Factor of variances and the covariance.
    pub factor: f64,
    /// The two constants of the similarity.
    pub constants: [f64; 2],
}

/// The similarity of the rows from `first` on, as many as `out` has room for.
pub(super) struct Band<'a, T> {
    pub planes: &'a Planes<'a, T>,
    pub first: usize,
    pub out: &'a mut [f64],
}

impl<T: Copy + Into<f64>> Work for Band<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.planes.similarity(self.first, self.out);
    }
}

impl<T: Copy + Into<f64>> Planes<'_, T> {
    #[inline(always)]
    fn similarity(&self, first: usize, out: &mut [f64]) {
        let (columns, taps) = (self.columns, self.kernel.len());
        let radius = taps / 2;
        let rows = out.len() / columns;
        // Means along each row that the band's windows reach, in room for whole groups of lanes.
        let width = columns.next_multiple_of(LANES);
        let line = PRODUCTS * width;
        let mut along = vec![0.0; (rows + 2 * radius) * line];
        let mut padded = vec![0.0; PRODUCTS * (width + 2 * radius)];
        for (i, means) in along.chunks_exact_mut(line).enumerate() {
            let row = reflect((first + i) as isize - radius as isize, self.rows);
            self.products(row, radius, &mut padded);
            for (product, means) in padded.chunks_exact(width + 2 * radius).zip(means.chunks_exact_mut(width)) {
                for (group, means) in means.chunks_exact_mut(LANES).enumerate() {
                    let mut sums = [0.0; LANES];
                    for (values, weight) in product[group * LANES..].windows(LANES).zip(self.kernel) {
                        (0..LANES).for_each(|lane| sums[lane] += weight * values[lane]);
                    }
                    means.copy_from_slice(&sums);
                }
            }
        }
        for (y, out) in out.chunks_exact_mut(columns).enumerate() {
            let lines = &along[y * line..(y + taps) * line];
            for (group, out) in out.chunks_mut(LANES).enumerate() {
                let mut means = [[0.0; LANES]; PRODUCTS];
                for (values, weight) in lines.chunks_exact(line).zip(self.kernel) {
                    for (sums, values) in means.iter_mut().zip(values.chunks_exact(width)) {
                        let values = &values[group * LANES..(group + 1) * LANES];
                        (0..LANES).for_each(|lane| sums[lane] += weight * values[lane]);
                    }
                }
                let mut similarity = [0.0; LANES];
                for lane in 0..LANES {
                    similarity[lane] = self.of_means(means.map(|m| m[lane]));
                }
                out.copy_from_slice(&similarity[..out.len()]);
            }
        }
    }

    /// The products of a row, each continued by reflection by `radius` pixels to either side.
    #[inline(always)]
    fn products(&self, row: usize, radius: usize, padded: &mut [f64]) {
        let columns = self.columns;
        let range = row * columns..(row + 1) * columns;
        let (truth, prediction) = (&self.truth[range.clone()], &self.prediction[range.clone()]);
        let width = padded.len() / PRODUCTS;
        let (t, rest) = padded.split_at_mut(width);
        let (p, squares) = rest.split_at_mut(width);
        let inner = radius..radius + columns;
        for (list, values) in [(&mut *t, truth), (&mut *p, prediction)] {
            let inner = &mut list[inner.clone()];
            inner.iter_mut().zip(values).for_each(|(to, from)| *to = (*from).into() - self.origin);
            if let Some(valid) = self.valid {
                inner.iter_mut().zip(&valid[range.clone()]).for_each(|(to, valid)| *to = if *valid { *to } else { 0.0 });
            }
            for i in 0..radius {
                list[i] = list[radius + reflect(i as isize - radius as isize, columns)];
                list[radius + columns + i] = list[radius + reflect((columns + i) as isize, columns)];
            }
        }
        let (tt, rest) = squares.split_at_mut(width);
        let (pp, tp) = rest.split_at_mut(width);
        let (t, p) = (&t[..width], &p[..width]);
        for i in 0..width {
            tt[i] = t[i] * t[i];
            pp[i] = p[i] * p[i];
            tp[i] = t[i] * p[i];
        }
    }

    #[inline(always)]
    fn of_means(&self, [mt, mp, tt, pp, tp]: [f64; PRODUCTS]) -> f64 {
        let (var_t, var_p) = (self.factor * (tt - mt * mt), self.factor * (pp - mp * mp));
        let covariance = self.factor * (tp - mt * mp);
        let (a, b) = (mt + self.origin, mp + self.origin);
        let [c1, c2] = self.constants;
        (2.0 * a * b + c1) * (2.0 * covariance + c2) / ((a * a + b * b + c1) * (var_t + var_p + c2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    /// The window's weighted means by their definition, pixel by pixel, with reflection at every border.
    #[test]
    fn it_is_the_similarity_of_the_definition() {
        let mut random = Random::new(4, "ssim band");
        for (rows, columns, kernel) in [(9, 13, vec![0.25, 0.5, 0.25]), (3, 21, vec![0.2; 5]), (2, 3, vec![1.0 / 7.0; 7])] {
            let n = rows * columns;
            let mut draw = || (0..n).map(|_| 288.0 + random.normal()).collect::<Vec<f64>>();
            let (truth, prediction) = (draw(), draw());
            let valid: Vec<bool> = (0..n).map(|i| i % 7 != 3).collect();
            let planes = Planes {
                truth: &truth,
                prediction: &prediction,
                valid: Some(&valid),
                rows,
                columns,
                origin: 288.0,
                kernel: &kernel,
                factor: 1.25,
                constants: [0.01, 0.09],
            };
            let mut got = vec![0.0; n];
            for (band, out) in got.chunks_mut(2 * columns).enumerate() {
                planes.similarity(2 * band, out);
            }
            let radius = kernel.len() as isize / 2;
            for (i, got) in got.iter().enumerate() {
                let mut means = [0.0; PRODUCTS];
                for (v, wv) in (-radius..=radius).zip(&kernel) {
                    for (u, wu) in (-radius..=radius).zip(&kernel) {
                        let y = reflect((i / columns) as isize + v, rows);
                        let at = y * columns + reflect((i % columns) as isize + u, columns);
                        let part = |values: &[f64]| if valid[at] { values[at] - 288.0 } else { 0.0 };
                        let (t, p) = (part(&truth), part(&prediction));
                        for (mean, product) in means.iter_mut().zip([t, p, t * t, p * p, t * p]) {
                            *mean += wv * wu * product;
                        }
                    }
                }
                let want = planes.of_means(means);
                assert!((got - want).abs() < 1e-9 * want.abs().max(1.0), "{i}: {got} {want}");
            }
        }
    }
}
