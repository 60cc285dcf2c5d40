//! Walking through all files together, a few frames or rows at a time, within a stated memory.

use std::ops::Range;

use anyhow::bail;
use rayon::prelude::*;

use super::sources::{Source, Sources};
use super::tally::Lists;
use crate::base::progress::Progress;
use crate::cf::Frames;
use crate::grid::instant;
use crate::score::ScoreError;

/// Values whose validity one task combines.
const CHUNK: usize = 1 << 14;

/// The part of all files that is in memory at a time: whole frames, or some rows of one.
pub(super) struct Slab {
    /// Positions among the common instants.
    pub moments: Range<usize>,
    pub rows: Range<usize>,
    pub width: usize,
    pub truth: Vec<f32>,
    /// Where the truth has a value, mask and prediction or not.
    pub truth_valid: Vec<bool>,
    pub prediction: Vec<f32>,
    pub reference: Option<Vec<f32>>,
    pub cloud: Option<Frames>,
    /// Where every file has a value and the mask lets it count.
    pub valid: Vec<bool>,
}

impl Slab {
    /// The files' own pairs.
    pub fn lists(&self) -> Lists<'_, f32> {
        Lists { truth: &self.truth, prediction: &self.prediction, reference: self.reference.as_deref(), valid: &self.valid }
    }
}

/// How many cells were left at each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Census {
    pub truth: u64,
    pub prediction: u64,
    pub common: u64,
}

/// How the walk is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub frames: usize,
    pub rows: usize,
}

impl Steps {
    /// As many whole frames as fit into `memory` bytes, else as many rows of one frame.
    ///
    /// # Errors
    /// One sentence where whole frames are needed and one does not fit.
    pub fn of(sources: &Sources<'_>, memory: usize, whole_frames: bool, derived: bool) -> anyhow::Result<Steps> {
        let (height, width) = sources.shape();
        // Each file: a value and its validity; then the combined validity, and one class for strata.
        // Derived pairs are two numbers of double precision and their validity, made from copies of such.
        let bytes = 5 * sources.all().count() + 2 + if derived { 2 * 17 } else { 0 };
        let rows = memory / (bytes * width);
        if rows >= height {
            return Ok(Steps { frames: (rows / height).min(sources.moments.len()).max(1), rows: height });
        }
        if whole_frames {
            let needed = (bytes * width * height).div_ceil(1_000_000);
            bail!("one frame of {height} x {width} cells takes {needed} MB here; allow that with --memory {needed}");
        }
        Ok(Steps { frames: 1, rows: rows.max(1) })
    }
}

/// Calls `visit` for every slab, in order of time, then of rows from south to north.
///
/// # Errors
/// Those of reading and of `visit`.
pub(super) fn walk(
    sources: &Sources<'_>,
    steps: Steps,
    label: &str,
    mut visit: impl FnMut(&Slab) -> anyhow::Result<()>,
) -> anyhow::Result<Census> {
    let (height, width) = sources.shape();
    let mut progress = Progress::new(label, (sources.moments.len() * height) as u64).on_error_stream();
    let mut census = Census::default();
    let mut first = 0;
    while first < sources.moments.len() {
        let moments = first..run_end(sources, first, steps.frames);
        for south in (0..height).step_by(steps.rows) {
            let rows = south..(south + steps.rows).min(height);
            let slab = read(sources, moments.clone(), rows, width, &mut census)?;
            visit(&slab)?;
            progress.advance((slab.moments.len() * slab.rows.len()) as u64);
        }
        first = moments.end;
    }
    progress.finish();
    Ok(census)
}

/// The end of the run of instants from `first` whose frames follow each other in every file.
fn run_end(sources: &Sources<'_>, first: usize, most: usize) -> usize {
    let moments = &sources.moments;
    let follows = |i: usize| sources.all().all(|s| s.is_fixed() || s.frame(&moments[i]) == s.frame(&moments[i - 1]) + 1);
    (first + 1..moments.len()).take_while(|i| i - first < most && follows(*i)).last().unwrap_or(first) + 1
}

/// The frames of one file at these instants.
fn frames_of(source: &Source<'_>, sources: &Sources<'_>, moments: &Range<usize>, rows: &Range<usize>) -> anyhow::Result<Frames> {
    let from = source.frame(&sources.moments[moments.start]);
    let count = if source.is_fixed() { 1 } else { moments.len() };
    Ok(source.reader.read(from..from + count, rows.clone())?)
}

/// The truth alone, for what must be known before scoring.
///
/// # Errors
/// Those of reading.
pub(super) fn walk_truth(
    sources: &Sources<'_>,
    steps: Steps,
    label: &str,
    mut visit: impl FnMut(&Frames, Range<usize>),
) -> anyhow::Result<()> {
    let (height, _) = sources.shape();
    let mut progress = Progress::new(label, sources.moments.len() as u64).on_error_stream();
    for moment in 0..sources.moments.len() {
        for south in (0..height).step_by(steps.rows) {
            let rows = south..(south + steps.rows).min(height);
            let frames = frames_of(&sources.truth, sources, &(moment..moment + 1), &rows)?;
            visit(&frames, rows);
        }
        progress.advance(1);
    }
    progress.finish();
    Ok(())
}

fn read(
    sources: &Sources<'_>,
    moments: Range<usize>,
    rows: Range<usize>,
    width: usize,
    census: &mut Census,
) -> anyhow::Result<Slab> {
    let truth = frames_of(&sources.truth, sources, &moments, &rows)?;
    let prediction = frames_of(&sources.prediction, sources, &moments, &rows)?;
    let mut valid = prediction.valid;
    census.truth += count(&truth.valid);
    census.prediction += count(&valid);
    combine(&mut valid, &truth.valid);
    let reference = match &sources.reference {
        Some(source) => {
            let frames = frames_of(source, sources, &moments, &rows)?;
            combine(&mut valid, &frames.valid);
            Some(frames.values)
        }
        None => None,
    };
    if let Some(source) = &sources.mask {
        let mut mask = frames_of(source, sources, &moments, &rows)?;
        mask.valid.iter_mut().zip(&mask.values).for_each(|(valid, v)| *valid &= *v != 0.0);
        combine(&mut valid, &mask.valid);
    }
    let cloud = match &sources.cloud {
        Some(source) => Some(frames_of(source, sources, &moments, &rows)?),
        None => None,
    };
    census.common += count(&valid);
    Ok(Slab {
        moments,
        rows,
        width,
        truth: truth.values,
        truth_valid: truth.valid,
        prediction: prediction.values,
        reference,
        cloud,
        valid,
    })
}

fn count(valid: &[bool]) -> u64 {
    valid.par_chunks(CHUNK).map(|chunk| chunk.iter().map(|v| u64::from(*v)).sum::<u64>()).sum()
}

/// Valid where both are; the other may be one frame that holds for all.
fn combine(valid: &mut [bool], other: &[bool]) {
    for frame in valid.chunks_mut(other.len().max(1)) {
        frame.par_chunks_mut(CHUNK).zip(other.par_chunks(CHUNK)).for_each(|(a, b)| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a &= *b);
        });
    }
}

/// Where a value that is not finite lies, in words; other errors stay as they are. `what` is the file that the error's
/// `prediction` means.
pub(super) fn located(error: ScoreError, sources: &Sources<'_>, slab: &Slab, from: usize, what: &Source<'_>) -> anyhow::Error {
    let ScoreError::NotFinite { what: side, position } = error else { return error.into() };
    let source = if side == "truth" { &sources.truth } else { what };
    let at = from + position;
    let (row, column) = (at / slab.width % slab.rows.len(), at % slab.width);
    let moment = &sources.moments[slab.moments.start + at / slab.width / slab.rows.len()];
    let when = moment.seconds.and_then(instant).map_or(String::new(), |t| format!(" on {}", t.format("%Y-%m-%d")));
    anyhow::anyhow!(
        "{}: '{}' holds a value that is not finite{when} at latitude {:.4}, longitude {:.4}; mask it or mend it first",
        source.path.display(),
        source.reader.name(),
        sources.truth.reader.latitude().centres()[slab.rows.start + row],
        sources.truth.reader.longitude().centres()[column]
    )
}
