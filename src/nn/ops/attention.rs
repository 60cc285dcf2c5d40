//! Scaled dot-product attention.

use candle_core::{DType, Result, Tensor, bail};

use super::attention_fused::attention_fused;
use super::slices::own_path;
use super::softmax::softmax;
use crate::nn::precision::{in_precision, matrix_product};

/// Attention of queries `[b, heads, n, d]` to keys `[b, heads, m, d]` and values `[b, heads, m, e]`:
/// `[b, heads, n, e]`.
///
/// # Formula
/// ```text
/// softmax(scale · q kᵀ + bias) v      scale = 1 / sqrt(d) unless given
/// ```
/// `bias` is broadcast from `[heads | 1, n, m]` or `[b | 1, heads | 1, n, m]`. `mask`, of type u8 and
/// broadcast likewise (or `[n, m]`), keeps the pairs where it is not 0; each query must keep one.
///
/// # Errors
/// A sentence where shapes do not fit or a query sees no key.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let t = |v: &[f64], n: usize| Tensor::from_slice(v, (1, 1, n, 1), &Device::Cpu).unwrap();
/// // one query that likes both keys alike: the mean of the values
/// let y = isotherm::nn::ops::attention(&t(&[0.0], 1), &t(&[1.0, 2.0], 2), &t(&[10.0, 30.0], 2), None, None, None).unwrap();
/// assert_eq!(y.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [20.0]);
/// ```
///
/// # Reference
/// Vaswani et al. (2017), Attention is all you need. doi:10.48550/arXiv.1706.03762
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    bias: Option<&Tensor>,
    mask: Option<&Tensor>,
    scale: Option<f64>,
) -> Result<Tensor> {
    let (batch, heads, queries, width) = q.dims4()?;
    let (_, _, keys, _) = k.dims4()?;
    if k.dims() != [batch, heads, keys, width] || v.dims4().is_err() || v.dims()[..3] != [batch, heads, keys] {
        bail!(
            "attention: queries {:?}, keys {:?}, values {:?}; [b, heads, n, d], [b, heads, m, d], [b, heads, m, e] are wanted",
            q.dims(),
            k.dims(),
            v.dims()
        );
    }
    if width == 0 || keys == 0 {
        bail!("attention: {keys} keys of width {width}; at least one of each is wanted");
    }
    let shape = [batch, heads, queries, keys];
    let spread = |name: &str, t: &Tensor| match t.broadcast_as(&shape[..]) {
        Ok(t) => Ok(t),
        Err(_) => bail!("attention: {name} is {:?}; a shape that broadcasts to {shape:?} is wanted", t.dims()),
    };
    let scale = scale.unwrap_or(1.0 / (width as f64).sqrt());
    if bias.is_none() && mask.is_none() && own_path(q) && q.dtype() == k.dtype() && q.dtype() == v.dtype() {
        return in_precision([&q.contiguous()?, &k.contiguous()?, &v.contiguous()?], |[q, k, v]| {
            attention_fused(&q, &k, &v, scale)
        });
    }
    // The scale goes to the queries: they are fewer than the pairs.
    let mut scores = matrix_product(&(q * scale)?.contiguous()?, &k.transpose(2, 3)?.contiguous()?)?; // [b, heads, n, m]
    if let Some(bias) = bias {
        scores = (scores + spread("bias", bias)?)?;
    }
    if let Some(mask) = mask {
        if mask.dtype() != DType::U8 {
            bail!("attention: the mask is {:?}; u8 is wanted, 0 for a pair to leave out", mask.dtype());
        }
        if mask.rank() == 0 || mask.ne(0u8)?.max_keepdim(mask.rank() - 1)?.min_all()?.to_scalar::<u8>()? == 0 {
            bail!("attention: the mask leaves a query without any key, so its value is undefined");
        }
        let hidden = Tensor::full(f64::NEG_INFINITY, (), scores.device())?.to_dtype(scores.dtype())?.broadcast_as(&shape[..])?;
        scores = spread("mask", mask)?.contiguous()?.where_cond(&scores, &hidden)?;
    }
    matrix_product(&softmax(&scores, 3)?, &v.contiguous()?) // [b, heads, n, e]
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::base::random::Random;

    fn tensor(shape: &[usize], name: &str) -> Tensor {
        let mut random = Random::new(8, name);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn a_masked_key_can_hold_anything() {
        let (q, k, v) = (tensor(&[2, 2, 3, 4], "q"), tensor(&[2, 2, 5, 4], "k"), tensor(&[2, 2, 5, 6], "v"));
        let mask = Tensor::new(&[[1u8, 1, 1, 0, 0]], &Device::Cpu).unwrap().broadcast_as((3, 5)).unwrap();
        let masked = attention(&q, &k, &v, None, Some(&mask), None).unwrap();
        let short = |t: &Tensor| t.narrow(2, 0, 3).unwrap();
        let cut = attention(&q, &short(&k), &short(&v), None, None, None).unwrap();
        let difference = (masked - cut).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
        assert!(difference < 1e-14, "{difference}");
        let nothing = Tensor::zeros((3, 5), DType::U8, &Device::Cpu).unwrap();
        assert!(attention(&q, &k, &v, None, Some(&nothing), None).unwrap_err().to_string().contains("without any key"));
    }

    #[test]
    fn the_fused_form_agrees_with_the_plain_one() {
        // more queries than one block holds
        let (q, k, v) = (tensor(&[2, 1, 131, 4], "q"), tensor(&[2, 1, 70, 4], "k"), tensor(&[2, 1, 70, 3], "v"));
        let all = Tensor::ones((1, 70), DType::U8, &Device::Cpu).unwrap();
        let fused = attention(&q, &k, &v, None, None, None).unwrap();
        let plain = attention(&q, &k, &v, None, Some(&all), None).unwrap();
        assert!((fused - plain).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-13);
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let leaf = |shape: &[usize], name: &str| {
            candle_core::Var::from_tensor(&tensor(shape, name).to_dtype(DType::F32).unwrap()).unwrap()
        };
        let (q, k, v) = (leaf(&[1, 3, 150, 8], "q"), leaf(&[1, 3, 90, 8], "k"), leaf(&[1, 3, 90, 8], "v"));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let y = attention(&q, &k, &v, None, None, None).unwrap();
                let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                let bits = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                [bits(&y), bits(gradients.get(&q).unwrap()), bits(gradients.get(&k).unwrap()), bits(gradients.get(&v).unwrap())]
            })
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn the_order_of_the_keys_does_not_matter() {
        let (q, k, v) = (tensor(&[1, 2, 3, 4], "q"), tensor(&[1, 2, 5, 4], "k"), tensor(&[1, 2, 5, 4], "v"));
        let order = Tensor::new(&[3u32, 0, 4, 2, 1], &Device::Cpu).unwrap();
        let turned = |t: &Tensor| t.index_select(&order, 2).unwrap();
        let bias = tensor(&[2, 3, 5], "bias");
        let a = attention(&q, &k, &v, Some(&bias), None, Some(0.3)).unwrap();
        let b = attention(&q, &turned(&k), &turned(&v), Some(&turned(&bias)), None, Some(0.3)).unwrap();
        assert!((a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-14);
    }

    #[test]
    fn misfits_are_sentences() {
        let (q, k, v) = (tensor(&[1, 2, 3, 4], "q"), tensor(&[1, 2, 5, 3], "k"), tensor(&[1, 2, 5, 4], "v"));
        assert!(attention(&q, &k, &v, None, None, None).unwrap_err().to_string().contains("[b, heads, n, d]"));
        let bias = tensor(&[2, 3, 6], "bias");
        assert!(attention(&q, &v, &v, Some(&bias), None, None).unwrap_err().to_string().contains("bias is [2, 3, 6]"));
    }
}
