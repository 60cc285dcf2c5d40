//! Softmax and attention.

use candle_core::Tensor;
use isotherm::nn::gradient_check;
use isotherm::nn::ops::{attention, softmax};

use super::{TOLERANCE, check, device, normal};

#[test]
fn softmax_along_each_axis() {
    for dim in 0..3 {
        check(&format!("softmax along {dim}"), &[normal(&[2, 3, 4], "x")], |t| softmax(&t[0], dim));
    }
}

#[test]
fn attention_with_bias_and_mask() {
    let inputs = [
        normal(&[2, 2, 3, 2], "q"),
        normal(&[2, 2, 4, 2], "k"),
        normal(&[2, 2, 4, 3], "v"),
        normal(&[2, 3, 4], "bias"),
        normal(&[1, 3, 4], "shared bias"),
    ];
    check("attention", &inputs[..3], |t| attention(&t[0], &t[1], &t[2], None, None, None));
    // More queries than the fused form takes at a time.
    let long = [normal(&[1, 1, 66, 1], "q"), normal(&[1, 1, 2, 1], "k"), normal(&[1, 1, 2, 1], "v")];
    for (i, report) in
        gradient_check(&long, |t| attention(&t[0], &t[1], &t[2], None, None, Some(0.3))).unwrap().iter().enumerate()
    {
        assert!(report.within(TOLERANCE), "attention of 66 queries, input {i}: {report:?}");
    }
    check("attention with bias", &inputs[..4], |t| attention(&t[0], &t[1], &t[2], Some(&t[3]), None, Some(0.7)));
    let mask = Tensor::new(&[[1u8, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 1]], &device()).unwrap();
    check("attention with mask", &inputs[..3], |t| attention(&t[0], &t[1], &t[2], None, Some(&mask), None));
    let [q, k, v, _, shared] = inputs;
    check("attention with one bias for all heads", &[q, k, v, shared], |t| {
        attention(&t[0], &t[1], &t[2], Some(&t[3]), Some(&mask), None)
    });
}
