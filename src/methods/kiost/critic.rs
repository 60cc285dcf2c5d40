//! The projection critic: does this fine day belong to that coarse week?

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::blocks::{Convolution, ConvolutionRecipe, PooledResidual};
use crate::nn::ops::leaky_relu;
use crate::nn::{Init, NnError, NnResult, Parameters};

const SLOPE: f64 = 0.01;

/// Sizes of the [`Critic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CriticConfig {
    /// Channels of the fine branch; each step halves the size.
    pub fine: Vec<usize>,
    /// Channels of the coarse branch, which ends as wide as the fine one; each step halves size and time.
    pub coarse: Vec<usize>,
}

impl Default for CriticConfig {
    fn default() -> CriticConfig {
        CriticConfig::quick()
    }
}

impl CriticConfig {
    /// The published sizes, for fine maps of 600x600: 40,178,505 weights.
    pub fn paper() -> CriticConfig {
        CriticConfig { fine: vec![8, 16, 32, 64, 128, 256, 512, 1024], coarse: vec![32, 64, 128, 256, 512, 1024] }
    }

    /// About 0.5 million weights, for fine maps of 80x80 and more.
    pub fn quick() -> CriticConfig {
        CriticConfig { fine: vec![8, 16, 32, 64, 128], coarse: vec![16, 32, 64, 128] }
    }
}

/// A critic of pairs.
///
/// # Formula
/// ```text
/// D(y, x) = w · p + b + p · V q,    p = Σ σ(f(y)),   q = Σ σ(g(x))
/// ```
/// `f` and `g` residual networks over the fine day and the coarse week, the sums over all their pixels and
/// frames. The last term asks whether the two belong together.
///
/// # Reference
/// Miyato and Koyama (2018), cGANs with projection discriminator. arXiv:1802.05637
#[derive(Clone, Debug)]
pub struct Critic {
    fine_stem: Convolution,
    fine: Vec<PooledResidual>,
    coarse_stem: Convolution,
    coarse: Vec<PooledResidual>,
    weight: Tensor,
    bias: Tensor,
    projection: Tensor,
}

impl Critic {
    /// Parameters `fine...`, `coarse...`, `linear.weight`, `linear.bias`, `projection.weight`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a branch is empty or the two end with different widths; as
    /// [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, config: &CriticConfig) -> NnResult<Critic> {
        let (fine, coarse) = (&config.fine, &config.coarse);
        let width = fine.last().copied().unwrap_or(0);
        if fine.contains(&0) || coarse.contains(&0) || width == 0 || coarse.last() != Some(&width) {
            return Err(NnError::Argument(format!(
                "kiost: the critic's branches have widths {fine:?} and {coarse:?}; the same last width is wanted"
            )));
        }
        let branch = |parameters: &mut Parameters, name: &str, recipe: ConvolutionRecipe, widths: &[usize]| {
            let stem = recipe.build(parameters, &format!("{name}.stem"), [widths[0], 1])?;
            let blocks = widths
                .windows(2)
                .enumerate()
                .map(|(i, pair)| {
                    let channels = [pair[1], pair[0], pair[0]];
                    PooledResidual::new(parameters, &format!("{name}.{i}"), recipe, channels, SLOPE)
                })
                .collect::<NnResult<Vec<_>>>()?;
            Ok::<_, NnError>((stem, blocks))
        };
        let (fine_stem, fine) = branch(parameters, "fine", ConvolutionRecipe::plane(3), fine)?;
        let (coarse_stem, coarse) = branch(parameters, "coarse", ConvolutionRecipe::volume(3), coarse)?;
        Ok(Critic {
            fine_stem,
            fine,
            coarse_stem,
            coarse,
            weight: parameters.add("linear.weight", &[1, width], Init::UniformFanIn)?,
            bias: parameters.add("linear.bias", &[1], Init::Constant(0.0))?,
            projection: parameters.add("projection.weight", &[width, width], Init::UniformFanIn)?,
        })
    }

    /// Fine days `[b, 1, h, w]` and coarse weeks `[b, 1, t, h', w']` to judgements `[b]`, larger for the true.
    /// Any size at which no branch halves a single row or column.
    ///
    /// # Errors
    /// A sentence where an image is too small for its branch.
    pub fn forward(&self, day: &Tensor, week: &Tensor) -> Result<Tensor> {
        let branch = |stem: &Convolution, blocks: &[PooledResidual], x: &Tensor| -> Result<Tensor> {
            let mut x = stem.forward(x, false)?; // [b, c, (t,) h, w]
            for block in blocks {
                x = block.forward(&x, false)?; // [b, 2 c, (t / 2,) h / 2, w / 2]
            }
            leaky_relu(&x, SLOPE)?.flatten_from(2)?.sum(2) // [b, width]
        };
        let p = branch(&self.fine_stem, &self.fine, day)?;
        let q = branch(&self.coarse_stem, &self.coarse, week)?;
        let belongs = (&p * q.matmul(&self.projection.t()?)?)?.sum(1)?; // [b]
        let alone = p.matmul(&self.weight.t()?)?.squeeze(1)?.broadcast_add(&self.bias)?; // [b]
        alone + belongs
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_published_number_of_weights() {
        let count = |config: &CriticConfig| {
            let mut parameters = Parameters::shapes_only();
            Critic::new(&mut parameters, config).unwrap();
            parameters.value_count()
        };
        assert_eq!(count(&CriticConfig::paper()), 40_178_505);
        assert!((100_000..1_000_000).contains(&count(&CriticConfig::quick())));
    }

    #[test]
    fn one_judgement_for_each_pair() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let critic = Critic::new(&mut parameters, &CriticConfig::quick()).unwrap();
        let t = |shape: &[usize]| Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap();
        assert_eq!(critic.forward(&t(&[2, 1, 80, 75]), &t(&[2, 1, 7, 16, 15])).unwrap().dims(), [2]);
        assert!(critic.forward(&t(&[2, 1, 8, 75]), &t(&[2, 1, 7, 16, 16])).unwrap_err().to_string().contains("at least 2"));
        let wrong = CriticConfig { coarse: vec![16, 32], ..CriticConfig::quick() };
        assert!(Critic::new(&mut Parameters::shapes_only(), &wrong).unwrap_err().to_string().contains("same last width"));
    }
}
