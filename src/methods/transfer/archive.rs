//! The two records on one calendar, as decimal logarithms.

use std::ops::Range;

use chrono::Datelike;

use super::calendar::Calendar;
use super::window::Window;
use crate::base::random::Random;
use crate::grid::{Axis, Field, Interpolation, Mask, TimeAxis, Unit, upsample_plane};
use crate::methods::error::{MethodError, MethodResult};

/// Optical depths below this count as this: there is no logarithm of nothing.
pub const LEAST_OPTICAL_DEPTH: f32 = 1e-6;
/// Predictions are kept within this and the logarithm of [`LEAST_OPTICAL_DEPTH`].
const LARGEST_LOGARITHM: f32 = 1.0;

/// A coarse record, a fine record within it, and the height of the ground. Days are those of the coarse record; fields are
/// planes of log10 of the optical depth in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    calendar: Calendar,
    fine_days: Range<usize>,
    fine: Vec<Vec<f32>>,
    coarse: Vec<Vec<f32>>,
    elevation: Vec<f32>,
    factor: usize,
    coarse_shape: [usize; 2],
    latitude: Axis,
    longitude: Axis,
}

impl Archive {
    /// The archive of two records of daily optical depths whose grids nest, and of heights in metres on the fine grid.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where a day or a cell is missing, the fine days are not among the coarse, or the grids do not
    /// nest by one factor.
    pub fn new(fine: &Field, coarse: &Field, elevation: &Field) -> MethodResult<Archive> {
        let wrong = |problem: String| Err(MethodError::Argument(format!("dust archive: {problem}")));
        for field in [fine, coarse, elevation] {
            let missing = field.mask().len() - field.mask().count_valid();
            if missing > 0 {
                return wrong(format!("{missing} cells of {} are missing; whole fields are wanted", field.name()));
            }
        }
        let calendar = Calendar::of(coarse)?;
        let own = Calendar::of(fine)?;
        let Some(first) = calendar.index(own.date(0)).filter(|first| first + own.days() <= calendar.days()) else {
            return wrong(format!(
                "the fine record has {} days from {}, which do not lie within the coarse one of {} days from {}",
                own.days(),
                own.date(0),
                calendar.days(),
                calendar.date(0)
            ));
        };
        let ([_, rows, columns], [_, low_rows, low_columns]) = (fine.shape(), coarse.shape());
        let factor = rows / low_rows.max(1);
        let near = |a: &Axis, b: &Axis| {
            a.len() == b.len() && a.centres().iter().zip(b.centres()).all(|(a, b)| (a - b).abs() < 1e-3 * a.abs().max(1.0))
        };
        let nests = factor > 0
            && [rows, columns] == [low_rows * factor, low_columns * factor]
            && near(&fine.latitude().coarsen(factor)?, coarse.latitude())
            && near(&fine.longitude().coarsen(factor)?, coarse.longitude());
        if !nests || elevation.frame_len() != rows * columns {
            return wrong(format!(
                "a fine grid of {rows} x {columns}, a coarse one of {low_rows} x {low_columns} and {} heights; grids that \
                 nest by one whole factor are wanted",
                elevation.frame_len()
            ));
        }
        let logarithms = |field: &Field| -> Vec<Vec<f32>> {
            (0..field.frames()).map(|t| field.frame(t).iter().map(|v| v.max(LEAST_OPTICAL_DEPTH).log10()).collect()).collect()
        };
        Ok(Archive {
            calendar,
            fine_days: first..first + own.days(),
            fine: logarithms(fine),
            coarse: logarithms(coarse),
            elevation: elevation.frame(0).to_vec(),
            factor,
            coarse_shape: [low_rows, low_columns],
            latitude: fine.latitude().clone(),
            longitude: fine.longitude().clone(),
        })
    }

    /// The same with the coarse fields of the fine record's days dealt out anew among the days of the same month: each is a
    /// likely one for its time of the year, and of its own day by chance alone. What a method still gains from it is what
    /// the season tells.
    pub fn with_shuffled_coarse(&self, seed: u64) -> Archive {
        let mut random = Random::new(seed, "shuffled coarse days");
        let mut shuffled = self.clone();
        for month in 1..=12 {
            let of_month = |day: &usize| self.calendar.date(*day).month() == month;
            let days: Vec<usize> = self.fine_days().filter(of_month).collect();
            let mut dealt = days.clone();
            for last in (1..dealt.len()).rev() {
                dealt.swap(last, random.below(last + 1));
            }
            for (day, from) in days.iter().zip(dealt) {
                shuffled.coarse[*day] = self.coarse[from].clone();
            }
        }
        shuffled
    }

    /// The days of the coarse record.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The days of the fine record.
    pub fn fine_days(&self) -> Range<usize> {
        self.fine_days.clone()
    }

    /// The fine field of a day, where there is one.
    pub fn fine(&self, day: usize) -> Option<&[f32]> {
        self.fine.get(day.checked_sub(self.fine_days.start)?).map(Vec::as_slice)
    }

    /// The coarse field of a day, on its own grid.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for a day outside the record.
    pub fn coarse(&self, day: usize) -> MethodResult<&[f32]> {
        self.coarse.get(day).map(Vec::as_slice).ok_or_else(|| {
            MethodError::Argument(format!("day {day} has no coarse field; the record has {} days", self.coarse.len()))
        })
    }

    /// The fine fields of a window's history, the oldest first.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where one of them is not in the record.
    pub fn history(&self, window: &Window) -> MethodResult<Vec<&[f32]>> {
        let day = |day: usize| {
            self.fine(day).ok_or_else(|| {
                let problem = format!("{} has no fine field, but is among the lags of a prediction", self.calendar.date(day));
                MethodError::Argument(format!("dust archive: {problem}; take days with a whole history"))
            })
        };
        window.history.clone().map(day).collect()
    }

    /// Height of the ground in metres, on the fine grid.
    pub fn elevation(&self) -> &[f32] {
        &self.elevation
    }

    /// Fine cells along one side of a coarse cell.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// Rows and columns of the fine grid.
    pub fn shape(&self) -> [usize; 2] {
        self.coarse_shape.map(|cells| cells * self.factor)
    }

    /// Rows and columns of the coarse grid.
    pub fn coarse_shape(&self) -> [usize; 2] {
        self.coarse_shape
    }

    /// A coarse plane on the fine grid, straight between the centres of its cells.
    pub fn upsampled(&self, plane: &[f32]) -> Vec<f32> {
        let [rows, columns] = self.coarse_shape;
        upsample_plane(plane, rows, columns, self.factor, Interpolation::Bilinear, false)
    }

    /// Planes of logarithms as a field of optical depths, a frame for each of `days`.
    ///
    /// # Errors
    /// [`MethodError::Grid`] where they do not fit.
    pub fn field(&self, name: &str, days: &[usize], planes: &[Vec<f32>]) -> MethodResult<Field> {
        let values = planes.iter().flatten().map(|v| 10f32.powf(*v)).collect();
        self.wrap(name, days, values)
    }

    /// Planes of anything without unit on the fine grid as a field.
    ///
    /// # Errors
    /// [`MethodError::Grid`] where they do not fit.
    pub fn wrap(&self, name: &str, days: &[usize], values: Vec<f32>) -> MethodResult<Field> {
        let seconds = days.iter().map(|day| crate::grid::seconds_of_date(self.calendar.date(*day)) + 43_200.0).collect();
        let mask = Mask::all_valid(values.len());
        let time = TimeAxis::from_seconds(seconds)?;
        Ok(Field::new(name, values, mask, time, self.latitude.clone(), self.longitude.clone(), Unit::One)?)
    }
}

/// A predicted logarithm kept within what an optical depth can be.
pub(super) fn bounded(logarithm: f32) -> f32 {
    logarithm.clamp(LEAST_OPTICAL_DEPTH.log10(), LARGEST_LOGARITHM)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::grid::AxisKind;

    /// A small archive whose values are known: 4 x 4 coarse cells, a factor of 4, days 0..days, fine ones from 2 on.
    pub fn little(days: usize, value: impl Fn(usize, usize, usize) -> f32) -> Archive {
        let axis = |kind| Axis::regular(kind, 30.25, 0.5, 4).unwrap();
        let (latitude, longitude) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
        let first = chrono::NaiveDate::from_ymd_opt(2003, 1, 1).unwrap();
        let field = |name: &str, first, days: usize, cells: usize, values: Vec<f32>, refine: usize| {
            let time = TimeAxis::daily(first, 12.0, days).unwrap();
            let (latitude, longitude) = (latitude.refine(refine).unwrap(), longitude.refine(refine).unwrap());
            Field::new(name, values, Mask::all_valid(days * cells), time, latitude, longitude, Unit::One).unwrap()
        };
        let planes = |from: usize, side: usize, step: usize| -> Vec<f32> {
            (from..days)
                .flat_map(|d| (0..side * side).map(move |i| (d, i / side * step, i % side * step)))
                .map(|(d, y, x)| value(d, y, x))
                .collect()
        };
        let coarse = field("coarse", first, days, 16, planes(0, 4, 4), 1);
        let fine = field("fine", first + chrono::Days::new(2), days - 2, 256, planes(2, 16, 1), 4);
        let heights = field("height", first, 1, 256, (0..256).map(|i| (i % 7) as f32 * 100.0).collect(), 4);
        Archive::new(&fine, &coarse, &heights).unwrap()
    }

    #[test]
    fn days_and_windows() {
        let archive = little(12, |d, _, _| 10f32.powi(d as i32 - 6));
        assert_eq!((archive.fine_days(), archive.factor(), archive.shape()), (2..12, 4, [16, 16]));
        assert!((archive.fine(5).unwrap()[0] + 1.0).abs() < 1e-6 && archive.fine(1).is_none());
        let window = Window::of(6, 3, Default::default()).unwrap();
        let first: Vec<f32> = archive.history(&window).unwrap().iter().map(|plane| plane[0].round()).collect();
        assert_eq!(first, [-3.0, -2.0, -1.0]);
        let sentence = archive.history(&Window::of(4, 3, Default::default()).unwrap()).unwrap_err().to_string();
        assert!(sentence.contains("2003-01-02"), "{sentence}");
        let field = archive.field("aod", &[3, 5], &[vec![0.0; 256], vec![-1.0; 256]]).unwrap();
        assert_eq!((field.frame(0)[0], field.time().date(1)), (1.0, Some(archive.calendar().date(5))));
        assert!((field.frame(1)[9] - 0.1).abs() < 1e-6);
    }

    #[test]
    fn shuffled_days_stay_in_their_month_and_the_fine_record_as_it_is() {
        // The value tells the day: 59 days from the 1st of January, of which the fine record has all but two.
        let archive = little(59, |d, _, _| 10f32.powf(d as f32 / 10.0 - 5.0));
        let shuffled = archive.with_shuffled_coarse(4);
        let day_of = |plane: &[f32]| ((plane[0] + 5.0) * 10.0).round() as usize;
        let dealt: Vec<usize> = (0..59).map(|d| day_of(shuffled.coarse(d).unwrap())).collect();
        assert_eq!(&dealt[..2], [0, 1]);
        let mut january = dealt[2..31].to_vec();
        january.sort_unstable();
        assert_eq!(january, (2..31).collect::<Vec<_>>());
        assert!((2..59).filter(|d| dealt[*d] == *d).count() < 12 && dealt != (0..59).collect::<Vec<_>>());
        assert!((2..59).all(|d| shuffled.fine(d) == archive.fine(d)));
        assert_eq!(shuffled, archive.with_shuffled_coarse(4));
    }

    #[test]
    fn grids_that_do_not_nest_are_refused() {
        let archive = little(6, |_, _, _| 1.0);
        let fine = archive.field("fine", &[2, 3], &[vec![0.0; 256], vec![0.0; 256]]).unwrap();
        let heights = archive.wrap("height", &[0], vec![0.0; 256]).unwrap();
        let coarse = |axis: fn(AxisKind) -> Axis| {
            let time = TimeAxis::daily(archive.calendar().date(0), 12.0, 6).unwrap();
            let (a, b) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
            let n = 6 * a.len() * b.len();
            Field::new("coarse", vec![1.0; n], Mask::all_valid(n), time, a, b, Unit::One).unwrap()
        };
        assert!(Archive::new(&fine, &coarse(|kind| Axis::regular(kind, 30.25, 0.5, 4).unwrap()), &heights).is_ok());
        for wrong in [(|kind| Axis::regular(kind, 30.75, 0.5, 4).unwrap()) as fn(AxisKind) -> Axis, |kind| {
            Axis::regular(kind, 30.25, 0.4, 5).unwrap()
        }] {
            assert!(Archive::new(&fine, &coarse(wrong), &heights).unwrap_err().to_string().contains("nest"));
        }
    }
}
