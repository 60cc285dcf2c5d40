//! The best honest filler: the corrected biharmonic fill, mixed with others where the sequence itself says so.

use std::path::Path;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::blend::{Shares, filled};
use super::residual_fill::{ClueFills, ResidualFill};
use crate::base::random::Random;
use crate::grid::{Cell, Field, Mask};
use crate::methods::baselines::{
    DineofConfig, Filled, GapFill, HeldOutError, Hiding, InterpolationConfig, Sequence, Solution, hidden_cells,
};
use crate::methods::error::{MethodError, MethodResult};

/// What may have a share besides the corrected fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partner {
    /// The first fill as it was.
    FrameOffsetBiharmonic,
    /// The biharmonic fill that is stiffer in time.
    Lasting,
    /// The biharmonic fill that moves with the flow.
    Moving,
    /// Optimal interpolation.
    Oi,
    /// Empirical orthogonal functions.
    Dineof,
}

/// Settings of the mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BestConfig {
    /// What is mixed with the corrected fill; nothing: no mixture, and half of the work.
    pub partners: Vec<Partner>,
    /// Share of the observed cells that is hidden to find the shares and the error, in the shape of the gaps.
    pub hidden_share: f64,
}

impl Default for BestConfig {
    fn default() -> BestConfig {
        BestConfig {
            partners: vec![Partner::FrameOffsetBiharmonic, Partner::Lasting, Partner::Moving, Partner::Oi, Partner::Dineof],
            hidden_share: 0.1,
        }
    }
}

/// The corrected fill and its partners.
#[derive(Clone, Debug)]
pub struct BestFill {
    network: ResidualFill,
    config: BestConfig,
}

impl BestFill {
    /// With a trained network.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the hidden share is not within 0 to 0.5.
    pub fn new(network: ResidualFill, config: BestConfig) -> MethodResult<BestFill> {
        if !(config.hidden_share > 0.0 && config.hidden_share <= 0.5) {
            return Err(MethodError::Argument(format!(
                "best: a share of {} of the observed cells was to be hidden; above 0 and up to 0.5 is wanted",
                config.hidden_share
            )));
        }
        Ok(BestFill { network, config })
    }

    /// With the network of a checkpoint and default settings.
    ///
    /// # Errors
    /// As [`ResidualFill::load`].
    pub fn load(path: &Path, device: &Device) -> MethodResult<BestFill> {
        BestFill::new(ResidualFill::load(path, device)?, BestConfig::default())
    }

    /// The field with its gaps filled, without an estimate of the error.
    ///
    /// # Errors
    /// As [`BestFill::fill`].
    pub fn field(&self, field: &Field) -> MethodResult<Field> {
        Ok(self.fill(field)?.field)
    }

    /// Fills the gaps of a field; observed cells, land and ice stay as they are. Frames without an observation are filled
    /// from those around them and marked.
    ///
    /// Some observed cells are hidden in the shape of the gaps; every fill is made without them, and the shares are those
    /// with the least error there. The error estimate is what the mixture has on the same cells, by distance to the nearest
    /// observed one (a little too small, since a few shares were fitted to them).
    ///
    /// # Errors
    /// As [`GapFill::fill`]; [`MethodError::Nn`] from the device.
    pub fn fill(&self, field: &Field) -> MethodResult<Filled> {
        let sequence = Sequence::new(field)?;
        let fills = self.fills(field)?;
        let hidden = hidden_cells(&sequence, self.config.hidden_share, Hiding::Clouds, &mut Random::new(0, "best"));
        if hidden.is_empty() {
            return filled(field, &fills[0], None, String::new());
        }
        let rest = sequence.hiding(&hidden);
        let mut cells = field.mask().cells().to_vec();
        hidden.iter().for_each(|i| cells[*i] = Cell::Cloud);
        let again = self.fills(&field.clone().remasked(Mask::from_cells(cells))?)?;
        let shares = Shares::fitted(&sequence.values, &hidden, &again);
        let checked = shares.mixed(&again);
        let error = HeldOutError::new(&sequence, &rest, &hidden, true, |i| checked.known[i].then_some(checked.values[i]));
        let said: Vec<String> = self.names().zip(&shares.0).map(|(name, share)| format!("{name} {share:.2}")).collect();
        let note = format!("shares: {}", said.join(", "));
        filled(field, &shares.mixed(&fills), error.map(|e| e.of_cells(&sequence)), note)
    }

    /// What the fills are called, in their order.
    fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        std::iter::once("corrected").chain(self.config.partners.iter().map(|p| match p {
            Partner::FrameOffsetBiharmonic => "frame_offset_biharmonic",
            Partner::Lasting => "lasting",
            Partner::Moving => "moving",
            Partner::Oi => "oi",
            Partner::Dineof => "dineof",
        }))
    }

    fn fills(&self, field: &Field) -> MethodResult<Vec<Solution>> {
        let clued = ClueFills::new(field)?;
        let mut fills = vec![self.network.corrected(&clued)?];
        for partner in &self.config.partners {
            fills.push(match partner {
                Partner::FrameOffsetBiharmonic => clued.fills.first.clone(),
                Partner::Lasting => clued.fills.others[1].clone(),
                Partner::Moving => clued.fills.others[0].clone(),
                Partner::Oi => GapFill::OptimalInterpolation(InterpolationConfig::default()).solution(field, &clued.sequence)?,
                Partner::Dineof => GapFill::Dineof(DineofConfig::default()).solution(field, &clued.sequence)?,
            });
        }
        Ok(fills)
    }
}

#[cfg(test)]
mod tests {
    use super::super::residual_fill::tests::{pond, untrained};
    use super::*;
    use crate::methods::baselines::FillStatus;

    fn cloudy() -> Field {
        let cells = (0..864).map(|i| match i {
            _ if i / 144 == 4 => Cell::Missing,
            _ if i % 144 < 2 => Cell::Land,
            _ if (i / 5 + i / 144) % 3 == 0 => Cell::Cloud,
            _ => Cell::Valid,
        });
        pond(1).remasked(Mask::from_cells(cells.collect())).unwrap()
    }

    #[test]
    fn a_bad_network_gets_no_share_and_observed_cells_stay() {
        let seen = cloudy();
        let best = BestFill::new(untrained(5.0), BestConfig::default()).unwrap();
        let filled = best.fill(&seen).unwrap();
        assert!(filled.note.starts_with("shares: corrected 0.0"), "{}", filled.note);
        for (i, cell) in seen.mask().cells().iter().enumerate() {
            let wanted = match cell {
                Cell::Valid => FillStatus::Observed,
                Cell::Land => FillStatus::Land,
                Cell::Missing => FillStatus::FilledInEmptyFrame,
                _ => FillStatus::Filled,
            };
            assert_eq!(filled.status[i], wanted, "{i}");
            if *cell == Cell::Valid {
                assert_eq!(filled.field.values()[i].to_bits(), seen.values()[i].to_bits());
            }
        }
        let error = filled.error.unwrap();
        assert!((0..864).all(|i| (error.values()[i] > 0.0) == filled.status[i].is_filled()));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let config = BestConfig { hidden_share: 0.0, ..BestConfig::default() };
        assert!(BestFill::new(untrained(0.0), config).unwrap_err().to_string().contains("0.5"));
    }
}
