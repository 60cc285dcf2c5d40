//! Resampling, pooling, padding, windows, sampling at places.

use candle_core::Tensor;
use isotherm::nn::ops::{
    Outside, Pad, Padding, Resampling, area_pool, average_pool2d, average_pool3d, grid_sample, interpolate,
    interpolate_antialiased, interpolate3d, max_pool2d, pad2d, pad3d, roll, window_partition, window_reverse,
};

use super::{check, device, normal};

#[test]
fn resampling() {
    let x = || [normal(&[2, 2, 4, 3], "x")];
    for rule in [Resampling::Nearest, Resampling::NearestExact, Resampling::Bilinear, Resampling::Bicubic] {
        for to in [(7, 5), (2, 2), (4, 6)] {
            check(&format!("{rule:?} to {to:?}"), &x(), |t| interpolate(&t[0], to, rule, false));
        }
    }
    for rule in [Resampling::Bilinear, Resampling::Bicubic] {
        check(&format!("{rule:?}, corners"), &x(), |t| interpolate(&t[0], (7, 2), rule, true));
        check(&format!("{rule:?}, antialiased"), &x(), |t| interpolate_antialiased(&t[0], (2, 5), rule));
    }
    let volume = || [normal(&[1, 2, 3, 2, 3], "x")];
    check("trilinear", &volume(), |t| interpolate3d(&t[0], (5, 3, 2), Resampling::Bilinear, false));
    check("nearest in space and time", &volume(), |t| interpolate3d(&t[0], (6, 4, 6), Resampling::Nearest, false));
}

#[test]
fn pooling() {
    let x = || [normal(&[2, 2, 5, 4], "x")];
    check("average_pool2d", &x(), |t| average_pool2d(&t[0], [3, 2], [2, 1], [1, 1]));
    check("average_pool2d, a row left over", &x(), |t| average_pool2d(&t[0], [2, 2], [2, 2], [0, 0]));
    check("average_pool3d", &[normal(&[1, 2, 3, 2, 3], "x")], |t| average_pool3d(&t[0], [2, 1, 2], [1, 1, 2], [1, 0, 0]));
    check("area_pool", &x(), |t| area_pool(&t[0], (3, 3)));
    check("max_pool2d", &x(), |t| max_pool2d(&t[0], [3, 3], [2, 1], [1, 1]));
    check("max_pool2d, a row left over", &x(), |t| max_pool2d(&t[0], [2, 2], [2, 2], [0, 0]));
}

#[test]
fn padding_and_shifts() {
    let x = || [normal(&[2, 1, 3, 3], "x")];
    for horizontal in [Padding::Zero, Padding::Replicate, Padding::Reflect, Padding::Periodic] {
        let pad = Pad { left: 2, right: 1, top: 0, bottom: 2, horizontal, vertical: Padding::Replicate };
        check(&format!("pad2d {horizontal:?}"), &x(), |t| pad2d(&t[0], &pad));
    }
    let planes = Pad::all(1, Padding::Periodic, Padding::Reflect);
    check("pad3d", &[normal(&[1, 1, 2, 2, 3], "x")], |t| pad3d(&t[0], 1, 0, Padding::Replicate, &planes));
    check("roll", &x(), |t| roll(&roll(&t[0], -1, 2)?, 2, 3));
}

#[test]
fn windows() {
    check("window_partition", &[normal(&[2, 4, 2, 2], "x")], |t| window_partition(&t[0], 2));
    check("window_reverse", &[normal(&[4, 2, 2, 1], "x")], |t| window_reverse(&t[0], 2, 4, 2));
}

#[test]
fn sampling_at_places() {
    // Away from the pixels' centres, where the bilinear rule has kinks.
    let places = [-0.83, -0.71, 0.12, 0.31, 0.57, -0.22, 0.93, 0.88, -0.05, 0.66, 0.41, -0.47];
    let grid = Tensor::from_slice(&places, (2, 1, 3, 2), &device()).unwrap();
    for rule in [Resampling::Bilinear, Resampling::Bicubic] {
        for outside in [Outside::Zeros, Outside::Border] {
            let inputs = [normal(&[2, 2, 3, 4], "x"), grid.clone()];
            let name = format!("grid_sample {rule:?} {outside:?}");
            check(&name, &inputs, |t| grid_sample(&t[0], &t[1], rule, outside, false));
        }
    }
}
