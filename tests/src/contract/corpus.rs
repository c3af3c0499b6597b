//! The corpus over the wire: what the codec makes of each conversation, the whole server makes of it
//! too, in this class. `corpus/README.md` says what a case is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use toml::Table;

use super::Subject;
use crate::client::{Asked, Response};
use crate::harness::{Launch, Server};

/// What begins HTTP/2: this class speaks it, so to it that is nothing to refuse.
const GREETING: (&str, &str) = ("tokio", "invalid/version-http2-preface");

struct Case {
    name: String,
    bytes: Vec<u8>,
    expected: Table,
}

fn cases() -> Vec<Case> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut cases = Vec::new();
    for folder in ["valid", "invalid"] {
        for entry in fs::read_dir(corpus.join(folder)).expect("the corpus is there") {
            let path = entry.expect("readable").path();
            if path.extension().is_none_or(|ending| ending != "toml") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("readable");
            cases.push(Case {
                name: format!("{folder}/{}", path.file_stem().unwrap_or_default().display()),
                bytes: fs::read(path.with_extension("http")).expect("every case has its bytes"),
                expected: text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display())),
            });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    /// The settings of the case, as options.
    fn options(&self) -> Vec<String> {
        let settings = self.expected.get("settings").and_then(toml::Value::as_table);
        let options = settings.into_iter().flatten().flat_map(|(name, value)| {
            let flag = format!("--{}", name.replace('_', "-"));
            match value {
                toml::Value::Boolean(true) => vec![flag],
                value => vec![flag, value.to_string()],
            }
        });
        options.collect()
    }

    fn requests(&self) -> Vec<&Table> {
        let requests = self.expected.get("requests").and_then(toml::Value::as_array);
        requests.into_iter().flatten().filter_map(toml::Value::as_table).collect()
    }

    fn refusal(&self) -> Option<&Table> {
        self.expected.get("refusal").and_then(toml::Value::as_table)
    }

    /// How many requests come to the application whole.
    fn answered(&self) -> usize {
        let within_body = self.refusal().is_some_and(|refusal| text(refusal, "within") == "body");
        self.requests().len() - usize::from(within_body)
    }

    fn play(&self, server: &Server) {
        let mut client = server.connect();
        // A refusal may reset the connection before all is sent.
        let _ = client.send(&self.bytes);
        let _ = client.finish_sending();
        let requests = self.requests();
        for request in &requests[..self.answered()] {
            let asked =
                if text(request, "method") == "HEAD" { Asked::ForHead } else { Asked::ForAll };
            let response = client.receive(asked).unwrap_or_else(|e| panic!("{}: {e}", self.name));
            assert_eq!(response.status, 200, "{}: {}", self.name, response.text());
            if asked == Asked::ForAll {
                self.compare(request, &response);
            }
        }
        if let Some(refusal) = self.refusal() {
            let response =
                client.receive(Asked::ForAll).unwrap_or_else(|e| panic!("{}: {e}", self.name));
            let streams = requests.get(self.answered()).is_some_and(|request| {
                request.get("expects_continue").and_then(toml::Value::as_bool) == Some(true)
            });
            let status = refusal.get("status").and_then(toml::Value::as_integer);
            // The handler of a body that it reads itself answers for it.
            let right = Some(response.status.into()) == status || streams && response.status == 400;
            assert!(right, "{}: {} for {status:?}", self.name, response.status);
        }
        client.expect_end().unwrap_or_else(|e| panic!("{}: {e}", self.name));
    }

    /// What the application saw is what the case says.
    fn compare(&self, request: &Table, response: &Response) {
        let seen: Value = serde_json::from_str(&response.text())
            .unwrap_or_else(|e| panic!("{}: {e}: {}", self.name, response.text()));
        for key in ["method", "target", "version"] {
            assert_eq!(seen[key].as_str(), Some(text(request, key)), "{}: {key}", self.name);
        }
        for key in ["headers", "trailers"] {
            let (seen, expected) = (fields_seen(&seen, key), fields_expected(request, key));
            assert_eq!(seen, expected, "{}: {key}", self.name);
        }
        let length = match request.get("body_length").and_then(toml::Value::as_integer) {
            Some(length) => length,
            None => text(request, "body").chars().count() as i64,
        };
        assert_eq!(seen["body_len"].as_i64(), Some(length), "{}", self.name);
        if let Some(sum) = request.get("body_sha256").and_then(toml::Value::as_str) {
            assert_eq!(seen["body_sha256"].as_str(), Some(sum), "{}", self.name);
        }
    }
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(toml::Value::as_str).unwrap_or_default()
}

/// Values by name, in order. A value that is not ASCII has no one spelling in JSON.
type Fields = BTreeMap<String, Vec<Option<String>>>;

fn grouped(pairs: impl Iterator<Item = (String, String)>) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in pairs {
        let plain = value.is_ascii() && !value.contains("\\x");
        fields.entry(name).or_default().push(plain.then_some(value));
    }
    fields
}

fn fields_seen(seen: &Value, key: &str) -> Fields {
    let pairs = seen[key].as_array().into_iter().flatten();
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    grouped(pairs.map(|pair| (string(&pair[0]), string(&pair[1]))))
}

fn fields_expected(request: &Table, key: &str) -> Fields {
    let pairs = request.get(key).and_then(toml::Value::as_array).into_iter().flatten();
    let string = |value: &toml::Value| value.as_str().unwrap_or_default().to_owned();
    grouped(pairs.map(|pair| (string(&pair[0]), string(&pair[1]))))
}

pub(super) fn corpus(subject: &Subject) {
    let mut by_options: BTreeMap<Vec<String>, Vec<Case>> = BTreeMap::new();
    let expected = |case: &Case| (subject.class.as_str(), case.name.as_str()) != GREETING;
    for case in cases().into_iter().filter(expected) {
        by_options.entry(case.options()).or_default().push(case);
    }
    let count: usize = by_options.values().map(Vec::len).sum();
    assert!(count >= 200, "only {count} cases");
    for (options, cases) in by_options {
        // The corpus is about reading fields; which of them the application may see is another matter.
        let launch = Launch::of(subject).app("echo").args(["--header-map", "dangerous"]);
        let server = launch.args(options).start();
        let worker = server.worker();
        cases.iter().for_each(|case| case.play(&server));
        assert_eq!(server.worker(), worker, "one worker has seen it all");
    }
}
