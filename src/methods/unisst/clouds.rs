//! Clouds from liquid water path: which cells they hide, and how sequences of them are drawn.

use crate::base::random::Random;
use crate::grid::{Cell, Field, Mask, Unit};
use crate::methods::error::{MethodError, MethodResult};

/// The published thresholds, g/m²: the higher, the less is hidden.
pub const THRESHOLDS: [f64; 6] = [55.0, 60.0, 65.0, 70.0, 75.0, 80.0];

/// The threshold of training, g/m².
pub const TRAINING_THRESHOLD: f64 = 70.0;

/// Frames of liquid water path from which sequences of masks are drawn.
#[derive(Clone, Debug)]
pub struct Clouds {
    /// g/m², frame after frame.
    water: Vec<f32>,
    frames: usize,
    rows: usize,
    columns: usize,
    draw: CloudDraw,
}

/// Where in the frames a sequence of masks begins, and how far apart its frames are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudDraw {
    /// The first frame a sequence may begin with: before it the simulated clouds still form.
    pub first: usize,
    /// Frames from one mask of a sequence to the next.
    pub step: usize,
}

impl CloudDraw {
    /// As published: from frame 100 on, every tenth frame.
    pub fn paper() -> CloudDraw {
        CloudDraw { first: 100, step: 10 }
    }

    /// From the first frame on, every frame.
    pub fn every() -> CloudDraw {
        CloudDraw { first: 0, step: 1 }
    }
}

impl Clouds {
    /// Of a field of liquid water path; cells without a value count as clear.
    ///
    /// # Errors
    /// [`MethodError::Grid`] where the unit is none of liquid water path; [`MethodError::Argument`] for a step of 0.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
    /// use isotherm::methods::unisst::{CloudDraw, Clouds};
    /// let lat = Axis::regular(AxisKind::Latitude, 0.5, 1.0, 1).unwrap();
    /// let lon = Axis::regular(AxisKind::Longitude, 0.5, 1.0, 3).unwrap();
    /// let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
    /// let unit = Unit::KilogramPerSquareMetre;
    /// let water = Field::new("lwp", vec![0.05, 0.07, 0.09], Mask::all_valid(3), time, lat, lon, unit).unwrap();
    /// let clouds = Clouds::new(&water, CloudDraw::every()).unwrap();
    /// assert_eq!(clouds.sequence(0, 1, 60.0).unwrap(), [false, true, true]);
    /// ```
    pub fn new(liquid_water_path: &Field, draw: CloudDraw) -> MethodResult<Clouds> {
        if draw.step == 0 {
            return Err(MethodError::Argument("clouds were to be drawn every 0 frames; 1 or more is wanted".into()));
        }
        let field = liquid_water_path.to_unit(Unit::GramPerSquareMetre)?;
        let [frames, rows, columns] = field.shape();
        let clear = |(value, cell): (&f32, &Cell)| if cell.is_valid() { *value } else { f32::NEG_INFINITY };
        let water = field.values().iter().zip(field.mask().cells()).map(clear).collect();
        Ok(Clouds { water, frames, rows, columns, draw })
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// Which cells of `length` frames from `start` on are hidden: those with more than `threshold` g/m². A higher threshold
    /// hides a part of what a lower one hides.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where there are not so many frames.
    pub fn sequence(&self, start: usize, length: usize, threshold: f64) -> MethodResult<Vec<bool>> {
        let cells = self.rows * self.columns;
        if length == 0 || start + (length - 1) * self.draw.step >= self.frames {
            return Err(MethodError::Argument(format!(
                "{length} masks every {} frames from frame {start} on were asked for; there are {} frames",
                self.draw.step, self.frames
            )));
        }
        let frames = (0..length).map(|k| start + k * self.draw.step);
        Ok(frames.flat_map(|t| &self.water[t * cells..(t + 1) * cells]).map(|w| f64::from(*w) > threshold).collect())
    }

    /// [`Clouds::sequence`] from a random start.
    ///
    /// # Errors
    /// As [`Clouds::sequence`].
    pub fn draw(&self, length: usize, threshold: f64, random: &mut Random) -> MethodResult<Vec<bool>> {
        let span = length.saturating_sub(1) * self.draw.step;
        // One less than fits, as published; but where only one start fits, that one.
        let starts = self.frames.saturating_sub(self.draw.first + span).max(2) - 1;
        self.sequence(self.draw.first + random.below(starts), length, threshold)
    }

    /// The masks of item `index` of a data set: always the same.
    ///
    /// # Errors
    /// As [`Clouds::sequence`].
    pub fn of_item(&self, index: usize, length: usize, threshold: f64, seed: u64) -> MethodResult<Vec<bool>> {
        self.draw(length, threshold, &mut Random::new(seed, "clouds of an item").child(index as u64))
    }
}

/// The field with the cells `hidden` under cloud. Cells that were masked already keep their reason.
///
/// # Errors
/// [`MethodError::Argument`] where the number of cells differs.
pub fn occlude(field: &Field, hidden: &[bool]) -> MethodResult<Field> {
    if hidden.len() != field.values().len() {
        return Err(MethodError::Argument(format!(
            "a mask of {} cells was laid on a field of {}; the same number is wanted",
            hidden.len(),
            field.values().len()
        )));
    }
    let cells = field.mask().cells().iter().zip(hidden);
    let cells = cells.map(|(cell, hidden)| if *hidden && cell.is_valid() { Cell::Cloud } else { *cell });
    Ok(field.clone().remasked(Mask::from_cells(cells.collect()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, TimeAxis};

    /// 40 frames of 2 x 2 cells; frame t holds 50 + t everywhere, but for a gap in its last cell.
    fn water() -> Field {
        let axis = |kind| Axis::regular(kind, 0.5, 1.0, 2).unwrap();
        let time = TimeAxis::from_seconds((0..40).map(f64::from).collect()).unwrap();
        let values = (0..160).map(|i| 50.0 + (i / 4) as f32).collect();
        let cells = (0..160).map(|i| if i % 4 == 3 { Cell::Missing } else { Cell::Valid }).collect();
        let unit = Unit::GramPerSquareMetre;
        Field::new("lwp", values, Mask::from_cells(cells), time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), unit)
            .unwrap()
    }

    #[test]
    fn frames_and_thresholds() {
        let clouds = Clouds::new(&water(), CloudDraw { first: 5, step: 10 }).unwrap();
        // frames 5, 15, 25 hold 55, 65, 75 g/m²
        let hidden = |threshold| clouds.sequence(5, 3, threshold).unwrap().chunks(4).map(|f| f[0]).collect::<Vec<_>>();
        assert_eq!(hidden(55.0), [false, true, true]);
        assert_eq!(hidden(70.0), [false, false, true]);
        assert!(clouds.sequence(5, 3, 0.0).unwrap().iter().enumerate().all(|(i, hidden)| *hidden == (i % 4 != 3)));
        assert_eq!(clouds.sequence(5, 4, 55.0).unwrap().len(), 16);
        assert!(clouds.sequence(10, 4, 55.0).unwrap_err().to_string().contains("there are 40 frames"));
        assert!(Clouds::new(&water(), CloudDraw { first: 0, step: 0 }).is_err());
    }

    #[test]
    fn masks_are_nested_and_an_items_are_its_own() {
        let clouds = Clouds::new(&water(), CloudDraw::every()).unwrap();
        let mut starts = std::collections::BTreeSet::new();
        for item in 0..60 {
            let of = |threshold| clouds.of_item(item, 8, threshold, 3).unwrap();
            for pair in THRESHOLDS.windows(2) {
                assert!(of(pair[0]).iter().zip(of(pair[1])).all(|(low, high)| *low || !high));
            }
            starts.insert(of(60.0).iter().filter(|h| **h).count());
        }
        assert!(starts.len() > 5);
    }

    #[test]
    fn occlusion_takes_valid_cells_away_and_nothing_else() {
        let field = water();
        let hidden: Vec<bool> = (0..160).map(|i| i % 4 >= 2).collect();
        let seen = occlude(&field, &hidden).unwrap();
        assert_eq!(seen.mask().cells()[..4], [Cell::Valid, Cell::Valid, Cell::Cloud, Cell::Missing]);
        assert_eq!((seen.values()[5], seen.values()[6]), (51.0, 0.0));
        assert!(occlude(&field, &hidden[..10]).is_err());
    }
}
