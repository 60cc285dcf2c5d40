//! [`FrameReader`]: a variable on a latitude-longitude grid, read a few frames or rows at a time.

use std::ops::Range;

use rayon::prelude::*;

use super::axes::{Layout, ascend, file_rows, grid_error, layout_of, read_axis};
use super::block::Block;
use super::dataset::{Dataset, Variable};
use super::decode::Decoding;
use super::error::{CfError, CfResult};
use super::field::{ReadOptions, chosen_level, time_axis, unit_of};
use super::raw::{ElementType, Raw};
use super::selection::Run;
use crate::grid::{Axis, AxisKind, TimeAxis, Unit, turn};

/// Values decoded at a time where a file's numbers must be unpacked or reordered.
const VALUES_AT_A_TIME: usize = 1 << 20;
/// Values whose validity one task finds.
const CHUNK: usize = 1 << 14;

/// Values and their validity in (time, latitude, longitude) order. What an invalid cell holds means nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frames {
    /// The values.
    pub values: Vec<f32>,
    /// May the value be used? (An infinity in the file counts as valid: whoever sums it will say so.)
    pub valid: Vec<bool>,
}

/// Reads parts of one variable, for files larger than memory. Axes ascend, whatever they do in the file.
///
/// # Example
/// ```no_run
/// use isotherm::cf::{Dataset, FrameReader, ReadOptions};
/// let dataset = Dataset::open("sst.nc".as_ref())?;
/// let reader = FrameReader::new(&dataset, "analysed_sst", &ReadOptions::default())?;
/// for frame in 0..reader.frames() {
///     let frames = reader.read(frame..frame + 1, 0..reader.latitude().len())?;
/// }
/// # Ok::<(), isotherm::cf::CfError>(())
/// ```
#[derive(Debug)]
pub struct FrameReader<'a> {
    dataset: &'a Dataset,
    facts: &'a Variable,
    layout: Layout,
    decoding: Decoding,
    level: usize,
    /// Rows of the file, in its order.
    rows: Range<usize>,
    runs: Vec<Run>,
    turn_rows: bool,
    turn_columns: bool,
    latitude: Axis,
    longitude: Axis,
    times: Option<TimeAxis>,
    frames: usize,
    unit: Unit,
    conversion: (f64, f64),
}

impl<'a> FrameReader<'a> {
    /// A reader of the whole grid of a variable. Of the options, level and units count.
    ///
    /// # Errors
    /// As [`read_field`](super::read_field), but for those of the values.
    pub fn new(dataset: &'a Dataset, variable: &str, options: &ReadOptions) -> CfResult<FrameReader<'a>> {
        let facts = dataset.variable(variable)?;
        let unit = unit_of(dataset, facts, options.default_unit)?;
        let reader = FrameReader::of(dataset, facts, options, unit)?;
        match options.unit {
            Some(wanted) => reader.converted(wanted),
            None => Ok(reader),
        }
    }

    /// A reader of a variable whose unit does not matter (a mask, a flag): it gets [`Unit::One`], and nothing is converted.
    ///
    /// # Errors
    /// As [`FrameReader::new`].
    pub fn of_flags(dataset: &'a Dataset, variable: &str, options: &ReadOptions) -> CfResult<FrameReader<'a>> {
        FrameReader::of(dataset, dataset.variable(variable)?, options, Unit::One)
    }

    fn of(dataset: &'a Dataset, facts: &'a Variable, options: &ReadOptions, unit: Unit) -> CfResult<FrameReader<'a>> {
        let layout = layout_of(dataset, facts)?;
        let level = chosen_level(dataset, facts, &layout, options.level)?;
        let mut latitude = read_axis(dataset, &layout.latitude_name, AxisKind::Latitude)?;
        let mut longitude = read_axis(dataset, &layout.longitude_name, AxisKind::Longitude)?;
        let (rows, runs) = (0..latitude.len(), vec![Run { columns: 0..longitude.len(), turn: 0.0 }]);
        let turn_rows = ascend(dataset, &mut latitude)?;
        let turn_columns = ascend(dataset, &mut longitude)?;
        let frames = layout.time.map_or(1, |position| facts.shape[position]);
        if frames == 0 {
            return Err(CfError::Empty {
                path: dataset.path().to_path_buf(),
                problem: format!("'{}' has no instant; at least one is wanted", facts.name),
            });
        }
        let times = match (&layout.time_name, frames) {
            (None, 1) => None,
            _ => Some(time_axis(dataset, facts, &layout, &(0..frames), None)?.0),
        };
        let decoding = Decoding::of(dataset, facts)?;
        Ok(FrameReader {
            dataset,
            facts,
            layout,
            decoding,
            level,
            rows,
            runs,
            turn_rows,
            turn_columns,
            latitude,
            longitude,
            times,
            frames,
            unit,
            conversion: (1.0, 0.0),
        })
    }

    /// The same variable in another unit.
    ///
    /// # Errors
    /// [`CfError::Grid`] where the units measure different things.
    pub fn converted(mut self, unit: Unit) -> CfResult<FrameReader<'a>> {
        self.conversion = self.unit.conversion(unit).map_err(|e| grid_error(self.dataset, e))?;
        self.unit = unit;
        Ok(self)
    }

    /// The part of the grid with these rows and these columns (positions on the ascending axes), in the order given:
    /// columns may go around the globe.
    ///
    /// # Errors
    /// [`CfError::Argument`] where nothing is left or a position does not exist.
    pub fn select(mut self, rows: Range<usize>, columns: &[usize]) -> CfResult<FrameReader<'a>> {
        let (height, width) = (self.latitude.len(), self.longitude.len());
        if rows.is_empty() || rows.end > height || columns.is_empty() || columns.iter().any(|c| *c >= width) {
            return Err(CfError::Argument(format!("rows {rows:?} and {} columns of {height} x {width} cells", columns.len())));
        }
        let longitudes = columns.iter().map(|c| self.longitude.centres()[*c]).collect();
        self.longitude = Axis::new(AxisKind::Longitude, longitudes).map_err(|e| grid_error(self.dataset, e))?;
        self.rows = file_rows(&self.rows, self.turn_rows, &rows);
        self.latitude = self.latitude.slice(rows).map_err(|e| grid_error(self.dataset, e))?;
        let all: Vec<usize> = self.runs.iter().flat_map(|run| run.columns.clone()).collect();
        let in_file: Vec<usize> = columns.iter().map(|c| all[if self.turn_columns { width - 1 - c } else { *c }]).collect();
        // From here on the runs give the columns in the order wanted, so there is nothing left to turn.
        self.turn_columns = false;
        self.runs = Vec::new();
        for column in in_file {
            match self.runs.last_mut() {
                Some(run) if run.columns.end == column => run.columns.end += 1,
                _ => self.runs.push(Run { columns: column..column + 1, turn: 0.0 }),
            }
        }
        Ok(self)
    }

    /// The variable's name.
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// Latitudes of the part that is read, south to north.
    pub fn latitude(&self) -> &Axis {
        &self.latitude
    }

    /// Longitudes of the part that is read, west to east.
    pub fn longitude(&self) -> &Axis {
        &self.longitude
    }

    /// The instants; `None` where the file states none.
    pub fn times(&self) -> Option<&TimeAxis> {
        self.times.as_ref()
    }

    /// Number of instants.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The unit of the values.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The frames `times` of the rows `rows` (south to north).
    ///
    /// # Errors
    /// [`CfError::Damaged`], [`CfError::Argument`] for a range that does not exist.
    pub fn read(&self, times: Range<usize>, rows: Range<usize>) -> CfResult<Frames> {
        if times.is_empty() || times.end > self.frames || rows.is_empty() || rows.end > self.latitude.len() {
            return Err(CfError::Argument(format!(
                "instants {times:?} and rows {rows:?} of '{}' were asked for; it has {} and {}",
                self.facts.name,
                self.frames,
                self.latitude.len()
            )));
        }
        let height = rows.len();
        let file_rows = file_rows(&self.rows, self.turn_rows, &rows);
        let block = Block {
            dataset: self.dataset,
            facts: self.facts,
            layout: &self.layout,
            level: self.level,
            rows: file_rows,
            runs: &self.runs,
            values_at_a_time: VALUES_AT_A_TIME,
        };
        let mut frames = match self.read_plain(&block, &times)? {
            Some(frames) => frames,
            None => {
                let (values, cells) = block.read(&times, &self.decoding, self.conversion.0, self.conversion.1)?;
                Frames { values, valid: cells.iter().map(|c| c.is_valid()).collect() }
            }
        };
        turn(&mut frames.values, height, self.longitude.len(), self.turn_rows, self.turn_columns);
        turn(&mut frames.valid, height, self.longitude.len(), self.turn_rows, self.turn_columns);
        Ok(frames)
    }

    /// The short way for the most usual file: single precision in (time, latitude, longitude) order, one run of columns.
    fn read_plain(&self, block: &Block<'_>, times: &Range<usize>) -> CfResult<Option<Frames>> {
        let layout = &self.layout;
        let in_order = layout.time.is_none_or(|t| t < layout.latitude) && layout.latitude < layout.longitude;
        let [run] = self.runs.as_slice() else { return Ok(None) };
        if !(self.decoding.is_plain() && in_order && self.facts.element == ElementType::F32) {
            return Ok(None);
        }
        let Raw::F32(mut values) = block.raw(times, &block.rows, &run.columns)? else { return Ok(None) };
        let mut valid = vec![false; values.len()];
        values.par_chunks_mut(CHUNK).zip(valid.par_chunks_mut(CHUNK)).for_each(|(values, valid)| {
            self.decoding.plain_validity(values, valid);
            let (factor, offset) = self.conversion;
            if (factor, offset) != (1.0, 0.0) {
                values.iter_mut().for_each(|v| *v = (factor * f64::from(*v) + offset) as f32);
            }
        });
        Ok(Some(Frames { values, valid }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::builder::{Container, write_file};
    use super::super::field::read_field;
    use super::*;

    /// Three frames of 4 x 5 cells, rows and columns ascending or not, packed or not, in either order of dimensions.
    fn made(path: &std::path::Path, order: [&str; 3], descending: bool, packed: bool) {
        write_file(path, Container::Netcdf4, |file| {
            let sign = if descending { -1.0 } else { 1.0 };
            for (name, length, units) in
                [("time", 3, "days since 2000-01-01"), ("lat", 4, "degrees_north"), ("lon", 5, "degrees_east")]
            {
                file.dimension(name, length)?;
                file.variable(name, ElementType::F64, &[name])?;
                file.attribute(Some(name), "units", units)?;
                let sign = if name == "time" { 1.0 } else { sign };
                // longitudes go around the globe
                let step = if name == "lon" { 72.0 } else { 1.0 };
                file.put(name, &Raw::F64((0..length).map(|i| sign * step * i as f64).collect()))?;
            }
            let element = if packed { ElementType::I16 } else { ElementType::F32 };
            file.variable("v", element, &order)?;
            file.attribute(Some("v"), "units", "kelvin")?;
            if packed {
                file.attribute(Some("v"), "_FillValue", -1i16)?;
                file.attribute(Some("v"), "scale_factor", 0.5f64)?;
                file.put("v", &Raw::I16((0..60).map(|i| if i % 7 == 3 { -1 } else { 560 + i }).collect()))
            } else {
                file.attribute(Some("v"), "_FillValue", -1f32)?;
                file.put("v", &Raw::F32((0..60).map(|i| if i % 7 == 3 { -1.0 } else { 280.0 + i as f32 }).collect()))
            }
        })
        .unwrap();
    }

    #[test]
    fn any_part_is_the_part_of_the_field() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nc");
        for order in [["time", "lat", "lon"], ["lon", "lat", "time"]] {
            for (descending, packed) in [(false, false), (true, false), (true, true)] {
                made(&path, order, descending, packed);
                let dataset = Dataset::open(&path).unwrap();
                let options = ReadOptions { unit: Some(Unit::Celsius), ..ReadOptions::default() };
                let field = read_field(&dataset, "v", &options).unwrap();
                let reader = FrameReader::new(&dataset, "v", &options).unwrap();
                assert_eq!((reader.unit(), reader.frames()), (Unit::Celsius, 3));
                assert_eq!(reader.times(), Some(field.time()));
                let part = FrameReader::new(&dataset, "v", &options).unwrap().select(1..4, &[3, 4, 0]).unwrap();
                assert_eq!(part.latitude().centres(), &field.latitude().centres()[1..4]);
                let check =
                    |reader: &FrameReader<'_>, times: Range<usize>, rows: Range<usize>, south: usize, columns: &[usize]| {
                        let frames = reader.read(times.clone(), rows.clone()).unwrap();
                        let mut at = 0;
                        for t in times {
                            for y in rows.clone() {
                                for x in columns {
                                    let wanted = field.get(t, south + y, *x);
                                    assert_eq!(frames.valid[at].then(|| frames.values[at]), wanted, "{order:?} {t} {y} {x}");
                                    at += 1;
                                }
                            }
                        }
                        assert_eq!(at, frames.values.len());
                    };
                check(&reader, 0..3, 0..4, 0, &[0, 1, 2, 3, 4]);
                check(&reader, 1..2, 2..3, 0, &[0, 1, 2, 3, 4]);
                check(&part, 0..2, 1..3, 1, &[3, 4, 0]);
                assert!(reader.read(2..4, 0..1).is_err() && reader.read(0..1, 3..3).is_err());
            }
        }
    }

    #[test]
    fn a_flag_needs_no_unit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nc");
        write_file(&path, Container::Netcdf4, |file| {
            for (name, units) in [("lat", "degrees_north"), ("lon", "degrees_east")] {
                file.dimension(name, 1)?;
                file.variable(name, ElementType::F64, &[name])?;
                file.attribute(Some(name), "units", units)?;
            }
            file.put("lat", &Raw::F64(vec![1.0]))?;
            file.put("lon", &Raw::F64(vec![1.0]))?;
            file.variable("sea", ElementType::I8, &["lat", "lon"])?;
            file.attribute(Some("sea"), "units", "yes or no")?;
            file.put("sea", &Raw::I8(vec![1]))
        })
        .unwrap();
        let dataset = Dataset::open(&path).unwrap();
        assert!(FrameReader::new(&dataset, "sea", &ReadOptions::default()).is_err());
        let flags = FrameReader::of_flags(&dataset, "sea", &ReadOptions::default()).unwrap();
        assert_eq!(flags.read(0..1, 0..1).unwrap().values, [1.0]);
        assert!(flags.times().is_none());
        assert!(flags.select(0..1, &[1]).is_err());
    }
}
