//! Reading golden files and comparing with their stated tolerances.
#![allow(dead_code)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

/// The folder of the golden files.
pub fn folder() -> PathBuf {
    std::env::var_os("ISOTHERM_GOLDEN")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from)
}

/// Golden files of the same families from another seed, a few cases of each kind (generators/compact.py).
const OTHER_SEED: &str = "seed_7";

/// One family: its golden file, and a smaller one from another seed where there is one.
pub struct Family {
    files: Vec<File>,
}

struct File {
    folder: PathBuf,
    root: Value,
}

/// One case of a family.
pub struct Case<'a> {
    pub name: &'a str,
    file: &'a File,
    value: &'a Value,
    pub rel: f64,
    pub abs: f64,
    /// Keys of `expected` that were asked for.
    read: RefCell<BTreeSet<String>>,
}

/// An array of any rank; `null` became NaN.
#[derive(Clone, Debug)]
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Family {
    pub fn load(name: &str) -> Family {
        let read = |folder: PathBuf| {
            let path = folder.join(format!("{name}.json"));
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            File { folder, root: serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())) }
        };
        let mut files = vec![read(folder())];
        let other = folder().join(OTHER_SEED);
        if other.join(format!("{name}.json")).exists() {
            files.push(read(other));
            assert_ne!(files[0].root["seed"], files[1].root["seed"], "another seed is wanted");
        }
        Family { files }
    }

    pub fn cases(&self) -> Vec<Case<'_>> {
        let of_file = |file: &'_ File| file.root["cases"].as_array().expect("cases").is_empty();
        assert!(!self.files.iter().any(of_file), "a golden file without cases tests nothing");
        let all = self.files.iter().flat_map(|file| file.root["cases"].as_array().into_iter().flatten().map(move |v| (file, v)));
        all.map(|(file, value)| Case {
            name: value["name"].as_str().expect("name"),
            file,
            value,
            rel: value["tolerance"]["rel"].as_f64().unwrap_or(0.0),
            abs: value["tolerance"]["abs"].as_f64().unwrap_or(0.0),
            read: RefCell::default(),
        })
        .collect()
    }
}

impl Case<'_> {
    /// A file that the case names.
    pub fn path(&self, key: &str) -> PathBuf {
        self.file.folder.join(self.input(key).as_str().expect("a file's name"))
    }

    /// `inputs.key`, with `@name` resolved to the family's data.
    pub fn input(&self, key: &str) -> &Value {
        self.resolve(&self.value["inputs"][key])
    }

    pub fn parameter(&self, key: &str) -> &Value {
        self.resolve(&self.value["parameters"][key])
    }

    pub fn expected(&self, key: &str) -> &Value {
        self.read.borrow_mut().insert(key.to_string());
        &self.value["expected"][key]
    }

    /// The expected values that [`Case::expected`] was never asked for.
    pub fn unread(&self) -> Vec<String> {
        let read = self.read.borrow();
        self.all_expected().keys().filter(|key| !read.contains(*key)).cloned().collect()
    }

    pub fn all_expected(&self) -> &serde_json::Map<String, Value> {
        self.value["expected"].as_object().expect("expected")
    }

    pub fn raw(&self) -> &Value {
        self.value
    }

    fn resolve<'b>(&'b self, value: &'b Value) -> &'b Value {
        match value.as_str().and_then(|s| s.strip_prefix('@')) {
            Some(name) => &self.file.root["data"][name],
            None => value,
        }
    }

    /// Fails unless `got` agrees with `want` (array) within the case's tolerance.
    pub fn check(&self, what: &str, got: &[f64], want: &Value) {
        let want = array(want);
        assert_eq!(got.len(), want.data.len(), "{} {what}: number of values", self.name);
        for (i, (g, w)) in got.iter().zip(&want.data).enumerate() {
            self.check_one(&format!("{what}[{i}]"), *g, *w);
        }
    }

    /// Fails unless one number agrees.
    pub fn check_one(&self, what: &str, got: f64, want: f64) {
        let agree = if want.is_nan() {
            got.is_nan()
        } else if want.is_infinite() {
            got == want
        } else {
            (got - want).abs() <= self.abs + self.rel * want.abs()
        };
        assert!(agree, "{} {what}: got {got}, want {want} (rel {}, abs {})", self.name, self.rel, self.abs);
    }
}

/// A number: `null` is NaN, `"inf"` and `"-inf"` are infinities.
pub fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::Number(n) => n.as_f64().expect("number"),
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(s) if s == "inf" => f64::INFINITY,
        Value::String(s) if s == "-inf" => f64::NEG_INFINITY,
        other => panic!("not a number: {other}"),
    }
}

/// An array: a plain list, or `{shape, data}`.
pub fn array(value: &Value) -> Array {
    match value {
        Value::Array(list) => Array { shape: vec![list.len()], data: list.iter().map(number).collect() },
        Value::Object(o) if o.contains_key("shape") => Array {
            shape: o["shape"].as_array().expect("shape").iter().map(|n| n.as_u64().expect("size") as usize).collect(),
            data: o["data"].as_array().expect("data").iter().map(number).collect(),
        },
        other => Array { shape: vec![], data: vec![number(other)] },
    }
}

/// Is this the peer's refusal?
pub fn is_error(value: &Value) -> bool {
    value.get("error").is_some()
}
