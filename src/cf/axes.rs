//! Which dimension of a variable is time, which latitude, which longitude.

use std::ops::Range;

use super::dataset::{Dataset, Variable};
use super::error::{CfError, CfResult};
use crate::grid::{Axis, AxisKind, Direction, GridError};

/// What a coordinate variable measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Latitude,
    Longitude,
    Time,
}

/// The dimensions of a gridded variable: positions in its shape, and the coordinate variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub latitude: usize,
    pub longitude: usize,
    pub time: Option<usize>,
    pub latitude_name: String,
    pub longitude_name: String,
    pub time_name: Option<String>,
    /// Dimensions that are none of the three and longer than one.
    pub extra: Vec<usize>,
}

/// The role of a coordinate by its standard name, its units or its axis attribute, else by its usual names.
pub(super) fn role_of(variable: &Variable) -> Option<Role> {
    match variable.text("standard_name") {
        Some("latitude") => return Some(Role::Latitude),
        Some("longitude") => return Some(Role::Longitude),
        Some("time") => return Some(Role::Time),
        _ => {}
    }
    let units = variable.text("units").unwrap_or("").trim().to_ascii_lowercase();
    match units.as_str() {
        "degrees_north" | "degree_north" | "degrees_n" | "degree_n" | "degreesn" | "degreen" => return Some(Role::Latitude),
        "degrees_east" | "degree_east" | "degrees_e" | "degree_e" | "degreese" | "degreee" => return Some(Role::Longitude),
        _ if units.contains(" since ") => return Some(Role::Time),
        _ => {}
    }
    if variable.text("axis") == Some("T") {
        return Some(Role::Time);
    }
    role_by_name(&variable.name)
}

fn role_by_name(name: &str) -> Option<Role> {
    match name.to_ascii_lowercase().as_str() {
        "lat" | "latitude" | "nav_lat" | "lats" | "nblatitudes" => Some(Role::Latitude),
        "lon" | "longitude" | "nav_lon" | "long" | "lons" | "nblongitudes" => Some(Role::Longitude),
        "time" | "t" | "time_counter" => Some(Role::Time),
        _ => None,
    }
}

/// The coordinate variable of a dimension and its role: that of the dimension's own name, else any
/// one-dimensional variable along it that has a role.
fn coordinate<'a>(dataset: &'a Dataset, dimension: &str) -> Option<(&'a Variable, Role)> {
    let along = |v: &&Variable| v.dimensions.len() == 1 && v.dimensions[0] == dimension && v.element.is_number();
    let own = dataset.variables().iter().filter(along).find(|v| v.name == dimension);
    own.and_then(|v| role_of(v).map(|r| (v, r)))
        .or_else(|| dataset.variables().iter().filter(along).find_map(|v| role_of(v).map(|r| (v, r))))
}

/// Finds the layout of a variable.
///
/// # Errors
/// [`CfError::Layout`] where latitude or longitude is absent, or the grid is curvilinear.
pub(super) fn layout_of(dataset: &Dataset, variable: &Variable) -> CfResult<Layout> {
    let mut found: [Option<(usize, String)>; 3] = [None, None, None];
    let mut extra = Vec::new();
    for (position, dimension) in variable.dimensions.iter().enumerate() {
        match coordinate(dataset, dimension) {
            Some((v, role)) if found[role as usize].is_none() => found[role as usize] = Some((position, v.name.clone())),
            None if role_by_name(dimension) == Some(Role::Time) && found[Role::Time as usize].is_none() => {
                // A time dimension without a coordinate variable: its instants are not in the file.
                found[Role::Time as usize] = Some((position, String::new()));
            }
            _ if variable.shape[position] > 1 => extra.push(position),
            _ => {}
        }
    }
    let [latitude, longitude, time] = found;
    let (Some((latitude, latitude_name)), Some((longitude, longitude_name))) = (latitude, longitude) else {
        return Err(dataset.layout(&variable.name, no_grid(dataset, variable)));
    };
    let (time, time_name) = match time {
        Some((position, name)) => (Some(position), Some(name).filter(|n| !n.is_empty())),
        None => (None, scalar_time(dataset, variable)),
    };
    Ok(Layout { latitude, longitude, time, latitude_name, longitude_name, time_name, extra })
}

/// A time coordinate of one value, not along a dimension of the variable.
fn scalar_time(dataset: &Dataset, variable: &Variable) -> Option<String> {
    let listed = variable.text("coordinates").unwrap_or("");
    dataset
        .variables()
        .iter()
        .find(|v| {
            let single = v.shape.iter().product::<usize>() == 1 && v.element.is_number();
            let spoken_of = v.name == "time" || listed.split_whitespace().any(|n| n == v.name);
            single && spoken_of && role_of(v) == Some(Role::Time)
        })
        .map(|v| v.name.clone())
}

/// Why a variable has no latitude-longitude grid, in one sentence.
fn no_grid(dataset: &Dataset, variable: &Variable) -> String {
    let curvilinear = dataset.variables().iter().find(|v| {
        v.name != variable.name
            && v.dimensions.len() == 2
            && v.dimensions.iter().all(|d| variable.dimensions.contains(d))
            && matches!(role_of(v), Some(Role::Latitude | Role::Longitude))
    });
    match curvilinear {
        Some(v) => format!(
            "lies on a curvilinear grid ('{}' has two dimensions); regrid it to one-dimensional latitudes and longitudes first",
            v.name
        ),
        None => format!(
            "has dimensions ({}), among which no latitude and longitude were found; \
             coordinate variables with units degrees_north and degrees_east are wanted",
            variable.dimensions.join(", ")
        ),
    }
}

/// Reads a latitude or longitude coordinate in file order.
///
/// # Errors
/// [`CfError::Layout`] where a coordinate is masked, [`CfError::Grid`] where they make no axis.
pub(super) fn read_axis(dataset: &Dataset, name: &str, kind: AxisKind) -> CfResult<Axis> {
    let decoded = dataset.read(name)?;
    if let Some(hole) = decoded.valid.iter().position(|v| !v) {
        return Err(dataset.layout(name, format!("is a coordinate, but its value {hole} is missing")));
    }
    Axis::new(kind, decoded.values).map_err(|source| CfError::Grid { path: dataset.path().to_path_buf(), source })
}

/// What the grid's floor refused, with the file.
pub(super) fn grid_error(dataset: &Dataset, source: GridError) -> CfError {
    CfError::Grid { path: dataset.path().to_path_buf(), source }
}

/// Turns a descending axis around; was it one?
pub(super) fn ascend(dataset: &Dataset, axis: &mut Axis) -> CfResult<bool> {
    let descends = axis.direction() == Direction::Descending;
    if descends {
        let centres = axis.centres().iter().rev().copied().collect();
        *axis = Axis::new(axis.kind(), centres).map_err(|e| grid_error(dataset, e))?;
    }
    Ok(descends)
}

/// Rows of the file (a part of `all`) that hold `rows`, counted from south to north.
pub(super) fn file_rows(all: &Range<usize>, turned: bool, rows: &Range<usize>) -> Range<usize> {
    if turned { all.end - rows.end..all.end - rows.start } else { all.start + rows.start..all.start + rows.end }
}
