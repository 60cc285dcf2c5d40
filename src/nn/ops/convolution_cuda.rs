//! The three maps of the convolutions by cuDNN: forward, gradient of the input, gradient of the weight.
//!
//! candle's own CUDA backward passes are naive kernels, tens of times slower; these take the same place in the
//! graph as the CPU's loops, so derivatives of any order work. Algorithms are the deterministic ones where cuDNN
//! offers them for a shape, so that a seeded run repeats bit for bit on one card.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::cudnn::{
    ConvBackwardData, ConvBackwardFilter, ConvDescriptor, ConvForward, Cudnn, CudnnDataType, CudnnError, FilterDescriptor,
    TensorDescriptor, sys,
};
use candle_core::cuda_backend::cudarc::driver::{CudaView, DeviceRepr};
use candle_core::cuda_backend::{CudaDType, CudaDevice, DeviceId};
use candle_core::{CudaStorage, DType, Error, Layout, Result, bail};
use half::bf16;

use super::convolution_kernels::Geometry;
use super::convolution_map::Map;
use crate::nn::precision::Precision;

// A handle may not change threads, so each thread has its own for each card.
thread_local! {
    static HANDLES: RefCell<HashMap<DeviceId, Arc<Cudnn>>> = RefCell::default();
}

fn handle(device: &CudaDevice) -> Result<Arc<Cudnn>> {
    HANDLES.with(|handles| {
        if let Some(handle) = handles.borrow().get(&device.id()) {
            return Ok(handle.clone());
        }
        let handle = Cudnn::new(device.cuda_stream()).map_err(Error::wrap)?;
        handles.borrow_mut().insert(device.id(), handle.clone());
        Ok(handle)
    })
}

/// Element types and the type that cuDNN adds up in.
trait Element: CudnnDataType + CudaDType + DeviceRepr + candle_core::WithDType {
    type Sum: CudnnDataType;
    const ZERO: Self;
    const ONE: Self;
}

impl Element for f32 {
    type Sum = f32;
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
}

impl Element for f64 {
    type Sum = f64;
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
}

impl Element for bf16 {
    type Sum = f32;
    const ZERO: bf16 = bf16::ZERO;
    const ONE: bf16 = bf16::ONE;
}

struct Descriptors<T: Element> {
    convolution: ConvDescriptor<T::Sum>,
    x: TensorDescriptor<T>,
    weight: FilterDescriptor<T>,
    y: TensorDescriptor<T>,
}

fn int<const N: usize>(values: [usize; N]) -> [i32; N] {
    values.map(|v| v as i32)
}

fn descriptors<T: Element>(handle: &Arc<Cudnn>, g: &Geometry) -> Result<Descriptors<T>> {
    const LAYOUT: sys::cudnnTensorFormat_t = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW;
    const MODE: sys::cudnnConvolutionMode_t = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
    let (x, weight, y) = (int(g.input_dims()), int(g.weight_dims()), int(g.output_dims()));
    let math = match (T::DTYPE, Precision::present()) {
        (DType::F64, _) | (DType::F32, Precision::F32) => sys::cudnnMathType_t::CUDNN_FMA_MATH,
        (DType::F32, _) => sys::cudnnMathType_t::CUDNN_DEFAULT_MATH,
        _ => sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH,
    };
    let flat = g.size[0] == 1 && g.kernel[0] == 1 && g.padding[0] == 0;
    let mut described = if flat {
        // Images go by the four-axis descriptors, for which cuDNN has the most algorithms.
        let image = |d: [i32; 5]| [d[0], d[1], d[3], d[4]];
        let both = |v: [usize; 3]| [v[1] as i32, v[2] as i32];
        Descriptors {
            convolution: handle
                .create_conv2d::<T::Sum>(both(g.padding), both(g.stride), both(g.dilation), MODE)
                .map_err(Error::wrap)?,
            x: handle.create_4d_tensor(LAYOUT, image(x)).map_err(Error::wrap)?,
            weight: handle.create_4d_filter(LAYOUT, image(weight)).map_err(Error::wrap)?,
            y: handle.create_4d_tensor(LAYOUT, image(y)).map_err(Error::wrap)?,
        }
    } else {
        Descriptors {
            convolution: handle
                .create_convnd::<T::Sum>(&int(g.padding), &int(g.stride), &int(g.dilation), MODE)
                .map_err(Error::wrap)?,
            x: handle.create_nd_tensor(&x, &strides(x)).map_err(Error::wrap)?,
            weight: handle.create_nd_filter(LAYOUT, &weight).map_err(Error::wrap)?,
            y: handle.create_nd_tensor(&y, &strides(y)).map_err(Error::wrap)?,
        }
    };
    described.convolution.set_group_count(g.groups as i32).map_err(Error::wrap)?;
    described.convolution.set_math_type(math).map_err(Error::wrap)?;
    Ok(described)
}

/// Of a contiguous tensor.
fn strides(dims: [i32; 5]) -> [i32; 5] {
    let mut strides = [1; 5];
    for axis in (0..4).rev() {
        strides[axis] = strides[axis + 1] * dims[axis + 1];
    }
    strides
}

fn view<'a, T: Element>(storage: &'a CudaStorage, layout: &Layout) -> Result<CudaView<'a, T>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(storage.as_cuda_slice::<T>()?.slice(start..end)),
        None => bail!("found a tensor with gaps or a transposed order; a contiguous one is wanted"),
    }
}

/// The wanted algorithm where cuDNN has it for this shape, else the one that cuDNN picks; with the bytes of its workspace.
fn choose<A: Copy>(
    wanted: A,
    bytes: impl Fn(A) -> std::result::Result<usize, CudnnError>,
    pick: impl Fn() -> std::result::Result<A, CudnnError>,
) -> Result<(A, usize)> {
    if let Ok(needed) = bytes(wanted) {
        return Ok((wanted, needed));
    }
    let picked = pick().map_err(Error::wrap)?;
    Ok((picked, bytes(picked).map_err(Error::wrap)?))
}

fn run<T: Element>(map: Map, g: &Geometry, a: CudaView<'_, T>, b: CudaView<'_, T>, device: &CudaDevice) -> Result<CudaStorage> {
    let handle = handle(device)?;
    let d = descriptors::<T>(&handle, g)?;
    let scale = (T::ONE, T::ZERO);
    // SAFETY (alloc): cuDNN writes every element of the output, and reads no workspace that it has not written.
    let workspace = |bytes: usize| unsafe { device.alloc::<u8>(bytes.max(1)) };
    let output = |dims: [usize; 5]| unsafe { device.alloc::<T>(dims.iter().product()) };
    let result = match map {
        Map::Forward => {
            let op = ConvForward { conv: &d.convolution, x: &d.x, w: &d.weight, y: &d.y };
            let algorithm = op.pick_algorithm().map_err(Error::wrap)?;
            let mut space = workspace(op.get_workspace_size(algorithm).map_err(Error::wrap)?)?;
            let mut y = output(g.output_dims())?;
            // SAFETY: a, b and y have the shapes of the descriptors, which the caller checked.
            unsafe { op.launch(algorithm, Some(&mut space), scale, &a, &b, &mut y) }.map_err(Error::wrap)?;
            y
        }
        Map::InputGradient => {
            let op = ConvBackwardData { conv: &d.convolution, dx: &d.x, w: &d.weight, dy: &d.y };
            let deterministic = sys::cudnnConvolutionBwdDataAlgo_t::CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
            let (algorithm, bytes) = choose(deterministic, |a| op.get_workspace_size(a), || op.pick_algorithm())?;
            let mut space = workspace(bytes)?;
            let mut dx = output(g.input_dims())?;
            // SAFETY: as above.
            unsafe { op.launch(algorithm, Some(&mut space), scale, &mut dx, &b, &a) }.map_err(Error::wrap)?;
            dx
        }
        Map::WeightGradient => {
            let op = ConvBackwardFilter { conv: &d.convolution, x: &d.x, dw: &d.weight, dy: &d.y };
            let deterministic = sys::cudnnConvolutionBwdFilterAlgo_t::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
            let (algorithm, bytes) = choose(deterministic, |a| op.get_workspace_size(a), || op.pick_algorithm())?;
            let mut space = workspace(bytes)?;
            let mut dw = output(g.weight_dims())?;
            // SAFETY: as above.
            unsafe { op.launch(algorithm, Some(&mut space), scale, &a, &mut dw, &b) }.map_err(Error::wrap)?;
            dw
        }
    };
    Ok(CudaStorage::wrap_cuda_slice(result, device.clone()))
}

/// One of the three maps on the card; arguments as for the CPU's.
pub(super) fn run_on_card(
    map: Map,
    g: &Geometry,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
) -> Result<CudaStorage> {
    let device = a.device().clone();
    match a.dtype() {
        DType::F32 => run::<f32>(map, g, view(a, a_layout)?, view(b, b_layout)?, &device),
        DType::F64 => run::<f64>(map, g, view(a, a_layout)?, view(b, b_layout)?, &device),
        DType::BF16 => run::<bf16>(map, g, view(a, a_layout)?, view(b, b_layout)?, &device),
        other => bail!("a convolution on CUDA works in f32, f64 or bf16; found {other:?}"),
    }
}
