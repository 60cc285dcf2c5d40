//! The variants of UADM's ablation: what each does without, or sets otherwise.

use serde::Deserialize;
use toml::{Table, Value};

use crate::methods::uadm::{UadmConfig, UadmFitOptions};

/// The variants and how they are trained and scored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AblationConfiguration {
    /// Refinement factor.
    pub factor: usize,
    /// Every how many days a test day is taken.
    pub day_stride: usize,
    /// Members of an ensemble, in pairs of opposite noise.
    pub members: usize,
    /// Edge of a spatial bootstrap block in fine cells.
    pub block_cells: usize,
    /// Length of a bootstrap block in days.
    pub block_days: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Seed of ensembles and bootstrap.
    pub seed: u64,
    /// The method that all variants start from.
    pub network: Table,
    /// The training that all share.
    pub fit: UadmFitOptions,
    /// The first is the method itself.
    pub variant: Vec<Variant>,
}

/// One variant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name in the table.
    pub name: String,
    /// What differs from `network`.
    #[serde(default)]
    pub change: Table,
    /// What of `network` it does without.
    #[serde(default)]
    pub without: Vec<String>,
}

impl Variant {
    /// Its settings, from those of the method.
    ///
    /// # Errors
    /// One sentence: what is no setting of the method.
    pub fn settings(&self, network: &Table) -> Result<UadmConfig, String> {
        let mut table = changed(network, &self.change);
        for key in &self.without {
            if table.remove(key).is_none() {
                return Err(format!("the variant '{}' leaves out '{key}', which the network does not have", self.name));
            }
        }
        let settings = Value::Table(table).try_into();
        settings.map_err(|e: toml::de::Error| format!("the variant '{}' is no setting of UADM: {}", self.name, e.message()))
    }
}

/// `base` with the values of `change` in place of its own, table by table.
fn changed(base: &Table, change: &Table) -> Table {
    let mut all = base.clone();
    for (key, value) in change {
        let merged = match (all.get(key), value) {
            // A choice among kinds is replaced as a whole.
            (Some(Value::Table(old)), Value::Table(new)) if !new.contains_key("kind") => Value::Table(changed(old, new)),
            _ => value.clone(),
        };
        all.insert(key.clone(), merged);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_the_rest_as_it_is() {
        let table = |text: &str| text.parse::<Table>().unwrap();
        let base = table("a = 1\n[b]\nc = 2\nd = 3\ne = { kind = \"x\", f = 4 }");
        let want = table("a = 1\n[b]\nc = 5\nd = 3\ne = { kind = \"y\" }");
        assert_eq!(changed(&base, &table("b.c = 5\nb.e = { kind = \"y\" }")), want);
        assert_eq!(changed(&base, &Table::new()), base);
    }

    #[test]
    fn the_variants_are_settings_of_the_method() {
        let text = include_str!("../../../configs/uadm/ablation.toml");
        let configuration: AblationConfiguration = toml::from_str(text).unwrap();
        assert_eq!(configuration.variant[0].name, "uadm");
        let mut seen: Vec<UadmConfig> = Vec::new();
        for variant in &configuration.variant {
            let config = variant.settings(&configuration.network).unwrap();
            assert!(!seen.contains(&config), "{} is another variant again", variant.name);
            seen.push(config);
        }
        assert!(seen.len() >= 6);
        // The first is the method that the project ships, but for when its critic starts, which follows the iterations.
        #[derive(Deserialize)]
        struct Shipped {
            network: UadmConfig,
        }
        let mut shipped = toml::from_str::<Shipped>(include_str!("../../../configs/uadm/uadm.toml")).unwrap().network;
        let start = shipped.adversarial.as_mut().map(|a| &mut a.start).unwrap();
        *start = configuration.fit.training.iterations / 2;
        assert_eq!(seen[0], shipped);
    }

    #[test]
    fn a_variant_without_what_is_not_there_is_refused() {
        let variant = Variant { name: "x".into(), change: Table::new(), without: vec!["critic".into()] };
        assert!(variant.settings(&Table::new()).unwrap_err().contains("leaves out 'critic'"));
        let change = "tile = 1".parse().unwrap();
        let wrong = Variant { name: "y".into(), change, without: Vec::new() };
        assert!(wrong.settings(&Table::new()).unwrap_err().contains("no setting of UADM"));
    }
}
