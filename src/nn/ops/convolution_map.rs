//! Convolution in one, two or three dimensions as three bilinear maps: forward, input gradient and weight
//! gradient. The gradient of each is made of the other two, so the family is closed under differentiation,
//! and the input gradient is the transposed convolution.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::bias::{add_bias, sum_to_bias};
use super::convolution_kernels::{Geometry, forward, input_gradient, weight_gradient};
use super::convolution_plain as plain;
use super::lanes::Laned;
use super::slices::{by_type, own_path, slice};
use crate::nn::derivative::{cut, wanted};
use crate::nn::precision::{Precision, in_precision};

/// The options of every axis, those of absent axes neutral; arrays are (time, height, width).
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    pub stride: [usize; 3],
    pub padding: [usize; 3],
    pub dilation: [usize; 3],
    pub groups: usize,
}

impl Axes {
    /// The same on the last `rank` axes.
    pub fn uniform(rank: usize, stride: usize, padding: usize, dilation: usize, groups: usize) -> Axes {
        let spread = |value: usize, neutral: usize| [0, 1, 2].map(|axis| if axis + rank >= 3 { value } else { neutral });
        Axes { stride: spread(stride, 1), padding: spread(padding, 0), dilation: spread(dilation, 1), groups }
    }
}

/// The last axes of a tensor `[_, _, ...]`, absent ones of size 1.
fn spatial(dims: &[usize]) -> [usize; 3] {
    let mut size = [1; 3];
    let rank = dims.len().saturating_sub(2).min(3);
    size[3 - rank..].copy_from_slice(&dims[dims.len() - rank..]);
    size
}

/// Does the tensor live where cuDNN works?
fn on_card(x: &Tensor) -> bool {
    cfg!(feature = "cuda") && x.device().is_cuda()
}

/// What holds for a convolution and its transpose alike.
fn check(name: &str, rank: usize, x: &Tensor, weight: &Tensor, axes: &Axes) -> Result<[usize; 3]> {
    if x.rank() != rank + 2 || weight.rank() != rank + 2 {
        bail!("{name}: input is {:?} and weight {:?}; {} axes each are wanted", x.dims(), weight.dims(), rank + 2);
    }
    if x.dtype() != weight.dtype() {
        bail!("{name}: input is {:?} and weight {:?}; the same type is wanted", x.dtype(), weight.dtype());
    }
    let kernel = spatial(weight.dims());
    let smallest = axes.stride.iter().chain(&axes.dilation).chain(&kernel).chain([&axes.groups]).min();
    if smallest == Some(&0) {
        bail!(
            "{name}: stride {:?}, dilation {:?}, groups {}, kernel {kernel:?}; each must be at least 1",
            axes.stride,
            axes.dilation,
            axes.groups
        );
    }
    Ok(kernel)
}

/// Cross-correlation of `x` `[b, c, ...]` with `weight` `[o, c / groups, ...]` over `rank` axes.
pub(super) fn convolve(name: &str, rank: usize, x: &Tensor, weight: &Tensor, axes: Axes) -> Result<Tensor> {
    let geometry = geometry(name, rank, x, weight, &axes)?;
    if !own_path(x) && !on_card(x) {
        return in_precision([x, weight], |[x, weight]| plain::convolve(&x, &weight, &axes));
    }
    let map = Bilinear { map: Map::Forward, rank, geometry };
    in_precision([&x.contiguous()?, &weight.contiguous()?], |[x, weight]| x.apply_op2(&weight, map))
}

/// The same, and one number of `bias` `[o]`, if any, added to each channel.
pub(super) fn convolve_with_bias(
    name: &str,
    rank: usize,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    axes: Axes,
) -> Result<Tensor> {
    let Some(bias) = bias else { return convolve(name, rank, x, weight, axes) };
    let rounds = Precision::present() == Precision::Bf16;
    if !own_path(x) || rounds || x.dtype() != bias.dtype() || bias.dims() != &weight.dims()[..weight.rank().min(1)] {
        return add_bias(&convolve(name, rank, x, weight, axes)?, bias);
    }
    let geometry = geometry(name, rank, x, weight, &axes)?;
    let map = Bilinear { map: Map::Forward, rank, geometry };
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Biased(map))
}

/// The sizes, where they fit each other.
fn geometry(name: &str, rank: usize, x: &Tensor, weight: &Tensor, axes: &Axes) -> Result<Geometry> {
    let kernel = check(name, rank, x, weight, axes)?;
    let (channels, size) = (x.dims()[1], spatial(x.dims()));
    let (outputs, inputs) = (weight.dims()[0], weight.dims()[1]);
    if inputs * axes.groups != channels || outputs % axes.groups != 0 || outputs == 0 || inputs == 0 {
        bail!(
            "{name}: input has {channels} channels, weight is {:?} in {} groups; wanted c / groups inputs and a multiple of groups outputs",
            weight.dims(),
            axes.groups
        );
    }
    if (0..3).any(|a| size[a] + 2 * axes.padding[a] < axes.dilation[a] * (kernel[a] - 1) + 1) {
        bail!(
            "{name}: an image of {:?} with padding {:?} is smaller than the kernel {:?} at dilation {:?}",
            &size[3 - rank..],
            &axes.padding[3 - rank..],
            &kernel[3 - rank..],
            &axes.dilation[3 - rank..]
        );
    }
    Ok(Geometry {
        batch: x.dims()[0],
        groups: axes.groups,
        inputs,
        outputs: outputs / axes.groups,
        size,
        kernel,
        stride: axes.stride,
        padding: axes.padding,
        dilation: axes.dilation,
    })
}

/// The transpose of [`convolve`]: `x` `[b, c, ...]`, `weight` `[c, o / groups, ...]`; `output_padding` more
/// values at the end of each axis.
pub(super) fn transpose(
    name: &str,
    rank: usize,
    x: &Tensor,
    weight: &Tensor,
    axes: Axes,
    output_padding: [usize; 3],
) -> Result<Tensor> {
    let kernel = check(name, rank, x, weight, &axes)?;
    let (channels, given) = (x.dims()[1], spatial(x.dims()));
    let outputs = weight.dims()[1];
    if weight.dims()[0] != channels || channels % axes.groups != 0 || outputs == 0 || channels == 0 {
        bail!(
            "{name}: input has {channels} channels, weight is {:?} in {} groups; wanted c inputs, a multiple of groups",
            weight.dims(),
            axes.groups
        );
    }
    let mut size = [1; 3];
    for a in 0..3 {
        if output_padding[a] >= axes.stride[a] {
            bail!("{name}: output padding {} with stride {}; it must be smaller", output_padding[a], axes.stride[a]);
        }
        let whole = (given[a].max(1) - 1) * axes.stride[a] + axes.dilation[a] * (kernel[a] - 1) + 1 + output_padding[a];
        size[a] = whole.saturating_sub(2 * axes.padding[a]);
        if given[a] == 0 || size[a] == 0 {
            bail!("{name}: an image of {:?} with padding {:?} leaves nothing", &given[3 - rank..], &axes.padding[3 - rank..]);
        }
    }
    if !own_path(x) && !on_card(x) {
        return in_precision([x, weight], |[x, weight]| plain::transpose(&x, &weight, &axes, output_padding));
    }
    // The convolution whose input gradient this is: our output is its input.
    let geometry = Geometry {
        batch: x.dims()[0],
        groups: axes.groups,
        inputs: outputs,
        outputs: channels / axes.groups,
        size,
        kernel,
        stride: axes.stride,
        padding: axes.padding,
        dilation: axes.dilation,
    };
    let map = Bilinear { map: Map::InputGradient, rank, geometry };
    in_precision([&x.contiguous()?, &weight.contiguous()?], |[x, weight]| x.apply_op2(&weight, map))
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Map {
    /// (x, weight) to y
    Forward,
    /// (dy, weight) to dx
    InputGradient,
    /// (x, dy) to dweight
    WeightGradient,
}

#[derive(Clone, Copy, Debug)]
struct Bilinear {
    map: Map,
    /// Spatial axes of the tensors.
    rank: usize,
    geometry: Geometry,
}

impl Bilinear {
    /// The shape of the result, without the axes that the tensors lack.
    fn shape(&self) -> Shape {
        let dims = match self.map {
            Map::Forward => self.geometry.output_dims(),
            Map::InputGradient => self.geometry.input_dims(),
            Map::WeightGradient => self.geometry.weight_dims(),
        };
        Shape::from([&dims[..2], &dims[5 - self.rank..]].concat())
    }

    fn run<T: Laned>(&self, a: &[T], b: &[T]) -> CpuStorage {
        let g = &self.geometry;
        T::to_cpu_storage_owned(match self.map {
            Map::Forward => forward(g, a, b, None),
            Map::InputGradient => input_gradient(g, a, b),
            Map::WeightGradient => weight_gradient(g, a, b),
        })
    }
}

impl CustomOp2 for Bilinear {
    fn name(&self) -> &'static str {
        match self.map {
            Map::Forward => "convolution",
            Map::InputGradient => "convolution-input-gradient",
            Map::WeightGradient => "convolution-weight-gradient",
        }
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => Ok((self.run::<T>(slice(s1, l1)?, slice(s2, l2)?), self.shape())))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        Ok((super::convolution_cuda::run_on_card(self.map, &self.geometry, (s1, l1), (s2, l2))?, self.shape()))
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let above = above.contiguous()?;
        let with = |map| Bilinear { map, ..*self };
        // What leads to no variable needs no gradient: for the first layer of a network that is half the work.
        let given = |t: &Tensor, gradient: &dyn Fn() -> Result<Tensor>| wanted(t).then(|| gradient().map(cut)).transpose();
        let (first, second): (&dyn Fn() -> Result<Tensor>, &dyn Fn() -> Result<Tensor>) = match self.map {
            Map::Forward => {
                (&|| above.apply_op2(b, with(Map::InputGradient)), &|| a.apply_op2(&above, with(Map::WeightGradient)))
            }
            Map::InputGradient => (&|| above.apply_op2(b, with(Map::Forward)), &|| above.apply_op2(a, with(Map::WeightGradient))),
            Map::WeightGradient => {
                (&|| b.apply_op2(&above, with(Map::InputGradient)), &|| a.apply_op2(&above, with(Map::Forward)))
            }
        };
        Ok((given(a, first)?, given(b, second)?))
    }
}

/// A convolution (map [`Map::Forward`]) with a bias.
struct Biased(Bilinear);

impl CustomOp3 for Biased {
    fn name(&self) -> &'static str {
        "convolution-with-bias"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let out = forward::<T>(&self.0.geometry, slice(s1, l1)?, slice(s2, l2)?, Some(slice(s3, l3)?));
            Ok((<T as candle_core::WithDType>::to_cpu_storage_owned(out), self.0.shape()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        above: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let above = above.contiguous()?;
        let (to_x, to_weight) = self.0.bwd(x, weight, result, &above)?;
        let to_bias = wanted(bias).then(|| sum_to_bias(&above).map(cut)).transpose()?;
        Ok((to_x, to_weight, to_bias))
    }
}
