//! The gap fillers by name, and how each is run on a field.

use super::background::{Background, Centring};
use super::biharmonic::{Bending, biharmonic};
use super::dineof::{DineofConfig, dineof};
use super::filled::Filled;
use super::harmonic::{SPACE, SPACE_TIME, harmonic};
use super::held_out::HeldOutError;
use super::hide::{Hiding, hidden_cells};
use super::interpolation::{InterpolationConfig, Places, interpolate};
use super::linear::linear;
use super::moving::moving_biharmonic;
use super::sequence::{Sequence, Solution};
use crate::base::random::Random;
use crate::grid::{Field, SECONDS_PER_DAY};
use crate::methods::error::MethodResult;

/// Share of the observed cells hidden to learn the error of a method that does not know its own.
const HIDDEN_SHARE: f64 = 0.1;

/// A method that fills gaps without having been trained.
#[derive(Clone, Debug, PartialEq)]
pub enum GapFill {
    /// Each pixel linear in time, constant at the ends; pixels never seen by Laplace's equation in each frame.
    Linear,
    /// Laplace's equation in each frame by itself. Frames without an observation stay empty.
    HarmonicPlane,
    /// Laplace's equation in space and time, a step in time weighing four times one in space.
    Harmonic,
    /// An offset for each frame taken off, then [`GapFill::Linear`].
    FrameOffset,
    /// An offset for each frame taken off, then the surface in space and time that bends least.
    FrameOffsetBiharmonic,
    /// An offset for each frame taken off, then the surface that bends least in coordinates that move with the flow, which is
    /// found by matching what is seen from frame to frame.
    MovingBiharmonic,
    /// Optimal interpolation.
    OptimalInterpolation(InterpolationConfig),
    /// Empirical orthogonal functions. Frames without an observation and pixels never seen stay empty.
    Dineof(DineofConfig),
}

impl GapFill {
    /// Every method with its default settings, simplest first.
    pub fn all() -> [GapFill; 8] {
        [
            GapFill::Linear,
            GapFill::HarmonicPlane,
            GapFill::Harmonic,
            GapFill::FrameOffset,
            GapFill::FrameOffsetBiharmonic,
            GapFill::MovingBiharmonic,
            GapFill::OptimalInterpolation(InterpolationConfig::default()),
            GapFill::Dineof(DineofConfig::default()),
        ]
    }

    /// The name in tables.
    pub fn id(&self) -> &'static str {
        match self {
            GapFill::Linear => "linear",
            GapFill::HarmonicPlane => "harmonic_plane",
            GapFill::Harmonic => "harmonic",
            GapFill::FrameOffset => "frame_offset",
            GapFill::FrameOffsetBiharmonic => "frame_offset_biharmonic",
            GapFill::MovingBiharmonic => "moving_biharmonic",
            GapFill::OptimalInterpolation(_) => "oi",
            GapFill::Dineof(_) => "dineof",
        }
    }

    /// Does it fill frames in which nothing is observed, from those before and after?
    pub fn fills_empty_frames(&self) -> bool {
        !matches!(self, GapFill::HarmonicPlane | GapFill::Dineof(_))
    }

    /// Fills the gaps of a field: its cloudy and missing cells. Observed cells, land and ice stay as they are.
    ///
    /// Frames without any observation are filled only by methods that reach through time, and marked
    /// [`FillStatus::FilledInEmptyFrame`](super::FillStatus::FilledInEmptyFrame). A gap that no way through the sea leads to
    /// from an observed cell is not filled.
    ///
    /// The error estimate of optimal interpolation is its own; the others hide a few observed cells in the shape of the
    /// gaps, fill again, and give each gap the error found at its distance to the nearest observed cell.
    ///
    /// # Errors
    /// [`MethodError::Argument`](crate::methods::MethodError::Argument) where nothing is observed at all, or for settings
    /// out of range.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};
    /// use isotherm::methods::baselines::{FillStatus, GapFill};
    /// let lat = Axis::regular(AxisKind::Latitude, 40.125, 0.25, 1).unwrap();
    /// let lon = Axis::regular(AxisKind::Longitude, 10.125, 0.25, 3).unwrap();
    /// let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
    /// let mask = Mask::from_cells(vec![Cell::Valid, Cell::Cloud, Cell::Valid]);
    /// let sst = Field::new("sst", vec![15.0, 0.0, 17.0], mask, time, lat, lon, Unit::Celsius).unwrap();
    /// let filled = GapFill::HarmonicPlane.fill(&sst).unwrap();
    /// assert_eq!(filled.field.values(), [15.0, 16.0, 17.0]);
    /// assert_eq!(filled.status[1], FillStatus::Filled);
    /// ```
    pub fn fill(&self, field: &Field) -> MethodResult<Filled> {
        let sequence = Sequence::new(field)?;
        match self {
            GapFill::OptimalInterpolation(config) => {
                let found = interpolate(&sequence, &Places::new(field), config)?;
                let c = found.covariance;
                let note = format!(
                    "scales of {:.3} km and {:.3} days, deviation {:.4}, noise {:.4}",
                    c.metres / 1000.0,
                    c.seconds / SECONDS_PER_DAY,
                    c.variance.sqrt(),
                    c.noise.sqrt()
                );
                Filled::new(field, &sequence, &found.solution, Some(found.error), note)
            }
            GapFill::Dineof(config) => {
                let found = dineof(&sequence, config)?;
                let note = match found.hidden_error.get(found.modes.wrapping_sub(1)) {
                    Some(error) => format!("{} modes, error {error:.4} over hidden cells", found.modes),
                    None => format!("{} modes", found.modes),
                };
                Filled::new(field, &sequence, &found.solution, found.error, note)
            }
            simple => {
                let solution = simple.solve(&sequence)?;
                let hidden = hidden_cells(&sequence, HIDDEN_SHARE, Hiding::Clouds, &mut Random::new(0, "held out"));
                let error = if hidden.is_empty() {
                    None
                } else {
                    let rest = sequence.hiding(&hidden);
                    let again = simple.solve(&rest)?;
                    HeldOutError::new(&sequence, &rest, &hidden, self.fills_empty_frames(), |i| {
                        again.known[i].then_some(again.values[i])
                    })
                };
                let note = if error.is_some() { format!("error from {} hidden cells", hidden.len()) } else { String::new() };
                Filled::new(field, &sequence, &solution, error.map(|e| e.of_cells(&sequence)), note)
            }
        }
    }

    /// The fill alone, without an estimate of its error: half of the work, or less.
    pub(crate) fn solution(&self, field: &Field, sequence: &Sequence) -> MethodResult<Solution> {
        match self {
            GapFill::OptimalInterpolation(config) => Ok(interpolate(sequence, &Places::new(field), config)?.solution),
            GapFill::Dineof(config) => Ok(dineof(sequence, config)?.solution),
            simple => simple.solve(sequence),
        }
    }

    /// Fills the gaps as [`GapFill::fill`] does, and gives the field alone.
    ///
    /// # Errors
    /// As [`GapFill::fill`].
    pub fn field(&self, field: &Field) -> MethodResult<Field> {
        let sequence = Sequence::new(field)?;
        let solution = self.solution(field, &sequence)?;
        Ok(Filled::new(field, &sequence, &solution, None, String::new())?.field)
    }

    /// The fill alone, of the methods without settings.
    fn solve(&self, sequence: &Sequence) -> MethodResult<Solution> {
        match self {
            GapFill::HarmonicPlane => harmonic(sequence, SPACE),
            GapFill::Harmonic => harmonic(sequence, SPACE_TIME),
            GapFill::FrameOffset => without_offsets(sequence, linear),
            GapFill::FrameOffsetBiharmonic => frame_offset_biharmonic(sequence, &Bending::default()),
            GapFill::MovingBiharmonic => without_offsets(sequence, moving_biharmonic),
            _ => linear(sequence),
        }
    }
}

/// [`GapFill::FrameOffsetBiharmonic`] with other weights.
pub(crate) fn frame_offset_biharmonic(sequence: &Sequence, bending: &Bending) -> MethodResult<Solution> {
    without_offsets(sequence, |rest| biharmonic(rest, bending))
}

/// Fills what is left of a sequence without its frames' offsets, and puts them back.
fn without_offsets(sequence: &Sequence, fill: impl FnOnce(&Sequence) -> MethodResult<Solution>) -> MethodResult<Solution> {
    let background = Background::new(sequence, Centring::FrameOffset)?;
    let mut solution = fill(&background.taken_off(sequence))?;
    let pixels = sequence.frame_len();
    for i in 0..solution.values.len() {
        if sequence.observed[i] {
            solution.values[i] = sequence.values[i];
        } else if solution.known[i] {
            solution.values[i] += background.at(i / pixels, i % pixels);
        }
    }
    Ok(solution)
}

#[cfg(test)]
mod tests;
