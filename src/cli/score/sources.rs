//! The files of a score, open, on their common grid and at their common instants.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::arguments::{Plan, ScoreCommand};
use super::grids::{Grid, common_part};
use super::instants::{Instants, Moment, common_instants};
use crate::base::hash::sha256_file;
use crate::cf::{Dataset, FrameReader, ReadOptions};
use crate::cli::variable::gridded_variable;
use crate::grid::{Axis, Unit};

/// Files that may take part, by their place.
const LABELS: [&str; 5] = ["the truth", "the prediction", "the reference", "the mask", "the cloud fraction"];

/// The open files of a command, before their variables are read.
pub(super) struct Files {
    /// One for each label, with the variable; `None` where it was not given.
    files: Vec<Option<(Dataset, String)>>,
}

impl Files {
    /// Opens the files and settles their variables.
    ///
    /// # Errors
    /// One sentence: not there, not NetCDF, truncated, several variables.
    pub fn open(command: &ScoreCommand, plan: &Plan) -> anyhow::Result<Files> {
        let field = |path: &Path, variable: &Option<String>, option: &str| -> anyhow::Result<(Dataset, String)> {
            let dataset = Dataset::open(path)?;
            let name = gridded_variable(&dataset, variable.as_deref(), option)?;
            Ok((dataset, name))
        };
        let named = |given: &Option<(PathBuf, String)>| -> anyhow::Result<Option<(Dataset, String)>> {
            given.as_ref().map(|(path, name)| Ok((Dataset::open(path)?, name.clone()))).transpose()
        };
        let reference = command.reference.as_deref();
        Ok(Files {
            files: vec![
                Some(field(&command.truth, &plan.truth_variable, "--truth-variable")?),
                Some(field(&command.prediction, &plan.prediction_variable, "--prediction-variable")?),
                reference.map(|path| field(path, &plan.reference_variable, "--reference-variable")).transpose()?,
                named(&plan.mask)?,
                named(&plan.cloud)?,
            ],
        })
    }
}

/// One file that takes part.
pub(super) struct Source<'a> {
    pub label: &'static str,
    pub path: PathBuf,
    pub reader: FrameReader<'a>,
    /// Which of the [`Moment::frames`] are this file's; `None` where its one frame holds for all instants.
    position: Option<usize>,
}

impl Source<'_> {
    /// The frame of this file at an instant.
    pub fn frame(&self, moment: &Moment) -> usize {
        self.position.map_or(0, |p| moment.frames[p])
    }

    /// Does one frame hold for all instants?
    pub fn is_fixed(&self) -> bool {
        self.position.is_none()
    }
}

/// Everything that is read, on one grid.
pub(super) struct Sources<'a> {
    pub truth: Source<'a>,
    pub prediction: Source<'a>,
    pub reference: Option<Source<'a>>,
    pub mask: Option<Source<'a>>,
    pub cloud: Option<Source<'a>>,
    pub moments: Vec<Moment>,
    /// How grids and instants were brought together.
    pub matching: String,
    /// What a reader of the result should know.
    pub notes: Vec<String>,
}

impl<'a> Sources<'a> {
    /// Brings the files together.
    ///
    /// # Errors
    /// One sentence: a missing variable, units that cannot be converted exactly, no overlap, grids that differ.
    pub fn of(files: &'a Files, plan: &Plan) -> anyhow::Result<Sources<'a>> {
        let options = ReadOptions { level: plan.level, ..ReadOptions::default() };
        let mut notes = Vec::new();
        let mut readers: Vec<(usize, &'a Dataset, FrameReader<'a>)> = Vec::new();
        for (place, file) in files.files.iter().enumerate() {
            let Some((dataset, variable)) = file else { continue };
            let reader = match place {
                3 => FrameReader::of_flags(dataset, variable, &options)?,
                _ => FrameReader::new(dataset, variable, &options)?,
            };
            let unit = readers.first().map_or(reader.unit(), |(_, _, truth)| truth.unit());
            let reader = match place {
                0 | 3 => reader,
                4 if reader.unit() == Unit::Percent => reader.converted(Unit::One)?,
                4 if reader.unit() == Unit::One => reader,
                4 => bail!("the cloud fraction '{variable}' is in {}; a fraction or percent is wanted", reader.unit()),
                _ => in_unit(reader, unit, LABELS[place], &mut notes)?,
            };
            readers.push((place, dataset, reader));
        }
        let grids: Vec<Grid<'_>> = readers
            .iter()
            .map(|(place, _, r)| Grid { label: LABELS[*place], latitude: r.latitude(), longitude: r.longitude() })
            .collect();
        let parts = common_part(&grids, plan.region.as_ref())?;
        let whole = |axis: &Axis, kept: usize| if axis.len() == kept { String::new() } else { format!(" of {}", axis.len()) };
        let truth = &grids[0];
        let (height, width) = (parts[0].rows.len(), parts[0].columns.len());
        if plan.region.is_none() && (height, width) != (truth.latitude.len(), truth.longitude.len()) {
            notes.push(format!(
                "common part of the grids: {height}{} rows and {width}{} columns of the truth",
                whole(truth.latitude, height),
                whole(truth.longitude, width)
            ));
        }
        // A mask or a cloud fraction of one instant holds for all.
        let fixed = |place: usize, reader: &FrameReader<'_>| place >= 3 && reader.frames() == 1;
        let timed: Vec<&(usize, &Dataset, FrameReader<'_>)> = readers.iter().filter(|(p, _, r)| !fixed(*p, r)).collect();
        let instants: Vec<Instants<'_>> =
            timed.iter().map(|(place, _, r)| Instants { label: LABELS[*place], frames: r.frames(), times: r.times() }).collect();
        let common = common_instants(&instants)?;
        for (k, (place, _, reader)) in timed.iter().enumerate() {
            if reader.frames() != common.moments.len() && k < 3 {
                notes.push(format!("{} of {} instants of {} are common", common.moments.len(), reader.frames(), LABELS[*place]));
            }
        }
        let positions: Vec<usize> = timed.iter().map(|(place, ..)| *place).collect();
        let mut slots: Vec<Option<Source<'a>>> = (0..LABELS.len()).map(|_| None).collect();
        for ((place, dataset, reader), part) in readers.into_iter().zip(parts) {
            let all = part.rows == (0..reader.latitude().len()) && part.columns.iter().copied().eq(0..reader.longitude().len());
            slots[place] = Some(Source {
                label: LABELS[place],
                path: dataset.path().to_path_buf(),
                reader: if all { reader } else { reader.select(part.rows, &part.columns)? },
                position: positions.iter().position(|p| *p == place),
            });
        }
        let mut take = |place: usize| slots[place].take();
        let (Some(truth), Some(prediction)) = (take(0), take(1)) else { bail!("the truth and the prediction are wanted") };
        Ok(Sources {
            truth,
            prediction,
            reference: take(2),
            mask: take(3),
            cloud: take(4),
            moments: common.moments,
            matching: format!("grids equal to 2 % of a cell; instants {}", common.rule),
            notes,
        })
    }

    /// Those that are there.
    pub fn all(&self) -> impl Iterator<Item = &Source<'a>> {
        [Some(&self.truth), Some(&self.prediction), self.reference.as_ref(), self.mask.as_ref(), self.cloud.as_ref()]
            .into_iter()
            .flatten()
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.truth.reader.latitude().len(), self.truth.reader.longitude().len())
    }

    /// The unit in which truth and prediction are compared.
    pub fn unit(&self) -> Unit {
        self.truth.reader.unit()
    }

    /// `sst of truth.nc`, with a checksum of the file: two files may have one name.
    ///
    /// # Errors
    /// What reading the file gives.
    pub fn fingerprint(source: &Source<'_>) -> anyhow::Result<String> {
        let name = source.path.file_name().unwrap_or_default().to_string_lossy();
        let hash = sha256_file(&source.path).with_context(|| format!("cannot read {}", source.path.display()))?;
        Ok(format!("{} of {name} (sha256 {})", source.reader.name(), &hash[..16]))
    }
}

/// Only conversions that lose nothing are made unasked: kelvin and degrees Celsius differ by a constant.
fn in_unit<'a>(reader: FrameReader<'a>, unit: Unit, label: &str, notes: &mut Vec<String>) -> anyhow::Result<FrameReader<'a>> {
    let own = reader.unit();
    if own == unit {
        return Ok(reader);
    }
    if !matches!((own, unit), (Unit::Kelvin, Unit::Celsius) | (Unit::Celsius, Unit::Kelvin)) {
        bail!(
            "{label} '{}' is in {} and the truth in {} ({}, {}); give both the same unit first",
            reader.name(),
            own,
            unit,
            own.cf_name(),
            unit.cf_name()
        );
    }
    notes.push(format!("{label} was converted from {own} to {unit}"));
    Ok(reader.converted(unit)?)
}
