//! A variable of a file as a [`Field`].

use std::ops::Range;

use super::axes::{Layout, layout_of, read_axis};
use super::block::{Block, VALUES_AT_A_TIME};
use super::dataset::{Dataset, Variable};
use super::decode::Decoding;
use super::error::{CfError, CfResult};
use super::flags::cells_of_flags;
use super::selection::{BoundingBox, Run, columns, rows};
use super::time_units::TimeUnits;
use crate::grid::{Axis, AxisKind, Cell, Field, GridError, Mask, TimeAxis, Unit, wrap_180};

/// What to read of a variable, and how to understand what the file leaves open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// The instants to read, by position; all where absent.
    pub times: Option<Range<usize>>,
    /// The position along a further dimension (depth, height) longer than one.
    pub level: Option<usize>,
    /// The unit wanted; that of the file where absent.
    pub unit: Option<Unit>,
    /// The unit of a variable that has no `units` attribute.
    pub default_unit: Option<Unit>,
    /// The box to read, by cell centres; the whole grid where absent.
    pub bounds: Option<BoundingBox>,
    /// Seconds since 1970 of a file without time; 0 where absent.
    pub default_time: Option<f64>,
}

/// Reads a variable on a latitude-longitude grid.
///
/// Latitudes run south to north and longitudes west to east in the field, whatever they do in the file;
/// longitudes keep the file's count (0..360 or -180..180), or that of the box. Cells with a fill value are
/// [`Cell::Missing`], unless an ancillary variable of flags with the meanings that
/// [`write_fields`](super::write_fields) writes says why. Dimensions of length one that are no axis are
/// dropped. A variable of errors, anomalies or differences of temperature gets a difference's unit.
/// Without a time in the file the field has the attribute `time_note`.
///
/// # Errors
/// [`CfError::MissingVariable`], [`CfError::Layout`] (no grid, a curvilinear grid, an unchosen level),
/// [`CfError::Grid`] (unknown unit, broken axis), [`CfError::Time`], [`CfError::Empty`], and those of
/// [`Dataset::read`].
///
/// # Example
/// ```no_run
/// use isotherm::cf::{Dataset, ReadOptions, read_field};
/// use isotherm::grid::Unit;
/// let dataset = Dataset::open("sst.nc".as_ref())?;
/// let options = ReadOptions { unit: Some(Unit::Celsius), ..ReadOptions::default() };
/// let field = read_field(&dataset, "analysed_sst", &options)?;
/// # Ok::<(), isotherm::cf::CfError>(())
/// ```
pub fn read_field(dataset: &Dataset, variable: &str, options: &ReadOptions) -> CfResult<Field> {
    let grid_error = |source: GridError| CfError::Grid { path: dataset.path().to_path_buf(), source };
    let empty = |problem: String| CfError::Empty { path: dataset.path().to_path_buf(), problem };
    let facts = dataset.variable(variable)?;
    let layout = layout_of(dataset, facts)?;
    let level = chosen_level(dataset, facts, &layout, options.level)?;
    let file_unit = unit_of(dataset, facts, options.default_unit)?;
    let unit = match options.unit {
        Some(wanted) if file_unit == Unit::KelvinDifference => wanted.difference(),
        Some(wanted) => wanted,
        None => file_unit,
    };
    let (factor, offset) = file_unit.conversion(unit).map_err(grid_error)?;
    let latitude = read_axis(dataset, &layout.latitude_name, AxisKind::Latitude)?;
    let longitude = read_axis(dataset, &layout.longitude_name, AxisKind::Longitude)?;
    let (row_range, runs) = match &options.bounds {
        None => (0..latitude.len(), vec![Run { columns: 0..longitude.len(), turn: 0.0 }]),
        Some(area) => (rows(&latitude, area), columns(&longitude, area)),
    };
    if row_range.is_empty() || runs.is_empty() {
        let (lat, lon) = (latitude.centres(), longitude.centres());
        return Err(empty(format!(
            "the box {:?} holds no cell of '{variable}', whose grid spans latitudes {} to {} and longitudes {} to {}",
            options.bounds,
            lat[0],
            lat[lat.len() - 1],
            lon[0],
            lon[lon.len() - 1]
        )));
    }
    let total_times = layout.time.map_or(1, |position| facts.shape[position]);
    let times = options.times.clone().unwrap_or(0..total_times);
    if times.is_empty() || times.end > total_times {
        return Err(empty(format!("instants {times:?} of '{variable}' were asked for; it has {total_times}")));
    }
    let (time, stated) = time_axis(dataset, facts, &layout, &times, options.default_time)?;
    let block = Block {
        dataset,
        facts,
        layout: &layout,
        level,
        rows: row_range.clone(),
        runs: &runs,
        values_at_a_time: VALUES_AT_A_TIME,
    };
    let (values, mut cells) = block.read(&times, &Decoding::of(dataset, facts)?, factor, offset)?;
    if let Some(flags) = cells_of_flags(dataset, facts)? {
        let same_shape = dataset.variable(&flags.variable)?.shape == facts.shape;
        if same_shape && flags.complete {
            let flag_facts = dataset.variable(&flags.variable)?;
            let flag_block = Block { facts: flag_facts, ..block };
            let (codes, _) = flag_block.read(&times, &Decoding::of(dataset, flag_facts)?, 1.0, 0.0)?;
            for (cell, code) in cells.iter_mut().zip(codes) {
                if !cell.is_valid() {
                    *cell = flags.cell(code).filter(|c| !c.is_valid()).unwrap_or(Cell::Missing);
                }
            }
        }
    }
    let latitude = latitude.slice(row_range).map_err(grid_error)?;
    let longitudes = runs.iter().flat_map(|r| longitude.centres()[r.columns.clone()].iter().map(|c| c + r.turn)).collect();
    let longitude = Axis::new(AxisKind::Longitude, longitudes).map_err(grid_error)?;
    let mut field = Field::new(variable, values, Mask::from_cells(cells), time, latitude, longitude, unit).map_err(grid_error)?;
    for (name, attribute) in &facts.attributes {
        let of_the_file = matches!(name.as_str(), "units" | "coordinates" | "ancillary_variables" | "grid_mapping" | "_Unsigned");
        if let (Some(text), false) = (attribute.text(), of_the_file) {
            field = field.with_attribute(name, text);
        }
    }
    if !stated {
        field = field.with_attribute("time_note", "the file states no time");
    }
    field.into_ascending().map_err(grid_error)
}

/// The field with longitudes in -180..180, rolled where the grid goes around the globe.
///
/// # Errors
/// [`CfError::Argument`] where a grid of part of the globe crosses the date line, so that it would fall
/// into two pieces.
///
/// # Example
/// ```
/// use isotherm::cf::roll_longitude;
/// use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
/// let lat = Axis::regular(AxisKind::Latitude, 0.0, 1.0, 1).unwrap();
/// let lon = Axis::regular(AxisKind::Longitude, 45.0, 90.0, 4).unwrap(); // 45, 135, 225, 315
/// let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
/// let field = Field::new("f", vec![1.0, 2.0, 3.0, 4.0], Mask::all_valid(4), time, lat, lon, Unit::One).unwrap();
/// let rolled = roll_longitude(&field).unwrap();
/// assert_eq!(rolled.longitude().centres(), &[-135.0, -45.0, 45.0, 135.0]);
/// assert_eq!(rolled.values(), &[3.0, 4.0, 1.0, 2.0]);
/// ```
pub fn roll_longitude(field: &Field) -> CfResult<Field> {
    let wrapped: Vec<f64> = field.longitude().centres().iter().map(|c| wrap_180(*c)).collect();
    let jumps: Vec<usize> = (1..wrapped.len()).filter(|i| wrapped[*i] < wrapped[i - 1]).collect();
    let start = match jumps.as_slice() {
        [] => 0,
        [one] if field.longitude().wraps() => *one,
        _ => {
            return Err(CfError::Argument(format!(
                "the longitudes {} to {} cross the date line and do not go around the globe; keep them as they are",
                field.longitude().centres()[0],
                field.longitude().centres()[wrapped.len() - 1]
            )));
        }
    };
    let width = wrapped.len();
    let argument = |e: GridError| CfError::Argument(e.to_string());
    let order = |i: usize| i / width * width + (i % width + start) % width;
    let values = (0..field.values().len()).map(|i| field.values()[order(i)]).collect();
    let cells = (0..field.values().len()).map(|i| field.mask().cells()[order(i)]).collect();
    let longitude =
        Axis::new(AxisKind::Longitude, (0..width).map(|i| wrapped[(i + start) % width]).collect()).map_err(argument)?;
    let mut rolled = Field::new(
        field.name(),
        values,
        Mask::from_cells(cells),
        field.time().clone(),
        field.latitude().clone(),
        longitude,
        field.unit(),
    )
    .map_err(argument)?;
    for (name, text) in field.attributes() {
        rolled = rolled.with_attribute(name, text);
    }
    Ok(rolled)
}

/// The unit of a variable; temperatures that are errors, anomalies or differences get a difference's.
pub(super) fn unit_of(dataset: &Dataset, facts: &Variable, default: Option<Unit>) -> CfResult<Unit> {
    let grid_error = |source| CfError::Grid { path: dataset.path().to_path_buf(), source };
    let unit = match (facts.text("units"), default) {
        (Some(text), _) => Unit::parse(text).map_err(|source| match source {
            GridError::UnknownUnit { found, wanted } => CfError::Attribute {
                path: dataset.path().to_path_buf(),
                variable: facts.name.clone(),
                attribute: "units".into(),
                problem: format!("is '{found}', which is not known; wanted one of: {wanted}"),
            },
            other => grid_error(other),
        })?,
        (None, Some(unit)) => unit,
        (None, None) => {
            return Err(dataset.layout(&facts.name, "has no units attribute; say which unit it has (default_unit)".into()));
        }
    };
    Ok(if is_difference(facts) { unit.difference() } else { unit })
}

/// Does the variable hold differences? By `units_metadata` (CF-1.11), else by its names.
fn is_difference(facts: &Variable) -> bool {
    if let Some(text) = facts.text("units_metadata") {
        return text.contains("difference");
    }
    let words = ["error", "anomaly", "anomalies", "deviation", "difference", "uncertainty", "stddev"];
    [Some(facts.name.as_str()), facts.text("standard_name"), facts.text("long_name")].into_iter().flatten().any(|text| {
        let text = text.to_ascii_lowercase();
        text == "err" || text == "anom" || words.iter().any(|word| text.contains(word))
    })
}

/// The position along each further dimension: the level asked for along a long one, 0 along short ones.
pub(super) fn chosen_level(dataset: &Dataset, facts: &Variable, layout: &Layout, level: Option<usize>) -> CfResult<usize> {
    let describe = |position: &usize| format!("'{}' of length {}", facts.dimensions[*position], facts.shape[*position]);
    match (layout.extra.as_slice(), level) {
        ([], _) => Ok(0),
        ([one], Some(level)) if level < facts.shape[*one] => Ok(level),
        ([one], Some(level)) => {
            Err(dataset.layout(&facts.name, format!("has the dimension {}; level {level} does not exist", describe(one))))
        }
        ([one], None) => {
            let problem = format!("has the further dimension {}; say which level to read (0 is the first)", describe(one));
            Err(dataset.layout(&facts.name, problem))
        }
        (many, _) => {
            let list = many.iter().map(describe).collect::<Vec<_>>().join(" and ");
            Err(dataset.layout(&facts.name, format!("has the further dimensions {list}; at most one is read")))
        }
    }
}

/// The instants asked for, and whether the file states them.
pub(super) fn time_axis(
    dataset: &Dataset,
    facts: &Variable,
    layout: &Layout,
    times: &Range<usize>,
    default: Option<f64>,
) -> CfResult<(TimeAxis, bool)> {
    let grid_error = |source| CfError::Grid { path: dataset.path().to_path_buf(), source };
    let Some(name) = &layout.time_name else {
        if times.len() > 1 {
            let problem =
                format!("has {} instants along time, but the file has no time coordinate; read one at a time", times.len());
            return Err(dataset.layout(&facts.name, problem));
        }
        return Ok((TimeAxis::from_seconds(vec![default.unwrap_or(0.0)]).map_err(grid_error)?, default.is_some()));
    };
    let coordinate = dataset.variable(name)?;
    let Some(units) = coordinate.text("units") else {
        return Err(dataset.layout(name, "is a time without units; 'seconds since 1970-01-01' or the like is wanted".into()));
    };
    let units = TimeUnits::parse(units, coordinate.text("calendar").unwrap_or("standard"))?;
    let decoded =
        if layout.time.is_some() { dataset.read_slab(name, std::slice::from_ref(times))? } else { dataset.read(name)? };
    if let Some(hole) = decoded.valid.iter().position(|v| !v) {
        return Err(dataset.layout(name, format!("has no value for instant {}", times.start + hole)));
    }
    let seconds = decoded.values.iter().map(|v| units.seconds(*v)).collect::<CfResult<Vec<f64>>>()?;
    Ok((TimeAxis::from_seconds(seconds).map_err(grid_error)?, true))
}
