//! Network primitives, losses, initialisation, optimisers and schedules against PyTorch in f64.
//! A case that is neither covered nor listed in [`ELSEWHERE`] fails, and so does an expected value that is neither compared
//! nor listed in [`OTHERS`].

use candle_core::{DType, Device, Tensor, Var};
use isotherm::nn::layers::default_bias;
use isotherm::nn::ops::{
    ConvolutionOptions, Loss, Outside, Pad, Padding, Resampling, TransposedOptions, add_bias, area_pool, attention,
    average_pool2d, batch_norm, batch_statistics, bce_with_logits, conv_transpose2d, conv2d, gelu, gelu_tanh, gradient_penalty,
    grid_sample, group_norm, hinge_critic, hinge_generator, instance_norm, interpolate, interpolate_antialiased, layer_norm_last,
    leaky_relu, masked_loss, max_pool2d, pad2d, pixel_shuffle, pixel_unshuffle, relu, sigmoid, silu, softmax, softplus, tanh,
    timestep_embedding,
};
use isotherm::nn::{Adam, AdamConfig, Init, Parameters, Schedule, clip_scale, global_norm, second_order_gradients_work};
use serde_json::Value;

use super::support::{Case, Family, array, number};

/// Cases that another file of this folder covers (`diffusion_schedules.rs`).
const ELSEWHERE: [&str; 6] = [
    "ddpm/linear",
    "ddpm/cosine",
    "resshift/T15_p0.3_k2.0",
    "resshift/T4_p0.3_k2.0",
    "resshift/T15_p1.0_k1.0",
    "resshift/T4_p0.8_k2.0",
];

/// Expected values that nothing here is compared with, by case.
const OTHERS: [(&str, &[&str]); 5] = [
    // Functions that the library does not have, since no method wants them.
    ("activations", &["elu", "log_softmax", "mish"]),
    ("losses", &["huber_0.5", "smooth_l1_beta1"]),
    // Compared in `training.rs`; the library has no amsgrad, radam and rmsprop.
    ("optimisers", &["amsgrad", "radam", "rmsprop", "sgd", "sgd_mom_nesterov_wd"]),
    // Compared in `training.rs`; the library has no restarts, and its warm-up starts from the first step's share.
    ("lr_schedules", &["exp_0.9", "linear_0.1_5", "multistep", "onecycle", "step4_0.5", "warm_restarts_4_2"]),
    // A number of PyTorch's own, which the bounds below follow from.
    ("init_bounds", &["fan_in_out"]),
];

fn variable(value: &Value) -> Var {
    let a = array(value);
    Var::from_tensor(&Tensor::from_vec(a.data, a.shape, &Device::Cpu).unwrap()).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap()
}

/// Checks `out` and, for each named input, the gradient of `sum(out * cos(flat index))`.
fn check_with_gradients(case: &Case<'_>, names: &[&str], f: impl Fn(&[Tensor]) -> Tensor) {
    let inputs: Vec<Var> = names.iter().map(|n| variable(case.input(n))).collect();
    let tensors: Vec<Tensor> = inputs.iter().map(|v| v.as_tensor().clone()).collect();
    let out = f(&tensors);
    case.check("out", &values(&out), case.expected("out"));
    let weights: Vec<f64> = (0..out.elem_count()).map(|i| (i as f64).cos()).collect();
    let weights = Tensor::from_vec(weights, out.shape(), &Device::Cpu).unwrap();
    let gradients = (out * weights).unwrap().sum_all().unwrap().backward().unwrap();
    for (name, tensor) in names.iter().zip(&tensors) {
        case.check(&format!("grad_{name}"), &values(gradients.get(tensor).unwrap()), case.expected(&format!("grad_{name}")));
    }
}

#[test]
fn nn_torch() {
    let family = Family::load("nn_torch");
    for case in family.cases() {
        let size = |key: &str, default: usize| case.parameter(key).as_u64().map_or(default, |v| v as usize);
        let options = ConvolutionOptions {
            stride: size("stride", 1),
            padding: size("padding", 0),
            dilation: size("dilation", 1),
            groups: size("groups", 1),
        };
        match case.name {
            "conv2d/pad1" | "conv2d/stride2" => check_with_gradients(&case, &["x", "w", "b"], |t| {
                add_bias(&conv2d(&t[0], &t[1], options).unwrap(), &t[2]).unwrap()
            }),
            "conv2d/depthwise_dilated" => {
                check_with_gradients(&case, &["x", "w"], |t| conv2d(&t[0], &t[1], options).unwrap());
            }
            "activations" => {
                let v = variable(case.input("v"));
                case.check("relu", &values(&relu(&v).unwrap()), case.expected("relu"));
                case.check("leaky", &values(&leaky_relu(&v, 0.2).unwrap()), case.expected("leaky_0.2"));
                for (name, f) in ACTIVATIONS {
                    case.check(name, &values(&f(&v).unwrap()), case.expected(name));
                }
                case.check("softmax", &values(&softmax(&v, 0).unwrap()), case.expected("softmax"));
            }
            "shuffle_pool" => {
                let x = variable(case.input("x")).as_tensor().clone();
                case.check("shuffle", &values(&pixel_shuffle(&x, 2).unwrap()), case.expected("pixel_shuffle2"));
                let even = x.narrow(2, 0, 6).unwrap().narrow(3, 0, 4).unwrap();
                case.check("unshuffle", &values(&pixel_unshuffle(&even, 2).unwrap()), case.expected("pixel_unshuffle"));
                pools_and_pads(&case, &x);
            }
            "losses" => {
                let (p, t) = (variable(case.input("pred")), variable(case.input("target")));
                for (name, loss) in [
                    ("mse", Loss::MeanSquare),
                    ("l1", Loss::MeanAbsolute),
                    ("charbonnier_eps1e-3", Loss::Charbonnier { epsilon: 1e-3 }),
                ] {
                    let got = masked_loss(loss, &p, &t, None).unwrap().to_scalar::<f64>().unwrap();
                    case.check_one(name, got, number(case.expected(name)));
                }
                adversarial(&case);
            }
            "wgan_gp" => wasserstein_penalty(&case),
            "optimisers" => optimisers(&case),
            "lr_schedules" => cosine(&case),
            "clip_grad_norm" => clipping(&case),
            "init_bounds" => {
                let shape = [6, 4, 3, 3];
                let spread = |init: Init| init.spread(&shape);
                let gain = std::f64::consts::SQRT_2;
                case.check_one(
                    "uniform",
                    spread(Init::UniformFanIn),
                    number(case.expected("default_kaiming_uniform_a_sqrt5_bound")),
                );
                case.check_one("bias", default_bias(&shape).spread(&[6]), number(case.expected("bias_bound")));
                case.check_one("xavier", spread(Init::XavierUniform), number(case.expected("xavier_uniform_bound")));
                case.check_one("kaiming", spread(Init::KaimingNormal { gain }), number(case.expected("kaiming_normal_relu_std")));
            }
            "conv_transpose2d" => {
                let options = TransposedOptions { stride: 2, padding: 1, ..TransposedOptions::default() };
                check_with_gradients(&case, &["x", "w"], |t| conv_transpose2d(&t[0], &t[1], &options).unwrap());
            }
            "group_norm" => check_with_gradients(&case, &["x", "gamma", "beta"], |t| {
                group_norm(&t[0], size("groups", 0), Some(&t[1]), Some(&t[2]), 1e-5).unwrap()
            }),
            "instance_norm" => check_with_gradients(&case, &["x", "gamma", "beta"], |t| {
                instance_norm(&t[0], Some(&t[1]), Some(&t[2]), 1e-5).unwrap()
            }),
            "layer_norm_last" => {
                check_with_gradients(&case, &["x"], |t| layer_norm_last(&t[0], None, None, 1e-5).unwrap());
            }
            "batch_norm" => batch_normalisation(&case),
            // Without an axis of heads: one head.
            "attention" => check_with_gradients(&case, &["q", "k", "v"], |t| {
                let [q, k, v] = [0, 1, 2].map(|i| t[i].unsqueeze(1).unwrap());
                attention(&q, &k, &v, None, None, None).unwrap()
            }),
            "grid_sample" => sampling(&case),
            "timestep_embedding" => {
                let t = variable(case.input("t"));
                case.check("emb", &values(&timestep_embedding(&t, size("dim", 0)).unwrap()), case.expected("emb"));
            }
            name if name.starts_with("interpolate/") => resampling(&case),
            name => {
                assert!(ELSEWHERE.contains(&name), "golden case {name} is neither covered nor listed as another floor's");
                continue;
            }
        }
        let others = OTHERS.iter().find(|(name, _)| *name == case.name).map_or(&[][..], |(_, keys)| *keys);
        assert_eq!(case.unread(), others, "{}: expected values that nothing was compared with", case.name);
    }
}

type Activation = fn(&Tensor) -> candle_core::Result<Tensor>;

const ACTIVATIONS: [(&str, Activation); 6] =
    [("silu", silu), ("gelu", gelu), ("gelu_tanh", gelu_tanh), ("tanh", tanh), ("sigmoid", sigmoid), ("softplus", softplus)];

fn pools_and_pads(case: &Case<'_>, x: &Tensor) {
    let check = |name: &str, y: candle_core::Result<Tensor>| case.check(name, &values(&y.unwrap()), case.expected(name));
    check("avg_pool2", average_pool2d(x, [2, 2], [2, 2], [0, 0]));
    check("max_pool3s2p1", max_pool2d(x, [3, 3], [2, 2], [1, 1]));
    check("adaptive_avg_2x3", area_pool(x, (2, 3)));
    let plane = x.narrow(0, 0, 1).unwrap().narrow(1, 0, 1).unwrap();
    check("reflect_pad1", pad2d(&plane, &Pad::all(1, Padding::Reflect, Padding::Reflect)));
    check("replicate_pad1", pad2d(&plane, &Pad::all(1, Padding::Replicate, Padding::Replicate)));
    let around = Pad { top: 0, bottom: 0, ..Pad::all(1, Padding::Periodic, Padding::Zero) };
    check("circular_lon_pad1", pad2d(&plane, &around));
}

fn resampling(case: &Case<'_>) {
    let source = variable(case.input("src"));
    let (h, w) = source.dims2().unwrap();
    let x = source.reshape((1, 1, h, w)).unwrap();
    let to = array(case.parameter("size")).data;
    let to = (to[0] as usize, to[1] as usize);
    for name in case.all_expected().keys() {
        let y = match name.as_str() {
            "bilinear_ac0_aa0" => interpolate(&x, to, Resampling::Bilinear, false),
            "bilinear_ac1_aa0" => interpolate(&x, to, Resampling::Bilinear, true),
            "bilinear_ac0_aa1" => interpolate_antialiased(&x, to, Resampling::Bilinear),
            "bicubic_ac0_aa0" => interpolate(&x, to, Resampling::Bicubic, false),
            "bicubic_ac1_aa0" => interpolate(&x, to, Resampling::Bicubic, true),
            "bicubic_ac0_aa1" => interpolate_antialiased(&x, to, Resampling::Bicubic),
            "nearest" => interpolate(&x, to, Resampling::Nearest, false),
            "nearest-exact" => interpolate(&x, to, Resampling::NearestExact, false),
            "area" => area_pool(&x, to),
            name => panic!("no rule for {name}"),
        };
        case.check(name, &values(&y.unwrap()), case.expected(name));
    }
}

fn sampling(case: &Case<'_>) {
    let (source, grid) = (variable(case.input("src")), variable(case.input("grid")));
    let (h, w) = source.dims2().unwrap();
    let x = source.reshape((1, 1, h, w)).unwrap();
    for name in case.all_expected().keys() {
        let rule = if name.starts_with("bilinear") { Resampling::Bilinear } else { Resampling::Bicubic };
        let outside = if name.contains("zeros") { Outside::Zeros } else { Outside::Border };
        let y = grid_sample(&x, &grid, rule, outside, name.ends_with("ac1")).unwrap();
        case.check(name, &values(&y), case.expected(name));
    }
}

fn batch_normalisation(case: &Case<'_>) {
    use isotherm::nn::layers::BatchNorm;
    let [x, gamma, beta] = ["x", "gamma", "beta"].map(|n| variable(case.input(n)));
    let (mean, variance) = batch_statistics(&x).unwrap();
    let y = batch_norm(&x, &mean, &variance, Some(&gamma), Some(&beta), 1e-5).unwrap();
    case.check("train_out", &values(&y), case.expected("train_out"));
    // The layer, with its running statistics.
    let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 0);
    let layer = BatchNorm::new(&mut parameters, "bn", 4, 1e-5, 0.1).unwrap();
    let mut given = parameters.snapshot().unwrap();
    given.extend([("bn.weight", &gamma), ("bn.bias", &beta)].map(|(name, v)| (name.to_string(), v.as_tensor().clone())));
    parameters.set(&given).unwrap();
    let out = layer.forward(&x, true).unwrap();
    case.check("train_out", &values(&out), case.expected("train_out"));
    let [mean, variance] = layer.running();
    case.check("running_mean", &values(&mean), case.expected("running_mean"));
    case.check("running_var", &values(&variance), case.expected("running_var"));
    case.check("eval_out", &values(&layer.forward(&x, false).unwrap()), case.expected("eval_out"));
}

fn adversarial(case: &Case<'_>) {
    let (logits, labels) = (variable(case.input("logits")), variable(case.input("labels")));
    let (real, fake) = (logits.narrow(0, 0, 4).unwrap(), logits.narrow(0, 4, 4).unwrap());
    for (name, loss) in [
        ("bce_logits", bce_with_logits(&logits, &labels)),
        ("hinge_d", hinge_critic(&real, &fake)),
        ("hinge_g", hinge_generator(&logits)),
        ("lsgan", masked_loss(Loss::MeanSquare, &logits, &logits.ones_like().unwrap(), None)),
        ("nonsaturating_g", bce_with_logits(&logits, &logits.ones_like().unwrap())),
    ] {
        case.check_one(name, loss.unwrap().to_scalar::<f64>().unwrap(), number(case.expected(name)));
    }
}

/// Gulrajani et al. (2017): the penalty needs gradients of gradients.
fn wasserstein_penalty(case: &Case<'_>) {
    assert!(second_order_gradients_work(&Device::Cpu).unwrap());
    let weights = ["W1", "b1", "W2"].map(|n| variable(case.input(n)));
    let [real, fake, alpha] = ["real", "fake", "alpha"].map(|n| variable(case.input(n)).as_tensor().detach());
    let critic = |z: &Tensor| {
        let hidden = z.matmul(&weights[0].t().unwrap()).unwrap().broadcast_add(weights[1].as_tensor()).unwrap();
        silu(&hidden).unwrap().matmul(&weights[2].t().unwrap()).unwrap()
    };
    let alpha = alpha.broadcast_as(real.shape()).unwrap();
    let between = ((&alpha * &real).unwrap() + (alpha.affine(-1.0, 1.0).unwrap() * &fake).unwrap()).unwrap();
    let between = Var::from_tensor(&between).unwrap();
    let gradients = critic(&between).sum_all().unwrap().backward().unwrap();
    let gradient = gradients.get(between.as_tensor()).unwrap();
    case.check("input_grad", &values(gradient), case.expected("input_grad"));
    let penalty = gradient_penalty(|z| Ok(critic(z)), &between).unwrap();
    case.check_one("penalty", penalty.to_scalar::<f64>().unwrap(), number(case.expected("penalty")));
    let difference = (critic(&fake).mean_all().unwrap() - critic(&real).mean_all().unwrap()).unwrap();
    let loss = (difference + (penalty * 10.0).unwrap()).unwrap();
    case.check_one("critic_loss", loss.to_scalar::<f64>().unwrap(), number(case.expected("critic_loss")));
    let gradients = loss.backward().unwrap();
    for (name, weight) in ["grad_W1", "grad_b1", "grad_W2"].into_iter().zip(&weights) {
        case.check(name, &values(gradients.get(weight.as_tensor()).unwrap()), case.expected(name));
    }
}

fn optimisers(case: &Case<'_>) {
    let adam = AdamConfig { decoupled: false, ..AdamConfig::default() };
    let settings = [
        ("adam", 0.05, adam),
        ("adam_0.5_0.999", 2e-4, AdamConfig { beta1: 0.5, ..adam }),
        ("adam_0_0.9", 1e-4, AdamConfig { beta1: 0.0, beta2: 0.9, ..adam }),
        ("adam_l2", 0.05, AdamConfig { weight_decay: 0.1, ..adam }),
        ("adamw", 0.05, AdamConfig { weight_decay: 0.1, decoupled: true, ..adam }),
    ];
    let steepness = variable(case.input("h"));
    let start = array(case.input("p0")).data;
    for (name, rate, config) in settings {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 0);
        let p = parameters.add("p", &[start.len()], Init::Constant(0.0)).unwrap();
        let first = Tensor::from_vec(start.clone(), start.len(), &Device::Cpu).unwrap();
        parameters.set(&[("p".to_string(), first)].into()).unwrap();
        let mut optimizer = Adam::new(&parameters, config).unwrap();
        let mut path = Vec::new();
        for _ in 0..12 {
            let bowl = (p.sqr().unwrap() * steepness.as_tensor()).unwrap().sum_all().unwrap();
            let loss = ((bowl * 0.5).unwrap() + p.sin().unwrap().sum_all().unwrap()).unwrap();
            optimizer.step(&parameters, &loss.backward().unwrap(), rate, 1.0).unwrap();
            path.extend(values(&p));
        }
        case.check(name, &path, case.expected(name));
    }
}

fn cosine(case: &Case<'_>) {
    // PyTorch's cosine turns up again after its last step; ours stays down, so the first eleven agree.
    let schedule = Schedule { peak_rate: 0.1, final_rate: 1e-5, warmup_steps: 0, total_steps: 10 };
    let want = array(case.expected("cosine_T10_min1e-5"));
    for (step, want) in want.data.iter().enumerate().take(11) {
        case.check_one("cosine", schedule.rate(step as u64), *want);
    }
}

fn clipping(case: &Case<'_>) {
    let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 0);
    let mut loss = Tensor::zeros((), DType::F64, &Device::Cpu).unwrap();
    let mut given = Vec::new();
    for name in ["g0", "g1"] {
        let gradient = variable(case.input(name)).as_tensor().detach();
        let p = parameters.add(name, gradient.dims(), Init::Constant(0.0)).unwrap();
        loss = (loss + (p * &gradient).unwrap().sum_all().unwrap()).unwrap();
        given.push(gradient);
    }
    let norm = global_norm(&loss.backward().unwrap(), &parameters).unwrap();
    case.check_one("total", norm, number(case.expected("total")));
    let scale = clip_scale(norm, case.parameter("max_norm").as_f64().unwrap());
    for (name, gradient) in ["g0", "g1"].into_iter().zip(&given) {
        case.check(name, &values(&(gradient * scale).unwrap()), case.expected(name));
    }
}
