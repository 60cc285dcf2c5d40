//! The leading eigenvectors of XᵀX, followed while X changes: block power iteration with a warm start.

use crate::base::random::Random;

/// A vector whose length has fallen to this share of the first's holds nothing but rounding.
const NOTHING: f64 = 1e-14;

/// An orthonormal basis, the vectors with the most energy first.
#[derive(Clone, Debug)]
pub(super) struct Subspace {
    /// `[rows, size]`, one row after the other.
    pub vectors: Vec<f64>,
    pub rows: usize,
    pub size: usize,
}

impl Subspace {
    /// A basis of `size` random vectors of length `rows`.
    pub fn random(rows: usize, size: usize, random: &mut Random) -> Subspace {
        let mut basis = Subspace { vectors: (0..rows * size).map(|_| random.normal()).collect(), rows, size };
        basis.orthonormalise();
        basis
    }

    /// Takes other vectors and makes them orthonormal.
    pub fn set(&mut self, vectors: Vec<f64>) {
        self.vectors = vectors;
        self.orthonormalise();
    }

    /// One step of the power iteration, `image` being A U for the symmetric A whose eigenvectors are wanted.
    ///
    /// The projection UᵀAU is diagonalised, so that the vectors come apart by their energy at once.
    pub fn advance(&mut self, image: &[f64]) {
        let (n, l) = (self.rows, self.size);
        let mut small = vec![0.0; l * l];
        for (u, z) in self.vectors.chunks_exact(l).zip(image.chunks_exact(l)) {
            for i in 0..l {
                for j in 0..l {
                    small[i * l + j] += u[i] * z[j];
                }
            }
        }
        for i in 0..l {
            for j in 0..i {
                let mean = 0.5 * (small[i * l + j] + small[j * l + i]);
                small[i * l + j] = mean;
                small[j * l + i] = mean;
            }
        }
        let turn = eigenvectors(small, l);
        for row in 0..n {
            let z = &image[row * l..(row + 1) * l];
            for j in 0..l {
                self.vectors[row * l + j] = (0..l).map(|i| z[i] * turn[i * l + j]).sum();
            }
        }
        self.orthonormalise();
    }

    /// Gram and Schmidt, twice over, in the order of the vectors.
    fn orthonormalise(&mut self) {
        let (n, l) = (self.rows, self.size);
        let mut columns: Vec<Vec<f64>> = (0..l).map(|j| (0..n).map(|i| self.vectors[i * l + j]).collect()).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let first = columns.iter().map(|c| dot(c, c)).fold(0.0, f64::max).sqrt();
        for j in 0..l {
            let (before, rest) = columns.split_at_mut(j);
            let column = &mut rest[0];
            let mut length = dot(column, column).sqrt();
            let mut unit = 0;
            // Where nothing is left beside the vectors before, unit vectors are tried until one adds something.
            while length <= NOTHING * first || first == 0.0 {
                column.fill(0.0);
                column[(j + unit) % n] = 1.0;
                clear(column, before);
                length = dot(column, column).sqrt();
                unit += 1;
                if unit > n || length > 0.1 / (n as f64).sqrt() {
                    break;
                }
            }
            for _ in 0..2 {
                column.iter_mut().for_each(|v| *v /= length);
                clear(column, before);
                length = dot(column, column).sqrt();
                // Almost all of it lay in the vectors before: what is left is cleared again at full length.
                if length < 1e-6 {
                    column.iter_mut().for_each(|v| *v /= length.max(f64::MIN_POSITIVE));
                    clear(column, before);
                    length = dot(column, column).sqrt();
                }
            }
            column.iter_mut().for_each(|v| *v /= length.max(f64::MIN_POSITIVE));
        }
        for (j, column) in columns.iter().enumerate() {
            column.iter().enumerate().for_each(|(i, v)| self.vectors[i * l + j] = *v);
        }
    }
}

/// Takes off what lies along the (orthonormal) vectors `before`.
fn clear(column: &mut [f64], before: &[Vec<f64>]) {
    for other in before {
        let along: f64 = column.iter().zip(other).map(|(a, b)| a * b).sum();
        column.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
    }
}

/// The eigenvectors of a small symmetric matrix as columns, largest eigenvalue first, by Jacobi's rotations.
///
/// # Reference
/// Golub and Van Loan (2013), Matrix Computations, 4th ed., 8.5
pub(super) fn eigenvectors(mut a: Vec<f64>, size: usize) -> Vec<f64> {
    let at = |i: usize, j: usize| i * size + j;
    let mut v = vec![0.0; size * size];
    (0..size).for_each(|i| v[at(i, i)] = 1.0);
    for _ in 0..60 {
        let off: f64 = (0..size).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[at(i, j)].powi(2)).sum();
        let on: f64 = (0..size).map(|i| a[at(i, i)].powi(2)).sum();
        if off <= 1e-30 * on {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                if a[at(p, q)] == 0.0 {
                    continue;
                }
                let theta = (a[at(q, q)] - a[at(p, p)]) / (2.0 * a[at(p, q)]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let t = if theta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..size {
                    let (x, y) = (a[at(k, p)], a[at(k, q)]);
                    a[at(k, p)] = c * x - s * y;
                    a[at(k, q)] = s * x + c * y;
                }
                for k in 0..size {
                    let (x, y) = (a[at(p, k)], a[at(q, k)]);
                    a[at(p, k)] = c * x - s * y;
                    a[at(q, k)] = s * x + c * y;
                    let (x, y) = (v[at(k, p)], v[at(k, q)]);
                    v[at(k, p)] = c * x - s * y;
                    v[at(k, q)] = s * x + c * y;
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|i, j| a[at(*j, *j)].total_cmp(&a[at(*i, *i)]));
    let mut sorted = vec![0.0; size * size];
    for (to, from) in order.into_iter().enumerate() {
        (0..size).for_each(|k| sorted[at(k, to)] = v[at(k, from)]);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_of_a_matrix_made_from_them() {
        // Columns of the Hadamard matrix / 2, eigenvalues 1, 7, 3, 5.
        let h = [[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]];
        let values = [1.0, 7.0, 3.0, 5.0];
        let mut a = vec![0.0; 16];
        for i in 0..4 {
            for j in 0..4 {
                a[i * 4 + j] = (0..4).map(|k| values[k] * h[i][k] * h[j][k] / 4.0).sum();
            }
        }
        let v = eigenvectors(a, 4);
        for (column, k) in [1, 3, 2, 0].into_iter().enumerate() {
            let along: f64 = (0..4).map(|i| v[i * 4 + column] * h[i][k] / 2.0).sum();
            assert!((along.abs() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_power_iteration_finds_the_leading_space() {
        // A = diag(10, 9, 1, 0.5, 0, ...): the first two axes lead.
        let diagonal = [1.0, 0.5, 10.0, 0.0, 9.0, 0.0, 0.0];
        let mut basis = Subspace::random(7, 3, &mut Random::new(1, "basis"));
        for _ in 0..30 {
            let image: Vec<f64> = basis.vectors.iter().enumerate().map(|(i, v)| diagonal[i / 3] * v).collect();
            basis.advance(&image);
        }
        let part = |axis: usize, j: usize| basis.vectors[axis * 3 + j].abs();
        assert!((part(2, 0) - 1.0).abs() < 1e-10 && (part(4, 1) - 1.0).abs() < 1e-10 && (part(0, 2) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_basis_stays_orthonormal_where_the_matrix_has_lower_rank() {
        let mut basis = Subspace::random(6, 4, &mut Random::new(2, "basis"));
        for rank in [1, 0] {
            for _ in 0..3 {
                let image: Vec<f64> =
                    basis.vectors.iter().enumerate().map(|(i, v)| if i / 4 < rank { 5.0 * v } else { 0.0 }).collect();
                basis.advance(&image);
            }
            for a in 0..4 {
                for b in 0..4 {
                    let dot: f64 = (0..6).map(|i| basis.vectors[i * 4 + a] * basis.vectors[i * 4 + b]).sum();
                    assert!((dot - if a == b { 1.0 } else { 0.0 }).abs() < 1e-9, "{rank} {a} {b} {dot}");
                }
            }
        }
    }
}
