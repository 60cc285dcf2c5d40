//! Text as archives keep it: plain, or compressed with gzip.

use std::io::Read;
use std::path::Path;

use crate::data::{DataError, DataResult};

/// The bytes of a text file, unpacked where its name ends in `.gz`.
///
/// # Errors
/// [`DataError::File`] where it cannot be read or unpacked.
pub(super) fn read_bytes(path: &Path) -> DataResult<Vec<u8>> {
    let failed = |source| DataError::File { path: path.into(), source };
    let bytes = std::fs::read(path).map_err(failed)?;
    if path.extension().is_none_or(|e| e != "gz") {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).map_err(failed)?;
    Ok(text)
}

/// As [`read_bytes`], as text; bytes that are no UTF-8 (Korean or Latin-1 comments) become replacement characters.
///
/// # Errors
/// As [`read_bytes`].
pub(super) fn read_text(path: &Path) -> DataResult<String> {
    Ok(String::from_utf8_lossy(&read_bytes(path)?).into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn plain_and_packed_text_read_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, packed) = (folder.path().join("a.txt"), folder.path().join("a.txt.gz"));
        std::fs::write(&plain, b"TW \xbc\xf6\xbf\xc2 12.5\n").unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&std::fs::read(&plain).unwrap()).unwrap();
        let bytes = encoder.finish().unwrap();
        std::fs::write(&packed, &bytes).unwrap();
        assert_eq!(read_bytes(&packed).unwrap(), std::fs::read(&plain).unwrap());
        let text = read_text(&packed).unwrap();
        assert!(text.starts_with("TW ") && text.ends_with(" 12.5\n"));
        std::fs::write(&packed, &bytes[..bytes.len() - 6]).unwrap();
        assert!(read_bytes(&packed).unwrap_err().to_string().contains("a.txt.gz"));
    }
}
