//! Scores over time, one for each cell, as a NetCDF file.

use std::path::Path;

use anyhow::{Context, bail};

use super::measure::Measure;
use super::slabs::{Census, Steps, located, walk};
use super::sources::Sources;
use crate::cf::{Provenance, write_fields};
use crate::grid::{Cell, Field, Mask, TimeAxis, Unit};
use crate::score::{CellSums, PointwiseMetric, Protocol};

/// Sums over time: one set for each group of rows that is read at a time.
pub(super) struct MapSums {
    prediction: Vec<CellSums>,
    reference: Vec<CellSums>,
}

impl MapSums {
    /// Reads everything once.
    ///
    /// # Errors
    /// Those of reading, and a value that is not finite.
    pub fn of(sources: &Sources<'_>, steps: Steps, measures: &[Measure]) -> anyhow::Result<(MapSums, Census)> {
        let (height, width) = sources.shape();
        let metrics: Vec<PointwiseMetric> = measures.iter().map(|m| m.metric()).collect();
        let skills: Vec<PointwiseMetric> =
            measures.iter().filter(|m| matches!(m, Measure::Skill(_))).map(|m| m.metric()).collect();
        let mut sums = MapSums { prediction: Vec::new(), reference: Vec::new() };
        for south in (0..height).step_by(steps.rows) {
            let cells = (steps.rows.min(height - south)) * width;
            sums.prediction.push(CellSums::new(cells, &metrics)?);
            if !skills.is_empty() {
                sums.reference.push(CellSums::new(cells, &skills)?);
            }
        }
        let census = walk(sources, steps, "map", |slab| {
            let band = slab.rows.start / steps.rows;
            let add = |sums: &mut CellSums, values: &[f32]| sums.add(&slab.truth, values, &slab.valid);
            add(&mut sums.prediction[band], &slab.prediction).map_err(|e| located(e, sources, slab, 0, &sources.prediction))?;
            if let (Some(values), Some(source), Some(reference)) =
                (&slab.reference, &sources.reference, sums.reference.get_mut(band))
            {
                add(reference, values).map_err(|e| located(e, sources, slab, 0, source))?;
            }
            Ok(())
        })?;
        Ok((sums, census))
    }

    /// The measure of every cell.
    fn values(&self, measure: Measure) -> anyhow::Result<Vec<Option<f64>>> {
        let mut all = Vec::new();
        for (band, prediction) in self.prediction.iter().enumerate() {
            all.extend(match measure {
                Measure::Pointwise(metric) => prediction.map(metric)?,
                Measure::Derived(derived) => bail!("{} makes no map", derived.name()),
                Measure::Skill(skill) => prediction.skill_map(&self.reference[band], skill)?,
            });
        }
        Ok(all)
    }

    /// Writes a variable for each measure, and `n`, the number of pairs. Cells where a measure is undefined are missing.
    ///
    /// # Errors
    /// One sentence where a measure is undefined in every cell, or the file cannot be written.
    pub fn write(
        &self,
        path: &Path,
        sources: &Sources<'_>,
        measures: &[(Measure, Protocol)],
        title: &str,
    ) -> anyhow::Result<String> {
        let (latitude, longitude) = (sources.truth.reader.latitude(), sources.truth.reader.longitude());
        let seconds: Vec<f64> = sources.moments.iter().filter_map(|m| m.seconds).collect();
        let middle = match (seconds.first(), seconds.last()) {
            (Some(first), Some(last)) => 0.5 * (first + last),
            _ => 0.0,
        };
        let field = |name: &str, values: Vec<Option<f64>>, unit: Unit| -> anyhow::Result<Field> {
            let cells = values.iter().map(|v| if v.is_some() { Cell::Valid } else { Cell::Missing }).collect();
            let values = values.iter().map(|v| v.unwrap_or(0.0) as f32).collect();
            let time = TimeAxis::from_seconds(vec![middle])?;
            Ok(Field::new(name, values, Mask::from_cells(cells), time, latitude.clone(), longitude.clone(), unit)?)
        };
        let mut fields = Vec::new();
        let mut text =
            format!("{}: {} instants, {} x {} cells\n", path.display(), sources.moments.len(), latitude.len(), longitude.len());
        for (measure, protocol) in measures {
            let values = self.values(*measure)?;
            let defined: Vec<f64> = values.iter().flatten().copied().collect();
            if defined.is_empty() {
                bail!(
                    "{} is undefined in every cell (too few instants, or constant in time); no map was written",
                    measure.name()
                );
            }
            let (low, high) = defined.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
            let unit = measure.unit(sources.unit())?;
            text += &format!("{}: {low:.5} to {high:.5} {unit} in {} cells\n", measure.name(), defined.len());
            let map = field(measure.name(), values, unit)?;
            fields.push(
                map.with_attribute("long_name", format!("{} over time", measure.name()))
                    .with_attribute("protocol", protocol.hash())
                    .with_attribute("data_unit", &protocol.unit)
                    .with_attribute("mask", &protocol.mask)
                    .with_attribute("period", &protocol.period),
            );
        }
        let counts = self.prediction.iter().flat_map(CellSums::counts).map(|n| Some(f64::from(n))).collect();
        fields.push(field("n", counts, Unit::One)?.with_attribute("long_name", "number of pairs in time"));
        let provenance = Provenance {
            title: title.to_string(),
            source: "isotherm score --over time".into(),
            references: "isotherm, an executable paper".into(),
            ..Provenance::default()
        };
        let all: Vec<&Field> = fields.iter().collect();
        write_fields(path, &all, &provenance).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(text.trim_end().to_string())
    }
}
