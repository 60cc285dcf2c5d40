//! Which derivatives a backward pass is asked for: what nobody will ask for need not be computed or kept.

use std::cell::Cell;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId};

thread_local! {
    /// Will no derivative of the gradients be taken?
    static FIRST_ONLY: Cell<bool> = const { Cell::new(false) };
    /// The only variable whose gradient is wanted.
    static ONLY: Cell<Option<TensorId>> = const { Cell::new(None) };
}

/// Sets a cell as long as it lives.
struct Setting<T: Copy + 'static> {
    cell: &'static std::thread::LocalKey<Cell<T>>,
    before: T,
}

impl<T: Copy + 'static> Setting<T> {
    fn new(cell: &'static std::thread::LocalKey<Cell<T>>, value: T) -> Setting<T> {
        Setting { cell, before: cell.replace(value) }
    }
}

impl<T: Copy + 'static> Drop for Setting<T> {
    fn drop(&mut self) {
        self.cell.set(self.before);
    }
}

/// The gradients of a loss, as numbers: no derivative can be taken of them. What a training step wants.
///
/// With second derivatives allowed in the process (see [`super::second_order_gradients_work`]) `loss.backward()` keeps
/// everything that it computes until its gradients are dropped; this frees it at once. The numbers are the same.
///
/// # Errors
/// What candle gives.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor, Var};
/// let x = Var::from_tensor(&Tensor::new(&[1f64, -3.0], &Device::Cpu).unwrap()).unwrap();
/// let gradients = isotherm::nn::first_gradients(&x.sqr().unwrap().sum_all().unwrap()).unwrap();
/// assert_eq!(gradients.get(&x).unwrap().to_vec1::<f64>().unwrap(), [2.0, -6.0]);
/// ```
pub fn first_gradients(loss: &Tensor) -> Result<GradStore> {
    let _setting = Setting::new(&FIRST_ONLY, true);
    loss.backward()
}

/// The gradients of `loss`, of which only that with regard to the variable `only` is wanted; itself differentiable.
pub(super) fn gradients_of_one(loss: &Tensor, only: &Tensor) -> Result<GradStore> {
    let _all_orders = Setting::new(&FIRST_ONLY, false);
    let _one = Setting::new(&ONLY, Some(only.id()));
    loss.backward()
}

/// Is a gradient with regard to this argument of an operation wanted?
///
/// A tracked tensor that is no variable always wants one: candle panics where it gets none.
pub(super) fn wanted(argument: &Tensor) -> bool {
    let left_out = argument.is_variable() && ONLY.get().is_some_and(|only| only != argument.id());
    argument.track_op() && !left_out
}

/// What an operation gives as gradient: cut off from its graph where no derivative of it will be taken.
pub(super) fn cut(gradient: Tensor) -> Tensor {
    if FIRST_ONLY.get() { gradient.detach() } else { gradient }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::nn::ops::{add_bias, silu};

    fn variable(values: [f64; 2]) -> Var {
        Var::from_tensor(&Tensor::new(&[values], &Device::Cpu).unwrap()).unwrap()
    }

    #[test]
    fn the_same_numbers_whatever_is_left_out() {
        let (x, bias) = (variable([0.3, -1.2]), Var::from_tensor(&Tensor::new(&[0.5f64, 1.0], &Device::Cpu).unwrap()).unwrap());
        let loss = || silu(&add_bias(&x, &bias).unwrap()).unwrap().sum_all().unwrap();
        let all = loss().backward().unwrap();
        let first = first_gradients(&loss()).unwrap();
        let one = gradients_of_one(&loss(), &x).unwrap();
        let values = |store: &GradStore, v: &Var| store.get(v).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for v in [&x, &bias] {
            assert_eq!(values(&all, v), values(&first, v));
        }
        assert_eq!(values(&all, &x), values(&one, &x));
        assert!(one.get(&bias).is_none());
        // Of the last a derivative can be taken, also with regard to the variable that was left out.
        let second = one.get(&x).unwrap().sum_all().unwrap().backward().unwrap();
        assert!(second.get(&bias).is_some());
        assert!(!first.get(&x).unwrap().track_op());
    }
}
