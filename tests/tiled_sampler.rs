//! Samples of a map made of tiles keep their variance, for data whose sampler can be worked out by hand: a Gaussian field,
//! for which the best network is the conditional mean, a linear map.

use isotherm::candle_core::{Device, Tensor};
use isotherm::diffusion::{
    Conditions, DdpmSchedule, DiffusionResult, NoiseField, PlaneConditions, ResidualShifting, ResidualShiftingConfig,
    ReverseVariance, ReverseWalk, Spacing, TiledSampler, ancestral_walk, residual_walk, respaced_times,
};
use isotherm::grid::{Tiling, Window};

/// Correlation of neighbouring cells of the field, along rows and along columns.
const CORRELATION: f64 = 0.6;
const TILE: usize = 16;
const DOMAIN: usize = 32;
const MEMBERS: u64 = 8;

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix by Jacobi's rotations.
fn eigen(mut a: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = a.len();
    let mut v: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..60 {
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q].abs() < 1e-300 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                let turn = |x: &mut f64, y: &mut f64| (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                for row in &mut a {
                    let (left, right) = row.split_at_mut(q);
                    turn(&mut left[p], &mut right[0]);
                }
                let (above, below) = a.split_at_mut(q);
                above[p].iter_mut().zip(&mut below[0]).for_each(|(x, y)| turn(x, y));
                for row in &mut v {
                    let (left, right) = row.split_at_mut(q);
                    turn(&mut left[p], &mut right[0]);
                }
            }
        }
    }
    ((0..n).map(|i| a[i][i]).collect(), v)
}

/// The covariance `CORRELATION^|i − j|` of one axis of `n` cells; the field's is the product of both axes'.
fn covariance(n: usize) -> Vec<Vec<f64>> {
    (0..n).map(|i| (0..n).map(|j| CORRELATION.powi(i.abs_diff(j) as i32)).collect()).collect()
}

/// The conditional mean of a tile of the field given its state: `√ā Σ (ā Σ + (1−ā) I)⁻¹ x`.
struct ConditionalMean {
    values: Tensor,
    vectors: Tensor,
    schedule: DdpmSchedule,
}

impl ConditionalMean {
    fn new(side: usize, schedule: &DdpmSchedule) -> ConditionalMean {
        let (values, vectors) = eigen(covariance(side));
        let products: Vec<f64> = values.iter().flat_map(|a| values.iter().map(move |b| a * b)).collect();
        ConditionalMean {
            values: Tensor::from_vec(products, (1, 1, side, side), &Device::Cpu).unwrap(),
            vectors: Tensor::from_vec(vectors.concat(), (side, side), &Device::Cpu).unwrap(),
            schedule: schedule.clone(),
        }
    }

    fn predict(&self, state: &Tensor, time: usize) -> DiffusionResult<Tensor> {
        let share = self.schedule.signal_share(time)?;
        let gain = (&self.values * share.sqrt())?.div(&self.values.affine(share, 1.0 - share)?)?;
        let turned = self.vectors.t()?.broadcast_matmul(state)?.broadcast_matmul(&self.vectors)?;
        let scaled = turned.broadcast_mul(&gain)?;
        Ok(self.vectors.broadcast_matmul(&scaled)?.broadcast_matmul(&self.vectors.t()?)?)
    }
}

/// The variance of what a walk gives for a mode of variance `mode` of the data, by following the linear steps.
fn variance_of_mode(walk: &ReverseWalk, schedule: &DdpmSchedule, mode: f64) -> f64 {
    walk.steps.iter().fold(walk.start_noise.powi(2), |variance, step| {
        let share = schedule.signal_share(step.time).unwrap();
        let gain = share.sqrt() * mode / (share * mode + 1.0 - share);
        (step.state + step.clean * gain).powi(2) * variance + step.noise.powi(2)
    })
}

fn walk_and_schedule() -> (ReverseWalk, DdpmSchedule) {
    let schedule = DdpmSchedule::linear(50, 1e-3, 0.2).unwrap();
    let times = respaced_times(50, 50, Spacing::Even).unwrap();
    (ancestral_walk(&schedule, &times, ReverseVariance::Small).unwrap(), schedule)
}

/// The mean over cells of `Σw² / (Σw)²`: the share of the variance that is left when independent tiles are blended.
fn share_kept(tiling: &Tiling) -> f64 {
    let ([rows, columns], side) = (tiling.plane_shape(), tiling.tile_size());
    let mut sums = vec![(0.0, 0.0); rows * columns];
    for (index, tile) in tiling.tiles().iter().enumerate() {
        for (i, weight) in tiling.weights(index).unwrap().iter().enumerate() {
            let cell = &mut sums[(tile.row + i / side) * columns + tile.column + i % side];
            *cell = (cell.0 + weight, cell.1 + weight * weight);
        }
    }
    sums.iter().map(|(sum, square)| square / (sum * sum)).sum::<f64>() / sums.len() as f64
}

/// Mean of the square over the cells of all members (the mean is 0).
fn variance(fields: &[Vec<f64>]) -> f64 {
    let cells: usize = fields.iter().map(Vec::len).sum();
    fields.iter().flatten().map(|v| v * v).sum::<f64>() / cells as f64
}

#[test]
fn fused_samples_keep_the_variance_that_averaged_samples_lose() {
    let (walk, schedule) = walk_and_schedule();
    let (modes, _) = eigen(covariance(DOMAIN));
    let all = modes.iter().flat_map(|a| modes.iter().map(move |b| a * b));
    let analytic = all.map(|mode| variance_of_mode(&walk, &schedule, mode)).sum::<f64>() / (DOMAIN * DOMAIN) as f64;
    // Fifty steps with the small variance fall short of the data's variance of 1.
    assert!(analytic > 0.8 && analytic < 1.0, "{analytic}");
    let model = ConditionalMean::new(TILE, &schedule);
    // The squared correlations with a cell sum to (1 + r²)² / (1 − r²)²: so many cells count as one.
    let independent_cells =
        (DOMAIN * DOMAIN * MEMBERS as usize) as f64 * ((1.0 - CORRELATION.powi(2)) / (1.0 + CORRELATION.powi(2))).powi(2);
    let standard_error = (2.0 / independent_cells).sqrt();
    for stride in [2, 4, 8] {
        let tiling = Tiling::new(DOMAIN, DOMAIN, TILE, stride).unwrap().with_window(Window::HannHalfSample);
        let sampler = TiledSampler { walk: &walk, tiling: &tiling, channels: 1, batch: 32, device: &Device::Cpu };
        let mut maps = [Vec::new(), Vec::new()];
        for member in 0..MEMBERS {
            let noise = NoiseField::new(17, member);
            let none = PlaneConditions::<f64>::default();
            maps[0].extend(sampler.sample_fused(none, &noise, |_, x, t| model.predict(x, t)).unwrap());
            maps[1].extend(sampler.sample_independently(none, &noise, |_, x, t| model.predict(x, t)).unwrap());
        }
        let [fused, averaged] = maps.map(|fields| variance(&fields) / analytic);
        println!("stride {stride}: fused {fused:.3}, averaged {averaged:.3} of the analytic variance");
        // four standard errors, and 1 % for what a tile does not see beyond its sides
        assert!((fused - 1.0).abs() < 4.0 * standard_error + 0.01, "stride {stride}: {fused}");
        // finished tiles are independent, so their average keeps what the weights say
        assert!((averaged - share_kept(&tiling)).abs() < 4.0 * standard_error + 0.01, "stride {stride}: {averaged}");
        assert!(averaged < 0.8);
    }
}

#[test]
fn for_a_network_that_looks_at_one_cell_tiles_change_nothing() {
    let (walk, schedule) = walk_and_schedule();
    let model = |state: &Tensor, time: usize| -> DiffusionResult<Tensor> { Ok((state * schedule.signal_share(time)?.sqrt())?) };
    let noise = NoiseField::new(4, 0);
    let whole = walk
        .sample(
            Conditions::default(),
            |draw| noise.tensor(draw, [2, 20, 24], isotherm::candle_core::DType::F64, &Device::Cpu),
            |x, t| model(x, t),
        )
        .unwrap();
    let wanted = whole.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    for (wrap, batch) in [(false, 1), (false, 7), (true, 5)] {
        let mut tiling = Tiling::new(20, 24, 8, 4).unwrap();
        if wrap {
            tiling = tiling.wrapping().unwrap();
        }
        let sampler = TiledSampler { walk: &walk, tiling: &tiling, channels: 2, batch, device: &Device::Cpu };
        let map = sampler.sample_fused(PlaneConditions::<f64>::default(), &noise, |_, x, t| model(x, t)).unwrap();
        assert!(map.concat().iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-11));
    }
}

#[test]
fn averaging_finished_samples_loses_what_the_weights_say() {
    // White data: a cell's finished samples are independent, so the average's variance is v Σw² / (Σw)².
    let (walk, schedule) = walk_and_schedule();
    let model = |state: &Tensor, time: usize| -> DiffusionResult<Tensor> { Ok((state * schedule.signal_share(time)?.sqrt())?) };
    let tiling = Tiling::new(24, 24, 8, 4).unwrap();
    let share = share_kept(&tiling);
    let wanted = variance_of_mode(&walk, &schedule, 1.0) * share;
    let sampler = TiledSampler { walk: &walk, tiling: &tiling, channels: 1, batch: 25, device: &Device::Cpu };
    let maps: Vec<Vec<f64>> = (0..60)
        .flat_map(|member| {
            let noise = NoiseField::new(8, member);
            sampler.sample_independently(PlaneConditions::<f64>::default(), &noise, |_, x, t| model(x, t)).unwrap()
        })
        .collect();
    let got = variance(&maps);
    // 34,560 cells, of which four or fewer share a tile's cell at most once: five standard errors are 5 sqrt(2 / 34560)
    assert!((got / wanted - 1.0).abs() < 0.04, "got {got}, want {wanted} (share {share})");
    // Along an axis 8 of 24 cells lie under one tile and 16 under two, where sin⁴ + cos⁴ is 3/4 on average: 5/6, squared.
    assert!((share - 25.0 / 36.0).abs() < 1e-12, "{share}");
}

#[test]
fn residual_shifting_of_a_map_uses_its_low_field_and_its_weights() {
    let schedule = ResidualShifting::new(ResidualShiftingConfig::uadm()).unwrap();
    let walk = residual_walk(&schedule, 1.0).unwrap();
    let tiling = Tiling::new(12, 16, 8, 4).unwrap();
    let sampler = TiledSampler { walk: &walk, tiling: &tiling, channels: 1, batch: 3, device: &Device::Cpu };
    let low = vec![(0..192).map(|i| (f64::from(i) * 0.1).sin()).collect::<Vec<f64>>()];
    let weight: Vec<f64> = (0..192).map(|i| 0.4 + 0.003 * f64::from(i)).collect();
    let noise = NoiseField::new(2, 1);
    let model = |x: &Tensor| -> DiffusionResult<Tensor> { Ok((x * 0.3)?) };
    let conditions = PlaneConditions { low: Some(&low), noise_weight: Some(&weight) };
    let map = sampler.sample_fused(conditions, &noise, |_, x, _| model(x)).unwrap();
    let plane = |values: &[f64]| Tensor::from_vec(values.to_vec(), (1, 1, 12, 16), &Device::Cpu).unwrap();
    let (low_tensor, weight_tensor) = (plane(&low[0]), plane(&weight));
    let whole = walk
        .sample(
            Conditions { low: Some(&low_tensor), noise_weight: Some(&weight_tensor) },
            |draw| noise.tensor(draw, [1, 12, 16], isotherm::candle_core::DType::F64, &Device::Cpu),
            |x, _| model(x),
        )
        .unwrap();
    let wanted = whole.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert!(map[0].iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-12));
    let none = PlaneConditions::<f64>::default();
    assert!(sampler.sample_fused(none, &noise, |_, x, _| model(x)).unwrap_err().to_string().contains("low-resolution"));
    let short = vec![vec![0.0; 191]];
    let conditions = PlaneConditions { low: Some(&short), noise_weight: None };
    assert!(sampler.sample_independently(conditions, &noise, |_, x, _| model(x)).unwrap_err().to_string().contains("191"));
}
