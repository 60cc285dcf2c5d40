//! Fields to a CF-1.11 file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::attribute::Attribute;
use super::builder::{Builder, Container, write_file};
use super::coordinates::{FILTERS, define_axis, define_time, frame_chunks, put_axis, time_values};
use super::error::{CfError, CfResult};
use super::flags::MEANINGS;
use super::packing::{FLOAT32_FILL, INT16_FILL, Packing, Settled};
use super::raw::{ElementType, Raw};
use super::time_units::TimeUnits;
use crate::grid::{Field, Unit};

/// Where a file comes from: the global attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// What the file holds, in a line.
    pub title: String,
    /// What was done, with which program, when.
    pub history: String,
    /// The method or the data that it was made from.
    pub source: String,
    /// Papers and DOIs.
    pub references: String,
    /// Further global attributes (`institution`, `comment`, ...).
    pub extra: BTreeMap<String, String>,
}

/// From when the file counts seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Epoch {
    /// 1970-01-01, as this house and Unix do.
    #[default]
    Unix,
    /// 1981-01-01, as GHRSST does.
    Ghrsst,
}

impl Epoch {
    /// The units of the time coordinate.
    pub fn units(self) -> &'static str {
        match self {
            Epoch::Unix => "seconds since 1970-01-01 00:00:00",
            Epoch::Ghrsst => "seconds since 1981-01-01 00:00:00",
        }
    }
}

/// One small number for each cell that says what was done to it, on the grid of the fields beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagVariable {
    /// The variable's name.
    pub name: String,
    /// What it says.
    pub long_name: String,
    /// The number of each cell, (time, latitude, longitude).
    pub values: Vec<i8>,
    /// Each number with its word, for `flag_values` and `flag_meanings`.
    pub meanings: Vec<(i8, String)>,
}

/// How fields are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteOptions {
    /// The packing of every field that `packings` does not name.
    pub packing: Packing,
    /// Packings by the field's name.
    pub packings: BTreeMap<String, Packing>,
    /// Write the edges of the cells too.
    pub bounds: bool,
    /// From when seconds are counted.
    pub epoch: Epoch,
    /// Variables of flags beside the fields.
    pub flags: Vec<FlagVariable>,
    /// Names of the variables that tell more of a field, by the field's name: `ancillary_variables`.
    pub ancillary: BTreeMap<String, Vec<String>>,
}

/// Writes fields of one grid and one time axis to a CF-1.11 file in single precision, with cell bounds.
///
/// Every variable has a fill value, units, names, zlib and a checksum; a field with masked cells gets a
/// flag variable `NAME_mask` that says why each is masked, from which
/// [`read_field`](super::read_field) restores the mask. The file appears whole or not at all.
///
/// # Errors
/// [`CfError::Argument`] where there is no field, two have one name, grids or times differ, or a name is
/// not one of CF's; [`CfError::Library`] and [`CfError::File`] where writing fails.
///
/// # Example
/// ```
/// use isotherm::cf::{Dataset, Provenance, ReadOptions, read_field, write_fields};
/// use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
/// let lat = Axis::regular(AxisKind::Latitude, 0.5, 1.0, 2).unwrap();
/// let lon = Axis::regular(AxisKind::Longitude, 0.5, 1.0, 3).unwrap();
/// let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
/// let sst = Field::new("sst", vec![20.0; 6], Mask::all_valid(6), time, lat, lon, Unit::Celsius).unwrap();
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("sst.nc");
/// write_fields(&path, &[&sst], &Provenance { title: "A test".into(), ..Provenance::default() }).unwrap();
/// let back = read_field(&Dataset::open(&path).unwrap(), "sst", &ReadOptions::default()).unwrap();
/// assert_eq!(back.values(), sst.values());
/// ```
pub fn write_fields(path: &Path, fields: &[&Field], provenance: &Provenance) -> CfResult<()> {
    write_fields_with(path, fields, provenance, &WriteOptions { bounds: true, ..WriteOptions::default() })
}

/// [`write_fields`] with a choice of packing, bounds and epoch.
///
/// # Errors
/// As [`write_fields`]; [`CfError::Argument`] too where a value does not fit its packing.
pub fn write_fields_with(path: &Path, fields: &[&Field], provenance: &Provenance, options: &WriteOptions) -> CfResult<()> {
    let first = check_fields(fields, &options.flags)?;
    let units = TimeUnits::parse(options.epoch.units(), "standard")?;
    let packings = fields
        .iter()
        .map(|f| options.packings.get(f.name()).copied().unwrap_or(options.packing).settle(f))
        .collect::<CfResult<Vec<Settled>>>()?;
    write_file(path, Container::Netcdf4, |file| {
        let [_, rows, columns] = first.shape();
        file.unlimited_dimension("time", first.frames())?;
        file.dimension("lat", rows)?;
        file.dimension("lon", columns)?;
        if options.bounds {
            file.dimension("bounds", 2)?;
        }
        put_provenance(file, provenance)?;
        define_time(file, first.time(), &units, ElementType::F64)?;
        define_axis(file, "lat", first.latitude(), options.bounds)?;
        define_axis(file, "lon", first.longitude(), options.bounds)?;
        for (field, packing) in fields.iter().zip(&packings) {
            let ancillary = options.ancillary.get(field.name()).map_or(&[][..], Vec::as_slice);
            define_field(file, field, *packing, ancillary)?;
        }
        for flag in &options.flags {
            define_flag(file, flag, rows, columns)?;
        }
        file.put("time", &Raw::F64(time_values(first.time(), &units)?))?;
        put_axis(file, "lat", first.latitude(), options.bounds)?;
        put_axis(file, "lon", first.longitude(), options.bounds)?;
        for (field, packing) in fields.iter().zip(&packings) {
            put_field(file, field, *packing)?;
        }
        for flag in &options.flags {
            file.put(&flag.name, &Raw::I8(flag.values.clone()))?;
        }
        Ok(())
    })
}

/// The first field, if all of them fit into one file.
fn check_fields<'a>(fields: &[&'a Field], flags: &[FlagVariable]) -> CfResult<&'a Field> {
    let Some(first) = fields.first() else {
        return Err(CfError::Argument("no field was given to write".into()));
    };
    let mut names: BTreeSet<String> = ["time", "lat", "lon", "lat_bounds", "lon_bounds"].map(String::from).into();
    for field in fields {
        let name = field.name();
        check_name(name)?;
        if !names.insert(name.to_string()) || !names.insert(mask_name(field)) {
            return Err(CfError::Argument(format!("the name '{name}' would be written twice; rename a field")));
        }
        if !field.same_grid(first) {
            return Err(CfError::Argument(format!(
                "'{name}' of shape {:?} and '{}' of shape {:?} do not share grid and times; write them to two files",
                field.shape(),
                first.name(),
                first.shape()
            )));
        }
    }
    for flag in flags {
        check_name(&flag.name)?;
        if !names.insert(flag.name.clone()) {
            return Err(CfError::Argument(format!("the name '{}' would be written twice; rename a flag", flag.name)));
        }
        let unknown = flag.values.iter().find(|v| !flag.meanings.iter().any(|(value, _)| value == *v));
        let broken = flag.meanings.iter().any(|(_, word)| word.is_empty() || word.contains(char::is_whitespace));
        if flag.values.len() != first.values().len() || unknown.is_some() || broken {
            return Err(CfError::Argument(format!(
                "the flags '{}' hold {} values{}; one for each of {} cells, each with a meaning of one word, is wanted",
                flag.name,
                flag.values.len(),
                unknown.map_or(String::new(), |v| format!(" with a {v} that means nothing")),
                first.values().len()
            )));
        }
    }
    Ok(first)
}

fn check_name(name: &str) -> CfResult<()> {
    let orderly =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if orderly {
        return Ok(());
    }
    Err(CfError::Argument(format!("'{name}' is no CF name; letters, digits and _ after a first letter are wanted")))
}

/// Writes the global attributes; empty ones are left out.
pub(super) fn put_provenance(file: &mut Builder, provenance: &Provenance) -> CfResult<()> {
    file.attribute(None, "Conventions", "CF-1.11")?;
    let Provenance { title, history, source, references, extra } = provenance;
    let named = [("title", title), ("history", history), ("source", source), ("references", references)];
    let extra = extra.iter().map(|(k, v)| (k.as_str(), v));
    for (key, text) in named.into_iter().chain(extra).filter(|(key, text)| !text.is_empty() && *key != "Conventions") {
        file.attribute(None, key, text.as_str())?;
    }
    Ok(())
}

fn mask_name(field: &Field) -> String {
    format!("{}_mask", field.name())
}

fn has_mask(field: &Field) -> bool {
    field.mask().count_valid() < field.mask().len()
}

fn define_field(file: &mut Builder, field: &Field, packing: Settled, ancillary: &[String]) -> CfResult<()> {
    let name = field.name();
    let [_, rows, columns] = field.shape();
    file.variable(name, packing.element(), &["time", "lat", "lon"])?;
    file.storage(name, &frame_chunks(rows, columns, packing.element()), FILTERS)?;
    match packing {
        Settled::Float32 => file.attribute(Some(name), "_FillValue", FLOAT32_FILL)?,
        Settled::Int16 { scale, offset } => {
            file.attribute(Some(name), "_FillValue", INT16_FILL)?;
            file.attribute(Some(name), "scale_factor", scale)?;
            file.attribute(Some(name), "add_offset", offset)?;
        }
    }
    file.attribute(Some(name), "units", field.unit().cf_name())?;
    match field.unit() {
        Unit::KelvinDifference => file.attribute(Some(name), "units_metadata", "temperature: difference")?,
        Unit::Kelvin | Unit::Celsius => file.attribute(Some(name), "units_metadata", "temperature: on_scale")?,
        _ => {}
    }
    let own = ["_FillValue", "scale_factor", "add_offset", "units", "units_metadata", "ancillary_variables", "coordinates"];
    let of_packing = ["valid_min", "valid_max", "valid_range", "missing_value", "_Unsigned"];
    for (key, text) in field.attributes() {
        if !own.contains(&key.as_str()) && !of_packing.contains(&key.as_str()) && !text.is_empty() {
            file.attribute(Some(name), key, text.as_str())?;
        }
    }
    if !field.attributes().contains_key("long_name") {
        file.attribute(Some(name), "long_name", name.replace('_', " "))?;
    }
    let mask = has_mask(field).then(|| mask_name(field));
    let ancillary: Vec<String> = mask.iter().chain(ancillary).cloned().collect();
    if !ancillary.is_empty() {
        file.attribute(Some(name), "ancillary_variables", ancillary.join(" "))?;
    }
    if let Some(mask) = mask {
        let long_name = format!("why a cell of {name} has no value");
        let meanings = MEANINGS.iter().map(|(cell, word)| (*cell as i8, (*word).to_string())).collect();
        define_flag(file, &FlagVariable { name: mask, long_name, values: Vec::new(), meanings }, rows, columns)?;
    }
    Ok(())
}

fn define_flag(file: &mut Builder, flag: &FlagVariable, rows: usize, columns: usize) -> CfResult<()> {
    let name = flag.name.as_str();
    file.variable(name, ElementType::I8, &["time", "lat", "lon"])?;
    file.storage(name, &frame_chunks(rows, columns, ElementType::I8), FILTERS)?;
    file.attribute(Some(name), "standard_name", "status_flag")?;
    file.attribute(Some(name), "long_name", flag.long_name.as_str())?;
    let values: Vec<i8> = flag.meanings.iter().map(|(value, _)| *value).collect();
    let words: Vec<&str> = flag.meanings.iter().map(|(_, word)| word.as_str()).collect();
    file.attribute(Some(name), "flag_values", Attribute::from(values.as_slice()))?;
    file.attribute(Some(name), "flag_meanings", words.join(" "))
}

fn put_field(file: &mut Builder, field: &Field, packing: Settled) -> CfResult<()> {
    let [times, rows, columns] = field.shape();
    let flags = has_mask(field).then(|| mask_name(field));
    for time in 0..times {
        let frame = [time..time + 1, 0..rows, 0..columns];
        file.put_slab(field.name(), &frame, &packing.encode(field, time))?;
        if let Some(mask) = &flags {
            file.put_slab(mask, &frame, &Raw::I8(field.frame_mask(time).iter().map(|c| *c as i8).collect()))?;
        }
    }
    Ok(())
}
