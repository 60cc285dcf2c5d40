//! Which network, and on what tiles.

use serde::{Deserialize, Serialize};

use super::edsr::EdsrConfig;
use super::rrdb::RrdbConfig;
use super::srcnn::SrcnnConfig;
use super::swin_light::SwinLightConfig;
use crate::methods::error::{MethodError, MethodResult};
use crate::methods::refinement::TileConfig;

/// A network and its tiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegressionConfig {
    /// Keep the block means: each coarse cell's correction sums to zero.
    pub closed: bool,
    /// How a tile is cut and normalised.
    pub tile: TileConfig,
    /// The network.
    pub architecture: Architecture,
}

impl Default for RegressionConfig {
    fn default() -> RegressionConfig {
        RegressionConfig { tile: TileConfig::default(), closed: true, architecture: Architecture::default() }
    }
}

/// The network's kind and sizes. The default of each trains on a CPU; `paper()` has the published sizes.
///
/// # Example
/// ```
/// use isotherm::methods::regression::{Architecture, RrdbConfig};
/// let text = "kind = \"rrdb\"\nblocks = 1";
/// let architecture: Architecture = toml::from_str(text).unwrap();
/// assert_eq!(architecture, Architecture::Rrdb(RrdbConfig { blocks: 1, ..RrdbConfig::default() }));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Architecture {
    /// Three convolutions on the resampled field.
    Srcnn(SrcnnConfig),
    /// Residual blocks without normalisation.
    Edsr(EdsrConfig),
    /// Residual-in-residual dense blocks.
    Rrdb(RrdbConfig),
    /// Shifted-window attention.
    SwinLight(SwinLightConfig),
}

impl Default for Architecture {
    fn default() -> Architecture {
        Architecture::Edsr(EdsrConfig::default())
    }
}

impl Architecture {
    /// Its `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Architecture::Srcnn(_) => "srcnn",
            Architecture::Edsr(_) => "edsr",
            Architecture::Rrdb(_) => "rrdb",
            Architecture::SwinLight(_) => "swin_light",
        }
    }

    fn check(&self, method: &str) -> MethodResult<()> {
        let named: Vec<(&str, usize)> = match self {
            Architecture::Srcnn(c) => {
                let [first, second, third] = c.kernels;
                vec![
                    ("features", c.features),
                    ("mapped", c.mapped),
                    ("kernels", first % 2),
                    ("kernels", second % 2),
                    ("kernels", third % 2),
                ]
            }
            Architecture::Edsr(c) => vec![("blocks", c.blocks), ("channels", c.channels)],
            Architecture::Rrdb(c) => vec![("blocks", c.blocks), ("channels", c.channels), ("growth", c.growth)],
            Architecture::SwinLight(c) => {
                let whole = usize::from(c.heads > 0 && c.width.is_multiple_of(c.heads));
                vec![
                    ("groups", c.groups),
                    ("depth", c.depth),
                    ("width", c.width),
                    ("heads (whole ones in the width)", whole),
                    ("window (at least 2)", c.window / 2),
                    ("widening", c.widening),
                ]
            }
        };
        if let Some((name, _)) = named.iter().find(|(_, size)| *size == 0) {
            return Err(MethodError::Argument(format!(
                "{method}: {name} does not fit in {self:?}; sizes of at least 1 and odd kernels are wanted"
            )));
        }
        let scale = match self {
            Architecture::Edsr(c) => c.residual_scale,
            Architecture::Rrdb(c) => c.residual_scale,
            _ => 1.0,
        };
        if !scale.is_finite() {
            return Err(MethodError::Argument(format!("{method}: residual_scale must be finite")));
        }
        Ok(())
    }
}

impl RegressionConfig {
    /// The default tiles with this network, closed.
    pub fn of(architecture: Architecture) -> RegressionConfig {
        RegressionConfig { architecture, ..RegressionConfig::default() }
    }

    pub(in crate::methods) fn check(&self, method: &str) -> MethodResult<()> {
        self.tile.check(method)?;
        self.architecture.check(method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let message = |architecture| RegressionConfig::of(architecture).check("x").unwrap_err().to_string();
        let swin = SwinLightConfig { width: 50, heads: 4, ..SwinLightConfig::default() };
        assert!(message(Architecture::SwinLight(swin)).contains("heads"));
        assert!(message(Architecture::Edsr(EdsrConfig { blocks: 0, ..EdsrConfig::default() })).contains("blocks"));
        let even = SrcnnConfig { kernels: [9, 2, 5], ..SrcnnConfig::default() };
        assert!(message(Architecture::Srcnn(even)).contains("kernels"));
        let endless = RrdbConfig { residual_scale: f64::NAN, ..RrdbConfig::default() };
        assert!(message(Architecture::Rrdb(endless)).contains("finite"));
        for architecture in [
            Architecture::Srcnn(SrcnnConfig::paper()),
            Architecture::Edsr(EdsrConfig::paper()),
            Architecture::Rrdb(RrdbConfig::paper()),
            Architecture::SwinLight(SwinLightConfig::paper()),
        ] {
            let config = RegressionConfig::of(architecture);
            config.check("x").unwrap();
            let text = toml::to_string(&config).unwrap();
            assert!(text.contains(config.architecture.kind()), "{text}");
            assert_eq!(toml::from_str::<RegressionConfig>(&text).unwrap(), config);
        }
        assert!(toml::from_str::<RegressionConfig>("[architecture]\nkind = \"edsr\"\ngrowth = 3").is_err());
    }
}
