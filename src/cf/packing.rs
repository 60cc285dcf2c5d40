//! [`Packing`]: how values become stored numbers.

use super::error::{CfError, CfResult};
use super::raw::{ElementType, Raw};
use crate::grid::Field;

/// The fill value of packed variables.
pub(super) const INT16_FILL: i16 = i16::MIN;
/// The fill value of float variables: the library's own, which every reader knows.
pub(super) const FLOAT32_FILL: f32 = 9.969_21e36;
/// Packed numbers used for values: all of int16 but the fill.
const INT16_LIMIT: f64 = 32_767.0;

/// How a field's values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Packing {
    /// As they are, in single precision.
    #[default]
    Float32,
    /// As int16 of a given scale and offset: `value = stored * scale + offset`.
    Int16 {
        /// `scale_factor`, in the field's unit.
        scale: f64,
        /// `add_offset`, in the field's unit.
        offset: f64,
    },
    /// As int16, scale and offset chosen so that the field's range fills the numbers.
    Int16Fitted,
}

/// A packing whose numbers are settled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Settled {
    Float32,
    Int16 { scale: f64, offset: f64 },
}

impl Packing {
    /// Settles the scale and offset for one field.
    ///
    /// # Errors
    /// [`CfError::Argument`] where the scale is not a positive number, or a value does not fit.
    pub(super) fn settle(self, field: &Field) -> CfResult<Settled> {
        let valid = || field.values().iter().zip(field.mask().cells()).filter(|(_, c)| c.is_valid()).map(|(v, _)| f64::from(*v));
        let (low, high) = valid().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        match self {
            Packing::Float32 => Ok(Settled::Float32),
            Packing::Int16Fitted if low > high => Ok(Settled::Int16 { scale: 1.0, offset: 0.0 }),
            Packing::Int16Fitted => {
                let scale = if high > low { (high - low) / (2.0 * INT16_LIMIT) } else { 1.0 };
                Ok(Settled::Int16 { scale, offset: 0.5 * (low + high) })
            }
            Packing::Int16 { scale, offset } => {
                if !(scale > 0.0 && scale.is_finite() && offset.is_finite()) {
                    return Err(CfError::Argument(format!(
                        "scale {scale} with offset {offset} cannot pack '{}'; a positive scale is wanted",
                        field.name()
                    )));
                }
                let (least, most) = (offset - INT16_LIMIT * scale, offset + INT16_LIMIT * scale);
                if low <= high && (low < least - 0.5 * scale || high > most + 0.5 * scale) {
                    return Err(CfError::Argument(format!(
                        "'{}' spans {low} to {high}, but int16 with scale {scale} and offset {offset} holds {least} to {most}; \
                         choose a larger scale",
                        field.name()
                    )));
                }
                Ok(Settled::Int16 { scale, offset })
            }
        }
    }
}

impl Settled {
    pub fn element(self) -> ElementType {
        match self {
            Settled::Float32 => ElementType::F32,
            Settled::Int16 { .. } => ElementType::I16,
        }
    }

    /// The stored numbers of frame `time` of a field, masked cells as fill.
    pub fn encode(self, field: &Field, time: usize) -> Raw {
        let cells = field.frame(time).iter().zip(field.frame_mask(time));
        match self {
            Settled::Float32 => Raw::F32(cells.map(|(v, c)| if c.is_valid() { *v } else { FLOAT32_FILL }).collect()),
            Settled::Int16 { scale, offset } => Raw::I16(
                cells
                    .map(|(v, c)| {
                        let stored = ((f64::from(*v) - offset) / scale).round().clamp(-INT16_LIMIT, INT16_LIMIT);
                        if c.is_valid() { stored as i16 } else { INT16_FILL }
                    })
                    .collect(),
            ),
        }
    }
}
