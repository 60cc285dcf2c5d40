//! Observations in NetCDF: iQuam's monthly tables and Argo profiles.

use std::path::Path;

use super::columns::Columns;
use crate::cf::{TimeUnits, text_of};
use crate::data::{DataResult, Observation, Observations, Platform};
use crate::grid::seconds_of_date;

/// Argo samples deeper than this (decibar, about metres) say nothing of the surface.
const ARGO_SURFACE_DECIBAR: f64 = 10.0;

/// Reads a monthly file of iQuam v2.10: one row an observation, date in columns, `platform_type` 1 ship, 2 drifter,
/// 3 tropical and 4 coastal mooring, 5 Argo, 6 high-resolution drifter, 7 ship of IMOS, 8 coral reef station;
/// `quality_level` 5 best. Rows without a date, a position or a temperature are left out.
///
/// # Errors
/// [`DataError::Cf`](crate::data::DataError::Cf) where the file is damaged or lacks a variable;
/// [`DataError::Content`](crate::data::DataError::Content) where its columns differ in length, the temperature states no
/// unit, or no row is usable.
///
/// # Reference
/// Xu and Ignatov (2014), In situ SST Quality Monitor (iQuam). doi:10.1175/JTECH-D-13-00121.1
pub fn read_iquam(path: &Path) -> DataResult<Observations> {
    let table = Columns::open(path)?;
    let (latitude, longitude, sst) = (table.numbers("lat")?, table.numbers("lon")?, table.celsius("sst")?);
    let (year, month, day) = (table.numbers("year")?, table.numbers("month")?, table.numbers("day")?);
    let (hour, minute, second) = (table.numbers("hour")?, table.numbers("minute")?, table.optional("second")?);
    let (kind, quality) = (table.numbers("platform_type")?, table.numbers("quality_level")?);
    let depth = table.optional("depth")?;
    let identifiers = table.texts("platform_id")?;
    let n = sst.values.len();
    let columns = [&latitude, &longitude, &year, &month, &day, &hour, &minute, &kind, &quality];
    let optional = [&second, &depth].into_iter().flatten();
    if columns.into_iter().chain(optional).any(|c| c.values.len() != n) || identifiers.as_ref().is_some_and(|i| i.len() != n) {
        return Err(table.fail("has columns that differ in length; one row an observation is wanted"));
    }
    let mut observations = Vec::new();
    for i in 0..n {
        if ![&latitude, &longitude, &sst, &year, &month, &day, &hour, &minute].iter().all(|c| c.valid[i]) {
            continue;
        }
        let date = chrono::NaiveDate::from_ymd_opt(year.values[i] as i32, month.values[i] as u32, day.values[i] as u32);
        let Some(date) = date else { continue };
        let kind = if kind.valid[i] { kind.values[i] as i64 } else { 0 };
        let seconds = second.as_ref().filter(|s| s.valid[i]).map_or(0.0, |s| s.values[i]);
        observations.push(Observation {
            time: seconds_of_date(date) + hour.values[i] * 3600.0 + minute.values[i] * 60.0 + seconds,
            latitude: latitude.values[i],
            longitude: longitude.values[i],
            sst_celsius: sst.values[i],
            depth_metres: depth.as_ref().filter(|d| d.valid[i]).map(|d| d.values[i]),
            platform_id: identifiers.as_ref().map_or_else(|| format!("iquam-{kind}"), |ids| ids[i].clone()),
            platform: match kind {
                1 | 7 => Platform::Ship,
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
/// Both the archive's layout (`JULD`, quality flags as characters, by level) and that of Argo's Python tools (`TIME`,
/// flags as numbers, by profile) are read. A sample is good where every flag that the file has for it, its position and
/// its time is 1 (quality 5) or 2, probably good (quality 4); without flags the quality is 5. Temperatures are those
/// measured (`TEMP`), not the adjusted ones.
///
/// # Errors
/// As [`read_iquam`].
///
/// # Reference
/// Argo Data Management Team, Argo user's manual. doi:10.13155/29825
pub fn read_argo(path: &Path) -> DataResult<Observations> {
    let table = Columns::open(path)?;
    let (latitude, longitude) = (table.numbers("LATITUDE")?, table.numbers("LONGITUDE")?);
    let (pressure, temperature) = (table.numbers("PRES")?, table.celsius("TEMP")?);
    let clock_name = if table.has("TIME") { "TIME" } else { "JULD" };
    let clock = table.numbers(clock_name)?;
    let text = |name: &str| text_of(&clock.attributes, name);
    let units = text("units").ok_or_else(|| {
        table.fail(format!("has a '{clock_name}' without units; for instance 'days since 1950-01-01' is wanted"))
    })?;
    let units = TimeUnits::parse(units, text("calendar").unwrap_or("standard"))?;
    let identifiers = table.texts("PLATFORM_NUMBER")?;
    let profiles = latitude.values.len();
    let samples = temperature.values.len();
    let levels = samples / profiles.max(1);
    let by_profile = [longitude.values.len(), clock.values.len(), identifiers.as_ref().map_or(profiles, Vec::len)];
    if pressure.values.len() != samples || samples != profiles * levels || by_profile.iter().any(|n| *n != profiles) {
        return Err(table.fail("has LATITUDE, LONGITUDE, time, PRES and TEMP that do not fit together by profile"));
    }
    let flags: Vec<Vec<u8>> = ["TEMP_QC", "PRES_QC", "POSITION_QC", &format!("{clock_name}_QC")]
        .into_iter()
        .filter_map(|name| table.digits(name, profiles, levels).transpose())
        .collect::<DataResult<_>>()?;
    let mut observations = Vec::new();
    for p in (0..profiles).filter(|p| latitude.valid[*p] && longitude.valid[*p] && clock.valid[*p]) {
        let worst = |i: usize| flags.iter().map(|f| if f.len() == profiles { f[p] } else { f[i] }).max().unwrap_or(1);
        let good = |i: &usize| pressure.valid[*i] && temperature.valid[*i] && matches!(worst(*i), 1 | 2);
        let shallowest = (p * levels..(p + 1) * levels)
            .filter(|i| good(i) && pressure.values[*i] <= ARGO_SURFACE_DECIBAR)
            .min_by(|a, b| pressure.values[*a].total_cmp(&pressure.values[*b]));
        if let Some(i) = shallowest {
            observations.push(Observation {
                time: units.seconds(clock.values[p])?,
                latitude: latitude.values[p],
                longitude: longitude.values[p],
                sst_celsius: temperature.values[i],
                depth_metres: Some(pressure.values[i]),
                platform_id: identifiers.as_ref().map_or_else(|| "argo".into(), |ids| ids[p].clone()),
                platform: Platform::Argo,
                quality: if worst(i) == 1 { 5 } else { 4 },
            });
        }
    }
    if observations.is_empty() {
        return Err(
            table.fail(format!("has {profiles} profiles, none with a good temperature above {ARGO_SURFACE_DECIBAR} dbar"))
        );
    }
    Ok(Observations(observations))
}
