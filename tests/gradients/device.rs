//! Where the gradients are audited.

use std::sync::LazyLock;

use candle_core::Device;
use isotherm::nn::{DeviceChoice, select_device};

/// The device under test. One that was asked for and is not there fails the test.
pub fn device() -> Device {
    static DEVICE: LazyLock<Device> = LazyLock::new(|| {
        let asked = std::env::var("ISOTHERM_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_string());
        let choice = match asked.split_once(':') {
            Some(("cuda", number)) => DeviceChoice::Cuda(number.parse().expect("the number of a card after 'cuda:'")),
            None if asked == "cuda" => DeviceChoice::Cuda(0),
            None if asked == "cpu" => DeviceChoice::Cpu,
            _ => panic!("ISOTHERM_TEST_DEVICE is '{asked}'; cpu, cuda or cuda:NUMBER is wanted"),
        };
        select_device(choice).unwrap_or_else(|error| panic!("{error}")).0
    });
    DEVICE.clone()
}
