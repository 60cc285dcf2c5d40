//! The U-Net with time embedding: one for the forecasts and for the diffusions.

use candle_core::{Result, Tensor, bail};

use super::mixing::{Mixer, Mixing};
use super::residual::{Conditioning, NORM_EPSILON, ResidualBlock, ResidualBlockConfig};
use super::time_embedding::TimeEmbedding;
use super::unet_config::{MixingPlace, UnetConfig};
use crate::nn::convolution::Convolution2d;
use crate::nn::error::NnResult;
use crate::nn::layers::GroupNorm;
use crate::nn::ops::{ConvolutionOptions, Resampling, interpolate, silu};
use crate::nn::parameters::{Init, Parameters};

/// Residual blocks on levels of halving size, down and up again, where each block on the way up also reads
/// what its partner on the way down gave.
///
/// Down: stride-2 convolutions between levels. Up: nearest doubling and a convolution. The output has the
/// width of the finest level; a head of the caller's, or [`UnetHead`], makes the answer of it.
///
/// # Reference
/// Ronneberger et al. (2015), U-Net: convolutional networks for biomedical image segmentation.
/// doi:10.1007/978-3-319-24574-4_28; Ho et al. (2020), Denoising diffusion probabilistic models.
/// arXiv:2006.11239
#[derive(Clone, Debug)]
pub struct Unet {
    stem: Convolution2d,
    time: Option<TimeEmbedding>,
    down: Vec<Level>,
    middle: (ResidualBlock, Option<Mixer>, ResidualBlock),
    up: Vec<Level>,
    divisor: usize,
}

#[derive(Clone, Debug)]
struct Level {
    blocks: Vec<(ResidualBlock, Option<Mixer>)>,
    /// The convolution to the next level's size; none on the last.
    resize: Option<Convolution2d>,
}

/// What the way down leaves for the way up.
#[derive(Clone, Debug)]
pub struct UnetEncoding {
    skips: Vec<Tensor>,
    embedding: Option<Tensor>,
    /// The output of the middle, `[b, width of the coarsest level, h / divisor, w / divisor]`.
    pub bottleneck: Tensor,
}

impl Unet {
    /// Parameters `NAME.stem`, `NAME.time`, `NAME.down.LEVEL.BLOCK`, `NAME.middle`, `NAME.up.LEVEL.BLOCK`.
    ///
    /// # Errors
    /// [`crate::nn::NnError::Argument`] where sizes do not fit each other; as [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::Parameters;
    /// use isotherm::nn::blocks::{Conditioning, Mixing, MixingPlace, Unet, UnetConfig, UnetLevel};
    /// let level = |width, mixing| UnetLevel { width, down: mixing, up: mixing };
    /// let config = UnetConfig {
    ///     inputs: 3,
    ///     levels: vec![level(8, Mixing::None), level(16, Mixing::SelfAttention { head_width: 8 })],
    ///     blocks: 1,
    ///     middle: Mixing::None,
    ///     place: MixingPlace::EveryBlock,
    ///     time: [8, 16],
    ///     conditioning: Conditioning::Film,
    ///     groups: 4,
    ///     zero_start: true,
    /// };
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let unet = Unet::new(&mut parameters, "unet", &config).unwrap();
    /// let noisy = Tensor::zeros((1, 3, 6, 10), DType::F32, &Device::Cpu).unwrap(); // any even size
    /// let step = Tensor::new(&[4f32], &Device::Cpu).unwrap();
    /// assert_eq!(unet.forward(&noisy, Some(&step)).unwrap().dims(), [1, 8, 6, 10]);
    /// ```
    pub fn new(parameters: &mut Parameters, name: &str, config: &UnetConfig) -> NnResult<Unet> {
        config.check()?;
        let told = config.conditioning != Conditioning::None;
        let [sinusoids, embedding] = config.time;
        let block = |parameters: &mut Parameters, name: String, inputs: usize, outputs: usize| {
            let config = ResidualBlockConfig {
                inputs,
                outputs,
                embedding,
                conditioning: config.conditioning,
                groups: config.groups,
                zero_start: config.zero_start,
            };
            ResidualBlock::new(parameters, &name, &config)
        };
        let mixer = |parameters: &mut Parameters, name: String, mixing: &Mixing, width: usize, position: usize| {
            let wanted = position == 0 || config.place == MixingPlace::EveryBlock;
            let name = format!("{name}.mixer");
            if wanted { Mixer::new(parameters, &name, mixing, width, config.groups) } else { Ok(None) }
        };
        let resize = |parameters: &mut Parameters, name: String, width: usize, stride: usize| {
            let options = ConvolutionOptions { stride, ..ConvolutionOptions::same(3) };
            Convolution2d::new(parameters, &format!("{name}.resize"), [width, width], 3, options, Init::UniformFanIn)
        };

        let mut width = config.levels[0].width;
        let stem = [width, config.inputs];
        let stem =
            Convolution2d::new(parameters, &format!("{name}.stem"), stem, 3, ConvolutionOptions::same(3), Init::UniformFanIn)?;
        let time = if told { Some(TimeEmbedding::new(parameters, &format!("{name}.time"), sinusoids, embedding)?) } else { None };
        let last = config.levels.len() - 1;
        let (mut down, mut skips) = (vec![], vec![width]);
        for (l, level) in config.levels.iter().enumerate() {
            let name = format!("{name}.down.{l}");
            let mut blocks = vec![];
            for i in 0..config.blocks {
                let name = format!("{name}.{i}");
                let residual = block(parameters, name.clone(), width, level.width)?;
                width = level.width;
                blocks.push((residual, mixer(parameters, name, &level.down, width, i)?));
                skips.push(width);
            }
            let resize = if l < last { Some(resize(parameters, name, width, 2)?) } else { None };
            if resize.is_some() {
                skips.push(width);
            }
            down.push(Level { blocks, resize });
        }
        let first = block(parameters, format!("{name}.middle.0"), width, width)?;
        let mixed = Mixer::new(parameters, &format!("{name}.middle.mixer"), &config.middle, width, config.groups)?;
        let second = block(parameters, format!("{name}.middle.1"), width, width)?;
        let mut up = vec![];
        for (l, level) in config.levels.iter().enumerate().rev() {
            let name = format!("{name}.up.{l}");
            let mut blocks = vec![];
            for i in 0..=config.blocks {
                let name = format!("{name}.{i}");
                let inputs = width + skips.pop().unwrap_or(0);
                let residual = block(parameters, name.clone(), inputs, level.width)?;
                width = level.width;
                blocks.push((residual, mixer(parameters, name, &level.up, width, i)?));
            }
            let resize = if l > 0 { Some(resize(parameters, name, width, 1)?) } else { None };
            up.push(Level { blocks, resize });
        }
        Ok(Unet { stem, time, down, middle: (first, mixed, second), up, divisor: config.divisor() })
    }

    /// The way down and the middle, for `[b, inputs, h, w]` and step numbers `[b]` of any type (without
    /// conditioning none).
    ///
    /// # Errors
    /// A sentence where height or width is not a multiple of [`UnetConfig::divisor`], or the time is missing;
    /// those of the layers.
    pub fn encode(&self, x: &Tensor, time: Option<&Tensor>) -> Result<UnetEncoding> {
        let (_, _, h, w) = x.dims4()?;
        if h == 0 || w == 0 || !h.is_multiple_of(self.divisor) || !w.is_multiple_of(self.divisor) {
            bail!("U-Net: an image of {h}x{w}; multiples of {} are wanted", self.divisor);
        }
        let embedding = match (&self.time, time) {
            (None, _) => None,
            (Some(_), None) => bail!("U-Net: it is told the time, but got none"),
            (Some(layer), Some(time)) => Some(layer.forward(time, x.dtype())?), // [b, embedding]
        };
        let told = embedding.as_ref();
        let mut x = self.stem.forward(x)?; // [b, width of the first level, h, w]
        let mut skips = vec![x.clone()];
        for level in &self.down {
            for block in &level.blocks {
                x = pass(block, &x, told)?; // [b, width, h, w]
                skips.push(x.clone());
            }
            if let Some(resize) = &level.resize {
                x = resize.forward(&x)?; // [b, width, h / 2, w / 2]
                skips.push(x.clone());
            }
        }
        let (first, mixer, second) = &self.middle;
        x = first.forward(&x, told)?;
        if let Some(mixer) = mixer {
            x = mixer.forward(&x)?;
        }
        let bottleneck = second.forward(&x, told)?; // [b, width of the last level, h / divisor, w / divisor]
        Ok(UnetEncoding { skips, embedding, bottleneck })
    }

    /// The way up: `[b, width of the first level, h, w]`.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn decode(&self, encoding: &UnetEncoding) -> Result<Tensor> {
        let told = encoding.embedding.as_ref();
        let mut skips = encoding.skips.iter().rev();
        let mut x = encoding.bottleneck.clone();
        for level in &self.up {
            for block in &level.blocks {
                if let Some(skip) = skips.next() {
                    x = Tensor::cat(&[&x, skip], 1)?; // [b, width + skip, h, w]
                }
                x = pass(block, &x, told)?; // [b, width, h, w]
            }
            if let Some(resize) = &level.resize {
                let (_, _, h, w) = x.dims4()?;
                x = resize.forward(&interpolate(&x, (2 * h, 2 * w), Resampling::Nearest, false)?)?; // [b, width, 2 h, 2 w]
            }
        }
        Ok(x)
    }

    /// Down and up: `[b, inputs, h, w]` and step numbers `[b]` to `[b, width of the first level, h, w]`.
    ///
    /// # Errors
    /// As [`Unet::encode`].
    pub fn forward(&self, x: &Tensor, time: Option<&Tensor>) -> Result<Tensor> {
        self.decode(&self.encode(x, time)?)
    }
}

fn pass((block, mixer): &(ResidualBlock, Option<Mixer>), x: &Tensor, told: Option<&Tensor>) -> Result<Tensor> {
    let x = block.forward(x, told)?;
    match mixer {
        Some(mixer) => mixer.forward(&x),
        None => Ok(x),
    }
}

/// Group norm, SiLU and a convolution: the usual end of a [`Unet`].
#[derive(Clone, Debug)]
pub struct UnetHead {
    norm: GroupNorm,
    convolution: Convolution2d,
}

impl UnetHead {
    /// From the U-Net's output to `outputs` channels; parameters `NAME.norm` and `NAME.conv`.
    ///
    /// # Errors
    /// As [`Parameters::add`]; where there is no level.
    pub fn new(parameters: &mut Parameters, name: &str, config: &UnetConfig, outputs: usize) -> NnResult<UnetHead> {
        config.check()?;
        let width = config.levels[0].width;
        let same = ConvolutionOptions::same(3);
        Ok(UnetHead {
            norm: GroupNorm::new(parameters, &format!("{name}.norm"), width, config.groups, NORM_EPSILON)?,
            convolution: Convolution2d::new(parameters, &format!("{name}.conv"), [outputs, width], 3, same, Init::UniformFanIn)?,
        })
    }

    /// `[b, width, h, w]` to `[b, outputs, h, w]`.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.convolution.forward(&silu(&self.norm.forward(x)?)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::super::unet_config::UnetLevel;
    use super::*;

    fn config(conditioning: Conditioning) -> UnetConfig {
        let level = |width| UnetLevel { width, down: Mixing::None, up: Mixing::None };
        UnetConfig {
            inputs: 1,
            levels: vec![level(4), level(8), level(8)],
            blocks: 2,
            middle: Mixing::SelfAttention { head_width: 4 },
            place: MixingPlace::FirstBlock,
            time: [4, 8],
            conditioning,
            groups: 4,
            zero_start: false,
        }
    }

    #[test]
    fn sizes_and_refusals() {
        let config = config(Conditioning::Add);
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let unet = Unet::new(&mut parameters, "u", &config).unwrap();
        let image = |h, w| Tensor::ones((2, 1, h, w), DType::F32, &Device::Cpu).unwrap();
        let step = Tensor::new(&[0f32, 7.0], &Device::Cpu).unwrap();
        assert_eq!(config.divisor(), 4);
        let encoding = unet.encode(&image(8, 20), Some(&step)).unwrap();
        assert_eq!(encoding.bottleneck.dims(), [2, 8, 2, 5]);
        assert_eq!(unet.decode(&encoding).unwrap().dims(), [2, 4, 8, 20]);
        assert!(unet.forward(&image(8, 18), Some(&step)).unwrap_err().to_string().contains("multiples of 4"));
        assert!(unet.forward(&image(8, 8), None).unwrap_err().to_string().contains("got none"));
        let wrong = UnetConfig { groups: 3, ..config };
        assert!(
            Unet::new(&mut Parameters::shapes_only(), "u", &wrong).unwrap_err().to_string().contains("multiples of the groups")
        );
    }

    #[test]
    fn the_time_matters_where_it_is_told_and_only_there() {
        let image = Tensor::arange(0f64, 64.0, &Device::Cpu).unwrap().reshape((1, 1, 8, 8)).unwrap();
        let change = |conditioning| {
            let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
            let unet = Unet::new(&mut parameters, "u", &config(conditioning)).unwrap();
            let at = |step: f64| unet.forward(&image, Some(&Tensor::new(&[step], &Device::Cpu).unwrap())).unwrap();
            (at(0.0) - at(3.0)).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap()
        };
        assert_eq!(change(Conditioning::None), 0.0);
        assert!(change(Conditioning::Add) > 1e-4 && change(Conditioning::Film) > 1e-4);
    }
}
