//! The way from noise to a field as a list of linear steps, and the loop that walks it.

use candle_core::Tensor;

use super::error::{DiffusionError, DiffusionResult, wrong};

/// One step of a sampler: everything but the network is a sum with these weights.
///
/// # Formula
/// ```text
/// x' = state x + clean x̂_0 + before x̂_0' + low y + noise u z
/// ```
/// where x̂_0 is the network's clean field at (x, time), x̂_0' the one of the step before, y the low-resolution field, u the noise's local weight and z
/// fresh standard normal noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReverseStep {
    /// The time at which the network is asked.
    pub time: usize,
    /// Weight of the present state.
    pub state: f64,
    /// Weight of the predicted clean field.
    pub clean: f64,
    /// Weight of the clean field predicted in the step before; 0 in the first step, and where a sampler looks back at nothing.
    pub before: f64,
    /// Weight of the low-resolution field.
    pub low: f64,
    /// Standard deviation of the fresh noise.
    pub noise: f64,
}

/// A sampler: how to start, and the steps in the order in which they are taken.
#[derive(Clone, Debug, PartialEq)]
pub struct ReverseWalk {
    /// Weight of the low-resolution field in the start.
    pub start_low: f64,
    /// Standard deviation of the noise in the start.
    pub start_noise: f64,
    /// The steps.
    pub steps: Vec<ReverseStep>,
}

/// What a walk is conditioned on besides what the network sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    /// The low-resolution field y on the fine grid; wanted by walks of residual shifting.
    pub low: Option<&'a Tensor>,
    /// The local weight u of the noise, broadcast against the state; 1 where absent.
    pub noise_weight: Option<&'a Tensor>,
}

impl ReverseWalk {
    /// Does the walk need a low-resolution field?
    pub fn needs_low(&self) -> bool {
        self.start_low != 0.0 || self.steps.iter().any(|step| step.low != 0.0)
    }

    /// Walks from noise to a field.
    ///
    /// `noise` gives standard normal noise for a draw: draw 0 is for the start, draw i + 1 for step i (a step without
    /// noise asks for none). `model` gives the predicted clean field for a state and a time.
    ///
    /// # Errors
    /// [`DiffusionError::Argument`] where the walk needs a low-resolution field and there is none, or the model's field has
    /// another shape than the state; whatever the closures and the device give.
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::diffusion::*;
    /// let schedule = DdpmSchedule::cosine(100, 0.008, 0.999).unwrap();
    /// let walk = ddim_walk(&schedule, &respaced_times(100, 5, Spacing::Even).unwrap(), 0.0).unwrap();
    /// let field = NoiseField::new(1, 0);
    /// // A model that knows the answer leads there.
    /// let answer = Tensor::full(0.25f64, (1, 1, 4, 4), &Device::Cpu).unwrap();
    /// let got = walk
    ///     .sample(Conditions::default(), |draw| field.tensor(draw, [1, 4, 4], DType::F64, &Device::Cpu), |_, _| Ok(answer.clone()))
    ///     .unwrap();
    /// assert_eq!(got.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [0.25; 16]);
    /// ```
    pub fn sample(
        &self,
        conditions: Conditions<'_>,
        mut noise: impl FnMut(usize) -> DiffusionResult<Tensor>,
        mut model: impl FnMut(&Tensor, usize) -> DiffusionResult<Tensor>,
    ) -> DiffusionResult<Tensor> {
        self.check(conditions.low.is_some())?;
        let weighted = |z: Tensor, spread: f64| -> DiffusionResult<Tensor> {
            let z = (z * spread)?;
            Ok(match conditions.noise_weight {
                Some(weight) => z.broadcast_mul(weight)?,
                None => z,
            })
        };
        let with_low = |x: Tensor, share: f64| -> DiffusionResult<Tensor> {
            match conditions.low {
                Some(low) if share != 0.0 => Ok(x.broadcast_add(&(low * share)?)?),
                _ => Ok(x),
            }
        };
        let mut state = with_low(weighted(noise(0)?, self.start_noise)?, self.start_low)?.detach();
        let mut before: Option<Tensor> = None;
        for (i, step) in self.steps.iter().enumerate() {
            let clean = model(&state, step.time)?.detach();
            if clean.dims() != state.dims() {
                return wrong(format!(
                    "the model gave a field of shape {:?} for a state of shape {:?}; the same is wanted",
                    clean.dims(),
                    state.dims()
                ));
            }
            // A step that keeps nothing of the state gives the clean field itself, to the bit.
            let mut next = if step.clean == 1.0 { clean.clone() } else { (&clean * step.clean)? };
            if step.state != 0.0 {
                next = (next + (&state * step.state)?)?;
            }
            if let Some(before) = &before
                && step.before != 0.0
            {
                next = (next + (before * step.before)?)?;
            }
            next = with_low(next, step.low)?;
            if step.noise != 0.0 {
                next = (next + weighted(noise(i + 1)?, step.noise)?)?;
            }
            state = next.detach();
            before = Some(clean);
        }
        Ok(state)
    }

    /// Refuses a walk that cannot be walked.
    pub(super) fn check(&self, has_low: bool) -> DiffusionResult<()> {
        if self.needs_low() && !has_low {
            return Err(DiffusionError::Argument(
                "this walk starts from a low-resolution field and none was given; set `low`".to_string(),
            ));
        }
        Ok(())
    }
}

/// Refuses times that do not fall, or that the schedule lacks; `steps` is how many it has.
pub(super) fn check_times(times: &[usize], steps: usize) -> DiffusionResult<()> {
    let falling = times.windows(2).all(|pair| pair[0] > pair[1]);
    match times.first() {
        Some(first) if falling && *first < steps => Ok(()),
        _ => wrong(format!("the times to visit must fall and lie within 0 to {}; found {times:?}", steps.saturating_sub(1))),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn one_step_by_hand() {
        let t = |v: f64| Tensor::new(&[[[[v]]]], &Device::Cpu).unwrap();
        let step = ReverseStep { time: 4, state: 0.5, clean: 0.25, before: 0.0, low: 2.0, noise: 3.0 };
        let walk = ReverseWalk { start_low: 1.0, start_noise: 2.0, steps: vec![step] };
        let (low, weight) = (t(10.0), t(0.5));
        let conditions = Conditions { low: Some(&low), noise_weight: Some(&weight) };
        let noise = |draw: usize| Ok(t([1.0, -1.0][draw]));
        let model = |x: &Tensor, time: usize| {
            assert_eq!(time, 4);
            Ok((x + 1.0)?)
        };
        // start 10 + 2 * 0.5 * 1 = 11; then 0.5 * 11 + 0.25 * 12 + 2 * 10 - 3 * 0.5 = 27
        let got = walk.sample(conditions, noise, model).unwrap();
        assert_eq!(got.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [27.0]);
        let error = walk.sample(Conditions::default(), noise, model).unwrap_err().to_string();
        assert!(error.contains("low-resolution"), "{error}");
        let wide = |_: &Tensor, _: usize| Ok(Tensor::zeros((1, 1, 1, 2), candle_core::DType::F64, &Device::Cpu)?);
        assert!(walk.sample(conditions, noise, wide).unwrap_err().to_string().contains("[1, 1, 1, 2]"));
    }

    #[test]
    fn times_that_rise_are_refused() {
        assert!(check_times(&[3, 1, 0], 4).is_ok());
        assert!(check_times(&[4, 1], 4).is_err());
        assert!(check_times(&[1, 1], 4).is_err());
        assert!(check_times(&[], 4).is_err());
    }
}
