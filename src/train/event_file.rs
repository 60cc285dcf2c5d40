//! The log as a TensorBoard event file.
//!
//! A file is a row of records: the length of the data (8 bytes, little-endian), the masked CRC-32C of these 8 bytes, the data,
//! the masked CRC-32C of the data. The data is a protocol buffer `Event { wall_time: double = 1, step: int64 = 2,
//! file_version: string = 3, summary: Summary = 5 }` with `Summary { value: repeated { tag: string = 1,
//! simple_value: float = 2 } = 1 }`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::{TrainError, TrainResult};
use crate::base::files::write_atomic;

/// An event file to which log lines are added.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    /// Unix time that the seconds of the lines count from.
    started: f64,
}

impl EventFile {
    /// Writes the file anew with the lines that there are already, so that it always says what the log says, also after a
    /// cut run was rewound.
    ///
    /// # Errors
    /// [`TrainError::File`].
    pub fn create(path: &Path, started: f64, lines: &[Value]) -> TrainResult<EventFile> {
        let file = EventFile { path: path.to_path_buf(), started };
        let mut bytes = record(&event(started, 0, &[field_bytes(3, b"brain.Event:2")]));
        lines.iter().for_each(|line| bytes.extend(file.records(line)));
        write_atomic(path, &bytes).map_err(|source| TrainError::File { path: path.to_path_buf(), source })?;
        Ok(file)
    }

    /// Adds a log line: each of its numbers becomes a curve's point at the line's `iteration`.
    ///
    /// # Errors
    /// [`TrainError::File`].
    pub fn append(&self, line: &Value) -> TrainResult<()> {
        let write = || OpenOptions::new().append(true).open(&self.path)?.write_all(&self.records(line));
        write().map_err(|source| TrainError::File { path: self.path.clone(), source })
    }

    fn records(&self, line: &Value) -> Vec<u8> {
        let Some(object) = line.as_object() else { return Vec::new() };
        let Some(step) = object.get("iteration").and_then(Value::as_u64) else { return Vec::new() };
        let wall_time = self.started + object.get("seconds").and_then(Value::as_f64).unwrap_or(0.0);
        let points = object.iter().filter(|(name, _)| !["iteration", "seconds"].contains(&name.as_str()));
        let values: Vec<u8> = points
            .filter_map(|(name, value)| Some((name, value.as_f64()?)))
            .flat_map(|(name, value)| field_bytes(1, &[field_bytes(1, name.as_bytes()), field_float(2, value as f32)].concat()))
            .collect();
        record(&event(wall_time, step, &[field_bytes(5, &values)]))
    }
}

/// An `Event`.
fn event(wall_time: f64, step: u64, rest: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![1 << 3 | 1];
    bytes.extend(wall_time.to_le_bytes());
    if step != 0 {
        bytes.push(2 << 3);
        bytes.extend(varint(step));
    }
    rest.iter().for_each(|part| bytes.extend(part));
    bytes
}

/// A record around an event.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length).to_le_bytes(), data, &masked_crc(data).to_le_bytes()].concat()
}

/// A field of bytes, a text or a message.
fn field_bytes(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(bytes.len() as u64), bytes].concat()
}

/// A field of a 32-bit float.
fn field_float(number: u8, value: f32) -> Vec<u8> {
    [&[number << 3 | 5][..], &value.to_le_bytes()].concat()
}

/// Seven bits a byte, the lowest first.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// The CRC as TFRecord stores it: turned right by 15 bits, plus a constant, since a CRC of a CRC has weaknesses.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// CRC-32C (Castagnoli), bit by bit: log lines are short.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn checksums_as_published() {
        // the check value of CRC-32C, and RFC 3720 B.4: 32 bytes of zeros, 32 bytes of ones
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(varint(300), [0xAC, 0x02]);
    }

    #[test]
    fn a_line_is_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.out.tfevents.test");
        let line = json!({ "iteration": 300, "loss": 0.5, "seconds": 1.5, "note": "text" });
        let file = EventFile::create(&path, 100.0, &[]).unwrap();
        let header = std::fs::read(&path).unwrap();
        assert_eq!(header.len(), 8 + 4 + (1 + 8 + 2 + 13) + 4);
        assert!(header.windows(13).any(|w| w == b"brain.Event:2"));
        file.append(&line).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut want = vec![0x09];
        want.extend(101.5f64.to_le_bytes());
        want.extend([0x10, 0xAC, 0x02]); // step 300
        want.extend([0x2A, 13, 0x0A, 11, 0x0A, 4]); // summary, value, tag
        want.extend(b"loss");
        want.push(0x15);
        want.extend(0.5f32.to_le_bytes());
        assert_eq!(bytes[header.len() + 12..bytes.len() - 4], want);
        assert_eq!(bytes[header.len()..header.len() + 8], (want.len() as u64).to_le_bytes());
        // written at once or line by line, the bytes are the same
        EventFile::create(&path, 100.0, &[line]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}
