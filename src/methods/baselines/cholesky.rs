//! Small symmetric positive definite systems.

/// The factor C of A = C Cᵀ, rows one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    factor: Vec<f64>,
    size: usize,
}

impl Cholesky {
    /// Of a matrix of `size` rows, of which the lower triangle is read; none where it is not positive definite.
    pub fn new(mut matrix: Vec<f64>, size: usize) -> Option<Cholesky> {
        for i in 0..size {
            let (above, rest) = matrix.split_at_mut(i * size);
            let row = &mut rest[..size];
            for j in 0..i {
                let other = &above[j * size..j * size + j + 1];
                row[j] = (row[j] - product(&row[..j], &other[..j])) / other[j];
            }
            let left = row[i] - product(&row[..i], &row[..i]);
            if !(left > 0.0 && left.is_finite()) {
                return None;
            }
            row[i] = left.sqrt();
        }
        Some(Cholesky { factor: matrix, size })
    }

    /// C⁻¹ b.
    pub fn forward(&self, right: &[f64]) -> Vec<f64> {
        let mut x = right.to_vec();
        for i in 0..self.size {
            let row = &self.factor[i * self.size..i * self.size + i + 1];
            x[i] = (x[i] - product(&row[..i], &x[..i])) / row[i];
        }
        x
    }

    #[cfg(test)]
    /// A⁻¹ b.
    #[cfg(test)]
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut x = self.forward(right);
        for i in (0..self.size).rev() {
            let row = &self.factor[i * self.size..i * self.size + i + 1];
            x[i] /= row[i];
            let value = x[i];
            x[..i].iter_mut().zip(row).for_each(|(x, c)| *x -= c * value);
        }
        x
    }
}

/// Σ a b, with running sums side by side.
#[inline]
fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (a_lanes, b_lanes) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..4 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_solved_by_hand() {
        // [4 2 2; 2 5 3; 2 3 6] x = [8 10 11] has x = [1 1 1].
        let cholesky = Cholesky::new(vec![4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 2.0, 3.0, 6.0], 3).unwrap();
        // C = [2; 1 2; 1 1 2]
        assert_eq!(cholesky.factor, [2.0, 0.0, 0.0, 1.0, 2.0, 0.0, 1.0, 1.0, 2.0]);
        assert_eq!(cholesky.solve(&[8.0, 10.0, 11.0]), [1.0, 1.0, 1.0]);
        assert!(Cholesky::new(vec![1.0, 0.0, 2.0, 1.0], 2).is_none());
    }
}
