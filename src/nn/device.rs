//! Which device computes: the CPU, or a CUDA card where there is one.

use candle_core::{DType, Device, Tensor, Var};
use serde::{Deserialize, Serialize};

use super::error::{NnError, NnResult};

/// The device asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The first CUDA card where one can be used, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA card of this number; an error where it cannot be used.
    Cuda(usize),
}

/// The device for `choice` and one sentence that says what was taken and why.
///
/// # Errors
/// [`NnError::Device`] where a CUDA card was asked for by number and cannot be used.
///
/// # Example
/// ```
/// use isotherm::nn::{DeviceChoice, select_device};
/// let (device, sentence) = select_device(DeviceChoice::Cpu).unwrap();
/// assert!(device.is_cpu() && sentence.starts_with("Computing on the CPU"));
/// ```
pub fn select_device(choice: DeviceChoice) -> NnResult<(Device, String)> {
    let threads = rayon::current_num_threads();
    let cpu = |why: &str| (Device::Cpu, format!("Computing on the CPU with {threads} threads{why}."));
    match choice {
        DeviceChoice::Cpu => Ok(cpu("")),
        DeviceChoice::Auto if !candle_core::utils::cuda_is_available() => Ok(cpu(" (built without the feature `cuda`)")),
        DeviceChoice::Auto => Ok(match cuda(0) {
            Ok(device) => (device, "Computing on the CUDA card 0.".to_string()),
            Err(error) => cpu(&format!(" (no CUDA card can be used: {})", first_line(&error))),
        }),
        DeviceChoice::Cuda(_) if !candle_core::utils::cuda_is_available() => Err(NnError::Device {
            device: describe_choice(choice),
            problem: "this program was built without the feature `cuda`; build it with `--features cuda` or choose the CPU"
                .to_string(),
        }),
        DeviceChoice::Cuda(index) => match cuda(index) {
            Ok(device) => Ok((device, format!("Computing on the CUDA card {index}."))),
            Err(error) => Err(NnError::Device {
                device: describe_choice(choice),
                problem: format!("{}; choose another card or the CPU", first_line(&error)),
            }),
        },
    }
}

// A stream of our own: on candle's per-thread default stream a second host thread would not be ordered
// with the first.
fn cuda(index: usize) -> candle_core::Result<Device> {
    let device = Device::new_cuda_with_stream(index)?;
    #[cfg(feature = "cuda")]
    keep_freed_memory(&device);
    Ok(device)
}

/// Lets the driver's pool keep what tensors give back: by default it returns all of it to the system whenever the program
/// waits for the card, which each number read from there does. A card without a pool works as before.
#[cfg(feature = "cuda")]
fn keep_freed_memory(device: &Device) {
    use candle_core::cuda_backend::cudarc::driver::{result, sys::CUmemPool_attribute};
    let Device::Cuda(card) = device else { return };
    let mut threshold = u64::MAX;
    // SAFETY: the context of `card` is alive, the pool is that of its device, and the attribute is a number of 64 bits.
    unsafe {
        if let Ok(pool) = result::device::get_default_mem_pool(card.cuda_stream().context().cu_device()) {
            let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            let _ = result::mem_pool::set_attribute(pool, attribute, (&raw mut threshold).cast());
        }
    }
}

fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}

fn describe_choice(choice: DeviceChoice) -> String {
    match choice {
        DeviceChoice::Auto => "auto".to_string(),
        DeviceChoice::Cpu => "cpu".to_string(),
        DeviceChoice::Cuda(index) => format!("cuda:{index}"),
    }
}

/// A device in one word for logs and passports: `cpu`, `cuda:0`.
pub fn describe_device(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_string(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}

/// Are gradients of gradients right in this process? Computes d²(x³)/dx² at 2, which is 12.
///
/// candle detaches gradients unless the environment variable `CANDLE_GRAD_DO_NOT_DETACH` is 1 before the
/// first backward pass of the thread; then the answer would be missing or wrong without a word. Whatever
/// needs a second derivative (a gradient penalty) calls this first and refuses to run on `false`.
///
/// # Errors
/// [`NnError::Tensor`] where the device fails.
pub fn second_order_gradients_work(device: &Device) -> NnResult<bool> {
    let x = Var::from_tensor(&Tensor::full(2.0f64, (), device)?.to_dtype(DType::F64)?)?;
    let cube = ((x.as_tensor() * x.as_tensor())? * x.as_tensor())?;
    let first = cube.backward()?;
    let Some(first) = first.get(x.as_tensor()) else { return Ok(false) };
    let second = first.backward()?;
    let Some(second) = second.get(x.as_tensor()) else { return Ok(false) };
    Ok((second.to_scalar::<f64>()? - 12.0).abs() < 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_is_not_there_is_an_error_but_auto_falls_back() {
        let (_, sentence) = select_device(DeviceChoice::Auto).unwrap();
        assert!(sentence.ends_with('.'), "{sentence}");
        let error = select_device(DeviceChoice::Cuda(63)).unwrap_err().to_string();
        assert!(error.starts_with("device cuda:63: "), "{error}");
    }

    #[test]
    fn the_project_setting_gives_right_second_derivatives() {
        // .cargo/config.toml sets the variable for everything that cargo starts.
        assert!(second_order_gradients_work(&Device::Cpu).unwrap());
    }
}
