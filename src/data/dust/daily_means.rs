//! Daily means of records that state the dust many times a day, as MERRA-2 and the GEOS-5 Nature Run do.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;

use crate::cf::{Dataset, ReadOptions, read_field};
use crate::data::{DataError, DataResult};
use crate::grid::{Axis, Cell, Field, Mask, TimeAxis, Unit};

/// Times of a day in MERRA-2's hourly means (`tavg1_2d_aer_Nx`).
pub const MERRA2_TIMES_A_DAY: usize = 24;
/// Times of a day in the Nature Run's half-hourly states (`inst30mn_2d_aer1_Nx`).
pub const NATURE_RUN_TIMES_A_DAY: usize = 48;

/// Sums of a day.
struct DaySum {
    times: Vec<f64>,
    sums: Vec<f64>,
    valid: Vec<bool>,
}

/// Collects fields of any number of times, from one file or thousands, into daily means.
///
/// A day counts when it has all of its times: a record that begins at 21:30 or ends at midnight gives no first or last day. A
/// cell of a day is valid where it is at all times.
///
/// # Example
/// ```
/// use isotherm::data::dust::DailyMeans;
/// use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
/// let axis = |kind| Axis::regular(kind, 0.0, 1.0, 1).unwrap();
/// // Every twelve hours, from the evening of the first day on.
/// let time = TimeAxis::from_seconds([0.5, 1.0, 1.5, 2.0, 2.5, 3.0].map(|d| d * 86_400.0).to_vec()).unwrap();
/// let values = vec![9.0, 1.0, 3.0, 2.0, 4.0, 9.0];
/// let field =
///     Field::new("DUEXTTAU", values, Mask::all_valid(6), time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), Unit::One)
///         .unwrap();
/// let mut means = DailyMeans::new(2);
/// means.add(&field).unwrap();
/// let (days, dropped) = means.finish().unwrap();
/// assert_eq!((days.values(), dropped.len()), (&[2.0f32, 3.0][..], 2));
/// ```
pub struct DailyMeans {
    times_a_day: usize,
    days: BTreeMap<NaiveDate, DaySum>,
    grid: Option<(String, Axis, Axis, Unit)>,
}

impl DailyMeans {
    /// Of records with so many times a day.
    pub fn new(times_a_day: usize) -> DailyMeans {
        DailyMeans { times_a_day, days: BTreeMap::new(), grid: None }
    }

    /// Adds all times of a field. What its file calls fill is masked in it already.
    ///
    /// # Errors
    /// [`DataError::Content`] where the grid is not that of the fields before, or a time was there before.
    pub fn add(&mut self, field: &Field) -> DataResult<()> {
        let fail = |problem: String| Err(DataError::Content { what: field.name().to_string(), problem });
        let (latitude, longitude) = (field.latitude(), field.longitude());
        match &self.grid {
            None => self.grid = Some((field.name().to_string(), latitude.clone(), longitude.clone(), field.unit())),
            Some((_, rows, columns, unit)) if rows == latitude && columns == longitude && *unit == field.unit() => {}
            Some((name, ..)) => {
                return fail(format!("its grid or unit is not that of {name}, which came before; one grid is wanted"));
            }
        }
        for t in 0..field.frames() {
            let Some(date) = field.time().date(t) else { return fail(format!("time {t} lies outside the calendar")) };
            let cells = field.frame_len();
            let day = self.days.entry(date).or_insert_with(|| DaySum {
                times: Vec::new(),
                sums: vec![0.0; cells],
                valid: vec![true; cells],
            });
            let seconds = field.time().seconds()[t];
            if day.times.contains(&seconds) {
                return fail(format!("a time of {date} is there twice; give each file once"));
            }
            day.times.push(seconds);
            for (i, (value, cell)) in field.frame(t).iter().zip(field.frame_mask(t)).enumerate() {
                day.sums[i] += f64::from(*value);
                day.valid[i] &= cell.is_valid();
            }
        }
        Ok(())
    }

    /// Adds a variable (`DUEXTTAU`) of a NetCDF file.
    ///
    /// # Errors
    /// As [`DailyMeans::add`]; [`DataError::Cf`] where the file cannot be read.
    pub fn add_file(&mut self, path: &Path, variable: &str) -> DataResult<()> {
        let dataset = Dataset::open(path)?;
        self.add(&read_field(&dataset, variable, &ReadOptions::default())?)
    }

    /// The means of whole days, each at its middle, and the dates of those that were not whole.
    ///
    /// # Errors
    /// [`DataError::Content`] where no day is whole.
    pub fn finish(self) -> DataResult<(Field, Vec<NaiveDate>)> {
        let wanted = self.times_a_day;
        let (whole, partial): (Vec<_>, Vec<_>) = self.days.into_iter().partition(|(_, day)| day.times.len() == wanted);
        let dropped = partial.into_iter().map(|(date, _)| date).collect::<Vec<_>>();
        let Some((name, latitude, longitude, unit)) = self.grid.filter(|_| !whole.is_empty()) else {
            return Err(DataError::Content {
                what: "daily means".into(),
                problem: format!("none of {} days has {wanted} times; give whole days", dropped.len()),
            });
        };
        let seconds = whole.iter().map(|(date, _)| crate::grid::seconds_of_date(*date) + 43_200.0).collect();
        let mut values = Vec::new();
        let mut cells = Vec::new();
        for (_, day) in &whole {
            values.extend(day.sums.iter().map(|sum| (sum / wanted as f64) as f32));
            cells.extend(day.valid.iter().map(|valid| if *valid { Cell::Valid } else { Cell::Missing }));
        }
        let field =
            Field::new(name, values, Mask::from_cells(cells), TimeAxis::from_seconds(seconds)?, latitude, longitude, unit)?;
        Ok((field, dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cf::{Provenance, write_fields};
    use crate::grid::AxisKind;

    /// Hourly fields of 1 x 2 cells from an hour after 1970 on: the hour of the record, and ten times it.
    fn hours(from: usize, to: usize, missing: Option<usize>) -> Field {
        let axis = |kind, n| Axis::regular(kind, 30.0, 0.5, n).unwrap();
        let time = TimeAxis::from_seconds((from..to).map(|h| (h as f64 + 0.5) * 3600.0).collect()).unwrap();
        let values = (from..to).flat_map(|h| [h as f32, 10.0 * h as f32]).collect();
        let valid: Vec<bool> = (from..to).flat_map(|h| [Some(h) != missing, true]).collect();
        let mask = Mask::from_valid(&valid, Cell::Missing);
        Field::new("DUEXTTAU", values, mask, time, axis(AxisKind::Latitude, 1), axis(AxisKind::Longitude, 2), Unit::One).unwrap()
    }

    #[test]
    fn partial_days_are_dropped_and_missing_cells_stay_missing() {
        let mut means = DailyMeans::new(MERRA2_TIMES_A_DAY);
        // From 21:30 of the first day to 00:30 of the fourth, in two pieces.
        means.add(&hours(21, 40, None)).unwrap();
        means.add(&hours(40, 73, Some(50))).unwrap();
        let (days, dropped) = means.finish().unwrap();
        assert_eq!(dropped, [NaiveDate::from_ymd_opt(1970, 1, 1).unwrap(), NaiveDate::from_ymd_opt(1970, 1, 4).unwrap()]);
        assert_eq!(days.time().date(0), NaiveDate::from_ymd_opt(1970, 1, 2));
        // Hours 24 to 47 have the mean 35.5; of the day after one hour of the first cell is missing.
        assert_eq!((days.get(0, 0, 0), days.get(0, 0, 1)), (Some(35.5), Some(355.0)));
        assert_eq!((days.get(1, 0, 0), days.get(1, 0, 1)), (None, Some(595.0)));
    }

    #[test]
    fn files_are_read_and_none_counts_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.nc");
        write_fields(&path, &[&hours(0, 24, Some(3))], &Provenance::default()).unwrap();
        let mut means = DailyMeans::new(MERRA2_TIMES_A_DAY);
        means.add_file(&path, "DUEXTTAU").unwrap();
        assert!(means.add_file(&path, "DUEXTTAU").unwrap_err().to_string().contains("twice"));
        let (days, dropped) = means.finish().unwrap();
        assert_eq!((days.get(0, 0, 0), days.get(0, 0, 1), dropped.len()), (None, Some(115.0), 0));
        assert!(DailyMeans::new(24).finish().is_err());
        let mut few = DailyMeans::new(48);
        few.add(&hours(0, 24, None)).unwrap();
        assert!(few.finish().err().unwrap().to_string().contains("48 times"));
    }

    #[test]
    fn another_grid_is_refused() {
        let mut means = DailyMeans::new(24);
        means.add(&hours(0, 2, None)).unwrap();
        let other = hours(2, 3, None).slice(0..1, 0..1, 0..1).unwrap();
        assert!(means.add(&other).unwrap_err().to_string().contains("grid"));
    }
}
