//! One GET: redirects by hand, so that credentials go only where they belong; cookies; time limits.

use std::time::Duration;

use ureq::http::{HeaderMap, Response, Uri};
use ureq::{Agent, Body};

use super::credentials::{Credential, base64};

/// More redirects than this are a loop (a login takes about five).
const MOST_REDIRECTS: usize = 12;

/// Patience with servers.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSettings {
    /// To find the host and connect.
    pub connect_timeout: Duration,
    /// Without a single byte.
    pub stall_timeout: Duration,
    /// Attempts in a row that bring nothing new, before giving up.
    pub attempts: u32,
    /// Wait before the second attempt; doubled each time, with jitter, up to a minute.
    pub backoff: Duration,
    /// The longest `Retry-After` that is obeyed by waiting; a longer one ends the fetch with a sentence.
    pub longest_wait: Duration,
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings {
            connect_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(60),
            attempts: 5,
            backoff: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
        }
    }
}

/// Why an exchange brought no response.
pub(super) enum Failure {
    /// Another attempt may succeed.
    Passing(String),
    /// It will not.
    Lasting(String),
}

/// Asks servers, and remembers their cookies.
pub(super) struct Client {
    agent: Agent,
    cookies: Vec<Cookie>,
}

struct Cookie {
    host: String,
    name: String,
    value: String,
}

impl Client {
    pub fn new(settings: &HttpSettings) -> Client {
        let agent = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("isotherm/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_recv_response(Some(settings.stall_timeout))
            .timeout_per_read(Some(settings.stall_timeout))
            .build()
            .new_agent();
        Client { agent, cookies: Vec::new() }
    }

    /// GETs `url`, following redirects.
    pub fn get(&mut self, url: &str, credential: &Credential, headers: &[(&str, String)]) -> Result<Response<Body>, Failure> {
        let parse = |text: &str| text.parse::<Uri>().map_err(|e| Failure::Lasting(format!("is no valid address ({e})")));
        let first = parse(url)?;
        let mut here = first.clone();
        for _ in 0..=MOST_REDIRECTS {
            let secure = here.scheme_str() == Some("https");
            if !secure && !is_loopback(&here) && (*credential != Credential::Anonymous || first.scheme_str() == Some("https")) {
                return Err(Failure::Lasting(format!(
                    "the way leads over plain http ({}), where anyone could read or change it; refused",
                    here.host().unwrap_or_default()
                )));
            }
            let mut target = here.clone();
            let mut request_headers: Vec<(&str, String)> = headers.to_vec();
            request_headers.push(("accept-encoding", "identity".into()));
            match credential {
                Credential::Bearer(token) if here.authority() == first.authority() => {
                    request_headers.push(("authorization", format!("Bearer {token}")));
                }
                Credential::Basic { host, login, password } if here.host() == Some(host) => {
                    request_headers
                        .push(("authorization", format!("Basic {}", base64(format!("{login}:{password}").as_bytes()))));
                }
                Credential::Query { parameter, key } if here == first => {
                    let mark = if here.query().is_some() { '&' } else { '?' };
                    target = parse(&format!("{here}{mark}{parameter}={}", super::pattern::encode(key, "")))?;
                }
                _ => {}
            }
            let cookies: Vec<String> =
                self.cookies.iter().filter(|c| belongs(&here, &c.host)).map(|c| format!("{}={}", c.name, c.value)).collect();
            if !cookies.is_empty() {
                request_headers.push(("cookie", cookies.join("; ")));
            }
            let mut request = self.agent.get(target);
            if is_loopback(&here) {
                // a proxy could not find this machine's own servers
                request = request.config().proxy(None).build();
            }
            for (name, value) in &request_headers {
                request = request.header(*name, value);
            }
            let response = request.call().map_err(|e| explain(&e, &here))?;
            self.keep_cookies(&here, response.headers());
            let location = match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => text_of(response.headers(), "location"),
                _ => return Ok(response),
            };
            let Some(location) = location else {
                return Err(Failure::Lasting("the server redirects without saying where to".into()));
            };
            here = parse(&resolve(&here, &location))?;
        }
        Err(Failure::Lasting(format!("the server redirected more than {MOST_REDIRECTS} times: a loop, or a login that failed")))
    }

    fn keep_cookies(&mut self, here: &Uri, headers: &HeaderMap) {
        for header in headers.get_all("set-cookie").iter().filter_map(|h| h.to_str().ok()) {
            let mut parts = header.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|p| p.split_once('=')) else { continue };
            let own = here.host().unwrap_or_default().to_ascii_lowercase();
            let domain = parts
                .filter_map(|p| p.split_once('='))
                .find(|(key, _)| key.eq_ignore_ascii_case("domain"))
                .map(|(_, domain)| domain.trim_start_matches('.').to_ascii_lowercase());
            // a cookie for a domain that its sender is not in, or for a whole top-level domain, is not kept
            let host = match domain {
                Some(domain) if domain.contains('.') && belongs(here, &domain) => domain,
                Some(_) => continue,
                None => own,
            };
            self.cookies.retain(|c| c.host != host || c.name != name);
            self.cookies.push(Cookie { host, name: name.to_string(), value: value.to_string() });
        }
    }
}

/// Is the address on `host` or below it?
fn belongs(address: &Uri, host: &str) -> bool {
    let own = address.host().unwrap_or_default().to_ascii_lowercase();
    own == host || own.strip_suffix(host).is_some_and(|rest| rest.ends_with('.'))
}

fn is_loopback(address: &Uri) -> bool {
    matches!(address.host(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// A header as text.
pub(super) fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(|v| v.trim().to_string())
}

/// The address that `location` means, seen from `base` (RFC 3986, section 5, without `..`).
fn resolve(base: &Uri, location: &str) -> String {
    let location = location.split('#').next().unwrap_or_default().replace(' ', "%20");
    let scheme = base.scheme_str().unwrap_or("https");
    let authority = base.authority().map(ToString::to_string).unwrap_or_default();
    if location.split_once("://").is_some_and(|(s, _)| s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))) {
        location
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", base.path())
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    }
}

fn explain(error: &ureq::Error, address: &Uri) -> Failure {
    let host = address.host().unwrap_or_default();
    match error {
        // the system's resolver gives an error without a kind of its own
        error if matches!(error, ureq::Error::HostNotFound) || error.to_string().contains("failed to lookup address") => {
            Failure::Lasting(format!(
                "the host {host} was not found; is this machine connected, or behind a proxy (HTTPS_PROXY)?"
            ))
        }
        ureq::Error::Timeout(_) => Failure::Passing(format!("{host} did not answer in time")),
        ureq::Error::Io(e) => Failure::Passing(format!("the connection to {host} failed ({e})")),
        ureq::Error::ConnectionFailed => Failure::Passing(format!("{host} could not be reached")),
        ureq::Error::Protocol(e) => Failure::Passing(format!("{host} did not answer in proper HTTP ({e})")),
        ureq::Error::Rustls(e) => Failure::Lasting(format!("{host} could not prove who it is ({e})")),
        other => Failure::Lasting(format!("the request to {host} failed ({other})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved() {
        let base: Uri = "https://a.org:8443/x/y.nc?q=1".parse().unwrap();
        for (location, wanted) in [
            ("https://b.org/z", "https://b.org/z"),
            ("//b.org/z", "https://b.org/z"),
            ("/z?u=http://c.org", "https://a.org:8443/z?u=http://c.org"),
            ("z w#part", "https://a.org:8443/x/z%20w"),
            ("?q=2", "https://a.org:8443/x/y.nc?q=2"),
        ] {
            assert_eq!(resolve(&base, location), wanted);
        }
    }

    #[test]
    fn hosts_and_domains() {
        let address: Uri = "https://data.nasa.gov/x".parse().unwrap();
        assert!(belongs(&address, "nasa.gov") && belongs(&address, "data.nasa.gov"));
        assert!(!belongs(&address, "a.gov") && !belongs(&address, "x.data.nasa.gov"));
    }

    #[test]
    fn a_secret_does_not_travel_over_plain_http() {
        let mut client = Client::new(&HttpSettings::default());
        let answer = client.get("http://example.invalid/x", &Credential::Bearer("t".into()), &[]);
        assert!(matches!(answer, Err(Failure::Lasting(why)) if why.contains("plain http")));
    }
}
