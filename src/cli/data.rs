//! `isotherm data`: list, show, fetch and verify the data products.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::{Args, Subcommand};

use crate::data::{Access, Cache, FetchOptions, FetchReport, FileStatus, GeoBox, Manifest, bundle, fetch, manifests, verify};

/// Data products: what they are, where they are, how to get and cite them.
#[derive(Debug, Args)]
pub struct DataCommand {
    /// Folder of manifests (default: data-manifests/ here, else those compiled in).
    #[arg(long, global = true)]
    manifests: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// One line for each product.
    List,
    /// Everything about one product, with its citation and terms.
    Show {
        /// Product id, as in the list.
        id: String,
    },
    /// Get products into the cache, verified; what is there already costs nothing.
    Fetch(FetchArguments),
    /// Read every file in the cache and compare it with what was fetched.
    Verify {
        /// Product ids; none: every product in the cache.
        ids: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct FetchArguments {
    /// Product ids.
    #[arg(required_unless_present = "bundle")]
    ids: Vec<String>,
    /// All products of a bundle (registry: real data that needs no account).
    #[arg(long)]
    bundle: Option<String>,
    /// First day, for products of one file per date.
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Last day; without it, the first alone.
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// Cut this box out on the server, degrees.
    #[arg(long = "box", value_name = "WEST,SOUTH,EAST,NORTH", allow_hyphen_values = true)]
    area: Option<GeoBox>,
    /// Value of a placeholder of the address, such as station=46042.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// I have read the product's terms (shown by `data show`) and accept them.
    #[arg(long)]
    accept_terms: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_string(), value.to_string())),
        _ => Err(format!("'{text}' is not NAME=VALUE")),
    }
}

/// Runs the command.
///
/// # Errors
/// Whatever the data floor says, in one sentence; also when `verify` finds a file that is not whole.
pub fn run(command: DataCommand) -> anyhow::Result<()> {
    let all = match &command.manifests {
        Some(folder) => Manifest::load_all(folder)?,
        None if Path::new("data-manifests").is_dir() => Manifest::load_all(Path::new("data-manifests"))?,
        None => manifests()?,
    };
    match command.verb {
        Verb::List => list(&all),
        Verb::Show { id } => show(find(&all, &id)?),
        Verb::Fetch(arguments) => fetch_all(&all, arguments),
        Verb::Verify { ids } => verify_all(&all, &ids),
    }
}

fn find<'a>(all: &'a [Manifest], id: &str) -> anyhow::Result<&'a Manifest> {
    let known = || all.iter().map(|m| m.id.as_str()).collect::<Vec<_>>().join(", ");
    all.iter().find(|m| m.id == id).with_context(|| format!("there is no product '{id}'; there are {}", known()))
}

fn list(all: &[Manifest]) -> anyhow::Result<()> {
    let cache = Cache::open().ok();
    let mut rows = vec![["product", "tier", "size", "needs", "in the cache", "purpose"].map(String::from)];
    for manifest in all {
        let state = match &cache {
            Some(cache) => state(manifest, cache),
            None => "-".to_string(),
        };
        let row = [&manifest.id, manifest.tier.id(), &size(manifest), &needs(manifest), &state, &manifest.purpose];
        rows.push(row.map(|cell| cell.to_string()));
    }
    say(table(&rows).trim_end())?;
    if let Some(cache) = cache {
        say(&format!("\ncache: {}", cache.root().display()))?;
    }
    Ok(())
}

/// Columns padded to their widest cell, a rule below the head.
fn table(rows: &[[String; 6]]) -> String {
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_string() + "\n"
    };
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        text.push_str(&line(row));
        if index == 0 {
            text.push_str(&line(&std::array::from_fn(|column| "-".repeat(widths[column]))));
        }
    }
    text
}

fn size(manifest: &Manifest) -> String {
    let fixed = manifest.wheel().and_then(|(_, _, _, bytes)| bytes);
    match fixed.or_else(|| manifest.files.iter().map(|f| f.bytes).sum::<Option<u64>>().filter(|b| *b > 0)) {
        Some(bytes) => megabytes(bytes),
        None if manifest.wheel().is_some() => "large".into(),
        None if manifest.period.from.is_none() => "one file".into(),
        None => "by period".into(),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn needs(manifest: &Manifest) -> String {
    let mut needs: Vec<&str> = Vec::new();
    if manifest.licence.acceptance.is_some() {
        needs.push("terms");
    }
    match &manifest.access[..] {
        [Access::Manual { .. }, ..] => needs.push("by hand"),
        [Access::PypiWheel { .. }, ..] => needs.push("pip"),
        [first, ..] if !first.auth().is_empty() => needs.push("account"),
        _ => {}
    }
    if matches!(&manifest.access[..], [Access::Opendap { response, .. }] if response.is_empty()) {
        needs.push("nccopy");
    } else if needs.contains(&"account") && manifest.access.iter().any(|a| a.subsets() && a.auth().is_empty()) {
        needs.push("none with --box");
    }
    if needs.is_empty() { "nothing".into() } else { needs.join(", ") }
}

/// By the presence of files only: `verify` reads them.
fn state(manifest: &Manifest, cache: &Cache) -> String {
    let folder = cache.folder(manifest);
    let present = manifest.files.iter().filter(|f| folder.join(&f.member).is_file()).count();
    let dated = || {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        entries.filter(|e| !e.file_name().to_string_lossy().starts_with('.')).count()
    };
    match (manifest.files.len(), present) {
        (0, _) => Some(dated()).filter(|n| *n > 0).map_or("-".into(), |n| format!("{n} files")),
        (_, 0) => "-".into(),
        (all, present) if all == present => "yes".into(),
        (all, present) => format!("{present} of {all}"),
    }
}

fn show(manifest: &Manifest) -> anyhow::Result<()> {
    say(&description(manifest)?)?;
    if let Ok(cache) = Cache::open() {
        say(&format!("In the cache: {} ({})", state(manifest, &cache), cache.folder(manifest).display()))?;
    }
    Ok(())
}

/// The facts in words first, then the whole manifest, so that nothing is left out.
fn description(manifest: &Manifest) -> anyhow::Result<String> {
    let note = |verified: bool| if verified { "" } else { " (from memory, not checked)" };
    let mut text = format!("{} ({}), version {}\n{}\n", manifest.name, manifest.id, manifest.version, manifest.provider);
    text += &format!("For: {}; tier {}\n", manifest.purpose, manifest.tier.id());
    text += &match (&manifest.doi, &manifest.no_doi_because) {
        (Some(doi), _) => format!("DOI: https://doi.org/{doi}{}\n", note(manifest.doi_verified)),
        (None, reason) => format!("DOI: none, {}\n", reason.as_deref().unwrap_or("reason not given")),
    };
    text += &format!("Cite: {}{}\n", manifest.citation, note(manifest.citation_verified));
    if let Some(acknowledgement) = &manifest.acknowledgement {
        text += &format!("Acknowledge: {acknowledgement}\n");
    }
    let url = manifest.licence.url.as_deref().map_or(String::new(), |u| format!(", {u}"));
    text += &format!("Licence: {}{url}{}\n", manifest.licence.name, note(manifest.licence.verified));
    if let Some(terms) = &manifest.licence.acceptance {
        text += &format!("Terms to accept before the first fetch:\n  {}\n", terms.trim().replace('\n', "\n  "));
    }
    for access in &manifest.access {
        let ways: Vec<String> = access.auth().iter().map(|a| a.advice()).collect();
        let needs = if ways.is_empty() { String::new() } else { format!(": needs {}", ways.join(", or ")) };
        text += &format!("By {}{needs}\n", access.protocol());
    }
    text += &format!("\nThe whole manifest:\n{}\n", toml::to_string_pretty(manifest).context("the manifest cannot be shown")?);
    Ok(text)
}

fn fetch_all(all: &[Manifest], arguments: FetchArguments) -> anyhow::Result<()> {
    let cache = Cache::open()?;
    let mut wanted: Vec<&Manifest> = Vec::new();
    if let Some(name) = &arguments.bundle {
        wanted.extend(bundle(all, name)?);
    }
    for id in &arguments.ids {
        wanted.push(find(all, id)?);
    }
    let options = FetchOptions {
        from: arguments.from,
        to: arguments.to,
        area: arguments.area,
        parameters: arguments.parameters.into_iter().collect::<BTreeMap<_, _>>(),
        accept_terms: arguments.accept_terms,
        progress: true,
        ..FetchOptions::default()
    };
    // one product that cannot be had does not keep the others away
    let mut failures = Vec::new();
    for manifest in wanted {
        if let Some(terms) = &manifest.licence.acceptance {
            say(&format!("{}: terms\n  {}", manifest.id, terms.trim().replace('\n', "\n  ")))?;
        }
        match fetch(manifest, &cache, &options) {
            Ok(report) => say(&summary(&report))?,
            Err(error) => failures.push(error),
        }
    }
    match failures.len() {
        0 => Ok(()),
        1 => Err(failures.remove(0).into()),
        n => {
            bail!("{n} products could not be fetched: {}", failures.iter().map(|e| e.to_string()).collect::<Vec<_>>().join("; "))
        }
    }
}

fn summary(report: &FetchReport) -> String {
    let present = report.present.len();
    match report.fetched.len() {
        0 => format!("{}: there already, {}", report.product, count(present)),
        n => format!("{}: {} fetched ({}), there already: {}", report.product, count(n), megabytes(report.bytes), count(present)),
    }
}

fn count(files: usize) -> String {
    format!("{files} file{}", if files == 1 { "" } else { "s" })
}

/// Prints; a reader that has gone away (`| head`) is no fault.
fn say(text: &str) -> std::io::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e),
        _ => Ok(()),
    }
}

fn verify_all(all: &[Manifest], ids: &[String]) -> anyhow::Result<()> {
    let cache = Cache::open()?;
    let wanted: Vec<&Manifest> = match ids {
        [] => all.iter().filter(|m| state(m, &cache) != "-").collect(),
        ids => ids.iter().map(|id| find(all, id)).collect::<anyhow::Result<_>>()?,
    };
    if wanted.is_empty() {
        say(&format!("the cache {} is empty", cache.root().display()))?;
        return Ok(());
    }
    let mut bad = 0;
    for manifest in wanted {
        let states = verify(manifest, &cache)?;
        if states.is_empty() {
            say(&format!("{}: nothing in the cache", manifest.id))?;
        }
        for file in states {
            let word = match &file.status {
                FileStatus::Whole => "whole".to_string(),
                FileStatus::Missing => "MISSING".to_string(),
                FileStatus::Damaged { found, wanted } => format!("DAMAGED (sha256 {found}, wanted {wanted})"),
            };
            bad += usize::from(file.status != FileStatus::Whole);
            say(&format!("{}: {}: {word}", manifest.id, file.member))?;
        }
    }
    if bad > 0 {
        bail!("{bad} files are missing or damaged; fetch their products again: isotherm data fetch ID");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        data: DataCommand,
    }

    fn parse(words: &str) -> Result<DataCommand, clap::Error> {
        use clap::Parser;
        Program::try_parse_from(words.split(' ')).map(|p| p.data)
    }

    #[test]
    fn the_words_of_the_command_line() {
        let command = parse("data fetch oisst-v2.1 --from 2019-01-01 --box -20,0,70,45 --set station=1 --accept-terms").unwrap();
        let Verb::Fetch(fetch) = command.verb else { panic!("fetch was asked for") };
        assert_eq!(fetch.area.unwrap().west, -20.0);
        assert_eq!(fetch.from, NaiveDate::from_ymd_opt(2019, 1, 1));
        assert_eq!(fetch.parameters, [("station".to_string(), "1".to_string())]);
        assert!(parse("data fetch --bundle registry").is_ok() && parse("data verify").is_ok() && parse("data list").is_ok());
        for wrong in
            ["data fetch", "data fetch x --from 2019-13-01", "data fetch x --box 1,2,3", "data fetch x --set y", "data show"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_product_is_described_with_its_citation() {
        for manifest in manifests().unwrap() {
            let text = description(&manifest).unwrap();
            assert!(text.contains(&manifest.citation) && text.contains("DOI: ") && text.contains("Licence: "), "{text}");
            // what is printed as the whole manifest is the whole manifest
            let toml = text.split_once("The whole manifest:\n").unwrap().1;
            assert_eq!(Manifest::parse(toml, "shown").unwrap(), manifest);
        }
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "b", "c", "d", "e", "f"].map(String::from), ["wide", "", "é", "", "", "x"].map(String::from)];
        let text = table(&rows);
        let ends: Vec<usize> = text.lines().map(|l| l.chars().count()).collect();
        // 4 + 5 * 1 characters and five gaps of two
        assert_eq!(ends, [19, 19, 19]);
    }
}
