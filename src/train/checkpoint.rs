//! A checkpoint: everything that training needs to go on, in one safetensors file written at once.
//!
//! The header's one metadata entry is a JSON text with the state, the network's config and a SHA-256 for
//! each tensor; a second SHA-256 guards that text. So a damaged file is an error, never a wrong number.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::error::{TrainError, TrainResult};
use crate::base::files::write_atomic;
use crate::base::hash::{sha256, sha256_parts};
use crate::nn::PlateauState;

/// The name under which the header keeps the description.
const METADATA_KEY: &str = "isotherm";
/// Raised when the layout changes. Weights of older formats can still be read, but such a run cannot go on.
const FORMAT: u32 = 2;

/// The numbers of one group of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct GroupState {
    /// Steps of its optimiser.
    pub optimizer_steps: u64,
    /// Updates of its moving average.
    pub ema_updates: u64,
    /// The largest loss of the first iterations.
    pub early_loss: f64,
}

/// The numbers of a state, without the tensors.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckpointState {
    /// What the network is (`edsr`).
    pub method: String,
    /// The network's config, as its method wrote it.
    pub config: serde_json::Value,
    /// Iterations done.
    pub iteration: u64,
    /// Seed of the run.
    pub seed: u64,
    /// Position of the training stream: blocks drawn, words left.
    pub random_position: (u64, u8),
    /// Samples taken from the data: the cursor.
    pub samples_taken: u64,
    /// By group of parameters; an only network may have the empty name.
    pub groups: BTreeMap<String, GroupState>,
    /// What a plateau has seen.
    pub plateau: Option<PlateauState>,
    /// Best validation score so far (smaller is better) and its iteration.
    pub best: Option<(f64, u64)>,
    /// Free remarks: data hashes, versions.
    pub provenance: BTreeMap<String, String>,
}

/// A state with its tensors. `ema` and `moments` may be empty.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The numbers.
    pub state: CheckpointState,
    /// Parameters by name, with the group's name before a slash where it has one (`generator/head.weight`).
    pub model: BTreeMap<String, Tensor>,
    /// Moving averages by name.
    pub ema: BTreeMap<String, Tensor>,
    /// Moments of the optimiser by name.
    pub moments: BTreeMap<String, Tensor>,
}

#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    state: CheckpointState,
    tensors: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    description: String,
    sha256: String,
}

impl Checkpoint {
    /// The weights to predict with: the moving average where there is one, else the parameters.
    pub fn weights(&self) -> &BTreeMap<String, Tensor> {
        if self.ema.is_empty() { &self.model } else { &self.ema }
    }

    /// The weights of one group to predict with, by their own names: the moving average where the group has one, else the
    /// parameters. Empty where there is no such group.
    pub fn group_weights(&self, group: &str) -> BTreeMap<String, Tensor> {
        let prefix = format!("{group}/");
        let of = |map: &BTreeMap<String, Tensor>| -> BTreeMap<String, Tensor> {
            map.iter().filter_map(|(name, t)| Some((name.strip_prefix(&prefix)?.to_string(), t.clone()))).collect()
        };
        let averages = of(&self.ema);
        if averages.is_empty() { of(&self.model) } else { averages }
    }

    /// What applying one group needs and no more: its weights to predict with, without moments, for passing on.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] where there is no such group.
    pub fn for_use(&self, group: &str) -> TrainResult<Checkpoint> {
        let weights = self.group_weights(group);
        if weights.is_empty() {
            let problem = format!("it holds no group '{group}' of weights");
            return Err(TrainError::Checkpoint { path: group.into(), problem });
        }
        let model = weights.into_iter().map(|(name, tensor)| (format!("{group}/{name}"), tensor)).collect();
        let mut state = self.state.clone();
        state.groups.retain(|name, _| name == group);
        Ok(Checkpoint { state, model, ema: BTreeMap::new(), moments: BTreeMap::new() })
    }

    /// Writes the checkpoint: whole or not at all. The same state gives the same bytes.
    ///
    /// # Errors
    /// [`TrainError::File`] where it cannot be written; a tensor that is neither f32 nor f64 is a
    /// [`TrainError::Checkpoint`].
    pub fn save(&self, path: &Path) -> TrainResult<()> {
        let wrong = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
        let mut stored: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
        for (group, tensors) in [("model", &self.model), ("ema", &self.ema), ("optimizer", &self.moments)] {
            for (name, tensor) in tensors {
                let (dtype, bytes) =
                    bytes_of(tensor)?.ok_or_else(|| wrong(format!("{name} is {:?}; f32 or f64 is wanted", tensor.dtype())))?;
                stored.insert(format!("{group}/{name}"), (dtype, tensor.dims().to_vec(), bytes));
            }
        }
        let tensors =
            stored.iter().map(|(name, (dtype, shape, bytes))| (name.clone(), tensor_hash(*dtype, shape, bytes))).collect();
        let json = |e: serde_json::Error| wrong(format!("the state cannot be written as JSON: {e}"));
        let description =
            serde_json::to_string(&Description { format: FORMAT, state: self.state.clone(), tensors }).map_err(json)?;
        let sealed = Sealed { sha256: sha256(description.as_bytes()), description };
        let metadata = HashMap::from([(METADATA_KEY.to_string(), serde_json::to_string(&sealed).map_err(json)?)]);
        let views = stored
            .iter()
            .map(|(name, (dtype, shape, bytes))| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|e| wrong(format!("the tensors cannot be laid out: {e}")))?;
        write_atomic(path, &views).map_err(|source| TrainError::File { path: path.to_path_buf(), source })
    }

    /// Reads a checkpoint and checks every hash.
    ///
    /// # Errors
    /// [`TrainError::File`] where it cannot be read; [`TrainError::Checkpoint`] where it is cut, changed or
    /// not a checkpoint of isotherm.
    pub fn load(path: &Path, device: &Device) -> TrainResult<Checkpoint> {
        let wrong = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
        let damaged =
            |what: String| wrong(format!("the checkpoint is damaged ({what}); remove it and take an older one or train again"));
        let bytes = std::fs::read(path).map_err(|source| TrainError::File { path: path.to_path_buf(), source })?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(format!("its header cannot be read: {e}")))?;
        let sealed = header.metadata().as_ref().and_then(|m| m.get(METADATA_KEY));
        let Some(sealed) = sealed else {
            return Err(wrong(
                "this safetensors file was not written by isotherm; give a checkpoint of its training".to_string(),
            ));
        };
        let sealed: Sealed = serde_json::from_str(sealed).map_err(|e| damaged(format!("its description cannot be read: {e}")))?;
        if sha256(sealed.description.as_bytes()) != sealed.sha256 {
            return Err(damaged("its description does not fit its SHA-256".to_string()));
        }
        let description: Description = serde_json::from_str(&sealed.description)
            .map_err(|e| wrong(format!("its description is of another version: {e}")))?;
        if description.format > FORMAT {
            return Err(wrong(format!(
                "it has format {}, but this program reads formats up to {FORMAT}; take a newer program",
                description.format
            )));
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
        let mut found =
            Checkpoint { state: description.state, model: BTreeMap::new(), ema: BTreeMap::new(), moments: BTreeMap::new() };
        for (name, wanted) in &description.tensors {
            let view = file.tensor(name).map_err(|_| damaged(format!("tensor {name} is absent")))?;
            if tensor_hash(view.dtype(), view.shape(), view.data()) != *wanted {
                return Err(damaged(format!("tensor {name} does not fit its SHA-256")));
            }
            let tensor =
                tensor_of(&view, device)?.ok_or_else(|| damaged(format!("tensor {name} is of type {:?}", view.dtype())))?;
            let (group, name) = name.split_once('/').unwrap_or(("", name));
            let target = match group {
                "model" => &mut found.model,
                "ema" => &mut found.ema,
                "optimizer" => &mut found.moments,
                other => return Err(damaged(format!("a group of tensors is called '{other}'"))),
            };
            target.insert(name.to_string(), tensor);
        }
        Ok(found)
    }
}

fn tensor_hash(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> String {
    sha256_parts([("type", format!("{dtype:?} {shape:?}").as_bytes()), ("data", bytes)])
}

/// Little-endian bytes of an f32 or f64 tensor; `None` for another type.
fn bytes_of(tensor: &Tensor) -> TrainResult<Option<(Dtype, Vec<u8>)>> {
    let flat = tensor.flatten_all()?;
    Ok(match tensor.dtype() {
        DType::F32 => Some((Dtype::F32, flat.to_vec1::<f32>()?.iter().flat_map(|v| v.to_le_bytes()).collect())),
        DType::F64 => Some((Dtype::F64, flat.to_vec1::<f64>()?.iter().flat_map(|v| v.to_le_bytes()).collect())),
        _ => None,
    })
}

fn tensor_of(view: &TensorView<'_>, device: &Device) -> TrainResult<Option<Tensor>> {
    let shape = view.shape();
    Ok(match view.dtype() {
        Dtype::F32 => {
            let values = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect::<Vec<f32>>();
            Some(Tensor::from_vec(values, shape, device)?)
        }
        Dtype::F64 => {
            let values = view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect::<Vec<f64>>();
            Some(Tensor::from_vec(values, shape, device)?)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let t = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
        let state = CheckpointState {
            method: "test".into(),
            iteration: 7,
            random_position: (3, 2),
            best: Some((0.25, 5)),
            samples_taken: 56,
            groups: [(String::new(), GroupState { optimizer_steps: 7, ema_updates: 7, early_loss: 0.1 })].into(),
            plateau: Some(PlateauState { scale: 0.1, best: Some(0.3), waited: 2 }),
            ..Default::default()
        };
        Checkpoint {
            state,
            model: [("b".to_string(), t(&[1.5, -2.0])), ("a".to_string(), t(&[0.1]))].into(),
            ema: [("a".to_string(), t(&[0.3]))].into(),
            moments: [("a".to_string(), Tensor::new(&[[1.0f64], [2.0]], &Device::Cpu).unwrap())].into(),
        }
    }

    #[test]
    fn saved_and_loaded_again() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.safetensors"), folder.path().join("two.safetensors"));
        checkpoint().save(&one).unwrap();
        checkpoint().save(&two).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        let back = Checkpoint::load(&one, &Device::Cpu).unwrap();
        assert_eq!(back.state, checkpoint().state);
        assert_eq!(back.model["b"].to_vec1::<f32>().unwrap(), [1.5, -2.0]);
        assert_eq!(back.moments["a"].to_vec2::<f64>().unwrap(), [[1.0], [2.0]]);
        assert_eq!(back.weights().len(), 1);
        assert!(back.group_weights("critic").is_empty());
    }

    #[test]
    fn each_group_has_its_own_weights() {
        let mut c = checkpoint();
        let t = |v: f32| Tensor::new(&[v], &Device::Cpu).unwrap();
        c.model = [("generator/a".to_string(), t(1.0)), ("critic/a".to_string(), t(2.0))].into();
        c.ema = [("generator/a".to_string(), t(3.0))].into();
        let value = |group: &str| c.group_weights(group)["a"].to_vec1::<f32>().unwrap();
        assert_eq!((value("generator"), value("critic")), (vec![3.0], vec![2.0]));
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        checkpoint().save(&path).unwrap();
        let good = std::fs::read(&path).unwrap();
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 0x04;
            std::fs::write(&path, &bad).unwrap();
            match Checkpoint::load(&path, &Device::Cpu) {
                Err(_) => {}
                // A header may say the same in other bytes (a blank); then every number must be the same.
                Ok(read) => {
                    assert_eq!(read.state, checkpoint().state, "byte {position}");
                    assert_eq!(read.model["b"].to_vec1::<f32>().unwrap(), [1.5, -2.0], "byte {position}");
                }
            }
        }
        for length in [0, 4, 100, good.len() - 1] {
            std::fs::write(&path, &good[..length]).unwrap();
            let error = Checkpoint::load(&path, &Device::Cpu).unwrap_err().to_string();
            assert!(error.contains("damaged"), "{length}: {error}");
        }
    }
}
