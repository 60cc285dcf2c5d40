//! A small HTTP server that misbehaves on demand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use isotherm::data::{Cache, DataResult, FetchOptions, FetchReport, HttpSettings, Manifest, fetch};

/// What a client asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What the server answers.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// State the length of the body?
    pub state_length: bool,
    /// Close the connection after so many bytes of the body.
    pub cut_after: Option<usize>,
    /// Sleep after each so many bytes.
    pub pause: Option<(usize, Duration)>,
}

impl Reply {
    pub fn new(status: u16, body: &[u8]) -> Reply {
        Reply { status, headers: Vec::new(), body: body.to_vec(), state_length: true, cut_after: None, pause: None }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    pub fn cut(mut self, after: usize) -> Reply {
        self.cut_after = Some(after);
        self
    }

    /// As a good server answers: honours `Range` where `If-Range` agrees with the file.
    pub fn file(asked: &Asked, content: &[u8], etag: &str) -> Reply {
        let agrees = asked.header("if-range").is_none_or(|wanted| wanted == etag);
        let start = asked.header("range").and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        match start.filter(|_| agrees) {
            Some(start) if start >= content.len() => Reply::new(416, b""),
            Some(start) => Reply::new(206, &content[start..])
                .with("Content-Range", format!("bytes {start}-{}/{}", content.len() - 1, content.len())),
            None => Reply::new(200, content),
        }
        .with("ETag", etag)
    }
}

type Behaviour = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// The server; `behaviour` gets each request and its number, from 0.
pub struct Server {
    pub port: u16,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start(behaviour: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (behaviour, shared): (Arc<Behaviour>, _) = (Arc::new(behaviour), log.clone());
        // it ends with the test process
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behaviour, log) = (behaviour.clone(), shared.clone());
                std::thread::spawn(move || answer(stream, &*behaviour, &log));
            }
        });
        Server { port, log }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All requests so far.
    pub fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, behaviour: &Behaviour, log: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_string();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_string());
    }
    let asked = Asked { path, headers };
    let number = {
        let mut log = log.lock().ok()?;
        log.push(asked.clone());
        log.len() - 1
    };
    send(stream, &behaviour(&asked, number))
}

fn send(mut stream: TcpStream, reply: &Reply) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} Said\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if reply.state_length {
        head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
    }
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(b"\r\n").ok()?;
    let body = &reply.body[..reply.cut_after.unwrap_or(reply.body.len()).min(reply.body.len())];
    let (piece, pause) = reply.pause.unwrap_or((body.len().max(1), Duration::ZERO));
    for chunk in body.chunks(piece) {
        stream.write_all(chunk).ok()?;
        stream.flush().ok()?;
        std::thread::sleep(pause);
    }
    // say that this is all, then let the client close, so that no byte is lost to a reset
    stream.shutdown(std::net::Shutdown::Write).ok()?;
    let _ = stream.read(&mut [0u8; 64]);
    Some(())
}

/// Some bytes without a period that a piece could repeat.
pub fn content(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

/// A manifest of one file `data.nc`, fetched over HTTP. `more` goes into `[[access]]`, then come the tables.
pub fn manifest(url: &str, more: &str) -> Manifest {
    let text = format!(
        r#"
        id = "loop"
        name = "A product of this machine"
        version = "1"
        provider = "nobody"
        purpose = "test"
        tier = "real"
        no_doi_because = "a test"
        citation = "none"
        licence = {{ name = "CC0-1.0" }}
        period = {{ resolution = "static" }}
        [[access]]
        protocol = "https"
        url = "{url}"
        step = "once"
        {more}
        "#
    );
    Manifest::parse(&text, "loop.toml").unwrap()
}

/// `[[files]]` with the sum of what should come.
pub fn pinned(content: &[u8]) -> String {
    format!("[[files]]\nmember = \"data.nc\"\nbytes = {}\nsha256 = \"{}\"", content.len(), isotherm::base::hash::sha256(content))
}

/// Impatient, for tests.
pub fn options() -> FetchOptions {
    let http = HttpSettings {
        stall_timeout: Duration::from_millis(400),
        attempts: 4,
        backoff: Duration::from_millis(2),
        longest_wait: Duration::from_secs(3),
        ..HttpSettings::default()
    };
    FetchOptions { http, ..FetchOptions::default() }
}

/// Fetches into a folder.
pub fn fetch_into(folder: &Path, manifest: &Manifest) -> DataResult<FetchReport> {
    fetch(manifest, &Cache::at(folder), &options())
}

/// Names of all files under a folder, but for the lock and the receipt.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            names.extend(files(&entry.path()));
        } else {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.retain(|n| n != ".lock" && n != ".receipt.json");
    names.sort();
    names
}

/// The file `data.nc` of the manifest above.
pub fn read(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("loop/1/data.nc")).unwrap()
}
