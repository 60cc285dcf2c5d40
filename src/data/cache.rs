//! Where fetched files lie: `$ISOTHERM_DATA`, else `.isotherm/data` of the project; in it `ID/VERSION/MEMBER`.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::error::{DataError, DataResult};
use super::manifest::Manifest;
use super::part::file_error;
use super::registry::find_manifest;

/// The folder of fetched files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

/// While it lives, no other process fetches the same product.
pub(super) struct CacheLock {
    _file: File,
}

impl Cache {
    /// `$ISOTHERM_DATA`, else `.isotherm/data` in the nearest folder upward that holds `data-manifests/` or
    /// Isotherm's `Cargo.toml`.
    ///
    /// # Errors
    /// [`DataError::Content`] where there is neither.
    pub fn open() -> DataResult<Cache> {
        if let Some(elsewhere) = std::env::var_os("ISOTHERM_DATA").filter(|r| !r.is_empty()) {
            return Ok(Cache::at(elsewhere));
        }
        let here = std::env::current_dir().map_err(|source| DataError::File { path: ".".into(), source })?;
        match here.ancestors().find(|folder| is_project(folder)) {
            Some(project) => Ok(Cache::of_project(project)),
            None => Err(DataError::Content {
                what: here.display().to_string(),
                problem: "is not inside the Isotherm project; go there, or set ISOTHERM_DATA to a folder for the data".into(),
            }),
        }
    }

    /// The cache of the project at `root`: `$ISOTHERM_DATA`, else `.isotherm/data` in it.
    pub fn of_project(root: &Path) -> Cache {
        match std::env::var_os("ISOTHERM_DATA").filter(|r| !r.is_empty()) {
            Some(elsewhere) => Cache::at(elsewhere),
            None => Cache::at(root.join(".isotherm/data")),
        }
    }

    /// The cache in a folder, which need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Cache {
        Cache { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a product.
    pub fn folder(&self, manifest: &Manifest) -> PathBuf {
        self.root.join(&manifest.id).join(&manifest.version)
    }

    /// A fetched file of one of the project's own products, by its member path or by its bare file name.
    ///
    /// # Errors
    /// [`DataError::Content`] for an unknown product or member, or one that is not in the cache: it says
    /// which command fetches it.
    pub fn path(&self, product_id: &str, member: &str) -> DataResult<PathBuf> {
        self.member(&find_manifest(product_id)?, member)
    }

    /// [`Cache::path`] for a given manifest.
    ///
    /// # Errors
    /// As there.
    pub fn member(&self, manifest: &Manifest, member: &str) -> DataResult<PathBuf> {
        let content = |problem: String| DataError::Content { what: format!("{}: {member}", manifest.id), problem };
        if !super::manifest::is_inside(member) {
            return Err(content("is no path inside the product's folder".into()));
        }
        let by_name = |m: &&str| *m == member || m.rsplit('/').next() == Some(member);
        let mut listed = manifest.files.iter().map(|f| f.member.as_str()).filter(by_name);
        let full = listed.next();
        if listed.next().is_some() {
            return Err(content("names more than one file of the product; give the whole member path".into()));
        }
        if full.is_none() && manifest.wheel().is_some() {
            let known: Vec<&str> = manifest.files.iter().map(|f| f.member.as_str()).collect();
            return Err(content(format!("is no member of the product; it has {}", known.join(", "))));
        }
        let path = self.folder(manifest).join(full.unwrap_or(member));
        if path.is_file() {
            return Ok(path);
        }
        Err(content(format!("is not in the cache ({}); get it with: isotherm data fetch {}", self.root.display(), manifest.id)))
    }

    /// Waits until no other process fetches this product.
    pub(super) fn lock(&self, manifest: &Manifest) -> DataResult<CacheLock> {
        let folder = self.folder(manifest);
        fs::create_dir_all(&folder).map_err(|e| file_error(&folder, e))?;
        let path = folder.join(".lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(|e| file_error(&path, e))?;
        if file.try_lock().is_err() {
            println!("{}: another process is fetching it; waiting", manifest.id);
            file.lock().map_err(|e| file_error(&path, e))?;
        }
        Ok(CacheLock { _file: file })
    }
}

fn is_project(folder: &Path) -> bool {
    let named = |text: String| text.lines().any(|l| l.replace(' ', "") == "name=\"isotherm\"");
    folder.join("data-manifests").is_dir() || fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_names_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let message = cache.path("pvlib", "Altitude.h5").unwrap_err().to_string();
        assert!(message.contains("isotherm data fetch pvlib"), "{message}");
        assert!(cache.path("pvlib", "nothing.h5").unwrap_err().to_string().contains("pvlib/data/Altitude.h5"));
        assert!(cache.path("pvlib", "../x").is_err());
        assert!(cache.path("no-such", "x").unwrap_err().to_string().contains("pvlib"));
        let path = cache.folder(&find_manifest("pvlib").unwrap()).join("pvlib/data/Altitude.h5");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"x").unwrap();
        assert_eq!(cache.path("pvlib", "Altitude.h5").unwrap(), path);
        assert_eq!(cache.path("pvlib", "pvlib/data/Altitude.h5").unwrap(), path);
    }

    #[test]
    fn the_project_is_known_by_its_manifests_or_its_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_project(folder.path()));
        fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"isotherm\"\n").unwrap();
        assert!(is_project(folder.path()));
    }
}
