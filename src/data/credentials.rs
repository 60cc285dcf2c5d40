//! Tokens, keys and passwords: found in the environment or in `~/.netrc`, never printed.

use std::fmt;
use std::path::PathBuf;

use super::access::Auth;
use super::error::{DataError, DataResult};

/// What to show a server. Its debug text hides the secret.
#[derive(Clone, PartialEq)]
pub enum Credential {
    /// Nothing.
    Anonymous,
    /// `Authorization: Bearer TOKEN`, for the host of the first address only.
    Bearer(String),
    /// `Authorization: Basic`, for `host` only.
    Basic {
        /// Host that asks for it.
        host: String,
        /// Name.
        login: String,
        /// Password.
        password: String,
    },
    /// A parameter of the query string.
    Query {
        /// Name of the parameter.
        parameter: String,
        /// Its secret value.
        key: String,
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credential::Anonymous => "Anonymous",
            Credential::Bearer(_) => "Bearer(hidden)",
            Credential::Basic { .. } => "Basic(hidden)",
            Credential::Query { .. } => "Query(hidden)",
        })
    }
}

/// Finds the first credential that the user has among those that will do.
///
/// # Errors
/// [`DataError::Access`] that names everything that is missing and where to get it.
pub fn find_credential(product: &str, accepted: &[Auth]) -> DataResult<Credential> {
    if accepted.is_empty() {
        return Ok(Credential::Anonymous);
    }
    let netrc = Netrc::of_user()?;
    for auth in accepted {
        let secret = |name: &str| std::env::var(name).ok().map(|s| s.trim().to_string()).filter(|s| !s.is_empty());
        let found =
            match auth {
                Auth::Bearer { environment, .. } => secret(environment).map(Credential::Bearer),
                Auth::ApiKey { environment, parameter, .. } => {
                    secret(environment).map(|key| Credential::Query { parameter: parameter.clone(), key })
                }
                Auth::Netrc { host, .. } => netrc.as_ref().and_then(|n| n.find(host)).map(|(login, password)| {
                    Credential::Basic { host: host.clone(), login: login.to_string(), password: password.to_string() }
                }),
            };
        if let Some(credential) = found {
            return Ok(credential);
        }
    }
    let ways: Vec<String> = accepted.iter().map(Auth::advice).collect();
    Err(DataError::Access { product: product.to_string(), problem: format!("needs {}", ways.join(", or ")) })
}

/// The entries of a netrc file.
#[derive(Default)]
pub struct Netrc {
    entries: Vec<Entry>,
}

#[derive(Default)]
struct Entry {
    /// `None`: the `default` entry.
    host: Option<String>,
    login: String,
    password: String,
}

impl Netrc {
    /// The file named by `NETRC`, else `~/.netrc`; `None` where there is none.
    ///
    /// # Errors
    /// [`DataError::File`] where it cannot be read, [`DataError::Content`] where it cannot be understood.
    pub fn of_user() -> DataResult<Option<Netrc>> {
        let named = std::env::var_os("NETRC").map(PathBuf::from);
        let Some(path) = named.or_else(|| std::env::home_dir().map(|h| h.join(".netrc"))) else { return Ok(None) };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                Netrc::parse(&text).map(Some).map_err(|problem| DataError::Content { what: path.display().to_string(), problem })
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DataError::File { path, source }),
        }
    }

    /// Reads `machine HOST login NAME password WORD` entries, `default`, comments, quoted words and macros.
    ///
    /// # Errors
    /// A sentence with the word that was not understood (never a password).
    ///
    /// # Example
    /// ```
    /// let netrc = isotherm::data::Netrc::parse("machine a.org login me password \"two words\"").unwrap();
    /// assert_eq!(netrc.find("a.org"), Some(("me", "two words")));
    /// assert_eq!(netrc.find("b.org"), None);
    /// ```
    pub fn parse(text: &str) -> Result<Netrc, String> {
        let mut netrc = Netrc::default();
        let mut words = words(text).into_iter();
        while let Some(word) = words.next() {
            let mut value =
                |what: &str| words.next().ok_or_else(|| format!("'{what}' at the end has no value; add it or remove it"));
            let last = netrc.entries.last_mut();
            match (word.as_str(), last) {
                ("machine", _) => {
                    let host = Some(value("machine")?);
                    netrc.entries.push(Entry { host, ..Entry::default() });
                }
                ("default", _) => netrc.entries.push(Entry::default()),
                ("login" | "user", Some(entry)) => entry.login = value("login")?,
                ("password", Some(entry)) => entry.password = value("password")?,
                ("account", Some(_)) => drop(value("account")?),
                // the word itself is not shown: it could be a part of a password with a space in it
                _ => {
                    let place = netrc.entries.last().and_then(|e| e.host.clone()).unwrap_or_else(|| "the beginning".into());
                    return Err(format!(
                        "a word after {place} is none of machine, default, login, password, account, macdef; put words with spaces in double quotes"
                    ));
                }
            }
        }
        Ok(netrc)
    }

    /// Login and password for a host: its own entry, else the `default` one.
    pub fn find(&self, host: &str) -> Option<(&str, &str)> {
        let own = self.entries.iter().find(|e| e.host.as_deref().is_some_and(|h| h.eq_ignore_ascii_case(host)));
        own.or_else(|| self.entries.iter().find(|e| e.host.is_none())).map(|e| (e.login.as_str(), e.password.as_str()))
    }
}

/// The words of a netrc file without comments and macro definitions.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut characters = line.chars().peekable();
        while let Some(first) = characters.next() {
            if first.is_whitespace() {
                continue;
            }
            // a '#' starts a comment only where a keyword could stand: passwords may begin with it
            let follows_keyword =
                words.last().is_some_and(|w: &String| ["machine", "login", "user", "password", "account"].contains(&w.as_str()));
            if first == '#' && !follows_keyword {
                break;
            }
            let mut word = String::new();
            if first == '"' {
                while let Some(c) = characters.next() {
                    match c {
                        '"' => break,
                        '\\' => word.extend(characters.next()),
                        c => word.push(c),
                    }
                }
            } else {
                word.push(first);
                while let Some(c) = characters.next_if(|c| !c.is_whitespace()) {
                    word.push(c);
                }
            }
            words.push(word);
        }
        // a macro runs from `macdef NAME` to the next empty line
        let length = words.len();
        if length >= 2 && words[length - 2] == "macdef" {
            words.truncate(length - 2);
            for line in lines.by_ref() {
                if line.trim().is_empty() {
                    break;
                }
            }
        }
    }
    words
}

/// Base64 of RFC 4648 with padding, for `Authorization: Basic`.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0u32, |g, i| g << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let letter = LETTERS[(group >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netrc_of_every_kind() {
        let text = "# my hosts\nmachine urs.earthdata.nasa.gov\n  login ann # not a comment inside a value\n  password #s3cret\n\
                    macdef init\ncd /pub\nmachine trap login x password y\n\nmachine b.org login bob account z password \"a \\\"b\\\" c\"\n\
                    default login anonymous password me@here";
        let netrc = Netrc::parse(text).unwrap();
        assert_eq!(netrc.find("URS.earthdata.nasa.gov"), Some(("ann", "#s3cret")));
        assert_eq!(netrc.find("b.org"), Some(("bob", "a \"b\" c")));
        assert_eq!(netrc.find("trap"), Some(("anonymous", "me@here")));
    }

    #[test]
    fn a_broken_netrc_does_not_print_the_password() {
        let message = Netrc::parse("machine a.org login me password two words").err().unwrap();
        assert!(message.contains("a.org") && !message.contains("words;") && !message.contains("two"), "{message}");
        assert!(Netrc::parse("login me").is_err());
        assert!(Netrc::parse("machine a.org login").is_err());
    }

    /// RFC 4648, section 10.
    #[test]
    fn base64_test_vectors() {
        for (plain, wanted) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), wanted);
        }
    }

    #[test]
    fn a_missing_token_says_what_and_where() {
        let auth =
            [Auth::Bearer { environment: "ISOTHERM_TEST_NO_SUCH_TOKEN".into(), obtain: "https://example.org/tokens".into() }];
        let message = find_credential("mur", &auth).unwrap_err().to_string();
        assert_eq!(
            message,
            "mur: needs a token in the environment variable ISOTHERM_TEST_NO_SUCH_TOKEN (https://example.org/tokens)"
        );
        assert!(!format!("{:?}", Credential::Bearer("hush".into())).contains("hush"));
    }
}
