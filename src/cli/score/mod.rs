//! `isotherm score`: a prediction against the truth, from files of any length.

mod arguments;
mod derived;
mod grids;
mod instants;
mod map;
mod measure;
mod report;
mod slabs;
mod sources;
mod strata;
mod tally;

use std::fmt::Write as _;

use anyhow::{Context, bail};

pub use arguments::ScoreCommand;

use super::catalogue::say;
use crate::base::files::write_atomic;
use crate::score::{DEFAULT_COVERAGE, Protocol, Score, ScoreError};
use arguments::{Output, Plan};
use derived::{Derived, Maker};
use map::MapSums;
use measure::Measure;
use report::{Report, Row};
use slabs::{Census, Steps, walk};
use sources::{Files, Sources};
use strata::Strata;
use tally::{Blocking, Sums, Tally};

/// Carries the command out.
///
/// # Errors
/// One sentence: what is wrong with the files, the options or the output.
pub fn run(command: ScoreCommand) -> anyhow::Result<()> {
    let plan = command.plan()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(plan.threads).build().context("the threads cannot be started")?;
    pool.install(|| score(&command, &plan))
}

fn score(command: &ScoreCommand, plan: &Plan) -> anyhow::Result<()> {
    let files = Files::open(command, plan)?;
    let mut sources = Sources::of(&files, plan)?;
    // A measure without a unit is refused before anything is read.
    plan.measures.iter().try_for_each(|m| m.unit(sources.unit()).map(drop))?;
    let map = matches!(plan.output, Output::Map(_));
    let mut derived: Vec<Derived> = plan.measures.iter().filter_map(|m| m.derived()).collect();
    derived.dedup();
    let whole_frames = plan.by.needs_whole_frames() || derived.iter().any(|d| d.needs_whole_frames());
    let steps = Steps::of(&sources, plan.memory_bytes, whole_frames, !derived.is_empty())?;
    let title = format!(
        "{} of {} against {} of {}",
        sources.prediction.reader.name(),
        sources.prediction.path.display(),
        sources.truth.reader.name(),
        sources.truth.path.display()
    );
    let blocking = Blocking::of(&sources, plan.block_days, plan.block_cells);
    let rules = rules(&sources, plan, &blocking, map)?;
    if let Output::Map(path) = &plan.output {
        let (sums, census) = MapSums::of(&sources, steps, &plan.measures)?;
        enough(&census, &sources)?;
        let measures: Vec<(Measure, Protocol)> = plan.measures.iter().map(|m| (*m, rules.of(*m, "all"))).collect();
        sources.notes.iter().for_each(|note| eprintln!("note: {note}"));
        return Ok(say(&sums.write(path, &sources, &measures, &title)?)?);
    }
    let (strata, notes) = Strata::of(plan.by, &sources, steps)?;
    sources.notes.extend(notes);
    let series = matches!(plan.output, Output::Series(_));
    let mut plain = Tally::new(&sources, &strata, plan.weighting, series);
    let census = walk(&sources, steps, "score", |slab| plain.add(slab, slab.lists(), &sources, &strata, &blocking))?;
    enough(&census, &sources)?;
    let mut tallies = Tallies { plain, derived: Vec::new() };
    for derived in derived {
        let maker = Maker::of(derived, &sources, steps, plan.data_range, plan.memory_bytes)?;
        let mut tally = Tally::new(&sources, &strata, plan.weighting, series);
        walk(&sources, steps, derived.name(), |slab| {
            tally.add(slab, maker.pairs(slab, &sources)?.lists(), &sources, &strata, &blocking)
        })?;
        tallies.derived.push((derived, tally));
    }
    if let Output::Series(path) = &plan.output {
        let text = series_csv(&tallies, &strata, &sources, plan, &rules)?;
        sources.notes.iter().for_each(|note| eprintln!("note: {note}"));
        return match path {
            Some(path) => {
                write_atomic(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
                Ok(say(&format!("{}: {} rows", path.display(), text.lines().count() - 1))?)
            }
            None => Ok(say(text.trim_end())?),
        };
    }
    let rows = rows(&tallies, &strata, &sources, plan, &rules)?;
    let report = Report { title, by: plan.by.name(), rows, notes: sources.notes.clone() };
    // The file first: what is printed must not claim a success that the disk then refuses.
    if let Some(path) = &plan.parquet {
        write_atomic(path, &report.parquet()?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match plan.output {
        Output::Json => say(&serde_json::to_string_pretty(&report.json())?)?,
        Output::Csv => say(report.csv()?.trim_end())?,
        _ => say(&report.table())?,
    }
    Ok(())
}

/// The sums of the files' own pairs, and of the derived ones.
struct Tallies {
    plain: Tally,
    derived: Vec<(Derived, Tally)>,
}

impl Tallies {
    /// The sums of a measure in a stratum.
    fn of(&self, measure: Measure, stratum: usize) -> &Sums {
        let derived = self.derived.iter().find(|(d, _)| Some(*d) == measure.derived());
        &derived.map_or(&self.plain, |(_, tally)| tally).strata[stratum]
    }
}

/// The rules that hold for every row.
struct Rules {
    common: Protocol,
    reference: Option<String>,
    data_range: Option<f64>,
}

impl Rules {
    /// The rules of one row.
    fn of(&self, measure: Measure, stratum: &str) -> Protocol {
        let mut protocol = self.common.clone();
        protocol.metric = measure.name().to_string();
        if let (Measure::Skill(_), Some(reference)) = (measure, &self.reference) {
            write!(protocol.metric, " against {reference}").unwrap_or_default();
        }
        if let Some(derived) = measure.derived() {
            protocol.metric += &derived.rule(self.data_range);
        }
        protocol.stratum = stratum.to_string();
        protocol
    }
}

fn rules(sources: &Sources<'_>, plan: &Plan, blocking: &Blocking, map: bool) -> anyhow::Result<Rules> {
    let (height, width) = sources.shape();
    let reader = &sources.truth.reader;
    let place = plan.region.as_ref().map_or("whole grid", |r| r.name.as_str());
    let (south, north) = (reader.latitude().centres()[0], reader.latitude().centres()[height - 1]);
    let (west, east) = (reader.longitude().centres()[0], reader.longitude().centres()[width - 1]);
    let region =
        format!("{place}: {height} x {width} cells, latitudes {south:.4} to {north:.4}, longitudes {west:.4} to {east:.4}");
    let mut mask = "cells with a value in truth and prediction".to_string();
    if sources.reference.is_some() {
        mask += " and reference";
    }
    if let Some(source) = &sources.mask {
        mask += &format!(", where {} is not 0", Sources::fingerprint(source)?);
    }
    if let Some(source) = &sources.cloud {
        mask += &format!("; cloud fraction {}", Sources::fingerprint(source)?);
    }
    let day = |i: usize| sources.moments[i].date.map_or("no date".to_string(), |d| d.to_string());
    let period = match sources.moments.len() {
        1 => format!("{}, 1 instant", day(0)),
        n => format!("{} to {}, {n} instants", day(0), day(n - 1)),
    };
    let resampling = match (map, &plan.output) {
        (true, _) | (_, Output::Series(_)) => "none".to_string(),
        _ => format!("percentile interval, blocks of {}, {} resamples, seed {}", blocking.words, plan.resamples, plan.seed),
    };
    let common = Protocol {
        metric: String::new(),
        weighting: plan.weighting,
        mask,
        region,
        stratum: String::new(),
        period,
        matching: sources.matching.clone(),
        unit: sources.unit().symbol().to_string(),
        resampling,
    };
    let reference = sources.reference.as_ref().map(Sources::fingerprint).transpose()?;
    Ok(Rules { common, reference, data_range: plan.data_range })
}

/// At least two pairs are wanted for any score.
fn enough(census: &Census, sources: &Sources<'_>) -> anyhow::Result<()> {
    if census.common >= 2 {
        return Ok(());
    }
    let found = if census.common == 1 { "only 1 pair is" } else { "no pair is" };
    let masked = if sources.mask.is_some() { " (after the mask)" } else { "" };
    bail!(
        "{found} left to score{masked}: at the common instants and cells the truth has {} values and the prediction {}; at least \
         2 pairs are wanted",
        census.truth,
        census.prediction
    )
}

fn rows(tallies: &Tallies, strata: &Strata, sources: &Sources<'_>, plan: &Plan, rules: &Rules) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (stratum, label) in strata.labels.iter().enumerate() {
        // A stratum without a pair is not there (a region without sea, a band that the data do not reach).
        if tallies.plain.strata[stratum].prediction.total().count() == 0 && strata.labels.len() > 1 {
            continue;
        }
        for measure in &plan.measures {
            rows.push(row(tallies.of(*measure, stratum), *measure, rules.of(*measure, label), sources, plan)?);
        }
    }
    let failed: Vec<&String> = rows.iter().filter_map(|r| r.score.as_ref().err()).collect();
    match failed.first() {
        // One part without strata: an undefined metric is an error. With strata: a row that says why, unless all are so.
        Some(reason) if strata.labels.len() == 1 || failed.len() == rows.len() => {
            bail!("{reason}; leave the metric out with --metrics")
        }
        _ => Ok(rows),
    }
}

fn row(sums: &Sums, measure: Measure, protocol: Protocol, sources: &Sources<'_>, plan: &Plan) -> anyhow::Result<Row> {
    let unit = measure.unit(sources.unit())?;
    let label = match measure.depends_on_zero_of_unit() {
        true => format!("{} ({})", measure.name(), sources.unit()),
        false => measure.name().to_string(),
    };
    let estimate = match measure.estimate(&sums.prediction, &sums.reference, plan.resamples, plan.seed) {
        Ok(estimate) => estimate,
        Err(reason) => return Ok(Row { label, protocol, score: Err(reason.to_string()), no_interval: None }),
    };
    let (interval, no_interval) = match estimate.interval {
        Ok(interval) => (interval, None),
        Err(ScoreError::TooFew { .. }) => {
            let reason = "no interval: all pairs lie in one block; choose smaller blocks with --block-cells";
            ((f64::NAN, f64::NAN), Some(reason.to_string()))
        }
        Err(reason) => ((f64::NAN, f64::NAN), Some(format!("no interval of {}: in a resample {reason}", measure.name()))),
    };
    let score = Score {
        metric: measure.name().to_string(),
        value: estimate.value,
        lower: interval.0,
        upper: interval.1,
        coverage: DEFAULT_COVERAGE,
        n: estimate.n,
        n_effective: estimate.n_effective,
        unit,
        weighting: plan.weighting,
        mask: protocol.mask.clone(),
        protocol: protocol.hash(),
    };
    Ok(Row { label, protocol, score: Ok(score), no_interval })
}

/// One row for each instant, stratum and measure; an undefined value is empty, with its reason.
///
/// # Errors
/// One sentence where no value at all is defined.
fn series_csv(tallies: &Tallies, strata: &Strata, sources: &Sources<'_>, plan: &Plan, rules: &Rules) -> anyhow::Result<String> {
    let mut last_reason = None;
    let mut defined = false;
    let mut text = String::from("time,stratum,metric,value,n,unit,weighting,protocol,reason\n");
    for (stratum, label) in strata.labels.iter().enumerate() {
        for measure in &plan.measures {
            let sums = tallies.of(*measure, stratum);
            let hash = rules.of(*measure, label).hash();
            let unit = measure.unit(sources.unit()).map_or("1", |u| u.symbol());
            for (moment, (prediction, reference)) in sources.moments.iter().zip(&sums.series) {
                if prediction.count() == 0 && strata.labels.len() > 1 {
                    continue;
                }
                let time = moment.seconds.and_then(crate::grid::instant);
                let time = time.map_or(String::new(), |t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string());
                let (value, reason) = match measure.of(prediction, reference) {
                    Ok(value) => {
                        defined = true;
                        (format!("{value:?}"), String::new())
                    }
                    Err(reason) => {
                        let quoted = format!("\"{}\"", reason.to_string().replace('"', "'"));
                        last_reason = Some(reason);
                        (String::new(), quoted)
                    }
                };
                let (name, n, weighting) = (measure.name(), prediction.count(), plan.weighting.name());
                let _ = writeln!(text, "{time},{label},{name},{value},{n},{unit},{weighting},{hash},{reason}");
            }
        }
    }
    match last_reason {
        Some(reason) if !defined => bail!("{reason}, on every day; leave the metric out with --metrics"),
        _ => Ok(text),
    }
}
