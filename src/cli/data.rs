//! `isotherm data`: list, show, fetch and verify the data products.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::catalogue::{list, megabytes, say, show, state};
use crate::data::{Cache, FetchOptions, FetchReport, FileStatus, GeoBox, Manifest, bundle, fetch, manifests, verify};

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
}
