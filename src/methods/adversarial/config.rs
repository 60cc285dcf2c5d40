//! Sizes of generator and critic.

use serde::{Deserialize, Serialize};

use crate::methods::error::{MethodError, MethodResult};
use crate::methods::regression::{Architecture, RegressionConfig, RrdbConfig};

/// A generator and its critic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdversarialConfig {
    /// The generator and its tiles.
    pub generator: RegressionConfig,
    /// The critic.
    pub critic: CriticConfig,
}

impl Default for AdversarialConfig {
    fn default() -> AdversarialConfig {
        AdversarialConfig {
            generator: RegressionConfig::of(Architecture::Rrdb(RrdbConfig::default())),
            critic: CriticConfig::default(),
        }
    }
}

/// What judges the generator's fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CriticConfig {
    /// A logit for each patch: [`PatchCritic`](crate::nn::blocks::PatchCritic).
    Patch {
        /// Channels after each convolution of stride 2.
        strided: Vec<usize>,
        /// Channels after each convolution of stride 1 that follows them.
        kept: Vec<usize>,
    },
    /// A logit for each pixel: [`UnetCritic`](crate::nn::blocks::UnetCritic). Fine tiles must be multiples of 8 pixels.
    Unet {
        /// Channels at full size.
        width: usize,
    },
}

impl Default for CriticConfig {
    /// Patches of 31 by 31 fine pixels, judged by 0.06 million weights.
    fn default() -> CriticConfig {
        CriticConfig::Patch { strided: vec![32, 64, 64], kept: vec![] }
    }
}

impl AdversarialConfig {
    pub(super) fn check(&self, method: &str) -> MethodResult<()> {
        self.generator.check(method)?;
        let side = self.generator.tile.cells * self.generator.tile.factor;
        let problem = match &self.critic {
            CriticConfig::Patch { strided, kept } if strided.is_empty() || strided.iter().chain(kept).any(|c| *c == 0) => {
                "a patch critic wants a strided convolution and at least 1 channel in each".to_string()
            }
            CriticConfig::Unet { width: 0 } => "a U-Net critic wants a width of at least 1".to_string(),
            CriticConfig::Unet { .. } if !side.is_multiple_of(8) => {
                format!("a U-Net critic wants fine tiles of a multiple of 8 pixels, but they have {side}; change the tile")
            }
            _ => return Ok(()),
        };
        Err(MethodError::Argument(format!("{method}: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::refinement::TileConfig;

    #[test]
    fn critics_that_do_not_fit_are_refused() {
        let message = |config: AdversarialConfig| config.check("esrgan").unwrap_err().to_string();
        let odd = RegressionConfig { tile: TileConfig { cells: 9, ..TileConfig::default() }, ..RegressionConfig::default() };
        let unet = CriticConfig::Unet { width: 4 };
        assert!(message(AdversarialConfig { generator: odd, critic: unet }).contains("45"));
        let none = CriticConfig::Patch { strided: vec![], kept: vec![4] };
        assert!(message(AdversarialConfig { critic: none, ..AdversarialConfig::default() }).contains("strided"));
        AdversarialConfig::default().check("esrgan").unwrap();
        let text = toml::to_string(&AdversarialConfig::default()).unwrap();
        assert_eq!(toml::from_str::<AdversarialConfig>(&text).unwrap(), AdversarialConfig::default());
        assert!(toml::from_str::<AdversarialConfig>("[critic]\nkind = \"unet\"\nwidth = 4\nstrided = [3]").is_err());
    }
}
