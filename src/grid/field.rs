//! [`Field`]: values, mask, axes and unit of one variable on a latitude-longitude grid through time.

use std::collections::BTreeMap;
use std::ops::Range;

use super::axis::Axis;
use super::error::{GridError, GridResult};
use super::mask::{Cell, Mask};
use super::time::TimeAxis;
use super::turn::{ascend, turn};
use super::unit::Unit;

/// One variable on a regular latitude-longitude grid through time.
///
/// Values are `f32` in (time, latitude, longitude) order, C-contiguous. A cell that is not
/// [`Cell::Valid`] holds 0 and means nothing: NaN never carries meaning here.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    name: String,
    values: Vec<f32>,
    mask: Mask,
    time: TimeAxis,
    latitude: Axis,
    longitude: Axis,
    unit: Unit,
    attributes: BTreeMap<String, String>,
}

impl Field {
    /// A field from its parts. Cells whose value is not finite become [`Cell::Missing`]; every masked
    /// cell is set to 0.
    ///
    /// # Errors
    /// [`GridError::Length`] where values or mask do not fit the axes.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
    /// let lat = Axis::regular(AxisKind::Latitude, 0.5, 1.0, 2).unwrap();
    /// let lon = Axis::regular(AxisKind::Longitude, 0.5, 1.0, 3).unwrap();
    /// let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
    /// let field = Field::new("sst", vec![1.0; 6], Mask::all_valid(6), time, lat, lon, Unit::Celsius).unwrap();
    /// assert_eq!(field.shape(), [1, 2, 3]);
    /// ```
    pub fn new(
        name: impl Into<String>,
        mut values: Vec<f32>,
        mut mask: Mask,
        time: TimeAxis,
        latitude: Axis,
        longitude: Axis,
        unit: Unit,
    ) -> GridResult<Field> {
        let shape = vec![time.len(), latitude.len(), longitude.len()];
        let wanted = shape.iter().product();
        for (what, found) in [("the value buffer", values.len()), ("the mask", mask.len())] {
            if found != wanted {
                return Err(GridError::Length { what, found, wanted, shape });
            }
        }
        for (value, cell) in values.iter_mut().zip(mask.cells_mut()) {
            if cell.is_valid() && !value.is_finite() {
                *cell = Cell::Missing;
            }
            if !cell.is_valid() {
                *value = 0.0;
            }
        }
        Ok(Field { name: name.into(), values, mask, time, latitude, longitude, unit, attributes: BTreeMap::new() })
    }

    /// The same grid, times and attributes with other values and mask.
    ///
    /// # Errors
    /// As [`Field::new`].
    pub fn with_values(&self, values: Vec<f32>, mask: Mask) -> GridResult<Field> {
        self.on_grid(values, mask, self.latitude.clone(), self.longitude.clone())
    }

    /// The same name, times, unit and attributes with values on another grid.
    ///
    /// # Errors
    /// As [`Field::new`].
    pub fn on_grid(&self, values: Vec<f32>, mask: Mask, latitude: Axis, longitude: Axis) -> GridResult<Field> {
        let mut field = Field::new(self.name.clone(), values, mask, self.time.clone(), latitude, longitude, self.unit)?;
        field.attributes = self.attributes.clone();
        Ok(field)
    }

    /// The same field under another name.
    pub fn named(mut self, name: impl Into<String>) -> Field {
        self.name = name.into();
        self
    }

    /// The same field with one more attribute (`standard_name`, `long_name`, `product`, ...).
    pub fn with_attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Field {
        self.attributes.insert(key.into(), value.into());
        self
    }

    /// The variable's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All values in (time, latitude, longitude) order; masked cells hold 0.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The mask, in the order of the values.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// The time axis.
    pub fn time(&self) -> &TimeAxis {
        &self.time
    }

    /// The latitude axis.
    pub fn latitude(&self) -> &Axis {
        &self.latitude
    }

    /// The longitude axis.
    pub fn longitude(&self) -> &Axis {
        &self.longitude
    }

    /// The unit of the values.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Free attributes, by name.
    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    /// `[times, latitudes, longitudes]`.
    pub fn shape(&self) -> [usize; 3] {
        [self.time.len(), self.latitude.len(), self.longitude.len()]
    }

    /// Number of cells in one frame.
    pub fn frame_len(&self) -> usize {
        self.latitude.len() * self.longitude.len()
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.time.len()
    }

    /// Position of (time, latitude, longitude) in [`Field::values`].
    pub fn index(&self, time: usize, latitude: usize, longitude: usize) -> usize {
        (time * self.latitude.len() + latitude) * self.longitude.len() + longitude
    }

    /// The value of a cell, or `None` where it is masked or outside.
    pub fn get(&self, time: usize, latitude: usize, longitude: usize) -> Option<f32> {
        let [t, y, x] = self.shape();
        if time >= t || latitude >= y || longitude >= x {
            return None;
        }
        let i = self.index(time, latitude, longitude);
        self.mask.is_valid(i).then(|| self.values[i])
    }

    /// The values of frame `time`.
    ///
    /// # Panics
    /// If there is no such frame; `time < self.frames()` is the caller's to know.
    pub fn frame(&self, time: usize) -> &[f32] {
        let n = self.frame_len();
        &self.values[time * n..(time + 1) * n]
    }

    /// The mask cells of frame `time`.
    ///
    /// # Panics
    /// If there is no such frame.
    pub fn frame_mask(&self, time: usize) -> &[Cell] {
        let n = self.frame_len();
        &self.mask.cells()[time * n..(time + 1) * n]
    }

    /// The frames, rows and columns asked for, as a field of their own.
    ///
    /// # Errors
    /// [`GridError::Argument`] where a range is empty or runs past the end.
    pub fn slice(&self, times: Range<usize>, rows: Range<usize>, columns: Range<usize>) -> GridResult<Field> {
        let latitude = self.latitude.slice(rows.clone())?;
        let longitude = self.longitude.slice(columns.clone())?;
        if times.is_empty() || times.end > self.frames() {
            return Err(GridError::Argument(format!("frames {times:?} of {} do not exist", self.frames())));
        }
        let mut values = Vec::with_capacity(times.len() * rows.len() * columns.len());
        let mut cells = Vec::with_capacity(values.capacity());
        for t in times.clone() {
            for y in rows.clone() {
                let (a, b) = (self.index(t, y, columns.start), self.index(t, y, columns.start) + columns.len());
                values.extend_from_slice(&self.values[a..b]);
                cells.extend_from_slice(&self.mask.cells()[a..b]);
            }
        }
        let time = TimeAxis::from_seconds(self.time.seconds()[times].to_vec())?;
        let mut field = Field::new(self.name.clone(), values, Mask::from_cells(cells), time, latitude, longitude, self.unit)?;
        field.attributes = self.attributes.clone();
        Ok(field)
    }

    /// The field in another unit.
    ///
    /// # Errors
    /// [`GridError::Conversion`] where the units measure different things.
    pub fn to_unit(&self, unit: Unit) -> GridResult<Field> {
        let (factor, offset) = self.unit.conversion(unit)?;
        let mut field = self.clone();
        for (value, cell) in field.values.iter_mut().zip(field.mask.cells()) {
            if cell.is_valid() {
                *value = (factor * f64::from(*value) + offset) as f32;
            }
        }
        field.unit = unit;
        Ok(field)
    }

    /// The field with latitudes south to north and longitudes west to east.
    ///
    /// # Errors
    /// Never for a field that [`Field::new`] made; the signature is that of its parts.
    pub fn ascending(&self) -> GridResult<Field> {
        self.clone().into_ascending()
    }

    /// As [`Field::ascending`], turned in place: nothing is copied.
    ///
    /// # Errors
    /// As [`Field::ascending`].
    pub fn into_ascending(mut self) -> GridResult<Field> {
        let [_, rows, columns] = self.shape();
        let turn_rows = ascend(&mut self.latitude)?;
        let turn_columns = ascend(&mut self.longitude)?;
        turn(&mut self.values, rows, columns, turn_rows, turn_columns);
        turn(self.mask.cells_mut(), rows, columns, turn_rows, turn_columns);
        Ok(self)
    }

    /// The field with another mask in place of its own; cells masked now hold 0. The values are not copied.
    ///
    /// A cell that was masked and is valid in `mask` gets the value 0, so a mask should only take cells away.
    ///
    /// # Errors
    /// [`GridError::Length`] where the mask does not fit.
    pub fn remasked(mut self, mask: Mask) -> GridResult<Field> {
        if mask.len() != self.values.len() {
            let (found, wanted, shape) = (mask.len(), self.values.len(), self.shape().to_vec());
            return Err(GridError::Length { what: "the mask", found, wanted, shape });
        }
        self.mask = mask;
        for (value, cell) in self.values.iter_mut().zip(self.mask.cells()) {
            if !cell.is_valid() {
                *value = 0.0;
            }
        }
        Ok(self)
    }

    /// The field with every cell that is not valid in `mask` masked too.
    ///
    /// # Errors
    /// [`GridError::Shape`] where the lengths differ.
    pub fn masked(&self, mask: &Mask) -> GridResult<Field> {
        self.with_values(self.values.clone(), self.mask.and(mask)?)
    }

    /// Do two fields lie on the same grid at the same times (to a thousandth of a degree and of a second)?
    pub fn same_grid(&self, other: &Field) -> bool {
        let close = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(p, q)| (p - q).abs() < 1e-3);
        close(self.latitude.centres(), other.latitude.centres())
            && close(self.longitude.centres(), other.longitude.centres())
            && close(self.time.seconds(), other.time.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::super::axis::AxisKind;
    use super::*;

    fn field() -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 2.0, -1.0, 2).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.0, 1.0, 3).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0, 86400.0]).unwrap();
        let values = (0..12).map(|v| v as f32).collect();
        Field::new("sst", values, Mask::all_valid(12), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn nan_becomes_missing_and_zero() {
        let f = field();
        let mut values = f.values().to_vec();
        values[4] = f32::NAN;
        let g = f.with_values(values, f.mask().clone()).unwrap();
        assert_eq!(g.mask().cells()[4], Cell::Missing);
        assert_eq!(g.values()[4], 0.0);
        assert_eq!(g.get(0, 1, 1), None);
    }

    #[test]
    fn ascending_turns_rows() {
        let g = field().ascending().unwrap();
        assert_eq!(g.latitude().centres(), &[1.0, 2.0]);
        assert_eq!(g.frame(0), &[3.0, 4.0, 5.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn another_mask_hides_values() {
        let mut mask = Mask::all_valid(12);
        mask.cells_mut()[3] = Cell::Land;
        let g = field().remasked(mask).unwrap();
        assert_eq!((g.values()[3], g.values()[4]), (0.0, 4.0));
        assert!(field().remasked(Mask::all_valid(11)).unwrap_err().to_string().contains("the mask"));
    }

    #[test]
    fn slice_keeps_axes_and_values_together() {
        let g = field().slice(1..2, 0..2, 1..3).unwrap();
        assert_eq!(g.values(), &[7.0, 8.0, 10.0, 11.0]);
        assert_eq!(g.longitude().centres(), &[1.0, 2.0]);
        assert!(field().slice(1..3, 0..2, 0..1).is_err());
    }

    #[test]
    fn units_change_values() {
        let k = field().to_unit(Unit::Kelvin).unwrap();
        assert_eq!(k.values()[0], 273.15);
        assert!(field().to_unit(Unit::Metre).is_err());
    }
}
