//! The adversarial part: mosaics of true and generated pixels, judged pixel by pixel.
//!
//! Labels are 0 for a true pixel and 1 for a generated one.

use candle_core::{Device, Result, Tensor};

use super::config::{AdversarialConfig, CriticMosaic};
use crate::base::random::Random;
use crate::nn::ops::softplus;

/// Added to the adversarial gradient's length, which may be 0.
const SMALLEST_LENGTH: f64 = 1e-8;

/// Mean over the weighted cells of the binary cross-entropy of `logits` with `labels`.
///
/// # Formula
/// ```text
/// Σ w (ln(1 + exp(x)) − x y) / Σ w
/// ```
pub(super) fn pixel_entropy(logits: &Tensor, labels: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let each = (softplus(logits)? - (logits * labels)?)?;
    (each * weight)?.sum_all()?.div(&(weight.sum_all()? + 1e-12)?)
}

/// 1 where a pixel is to be a generated one, with the given probability, else 0.
pub(super) fn bernoulli(probability: &[f32], random: &mut Random) -> Vec<f32> {
    probability.iter().map(|p| f32::from(u8::from(random.uniform() < f64::from(*p)))).collect()
}

/// Where pixels are generated ones for the generator's loss.
pub(super) fn generator_probability(config: &AdversarialConfig, weights: &[f32]) -> Vec<f32> {
    if config.generator_mosaic { weights.to_vec() } else { vec![1.0; weights.len()] }
}

/// How probably each pixel of each tile is a generated one while the critic learns; `weights` are u, tile after tile of `size`
/// cells, `least` its smallest value.
pub(super) fn critic_probability(
    mosaic: CriticMosaic,
    weights: &[f32],
    size: usize,
    least: f64,
    random: &mut Random,
) -> Vec<f32> {
    let mut all = Vec::with_capacity(weights.len());
    for tile in weights.chunks(size.max(1)) {
        let n = tile.len() as f64;
        let mean = tile.iter().map(|u| f64::from(*u)).sum::<f64>() / n;
        let variance = tile.iter().map(|u| (f64::from(*u) - mean).powi(2)).sum::<f64>() / n;
        let of = |u: f64| match mosaic {
            // Where u is the same everywhere the bell is its top.
            CriticMosaic::Bell if variance < 1e-12 => 1.0,
            CriticMosaic::Bell => (-(u - mean).powi(2) / (2.0 * variance)).exp(),
            CriticMosaic::Complement if least < 1.0 => 1.0 - ((u - least) / (1.0 - least)).clamp(0.0, 1.0),
            CriticMosaic::Complement => 0.5,
            CriticMosaic::Constant { probability } => probability,
            CriticMosaic::Whole => 0.0,
        };
        let whole = matches!(mosaic, CriticMosaic::Whole) && random.below(2) == 1;
        all.extend(tile.iter().map(|u| if whole { 1.0 } else { of(f64::from(*u)) as f32 }));
    }
    all
}

/// `mask · generated + (1 − mask) · truth`.
pub(super) fn mosaic(mask: &Tensor, generated: &Tensor, truth: &Tensor) -> Result<Tensor> {
    truth + (mask * (generated - truth)?)?
}

/// A mask as a tensor like `like`.
pub(super) fn mask(values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.dims(), &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())
}

/// The weight of the adversarial loss, from the lengths of the gradients at the last layer.
///
/// # Formula
/// ```text
/// λ = clamp(ρ |∇ others| / (|∇ adversarial| + 1e-8), least, largest)
/// ```
/// where it was known before, `memory · old + (1 − memory) · λ`.
///
/// # Reference
/// Esser et al. (2021), Taming transformers for high-resolution image synthesis. doi:10.1109/CVPR46437.2021.01268
pub(super) fn adapted_weight(config: &AdversarialConfig, before: Option<f64>, others: f64, adversarial: f64) -> f64 {
    let fresh = (config.share * others / (adversarial + SMALLEST_LENGTH)).clamp(config.least_weight, config.largest_weight);
    before.map_or(fresh, |before| config.memory * before + (1.0 - config.memory) * fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(values: &[f64]) -> Tensor {
        Tensor::from_vec(values.to_vec(), (1, 1, 1, values.len()), &Device::Cpu).unwrap()
    }

    #[test]
    fn entropy_counts_the_sea_only() {
        // logits 0 (label 1): ln 2; 2 (label 0): ln(1 + e²); the third is land
        let got = pixel_entropy(&tensor(&[0.0, 2.0, 99.0]), &tensor(&[1.0, 0.0, 0.0]), &tensor(&[1.0, 1.0, 0.0])).unwrap();
        let want = (2f64.ln() + (1.0 + 2f64.exp()).ln()) / 2.0;
        assert!((got.to_scalar::<f64>().unwrap() - want).abs() < 1e-12);
    }

    #[test]
    fn probabilities_by_hand() {
        let random = &mut Random::new(1, "mosaic");
        let u = [0.4f32, 1.0, 0.4, 1.0];
        let of = |mosaic, random: &mut Random| critic_probability(mosaic, &u, 4, 0.4, random);
        // mean 0.7, sd 0.3: exp(-1/2) everywhere
        assert!(of(CriticMosaic::Bell, random).iter().all(|p| (p - (-0.5f32).exp()).abs() < 1e-6));
        assert_eq!(critic_probability(CriticMosaic::Bell, &[1.0; 3], 3, 0.4, random), [1.0; 3]);
        let complement = of(CriticMosaic::Complement, random);
        assert!((complement[0] - 1.0).abs() < 1e-6 && complement[1].abs() < 1e-6);
        assert_eq!(of(CriticMosaic::Constant { probability: 0.25 }, random), [0.25; 4]);
        let whole: Vec<f32> = (0..40).flat_map(|_| of(CriticMosaic::Whole, random)).collect();
        assert!(whole.chunks(4).all(|tile| tile == [0.0; 4] || tile == [1.0; 4]));
        assert!((8..32).contains(&whole.chunks(4).filter(|tile| tile[0] == 1.0).count()));
        let config = AdversarialConfig::default();
        assert_eq!(generator_probability(&config, &u), u);
        assert_eq!(generator_probability(&AdversarialConfig { generator_mosaic: false, ..config }, &u), [1.0; 4]);
        let drawn = bernoulli(&[0.3; 4000], random).iter().sum::<f32>() / 4000.0;
        assert!((drawn - 0.3).abs() < 0.036, "{drawn}"); // five standard errors
        assert_eq!(bernoulli(&[0.0, 1.0], random), [0.0, 1.0]);
    }

    #[test]
    fn a_mosaic_takes_each_pixel_from_one_of_both() {
        let got = mosaic(&tensor(&[1.0, 0.0]), &tensor(&[5.0, 6.0]), &tensor(&[7.0, 8.0])).unwrap();
        assert_eq!(got.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [5.0, 8.0]);
    }

    #[test]
    fn the_weight_by_hand() {
        let config = AdversarialConfig { share: 0.2, least_weight: 0.01, largest_weight: 2.0, memory: 0.5, ..Default::default() };
        assert!((adapted_weight(&config, None, 3.0, 0.6) - 1.0).abs() < 1e-6);
        assert!((adapted_weight(&config, Some(0.5), 3.0, 0.6) - 0.75).abs() < 1e-6);
        assert_eq!(adapted_weight(&config, None, 1.0, 0.0), 2.0);
        assert_eq!(adapted_weight(&config, None, 0.0, 1.0), 0.01);
    }
}
