//! [`Protocol`]: the rules under which a score was made, and their hash.

use serde::{Deserialize, Serialize};

use super::score::Weighting;
use crate::base::hash::sha256_parts;

/// Characters of the hash that a score carries.
const HASH_LENGTH: usize = 16;

/// Everything that must agree before two numbers may be put side by side. What was scored (the prediction) and what came
/// out are no part of it.
///
/// # Example
/// ```
/// use isotherm::score::{Protocol, Weighting};
/// let protocol = Protocol {
///     metric: "rmse".into(), weighting: Weighting::Area, mask: "none".into(), region: "all".into(), stratum: "all".into(),
///     period: "2020-01-01 to 2020-01-31, 31 instants".into(), matching: "by date".into(), unit: "°C".into(),
///     resampling: "days, 1000 resamples, seed 1".into(),
/// };
/// let other = Protocol { weighting: Weighting::Equal, ..protocol.clone() };
/// assert_eq!(protocol.hash(), protocol.clone().hash());
/// assert_ne!(protocol.hash(), other.hash());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// The metric, with the reference where it is a skill.
    pub metric: String,
    /// How pairs are weighted.
    pub weighting: Weighting,
    /// Which cells are left out, besides those without a value.
    pub mask: String,
    /// Which part of the globe.
    pub region: String,
    /// Which part of the pairs (`all`, a season, a band).
    pub stratum: String,
    /// The instants that count.
    pub period: String,
    /// How grids and instants were brought together.
    pub matching: String,
    /// The unit in which truth and prediction were compared.
    pub unit: String,
    /// How the interval was drawn.
    pub resampling: String,
}

impl Protocol {
    /// The rules by name, in a fixed order.
    pub fn rules(&self) -> [(&'static str, &str); 9] {
        [
            ("metric", &self.metric),
            ("weighting", self.weighting.name()),
            ("mask", &self.mask),
            ("region", &self.region),
            ("stratum", &self.stratum),
            ("period", &self.period),
            ("matching", &self.matching),
            ("unit", &self.unit),
            ("resampling", &self.resampling),
        ]
    }

    /// Sixteen hexadecimal digits of the SHA-256 of the rules: equal where every rule is.
    pub fn hash(&self) -> String {
        let mut hash = sha256_parts(self.rules().map(|(name, value)| (name, value.as_bytes())));
        hash.truncate(HASH_LENGTH);
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol() -> Protocol {
        let text = |t: &str| t.to_string();
        Protocol {
            metric: text("rmse"),
            weighting: Weighting::Area,
            mask: text("m"),
            region: text("r"),
            stratum: text("s"),
            period: text("p"),
            matching: text("k"),
            unit: text("u"),
            resampling: text("b"),
        }
    }

    #[test]
    fn every_rule_counts() {
        let first = protocol().hash();
        assert!(first.len() == 16 && first.bytes().all(|b| b.is_ascii_hexdigit()));
        let text = |t: &str| t.to_string();
        let others = [
            Protocol { metric: text("bias"), ..protocol() },
            Protocol { weighting: Weighting::Equal, ..protocol() },
            Protocol { mask: text("x"), ..protocol() },
            Protocol { region: text("x"), ..protocol() },
            Protocol { stratum: text("x"), ..protocol() },
            Protocol { period: text("x"), ..protocol() },
            Protocol { matching: text("x"), ..protocol() },
            Protocol { unit: text("x"), ..protocol() },
            Protocol { resampling: text("x"), ..protocol() },
            // the same letters, divided otherwise
            Protocol { mask: text("mr"), region: text(""), ..protocol() },
        ];
        let mut hashes: Vec<String> = others.iter().map(Protocol::hash).collect();
        hashes.push(first);
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 11);
    }
}
