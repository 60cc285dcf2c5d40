//! Products of matrices in memory, on the calling thread.

use candle_core::WithDType;

/// A matrix in memory: where it starts and how far apart rows and columns are.
pub(crate) struct Matrix<'a, T> {
    pub values: &'a [T],
    pub row_step: usize,
    pub column_step: usize,
}

/// `target[m, n] (+)= left[m, k] right[k, n]`; `target` has unit column step.
pub(crate) fn multiply<T: WithDType>(
    [m, n, k]: [usize; 3],
    target: &mut [T],
    target_row_step: usize,
    add: bool,
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let last =
        |rows: usize, columns: usize, row_step: usize, column_step: usize| (rows - 1) * row_step + (columns - 1) * column_step;
    assert!(last(m, n, target_row_step, 1) < target.len(), "target too short");
    assert!(last(m, k, left.row_step, left.column_step) < left.values.len(), "left too short");
    assert!(last(k, n, right.row_step, right.column_step) < right.values.len(), "right too short");
    let one = T::from_f64(1.0);
    // Safe: the asserts above keep every access inside the three slices, and `target` is borrowed mutably,
    // so it overlaps neither operand.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            target.as_mut_ptr(),
            1,
            target_row_step as isize,
            add,
            left.values.as_ptr(),
            left.column_step as isize,
            left.row_step as isize,
            right.values.as_ptr(),
            right.column_step as isize,
            right.row_step as isize,
            one,
            one,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

impl<'a, T> Matrix<'a, T> {
    /// Rows of `columns` values, one after the other.
    pub fn rows(values: &'a [T], columns: usize) -> Matrix<'a, T> {
        Matrix { values, row_step: columns, column_step: 1 }
    }

    /// The transpose of [`Matrix::rows`].
    pub fn columns(values: &'a [T], columns: usize) -> Matrix<'a, T> {
        Matrix { values, row_step: 1, column_step: columns }
    }
}
