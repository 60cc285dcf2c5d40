//! Observations in NetCDF: iQuam's monthly tables and Argo profiles.

use std::path::Path;

use crate::cf::{Dataset, Decoded, TimeUnits};
use crate::data::{DataError, DataResult, Observation, Observations, Platform};
use crate::grid::{Unit, seconds_of_date};

/// Argo samples deeper than this (decibar, about metres) say nothing of the surface.
const ARGO_SURFACE_DECIBAR: f64 = 10.0;

/// One file with the means to say what is wrong with it.
struct Table {
    dataset: Dataset,
    path: String,
}

impl Table {
    fn open(path: &Path) -> DataResult<Table> {
        let path_text = path.display().to_string();
        let dataset = Dataset::open(path).map_err(|e| DataError::Content { what: path_text.clone(), problem: e.to_string() })?;
        Ok(Table { dataset, path: path_text })
    }

    fn fail(&self, problem: impl Into<String>) -> DataError {
        DataError::Content { what: self.path.clone(), problem: problem.into() }
    }

    /// The first of `names` that the file has.
    fn read(&self, names: &[&str]) -> DataResult<Decoded> {
        let name = names.iter().copied().find(|n| self.dataset.has(n)).unwrap_or(names[0]);
        self.dataset.read(name).map_err(|e| self.fail(e.to_string()))
    }

    fn optional(&self, names: &[&str]) -> DataResult<Option<Decoded>> {
        if names.iter().any(|n| self.dataset.has(n)) { self.read(names).map(Some) } else { Ok(None) }
    }

    /// Temperatures in degrees Celsius, by the variable's own unit (kelvin where it states none and the values say so).
    fn celsius(&self, names: &[&str]) -> DataResult<Decoded> {
        let mut column = self.read(names)?;
        let unit = match crate::cf::text_of(&column.attributes, "units") {
            Some(text) => Unit::parse(text)?,
            None => return Err(self.fail(format!("'{}' states no unit; kelvin or degree_Celsius is wanted", names[0]))),
        };
        let (factor, offset) = unit.conversion(Unit::Celsius)?;
        column.values.iter_mut().for_each(|v| *v = factor * *v + offset);
        Ok(column)
    }
}

/// Reads a monthly file of iQuam v2.10: one row an observation, date in columns, `platform_type` 1 ship, 2 drifter
/// and 6 high-resolution drifter, 3 tropical and 4 coastal mooring, 5 Argo; `quality_level` 5 best.
///
/// # Errors
/// [`DataError::Content`] where the file is damaged or lacks a variable.
pub fn read_iquam(path: &Path) -> DataResult<Observations> {
    let table = Table::open(path)?;
    let (latitude, longitude, sst) = (table.read(&["lat"])?, table.read(&["lon"])?, table.celsius(&["sst"])?);
    let parts = ["year", "month", "day", "hour", "minute"].map(|name| table.read(&[name]));
    let [year, month, day, hour, minute] = parts;
    let (year, month, day, hour, minute) = (year?, month?, day?, hour?, minute?);
    let second = table.optional(&["second"])?;
    let (kind, quality) = (table.read(&["platform_type"])?, table.read(&["quality_level"])?);
    let depth = table.optional(&["depth"])?;
    let identifiers = table.optional(&["platform_id_number", "platform_number"]).ok().flatten();
    let n = sst.values.len();
    if [&latitude, &longitude, &year, &month, &day, &hour, &minute, &kind, &quality].iter().any(|c| c.values.len() != n) {
        return Err(table.fail("its columns differ in length; one row an observation is wanted"));
    }
    let mut observations = Vec::new();
    for i in 0..n {
        if ![&latitude, &longitude, &sst, &year, &month, &day, &hour, &minute].iter().all(|c| c.valid[i]) {
            continue;
        }
        let date = chrono::NaiveDate::from_ymd_opt(year.values[i] as i32, month.values[i] as u32, day.values[i] as u32);
        let Some(date) = date else { continue };
        let seconds = second.as_ref().filter(|s| s.valid.get(i) == Some(&true)).map_or(0.0, |s| s.values[i]);
        observations.push(Observation {
            time: seconds_of_date(date) + hour.values[i] * 3600.0 + minute.values[i] * 60.0 + seconds,
            latitude: latitude.values[i],
            longitude: longitude.values[i],
            sst_celsius: sst.values[i],
            depth_metres: depth.as_ref().filter(|d| d.valid.get(i) == Some(&true)).map(|d| d.values[i]),
            platform_id: identifiers.as_ref().map_or_else(|| format!("iquam-{}", kind.values[i]), |d| format!("{}", d.values[i])),
            platform: match kind.values[i] as i64 {
                1 => Platform::Ship,
                2 | 6 => Platform::Drifter,
                3 | 4 => Platform::Mooring,
                5 => Platform::Argo,
                _ => Platform::Other,
            },
            quality: if quality.valid[i] { quality.values[i].clamp(0.0, 5.0) as u8 } else { 0 },
        });
    }
    if observations.is_empty() {
        return Err(table.fail(format!("has {n} rows, none with a date, a position and a temperature")));
    }
    Ok(Observations(observations))
}

/// Reads Argo profiles (`TEMP`, `PRES` by profile and level): the shallowest good sample of each, if above 10 dbar.
///
/// # Errors
/// As [`read_iquam`].
pub fn read_argo(path: &Path) -> DataResult<Observations> {
    let table = Table::open(path)?;
    let (latitude, longitude) = (table.read(&["LATITUDE"])?, table.read(&["LONGITUDE"])?);
    let (pressure, temperature) = (table.read(&["PRES"])?, table.celsius(&["TEMP"])?);
    let clock = table.read(&["TIME", "JULD"])?;
    let text = |name: &str| crate::cf::text_of(&clock.attributes, name);
    let units =
        text("units").ok_or_else(|| table.fail("its time states no units; for instance 'days since 1950-01-01' is wanted"))?;
    let units = TimeUnits::parse(units, text("calendar").unwrap_or("standard")).map_err(|e| table.fail(e.to_string()))?;
    let time: Vec<f64> = clock
        .values
        .iter()
        .map(|v| if v.is_finite() { units.seconds(*v).map_err(|e| table.fail(e.to_string())) } else { Ok(f64::NAN) })
        .collect::<DataResult<_>>()?;
    let number = table.optional(&["PLATFORM_NUMBER"]).ok().flatten();
    let profiles = latitude.values.len();
    let levels = temperature.values.len() / profiles.max(1);
    if pressure.values.len() != temperature.values.len() || time.len() != profiles {
        return Err(table.fail("PRES, TEMP and TIME do not fit together by profile"));
    }
    let mut observations = Vec::new();
    for p in 0..profiles {
        let shallowest = (p * levels..(p + 1) * levels)
            .filter(|i| pressure.valid[*i] && temperature.valid[*i] && pressure.values[*i] <= ARGO_SURFACE_DECIBAR)
            .min_by(|a, b| pressure.values[*a].total_cmp(&pressure.values[*b]));
        if let Some(i) = shallowest.filter(|_| latitude.valid[p] && longitude.valid[p] && time[p].is_finite()) {
            observations.push(Observation {
                time: time[p],
                latitude: latitude.values[p],
                longitude: longitude.values[p],
                sst_celsius: temperature.values[i],
                depth_metres: Some(pressure.values[i]),
                platform_id: number.as_ref().map_or_else(|| "argo".into(), |n| format!("{}", n.values[p])),
                platform: Platform::Argo,
                quality: 5,
            });
        }
    }
    if observations.is_empty() {
        return Err(table.fail(format!("has {profiles} profiles, none with a temperature above {ARGO_SURFACE_DECIBAR} dbar")));
    }
    Ok(Observations(observations))
}
