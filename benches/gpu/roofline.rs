//! Convolutions against the roofline: the most that a card can do is the smaller of its arithmetic and what its memory can
//! feed. Both are measured here, by a large product of matrices and by a large copy.
//!
//! # Reference
//! Williams et al. (2009), Roofline: an insightful visual performance model. doi:10.1145/1498765.1498785

use std::time::Instant;

use anyhow::Result;
use isotherm::candle_core::{DType, Device, Tensor, Var};
use isotherm::nn::Precision;
use isotherm::nn::ops::{Convolution3dOptions, ConvolutionOptions, conv2d, conv3d};
use serde_json::{Value, json};

use crate::card::Card;

/// Each number comes from repeats that take at least so many seconds together.
const SECONDS: f64 = 0.2;

/// Name, input, weight and stride; the padding keeps the size at stride 1.
const SHAPES: [(&str, &[usize], &[usize], usize); 5] = [
    ("3x3, 64 to 64 channels", &[64, 64, 64, 64], &[64, 64, 3, 3], 1),
    ("3x3, 256 to 256 channels", &[32, 256, 32, 32], &[256, 256, 3, 3], 1),
    ("3x3, stride 2, 64 to 128", &[64, 64, 64, 64], &[128, 64, 3, 3], 2),
    ("1x1, 256 to 256 channels", &[32, 256, 32, 32], &[256, 256, 1, 1], 1),
    ("3x3x3, 32 to 32 channels", &[4, 32, 16, 64, 64], &[32, 32, 3, 3, 3], 1),
];

/// Seconds of one run, the mean of many without waiting in between.
fn seconds(device: &Device, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    for _ in 0..3 {
        run()?;
    }
    let mut repeats = 1;
    loop {
        device.synchronize()?;
        let start = Instant::now();
        for _ in 0..repeats {
            run()?;
        }
        device.synchronize()?;
        let taken = start.elapsed().as_secs_f64();
        if taken >= SECONDS {
            return Ok(taken / repeats as f64);
        }
        repeats *= 2;
    }
}

fn convolve(x: &Tensor, w: &Tensor, stride: usize) -> Result<Tensor> {
    let kernel = w.dims()[2];
    Ok(if x.rank() == 5 {
        conv3d(x, w, &Convolution3dOptions { stride: [stride; 3], ..Convolution3dOptions::same([kernel; 3]) })?
    } else {
        conv2d(x, w, ConvolutionOptions { stride, ..ConvolutionOptions::same(kernel) })?
    })
}

/// GFLOP/s of the product of two large matrices.
fn product(device: &Device, dtype: DType, size: usize) -> Result<f64> {
    let a = Tensor::ones((size, size), DType::F32, device)?.to_dtype(dtype)?;
    let taken = seconds(device, || {
        a.matmul(&a)?;
        Ok(())
    })?;
    Ok(2e-9 * (size as f64).powi(3) / taken)
}

/// Everything that the table of the roofline shows, as JSON. `quick` takes small shapes, to try the program.
pub fn measured(device: &Device, quick: bool) -> Result<Value> {
    let card = Card::of(device)?;
    let large = Tensor::ones(if quick { 1 << 22 } else { 1 << 28 }, DType::F32, device)?;
    let taken = seconds(device, || {
        large.copy()?;
        Ok(())
    })?;
    // A copy reads and writes each byte once.
    let gigabytes = 2e-9 * 4.0 * large.elem_count() as f64 / taken;
    drop(large);
    let mut precisions = vec![("f32", Precision::F32, DType::F32)];
    if device.is_cuda() {
        precisions.extend([("tf32", Precision::Tf32, DType::F32), ("bf16", Precision::Bf16, DType::BF16)]);
    }
    let (mut products, mut rows) = (serde_json::Map::new(), vec![]);
    for (name, precision, dtype) in precisions {
        let _scope = precision.enter(std::iter::empty())?;
        let roof = product(device, dtype, if quick { 512 } else { 8192 })?;
        let peak = card.and_then(|card| card.peak(precision));
        products.insert(name.to_string(), json!({ "gflops": roof, "card_gflops": peak }));
        for (shape, x, w, stride) in SHAPES {
            let mut x = x.to_vec();
            if quick {
                x[0] = 1;
                x.iter_mut().skip(2).for_each(|size| *size /= 4);
            }
            let make = |dims: &[usize]| -> Result<Var> {
                Ok(Var::from_tensor(&(Tensor::ones(dims, DType::F32, device)? * 0.01)?.to_dtype(dtype)?)?)
            };
            let (x, w) = (make(&x)?, make(w)?);
            let y = convolve(&x, &w, stride)?;
            let forward = seconds(device, || {
                convolve(&x, &w, stride)?;
                Ok(())
            })?;
            let gradients = seconds(device, || {
                y.backward()?;
                Ok(())
            })?;
            let work = 2e-9 * (y.elem_count() * w.elem_count() / w.dims()[0]) as f64;
            let bytes = 1e-9 * ((x.elem_count() + w.elem_count() + y.elem_count()) * dtype.size_in_bytes()) as f64;
            // The gradients of input and weight are two convolutions more, each of which moves three tensors as well.
            for (pass, taken, times) in [("forward", forward, 1.0), ("gradients", gradients, 2.0)] {
                let (rate, attainable) = (times * work / taken, roof.min(work / bytes * gigabytes));
                rows.push(json!({
                    "shape": shape,
                    "precision": name,
                    "pass": pass,
                    "gflops": rate,
                    "roof_gflops": attainable,
                    "share_of_roof": rate / attainable,
                    "share_of_card": peak.map(|peak| rate / peak),
                }));
            }
        }
    }
    Ok(json!({ "copy_gigabytes_per_second": gigabytes, "products": products, "convolutions": rows }))
}
