//! Noise schedules of diffusion against the published formulas in numpy: cases `ddpm/*` and `resshift/*`.

use isotherm::diffusion::{
    DdpmSchedule, ResidualShifting, ResidualShiftingConfig, ReverseVariance, ancestral_walk, residual_walk,
};

use super::support::{Case, Family};

#[test]
fn diffusion_schedules() {
    let family = Family::load("nn_torch");
    let mut seen = (0, 0);
    for case in family.cases() {
        if case.name.starts_with("ddpm/") {
            ddpm(&case);
            seen.0 += 1;
        } else if case.name.starts_with("resshift/") {
            residual_shifting(&case);
            seen.1 += 1;
        }
    }
    assert_eq!(seen, (2, 4));
}

fn ddpm(case: &Case<'_>) {
    let steps = case.parameter("T").as_u64().unwrap() as usize;
    let schedule = match case.name {
        "ddpm/linear" => {
            let ends = case.parameter("linear");
            DdpmSchedule::linear(steps, ends[0].as_f64().unwrap(), ends[1].as_f64().unwrap())
        }
        "ddpm/cosine" => DdpmSchedule::cosine(steps, case.parameter("cosine_s").as_f64().unwrap(), 0.999),
        name => panic!("golden case {name} is not covered"),
    }
    .unwrap();
    let times: Vec<usize> = (0..steps).rev().collect();
    let walk = ancestral_walk(&schedule, &times, ReverseVariance::Small).unwrap();
    let each = |f: &dyn Fn(usize) -> f64| (0..steps).map(f).collect::<Vec<f64>>();
    for key in case.all_expected().keys() {
        let got = match key.as_str() {
            "betas" => schedule.betas().to_vec(),
            "alphas_cumprod" => schedule.signal_shares().to_vec(),
            "posterior_variance" => each(&|t| schedule.posterior_variance(t).unwrap()),
            "posterior_log_variance_clipped" => each(&|t| schedule.log_posterior_variance(t).unwrap()),
            "coef_x0" => each(&|t| walk.steps[steps - 1 - t].clean),
            "coef_xt" => each(&|t| walk.steps[steps - 1 - t].state),
            "snr" => each(&|t| schedule.signal_to_noise(t).unwrap()),
            other => panic!("{}: {other} is not covered", case.name),
        };
        case.check(key, &got, case.expected(key));
    }
}

fn residual_shifting(case: &Case<'_>) {
    let number = |key: &str| case.parameter(key).as_f64().unwrap();
    let steps = case.parameter("T").as_u64().unwrap() as usize;
    let schedule = ResidualShifting::new(ResidualShiftingConfig {
        steps,
        kappa: number("kappa"),
        power: number("power"),
        smallest_noise: number("min_noise_level"),
        last_root: number("sqrt_eta_end"),
        capped: case.parameter("cap_sqrt_0.001").as_bool().unwrap(),
    })
    .unwrap();
    let walk = residual_walk(&schedule, 1.0).unwrap();
    let each = |f: &dyn Fn(usize) -> f64| (0..steps).map(f).collect::<Vec<f64>>();
    for key in case.all_expected().keys() {
        let got = match key.as_str() {
            "sqrt_eta" => each(&|t| schedule.shift(t).unwrap().sqrt()),
            "eta" => each(&|t| schedule.shift(t).unwrap()),
            "alpha" => each(&|t| schedule.increment(t).unwrap()),
            "posterior_variance" => each(&|t| schedule.posterior_variance(t).unwrap()),
            "posterior_log_variance_clipped" => each(&|t| schedule.log_posterior_variance(t).unwrap()),
            "mean_coef_xt" => each(&|t| walk.steps[steps - 1 - t].state),
            "mean_coef_x0" => each(&|t| walk.steps[steps - 1 - t].clean),
            other => panic!("{}: {other} is not covered", case.name),
        };
        case.check(key, &got, case.expected(key));
    }
}
