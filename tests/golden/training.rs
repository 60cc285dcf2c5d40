//! Gradient descent and learning rates against PyTorch: parts of the cases `optimisers` and `lr_schedules`.

use isotherm::candle_core::{DType, Device, Tensor};
use isotherm::nn::{Decay, Init, Parameters, Schedule, Sgd, SgdConfig};

use super::support::{Case, Family, array};

fn with_case(name: &str, check: impl Fn(&Case<'_>)) {
    let family = Family::load("nn_torch");
    let cases = family.cases();
    check(cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no golden case {name}")));
}

#[test]
fn gradient_descent() {
    with_case("optimisers", |case| {
        let start = array(case.input("p0")).data;
        let steepness = Tensor::new(array(case.input("h")).data, &Device::Cpu).unwrap();
        for (name, config) in [
            ("sgd", SgdConfig::default()),
            ("sgd_mom_nesterov_wd", SgdConfig { momentum: 0.9, nesterov: true, weight_decay: 0.01 }),
        ] {
            let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 0);
            let p = parameters.add("p", &[start.len()], Init::Constant(0.0)).unwrap();
            parameters.set(&[("p".to_string(), Tensor::new(start.clone(), &Device::Cpu).unwrap())].into()).unwrap();
            let mut sgd = Sgd::new(&parameters, config).unwrap();
            let mut path = Vec::new();
            for _ in 0..12 {
                let bowl = (p.sqr().unwrap() * &steepness).unwrap().sum_all().unwrap();
                let loss = ((bowl * 0.5).unwrap() + p.sin().unwrap().sum_all().unwrap()).unwrap();
                sgd.step(&parameters, &loss.backward().unwrap(), 0.01, 1.0).unwrap();
                path.extend(p.to_vec1::<f64>().unwrap());
            }
            case.check(name, &path, case.expected(name));
        }
    });
}

#[test]
fn learning_rates() {
    with_case("lr_schedules", |case| {
        let peak = case.parameter("base_lr").as_f64().unwrap();
        let schedule = Schedule { peak_rate: peak, final_rate: 0.0, warmup_steps: 0, total_steps: 14 };
        for (name, decay) in [
            ("step4_0.5", Decay::Step { every: 4, factor: 0.5 }),
            ("multistep", Decay::Milestones { at: vec![3, 7], factor: 0.1 }),
            ("exp_0.9", Decay::Exponential { factor: 0.9 }),
        ] {
            let rates: Vec<f64> = (0..14).map(|step| decay.rate(&schedule, step)).collect();
            case.check(name, &rates, case.expected(name));
        }
    });
}
