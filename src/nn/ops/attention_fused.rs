//! Attention without bias or mask in one operation: the matrix of all pairs is never held, only some rows of
//! it at a time, forward and backward.
//!
//! # Reference
//! Dao et al. (2022), FlashAttention: fast and memory-efficient exact attention with IO-awareness.
//! doi:10.48550/arXiv.2205.14135 (the idea of recomputing the pairs; rows here are whole)

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::elementwise::Real;
use super::matrix::{Matrix, multiply};
use super::slices::{by_type, slice};
use super::softmax::{change_of_rows, rows_in_place, softmax, softmax_gradient};
use crate::nn::derivative::cut;

/// Rows of queries handled at a time.
const BLOCK: usize = 64;

/// Sizes of `q` `[planes, queries, width]`, `k` `[planes, keys, width]`, `v` `[planes, keys, values]`.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    planes: usize,
    queries: usize,
    keys: usize,
    width: usize,
    values: usize,
    scale: f64,
}

/// As [`super::attention()`], which has checked the shapes; all three contiguous.
pub(super) fn attention_fused(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64) -> Result<Tensor> {
    let (batch, heads, queries, width) = q.dims4()?;
    let (keys, values) = (v.dims()[2], v.dims()[3]);
    q.apply_op3(k, v, Attention(Sizes { planes: batch * heads, queries, keys, width, values, scale }))
}

struct Attention(Sizes);

/// (q, k, v one after the other, above) to the gradients of q, k, v one after the other.
struct Gradient(Sizes);

impl Sizes {
    fn lens(&self) -> [usize; 3] {
        [self.queries * self.width, self.keys * self.width, self.keys * self.values]
    }

    /// The weights of the pairs for some rows of queries.
    fn weights<T: Real>(&self, q: &[T], k: &[T], pairs: &mut Vec<T>) {
        let rows = q.len() / self.width;
        let scale = T::from_f64(self.scale);
        let scaled: Vec<T> = q.iter().map(|q| *q * scale).collect();
        pairs.resize(rows * self.keys, T::from_f64(0.0));
        let (left, right) = (Matrix::rows(&scaled, self.width), Matrix::columns(k, self.width));
        multiply([rows, self.keys, self.width], pairs, self.keys, false, left, right);
        rows_in_place(pairs, self.keys);
    }

    fn forward<T: Real>(&self, q: &[T], k: &[T], v: &[T]) -> Vec<T> {
        let [q_len, k_len, v_len] = self.lens();
        let mut out = vec![T::from_f64(0.0); self.planes * self.queries * self.values];
        if out.is_empty() {
            return out;
        }
        let planes = q.par_chunks(q_len).zip(k.par_chunks(k_len)).zip(v.par_chunks(v_len));
        out.par_chunks_mut(self.queries * self.values).zip(planes).for_each(|(out, ((q, k), v))| {
            let blocks = out.par_chunks_mut(BLOCK * self.values).zip(q.par_chunks(BLOCK * self.width));
            blocks.for_each_init(Vec::new, |pairs, (out, q)| {
                self.weights(q, k, pairs);
                let rows = q.len() / self.width;
                let (left, right) = (Matrix::rows(pairs, self.keys), Matrix::rows(v, self.values));
                multiply([rows, self.values, self.keys], out, self.values, false, left, right);
            });
        });
        out
    }

    /// Gradients of q, k and v of one plane.
    fn plane_gradient<T: Real>(&self, [q, k, v, above]: [&[T]; 4], [dq, dk, dv]: [&mut [T]; 3]) {
        let (keys, width, values) = (self.keys, self.width, self.values);
        let scale = T::from_f64(self.scale);
        let (mut pairs, mut change) = (Vec::new(), Vec::new());
        let blocks = q.chunks(BLOCK * width).zip(above.chunks(BLOCK * values)).zip(dq.chunks_mut(BLOCK * width));
        for ((q, above), dq) in blocks {
            let rows = q.len() / width;
            self.weights(q, k, &mut pairs);
            let left = Matrix::columns(&pairs, keys);
            multiply([keys, values, rows], dv, values, true, left, Matrix::rows(above, values));
            change.resize(rows * keys, T::from_f64(0.0));
            let right = Matrix::columns(v, values);
            multiply([rows, keys, values], &mut change, keys, false, Matrix::rows(above, values), right);
            change_of_rows(&mut change, &pairs, keys, scale);
            multiply([rows, width, keys], dq, width, false, Matrix::rows(&change, keys), Matrix::rows(k, width));
            let left = Matrix::columns(&change, keys);
            multiply([keys, width, rows], dk, width, true, left, Matrix::rows(q, width));
        }
    }

    fn gradient<T: Real>(&self, packed: &[T], above: &[T]) -> Vec<T> {
        let lens = self.lens();
        let mut out = vec![T::from_f64(0.0); packed.len()];
        if out.is_empty() || above.is_empty() {
            return out;
        }
        let (q, rest) = packed.split_at(self.planes * lens[0]);
        let (k, v) = rest.split_at(self.planes * lens[1]);
        let (dq, rest) = out.split_at_mut(self.planes * lens[0]);
        let (dk, dv) = rest.split_at_mut(self.planes * lens[1]);
        let given = q.par_chunks(lens[0]).zip(k.par_chunks(lens[1])).zip(v.par_chunks(lens[2]));
        let given = given.zip(above.par_chunks(self.queries * self.values));
        let wanted = dq.par_chunks_mut(lens[0]).zip(dk.par_chunks_mut(lens[1])).zip(dv.par_chunks_mut(lens[2]));
        wanted.zip(given).for_each(|(((dq, dk), dv), (((q, k), v), above))| {
            self.plane_gradient([q, k, v, above], [dq, dk, dv]);
        });
        out
    }

    /// Three tensors from one that holds them one after the other.
    fn unpack(&self, packed: &Tensor) -> Result<[Tensor; 3]> {
        let [q, k, v] = self.lens().map(|len| len * self.planes);
        Ok([
            packed.narrow(0, 0, q)?.reshape((self.planes, self.queries, self.width))?,
            packed.narrow(0, q, k)?.reshape((self.planes, self.keys, self.width))?,
            packed.narrow(0, q + k, v)?.reshape((self.planes, self.keys, self.values))?,
        ])
    }
}

fn pack(tensors: [&Tensor; 3]) -> Result<Tensor> {
    let [q, k, v] = [tensors[0].flatten_all()?, tensors[1].flatten_all()?, tensors[2].flatten_all()?];
    Tensor::cat(&[q, k, v], 0)
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = (l1.dims()[0], l1.dims()[1], self.0.queries, self.0.values);
        by_type!(s1, self.name(), T => {
            let out = self.0.forward::<T>(slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(out), shape.into()))
        })
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _result: &Tensor,
        above: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        // Packed into one, since an operation takes three tensors at most and gives one.
        let gradient = cut(pack([q, k, v])?.apply_op2(&above.contiguous()?, Gradient(self.0))?);
        let [dq, dk, dv] = self.0.unpack(&gradient)?;
        Ok((Some(dq.reshape(q.shape())?), Some(dk.reshape(k.shape())?), Some(dv.reshape(v.shape())?)))
    }
}

impl CustomOp2 for Gradient {
    fn name(&self) -> &'static str {
        "attention-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let out = self.0.gradient::<T>(slice(s1, l1)?, slice(s2, l2)?);
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(out), l1.shape().clone()))
        })
    }

    fn bwd(
        &self,
        packed: &Tensor,
        gradient: &Tensor,
        _result: &Tensor,
        above: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // With P = softmax(s q kᵀ), R = g vᵀ and D_P(X) = P (X - rowsum(P X)), the gradients are
        //   dq = s D_P(R) k,  dk = s D_P(R)ᵀ q,  dv = Pᵀ g.
        // Their product with (hq, hk, hv) is <D_P(R), A> + <P, B>, A = s (hq kᵀ + q hkᵀ), B = g hvᵀ; D_P is self-adjoint.
        let [q, k, v] = self.0.unpack(packed)?;
        let [hq, hk, hv] = self.0.unpack(&above.contiguous()?)?;
        let g = gradient.reshape((self.0.planes, self.0.queries, self.0.values))?;
        let s = self.0.scale;
        let turned = |t: &Tensor| t.transpose(1, 2)?.contiguous();
        let p = softmax(&(q.matmul(&turned(&k)?)? * s)?, 2)?;
        let r = g.matmul(&turned(&v)?)?;
        let a = ((hq.matmul(&turned(&k)?)? + q.matmul(&turned(&hk)?)?)? * s)?;
        let (change, adjoint) = (softmax_gradient(&p, &r)?, softmax_gradient(&p, &a)?);
        let to_g = (adjoint.matmul(&v)? + p.matmul(&hv)?)?;
        let to_v = turned(&adjoint)?.matmul(&g)?;
        // d/dP of both products, then through the softmax
        let row_sum = |x: &Tensor, y: &Tensor| (x * y)?.sum_keepdim(2);
        let by_p = (a.broadcast_mul(&row_sum(&p, &r)?)? + r.broadcast_mul(&row_sum(&p, &a)?)?)?;
        let by_p = (((&a * &r)? - by_p)? + g.matmul(&turned(&hv)?)?)?;
        let by_scores = softmax_gradient(&p, &by_p)?;
        let to_q = ((by_scores.matmul(&k)? + change.matmul(&hk)?)? * s)?;
        let to_k = ((turned(&by_scores)?.matmul(&q)? + turned(&change)?.matmul(&hq)?)? * s)?;
        Ok((Some(pack([&to_q, &to_k, &to_v])?), Some(to_g.reshape(gradient.shape())?)))
    }
}
