//! Writing the axes of a grid, as CF wants them.

use super::attribute::Attribute;
use super::builder::Builder;
use super::error::CfResult;
use super::library::Filters;
use super::raw::{ElementType, Raw};
use super::time_units::TimeUnits;
use crate::grid::{Axis, AxisKind, TimeAxis};

/// Bytes of one chunk, at most (unless one row has more): small enough to read part of a frame.
const CHUNK_BYTES: usize = 1 << 20;

/// The filters of every written variable: zlib, and a checksum that finds what zlib's own misses.
pub(super) const FILTERS: Filters = Filters { shuffle: true, deflate: 4, fletcher32: true };

/// Chunks of one frame, cut by rows where it is large.
pub(super) fn frame_chunks(rows: usize, columns: usize, element: ElementType) -> [usize; 3] {
    let row = columns * element.bytes().max(1);
    [1, (CHUNK_BYTES / row.max(1)).clamp(1, rows), columns]
}

/// Defines `lat` or `lon` (and its bounds): float64, so that readers get the very same axis.
pub(super) fn define_axis(file: &mut Builder, name: &str, axis: &Axis, bounds: bool) -> CfResult<()> {
    let (standard, units, letter) = match axis.kind() {
        AxisKind::Latitude => ("latitude", "degrees_north", "Y"),
        AxisKind::Longitude => ("longitude", "degrees_east", "X"),
    };
    file.variable(name, ElementType::F64, &[name])?;
    file.storage(name, &[axis.len()], FILTERS)?;
    let texts = [("standard_name", standard), ("long_name", standard), ("units", units), ("axis", letter)];
    for (key, text) in texts {
        file.attribute(Some(name), key, text)?;
    }
    if bounds {
        let edges = bounds_name(name);
        file.attribute(Some(name), "bounds", edges.as_str())?;
        file.variable(&edges, ElementType::F64, &[name, "bounds"])?;
        file.storage(&edges, &[axis.len(), 2], FILTERS)?;
    }
    Ok(())
}

/// Writes the centres (and edges) of a defined axis.
pub(super) fn put_axis(file: &mut Builder, name: &str, axis: &Axis, bounds: bool) -> CfResult<()> {
    file.put(name, &Raw::F64(axis.centres().to_vec()))?;
    if bounds {
        let edges = axis.edges();
        let pairs = edges.windows(2).flat_map(|pair| [pair[0], pair[1]]).collect();
        file.put(&bounds_name(name), &Raw::F64(pairs))?;
    }
    Ok(())
}

fn bounds_name(name: &str) -> String {
    format!("{name}_bounds")
}

/// Defines `time` with its units in the standard calendar.
pub(super) fn define_time(file: &mut Builder, time: &TimeAxis, units: &TimeUnits, element: ElementType) -> CfResult<()> {
    file.variable("time", element, &["time"])?;
    file.storage("time", &[time.len().clamp(1, 4096)], FILTERS)?;
    let texts = [
        ("standard_name", "time"),
        ("long_name", "time"),
        ("units", units.text()),
        ("calendar", units.calendar().name()),
        ("axis", "T"),
    ];
    for (key, text) in texts {
        file.attribute(Some("time"), key, text)?;
    }
    Ok(())
}

/// The coordinate values of a time axis.
pub(super) fn time_values(time: &TimeAxis, units: &TimeUnits) -> CfResult<Vec<f64>> {
    time.seconds().iter().map(|s| units.from_seconds(*s)).collect()
}

/// An int8 list attribute from small numbers.
pub(super) fn bytes(values: &[i8]) -> Attribute {
    Attribute::from(values)
}
