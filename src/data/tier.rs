//! [`Tier`]: what kind of data stands behind a number.

use serde::{Deserialize, Serialize};

/// What kind of data stands behind a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The synthetic ocean, with known truth.
    Twin,
    /// Observations and analyses of the real ocean.
    Real,
    /// Real data of another kind or place, or a simulation, standing in for the product that the paper used.
    Proxy,
}

impl Tier {
    /// The word in manifests and tables (`twin`, `real`, `proxy`).
    pub fn id(self) -> &'static str {
        match self {
            Tier::Twin => "twin",
            Tier::Real => "real",
            Tier::Proxy => "proxy",
        }
    }

    /// The words printed on a figure.
    pub fn label(self) -> &'static str {
        match self {
            Tier::Twin => "TWIN: synthetic, not observations",
            Tier::Real => "real data",
            Tier::Proxy => "PROXY: real data standing in for the product",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_word_in_files() {
        for tier in [Tier::Twin, Tier::Real, Tier::Proxy] {
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.id());
        }
    }
}
