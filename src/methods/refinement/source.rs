//! [`FineFieldSource`]: where fine crops come from, with what of them is sea.

use crate::base::random::Random;
use crate::grid::{Field, Fill, fill_plane};
use crate::methods::error::{MethodError, MethodResult};

/// Least share of a crop that must be sea.
const LEAST_SEA: f64 = 0.5;
/// Random places tried before the frame is searched for all that have enough sea.
const TRIES: usize = 64;

/// A square of fine values; land is filled from the nearest sea.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crop {
    pub values: Vec<f32>,
    pub sea: Vec<bool>,
}

/// Fine frames to learn from: some frames of a field, by a split.
#[derive(Clone, Debug)]
pub struct FineFieldSource<'a> {
    field: &'a Field,
    frames: Vec<usize>,
}

impl<'a> FineFieldSource<'a> {
    /// The frames `frames` of `field`.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where there is no frame or one does not exist.
    pub fn new(field: &'a Field, frames: &[usize]) -> MethodResult<FineFieldSource<'a>> {
        if frames.is_empty() {
            return Err(MethodError::Argument("no frames were given to learn from; at least one is wanted".to_string()));
        }
        if let Some(frame) = frames.iter().find(|f| **f >= field.frames()) {
            return Err(MethodError::Argument(format!("frame {frame} does not exist; the field has {}", field.frames())));
        }
        Ok(FineFieldSource { field, frames: frames.to_vec() })
    }

    /// Distance of the field's rows, degrees.
    pub(in crate::methods) fn latitude_step(&self) -> f64 {
        self.field.latitude().spacing().abs()
    }

    /// The source with only those frames that hold a square of `side` pixels of which at least half is sea.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where none does.
    pub(in crate::methods) fn with_room_for(mut self, side: usize) -> MethodResult<FineFieldSource<'a>> {
        let frames = std::mem::take(&mut self.frames);
        self.frames = frames.into_iter().filter(|frame| !self.places(*frame, side).is_empty()).collect();
        if self.frames.is_empty() {
            let [_, rows, columns] = self.field.shape();
            return Err(MethodError::Argument(format!(
                "no frame of {rows}x{columns} holds {side}x{side} pixels of which half is sea; give larger fields or smaller tiles"
            )));
        }
        Ok(self)
    }

    /// Every corner (row, column) from which a square of `side` pixels has enough sea.
    fn places(&self, frame: usize, side: usize) -> Vec<(usize, usize)> {
        let [_, rows, columns] = self.field.shape();
        if side > rows || side > columns {
            return Vec::new();
        }
        let width = columns + 1;
        let mut sums = vec![0u32; (rows + 1) * width];
        for (y, line) in self.field.frame_mask(frame).chunks(columns).enumerate() {
            let mut run = 0;
            for (x, cell) in line.iter().enumerate() {
                run += u32::from(cell.is_valid());
                sums[(y + 1) * width + x + 1] = sums[y * width + x + 1] + run;
            }
        }
        let sea = |y: usize, x: usize| {
            sums[(y + side) * width + x + side] + sums[y * width + x] - sums[y * width + x + side] - sums[(y + side) * width + x]
        };
        let enough = |(y, x): &(usize, usize)| f64::from(sea(*y, *x)) >= LEAST_SEA * (side * side) as f64;
        (0..=rows - side).flat_map(|y| (0..=columns - side).map(move |x| (y, x))).filter(enough).collect()
    }

    /// A random square of `side` pixels with enough sea, turned and mirrored at random.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where its frame has no such square ([`FineFieldSource::with_room_for`] sorts those out).
    pub(super) fn draw(&self, side: usize, random: &mut Random) -> MethodResult<Crop> {
        let frame = self.frames[random.below(self.frames.len())];
        let [_, rows, columns] = self.field.shape();
        let cells = self.field.frame_mask(frame);
        let sea_share = |(top, left): (usize, usize)| {
            let row = |y: usize| cells[y * columns + left..][..side].iter().filter(|c| c.is_valid()).count();
            (top..top + side).map(row).sum::<usize>() as f64 / (side * side) as f64
        };
        let mut corner = None;
        for _ in 0..if side <= rows && side <= columns { TRIES } else { 0 } {
            let place = (random.below(rows - side + 1), random.below(columns - side + 1));
            if sea_share(place) >= LEAST_SEA {
                corner = Some(place);
                break;
            }
        }
        let (top, left) = match corner {
            Some(corner) => corner,
            None => {
                let all = self.places(frame, side);
                if all.is_empty() {
                    return Err(MethodError::Argument(format!(
                        "frame {frame} holds no {side}x{side} pixels of which half is sea"
                    )));
                }
                all[random.below(all.len())]
            }
        };
        let (flip_y, flip_x, turn) = (random.below(2) == 1, random.below(2) == 1, random.below(2) == 1);
        let values = self.field.frame(frame);
        let mut crop = Crop { values: Vec::with_capacity(side * side), sea: Vec::with_capacity(side * side) };
        for i in 0..side {
            for j in 0..side {
                let (y, x) = if turn { (j, i) } else { (i, j) };
                let (y, x) = (if flip_y { side - 1 - y } else { y }, if flip_x { side - 1 - x } else { x });
                let at = (top + y) * columns + left + x;
                crop.values.push(values[at]);
                crop.sea.push(cells[at].is_valid());
            }
        }
        crop.values = fill_plane(&crop.values, &crop.sea, side, side, false, Fill::Nearest)?;
        Ok(crop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    fn field(rows: usize, columns: usize, land: impl Fn(usize, usize) -> bool) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 0.0, 0.05, rows).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.0, 0.05, columns).unwrap();
        let at = |i: usize| (i / columns, i % columns);
        let values = (0..rows * columns).map(|i| if land(at(i).0, at(i).1) { -99.0 } else { i as f32 }).collect();
        let cells = (0..rows * columns).map(|i| if land(at(i).0, at(i).1) { Cell::Land } else { Cell::Valid }).collect();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn a_crop_lies_where_the_sea_is_and_never_shows_what_land_holds() {
        // Sea: rows 7..17, columns 20..25. A square of ten has half of it only from (7, 15..=20).
        let f = field(40, 50, |y, x| !((7..17).contains(&y) && (20..25).contains(&x)));
        let source = FineFieldSource::new(&f, &[0]).unwrap().with_room_for(10).unwrap();
        assert_eq!(source.places(0, 10), (15..=20).map(|x| (7, x)).collect::<Vec<_>>());
        for seed in 0..5 {
            let crop = source.draw(10, &mut Random::new(seed, "t")).unwrap();
            assert_eq!(crop.sea.iter().filter(|s| **s).count(), 50);
            assert!(crop.values.iter().all(|v| *v >= 0.0));
            let mut seen: Vec<f32> = crop.values.iter().zip(&crop.sea).filter(|(_, s)| **s).map(|(v, _)| *v).collect();
            seen.sort_by(f32::total_cmp);
            let wanted: Vec<f32> = (7..17).flat_map(|y| (20..25).map(move |x| (y * 50 + x) as f32)).collect();
            assert_eq!(seen, wanted);
        }
        assert!(FineFieldSource::new(&f, &[0]).unwrap().with_room_for(11).is_err());
        assert!(FineFieldSource::new(&f, &[0]).unwrap().draw(41, &mut Random::new(1, "t")).is_err());
        assert!(FineFieldSource::new(&f, &[1]).is_err());
    }
}
