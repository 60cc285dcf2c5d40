//! A normalisation as tensors of a checkpoint, and back.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use super::normalisation::{Formulation, Normalisation};
use super::pixel_statistics::Pixels;
use super::refinement::Refinement;
use crate::methods::error::{MethodError, MethodResult};

impl Normalisation {
    /// The statistics as tensors, for a checkpoint.
    pub(super) fn tensors(&self) -> MethodResult<BTreeMap<String, Tensor>> {
        let mut all = BTreeMap::new();
        for (name, pixels) in [("coarse", &self.coarse), ("fine", &self.fine)] {
            let (r, c) = (pixels.rows, pixels.columns);
            let terms = 2 * self.harmonics + 1;
            all.insert(format!("{name}.cycle"), Tensor::from_slice(&pixels.cycle, (r, c, terms), &Device::Cpu)?);
            all.insert(format!("{name}.scale"), Tensor::from_slice(&pixels.scale, (r, c), &Device::Cpu)?);
        }
        let shape = (self.coarse.rows, self.coarse.columns);
        all.insert("first_frame".to_string(), Tensor::from_slice(&self.first_frame, shape, &Device::Cpu)?);
        Ok(all)
    }

    /// The statistics of a checkpoint's tensors.
    ///
    /// # Errors
    /// [`MethodError::Argument`] names the tensor that is absent or does not fit.
    pub(super) fn from_tensors(formulation: Formulation, tensors: &BTreeMap<String, Tensor>) -> MethodResult<Normalisation> {
        let get = |name: &str, rank: usize| match tensors.get(name).filter(|t| t.rank() == rank) {
            Some(tensor) => Ok(tensor),
            None => Err(MethodError::Argument(format!(
                "kiost: the checkpoint holds no statistics '{name}' of rank {rank}; train again, or give a checkpoint of this method"
            ))),
        };
        let singles = |t: &Tensor| -> MethodResult<Vec<f32>> { Ok(t.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?) };
        let pixels = |name: &str| -> MethodResult<(Pixels, usize)> {
            let (cycle, scale) = (get(&format!("{name}.cycle"), 3)?, get(&format!("{name}.scale"), 2)?);
            let (rows, columns) = scale.dims2()?;
            let terms = cycle.dim(2)?;
            let cycle = cycle.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            Ok((Pixels { rows, columns, cycle, scale: singles(scale)? }, terms))
        };
        let ((coarse, terms), (fine, fine_terms)) = (pixels("coarse")?, pixels("fine")?);
        let first_frame = singles(get("first_frame", 2)?)?;
        let fits = coarse.cycle.len() == coarse.len() * terms
            && fine.cycle.len() == fine.len() * terms
            && terms == fine_terms
            && terms % 2 == 1
            && first_frame.len() == coarse.len();
        let refinement = Refinement::between([coarse.rows, coarse.columns], [fine.rows, fine.columns]);
        let Some(refinement) = refinement.filter(|_| fits) else {
            return Err(MethodError::Argument("kiost: the checkpoint's statistics do not fit each other; train again".into()));
        };
        Ok(Normalisation { formulation, refinement, harmonics: (terms - 1) / 2, coarse, fine, first_frame })
    }
}
