//! The cache of a generated ocean: one little-endian file with a checksum.
//!
//! ```text
//! "ISOTWIN1" | sha256 of all that follows (64 characters) | sha256 of the configuration (64 characters)
//! | moorings u64 | frames u64 (number of i16) | i16 ... | samples u64
//! | (platform u64, seconds, latitude, longitude, foundation as f64) ...
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use super::super::error::{DataError, DataResult};
use super::coast::Coast;
use super::config::TwinConfig;
use super::platforms::Sample;
use super::synthetic::{Record, Twin, run};
use crate::base::files::write_atomic;
use crate::base::hash::sha256;

const MAGIC: &[u8; 8] = b"ISOTWIN1";
const HASH_LENGTH: usize = 64;
const SAMPLE_WORDS: usize = 5;

impl Twin {
    /// The ocean of `config` from `cache_folder`, or, where it is not there, generated (with progress) and
    /// put there. Both ways give the same bits. A damaged file is generated anew, and a line says so.
    ///
    /// # Errors
    /// As [`Twin::generate`], and [`DataError::File`] where the cache cannot be read or written.
    pub fn open_or_generate(config: &TwinConfig, cache_folder: &Path) -> DataResult<Twin> {
        config.validate()?;
        let path = Twin::cache_path(config, cache_folder);
        let coast = Coast::new(config);
        match fs::read(&path) {
            Ok(bytes) => match decode(&bytes, config) {
                Ok(record) => return Twin::from_record(config, &coast, record),
                Err(problem) => println!("{}: {problem}; it is generated anew", path.display()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(DataError::File { path, source }),
        }
        let record = run(config, &coast, true)?;
        write_atomic(&path, &encode(&record, config)).map_err(|source| DataError::File { path, source })?;
        Twin::from_record(config, &coast, record)
    }

    /// Where the ocean of `config` lies in `cache_folder`.
    pub fn cache_path(config: &TwinConfig, cache_folder: &Path) -> PathBuf {
        cache_folder.join(format!("twin-{}.bin", &config.hash()[..16]))
    }
}

fn encode(record: &Record, config: &TwinConfig) -> Vec<u8> {
    let mut body = Vec::with_capacity(2 * record.packed.len() + 8 * SAMPLE_WORDS * record.samples.len() + 128);
    body.extend(config.hash().as_bytes());
    body.extend((record.moorings as u64).to_le_bytes());
    body.extend((record.packed.len() as u64).to_le_bytes());
    record.packed.iter().for_each(|value| body.extend(value.to_le_bytes()));
    body.extend((record.samples.len() as u64).to_le_bytes());
    for sample in &record.samples {
        body.extend(u64::from(sample.platform).to_le_bytes());
        for value in [sample.seconds, sample.latitude, sample.longitude, sample.foundation_celsius] {
            body.extend(value.to_le_bytes());
        }
    }
    [MAGIC.as_slice(), sha256(&body).as_bytes(), &body].concat()
}

fn decode(bytes: &[u8], config: &TwinConfig) -> Result<Record, String> {
    let cut = || "the file is cut short".to_string();
    let rest = bytes.strip_prefix(MAGIC).ok_or("the file is not a cached twin")?;
    let (sum, body) = rest.split_at_checked(HASH_LENGTH).ok_or_else(cut)?;
    if sum != sha256(body).as_bytes() {
        return Err("the checksum does not fit".into());
    }
    let (hash, mut body) = body.split_at_checked(HASH_LENGTH).ok_or_else(cut)?;
    if hash != config.hash().as_bytes() {
        return Err("the file belongs to another configuration".into());
    }
    let moorings = word(&mut body).ok_or_else(cut)? as usize;
    let frames = word(&mut body).ok_or_else(cut)? as usize;
    if frames != config.days * config.cells * config.cells {
        return Err(format!("the file holds {frames} cells, not those of the configuration"));
    }
    let (packed, mut body) = body.split_at_checked(2 * frames).ok_or_else(cut)?;
    let packed = packed.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let count = word(&mut body).ok_or_else(cut)? as usize;
    let samples = (0..count)
        .map(|_| {
            let platform = word(&mut body)? as u32;
            let mut number = || word(&mut body).map(f64::from_bits);
            Some(Sample {
                platform,
                seconds: number()?,
                latitude: number()?,
                longitude: number()?,
                foundation_celsius: number()?,
            })
        })
        .collect::<Option<Vec<Sample>>>()
        .ok_or_else(cut)?;
    Ok(Record { packed, samples, moorings })
}

fn word(body: &mut &[u8]) -> Option<u64> {
    let (bytes, rest) = body.split_first_chunk::<8>()?;
    *body = rest;
    Some(u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pond() -> TwinConfig {
        TwinConfig { cells: 48, days: 2, spin_up_days: 1, drifters: 3, ..TwinConfig::tiny() }
    }

    #[test]
    fn opening_gives_what_generating_gave() {
        let folder = tempfile::tempdir().unwrap();
        let first = Twin::open_or_generate(&pond(), folder.path()).unwrap();
        let again = Twin::open_or_generate(&pond(), folder.path()).unwrap();
        let fresh = Twin::generate(&pond(), false).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        for other in [again, fresh] {
            assert_eq!(first.truth(), other.truth());
            assert_eq!(first.observations(), other.observations());
        }
    }

    #[test]
    fn every_damaged_byte_is_noticed_and_healed() {
        let folder = tempfile::tempdir().unwrap();
        let path = Twin::cache_path(&pond(), folder.path());
        let whole = Twin::open_or_generate(&pond(), folder.path()).unwrap();
        let good = fs::read(&path).unwrap();
        for place in [0, 20, 100, 150, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert!(decode(&bad, &pond()).is_err(), "byte {place}");
        }
        for length in [0, 7, 60, 130, good.len() - 1] {
            assert!(decode(&good[..length], &pond()).is_err(), "length {length}");
        }
        assert!(decode(&good, &TwinConfig { seed: 2, ..pond() }).is_err());
        fs::write(&path, &good[..good.len() / 2]).unwrap();
        let healed = Twin::open_or_generate(&pond(), folder.path()).unwrap();
        assert_eq!(healed.truth(), whole.truth());
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}
