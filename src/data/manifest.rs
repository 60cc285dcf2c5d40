//! What a data product is, where it lies, how to get it and how to cite it: one TOML file each, in `data-manifests/`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::error::{DataError, DataResult};
use super::facts::{GridFacts, Licence, ManifestFile, Period, Variable, yes};
use super::tier::Tier;

/// One product. Unknown keys are errors, so that a misspelt one is not silently ignored.
///
/// `verified = false` beside a fact says that it was written from memory and not checked at its source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Short name used on the command line and in the cache: small letters, digits, `.` and `-`.
    pub id: String,
    /// Official name.
    pub name: String,
    /// Version, as its maker writes it.
    pub version: String,
    /// Who makes it.
    pub provider: String,
    /// What the project uses it for, in one line.
    pub purpose: String,
    /// `real` or `proxy`; `twin` is no product and is refused.
    pub tier: Tier,
    /// The bundle that contains it (`registry`), where there is one.
    pub bundle: Option<String>,
    /// Digital object identifier, without `https://doi.org/`.
    pub doi: Option<String>,
    /// Was the identifier checked?
    #[serde(default = "yes")]
    pub doi_verified: bool,
    /// Why there is no identifier.
    pub no_doi_because: Option<String>,
    /// Licence and terms.
    pub licence: Licence,
    /// How to cite it.
    pub citation: String,
    /// Was the citation checked?
    #[serde(default = "yes")]
    pub citation_verified: bool,
    /// The acknowledgement its maker asks for.
    pub acknowledgement: Option<String>,
    /// Horizontal grid, absent for point observations.
    pub grid: Option<GridFacts>,
    /// Period covered.
    pub period: Period,
    /// Variables used by the project.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// Ways to get it, the best first.
    pub access: Vec<Access>,
    /// Files whose names are fixed (a wheel's members, a static file).
    #[serde(default)]
    pub files: Vec<ManifestFile>,
}

impl Manifest {
    /// Reads one manifest; `origin` names it in errors.
    ///
    /// # Errors
    /// [`DataError::Content`] where the text is not TOML, has an unknown key, lacks one, or breaks a rule of
    /// the schema (see `data-manifests/README.md`).
    pub fn parse(text: &str, origin: &str) -> DataResult<Manifest> {
        let content = |problem: String| DataError::Content { what: origin.to_string(), problem };
        let manifest: Manifest = toml::from_str(text).map_err(|e| content(e.to_string().trim().replace('\n', " ")))?;
        manifest.check().map_err(content)?;
        Ok(manifest)
    }

    /// All manifests (`*.toml`) of a folder, by id.
    ///
    /// # Errors
    /// [`DataError::File`] where the folder cannot be read, [`DataError::Content`] for a bad manifest, two of
    /// the same id, or none at all.
    pub fn load_all(folder: &Path) -> DataResult<Vec<Manifest>> {
        let file_error = |path: &Path, source| DataError::File { path: path.to_path_buf(), source };
        let mut all = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| file_error(folder, e))? {
            let path = entry.map_err(|e| file_error(folder, e))?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                let text = std::fs::read_to_string(&path).map_err(|e| file_error(&path, e))?;
                all.push(Manifest::parse(&text, &path.display().to_string())?);
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let problem = match all.windows(2).find(|w| w[0].id == w[1].id) {
            Some(twice) => Some(format!("two manifests have the id '{}'; ids must differ", twice[0].id)),
            None if all.is_empty() => Some("holds no manifest (*.toml)".to_string()),
            None => None,
        };
        match problem {
            Some(problem) => Err(DataError::Content { what: folder.display().to_string(), problem }),
            None => Ok(all),
        }
    }

    /// The wheel that holds the product, where it is one: package, version, SHA-256, bytes.
    pub fn wheel(&self) -> Option<(&str, &str, &str, Option<u64>)> {
        self.access.iter().find_map(|a| match a {
            Access::PypiWheel { package, version, sha256, bytes } => {
                Some((package.as_str(), version.as_str(), sha256.as_str(), *bytes))
            }
            _ => None,
        })
    }

    /// The rules that the types cannot say.
    fn check(&self) -> Result<(), String> {
        let plain = |text: &str| {
            !text.is_empty()
                && !text.starts_with('.')
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c))
        };
        if !plain(&self.id) {
            return Err(format!("the id '{}' may have only small letters, digits, '.' and '-'", self.id));
        }
        if self.version.is_empty() || self.version.starts_with('.') || self.version.contains(['/', '\\']) {
            return Err(format!("the version '{}' must be usable as the name of a folder", self.version));
        }
        if self.tier == Tier::Twin {
            return Err("the tier 'twin' is kept for the synthetic ocean, which has no manifest; give 'real' or 'proxy'".into());
        }
        match (&self.doi, &self.no_doi_because) {
            (Some(doi), None) if doi.starts_with("10.") => {}
            (Some(doi), None) => return Err(format!("the doi '{doi}' must start with 10.")),
            (None, Some(reason)) if !reason.is_empty() => {}
            _ => return Err("give either doi or no_doi_because".into()),
        }
        if self.citation.is_empty() || self.licence.name.is_empty() {
            return Err("say how to cite it and under which licence it is".into());
        }
        if self.access.is_empty() {
            return Err("give at least one [[access]]".into());
        }
        for file in &self.files {
            if !is_inside(&file.member) {
                return Err(format!("the member '{}' must be a relative path without '..'", file.member));
            }
            if file.sha256.as_deref().is_some_and(|s| !is_sha256(s)) {
                return Err(format!("the sha256 of '{}' must be 64 small hexadecimal digits", file.member));
            }
        }
        for access in &self.access {
            match access {
                Access::PypiWheel { sha256, .. } if !is_sha256(sha256) => {
                    return Err("the sha256 of the wheel must be 64 small hexadecimal digits".into());
                }
                Access::PypiWheel { .. } if self.files.is_empty() => return Err("a wheel needs its [[files]]".into()),
                Access::Opendap { .. } if self.grid.is_none() => {
                    return Err("opendap cuts by index and so needs [grid]".into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Is this a relative path that stays in its folder, and not one of the cache's own hidden files?
pub(super) fn is_inside(member: &str) -> bool {
    !member.is_empty() && !member.contains('\\') && member.split('/').all(|p| !p.is_empty() && !p.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    const SMALL: &str = r#"
        id = "small"
        name = "A small product"
        version = "1.0"
        provider = "Nobody"
        purpose = "test"
        tier = "real"
        no_doi_because = "a test"
        citation = "none"
        licence = { name = "CC0-1.0" }
        period = { resolution = "daily", from = "2001-02-03" }
        [[access]]
        protocol = "https"
        url = "https://example.org/{YYYY}.nc"
        step = "year"
    "#;

    #[test]
    fn a_small_manifest_parses_and_keeps_its_day() {
        let manifest = Manifest::parse(SMALL, "small.toml").unwrap();
        assert_eq!(manifest.period.from, NaiveDate::from_ymd_opt(2001, 2, 3));
        assert!(manifest.licence.verified && manifest.access[0].auth().is_empty());
    }

    #[test]
    fn every_broken_manifest_is_refused_with_its_reason() {
        for (from, to, wanted) in [
            ("id = ", "idd = \"x\"\nid = ", "idd"),
            ("step = \"year\"", "step = \"year\"\nspeed = 3", "speed"),
            ("name = \"CC0-1.0\"", "name = \"CC0-1.0\", colour = 1", "colour"),
            ("id = \"small\"", "id = \"../small\"", "small letters"),
            ("no_doi_because = \"a test\"", "", "doi"),
            ("no_doi_because = \"a test\"", "doi = \"doi:10.1/2\"", "must start with 10."),
            ("citation = \"none\"", "citation = \"\"", "cite"),
            ("2001-02-03", "2001-02-30", "2001-02-30"),
            ("tier = \"real\"", "tier = \"twin\"", "'real' or 'proxy'"),
            ("step = \"year\"", "step = \"year\"\n[[files]]\nmember = \"../etc/passwd\"", "relative path"),
            ("step = \"year\"", "step = \"year\"\n[[files]]\nmember = \"a.nc\"\nsha256 = \"12\"", "64"),
        ] {
            let text = SMALL.replacen(from, to, 1);
            assert_ne!(text, SMALL, "the test must change something");
            let message = Manifest::parse(&text, "small.toml").unwrap_err().to_string();
            assert!(message.contains(wanted) && message.contains("small.toml"), "{message}");
        }
    }

    #[test]
    fn two_manifests_of_one_id_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Manifest::load_all(folder.path()).unwrap_err().to_string().contains("no manifest"));
        std::fs::write(folder.path().join("a.toml"), SMALL).unwrap();
        assert_eq!(Manifest::load_all(folder.path()).unwrap().len(), 1);
        std::fs::write(folder.path().join("b.toml"), SMALL).unwrap();
        assert!(Manifest::load_all(folder.path()).unwrap_err().to_string().contains("'small'"));
    }
}
