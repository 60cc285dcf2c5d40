//! One recipe for the convolutions of a network: over the plane or over time and plane, with or without
//! bias, with or without spectral normalisation.

use candle_core::{Result, Tensor};

use super::spectral_weight::SpectralWeight;
use crate::nn::error::NnResult;
use crate::nn::ops::{Convolution3dOptions, ConvolutionOptions, conv2d_with_bias, conv3d_with_bias};
use crate::nn::parameters::{Init, Parameters};

/// How the convolutions of a network are made; each is built from it with a name and channel counts.
///
/// # Example
/// ```
/// use isotherm::candle_core::{DType, Device, Tensor};
/// use isotherm::nn::Parameters;
/// use isotherm::nn::blocks::ConvolutionRecipe;
/// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
/// let recipe = ConvolutionRecipe::volume(3).without_bias();
/// let convolution = recipe.build(&mut parameters, "first", [4, 1]).unwrap();
/// assert_eq!(parameters.value_count(), 4 * 27);
/// let clip = Tensor::zeros((1, 1, 5, 8, 6), DType::F32, &Device::Cpu).unwrap(); // [b, c, t, h, w]
/// assert_eq!(convolution.forward(&clip, false).unwrap().dims(), [1, 4, 5, 8, 6]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvolutionRecipe {
    volume: bool,
    /// Over time, height, width; a plane has kernel 1 in time.
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    bias: bool,
    spectral: bool,
    init: Init,
}

impl ConvolutionRecipe {
    /// Over `[b, c, h, w]` with a square kernel; the size is kept for an odd kernel.
    pub fn plane(kernel: usize) -> ConvolutionRecipe {
        ConvolutionRecipe {
            volume: false,
            kernel: [1, kernel, kernel],
            stride: [1; 3],
            padding: [0, kernel / 2, kernel / 2],
            bias: true,
            spectral: false,
            init: Init::UniformFanIn,
        }
    }

    /// Over `[b, c, t, h, w]` with a cubic kernel; the size is kept for an odd kernel.
    pub fn volume(kernel: usize) -> ConvolutionRecipe {
        ConvolutionRecipe { volume: true, kernel: [kernel; 3], padding: [kernel / 2; 3], ..ConvolutionRecipe::plane(kernel) }
    }

    /// The same dimensions and settings with kernel 1: a linear map of the channels.
    pub fn pointwise(self) -> ConvolutionRecipe {
        ConvolutionRecipe { kernel: [1; 3], padding: [0; 3], stride: [1; 3], ..self }
    }

    /// Steps between output cells along height and width; time is never thinned out.
    pub fn stride(self, stride: usize) -> ConvolutionRecipe {
        ConvolutionRecipe { stride: [1, stride, stride], ..self }
    }

    /// Rows and columns of zeros on each side.
    pub fn padding(self, padding: usize) -> ConvolutionRecipe {
        ConvolutionRecipe { padding: [self.padding[0], padding, padding], ..self }
    }

    /// No bias.
    pub fn without_bias(self) -> ConvolutionRecipe {
        ConvolutionRecipe { bias: false, ..self }
    }

    /// The weight divided by its largest singular value.
    pub fn spectral(self) -> ConvolutionRecipe {
        ConvolutionRecipe { spectral: true, ..self }
    }

    /// No spectral normalisation, as a network's first and last layers often want it.
    pub fn plain(self) -> ConvolutionRecipe {
        ConvolutionRecipe { spectral: false, ..self }
    }

    /// How the weight starts (`UniformFanIn` if not said).
    pub fn init(self, init: Init) -> ConvolutionRecipe {
        ConvolutionRecipe { init, ..self }
    }

    /// Does it run over time too?
    pub fn is_volume(&self) -> bool {
        self.volume
    }

    /// A convolution from `inputs` to `outputs` channels with parameters `NAME.weight` and `NAME.bias`,
    /// which starts at 0.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn build(self, parameters: &mut Parameters, name: &str, [outputs, inputs]: [usize; 2]) -> NnResult<Convolution> {
        let mut shape = vec![outputs, inputs];
        shape.extend_from_slice(if self.volume { &self.kernel } else { &self.kernel[1..] });
        let weight = if self.spectral {
            Weight::Spectral(SpectralWeight::new(parameters, &format!("{name}.weight"), &shape, self.init)?)
        } else {
            Weight::Plain(parameters.add(format!("{name}.weight"), &shape, self.init)?)
        };
        let bias = if self.bias { Some(parameters.add(format!("{name}.bias"), &[outputs], Init::Constant(0.0))?) } else { None };
        Ok(Convolution { recipe: self, weight, bias })
    }
}

#[derive(Clone, Debug)]
enum Weight {
    Plain(Tensor),
    Spectral(SpectralWeight),
}

/// A convolution built by a [`ConvolutionRecipe`].
#[derive(Clone, Debug)]
pub struct Convolution {
    recipe: ConvolutionRecipe,
    weight: Weight,
    bias: Option<Tensor>,
}

impl Convolution {
    /// `[b, inputs, (t,) h, w]` to `[b, outputs, (t,) h', w']`. `training` moves the power iteration of a
    /// spectral weight one step on; nothing else depends on it.
    ///
    /// # Errors
    /// As [`conv2d_with_bias`] or [`conv3d_with_bias`].
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let weight = match &self.weight {
            Weight::Plain(weight) => weight.clone(),
            Weight::Spectral(spectral) => spectral.normalised(training)?,
        };
        let ConvolutionRecipe { stride, padding, .. } = self.recipe;
        let bias = self.bias.as_ref();
        if self.recipe.volume {
            let options = Convolution3dOptions { stride, padding, dilation: [1; 3], groups: 1 };
            conv3d_with_bias(x, &weight, bias, &options)
        } else {
            let options = ConvolutionOptions { stride: stride[1], padding: padding[1], dilation: 1, groups: 1 };
            conv2d_with_bias(x, &weight, bias, options)
        }
    }
}
