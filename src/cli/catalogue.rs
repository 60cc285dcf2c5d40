//! What `isotherm data list` and `data show` print: the products in words.

use std::io::Write;

use anyhow::Context;

use crate::data::{Access, Cache, Manifest};

/// One line for each product.
pub(super) fn list(all: &[Manifest]) -> anyhow::Result<()> {
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

/// A size for people.
pub(super) fn megabytes(bytes: u64) -> String {
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
pub(super) fn state(manifest: &Manifest, cache: &Cache) -> String {
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

/// Everything about one product.
pub(super) fn show(manifest: &Manifest) -> anyhow::Result<()> {
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

/// Prints; a reader that has gone away (`| head`) is no fault.
pub(super) fn say(text: &str) -> std::io::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::manifests;

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
