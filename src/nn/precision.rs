//! With how many bits products are computed while the parameters stay f32.

use std::cell::Cell;
use std::marker::PhantomData;

use candle_core::{DType, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::error::{NnError, NnResult};
use super::parameters::Parameters;

/// The arithmetic of convolutions, linear maps and attention. Everything else (norms, activations, softmax, losses,
/// gradients of parameters, the optimiser and its moments) is f32 in each case, and so are the parameters, the *master
/// weights*: a step of 1e-4 would vanish in a weight of 8 bits.
///
/// # Formula
/// ```text
/// f32    y = Σ x w
/// tf32   y = Σ r₁₀(x) r₁₀(w)         r_n: rounded to n bits of mantissa
/// bf16   y = r₇( Σ r₇(x) r₇(w) )     sums in f32; exponents as in f32, so losses need no scaling
/// ```
/// The gradients are computed in the same way.
///
/// On a CUDA card `tf32` (compute capability 8.0 or later) and `bf16` use the tensor cores. On the CPU `tf32`, a permission
/// to round, changes nothing; `bf16` is imitated by rounding factors and results, which tells what training would
/// become on a card but costs time instead of saving it.
///
/// # Reference
/// Micikevicius et al. (2018), Mixed precision training. arXiv:1710.03740; Kalamkar et al. (2019), A study of BFLOAT16 for
/// deep learning training. arXiv:1905.12322
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 24 bits throughout.
    #[default]
    F32,
    /// f32 tensors, factors rounded to 10 bits of mantissa where the card can.
    Tf32,
    /// Factors and products in bf16, sums in f32.
    Bf16,
}

thread_local! {
    static PRESENT: Cell<Precision> = const { Cell::new(Precision::F32) };
}

/// While it lives, this thread computes in the precision asked for; then in the former one again.
#[derive(Debug)]
#[must_use = "the precision holds only as long as this value lives"]
pub struct PrecisionScope {
    before: Precision,
    reduced_products: bool,
    /// It must end on the thread where it began.
    here: PhantomData<*const ()>,
}

impl Precision {
    /// Computes in this precision from now on, forward and backward, until the value that it gives is dropped.
    ///
    /// # Errors
    /// [`NnError::Argument`] where the parameters of a network are not f32 and this is not [`Precision::F32`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::{Parameters, Precision, layers::Linear};
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let layer = Linear::standard(&mut parameters, "out", [4, 8]).unwrap();
    /// let x = Tensor::ones((2, 8), DType::F32, &Device::Cpu).unwrap();
    /// let fine = layer.forward(&x).unwrap();
    /// let scope = Precision::Bf16.enter([&parameters]).unwrap();
    /// let coarse = layer.forward(&x).unwrap();
    /// drop(scope);
    /// assert_eq!(coarse.dtype(), DType::F32);
    /// let difference = (fine - coarse).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    /// assert!(difference > 0.0 && difference < 0.02);
    /// ```
    pub fn enter<'a>(self, networks: impl IntoIterator<Item = &'a Parameters>) -> NnResult<PrecisionScope> {
        let other = networks.into_iter().map(Parameters::dtype).find(|dtype| *dtype != DType::F32);
        if let (Some(dtype), true) = (other, self != Precision::F32) {
            return Err(NnError::Argument(format!(
                "precision {self:?} wants f32 parameters, which it keeps as they are; found {dtype:?}: make the network in f32"
            )));
        }
        let before = PRESENT.replace(self);
        // candle's switch for products of matrices holds for the whole process.
        let reduced_products = candle_core::cuda::gemm_reduced_precision_f32();
        candle_core::cuda::set_gemm_reduced_precision_f32(self != Precision::F32);
        Ok(PrecisionScope { before, reduced_products, here: PhantomData })
    }

    /// That of this thread now.
    pub fn present() -> Precision {
        PRESENT.get()
    }
}

impl Drop for PrecisionScope {
    fn drop(&mut self) {
        PRESENT.set(self.before);
        candle_core::cuda::set_gemm_reduced_precision_f32(self.reduced_products);
    }
}

/// What `multiply` makes of the factors, in the present precision. Other types than f32 are left as they are.
pub(in crate::nn) fn in_precision<const N: usize>(
    factors: [&Tensor; N],
    multiply: impl FnOnce([Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    let reduce = Precision::present() == Precision::Bf16 && factors.iter().all(|t| t.dtype() == DType::F32);
    if !reduce {
        return multiply(factors.map(Tensor::clone));
    }
    // Our loops on the CPU are f32 and f64: there the rounded factors go on as f32.
    let on_cpu = factors[0].device().is_cpu();
    let mut rounded = factors.map(Tensor::clone);
    for factor in &mut rounded {
        *factor = factor.to_dtype(DType::BF16)?;
        if on_cpu {
            *factor = factor.to_dtype(DType::F32)?;
        }
    }
    let product = multiply(rounded)?;
    let product = if on_cpu { product.to_dtype(DType::BF16)? } else { product };
    product.to_dtype(DType::F32)
}

/// The product of two matrices in the present precision.
pub(in crate::nn) fn matrix_product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    in_precision([a, b], |[a, b]| a.matmul(&b))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::layers::Linear;
    use crate::nn::ops::{ConvolutionOptions, attention, conv2d};

    fn network() -> Parameters {
        Parameters::new(&Device::Cpu, DType::F32, 1)
    }

    #[test]
    fn bf16_keeps_seven_bits_of_each_factor_and_of_the_result() {
        // 1 + 2⁻⁸ lies halfway between two numbers of 7 bits and goes to the even one, 1; 1 + 3·2⁻⁸ to 1 + 2⁻⁶.
        let a = Tensor::new(&[[1.0 + 1.0 / 256.0, 1.0f32]], &Device::Cpu).unwrap();
        let b = Tensor::new(&[[1.0f32], [3.0 / 256.0]], &Device::Cpu).unwrap();
        let exact = matrix_product(&a, &b).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(exact, [[1.0 + 4.0 / 256.0]]);
        let scope = Precision::Bf16.enter([&network()]).unwrap();
        // 1 · 1 + 1 · 3/256 = 1 + 3/256, which rounds to 1 + 4/256 = 1 + 2⁻⁶
        assert_eq!(matrix_product(&a, &b).unwrap().to_vec2::<f32>().unwrap(), [[1.0 + 4.0 / 256.0]]);
        let one = Tensor::new(&[[1.0f32], [0.0]], &Device::Cpu).unwrap();
        assert_eq!(matrix_product(&a, &one).unwrap().to_vec2::<f32>().unwrap(), [[1.0]]);
        drop(scope);
        assert_eq!(matrix_product(&a, &one).unwrap().to_vec2::<f32>().unwrap(), [[1.0 + 1.0 / 256.0]]);
    }

    #[test]
    fn scopes_nest_and_end() {
        let parameters = network();
        let outer = Precision::Tf32.enter([&parameters]).unwrap();
        let inner = Precision::Bf16.enter([&parameters]).unwrap();
        assert_eq!(Precision::present(), Precision::Bf16);
        drop(inner);
        assert_eq!(Precision::present(), Precision::Tf32);
        let other = std::thread::spawn(Precision::present).join().unwrap();
        assert_eq!(other, Precision::F32, "another thread keeps its own");
        drop(outer);
        assert_eq!(Precision::present(), Precision::F32);
    }

    #[test]
    fn convolution_attention_and_linear_maps_are_rounded_and_nothing_else() {
        let mut parameters = network();
        let layer = Linear::standard(&mut parameters, "l", [3, 4]).unwrap();
        let weight = parameters.add("w", &[2, 1, 3, 3], crate::nn::Init::UniformFanIn).unwrap();
        let image = parameters.add("x", &[1, 1, 4, 4], crate::nn::Init::Uniform { bound: 1.0 }).unwrap();
        let sequence = image.reshape((1, 1, 4, 4)).unwrap();
        let all = || {
            [
                layer.forward(&sequence).unwrap(),
                conv2d(&image, &weight, ConvolutionOptions::same(3)).unwrap(),
                attention(&sequence, &sequence, &sequence, None, None, None).unwrap(),
                crate::nn::ops::silu(&image).unwrap(),
            ]
        };
        let fine = all();
        let _scope = Precision::Bf16.enter([&parameters]).unwrap();
        for (i, (fine, coarse)) in fine.iter().zip(&all()).enumerate() {
            let error = (fine - coarse).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            // Two factors and a result of 2⁻⁹ each, a few of them added up
            assert!(if i == 3 { error == 0.0 } else { error > 0.0 && error < 0.02 }, "{i}: {error}");
            // Only 7 bits are left: the lower 16 of the 32 are zeros.
            let values = coarse.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            if i == 1 || i == 2 {
                assert!(values.iter().all(|v| v.to_bits() & 0xffff == 0), "{values:?}");
            }
        }
    }

    #[test]
    fn other_parameters_than_f32_are_refused() {
        for dtype in [DType::F64, DType::BF16] {
            let error = Precision::Bf16.enter([&Parameters::new(&Device::Cpu, dtype, 1)]).unwrap_err().to_string();
            assert!(error.contains("wants f32 parameters") && error.contains(&format!("{dtype:?}")), "{error}");
        }
        assert!(Precision::F32.enter([&Parameters::new(&Device::Cpu, DType::F64, 1)]).is_ok());
    }
}
