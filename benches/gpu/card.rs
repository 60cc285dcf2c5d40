//! What the card could do by its data sheet.

use isotherm::candle_core::Device;
use isotherm::nn::Precision;

/// A card's multiprocessors, their highest clock and its kind.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    pub processors: usize,
    pub hertz: f64,
    pub capability: (i32, i32),
}

impl Card {
    /// None on the CPU.
    #[cfg(feature = "cuda")]
    pub fn of(device: &Device) -> anyhow::Result<Option<Card>> {
        use isotherm::candle_core::cuda_backend::cudarc::driver::sys::CUdevice_attribute as Attribute;
        let Device::Cuda(card) = device else { return Ok(None) };
        let stream = card.cuda_stream();
        let get = |attribute| stream.context().attribute(attribute);
        Ok(Some(Card {
            processors: get(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)? as usize,
            hertz: 1e3 * f64::from(get(Attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?),
            capability: (
                get(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                get(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
        }))
    }

    /// None on the CPU.
    #[cfg(not(feature = "cuda"))]
    pub fn of(_: &Device) -> anyhow::Result<Option<Card>> {
        Ok(None)
    }

    /// GFLOP/s of dense products at the highest clock, where the kind of card is known: NVIDIA's white papers of the
    /// A100 (compute capability 8.0) and of the H100 and H200 (9.0) give operations per multiprocessor and cycle.
    pub fn peak(&self, precision: Precision) -> Option<f64> {
        let per_cycle = match (self.capability, precision) {
            ((8, 0), Precision::F32) => 128.0,
            ((8, 0), Precision::Tf32) => 1024.0,
            ((8, 0), Precision::Bf16) => 2048.0,
            ((9, 0), Precision::F32) => 256.0,
            ((9, 0), Precision::Tf32) => 2048.0,
            ((9, 0), Precision::Bf16) => 4096.0,
            _ => return None,
        };
        Some(1e-9 * self.processors as f64 * self.hertz * per_cycle)
    }
}
