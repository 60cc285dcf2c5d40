//! Losses at stations: the mean square, and two that are made for extremes.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::methods::error::{MethodError, MethodResult};

/// The penalty of one error `e` at a station, in units of the station's deviation.
///
/// # Formula
/// ```text
/// mse:      l(e) = e²
/// gumbel:   l(e) = (1 - exp(-e²))^r e²
/// frechet:  l(e) = z^(-a) + (1 + a) ln z,    z = |e|/s + (a / (1 + a))^(1/a)
/// ```
/// The Gumbel loss pardons small errors, the more so the larger `r`, and is `e²` for large ones: the effort goes to
/// extremes. The Fréchet loss is the negative log-density of a Fréchet law whose mode lies at `e = 0`, on both sides:
/// sharp at 0, and only logarithmic far out, so that a few wild values do not rule.
///
/// # Reference
/// Zhang, Ding, Pan and Yang (2023), Enhancing time series predictors with generalized extreme value loss,
/// doi:10.1109/TKDE.2021.3108831; the settings of KIOST's published forecasters
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StationLoss {
    /// The square.
    Mse,
    /// The square, with small errors pardoned.
    Gumbel {
        /// How much is pardoned, at least 1.
        r: f64,
    },
    /// Logarithmic far out.
    Frechet {
        /// Shape of the law.
        a: f64,
        /// Its scale, in units of the error.
        s: f64,
    },
}

impl StationLoss {
    /// The four published Gumbel and the four published Fréchet losses.
    pub const PUBLISHED: [StationLoss; 8] = [
        StationLoss::Gumbel { r: 1.0 },
        StationLoss::Gumbel { r: 1.1 },
        StationLoss::Gumbel { r: 1.5 },
        StationLoss::Gumbel { r: 2.0 },
        StationLoss::Frechet { a: 10.0, s: 1.7 },
        StationLoss::Frechet { a: 13.0, s: 1.7 },
        StationLoss::Frechet { a: 15.0, s: 1.7 },
        StationLoss::Frechet { a: 15.0, s: 2.0 },
    ];

    /// The id in tables: `mse`, `gumbel_1_1`, `frechet_10_1_7`.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::kiost::StationLoss;
    /// assert_eq!(StationLoss::Gumbel { r: 1.5 }.id(), "gumbel_1_5");
    /// assert_eq!(StationLoss::Frechet { a: 15.0, s: 2.0 }.id(), "frechet_15_2");
    /// ```
    pub fn id(self) -> String {
        let digits = |v: f64| format!("{v}").replace('.', "_");
        match self {
            StationLoss::Mse => "mse".into(),
            StationLoss::Gumbel { r } => format!("gumbel_{}", digits(r)),
            StationLoss::Frechet { a, s } => format!("frechet_{}_{}", digits(a), digits(s)),
        }
    }

    /// Refuses constants out of range.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for `r` below 1 (the slope would have no end at 0), `a` or `s` not above 0.
    pub fn check(self) -> MethodResult<()> {
        let problem = match self {
            StationLoss::Gumbel { r } if !(r >= 1.0 && r.is_finite()) => format!("r is {r}; a number of at least 1 is wanted"),
            StationLoss::Frechet { a, s } if !(a > 0.0 && s > 0.0 && a.is_finite() && s.is_finite()) => {
                format!("a is {a} and s is {s}; positive numbers are wanted")
            }
            _ => return Ok(()),
        };
        Err(MethodError::Argument(format!("station loss {}: {problem}", self.id())))
    }

    /// The penalty of an error.
    pub fn value(self, error: f64) -> f64 {
        let square = error * error;
        match self {
            StationLoss::Mse => square,
            StationLoss::Gumbel { r } => (-(-square).exp_m1()).powf(r) * square,
            StationLoss::Frechet { a, s } => {
                let z = error.abs() / s + mode(a);
                z.powf(-a) + (1.0 + a) * z.ln()
            }
        }
    }

    /// The penalty's first derivative.
    pub fn slope(self, error: f64) -> f64 {
        let square = error * error;
        match self {
            StationLoss::Mse => 2.0 * error,
            StationLoss::Gumbel { r } => {
                let left = -(-square).exp_m1();
                2.0 * error * left.powf(r - 1.0) * (left + r * (1.0 - left) * square)
            }
            StationLoss::Frechet { a, s } => {
                let z = error.abs() / s + mode(a);
                let slope = ((1.0 + a) - a * z.powf(-a)) / (z * s);
                if error == 0.0 { 0.0 } else { slope * error.signum() }
            }
        }
    }

    /// The penalty's second derivative.
    pub fn curvature(self, error: f64) -> f64 {
        let square = error * error;
        match self {
            StationLoss::Mse => 2.0,
            // The slope falls as |e|^(2r + 1).
            StationLoss::Gumbel { .. } if error == 0.0 => 0.0,
            StationLoss::Gumbel { r } => {
                // l' = 2 e f g with f = w^(r - 1), g = w + r u e², u = exp(-e²), w = 1 - u.
                let (u, w) = ((-square).exp(), -(-square).exp_m1());
                let (f, g) = (w.powf(r - 1.0), w + r * u * square);
                let (by_f, by_g) = ((r - 1.0) * w.powf(r - 2.0) * 2.0 * error * u, 2.0 * error * u * (1.0 + r * (1.0 - square)));
                2.0 * (f * g + error * (by_f * g + f * by_g))
            }
            StationLoss::Frechet { a, s } => {
                let z = error.abs() / s + mode(a);
                (a * (1.0 + a) * z.powf(-a) - (1.0 + a)) / (z * s).powi(2)
            }
        }
    }

    /// The penalty of no error: what to take off before losses are shown side by side.
    pub fn least(self) -> f64 {
        match self {
            StationLoss::Frechet { .. } => self.value(0.0),
            _ => 0.0,
        }
    }

    /// The penalties of a tensor of errors, differentiable once.
    ///
    /// # Errors
    /// What candle gives.
    pub fn of(self, error: &Tensor) -> Result<Tensor> {
        match self {
            StationLoss::Mse => error.sqr(),
            StationLoss::Gumbel { r } => {
                let square = error.sqr()?;
                let left = square.neg()?.exp()?.affine(-1.0, 1.0)?;
                let share = if r == 1.0 { left } else { left.powf(r)? };
                share * square
            }
            StationLoss::Frechet { a, s } => {
                let ln_z = (error.abs()? / s)?.affine(1.0, mode(a))?.log()?;
                (&ln_z * (-a))?.exp()? + ln_z * (1.0 + a)
            }
        }
    }

    /// The mean penalty over the entries whose `weight` is 1; those of weight 0 change nothing, whatever finite value they
    /// hold. Where no entry counts the loss is 0, and has no gradient.
    ///
    /// # Errors
    /// A sentence where shapes differ.
    pub fn mean(self, error: &Tensor, weight: &Tensor) -> Result<Tensor> {
        if error.dims() != weight.dims() {
            bail!("station loss: errors {:?}, weights {:?}; the same shape is wanted", error.dims(), weight.dims());
        }
        // Errors that do not count are made 0 first, so that none of them can overflow.
        let penalty = ((self.of(&(error * weight)?)? - self.least())? * weight)?;
        penalty.sum_all()? / weight.sum_all()?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?.max(1.0)
    }
}

/// Where the Fréchet law of shape `a` and scale 1 has its mode: `(a / (1 + a))^(1/a)`.
fn mode(a: f64) -> f64 {
    (a / (1.0 + a)).powf(1.0 / a)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::gradient_check;

    /// Errors, and the penalties of the eight published losses (reference table computed apart from this program).
    const REFERENCE: [(f64, [f64; 8]); 7] = [
        (0.0, [0.0, 0.0, 0.0, 0.0, 0.995158802, 0.997114492, 0.997825577, 0.997825577]),
        (0.1, [9.950166e-5, 6.274995e-5, 9.925343e-6, 9.900581e-7, 1.147550691, 1.234990109, 1.300461548, 1.226593665]),
        (0.25, [3.786684e-3, 2.860862e-3, 9.320700e-4, 2.294236e-4, 1.693422427, 2.030504145, 2.270315427, 2.004326983]),
        (0.5, [5.529980e-2, 4.755563e-2, 2.600850e-2, 1.223227e-2, 2.836892734, 3.585061969, 4.094077093, 3.552295526]),
        (1.0, [0.632120559, 0.603781646, 0.502573833, 0.399576401, 5.033360254, 6.429093180, 7.359675556, 6.443964581]),
        (2.0, [3.926737444, 3.919485400, 3.890610907, 3.854816739, 8.507141993, 10.851293708, 12.411689027, 11.056002886]),
        (3.0, [8.998889312, 8.998778250, 8.998334019, 8.997778761, 11.148510465, 14.208267026, 16.246082575, 14.633151909]),
    ];

    #[test]
    fn the_published_settings_have_the_values_of_the_reference() {
        for (error, wanted) in REFERENCE {
            for (loss, wanted) in StationLoss::PUBLISHED.into_iter().zip(wanted) {
                for error in [error, -error] {
                    let got = loss.value(error);
                    assert!((got - wanted).abs() <= 5e-7 * wanted.abs().max(1e-3), "{} at {error}: {got} {wanted}", loss.id());
                }
            }
        }
    }

    #[test]
    fn slopes_by_hand() {
        let e = std::f64::consts::E;
        // r = 1 at e = 1: 2 (1 - 1/e + 1/e) = 2; r = 2: 2 (1 - 1/e) (1 - 1/e + 2/e) = 2 (1 - 1/e²)
        assert!((StationLoss::Gumbel { r: 1.0 }.slope(1.0) - 2.0).abs() < 1e-14);
        assert!((StationLoss::Gumbel { r: 2.0 }.slope(1.0) - 2.0 * (1.0 - 1.0 / (e * e))).abs() < 1e-14);
        // a = s = 1: z = |e| + 1/2, l = 1/z + 2 ln z, l' = (2 - 1/z) / z; at e = 3/2, z = 2: 3/4
        let simple = StationLoss::Frechet { a: 1.0, s: 1.0 };
        assert!((simple.slope(1.5) - 0.75).abs() < 1e-15 && (simple.slope(-1.5) + 0.75).abs() < 1e-15);
        assert_eq!(simple.slope(0.0), 0.0);
        assert_eq!(StationLoss::Mse.slope(-3.0), -6.0);
    }

    #[test]
    fn curvatures_at_no_error_are_those_of_the_reference() {
        // z0 = 0.990514258, 0.994315604, 0.995706675 of a = 10, 13, 15; curvatures of the four published settings
        for (a, z0) in [(10.0, 0.990514258), (13.0, 0.994315604), (15.0, 0.995706675)] {
            assert!((mode(a) - z0).abs() < 1e-9, "{a}: {}", mode(a));
        }
        let wanted = [0.0, 0.0, 0.0, 0.0, 38.794788, 63.697888, 83.762680, 60.518536];
        for (loss, wanted) in StationLoss::PUBLISHED.into_iter().zip(wanted) {
            assert!((loss.curvature(0.0) - wanted).abs() < 1e-6, "{}: {}", loss.id(), loss.curvature(0.0));
            assert_eq!(loss.slope(0.0), 0.0);
        }
    }

    #[test]
    fn derivatives_are_those_of_finite_differences() {
        const STEP: f64 = 1e-5;
        for loss in StationLoss::PUBLISHED.into_iter().chain([StationLoss::Mse]) {
            for error in [-2.3, -0.7, -0.05, 0.08, 0.6, 1.7, 4.0] {
                let slope = (loss.value(error + STEP) - loss.value(error - STEP)) / (2.0 * STEP);
                let curvature = (loss.slope(error + STEP) - loss.slope(error - STEP)) / (2.0 * STEP);
                assert!((loss.slope(error) - slope).abs() < 1e-7 * slope.abs().max(1.0), "{} {error}", loss.id());
                assert!((loss.curvature(error) - curvature).abs() < 1e-6 * curvature.abs().max(1.0), "{} {error}", loss.id());
            }
        }
    }

    #[test]
    fn tensors_say_the_same_and_pass_their_gradient() {
        let errors = [-2.3f64, -0.6, -0.04, 0.3, 1.1, 3.0];
        let t = |v: &[f64]| Tensor::from_vec(v.to_vec(), v.len(), &Device::Cpu).unwrap();
        let weight = t(&[1.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
        for loss in StationLoss::PUBLISHED.into_iter().chain([StationLoss::Mse]) {
            let got = loss.of(&t(&errors)).unwrap().to_vec1::<f64>().unwrap();
            for (got, error) in got.iter().zip(errors) {
                assert!((got - loss.value(error)).abs() < 1e-12 * got.abs().max(1.0), "{}", loss.id());
            }
            let reports = gradient_check(&[t(&errors)], |x| loss.mean(&x[0], &weight)).unwrap();
            assert!(reports[0].within(1e-7) && reports[0].largest_gradient > 1e-3, "{} {reports:?}", loss.id());
        }
    }

    #[test]
    fn only_entries_that_count_count() {
        let t = |v: [f64; 3]| Tensor::new(&v, &Device::Cpu).unwrap();
        let number = |x: Tensor| x.to_scalar::<f64>().unwrap();
        let mean = |e, w| number(StationLoss::Mse.mean(&t(e), &t(w)).unwrap());
        assert_eq!(mean([1.0, 3.0, 1e30], [1.0, 1.0, 0.0]), 5.0);
        assert_eq!(mean([1.0, 3.0, 5.0], [0.0; 3]), 0.0);
        // no error costs nothing, whatever the loss
        for loss in StationLoss::PUBLISHED {
            assert!(number(loss.mean(&t([0.0; 3]), &t([1.0; 3])).unwrap()).abs() < 1e-15);
        }
        assert!(StationLoss::Mse.mean(&t([0.0; 3]), &Tensor::new(&[1.0f64], &Device::Cpu).unwrap()).is_err());
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        assert!(StationLoss::Gumbel { r: 0.9 }.check().unwrap_err().to_string().contains("at least 1"));
        assert!(StationLoss::Frechet { a: 10.0, s: 0.0 }.check().is_err());
        assert!(StationLoss::Frechet { a: f64::NAN, s: 1.0 }.check().is_err());
        StationLoss::PUBLISHED.into_iter().for_each(|loss| loss.check().unwrap());
        let text = "kind = \"frechet\"\na = 10.0\ns = 1.7";
        assert_eq!(toml::from_str::<StationLoss>(text).unwrap(), StationLoss::PUBLISHED[4]);
    }
}
