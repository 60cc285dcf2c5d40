//! Any of the networks: from a coarse tile to its correction.

use candle_core::{Result, Tensor};

use super::config::{Architecture, RegressionConfig};
use super::edsr::Edsr;
use super::rrdb::Rrdb;
use super::srcnn::Srcnn;
use super::swin_light::SwinLight;
use crate::nn::ops::{ConvolutionOptions, pixel_shuffle};
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// Input channels: the values, and where they are sea.
pub(super) const INPUTS: usize = 2;

/// A convolution 3 wide that keeps the size.
pub(super) fn conv3(parameters: &mut Parameters, name: &str, channels: [usize; 2], init: Init) -> NnResult<Convolution2d> {
    Convolution2d::new(parameters, name, channels, 3, ConvolutionOptions::same(3), init)
}

#[derive(Clone, Debug)]
enum Body {
    Srcnn(Srcnn),
    Edsr(Edsr),
    Rrdb(Rrdb),
    SwinLight(SwinLight),
}

/// A network with its closure.
#[derive(Clone, Debug)]
pub(in crate::methods) struct Network {
    body: Body,
    factor: usize,
    closed: bool,
}

impl Network {
    pub fn new(parameters: &mut Parameters, config: &RegressionConfig) -> NnResult<Network> {
        let factor = config.tile.factor;
        let outputs = factor * factor;
        let body = match &config.architecture {
            Architecture::Srcnn(sizes) => Body::Srcnn(Srcnn::new(parameters, sizes, factor)?),
            Architecture::Edsr(sizes) => Body::Edsr(Edsr::new(parameters, sizes, outputs)?),
            Architecture::Rrdb(sizes) => Body::Rrdb(Rrdb::new(parameters, sizes, outputs)?),
            Architecture::SwinLight(sizes) => Body::SwinLight(SwinLight::new(parameters, sizes, outputs)?),
        };
        Ok(Network { body, factor, closed: config.closed })
    }

    /// The correction to the back-projected bicubic, `[b, 2, h, w]` to `[b, 1, h f, w f]`, both in units of
    /// the tile's standard deviation.
    pub fn forward(&self, low: &Tensor) -> Result<Tensor> {
        let mut correction = match &self.body {
            Body::Srcnn(network) => network.forward(low)?,
            Body::Edsr(network) => network.forward(low)?,
            Body::Rrdb(network) => network.forward(low)?,
            Body::SwinLight(network) => network.forward(low)?,
        }; // [b, f², h, w]
        if self.closed {
            correction = correction.broadcast_sub(&correction.mean_keepdim(1)?)?;
        }
        pixel_shuffle(&correction, self.factor) // [b, 1, h f, w f]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::base::random::Random;
    use crate::methods::refinement::TileConfig;
    use crate::methods::regression::{EdsrConfig, RrdbConfig, SrcnnConfig, SwinLightConfig};

    fn tiny() -> [Architecture; 4] {
        [
            Architecture::Srcnn(SrcnnConfig { features: 3, mapped: 2, kernels: [5, 1, 3] }),
            Architecture::Edsr(EdsrConfig { blocks: 1, channels: 3, residual_scale: 0.7 }),
            Architecture::Rrdb(RrdbConfig { blocks: 1, channels: 3, growth: 2, residual_scale: 0.2 }),
            Architecture::SwinLight(SwinLightConfig { groups: 1, depth: 2, width: 4, heads: 2, window: 2, widening: 2 }),
        ]
    }

    fn config(architecture: Architecture) -> RegressionConfig {
        RegressionConfig { tile: TileConfig { factor: 2, ..TileConfig::default() }, ..RegressionConfig::of(architecture) }
    }

    fn normal(shape: &[usize], spread: f64, name: &str) -> Tensor {
        let mut random = Random::new(11, name);
        let count = shape.iter().product();
        Tensor::from_vec((0..count).map(|_| spread * random.normal()).collect::<Vec<f64>>(), shape, &Device::Cpu).unwrap()
    }

    /// All values anew, so that nothing that starts at zero hides a gradient.
    fn stir(parameters: &Parameters) {
        for (name, variable) in parameters.iter() {
            variable.set(&normal(variable.dims(), 0.3, name)).unwrap();
        }
    }

    fn number(t: &Tensor) -> f64 {
        t.to_scalar::<f64>().unwrap()
    }

    #[test]
    fn all_start_at_zero_and_their_gradients_are_right() {
        const STEP: f64 = 1e-5;
        for architecture in tiny() {
            let kind = architecture.kind();
            let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
            let network = Network::new(&mut parameters, &config(architecture)).unwrap();
            // A size that is no multiple of the window.
            let input = Var::from_tensor(&normal(&[1, 2, 5, 4], 1.0, "x")).unwrap();
            let at_start = network.forward(input.as_tensor()).unwrap();
            assert_eq!(at_start.dims(), [1, 1, 10, 8]);
            assert_eq!(number(&at_start.abs().unwrap().sum_all().unwrap()), 0.0, "{kind}");
            stir(&parameters);
            let weights = normal(&[1, 1, 10, 8], 1.0, "weights");
            let value = || (network.forward(input.as_tensor()).unwrap() * &weights).unwrap().sum_all().unwrap();
            let gradients = value().backward().unwrap();
            let mut largest: f64 = 0.0;
            let inputs = [("x", &input)];
            for (name, variable) in parameters.iter().chain(inputs) {
                let gradient = gradients.get(variable.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let start = variable.as_tensor().copy().unwrap().detach();
                let values = start.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let mut random = Random::new(5, name);
                for place in (0..3).map(|_| random.below(values.len())) {
                    let moved = |by: f64| {
                        let mut values = values.clone();
                        values[place] += by;
                        variable.set(&Tensor::from_vec(values, start.shape(), &Device::Cpu).unwrap()).unwrap();
                        number(&value())
                    };
                    let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                    variable.set(&start).unwrap();
                    largest = largest.max(difference.abs());
                    assert!(
                        (gradient[place] - difference).abs() <= 1e-6 * difference.abs().max(1.0),
                        "{kind}, {name}[{place}]: gradient {}, difference {difference}",
                        gradient[place]
                    );
                }
            }
            assert!(largest > 1e-2, "{kind}: the check saw no gradient");
        }
    }

    #[test]
    fn closed_corrections_sum_to_zero_in_each_coarse_cell_and_open_ones_do_not() {
        for architecture in tiny() {
            let kind = architecture.kind();
            let largest = |closed: bool| {
                let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
                let config = RegressionConfig { closed, ..config(architecture.clone()) };
                let network = Network::new(&mut parameters, &config).unwrap();
                stir(&parameters);
                let y = network.forward(&normal(&[1, 2, 4, 4], 1.0, "x")).unwrap();
                let sums = y.reshape((4, 2, 4, 2)).unwrap().sum((1, 3)).unwrap();
                number(&sums.abs().unwrap().max_all().unwrap())
            };
            assert!(largest(true) < 1e-12, "{kind}");
            assert!(largest(false) > 1e-3, "{kind}");
        }
    }

    fn count(architecture: Architecture, factor: usize) -> usize {
        let mut parameters = Parameters::shapes_only();
        let tile = TileConfig { factor, ..TileConfig::default() };
        Network::new(&mut parameters, &RegressionConfig { tile, ..RegressionConfig::of(architecture) }).unwrap();
        parameters.value_count()
    }

    #[test]
    fn the_published_numbers_of_weights() {
        // SRCNN 9-1-5: 8032 weights for one channel (81 · 64 + 64 · 32 + 25 · 32). The sea is a second channel, 81 · 64 more;
        // biases, which the paper does not count: 64 + 32 + 1.
        assert_eq!(count(Architecture::Srcnn(SrcnnConfig::paper()), 5), 8032 + 5184 + 97);
        // The tail for a factor of 5 has 25 (9 c + 1) values: 14,425 for 64 channels, 13,525 for 60.
        // EDSR baseline for ×4: 1,517,571. Its head of 3 colours (9 · 3 · 64 + 64 = 1792) has here two channels (1216); its two
        // convolutions to 256 channels (2 · (9 · 64 · 256 + 256) = 295,424) and the last to 3 colours (1731) are our tail.
        let edsr = 1_517_571 - 1792 + 1216 - 295_424 - 1731 + 14_425;
        assert_eq!(count(Architecture::Edsr(EdsrConfig::paper()), 5), edsr);
        // RRDB of ESRGAN: 16,697,987. Head as above; three convolutions of 64 channels (3 · 36,928) and the last (1731) are our
        // tail.
        let rrdb = 16_697_987 - 1792 + 1216 - 3 * 36_928 - 1731 + 14_425;
        assert_eq!(count(Architecture::Rrdb(RrdbConfig::paper()), 5), rrdb);
        // SwinIR light: the paper states 878K (×2) and 897K (×4) without the tables of relative positions, 24 · 15² · 6 = 32,400
        // values. Its head has 9 · 3 · 60 + 60 = 1680 (here 9 · 2 · 60 + 60 = 1140), its tail 3 f² (9 · 60 + 1).
        let swin = count(Architecture::SwinLight(SwinLightConfig::paper()), 5);
        let published = |factor: usize| swin - 1140 + 1680 - 13_525 + 3 * factor * factor * 541 - 32_400;
        assert_eq!([(published(2) + 500) / 1000, (published(3) + 500) / 1000, (published(4) + 500) / 1000], [878, 886, 897]);
    }

    #[test]
    fn the_quick_sizes() {
        // 9 · 9 · 2 · 32 + 32 · 16 + 25 · 16 and 32 + 16 + 1 biases
        assert_eq!(count(Architecture::Srcnn(SrcnnConfig::default()), 5), 5184 + 512 + 400 + 49);
        for architecture in [
            Architecture::Edsr(EdsrConfig::default()),
            Architecture::Rrdb(RrdbConfig::default()),
            Architecture::SwinLight(SwinLightConfig::default()),
        ] {
            let weights = count(architecture.clone(), 5);
            assert!((100_000..200_000).contains(&weights), "{}: {weights}", architecture.kind());
        }
    }
}
