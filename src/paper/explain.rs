//! `plan`, `why` and `verify`: what would run, where a figure comes from, whether what is published still holds.

use std::fmt::Write as _;
use std::path::Path;

use super::code;
use super::error::{PaperError, PaperResult};
use super::notebook;
use super::step::Step;
use super::study::{State, Study};
use crate::base::hash::sha256_file;
use crate::figure::Passport;

/// Characters of a hash that are shown.
const SHORT: usize = 12;

/// What would run, and why, one line a step and one a notebook.
///
/// # Errors
/// As [`Study::state`].
pub fn plan(study: &Study) -> PaperResult<String> {
    let mut text = String::new();
    for step in study.steps() {
        let line = match study.state(step)? {
            State::Fresh => "fresh".to_string(),
            State::ToRun(why) => format!("to run: {}", why.join("; ")),
        };
        let _ = writeln!(text, "{:<18} {line}", step.name);
    }
    for book in notebook::all(study)? {
        let line = match book.state(study)? {
            State::Fresh => "fresh".to_string(),
            State::ToRun(why) => format!("to run: {}", why.join("; ")),
        };
        let _ = writeln!(text, "{:<18} {line}", book.name());
    }
    Ok(text)
}

/// The chain behind a published file: step, key, configuration, code, data with their citations, down to the sources.
///
/// # Errors
/// [`PaperError::Unknown`] for a file that no step publishes.
pub fn why(study: &Study, file: &str) -> PaperResult<String> {
    let step = study.publisher(file)?;
    let mut text = String::new();
    for (_, published) in step.publishes {
        let _ = writeln!(text, "{published}");
    }
    chain(study, step, 1, &mut text)?;
    let mut products = Vec::new();
    collect_products(study, step, &mut products)?;
    if !products.is_empty() {
        let _ = writeln!(text, "\nData, to be cited:");
        for product in products {
            let manifest = study.manifest(product).map_err(PaperError::step(step.name))?;
            let _ = writeln!(text, "  {}: {}", manifest.id, manifest.citation.trim());
        }
    }
    let _ = writeln!(text, "\nLockfile {}; crates that compute:", &code::LOCKFILE_SHA256[..SHORT]);
    let _ = writeln!(text, "  {}", code::NUMERICAL_CRATES.trim().replace('\n', ", "));
    Ok(text)
}

fn chain(study: &Study, step: &Step, depth: usize, text: &mut String) -> PaperResult<()> {
    let indent = "  ".repeat(depth);
    let state = match study.state(step)? {
        State::Fresh => "fresh".to_string(),
        State::ToRun(why) => format!("STALE: {}", why.join("; ")),
    };
    let _ = writeln!(text, "{indent}step {} ({}), key {}, {state}", step.name, step.about, &step.key(study)?[..SHORT]);
    for (name, sum) in step.components(study)? {
        if name.starts_with("config") || name.starts_with("code") || name.starts_with("data") {
            let _ = writeln!(text, "{indent}  {name}  {}", &sum[..SHORT]);
        }
    }
    for need in step.needs {
        chain(study, study.step(need)?, depth + 1, text)?;
    }
    Ok(())
}

fn collect_products(study: &Study, step: &Step, products: &mut Vec<&'static str>) -> PaperResult<()> {
    for file in step.data {
        if !products.contains(&file.product) {
            products.push(file.product);
        }
    }
    for need in step.needs {
        collect_products(study, study.step(need)?, products)?;
    }
    Ok(())
}

/// Checks every published file that exists: made by the step as it is now, and not altered since.
/// Gives one line a file; a file that was not yet made is named, and is no failure.
///
/// # Errors
/// [`PaperError::Stale`] listing each file that is stale, altered or without passport.
pub fn verify(study: &Study) -> PaperResult<String> {
    let (mut good, mut bad) = (String::new(), Vec::new());
    for step in study.steps() {
        let key = step.key(study)?;
        let passports: Vec<&str> = step.publishes.iter().map(|(_, p)| *p).filter(|p| p.ends_with(".json")).collect();
        for (_, published) in step.publishes {
            let path = study.root().join(published);
            if !path.exists() {
                let _ = writeln!(good, "not made yet  {published}");
                continue;
            }
            match judge(study.root(), &path, &passports, &key) {
                Ok(()) => {
                    let _ = writeln!(good, "holds         {published}");
                }
                Err(problem) => bad.push(format!("{published}: {problem}")),
            }
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(PaperError::Stale(format!("{good}{}", bad.join("\n")))) }
}

fn judge(root: &Path, path: &Path, passports: &[&str], key: &str) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut seen = false;
    for passport in passports {
        let passport =
            Passport::read(&root.join(passport)).map_err(|e| format!("its passport {passport} cannot be read: {e}"))?;
        let is_passport = name == format!("{}.json", passport.name);
        if !is_passport && !passport.files.contains_key(&name) {
            continue;
        }
        seen = true;
        if passport.key != key {
            return Err("stale: its passport is of other inputs than the present ones; run `just reproduce`".into());
        }
        if is_passport {
            continue;
        }
        let sum = sha256_file(path).map_err(|e| e.to_string())?;
        if passport.files.get(&name) != Some(&sum) {
            return Err("altered: its content is not the one its passport states; run `just reproduce`".into());
        }
    }
    if seen { Ok(()) } else { Err("no passport speaks of it".into()) }
}
