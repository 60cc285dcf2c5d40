//! 2-D convolution whose gradients of any order are right.
//!
//! Forward, input gradient and weight gradient are three bilinear maps; the gradient of each is made of
//! the other two, so the family is closed under differentiation.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use super::conv2d_kernels::{Geometry, forward, input_gradient, weight_gradient};
use super::slices::{by_type, own_path, slice};

/// Stride, zero padding (each side, both axes), dilation and groups of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvolutionOptions {
    /// Step between output pixels.
    pub stride: usize,
    /// Rows and columns of zeros added on each side.
    pub padding: usize,
    /// Step between kernel taps.
    pub dilation: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl Default for ConvolutionOptions {
    fn default() -> ConvolutionOptions {
        ConvolutionOptions { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

impl ConvolutionOptions {
    /// The padding that keeps the size for an odd kernel of this size (stride 1).
    pub fn same(kernel: usize) -> ConvolutionOptions {
        ConvolutionOptions { padding: kernel / 2, ..ConvolutionOptions::default() }
    }
}

/// Cross-correlation of `x` `[b, c, h, w]` with `weight` `[o, c / groups, kh, kw]`: `[b, o, h', w']` with
/// `h' = (h + 2 padding - dilation (kh - 1) - 1) / stride + 1`.
///
/// # Errors
/// A sentence where ranks, channels, groups or sizes do not fit.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::nn::ops::{ConvolutionOptions, conv2d};
/// let x = Tensor::new(&[[[[1f32, 2.0], [3.0, 4.0]]]], &Device::Cpu).unwrap();
/// let sum_of_all = Tensor::ones((1, 1, 2, 2), isotherm::candle_core::DType::F32, &Device::Cpu).unwrap();
/// let y = conv2d(&x, &sum_of_all, ConvolutionOptions::default()).unwrap();
/// assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [10.0]);
/// ```
pub fn conv2d(x: &Tensor, weight: &Tensor, options: ConvolutionOptions) -> Result<Tensor> {
    let (batch, channels, rows, columns) = x.dims4()?;
    let (outputs, inputs, kernel_rows, kernel_columns) = weight.dims4()?;
    let ConvolutionOptions { stride, padding, dilation, groups } = options;
    if stride == 0 || dilation == 0 || groups == 0 || kernel_rows == 0 || kernel_columns == 0 {
        bail!(
            "conv2d: stride {stride}, dilation {dilation}, groups {groups}, kernel {kernel_rows}x{kernel_columns}; each must be at least 1"
        );
    }
    if inputs * groups != channels || outputs % groups != 0 {
        bail!(
            "conv2d: input has {channels} channels, weight is {:?} in {groups} groups; wanted c / groups inputs and a multiple of groups outputs",
            weight.dims()
        );
    }
    if rows + 2 * padding < dilation * (kernel_rows - 1) + 1 || columns + 2 * padding < dilation * (kernel_columns - 1) + 1 {
        bail!(
            "conv2d: an image of {rows}x{columns} with padding {padding} is smaller than the kernel {kernel_rows}x{kernel_columns} at dilation {dilation}"
        );
    }
    if x.dtype() != weight.dtype() {
        bail!("conv2d: input is {:?} and weight {:?}; the same type is wanted", x.dtype(), weight.dtype());
    }
    let on_card = cfg!(feature = "cuda") && x.device().is_cuda();
    if !own_path(x) && !on_card {
        return x.conv2d(weight, padding, stride, dilation, groups);
    }
    let geometry = Geometry {
        batch,
        groups,
        inputs,
        outputs: outputs / groups,
        rows,
        columns,
        kernel_rows,
        kernel_columns,
        stride,
        padding,
        dilation,
    };
    x.contiguous()?.apply_op2(&weight.contiguous()?, Bilinear { map: Map::Forward, geometry })
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
    geometry: Geometry,
}

impl Bilinear {
    fn run<T: WithDType>(&self, a: &[T], b: &[T]) -> (CpuStorage, Shape) {
        let g = &self.geometry;
        let (values, shape): (Vec<T>, Shape) = match self.map {
            Map::Forward => (forward(g, a, b), (g.batch, g.groups * g.outputs, g.output_rows(), g.output_columns()).into()),
            Map::InputGradient => (input_gradient(g, a, b), (g.batch, g.groups * g.inputs, g.rows, g.columns).into()),
            Map::WeightGradient => {
                (weight_gradient(g, a, b), (g.groups * g.outputs, g.inputs, g.kernel_rows, g.kernel_columns).into())
            }
        };
        (T::to_cpu_storage_owned(values), shape)
    }
}

impl CustomOp2 for Bilinear {
    fn name(&self) -> &'static str {
        match self.map {
            Map::Forward => "conv2d",
            Map::InputGradient => "conv2d-input-gradient",
            Map::WeightGradient => "conv2d-weight-gradient",
        }
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => Ok(self.run::<T>(slice(s1, l1)?, slice(s2, l2)?)))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        super::conv2d_cuda::run_on_card(self.map, &self.geometry, (s1, l1), (s2, l2))
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let above = above.contiguous()?;
        let with = |map| Bilinear { map, ..*self };
        let (first, second) = match self.map {
            Map::Forward => (above.apply_op2(b, with(Map::InputGradient))?, a.apply_op2(&above, with(Map::WeightGradient))?),
            Map::InputGradient => (above.apply_op2(b, with(Map::Forward))?, above.apply_op2(a, with(Map::WeightGradient))?),
            Map::WeightGradient => (b.apply_op2(&above, with(Map::InputGradient))?, a.apply_op2(&above, with(Map::Forward))?),
        };
        Ok((Some(first), Some(second)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::base::random::Random;

    fn tensor(shape: &[usize], name: &str) -> Tensor {
        let mut random = Random::new(3, name);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// The definition, four loops deep for each output.
    fn by_definition(x: &Tensor, w: &Tensor, o: ConvolutionOptions) -> Vec<f64> {
        let (b, c, h, width) = x.dims4().unwrap();
        let (outputs, inputs, kh, kw) = w.dims4().unwrap();
        let (xs, ws) = (x.flatten_all().unwrap().to_vec1::<f64>().unwrap(), w.flatten_all().unwrap().to_vec1::<f64>().unwrap());
        let oh = (h + 2 * o.padding - o.dilation * (kh - 1) - 1) / o.stride + 1;
        let ow = (width + 2 * o.padding - o.dilation * (kw - 1) - 1) / o.stride + 1;
        let mut out = vec![];
        for bi in 0..b {
            for oc in 0..outputs {
                let group = oc / (outputs / o.groups);
                for y in 0..oh {
                    for xx in 0..ow {
                        let mut sum = 0.0;
                        for ic in 0..inputs {
                            for a in 0..kh {
                                for d in 0..kw {
                                    let iy = (y * o.stride + a * o.dilation) as isize - o.padding as isize;
                                    let ix = (xx * o.stride + d * o.dilation) as isize - o.padding as isize;
                                    if iy >= 0 && ix >= 0 && (iy as usize) < h && (ix as usize) < width {
                                        let channel = group * inputs + ic;
                                        sum += xs[((bi * c + channel) * h + iy as usize) * width + ix as usize]
                                            * ws[((oc * inputs + ic) * kh + a) * kw + d];
                                    }
                                }
                            }
                        }
                        out.push(sum);
                    }
                }
            }
        }
        out
    }

    #[test]
    fn agrees_with_the_definition() {
        let o = |stride, padding, dilation, groups| ConvolutionOptions { stride, padding, dilation, groups };
        for (xs, ws, o) in [
            ([2, 4, 6, 5], [6, 4, 3, 3], o(1, 1, 1, 1)),
            ([2, 4, 6, 5], [6, 4, 3, 3], o(2, 1, 1, 1)),
            ([1, 4, 7, 9], [4, 1, 3, 3], o(1, 2, 2, 4)),
            ([1, 4, 7, 4], [6, 2, 1, 3], o(3, 0, 1, 2)),
            ([3, 2, 4, 4], [5, 2, 1, 1], o(1, 0, 1, 1)),
            ([1, 1, 2, 2], [1, 1, 5, 5], o(1, 4, 1, 1)),
        ] {
            let (x, w) = (tensor(&xs, "x"), tensor(&ws, "w"));
            let got = conv2d(&x, &w, o).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let want = by_definition(&x, &w, o);
            assert_eq!(got.len(), want.len());
            assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-12), "{o:?}");
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let x = tensor(&[3, 8, 40, 70], "x").to_dtype(DType::F32).unwrap();
        let w = candle_core::Var::from_tensor(&tensor(&[8, 8, 3, 3], "w").to_dtype(DType::F32).unwrap()).unwrap();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let y = conv2d(&x, w.as_tensor(), ConvolutionOptions::same(3)).unwrap();
                let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                let gradient = gradients.get(w.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
                (y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), gradient)
            })
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn misfits_are_sentences() {
        let x = tensor(&[1, 4, 6, 5], "x");
        let wrong = conv2d(&x, &tensor(&[6, 3, 3, 3], "w"), ConvolutionOptions::default()).unwrap_err().to_string();
        assert!(wrong.contains("4 channels"), "{wrong}");
        let large = conv2d(&x, &tensor(&[6, 4, 7, 7], "w"), ConvolutionOptions::default()).unwrap_err().to_string();
        assert!(large.contains("smaller than the kernel"), "{large}");
    }
}
