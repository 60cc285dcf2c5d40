//! The ladder for super-resolution: every method takes a coarse field and a factor and gives the fine one.

use candle_core::Device;

use super::error::{MethodError, MethodResult};
use super::regression::{BiasCorrected, Regression};
use crate::grid::{BACK_PROJECTION_ITERATIONS, Field, Interpolation, back_projected_bicubic, upsample};

/// One method of the ladder.
#[derive(Clone, Debug)]
pub enum SuperResolver {
    /// The coarse value, repeated.
    Nearest,
    /// Bilinear.
    Bilinear,
    /// Cubic convolution, a = -0.75.
    Bicubic,
    /// Cubic convolution corrected until its block means are the coarse values again.
    BicubicBackProjected,
    /// Cubic convolution plus a mean offset for each latitude.
    BicubicBias(BiasCorrected),
    /// A trained network.
    Regression(Box<Regression>),
}

impl SuperResolver {
    /// The four methods that need no training, simplest first.
    pub fn untrained() -> [SuperResolver; 4] {
        [SuperResolver::Nearest, SuperResolver::Bilinear, SuperResolver::Bicubic, SuperResolver::BicubicBackProjected]
    }

    /// A trained network from its checkpoint, on the CPU.
    ///
    /// # Errors
    /// As [`Regression::load`].
    pub fn regression_from(checkpoint: &std::path::Path) -> MethodResult<SuperResolver> {
        Ok(SuperResolver::Regression(Box::new(Regression::load(checkpoint, &Device::Cpu)?)))
    }

    /// The name in tables; a trained network's stands in its checkpoint.
    pub fn id(&self) -> &str {
        match self {
            SuperResolver::Nearest => "nearest",
            SuperResolver::Bilinear => "bilinear",
            SuperResolver::Bicubic => "bicubic",
            SuperResolver::BicubicBackProjected => "bicubic_backprojected",
            SuperResolver::BicubicBias(_) => BiasCorrected::METHOD,
            SuperResolver::Regression(network) => network.method(),
        }
    }

    /// The field on a grid `factor` times finer. Land and gaps are filled before and masked after: a fine
    /// cell is valid where its coarse cell is.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for a factor the method was not trained for; [`MethodError::Grid`] for a factor of 0
    /// or axes that cannot be refined.
    ///
    /// # Example
    /// ```
    /// use isotherm::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
    /// use isotherm::methods::SuperResolver;
    /// let lat = Axis::regular(AxisKind::Latitude, 0.125, 0.25, 4).unwrap();
    /// let lon = Axis::regular(AxisKind::Longitude, 0.125, 0.25, 3).unwrap();
    /// let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
    /// let low = Field::new("sst", vec![20.0; 12], Mask::all_valid(12), time, lat, lon, Unit::Celsius).unwrap();
    /// let high = SuperResolver::BicubicBackProjected.apply(&low, 5).unwrap();
    /// assert_eq!(high.shape(), [1, 20, 15]);
    /// assert!((high.longitude().centres()[0] - 0.025).abs() < 1e-9);
    /// ```
    pub fn apply(&self, low: &Field, factor: usize) -> MethodResult<Field> {
        match self {
            SuperResolver::Nearest => Ok(upsample(low, factor, Interpolation::Nearest)?),
            SuperResolver::Bilinear => Ok(upsample(low, factor, Interpolation::Bilinear)?),
            SuperResolver::Bicubic => Ok(upsample(low, factor, Interpolation::Bicubic)?),
            SuperResolver::BicubicBackProjected => Ok(back_projected_bicubic(low, factor, BACK_PROJECTION_ITERATIONS)?),
            SuperResolver::BicubicBias(offsets) => {
                self.check_factor(offsets.factor(), factor)?;
                offsets.apply(low)
            }
            SuperResolver::Regression(network) => {
                self.check_factor(network.config().tile.factor, factor)?;
                network.apply(low)
            }
        }
    }

    fn check_factor(&self, trained: usize, asked: usize) -> MethodResult<()> {
        if trained == asked {
            return Ok(());
        }
        let id = self.id();
        let sentence = format!("{id} was trained for a factor of {trained}, but {asked} was asked for; train one for it");
        Err(MethodError::Argument(sentence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    fn field(values: Vec<f32>, mask: Mask, columns: usize) -> Field {
        let rows = values.len() / columns;
        let lat = Axis::regular(AxisKind::Latitude, 10.0, -0.25, rows).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.125, 0.25, columns).unwrap();
        Field::new("sst", values, mask, TimeAxis::from_seconds(vec![0.0]).unwrap(), lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn what_a_masked_cell_holds_changes_nothing_and_stays_masked() {
        let mut cells = vec![Cell::Valid; 24];
        cells[9] = Cell::Land;
        let values: Vec<f32> = (0..24).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut other = values.clone();
        other[9] = 1e9;
        for method in SuperResolver::untrained() {
            let a = method.apply(&field(values.clone(), Mask::from_cells(cells.clone()), 6), 5).unwrap();
            let b = method.apply(&field(other.clone(), Mask::from_cells(cells.clone()), 6), 5).unwrap();
            assert_eq!(a, b, "{}", method.id());
            assert_eq!(a.mask().count_valid(), 23 * 25);
            assert_eq!(a.get(0, 5, 15), None);
        }
    }

    #[test]
    fn a_ramp_is_refined_right() {
        // 2 x + 1 along the columns: bilinear is exact between the outer centres.
        let values: Vec<f32> = (0..18).map(|i| 2.0 * (i % 6) as f32 + 1.0).collect();
        let high = SuperResolver::Bilinear.apply(&field(values, Mask::all_valid(18), 6), 5).unwrap();
        let x = 12; // centre (12 + 0.5) / 5 - 0.5 = 2: the coarse cell 2 itself
        assert!((high.get(0, 7, x).unwrap() - 5.0).abs() < 1e-6);
        assert!((high.get(0, 7, x + 1).unwrap() - 5.4).abs() < 1e-6);
        assert!(high.latitude().centres()[0] > high.latitude().centres()[1]);
        assert!(SuperResolver::Nearest.apply(&high, 0).is_err());
    }
}
