//! A file over HTTP that arrives whole or not at all: resumed, verified, retried.
//!
//! What has come so far lies in `.NAME.part`, with its address and validator in `.NAME.part.json`, so that
//! an interrupted fetch goes on where it stopped, and only if the file on the server is still the same.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use ureq::Body;
use ureq::http::{HeaderMap, Response};

use super::credentials::Credential;
use super::error::{DataError, DataResult};
use super::http::{Client, Failure, HttpSettings, text_of};
use super::part::{Part, Trouble, file_error};
use crate::base::progress::Progress;
use crate::base::random::Random;

/// One file to get.
#[derive(Clone, Debug)]
pub struct Download<'a> {
    /// Where from.
    pub url: &'a str,
    /// Final name; it appears only when the file is whole.
    pub destination: &'a Path,
    /// SHA-256, where it is known.
    pub sha256: Option<&'a str>,
    /// Size, where it is known.
    pub bytes: Option<u64>,
    /// What to show the server.
    pub credential: &'a Credential,
    /// What to tell the user when the server refuses: which account or token, and where to get it.
    pub access_advice: &'a str,
    /// Product, for messages.
    pub product: &'a str,
    /// Show progress?
    pub progress: bool,
}

/// A file that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Size.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: String,
    /// How many bytes were there from an earlier attempt.
    pub resumed_from: u64,
}

/// Gets a file.
///
/// # Errors
/// [`DataError::Access`] for 401 and 403, [`DataError::NotFound`] for 404 and 410, [`DataError::Download`]
/// where the server fails for good or the content is wrong, [`DataError::File`] and [`DataError::Content`]
/// (full disk) from this machine. The final name is never touched; what came is kept for the next time
/// unless it was wrong.
pub fn download(wanted: &Download, settings: &HttpSettings) -> DataResult<Downloaded> {
    let mut client = Client::new(settings);
    let mut part = Part::open(wanted)?;
    let resumed_from = part.length;
    let mut jitter = Random::new(entropy(), "backoff");
    let (mut failures, mut all_failures) = (0u32, 0u32);
    loop {
        let before = part.length;
        let outcome = attempt(&mut client, wanted, &mut part).and_then(|()| part.finish(wanted));
        let (why, wait) = match outcome {
            Ok(sha256) => return Ok(Downloaded { bytes: part.length, sha256, resumed_from }),
            Err(Trouble::Stop(error)) => return Err(error),
            Err(Trouble::Again(why, wait)) => (why, wait),
        };
        failures = if part.length > before { 1 } else { failures + 1 };
        all_failures += 1;
        // a server that gives a byte at a time must not hold us for ever
        if failures >= settings.attempts || all_failures >= settings.attempts.saturating_mul(20) {
            let kept = if part.length > 0 { "; what came is kept and the next fetch goes on from there" } else { "" };
            return Err(failed(wanted, format!("{why}; gave up after {all_failures} attempts{kept}")));
        }
        let doubled = settings.backoff.saturating_mul(1 << (failures - 1).min(16)).min(Duration::from_secs(60));
        let wait = wait.unwrap_or_else(|| doubled.mul_f64(jitter.uniform_in(0.5, 1.0)));
        if wait > settings.longest_wait {
            return Err(failed(wanted, format!("{why}, and asks to wait {} s; try again after that", wait.as_secs())));
        }
        std::thread::sleep(wait);
    }
}

/// A download that ends here.
pub(super) fn failed(wanted: &Download, problem: String) -> DataError {
    DataError::Download { url: wanted.url.to_string(), problem }
}

/// Different in each process, so that many clients do not come back at the same moment; it changes no result.
fn entropy() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    now ^ u64::from(std::process::id()).rotate_left(32)
}

fn attempt(client: &mut Client, wanted: &Download, part: &mut Part) -> Result<(), Trouble> {
    if part.length > 0 && wanted.bytes == Some(part.length) {
        return Ok(());
    }
    let mut headers = Vec::new();
    // without a validator or a checksum nobody could tell whether the two pieces belong together
    if part.length > 0 && part.validator.is_none() && wanted.sha256.is_none() {
        part.restart(wanted, None)?;
    }
    if part.length > 0 {
        headers.push(("range", format!("bytes={}-", part.length)));
        headers.extend(part.validator.clone().map(|v| ("if-range", v)));
    }
    let response = client.get(wanted.url, wanted.credential, &headers).map_err(|failure| match failure {
        Failure::Passing(why) => Trouble::Again(why, None),
        Failure::Lasting(why) => Trouble::Stop(failed(wanted, why)),
    })?;
    let validator = validator_of(response.headers());
    match response.status().as_u16() {
        200 => part.restart(wanted, validator)?,
        206 if part.length > 0 => {
            let start = text_of(response.headers(), "content-range").and_then(|r| range_start(&r));
            let same_file = part.validator.is_none() || validator.is_none() || part.validator == validator;
            if start != Some(part.length) || !same_file {
                part.restart(wanted, None)?;
                return Err(Trouble::Again("the server sent another range than asked, or the file has changed".into(), None));
            }
        }
        416 => {
            part.restart(wanted, None)?;
            return Err(Trouble::Again("the file on the server is shorter than what came before".into(), None));
        }
        status => return Err(refusal(wanted, status, response.headers())),
    }
    let sent_page = text_of(response.headers(), "content-type").is_some_and(|t| t.to_ascii_lowercase().starts_with("text/html"));
    if sent_page && wanted.destination.extension().is_none_or(|e| e != "html") {
        part.discard();
        let problem = "the server sent a web page in place of the file, most often a login or a notice";
        return Err(Trouble::Stop(match wanted.access_advice {
            "" => failed(wanted, format!("{problem}; open the address in a browser to see it")),
            advice => access(wanted, format!("{problem}; {advice}")),
        }));
    }
    receive(response, wanted, part)
}

/// What a status other than 200, 206 and 416 means.
fn refusal(wanted: &Download, status: u16, headers: &HeaderMap) -> Trouble {
    let retry_after = text_of(headers, "retry-after").and_then(|t| wait_of(&t));
    match status {
        401 | 403 => Trouble::Stop(access(
            wanted,
            match wanted.access_advice {
                "" => format!(
                    "the server refuses ({status}) although the product is said to be open to all; it may bar this address"
                ),
                advice => format!("the server refuses ({status}); {advice}"),
            },
        )),
        404 | 410 => Trouble::Stop(DataError::NotFound {
            url: wanted.url.to_string(),
            problem: format!("there is no such file ({status}); check the dates, or the product's page for a new place"),
        }),
        429 => Trouble::Again("the server says that there were too many requests (429)".into(), retry_after),
        408 | 500..=599 => Trouble::Again(format!("the server has a fault of its own ({status})"), retry_after),
        other => Trouble::Stop(failed(wanted, format!("the server answered with status {other}, which is not understood here"))),
    }
}

fn access(wanted: &Download, problem: String) -> DataError {
    DataError::Access { product: wanted.product.to_string(), problem: format!("{}: {problem}", wanted.url) }
}

fn receive(response: Response<Body>, wanted: &Download, part: &mut Part) -> Result<(), Trouble> {
    let stated = text_of(response.headers(), "content-length").and_then(|l| l.parse::<u64>().ok());
    let chunked = text_of(response.headers(), "transfer-encoding").is_some_and(|t| t.to_ascii_lowercase().contains("chunked"));
    let total = stated.map(|s| s + part.length);
    if total.is_none() && !chunked && wanted.bytes.is_none() && wanted.sha256.is_none() {
        let problem = "the server does not say how long the file is, so that a cut could not be noticed; nothing was kept";
        part.discard();
        return Err(Trouble::Stop(failed(wanted, problem.into())));
    }
    let file =
        OpenOptions::new().append(true).create(true).open(&part.path).map_err(|e| Trouble::Stop(file_error(&part.path, e)))?;
    let shown = total.or(wanted.bytes).filter(|_| wanted.progress);
    let mut progress = shown.map(|total| {
        let name = wanted.destination.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut progress = Progress::new(name, total);
        progress.advance(part.length);
        progress
    });
    let mut body = response.into_body().into_reader();
    let result = copy(&mut body, file, wanted, part, total, progress.as_mut());
    if let Some(progress) = progress {
        progress.finish();
    }
    result
}

fn copy(
    body: &mut impl Read,
    mut file: File,
    wanted: &Download,
    part: &mut Part,
    total: Option<u64>,
    mut progress: Option<&mut Progress>,
) -> Result<(), Trouble> {
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Trouble::Again(format!("the connection broke after {} bytes ({e})", part.length), None)),
        };
        file.write_all(&buffer[..count]).map_err(|e| {
            part.length = fs::metadata(&part.path).map_or(0, |m| m.len());
            Trouble::Stop(file_error(&part.path, e))
        })?;
        part.length += count as u64;
        if let Some(progress) = progress.as_deref_mut() {
            progress.advance(count as u64);
        }
        if wanted.bytes.is_some_and(|wanted| part.length > wanted) {
            break;
        }
    }
    match total.or(wanted.bytes) {
        Some(total) if part.length < total => {
            Err(Trouble::Again(format!("the connection closed after {} of {total} bytes", part.length), None))
        }
        _ => Ok(()),
    }
}

/// A strong ETag, else the date of the last change: what `If-Range` takes.
fn validator_of(headers: &HeaderMap) -> Option<String> {
    text_of(headers, "etag").filter(|tag| !tag.starts_with("W/")).or_else(|| text_of(headers, "last-modified"))
}

/// The first byte of `bytes 100-199/200`.
fn range_start(content_range: &str) -> Option<u64> {
    content_range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// `Retry-After`: seconds, or a date.
fn wait_of(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    Some((until.with_timezone(&Utc) - Utc::now()).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_understood() {
        assert_eq!(range_start("bytes 100-199/200"), Some(100));
        assert_eq!(range_start("items 1-2/3"), None);
        assert_eq!(wait_of("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait_of("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let soon = (Utc::now() + chrono::TimeDelta::seconds(90)).to_rfc2822();
        assert!(wait_of(&soon).is_some_and(|w| (80..=90).contains(&w.as_secs())));
        assert_eq!(wait_of("soon"), None);
        let mut headers = HeaderMap::new();
        headers.insert("etag", "W/\"weak\"".parse().unwrap());
        assert_eq!(validator_of(&headers), None);
        headers.insert("etag", "\"strong\"".parse().unwrap());
        assert_eq!(validator_of(&headers).as_deref(), Some("\"strong\""));
    }
}
