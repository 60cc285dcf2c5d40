//! Which stratum each pair belongs to: by time, by place, or by what the truth or the clouds do there.

use std::collections::BTreeSet;
use std::ops::Range;

use anyhow::bail;
use chrono::Datelike;
use rayon::prelude::*;

use super::slabs::{Slab, Steps, walk_truth};
use super::sources::Sources;
use crate::cf::Frames;
use crate::grid::{Axis, EARTH_RADIUS_METRES};
use crate::score::{
    Bands, GradientMagnitude, MagnitudeHistogram, NAMED_REGIONS, Region, ScoreResult, Season, coast_distance, gradient_magnitude,
};

/// Edges of the distance to the coast, kilometres.
const COAST_KILOMETRES: [f64; 3] = [50.0, 100.0, 200.0];
/// Shares of the truth's gradients between the bands.
const GRADIENT_SHARES: [f64; 3] = [0.5, 0.75, 0.9];
/// Edges of the cloud fraction.
const CLOUD_FRACTIONS: [f64; 3] = [0.1, 0.5, 0.9];
/// The class of a cell that belongs to no band.
const NO_CLASS: u8 = u8::MAX;

/// What the rows of the result are split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Whole,
    Season,
    Month,
    Year,
    Region,
    Coast,
    Gradient,
    Cloud,
}

impl By {
    const NAMES: [(By, &'static str); 7] = [
        (By::Season, "season"),
        (By::Month, "month"),
        (By::Year, "year"),
        (By::Region, "region"),
        (By::Coast, "coast"),
        (By::Gradient, "gradient"),
        (By::Cloud, "cloud"),
    ];

    /// Reads `--by`.
    pub fn parse(text: Option<&str>) -> anyhow::Result<By> {
        let Some(text) = text else { return Ok(By::Whole) };
        match By::NAMES.iter().find(|(_, name)| *name == text) {
            Some((by, _)) => Ok(*by),
            None => {
                let names: Vec<&str> = By::NAMES.iter().map(|(_, name)| *name).collect();
                bail!("--by '{text}' is not known; wanted one of: {}", names.join(", "))
            }
        }
    }

    /// The word in tables.
    pub fn name(self) -> &'static str {
        By::NAMES.iter().find(|(by, _)| *by == self).map_or("all", |(_, name)| name)
    }

    /// Must a whole frame be in memory at a time?
    pub fn needs_whole_frames(self) -> bool {
        self == By::Gradient
    }
}

/// The strata of one score.
pub(super) struct Strata {
    /// One for each stratum.
    pub labels: Vec<String>,
    kind: Kind,
}

enum Kind {
    /// The stratum of each common instant.
    Instants(Vec<usize>),
    /// For each stratum: does it hold the row, and which runs of columns?
    Boxes(Vec<(Vec<bool>, Vec<Range<usize>>)>),
    /// The class of each cell of the grid.
    Cells(Vec<u8>),
    Gradient(Bands),
    Cloud(Bands),
}

/// A part of one row that belongs to one stratum: all of its columns, or those of one class.
pub(super) struct RowPart {
    pub stratum: usize,
    pub columns: Range<usize>,
    pub class: Option<u8>,
}

impl Strata {
    /// Settles the strata; those by coast and by gradient read the truth once for it.
    ///
    /// # Errors
    /// One sentence: no dates, no coast, an irregular grid; those of reading.
    pub fn of(by: By, sources: &Sources<'_>, steps: Steps) -> anyhow::Result<(Strata, Vec<String>)> {
        let mut notes = Vec::new();
        let (labels, kind) = match by {
            By::Whole => (vec!["all".to_string()], Kind::Instants(vec![0; sources.moments.len()])),
            By::Season | By::Month | By::Year => by_time(by, sources)?,
            By::Region => by_region(sources)?,
            By::Coast => {
                notes.push("coast: great-circle distance to the nearest cell in which the truth never has a value".into());
                by_coast(sources, steps)?
            }
            By::Gradient => {
                let unit = format!(" {}/km", sources.unit().difference());
                let bands = gradient_bands(sources, steps)?;
                notes.push("gradient: bands at the 50 %, 75 % and 90 % quantiles of the truth's gradient (to 1 %)".into());
                (bands.labels(&unit), Kind::Gradient(bands))
            }
            By::Cloud => {
                let bands = Bands::new(CLOUD_FRACTIONS.to_vec())?;
                (bands.labels(""), Kind::Cloud(bands))
            }
        };
        Ok((Strata { labels, kind }, notes))
    }

    /// The classes of all cells of a slab; empty where strata do not go by cell.
    ///
    /// # Errors
    /// One sentence for a cloud fraction outside 0 to 1; an error of the score floor.
    pub fn classes(&self, slab: &Slab, sources: &Sources<'_>) -> anyhow::Result<Vec<u8>> {
        let frame = slab.rows.len() * slab.width;
        match &self.kind {
            Kind::Instants(_) | Kind::Boxes(_) => Ok(Vec::new()),
            Kind::Cells(classes) => Ok(classes[slab.rows.start * slab.width..slab.rows.end * slab.width].to_vec()),
            Kind::Gradient(bands) => {
                let frames: Vec<ScoreResult<GradientMagnitude>> = slab
                    .truth
                    .par_chunks(frame)
                    .zip(slab.truth_valid.par_chunks(frame))
                    .map(|(truth, valid)| gradient(sources, truth, valid))
                    .collect();
                let mut classes = Vec::with_capacity(slab.truth.len());
                for gradient in frames {
                    let gradient = gradient?;
                    let class = |(v, valid): (&f64, &bool)| if *valid { bands.class_of(*v) } else { NO_CLASS };
                    classes.extend(gradient.values.iter().zip(&gradient.valid).map(class));
                }
                Ok(classes)
            }
            Kind::Cloud(bands) => {
                let Some(cloud) = &slab.cloud else { bail!("the cloud fraction is wanted") };
                let outside = cloud.values.iter().zip(&cloud.valid).find(|(v, valid)| **valid && !(0.0..=1.0).contains(*v));
                if let Some((value, _)) = outside {
                    bail!("the cloud fraction holds {value}; 0 to 1 (or 0 to 100 with the unit %) is wanted");
                }
                let class = |(v, valid): (&f32, &bool)| if *valid { bands.class_of(f64::from(*v)) } else { NO_CLASS };
                Ok(cloud.values.iter().zip(&cloud.valid).map(class).collect())
            }
        }
    }

    /// The parts of one row at one instant (both counted over the whole grid and period).
    pub fn row_parts(&self, moment: usize, row: usize, width: usize) -> Vec<RowPart> {
        let whole = |stratum: usize, class: Option<u8>| RowPart { stratum, columns: 0..width, class };
        match &self.kind {
            Kind::Instants(strata) => vec![whole(strata[moment], None)],
            Kind::Boxes(boxes) => {
                let held = boxes.iter().enumerate().filter(|(_, (rows, _))| rows[row]);
                held.flat_map(|(stratum, (_, runs))| {
                    runs.iter().map(move |run| RowPart { stratum, columns: run.clone(), class: None })
                })
                .collect()
            }
            Kind::Cells(_) | Kind::Gradient(_) | Kind::Cloud(_) => {
                (0..self.labels.len()).map(|k| whole(k, Some(k as u8))).collect()
            }
        }
    }
}

fn by_time(by: By, sources: &Sources<'_>) -> anyhow::Result<(Vec<String>, Kind)> {
    let mut keys = Vec::with_capacity(sources.moments.len());
    for moment in &sources.moments {
        let Some(date) = moment.date else { bail!("--by {} needs dates, but no file states a time", by.name()) };
        keys.push(match by {
            By::Season => Season::of_month(date.month()) as i32,
            By::Month => date.month() as i32,
            _ => date.year(),
        });
    }
    let distinct: Vec<i32> = keys.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let strata = keys.iter().map(|key| distinct.partition_point(|k| k < key)).collect();
    let label = |key: &i32| match by {
        By::Season => Season::ALL[*key as usize].name().to_string(),
        By::Month => format!("{key:02}"),
        _ => key.to_string(),
    };
    Ok((distinct.iter().map(label).collect(), Kind::Instants(strata)))
}

fn by_region(sources: &Sources<'_>) -> anyhow::Result<(Vec<String>, Kind)> {
    let (latitude, longitude) = (sources.truth.reader.latitude(), sources.truth.reader.longitude());
    let (mut labels, mut boxes) = (Vec::new(), Vec::new());
    for (name, _) in NAMED_REGIONS {
        let region = Region::parse(name)?;
        let rows: Vec<bool> = latitude.centres().iter().map(|c| region.contains_latitude(*c)).collect();
        let inside: Vec<bool> = longitude.centres().iter().map(|c| region.contains_longitude(*c)).collect();
        let runs = runs(&inside);
        if rows.contains(&true) && !runs.is_empty() {
            labels.push(name.to_string());
            boxes.push((rows, runs));
        }
    }
    if labels.is_empty() {
        bail!("none of the named regions holds a cell of the grid; choose a box with --region");
    }
    Ok((labels, Kind::Boxes(boxes)))
}

/// Runs of consecutive true entries.
fn runs(inside: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for i in (0..inside.len()).filter(|i| inside[*i]) {
        match runs.last_mut() {
            Some(run) if run.end == i => run.end += 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs
}

fn by_coast(sources: &Sources<'_>, steps: Steps) -> anyhow::Result<(Vec<String>, Kind)> {
    let (height, width) = sources.shape();
    let mut land = vec![true; height * width];
    walk_truth(sources, steps, "coast", |frames: &Frames, rows| {
        let part = &mut land[rows.start * width..rows.end * width];
        part.iter_mut().zip(&frames.valid).for_each(|(land, valid)| *land &= !valid);
    })?;
    if !land.contains(&true) {
        bail!("--by coast takes as land the cells in which the truth never has a value, but it has one everywhere");
    }
    let bands = Bands::new(COAST_KILOMETRES.to_vec())?;
    let limit = 1e3 * COAST_KILOMETRES[COAST_KILOMETRES.len() - 1];
    let (latitude, longitude) = (sources.truth.reader.latitude(), sources.truth.reader.longitude());
    let metres = coast_distance(&land, latitude.centres(), longitude.centres(), limit)?;
    let classes = metres.iter().map(|m| bands.class_of(m / 1e3)).collect();
    Ok((bands.labels(" km"), Kind::Cells(classes)))
}

fn gradient_bands(sources: &Sources<'_>, steps: Steps) -> anyhow::Result<Bands> {
    for axis in [sources.truth.reader.latitude(), sources.truth.reader.longitude()] {
        if axis.len() < 2 || !axis.is_regular() {
            bail!("--by gradient needs a regular grid of at least 2 x 2 cells; the {} axis is not", axis.kind().name());
        }
    }
    let mut histogram = MagnitudeHistogram::new();
    let mut failed = None;
    walk_truth(sources, steps, "gradient", |frames, _| match gradient(sources, &frames.values, &frames.valid) {
        Ok(gradient) => {
            let valid = gradient.values.iter().zip(&gradient.valid).filter(|(_, valid)| **valid);
            valid.for_each(|(v, _)| histogram.add(*v as f32));
        }
        Err(error) => failed = Some(error),
    })?;
    if failed.is_some() {
        bail!(
            "{} holds a value that is not finite, so it has no gradient; mask it or mend it first",
            sources.truth.path.display()
        );
    }
    if histogram.total() == 0 {
        bail!("the truth has no gradient anywhere: no valid cell has valid neighbours in both directions");
    }
    let mut edges = GRADIENT_SHARES.iter().map(|p| histogram.quantile(*p)).collect::<ScoreResult<Vec<f64>>>()?;
    edges.dedup();
    Ok(Bands::new(edges)?)
}

/// Gradient of a whole frame of the truth, per kilometre.
fn gradient(sources: &Sources<'_>, truth: &[f32], valid: &[bool]) -> ScoreResult<GradientMagnitude> {
    let (latitude, longitude) = (sources.truth.reader.latitude(), sources.truth.reader.longitude());
    let kilometres = |axis: &Axis| axis.spacing().abs().to_radians() * EARTH_RADIUS_METRES / 1e3;
    // A row at the pole has no width; a hair keeps it positive, and its gradient falls into the last band.
    let across: Vec<f64> = latitude.centres().iter().map(|c| kilometres(longitude) * c.to_radians().cos().max(1e-6)).collect();
    let values: Vec<f64> = truth.iter().zip(valid).map(|(v, valid)| if *valid { f64::from(*v) } else { 0.0 }).collect();
    gradient_magnitude(&values, latitude.len(), longitude.len(), Some(valid), kilometres(latitude), &across)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_columns() {
        assert_eq!(runs(&[true, true, false, true]), [0..2, 3..4]);
        assert!(runs(&[false]).is_empty());
    }

    #[test]
    fn every_name_reads_back() {
        for (by, name) in By::NAMES {
            assert_eq!((By::parse(Some(name)).unwrap(), by.name()), (by, name));
        }
        assert!(By::parse(Some("moon")).unwrap_err().to_string().contains("gradient"));
    }
}
