//! Normalisations.

use isotherm::nn::ops::{batch_norm, batch_statistics, group_norm, instance_norm, layer_norm_last};

use super::{check, normal};

#[test]
fn group_normalisation() {
    for (shape, groups) in [(vec![2, 4, 3, 2], 2), (vec![1, 4, 5], 4), (vec![3, 4], 1), (vec![2, 2, 2, 2, 3], 1)] {
        let inputs = [normal(&shape, "x"), normal(&shape[1..2], "w"), normal(&shape[1..2], "b")];
        let name = format!("group_norm {shape:?} in {groups} groups");
        check(&name, &inputs, |t| group_norm(&t[0], groups, Some(&t[1]), Some(&t[2]), 1e-5));
        check(&name, &inputs[..1], |t| group_norm(&t[0], groups, None, None, 1e-2));
        check(&name, &inputs[..2], |t| group_norm(&t[0], groups, Some(&t[1]), None, 1e-5));
    }
}

#[test]
fn instance_and_layer_normalisation() {
    let inputs = [normal(&[2, 3, 2, 3], "x"), normal(&[3], "w"), normal(&[3], "b")];
    check("instance_norm", &inputs, |t| instance_norm(&t[0], Some(&t[1]), Some(&t[2]), 1e-5));
    check("layer_norm_last", &inputs, |t| layer_norm_last(&t[0], Some(&t[1]), Some(&t[2]), 1e-5));
    check("layer_norm_last", &[normal(&[5, 4], "x")], |t| layer_norm_last(&t[0], None, None, 1e-5));
}

#[test]
fn batch_normalisation() {
    let inputs = [normal(&[3, 2, 2, 2], "x"), normal(&[2], "w"), normal(&[2], "b")];
    check("batch_norm in training", &inputs, |t| {
        let (mean, variance) = batch_statistics(&t[0])?;
        batch_norm(&t[0], &mean, &variance, Some(&t[1]), Some(&t[2]), 1e-5)
    });
    let (mean, variance) = (normal(&[2], "mean"), normal(&[2], "variance").sqr().unwrap());
    check("batch_norm in evaluation", &inputs, |t| batch_norm(&t[0], &mean, &variance, Some(&t[1]), Some(&t[2]), 1e-5));
}
