//! The cache of generated dust: one little-endian file with a checksum.
//!
//! ```text
//! "ISODUST1" | sha256 of all that follows (64 characters) | sha256 of the configuration (64 characters)
//! | coarse values u64 | f32 ... | fine values u64 | f32 ...
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use super::config::DustConfig;
use super::record::{DustTwin, Record, run};
use super::terrain::Terrain;
use crate::base::files::write_atomic;
use crate::base::hash::sha256;
use crate::data::{DataError, DataResult};

const MAGIC: &[u8; 8] = b"ISODUST1";
const HASH_LENGTH: usize = 64;

impl DustTwin {
    /// The dust of `config` from `cache_folder`, or, where it is not there, generated (with progress) and put there. Both ways
    /// give the same bits. A damaged file is generated anew, and a line says so.
    ///
    /// # Errors
    /// As [`DustTwin::generate`], and [`DataError::File`] where the cache cannot be read or written.
    pub fn open_or_generate(config: &DustConfig, cache_folder: &Path) -> DataResult<DustTwin> {
        config.validate()?;
        let path = DustTwin::cache_path(config, cache_folder);
        let terrain = Terrain::new(config);
        match fs::read(&path) {
            Ok(bytes) => match decode(&bytes, config) {
                Ok(record) => return DustTwin::from_record(config, &terrain, record),
                Err(problem) => println!("{}: {problem}; it is generated anew", path.display()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(DataError::File { path, source }),
        }
        let record = run(config, &terrain)?;
        write_atomic(&path, &encode(&record, config)).map_err(|source| DataError::File { path, source })?;
        DustTwin::from_record(config, &terrain, record)
    }

    /// Where the dust of `config` lies in `cache_folder`.
    pub fn cache_path(config: &DustConfig, cache_folder: &Path) -> PathBuf {
        cache_folder.join(format!("dust-{}.bin", &config.hash()[..16]))
    }
}

fn encode(record: &Record, config: &DustConfig) -> Vec<u8> {
    let mut body = Vec::with_capacity(4 * (record.coarse.len() + record.fine.len()) + 128);
    body.extend(config.hash().as_bytes());
    for values in [&record.coarse, &record.fine] {
        body.extend((values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| body.extend(value.to_le_bytes()));
    }
    [MAGIC.as_slice(), sha256(&body).as_bytes(), &body].concat()
}

fn decode(bytes: &[u8], config: &DustConfig) -> Result<Record, String> {
    let cut = || "the file is cut short".to_string();
    let rest = bytes.strip_prefix(MAGIC).ok_or("the file is no cached dust")?;
    let (sum, body) = rest.split_at_checked(HASH_LENGTH).ok_or_else(cut)?;
    if sum != sha256(body).as_bytes() {
        return Err("the checksum does not fit".into());
    }
    let (hash, mut body) = body.split_at_checked(HASH_LENGTH).ok_or_else(cut)?;
    if hash != config.hash().as_bytes() {
        return Err("the file belongs to another configuration".into());
    }
    let mut part = |wanted: usize| -> Result<Vec<f32>, String> {
        let (count, rest) = body.split_first_chunk::<8>().ok_or_else(cut)?;
        if u64::from_le_bytes(*count) != wanted as u64 {
            return Err("the file does not hold the cells of the configuration".into());
        }
        let (values, rest) = rest.split_at_checked(4 * wanted).ok_or_else(cut)?;
        body = rest;
        Ok(values.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    };
    let coarse = part(config.coarse_days * config.coarse_cells.pow(2))?;
    let fine = part((config.coarse_days - config.days_before_fine) * config.fine_cells().pow(2))?;
    Ok(Record { coarse, fine })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn little() -> DustConfig {
        DustConfig {
            coarse_cells: 4,
            factor: 2,
            coarse_days: 6,
            days_before_fine: 2,
            fine_days: 3,
            spin_up_days: 1,
            ..DustConfig::tiny()
        }
    }

    #[test]
    fn opening_gives_what_generating_gave() {
        let folder = tempfile::tempdir().unwrap();
        let first = DustTwin::open_or_generate(&little(), folder.path()).unwrap();
        assert_eq!(first, DustTwin::open_or_generate(&little(), folder.path()).unwrap());
        assert_eq!(first, DustTwin::generate(&little()).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_damaged_byte_is_noticed_and_healed() {
        let folder = tempfile::tempdir().unwrap();
        let path = DustTwin::cache_path(&little(), folder.path());
        let whole = DustTwin::open_or_generate(&little(), folder.path()).unwrap();
        let good = fs::read(&path).unwrap();
        for place in [0, 20, 100, 150, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert!(decode(&bad, &little()).is_err(), "byte {place}");
        }
        for length in [0, 7, 60, 130, good.len() - 1] {
            assert!(decode(&good[..length], &little()).is_err(), "length {length}");
        }
        assert!(decode(&good, &DustConfig { seed: 2, ..little() }).is_err());
        fs::write(&path, &good[..good.len() / 2]).unwrap();
        assert_eq!(DustTwin::open_or_generate(&little(), folder.path()).unwrap(), whole);
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}
