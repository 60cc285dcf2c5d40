//! Convolutions.

use isotherm::nn::ops::{
    Convolution3dOptions, ConvolutionOptions, Transposed3dOptions, TransposedOptions, conv_transpose2d, conv_transpose3d, conv1d,
    conv2d, conv3d,
};

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

#[test]
fn series_and_volumes() {
    let inputs = |x: &[usize], w: &[usize]| [normal(x, "x"), normal(w, "w")];
    check("conv1d", &inputs(&[2, 2, 5], &[3, 2, 3]), |t| conv1d(&t[0], &t[1], 1, 1, 1, 1));
    check("conv1d, strided groups", &inputs(&[3, 4, 6], &[2, 2, 2]), |t| conv1d(&t[0], &t[1], 2, 1, 2, 2));
    check("conv3d", &inputs(&[2, 1, 3, 2, 3], &[2, 1, 3, 3, 3]), |t| conv3d(&t[0], &t[1], &Convolution3dOptions::same([3; 3])));
    let uneven = Convolution3dOptions { stride: [2, 1, 2], padding: [1, 0, 1], dilation: [1, 2, 1], groups: 2 };
    check("conv3d, uneven", &inputs(&[1, 2, 3, 4, 3], &[2, 1, 2, 2, 2]), |t| conv3d(&t[0], &t[1], &uneven));
}

#[test]
fn transposed() {
    let inputs = |x: &[usize], w: &[usize]| [normal(x, "x"), normal(w, "w")];
    let o = |stride, padding, output_padding, dilation, groups| TransposedOptions {
        stride,
        padding,
        output_padding,
        dilation,
        groups,
    };
    for (x, w, options) in [
        ([2, 2, 2, 3], [2, 2, 3, 3], o(1, 1, 0, 1, 1)),
        ([2, 2, 2, 2], [2, 1, 4, 4], o(2, 1, 0, 1, 1)),
        ([1, 4, 2, 3], [4, 1, 3, 2], o(3, 0, 2, 2, 2)),
    ] {
        let name = format!("conv_transpose2d {options:?}");
        check(&name, &inputs(&x, &w), |t| conv_transpose2d(&t[0], &t[1], &options));
    }
    let options = Transposed3dOptions { stride: [2, 1, 2], output_padding: [1, 0, 0], ..Transposed3dOptions::default() };
    check("conv_transpose3d", &inputs(&[1, 2, 2, 2, 2], &[2, 1, 2, 1, 2]), |t| conv_transpose3d(&t[0], &t[1], &options));
}
