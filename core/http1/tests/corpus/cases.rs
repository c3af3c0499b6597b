//! The corpus as data. The format is described in `tests/corpus/README.md`; this reads it strictly,
//! so that a misspelt key is a failure and not a check that never happens.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use oxicorn_http1::{Limits, MissingHost};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::drive::{Listed, Sight};

/// One conversation, as bytes and as what they mean.
pub(crate) struct Case {
    /// The path of the `.http` file below `tests/corpus`, without its extension.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) about: String,
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) advisories: Vec<String>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    pub(crate) requests: Vec<Request>,
    pub(crate) refusal: Option<Refusal>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    limit_request_line: Option<usize>,
    limit_request_fields: Option<usize>,
    limit_request_field_size: Option<usize>,
    #[serde(default)]
    permit_missing_host: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_length: Option<usize>,
    body_sha256: Option<String>,
    #[serde(default)]
    trailers: Vec<(String, String)>,
    pub(crate) keep_alive: bool,
    #[serde(default)]
    pub(crate) expects_continue: bool,
    #[serde(default)]
    pub(crate) asks_upgrade: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) within: Within,
    #[serde(default, with = "WrittenSight")]
    pub(crate) seen: Sight,
}

/// The part of a request that breaks the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Within {
    Head,
    Body,
}

/// How a [`Sight`] is written.
#[derive(Deserialize)]
#[serde(remote = "Sight", rename_all = "kebab-case")]
enum WrittenSight {
    AtOnce,
    AtEof,
}

/// The whole corpus, read once.
pub(crate) static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let mut cases = Vec::new();
    for folder in ["valid", "invalid"] {
        let mut paths: Vec<_> =
            fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("http") => cases.push(read(folder, &path)),
                Some("toml") => assert!(path.with_extension("http").exists(), "no bytes: {path:?}"),
                _ => panic!("not a part of the corpus: {path:?}"),
            }
        }
    }
    cases
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus")
}

fn read(folder: &str, path: &Path) -> Case {
    let name = format!("{folder}/{}", path.file_stem().unwrap().to_str().unwrap());
    let text = fs::read_to_string(path.with_extension("toml"))
        .unwrap_or_else(|error| panic!("{name}: no expectation: {error}"));
    let expected: Expected =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(expected.refusal.is_some(), folder == "invalid", "{name}: in the wrong folder");
    Case { name, bytes: fs::read(path).unwrap(), expected }
}

impl Case {
    /// The codec's limits for this conversation.
    pub(crate) fn limits(&self) -> Limits {
        let default = Limits::default();
        let settings = &self.expected.settings;
        Limits {
            line: settings.limit_request_line.unwrap_or(default.line),
            fields: settings.limit_request_fields.unwrap_or(default.fields),
            field_size: settings.limit_request_field_size.unwrap_or(default.field_size),
            missing_host: match settings.permit_missing_host {
                true => MissingHost::Permit,
                false => MissingHost::Refuse,
            },
        }
    }

    /// How many requests are there from their first byte to their last.
    pub(crate) fn whole_requests(&self) -> usize {
        let cut = match &self.expected.refusal {
            Some(Refusal { within: Within::Body, .. }) => 1,
            _ => 0,
        };
        self.expected.requests.len() - cut
    }
}

impl Request {
    pub(crate) fn headers(&self) -> Listed {
        listed(&self.headers)
    }

    pub(crate) fn trailers(&self) -> Listed {
        listed(&self.trailers)
    }

    /// Checks the body, or what was handed out of it.
    pub(crate) fn assert_body(&self, seen: &[u8], name: &str) {
        match (&self.body, &self.body_sha256, self.body_length) {
            (text, None, None) => {
                let text = bytes(text.as_deref().unwrap_or_default());
                assert_eq!(
                    seen.escape_ascii().to_string(),
                    text.escape_ascii().to_string(),
                    "{name}"
                );
            }
            (None, Some(digest), Some(length)) => {
                let hex: String =
                    Sha256::digest(seen).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!((seen.len(), &hex), (length, digest), "{name}");
            }
            _ => panic!("{name}: a body is its text, or its length and digest"),
        }
    }
}

/// A string of the corpus stands for bytes: each character is one.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).unwrap()).collect()
}

/// In the order in which a `HeaderMap` gives them: repeats of a name stand behind its first.
fn listed(fields: &[(String, String)]) -> Listed {
    let mut listed = Listed::new();
    for (name, value) in fields {
        assert_eq!(*name, name.to_lowercase(), "field names are given in lower case");
        let behind = listed.iter().rposition(|(earlier, _)| earlier == name);
        listed.insert(behind.map_or(listed.len(), |at| at + 1), (name.clone(), bytes(value)));
    }
    listed
}

/// Checks every case, and names all that fail, not only the first.
pub(crate) fn each(check: impl Fn(&Case)) {
    let failed: Vec<&str> = CASES
        .iter()
        .filter(|case| panic::catch_unwind(AssertUnwindSafe(|| check(case))).is_err())
        .map(|case| case.name.as_str())
        .collect();
    assert!(failed.is_empty(), "{} of {} cases: {failed:#?}", failed.len(), CASES.len());
}
