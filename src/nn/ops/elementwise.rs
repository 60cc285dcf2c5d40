//! Smooth and piecewise linear functions applied to each value, with fused derivatives.
//!
//! `Plain` is `f(x)`, `Scaled` is `above · f⁽ᵏ⁾(x)`; the derivative of a scaled one is made of scaled ones,
//! so the family is closed until the table of derivatives ends (after the third).

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

use super::slices::{by_type, map, map2, slice};
use crate::nn::derivative::cut;

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    /// `x` where positive, else `slope x`.
    Rectifier { slope: f64 },
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `tanh(x)`
    Tanh,
    /// `ln(1 + exp(x))`
    Softplus,
    /// `x sigmoid(x)`
    Silu,
    /// `x Φ(x)`, Φ the normal distribution
    Gelu,
    /// `x sigmoid(2 sqrt(2/π) (x + 0.044715 x³))`
    GeluTanh,
}

/// The functions that the table below stands on, for f32 and f64.
pub(crate) trait Real: candle_core::WithDType {
    fn exponential(self) -> Self;
    fn log_of_one_plus(self) -> Self;
    fn error_function(self) -> Self;
    fn hyperbolic_tangent(self) -> Self;
}

impl Real for f64 {
    fn exponential(self) -> f64 {
        self.exp()
    }
    fn log_of_one_plus(self) -> f64 {
        self.ln_1p()
    }
    fn error_function(self) -> f64 {
        statrs::function::erf::erf(self)
    }
    fn hyperbolic_tangent(self) -> f64 {
        self.tanh()
    }
}

impl Real for f32 {
    /// Relative error below 2e-7, without a branch, so that loops over it use the processor's vectors.
    #[inline(always)]
    fn exponential(self) -> f32 {
        // Adding 1.5 · 2²³ rounds to whole numbers and leaves them in the low bits.
        const ROUND: f32 = 12_582_912.0;
        // ln 2 in two parts: the first has few enough bits for exact products with whole numbers.
        const HIGH: f32 = 0.693_359_4;
        const LOW: f32 = (std::f64::consts::LN_2 - HIGH as f64) as f32;
        let x = self.clamp(-87.0, 88.0);
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let whole = shifted - ROUND;
        let r = (x - whole * HIGH) - whole * LOW; // |r| <= ln 2 / 2: Taylor's series to r⁷ is enough
        let series = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
        let series = 0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * series));
        let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
        (1.0 + r * (1.0 + r * series)) * power
    }
    fn log_of_one_plus(self) -> f32 {
        self.ln_1p()
    }
    #[inline(always)]
    fn error_function(self) -> f32 {
        // To 1.5e-7, without a branch. Abramowitz and Stegun (1964), 7.1.26.
        let x = self.abs();
        let t = 1.0 / (1.0 + 0.327_591_1 * x);
        let series = -0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4));
        let tail = t * (0.254_829_6 + t * series) * (-x * x).exponential();
        (1.0 - tail).copysign(self)
    }
    fn hyperbolic_tangent(self) -> f32 {
        self.tanh()
    }
}

/// `f⁽ᵏ⁾(x)` for k of 0 to 3, as a loop body for each function and order.
macro_rules! with_derivative {
    ($function:expr, $order:expr, $t:ty, $f:ident => $body:expr) => {{
        #[inline(always)]
        fn number(v: f64) -> $t {
            v as $t
        }
        // sigmoid and its derivatives as polynomials in itself
        #[inline(always)]
        fn sigmoid(x: $t) -> $t {
            1.0 / (1.0 + (-x).exponential())
        }
        #[inline(always)]
        fn sigmoids(x: $t) -> [$t; 4] {
            let s = sigmoid(x);
            let first = s * (1.0 - s);
            [s, first, first * (1.0 - 2.0 * s), first * (1.0 - 6.0 * s + 6.0 * s * s)]
        }
        #[inline(always)]
        fn softplus(x: $t) -> $t {
            x.max(0.0) + (-x.abs()).exponential().log_of_one_plus()
        }
        #[inline(always)]
        fn distribution(x: $t) -> $t {
            0.5 * (1.0 + (x * number(std::f64::consts::FRAC_1_SQRT_2)).error_function())
        }
        #[inline(always)]
        fn density(x: $t) -> $t {
            // 1 / sqrt(2π)
            number(0.398_942_280_401_432_7) * (-0.5 * x * x).exponential()
        }
        // the sigmoid's argument in the tanh form of GELU and its derivatives, then sigmoid of it
        #[inline(always)]
        fn gate(x: $t) -> [$t; 4] {
            let k = number(2.0 * (2.0 / std::f64::consts::PI).sqrt());
            let a = number(0.044_715);
            let [s, s1, s2, s3] = sigmoids(k * (x + a * x * x * x));
            let (v1, v2, v3) = (k * (1.0 + 3.0 * a * x * x), 6.0 * k * a * x, 6.0 * k * a);
            [s, s1 * v1, s2 * v1 * v1 + s1 * v2, s3 * v1 * v1 * v1 + 3.0 * s2 * v1 * v2 + s1 * v3]
        }
        macro_rules! run {
            ($closure:expr) => {{
                let $f = $closure;
                Ok($body)
            }};
        }
        match ($function, $order) {
            (Function::Rectifier { slope }, 0) => {
                let slope = number(slope);
                run!(move |x: $t| if x > 0.0 { x } else { slope * x })
            }
            (Function::Rectifier { slope }, 1) => {
                let slope = number(slope);
                run!(move |x: $t| if x > 0.0 { 1.0 } else { slope })
            }
            (Function::Rectifier { .. }, _) => run!(|_: $t| 0.0),
            (Function::Sigmoid, 0) | (Function::Softplus, 1) => run!(sigmoid),
            (Function::Sigmoid, 1) | (Function::Softplus, 2) => run!(|x: $t| sigmoids(x)[1]),
            (Function::Sigmoid, 2) | (Function::Softplus, 3) => run!(|x: $t| sigmoids(x)[2]),
            (Function::Sigmoid, 3) => run!(|x: $t| sigmoids(x)[3]),
            (Function::Softplus, 0) => run!(softplus),
            (Function::Tanh, 0) => run!(|x: $t| x.hyperbolic_tangent()),
            (Function::Tanh, order @ 1..=3) => run!(move |x: $t| {
                let t = x.hyperbolic_tangent();
                let first = 1.0 - t * t;
                match order {
                    1 => first,
                    2 => -2.0 * t * first,
                    _ => first * (6.0 * t * t - 2.0),
                }
            }),
            (Function::Silu, 0) => run!(|x: $t| x * sigmoid(x)),
            (Function::Silu, 1) => run!(|x: $t| {
                let s = sigmoid(x);
                s * (1.0 + x * (1.0 - s))
            }),
            (Function::Silu, 2) => run!(|x: $t| {
                let s = sigmoids(x);
                2.0 * s[1] + x * s[2]
            }),
            (Function::Silu, 3) => run!(|x: $t| {
                let s = sigmoids(x);
                3.0 * s[2] + x * s[3]
            }),
            (Function::Gelu, 0) => run!(|x: $t| x * distribution(x)),
            (Function::Gelu, 1) => run!(|x: $t| distribution(x) + x * density(x)),
            (Function::Gelu, 2) => run!(|x: $t| density(x) * (2.0 - x * x)),
            (Function::Gelu, 3) => run!(|x: $t| density(x) * x * (x * x - 4.0)),
            (Function::GeluTanh, 0) => run!(|x: $t| x * gate(x)[0]),
            (Function::GeluTanh, 1) => run!(|x: $t| {
                let g = gate(x);
                g[0] + x * g[1]
            }),
            (Function::GeluTanh, 2) => run!(|x: $t| {
                let g = gate(x);
                2.0 * g[1] + x * g[2]
            }),
            (Function::GeluTanh, 3) => run!(|x: $t| {
                let g = gate(x);
                3.0 * g[2] + x * g[3]
            }),
            (function, order) => Err(candle_core::Error::Msg(format!(
                "{function:?}: derivative {order} is not there; derivatives up to the third are"
            ))),
        }
    }};
}

/// `f(x)`.
pub(crate) struct Plain(pub Function);

/// `(x, above)` to `above · f⁽ᵏ⁾(x)`.
struct Scaled {
    function: Function,
    order: usize,
}

impl CustomOp1 for Plain {
    fn name(&self) -> &'static str {
        "elementwise"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, self.name(), T => {
            let x = slice::<T>(storage, layout)?;
            let y: Result<Vec<T>> = with_derivative!(self.0, 0, T, f => map::<T>(x, f));
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(y?), layout.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, above: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(cut(x.apply_op2(&above.contiguous()?, Scaled { function: self.0, order: 1 })?)))
    }
}

impl CustomOp2 for Scaled {
    fn name(&self) -> &'static str {
        "elementwise-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let (x, above) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            let y: Result<Vec<T>> =
                with_derivative!(self.function, self.order, T, f => map2::<T>(x, above, move |x, above| above * f(x)));
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(y?), l1.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, gradient: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let above = above.contiguous()?;
        let to_x = x.apply_op2(&(gradient * &above)?, Scaled { function: self.function, order: self.order + 1 })?;
        let to_gradient = x.apply_op2(&above, Scaled { ..*self })?;
        Ok((Some(to_x), Some(to_gradient)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_exponential_is_right_to_its_type() {
        let mut x = -87.0f32;
        while x < 88.0 {
            let (got, want) = (f64::from(x.exponential()), f64::from(x).exp());
            assert!((got / want - 1.0).abs() < 3e-7, "exp({x}) = {got}, want {want}");
            x += 0.003_7;
        }
        assert_eq!(0f32.exponential(), 1.0);
        assert!(f32::NAN.exponential().is_nan());
        assert!(f32::NEG_INFINITY.exponential() < 2e-38 && f32::INFINITY.exponential() > 1e38);
    }

    #[test]
    fn each_derivative_is_the_slope_of_the_one_before() {
        let at = |function: Function, order: usize, x: f64| -> f64 {
            let y: Result<f64> = with_derivative!(function, order, f64, f => f(x));
            y.unwrap()
        };
        let functions =
            [Function::Sigmoid, Function::Tanh, Function::Softplus, Function::Silu, Function::Gelu, Function::GeluTanh];
        for function in functions {
            for order in 0..3 {
                for x in [-3.1, -0.4, 0.0, 0.7, 2.9] {
                    let slope = (at(function, order, x + 1e-5) - at(function, order, x - 1e-5)) / 2e-5;
                    let got = at(function, order + 1, x);
                    assert!((got - slope).abs() < 1e-8, "{function:?} {} at {x}: {got} and {slope}", order + 1);
                }
            }
            let beyond: Result<f64> = with_derivative!(function, 4, f64, f => f(0.0));
            assert!(beyond.is_err());
        }
    }

    #[test]
    fn f32_agrees_with_f64() {
        for function in [Function::Sigmoid, Function::Softplus, Function::Silu, Function::Gelu, Function::GeluTanh] {
            for order in 0..4 {
                for i in -40..=40 {
                    let x = i as f32 * 0.25;
                    let single: Result<f32> = with_derivative!(function, order, f32, f => f(x));
                    let double: Result<f64> = with_derivative!(function, order, f64, f => f(f64::from(x)));
                    let (single, double) = (f64::from(single.unwrap()), double.unwrap());
                    // In the tails the higher derivatives are small differences of large numbers.
                    let tolerance = if order < 2 { 4e-6 } else { 1e-4 };
                    assert!((single - double).abs() < tolerance, "{function:?} {order} at {x}: {single} and {double}");
                }
            }
        }
    }
}
