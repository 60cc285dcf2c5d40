//! Convolutions.

use isotherm::nn::ops::{ConvolutionOptions, conv2d};

use super::{check, normal};

#[test]
fn convolutions() {
    let o = |stride, padding, dilation, groups| ConvolutionOptions { stride, padding, dilation, groups };
    for (x, w, options) in [
        ([2, 2, 4, 3], [3, 2, 3, 3], o(1, 1, 1, 1)),
        ([1, 2, 5, 4], [2, 2, 3, 3], o(2, 1, 1, 1)),
        ([2, 2, 3, 3], [2, 2, 1, 1], o(1, 0, 1, 1)),
        ([1, 4, 5, 5], [4, 1, 3, 3], o(1, 2, 2, 4)),
        ([1, 2, 4, 5], [4, 1, 2, 3], o(1, 0, 1, 2)),
    ] {
        let options_text = format!("conv2d {options:?}");
        check(&options_text, &[normal(&x, "x"), normal(&w, "w")], |t| conv2d(&t[0], &t[1], options));
    }
}
