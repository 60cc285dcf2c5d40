//! The least of all corrections: the bicubic field plus a mean offset for each band of latitude.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::files::write_atomic;
use crate::grid::{Field, Interpolation, area_weights, upsample};
use crate::methods::error::{MethodError, MethodResult};

/// Raised when the file's layout changes.
const FORMAT: u32 = 1;

/// The mean offset of one band of latitude.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasBand {
    /// The mean latitude of the band's cells, in degrees.
    pub latitude: f64,
    /// What is added there, in the field's unit of differences.
    pub offset: f64,
    /// Cells, over all frames, that it was found from.
    pub cells: u64,
}

/// Bicubic plus an offset that follows latitude.
///
/// # Formula
/// ```text
/// y(φ, λ, t) = bicubic(x)(φ, λ, t) + o(φ)
/// ```
/// In each band `o` is the area-weighted mean of truth minus bicubic over the training frames; between the bands' mean
/// latitudes it is a straight line, outside of them constant, so that no step is seen at a border. A product's mean bias
/// against another is most of what a plain learned method gains over interpolation; this rung gains that and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasCorrected {
    format: u32,
    factor: usize,
    /// Symbol of the unit of the offsets.
    unit: String,
    /// From south to north.
    bands: Vec<BiasBand>,
}

impl BiasCorrected {
    /// The id in tables.
    pub const METHOD: &'static str = "bicubic_bias";

    /// The offsets from the frames `frames` of a coarse field and its truth on a grid `factor` times finer, in bands of
    /// `band_degrees`. Cells count where both are valid.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the grids, units or frames do not fit each other, or nothing is valid in both;
    /// [`MethodError::Grid`] for a factor of 0 or axes that cannot be refined.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
    /// use isotherm::methods::regression::BiasCorrected;
    /// let field = |value: f32, first: f64, spacing: f64, n: usize| {
    ///     let lat = Axis::regular(AxisKind::Latitude, first, spacing, n).unwrap();
    ///     let lon = Axis::regular(AxisKind::Longitude, first, spacing, n).unwrap();
    ///     let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
    ///     Field::new("sst", vec![value; n * n], Mask::all_valid(n * n), time, lat, lon, Unit::Celsius).unwrap()
    /// };
    /// let (coarse, truth) = (field(20.0, 0.5, 1.0, 4), field(20.5, 0.25, 0.5, 8));
    /// let found = BiasCorrected::fit(&coarse, &truth, 2, &[0], 10.0).unwrap();
    /// assert!((found.apply(&coarse).unwrap().values()[0] - 20.5).abs() < 1e-5);
    /// ```
    pub fn fit(coarse: &Field, truth: &Field, factor: usize, frames: &[usize], band_degrees: f64) -> MethodResult<BiasCorrected> {
        let wrong = |what: String| Err(MethodError::Argument(format!("{}: {what}", BiasCorrected::METHOD)));
        if !(band_degrees > 0.0 && band_degrees.is_finite()) {
            return wrong(format!("bands of {band_degrees} degrees; a positive width is wanted"));
        }
        if coarse.unit() != truth.unit() || coarse.frames() != truth.frames() {
            return wrong(format!(
                "the coarse field has {} frames in {}, the truth {} in {}; equal ones are wanted",
                coarse.frames(),
                coarse.unit().symbol(),
                truth.frames(),
                truth.unit().symbol()
            ));
        }
        if let Some(frame) = frames.iter().find(|f| **f >= truth.frames()) {
            return wrong(format!("frame {frame} does not exist; there are {}", truth.frames()));
        }
        let latitudes = truth.latitude().centres();
        let weights = area_weights(truth.latitude());
        let band = |latitude: f64| ((latitude + 90.0) / band_degrees).floor() as i64;
        // Of each band: weight, weighted latitude, weighted difference, cells.
        let mut sums: std::collections::BTreeMap<i64, (f64, f64, f64, u64)> = Default::default();
        let [_, rows, columns] = coarse.shape();
        for frame in frames {
            let high = upsample(&coarse.slice(*frame..frame + 1, 0..rows, 0..columns)?, factor, Interpolation::Bicubic)?;
            if high.shape()[1..] != truth.shape()[1..] {
                return wrong(format!("the refined field is {:?}, the truth {:?}", &high.shape()[1..], &truth.shape()[1..]));
            }
            let (fine_columns, values, cells) = (truth.shape()[2], truth.frame(*frame), truth.frame_mask(*frame));
            for (y, (latitude, weight)) in latitudes.iter().zip(&weights).enumerate() {
                let sum = sums.entry(band(*latitude)).or_default();
                for i in y * fine_columns..(y + 1) * fine_columns {
                    if cells[i].is_valid() && high.mask().is_valid(i) {
                        let difference = f64::from(values[i]) - f64::from(high.values()[i]);
                        *sum = (sum.0 + weight, sum.1 + weight * latitude, sum.2 + weight * difference, sum.3 + 1);
                    }
                }
            }
        }
        let bands: Vec<BiasBand> = sums
            .into_values()
            .filter(|sum| sum.3 > 0)
            .map(|(weight, latitude, difference, cells)| BiasBand {
                latitude: latitude / weight,
                offset: difference / weight,
                cells,
            })
            .collect();
        if bands.is_empty() {
            return wrong("no cell is valid in both the coarse field and the truth; give frames that have some".to_string());
        }
        Ok(BiasCorrected { format: FORMAT, factor, unit: truth.unit().difference().symbol().to_string(), bands })
    }

    /// The bands from south to north.
    pub fn bands(&self) -> &[BiasBand] {
        &self.bands
    }

    /// How many times finer the output is.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// Writes the offsets as JSON, whole or not at all.
    ///
    /// # Errors
    /// [`MethodError::Argument`] with the file's name where it cannot be written.
    pub fn save(&self, path: &Path) -> MethodResult<()> {
        let text = serde_json::to_string_pretty(self).map_err(|e| MethodError::Argument(e.to_string()))? + "\n";
        write_atomic(path, text.as_bytes())
            .map_err(|e| MethodError::Argument(format!("{} cannot be written: {e}", path.display())))
    }

    /// Reads what [`BiasCorrected::save`] wrote.
    ///
    /// # Errors
    /// [`MethodError::Argument`] with the file's name where it cannot be read or does not hold offsets.
    pub fn load(path: &Path) -> MethodResult<BiasCorrected> {
        let wrong = |problem: String| {
            MethodError::Argument(format!("{}: {problem}; give offsets that this program wrote", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|e| wrong(format!("it cannot be read ({e})")))?;
        let found: BiasCorrected = serde_json::from_str(&text).map_err(|e| wrong(format!("it does not hold offsets ({e})")))?;
        let ascending = found.bands.windows(2).all(|pair| pair[0].latitude < pair[1].latitude);
        let finite = found.bands.iter().all(|band| band.latitude.is_finite() && band.offset.is_finite());
        if found.format != FORMAT || found.factor == 0 || found.bands.is_empty() || !ascending || !finite {
            return Err(wrong("its format, factor or bands are out of range".to_string()));
        }
        Ok(found)
    }

    /// The offset at a latitude.
    fn offset(&self, latitude: f64) -> f64 {
        let after = self.bands.partition_point(|band| band.latitude < latitude);
        match (after.checked_sub(1).map(|before| self.bands[before]), self.bands.get(after)) {
            (Some(south), Some(north)) => {
                let share = (latitude - south.latitude) / (north.latitude - south.latitude);
                south.offset + share * (north.offset - south.offset)
            }
            (Some(last), None) => last.offset,
            (None, first) => first.map_or(0.0, |first| first.offset),
        }
    }

    /// The bicubic field with its offsets. Land and gaps are filled before and masked after.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for a field of another kind of unit; [`MethodError::Grid`] for axes that cannot be refined.
    pub fn apply(&self, low: &Field) -> MethodResult<Field> {
        let unit = low.unit().difference();
        if unit.symbol() != self.unit {
            return Err(MethodError::Argument(format!(
                "{}: its offsets are in {}, but differences of the field are in {}",
                BiasCorrected::METHOD,
                self.unit,
                unit.symbol()
            )));
        }
        let high = upsample(low, self.factor, Interpolation::Bicubic)?;
        let [_, rows, columns] = high.shape();
        let offsets: Vec<f32> = high.latitude().centres().iter().map(|latitude| self.offset(*latitude) as f32).collect();
        let values = high.values().iter().enumerate().map(|(i, v)| {
            // What lies under the mask stays as it is.
            if high.mask().is_valid(i) { v + offsets[i / columns % rows] } else { *v }
        });
        Ok(high.with_values(values.collect(), high.mask().clone())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    fn field(values: impl Fn(usize, f64) -> f32, first: f64, spacing: f64, [rows, columns]: [usize; 2], unit: Unit) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, first, spacing, rows).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.0, spacing, columns).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0, 86400.0]).unwrap();
        let all = (0..2 * rows * columns).map(|i| values(i / (rows * columns), lat.centres()[i / columns % rows])).collect();
        Field::new("sst", all, Mask::all_valid(2 * rows * columns), time, lat, lon, unit).unwrap()
    }

    /// A constant analysis of 10, and a truth that is 2 above it south of 10° and 3 above it north of it, in frame 0 only.
    fn study() -> (Field, Field) {
        let low = field(|_, _| 10.0, 0.5, 1.0, [20, 4], Unit::Celsius);
        let truth = field(
            |t, latitude| {
                if t == 1 {
                    99.0
                } else if latitude < 10.0 {
                    12.0
                } else {
                    13.0
                }
            },
            0.25,
            0.5,
            [40, 8],
            Unit::Celsius,
        );
        (low, truth)
    }

    #[test]
    fn offsets_by_hand() {
        let (low, truth) = study();
        let found = BiasCorrected::fit(&low, &truth, 2, &[0], 10.0).unwrap();
        let [south, north] = found.bands() else { panic!("{found:?}") };
        assert!((south.offset - 2.0).abs() < 1e-6 && (north.offset - 3.0).abs() < 1e-6);
        assert_eq!((south.cells, north.cells), (160, 160));
        // The mean latitude by area of 0 to 10 degrees: ∫ φ cos φ / ∫ cos φ = (cos 10° + α sin 10° - 1) / sin 10°, α = π / 18.
        let alpha = 10f64.to_radians();
        let mean = ((alpha.cos() + alpha * alpha.sin() - 1.0) / alpha.sin()).to_degrees();
        assert!((south.latitude - mean).abs() < 0.01, "{} {mean}", south.latitude);
        // Half way between the two the offset is half way; beyond them it is constant.
        assert!((found.offset((south.latitude + north.latitude) / 2.0) - 2.5).abs() < 1e-6);
        assert!((found.offset(-60.0) - 2.0).abs() < 1e-6 && (found.offset(80.0) - 3.0).abs() < 1e-6);
        let high = found.apply(&low).unwrap();
        assert_eq!(high.shape(), [2, 40, 8]);
        assert!((high.get(1, 0, 3).unwrap() - 12.0).abs() < 1e-5 && (high.get(0, 39, 7).unwrap() - 13.0).abs() < 1e-5);
        // Kelvin is as good as Celsius: the offsets are differences.
        let kelvin = low.to_unit(Unit::Kelvin).unwrap();
        assert!((found.apply(&kelvin).unwrap().get(0, 0, 0).unwrap() - 285.15).abs() < 1e-3);
    }

    #[test]
    fn land_counts_nowhere_and_stays() {
        let (low, truth) = study();
        let found = BiasCorrected::fit(&low, &truth, 2, &[0], 10.0).unwrap();
        // Wild values under a mask in truth and analysis.
        let masked = |f: &Field, cell: usize| {
            let mut cells = f.mask().cells().to_vec();
            cells[cell] = Cell::Land;
            let mut values = f.values().to_vec();
            values[cell] = 1e6;
            f.with_values(values, Mask::from_cells(cells)).unwrap()
        };
        let (wild_low, wild_truth) = (masked(&low, 0), masked(&truth, 20));
        let again = BiasCorrected::fit(&wild_low, &wild_truth, 2, &[0], 10.0).unwrap();
        assert!(found.bands().iter().zip(again.bands()).all(|(a, b)| (a.offset - b.offset).abs() < 1e-5));
        assert_eq!(again.bands()[0].cells, 155);
        assert_eq!(again.apply(&wild_low).unwrap().get(0, 1, 1), None);
    }

    #[test]
    fn files_come_back_and_what_does_not_fit_is_refused() {
        let (low, truth) = study();
        let found = BiasCorrected::fit(&low, &truth, 2, &[0], 10.0).unwrap();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("bias.json");
        found.save(&path).unwrap();
        assert_eq!(BiasCorrected::load(&path).unwrap(), found);
        std::fs::write(&path, "{}").unwrap();
        assert!(BiasCorrected::load(&path).unwrap_err().to_string().contains("bias.json"));
        let message = |error: MethodError| error.to_string();
        assert!(message(BiasCorrected::fit(&low, &truth, 2, &[2], 10.0).unwrap_err()).contains("frame 2"));
        assert!(message(BiasCorrected::fit(&low, &truth, 2, &[], 10.0).unwrap_err()).contains("valid in both"));
        assert!(message(BiasCorrected::fit(&low, &truth, 4, &[0], 10.0).unwrap_err()).contains("refined"));
        assert!(message(BiasCorrected::fit(&low, &truth, 2, &[0], 0.0).unwrap_err()).contains("positive"));
        let other = field(|_, _| 1.0, 0.5, 1.0, [20, 4], Unit::Metre);
        assert!(message(found.apply(&other).unwrap_err()).contains("differences"));
    }
}
