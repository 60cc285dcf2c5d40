//! A residual block that halves the size by averaging.

use candle_core::{Result, Tensor, bail};

use super::convolution::{Convolution, ConvolutionRecipe};
use crate::nn::error::NnResult;
use crate::nn::ops::{average_pool2d, average_pool3d, leaky_relu};
use crate::nn::parameters::Parameters;

/// Pre-activation residual with average pooling, in two dimensions or three, by the recipe it is built from.
///
/// # Formula
/// ```text
/// y = P( K₂ σ(K₁ σ(x)) ) + P( S x )
/// ```
/// `σ` the leaky rectifier, `K₁` and `K₂` convolutions, `S` a linear map of the channels, `P` the mean over
/// blocks of 2 (over time too, where there are two frames or more). A last odd row, column or frame is left
/// out. `S` is taken after `P`, which is the same since both are linear and `P` keeps constants.
///
/// # Reference
/// He et al. (2016), Identity mappings in deep residual networks. doi:10.1007/978-3-319-46493-0_38
#[derive(Clone, Debug)]
pub struct PooledResidual {
    first: Convolution,
    second: Convolution,
    shortcut: Convolution,
    slope: f64,
}

impl PooledResidual {
    /// Channels `[outputs, hidden, inputs]`; `slope` of the leaky rectifier.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::Parameters;
    /// use isotherm::nn::blocks::{ConvolutionRecipe, PooledResidual};
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let block = PooledResidual::new(&mut parameters, "block", ConvolutionRecipe::volume(3), [4, 3, 2], 0.01).unwrap();
    /// let clip = Tensor::zeros((1, 2, 7, 6, 6), DType::F32, &Device::Cpu).unwrap();
    /// assert_eq!(block.forward(&clip, false).unwrap().dims(), [1, 4, 3, 3, 3]);
    /// ```
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        recipe: ConvolutionRecipe,
        [outputs, hidden, inputs]: [usize; 3],
        slope: f64,
    ) -> NnResult<PooledResidual> {
        Ok(PooledResidual {
            first: recipe.build(parameters, &format!("{name}.conv1"), [hidden, inputs])?,
            second: recipe.build(parameters, &format!("{name}.conv2"), [outputs, hidden])?,
            shortcut: recipe.pointwise().build(parameters, &format!("{name}.shortcut"), [outputs, inputs])?,
            slope,
        })
    }

    /// `[b, inputs, (t,) h, w]` to `[b, outputs, (t / 2,) h / 2, w / 2]`.
    ///
    /// # Errors
    /// A sentence where height or width is below 2; those of the convolutions.
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let y = self.first.forward(&leaky_relu(x, self.slope)?, training)?; // [b, hidden, (t,) h, w]
        let y = self.second.forward(&leaky_relu(&y, self.slope)?, training)?; // [b, outputs, (t,) h, w]
        halve(&y)? + self.shortcut.forward(&halve(x)?, training)?
    }
}

/// The mean over blocks of 2 along height and width, and along time where there are two frames or more.
/// A last odd row, column or frame is left out.
///
/// # Errors
/// A sentence where height or width is below 2.
pub fn halve(x: &Tensor) -> Result<Tensor> {
    let dims = x.dims();
    if !(4..=5).contains(&dims.len()) || dims[dims.len() - 2..].iter().any(|&size| size < 2) {
        bail!("halve: input is {dims:?}; [b, c, (t,) h, w] with h and w of at least 2 is wanted");
    }
    if dims.len() == 4 {
        return average_pool2d(x, [2; 2], [2; 2], [0; 2]);
    }
    let times = dims[2].min(2);
    average_pool3d(x, [times, 2, 2], [times, 2, 2], [0; 3])
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::base::random::Random;
    use crate::nn::ops::{Convolution3dOptions, ConvolutionOptions, add_bias, conv2d, conv3d};

    /// The formula as written: the shortcut at full size, then the pooling.
    fn by_definition(parameters: &Parameters, x: &Tensor, slope: f64) -> Tensor {
        let get = |name: &str| parameters.get(name).unwrap().as_tensor().clone();
        let conv = |x: &Tensor, part: &str, padding: usize| {
            let (weight, bias) = (get(&format!("b.{part}.weight")), get(&format!("b.{part}.bias")));
            let y = if x.rank() == 5 {
                let options = Convolution3dOptions { padding: [padding; 3], ..Convolution3dOptions::default() };
                conv3d(x, &weight, &options).unwrap()
            } else {
                conv2d(x, &weight, ConvolutionOptions { padding, ..ConvolutionOptions::default() }).unwrap()
            };
            add_bias(&y, &bias).unwrap()
        };
        let y = conv(&leaky_relu(x, slope).unwrap(), "conv1", 1);
        let y = conv(&leaky_relu(&y, slope).unwrap(), "conv2", 1);
        (halve(&y).unwrap() + halve(&conv(x, "shortcut", 0)).unwrap()).unwrap()
    }

    #[test]
    fn pooling_first_is_the_same() {
        let mut random = Random::new(3, "x");
        let volume = (ConvolutionRecipe::volume(3), vec![2, 2, 3, 5, 4]);
        for (recipe, shape) in [(ConvolutionRecipe::plane(3), vec![2, 2, 5, 4]), volume] {
            let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
            let block = PooledResidual::new(&mut parameters, "b", recipe, [4, 3, 2], 0.1).unwrap();
            let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.normal()).collect();
            let x = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            let difference = (block.forward(&x, false).unwrap() - by_definition(&parameters, &x, 0.1)).unwrap();
            let error = difference.abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
            assert!(error < 1e-13, "{error}");
        }
    }

    #[test]
    fn means_by_hand_and_a_single_row_is_refused() {
        let x = Tensor::arange(0f64, 12.0, &Device::Cpu).unwrap();
        // Two frames of (0 1 2; 3 4 5) and (6 7 8; 9 10 11): 0, 1, 3, 4 and 6, 7, 9, 10 have mean 5.
        let clip = halve(&x.reshape((1, 1, 2, 2, 3)).unwrap()).unwrap();
        assert_eq!((clip.dims(), clip.sum_all().unwrap().to_scalar::<f64>().unwrap()), (&[1, 1, 1, 1, 1][..], 5.0));
        let frame = halve(&x.reshape((1, 1, 1, 4, 3)).unwrap()).unwrap();
        assert_eq!(frame.dims(), [1, 1, 1, 2, 1]);
        assert!(halve(&x.reshape((1, 1, 1, 12)).unwrap()).unwrap_err().to_string().contains("at least 2"));
    }
}
