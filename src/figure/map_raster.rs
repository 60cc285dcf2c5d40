//! One frame of a field as a picture: a cell's colour by its value, or by why it has none.

use super::bitmap::PIXELS_PER_MILLIMETRE;
use super::colour_map::{Colour, ColourMap};
use super::error::{FigureResult, refuse};
use super::raster::Raster;
use crate::grid::{Axis, Cell, Field};

/// Colours of cells without a value.
pub(super) const LAND: Colour = Colour::hex(0xb0b0b0);
const ICE: Colour = Colour::hex(0xdbe7ef);
const CLOUD: Colour = Colour::hex(0xf2f2f2);
/// Colours of the map itself in a picture of 255.
const LEVELS: usize = 252;

/// The picture of frame `frame` over the field's own area, north above, at most as fine as 300 dpi on
/// `width` by `height` millimetres (where it is coarser than the field, the nearest cell is shown).
pub(super) fn map_raster(
    field: &Field,
    frame: usize,
    map: ColourMap,
    range: (f64, f64),
    width: f64,
    height: f64,
) -> FigureResult<Raster> {
    if frame >= field.frames() {
        return refuse(format!("frame {frame} of '{}' cannot be drawn; it has {}", field.name(), field.frames()));
    }
    let columns = samples(field.longitude(), width, false);
    let rows = samples(field.latitude(), height, true);
    let mut palette = map.palette(LEVELS);
    palette.extend([LAND, ICE, CLOUD]);
    let (values, cells) = (field.frame(frame), field.frame_mask(frame));
    let across = field.longitude().len();
    let index = |row: usize, column: usize| {
        let at = row * across + column;
        match cells[at] {
            Cell::Valid => {
                let fraction = (f64::from(values[at]) - range.0) / (range.1 - range.0);
                1 + (fraction.clamp(0.0, 1.0) * (LEVELS - 1) as f64).round() as u8
            }
            Cell::Land => 1 + LEVELS as u8,
            Cell::Ice => 2 + LEVELS as u8,
            Cell::Cloud => 3 + LEVELS as u8,
            Cell::Missing => 0,
        }
    };
    let indices = rows.iter().flat_map(|row| columns.iter().map(move |column| (*row, *column))).map(|(r, c)| index(r, c));
    Raster::new(columns.len(), rows.len(), palette, indices.collect())
}

/// The cell shown at each column (or, `downwards`, each row) of the picture: every cell once where the
/// axis is regular and no finer than the print, else the one under each printed pixel.
fn samples(axis: &Axis, millimetres: f64, downwards: bool) -> Vec<usize> {
    let pixels = (millimetres * PIXELS_PER_MILLIMETRE).round().max(1.0) as usize;
    let edges = axis.edges();
    let reversed = axis.spacing() < 0.0;
    let mut cells: Vec<usize> = if axis.is_regular() && axis.len() <= pixels {
        (0..axis.len()).collect()
    } else {
        let (first, last) = (edges[0], edges[axis.len()]);
        let place = |i: usize| first + (last - first) * (i as f64 + 0.5) / pixels as f64;
        let cell = |v: f64| edges[1..].partition_point(|e| if reversed { *e > v } else { *e <= v }).min(axis.len() - 1);
        (0..pixels).map(|i| cell(place(i))).collect()
    };
    // pictures run from the north and from the west
    if reversed != downwards {
        cells.reverse();
    }
    cells
}

/// Lowest and highest valid value of a frame; about zero for a diverging map. `None` where nothing is valid.
pub(super) fn value_range(field: &Field, frame: usize, map: ColourMap) -> Option<(f64, f64)> {
    let (low, high) = extremes(field, frame)?;
    if map.is_diverging() {
        let reach = low.abs().max(high.abs());
        return Some(if reach > 0.0 { (-reach, reach) } else { (-1.0, 1.0) });
    }
    Some(if low < high { (low, high) } else { (low - 0.5, high + 0.5) })
}

/// Lowest and highest valid value of a frame.
pub(super) fn extremes(field: &Field, frame: usize) -> Option<(f64, f64)> {
    let valid = field.frame(frame).iter().zip(field.frame_mask(frame)).filter(|(_, cell)| cell.is_valid());
    valid.map(|(v, _)| f64::from(*v)).fold(None, |found, v| match found {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::grid::{AxisKind, Mask, TimeAxis, Unit};

    /// Rows from the south: 0 1 2 / 3 4 5; the last cell is land.
    pub fn small(south_first: bool) -> Field {
        let (start, step) = if south_first { (30.5, 1.0) } else { (31.5, -1.0) };
        let lat = Axis::regular(AxisKind::Latitude, start, step, 2).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 10.5, 1.0, 3).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        let mut mask = Mask::all_valid(6);
        let (values, land) =
            if south_first { (vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 5) } else { (vec![3.0, 4.0, 5.0, 0.0, 1.0, 2.0], 2) };
        mask.cells_mut()[land] = Cell::Land;
        Field::new("sst", values, mask, time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn north_is_above_whatever_the_file_order() {
        let picture = map_raster(&small(true), 0, ColourMap::Viridis, (0.0, 4.0), 30.0, 20.0).unwrap();
        assert_eq!((picture.columns(), picture.rows()), (3, 2));
        // 3 of 0..4 is 0.75 of 251 steps = 188.25
        assert_eq!(picture.indices(), [189, 252, 253, 1, 64, 127]);
        assert_eq!(picture.colour(0, 2), Some(LAND));
        assert_eq!(map_raster(&small(false), 0, ColourMap::Viridis, (0.0, 4.0), 30.0, 20.0).unwrap(), picture);
    }

    #[test]
    fn a_field_finer_than_print_is_sampled() {
        // 0.3 mm = 4 pixels for 8 cells: the middle of each half-open pair
        let axis = Axis::regular(AxisKind::Longitude, 0.5, 1.0, 8).unwrap();
        assert_eq!(samples(&axis, 0.3, false), [1, 3, 5, 7]);
        let axis = Axis::regular(AxisKind::Latitude, 8.5, -1.0, 8).unwrap();
        assert_eq!(samples(&axis, 0.3, true).len(), 4);
    }

    #[test]
    fn ranges_ignore_land() {
        assert_eq!(value_range(&small(true), 0, ColourMap::Thermal), Some((0.0, 4.0)));
        assert_eq!(value_range(&small(true), 0, ColourMap::Vik), Some((-4.0, 4.0)));
    }
}
