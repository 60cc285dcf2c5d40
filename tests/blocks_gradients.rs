//! Every block and network against central finite differences in f64: its gradient by the input and by its
//! parameters, and for critics the gradient of a gradient penalty. `ISOTHERM_TEST_DEVICE` names the device as for
//! `tests/gradients`.

#[path = "gradients/device.rs"]
mod device;

use candle_core::{DType, Result, Tensor, Var};
use isotherm::base::random::Random;
use isotherm::methods::{kiost, transfer, uadm, unisst};
use isotherm::nn::blocks::{
    Conditioning, ConvolutionRecipe, Lstm, Mixing, MixingPlace, MultiHeadAttention, NormalisedResidual, PatchCritic,
    PatchCriticConfig, PooledAttention, PooledResidual, ResidualBlock, ResidualBlockConfig, SelfAttention, SpatialTransformer,
    SwinConfig, SwinLayer, Time2Vec, TimeEmbedding, Transformer, TransformerConfig, Unet, UnetConfig, UnetCritic, UnetHead,
    UnetLevel, UpsampledResidual,
};
use isotherm::nn::layers::{BatchNorm, GroupNorm, LayerNorm, Linear};
use isotherm::nn::{NnResult, Parameters};

use device::device;

/// Central differences with step 1e-5 are good to about 1e-9 for values of order one; a wrong factor or a
/// missing term is off by order one.
const TOLERANCE: f64 = 1e-6;
const STEP: f64 = 1e-5;
/// Values tried of each parameter and each input; all, where there are fewer.
const TRIED: usize = 2;

fn normal(shape: &[usize], name: &str) -> Tensor {
    let mut random = Random::new(11, name);
    let count = shape.iter().product();
    Tensor::from_vec((0..count).map(|_| random.normal()).collect::<Vec<f64>>(), shape, &device()).unwrap()
}

/// Compares the gradient of `scalar()` by each of `variables` with finite differences, at a few places of each.
fn compare(name: &str, variables: &[(String, Var)], scalar: impl Fn() -> Result<Tensor>) {
    let value = || scalar().and_then(|y| y.to_scalar::<f64>()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let gradients = scalar().and_then(|y| y.backward()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut largest: f64 = 0.0;
    for (part, variable) in variables {
        let gradient = match gradients.get(variable.as_tensor()) {
            Some(gradient) => gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap(),
            None => vec![0.0; variable.elem_count()],
        };
        let start = variable.as_tensor().copy().unwrap().detach();
        let values = start.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let mut random = Random::new(5, part);
        let places: Vec<usize> = if values.len() <= TRIED {
            (0..values.len()).collect()
        } else {
            (0..TRIED).map(|_| random.below(values.len())).collect()
        };
        for place in places {
            let moved = |by: f64| {
                let mut values = values.clone();
                values[place] += by;
                variable.set(&Tensor::from_vec(values, start.shape(), &device()).unwrap()).unwrap();
                value()
            };
            let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            variable.set(&start).unwrap();
            let error = (gradient[place] - difference).abs();
            largest = largest.max(difference.abs());
            assert!(
                error <= TOLERANCE * difference.abs().max(1.0),
                "{name}, {part}[{place}]: gradient {}, difference {difference}",
                gradient[place]
            );
        }
    }
    assert!(largest > 1e-3, "{name}: the check saw no gradient");
}

/// All trainable values anew, so that nothing that starts at zero hides a gradient; buffers stay.
fn stir(parameters: &Parameters) {
    for (name, variable) in parameters.iter() {
        let mut random = Random::new(21, name);
        let values: Vec<f64> = (0..variable.elem_count()).map(|_| 0.3 * random.normal()).collect();
        variable.set(&Tensor::from_vec(values, variable.shape(), &device()).unwrap()).unwrap();
    }
}

fn new() -> Parameters {
    Parameters::new(&device(), DType::F64, 9)
}

/// A number that depends on every output in its own way.
fn weighted(y: &Tensor) -> Result<Tensor> {
    let y = y.flatten_all()?;
    let weights: Vec<f64> = (0..y.elem_count()).map(|i| (i as f64).cos()).collect();
    (&y * Tensor::from_vec(weights, y.elem_count(), y.device())?)?.sum_all()
}

/// Checks `forward` by the inputs of these shapes and by all parameters.
fn check(name: &str, parameters: &Parameters, inputs: &[&[usize]], forward: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let (variables, inputs) = variables(parameters, inputs);
    compare(name, &variables, || weighted(&forward(&inputs)?));
}

/// Checks the gradient of `Σ |∂ critic / ∂ input|²` by the inputs and by all parameters.
fn check_penalty(name: &str, parameters: &Parameters, inputs: &[&[usize]], critic: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let (variables, inputs) = variables(parameters, inputs);
    compare(&format!("{name}, penalty"), &variables, || {
        let gradients = weighted(&critic(&inputs)?)?.backward()?;
        let parts = inputs.iter().map(|x| match gradients.get(x) {
            Some(gradient) => gradient.sqr()?.sum_all(),
            None => Err(candle_core::Error::Msg("an input gets no gradient".to_string())),
        });
        parts.collect::<Result<Vec<_>>>()?.into_iter().reduce(|a, b| (a + b).unwrap()).unwrap().sqrt()
    });
}

fn variables(parameters: &Parameters, inputs: &[&[usize]]) -> (Vec<(String, Var)>, Vec<Tensor>) {
    stir(parameters);
    let mut all: Vec<(String, Var)> = parameters.iter().map(|(name, variable)| (name.to_string(), variable.clone())).collect();
    let inputs = inputs.iter().enumerate().map(|(i, shape)| {
        let variable = Var::from_tensor(&normal(shape, &format!("input {i}"))).unwrap();
        all.push((format!("input {i}"), variable.clone()));
        variable.as_tensor().clone()
    });
    let inputs = inputs.collect();
    (all, inputs)
}

/// Parameters and a block, built by `build`.
fn built<B>(build: impl FnOnce(&mut Parameters) -> NnResult<B>) -> (Parameters, B) {
    let mut parameters = new();
    let block = build(&mut parameters).unwrap();
    (parameters, block)
}

#[test]
fn layers() {
    let (p, linear) = built(|p| Linear::standard(p, "l", [3, 4]));
    check("linear", &p, &[&[2, 5, 4]], |x| linear.forward(&x[0]));
    let (p, norm) = built(|p| GroupNorm::new(p, "n", 4, 2, 1e-5));
    check("group norm", &p, &[&[2, 4, 3, 2]], |x| norm.forward(&x[0]));
    let (p, norm) = built(|p| LayerNorm::new(p, "n", 4, 1e-5));
    check("layer norm", &p, &[&[2, 3, 4]], |x| norm.forward(&x[0]));
    let (p, norm) = built(|p| BatchNorm::new(p, "n", 3, 1e-5, 0.1));
    check("batch norm, training", &p, &[&[2, 3, 2, 2]], |x| norm.forward(&x[0], true));
    // The statistics that training moved stand still in evaluation.
    check("batch norm, evaluation", &p, &[&[2, 3, 2, 2]], |x| norm.forward(&x[0], false));
    check_penalty("batch norm", &p, &[&[2, 3, 2, 2]], |x| norm.forward(&x[0], true));
}

#[test]
fn convolutions_by_recipe() {
    let plane = ConvolutionRecipe::plane(3).stride(2);
    let volume = ConvolutionRecipe::volume(3);
    for (name, recipe, shape) in [
        ("plane", plane, vec![2, 3, 5, 4]),
        ("volume", volume, vec![2, 3, 3, 4, 4]),
        ("volume, stride", volume.stride(2).without_bias(), vec![1, 3, 2, 5, 4]),
        ("pointwise", volume.pointwise(), vec![1, 3, 2, 3, 2]),
        ("plane, spectral", plane.spectral(), vec![2, 3, 5, 4]),
        ("volume, spectral", volume.spectral(), vec![1, 3, 2, 4, 3]),
    ] {
        let (p, convolution) = built(|p| recipe.build(p, "c", [2, 3]));
        check(name, &p, &[&shape], |x| convolution.forward(&x[0], false));
    }
}

#[test]
fn residual_blocks() {
    let cases = [(Conditioning::None, 4, 4), (Conditioning::Add, 4, 6), (Conditioning::Film, 4, 6)];
    for (conditioning, inputs, outputs) in cases {
        let config = ResidualBlockConfig { inputs, outputs, embedding: 3, conditioning, groups: 2, zero_start: true };
        let (p, block) = built(|p| ResidualBlock::new(p, "b", &config));
        check(&format!("residual, {conditioning:?}"), &p, &[&[2, 4, 3, 2], &[2, 3]], |x| block.forward(&x[0], Some(&x[1])));
    }
    for (recipe, shape) in [(ConvolutionRecipe::plane(3), vec![2, 2, 5, 4]), (ConvolutionRecipe::volume(3), vec![1, 2, 3, 4, 4])]
    {
        let (p, block) = built(|p| PooledResidual::new(p, "b", recipe, [4, 3, 2], 0.01));
        check("pooled residual", &p, &[&shape], |x| block.forward(&x[0], false));
        check_penalty("pooled residual", &p, &[&shape], |x| block.forward(&x[0], false));
    }
    let (p, block) = built(|p| UpsampledResidual::new(p, "b", [2, 3, 4], 0.01, true));
    check("upsampled residual", &p, &[&[2, 4, 3, 2]], |x| block.forward(&x[0], (7, 5)));
    let recipe = ConvolutionRecipe::volume(3).without_bias().spectral();
    let (p, block) = built(|p| NormalisedResidual::new(p, "b", recipe, [4, 3]));
    check("normalised residual", &p, &[&[1, 3, 2, 3, 3]], |x| block.forward(&x[0], false));
    let (p, block) = built(|p| NormalisedResidual::new(p, "b", recipe.plain(), [3, 3]));
    check("normalised residual, training", &p, &[&[1, 3, 2, 3, 3]], |x| block.forward(&x[0], true));
}

#[test]
fn attentions() {
    let (p, block) = built(|p| MultiHeadAttention::new(p, "a", 6, 2, true));
    check("multi-head attention", &p, &[&[2, 3, 6], &[2, 4, 6]], |x| block.forward(&x[0], &x[1]));
    let (p, block) = built(|p| SelfAttention::new(p, "a", 8, 4, 2));
    check("self-attention", &p, &[&[2, 8, 3, 2]], |x| block.forward(&x[0]));
    let (p, block) = built(|p| SpatialTransformer::new(p, "a", 4, 2, 2));
    check("spatial transformer", &p, &[&[2, 4, 2, 3]], |x| block.forward(&x[0]));
    let (p, block) = built(|p| PooledAttention::new(p, "a", 8, 0.02));
    check("pooled attention", &p, &[&[2, 8, 4, 5]], |x| block.forward(&x[0], false));
    let config = SwinConfig { width: 4, head_width: 2, window: 2, depth: 2, widening: 2 };
    let (p, block) = built(|p| SwinLayer::new(p, "s", 3, &config, 2));
    check("swin", &p, &[&[2, 3, 4, 6]], |x| block.forward(&x[0]));
    check("swin, extended", &p, &[&[1, 3, 3, 5]], |x| block.forward(&x[0]));
}

#[test]
fn sequences() {
    let (p, lstm) = built(|p| Lstm::new(p, "l", [3, 2], 2, 0.0));
    check("LSTM", &p, &[&[2, 4, 3]], |x| Ok(lstm.forward(&x[0], None, true)?.0));
    check("LSTM, going on", &p, &[&[2, 3, 3], &[2, 2, 3]], |x| {
        let (_, state) = lstm.forward(&x[0], None, true)?;
        Ok(lstm.forward(&x[1], Some(&state), true)?.0)
    });
    check_penalty("LSTM", &p, &[&[1, 3, 3]], |x| Ok(lstm.forward(&x[0], None, true)?.0));
    let config = TransformerConfig { width: 4, heads: 2, encoder_layers: 1, decoder_layers: 1, hidden: 6, dropout: 0.0 };
    let (p, transformer) = built(|p| Transformer::new(p, "t", &config));
    check("transformer", &p, &[&[2, 3, 4], &[2, 2, 4]], |x| transformer.forward(&x[0], &x[1], true));
    let (p, code) = built(|p| Time2Vec::new(p, "t", 4));
    check("Time2Vec", &p, &[&[2, 3]], |x| code.forward(&x[0]));
    let (p, embedding) = built(|p| TimeEmbedding::new(p, "t", 4, 3));
    let steps = Tensor::new(&[1.0f64, 4.0], &device()).unwrap();
    check("time embedding", &p, &[], |_| embedding.forward(&steps, DType::F64));
}

fn unet(mixing: Mixing, conditioning: Conditioning) -> UnetConfig {
    let level = |width| UnetLevel { width, down: mixing, up: mixing };
    UnetConfig {
        inputs: 2,
        levels: vec![level(4), level(8)],
        blocks: 1,
        middle: mixing,
        place: MixingPlace::EveryBlock,
        time: [4, 6],
        conditioning,
        groups: 2,
        zero_start: true,
    }
}

#[test]
fn unets() {
    let swin = Mixing::Swin(SwinConfig { width: 4, head_width: 2, window: 2, depth: 2, widening: 1 });
    let step = Tensor::new(&[3.0f64], &device()).unwrap();
    for (mixing, conditioning) in [
        (Mixing::None, Conditioning::None),
        (Mixing::SelfAttention { head_width: 2 }, Conditioning::Add),
        (Mixing::Transformer { head_width: 2 }, Conditioning::Add),
        (swin, Conditioning::Film),
    ] {
        let config = unet(mixing, conditioning);
        let (p, (network, head)) = built(|p| Ok((Unet::new(p, "u", &config)?, UnetHead::new(p, "h", &config, 1)?)));
        check(&format!("U-Net, {mixing:?}"), &p, &[&[1, 2, 6, 4]], |x| head.forward(&network.forward(&x[0], Some(&step))?));
    }
}

#[test]
fn critics() {
    for (volume, shape) in [(false, vec![2, 1, 8, 6]), (true, vec![1, 1, 2, 6, 6])] {
        let config = PatchCriticConfig { inputs: 1, volume, strided: vec![2, 3], kept: vec![3], slope: 0.2, start: 0.02 };
        let (p, critic) = built(|p| PatchCritic::new(p, "d", &config));
        check("patch critic", &p, &[&shape], |x| critic.forward(&x[0], false));
        check_penalty("patch critic", &p, &[&shape], |x| critic.forward(&x[0], false));
    }
    let (p, critic) = built(|p| UnetCritic::new(p, "d", 1, 2));
    check("U-Net critic", &p, &[&[1, 1, 8, 16]], |x| critic.forward(&x[0], false));
    check_penalty("U-Net critic", &p, &[&[1, 1, 8, 16]], |x| critic.forward(&x[0], false));
    let config = kiost::CriticConfig { fine: vec![2, 3, 4], coarse: vec![3, 4] };
    let (p, critic) = built(|p| kiost::Critic::new(p, &config));
    check("kiost critic", &p, &[&[2, 1, 6, 5], &[2, 1, 3, 4, 3]], |x| critic.forward(&x[0], &x[1]));
    check_penalty("kiost critic", &p, &[&[2, 1, 6, 5], &[2, 1, 3, 4, 3]], |x| critic.forward(&x[0], &x[1]));
    let config = unisst::CriticConfig { strided: vec![2, 3], kept: vec![3] };
    let (p, critic) = built(|p| unisst::FrameCritic::new(p, &config));
    check("unisst frame critic", &p, &[&[1, 1, 2, 6, 4]], |x| critic.forward(&x[0], false));
    check_penalty("unisst frame critic", &p, &[&[1, 1, 2, 6, 4]], |x| critic.forward(&x[0], false));
    let (p, critic) = built(|p| unisst::SequenceCritic::new(p, &config));
    check("unisst sequence critic", &p, &[&[2, 1, 3, 6, 4]], |x| critic.forward(&x[0], false));
    check_penalty("unisst sequence critic", &p, &[&[2, 1, 3, 6, 4]], |x| critic.forward(&x[0], false));
}

#[test]
fn networks() {
    let config = uadm::GeneratorConfig {
        factor: 2,
        widths: vec![4, 8],
        blocks: 1,
        swin: SwinConfig { width: 4, head_width: 2, window: 2, depth: 2, widening: 1 },
        fine_width: 2,
        groups: 2,
        trunk_blocks: 0,
        trunk_channels: 0,
    };
    let (p, network) = built(|p| uadm::Generator::new(p, &config));
    let step = Tensor::new(&[2.0f64], &device()).unwrap();
    check("uadm generator", &p, &[&[1, 1, 8, 4], &[1, 1, 8, 4]], |x| network.forward(&x[0], &x[1], None, &step));
    let refinement = kiost::Refinement::TwoAndAHalf;
    let config = kiost::GeneratorConfig { days: 7, width: 4, attention_hidden: 3, refinement };
    let (p, network) = built(|p| kiost::Generator::new(p, &config));
    check("kiost generator", &p, &[&[1, 1, 7, 8, 8]], |x| network.forward(&x[0]));
    let (p, network) =
        built(|p| unisst::Generator::new(p, &unisst::GeneratorConfig { width: 4, ..unisst::GeneratorConfig::paper() }));
    check("unisst generator", &p, &[&[1, 1, 2, 4, 4]], |x| network.forward(&x[0], false));
    let config = transfer::ForecastConfig { lags: 2, widths: [4, 4, 8], blocks: 1, head_width: 4, groups: 2 };
    let (p, network) = built(|p| transfer::Forecast::new(p, &config));
    check("transfer forecast", &p, &[&[1, 2, 4, 8]], |x| network.forward(&x[0]));
    let config = transfer::DenoiserConfig {
        features: 3,
        projection: 2,
        direct: 1,
        transformers: true,
        drivers: 2,
        widths: [4, 4, 8],
        blocks: 1,
        head_width: 4,
        groups: 2,
        bounded: true,
    };
    let (p, network) = built(|p| transfer::Denoiser::new(p, &config));
    check("transfer denoiser", &p, &[&[1, 1, 4, 8], &[1, 3, 1, 2], &[1, 2, 4, 8]], |x| {
        network.forward(&x[0], &x[1], &x[2], &step)
    });
    let core = [kiost::Core::Lstm { layers: 1 }, kiost::Core::Transformer { heads: 2, layers: 1, hidden: 3 }];
    for core in core {
        let config = kiost::ForecasterConfig {
            past: 3,
            future: 2,
            stations: 2,
            calendar: 2,
            width: 4,
            core,
            dropout: 0.0,
            neighbours: true,
        };
        let (p, network) = built(|p| kiost::Forecaster::new(p, &config));
        check(&format!("forecaster, {core:?}"), &p, &[&[2, 3], &[2, 5], &[2, 5], &[2, 2], &[2, 3, 2]], |x| {
            network.forward(&x[0], &x[1], &x[2], &x[3], Some(&x[4]), true)
        });
    }
}
