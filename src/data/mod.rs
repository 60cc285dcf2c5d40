//! Floor 3: manifests, fetching, products, splits, the synthetic ocean and the synthetic dust.

mod access;
mod cache;
mod credentials;
mod download;
pub mod dust;
mod error;
mod facts;
mod fetch;
mod http;
mod manifest;
mod observations;
mod part;
mod pattern;
pub mod products;
mod receipt;
mod registry;
mod request;
pub mod splits;
mod subset;
mod tier;
pub mod twin;
mod wheel;

pub use access::{Access, Auth, Segment, Step};
pub use cache::Cache;
pub use credentials::{Credential, Netrc, find_credential};
pub use download::{Download, Downloaded, download};
pub use error::{DataError, DataResult};
pub use facts::{GridFacts, Licence, ManifestFile, Period, Variable};
pub use fetch::{FetchOptions, FetchReport, FileState, FileStatus, fetch, verify};
pub use http::HttpSettings;
pub use manifest::Manifest;
pub use observations::{Observation, Observations, Platform};
pub use receipt::{Receipt, ReceiptEntry};
pub use registry::{bundle, find_manifest, manifests, registry_bundle};
pub use subset::GeoBox;
pub use tier::Tier;
