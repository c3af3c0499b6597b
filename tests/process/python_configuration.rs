//! gunicorn's configuration file, executed as Python: its settings, its hooks, and what Python says into
//! the log; and `reload`, which sees an edit without being told. The applications are plain WSGI, and
//! need nothing but the Python of the machine.

#![expect(
    clippy::unwrap_used,
    reason = "it is all tests, which clippy sees only in the functions that are marked so"
)]

use std::fs;
use std::path::Path;

use oxicorn_tests::harness::Invocation;
use oxicorn_tests::{Deadline, Launch, Server, Serving, Subject, python};

#[path = "python_configuration/files.rs"]
mod files;
#[path = "python_configuration/greenlets.rs"]
mod greenlets;
#[path = "python_configuration/hooks.rs"]
mod hooks;
#[path = "python_configuration/objects.rs"]
mod objects;
#[path = "python_configuration/requests.rs"]
mod requests;
#[path = "python_configuration/speech.rs"]
mod speech;
#[path = "python_configuration/watched.rs"]
mod watched;

const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// Answers with its version.
const APP: &str = r#"
import os, time
VERSION = "one"
def app(environ, start_response):
    if environ["PATH_INFO"] == "/sleep":
        time.sleep(60)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [VERSION.encode()]
"#;

/// A server of that application, in the class `sync`, with this configuration file.
fn configured(configuration: &str) -> Launch {
    let launch = plain().args(["-c", "conf.py"]);
    write(launch.folder(), "conf.py", configuration);
    launch
}

/// Without one.
fn plain() -> Launch {
    let subject = Subject::new(SERVER, "sync", Serving::Inline);
    let launch = Launch::of(&subject).app("shop:app");
    write(launch.folder(), "shop.py", APP);
    launch
        .env("OXICORN_PYTHON", python::machine().to_str().unwrap())
        // A file that is edited twice in a second would be taken from the cache.
        .env("PYTHONDONTWRITEBYTECODE", "1")
}

/// The command alone, to its end.
fn invoked(configuration: &str) -> Invocation {
    Invocation::of(Path::new(SERVER))
        .env("OXICORN_PYTHON", python::machine().to_str().unwrap())
        .file("shop.py", APP)
        .file("conf.py", configuration)
}

/// As an editor does it.
fn write(folder: &Path, name: &str, text: &str) {
    let new = folder.join("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}

fn version(name: &str) -> String {
    APP.replace("\"one\"", &format!("{name:?}"))
}

/// Waits until that version answers. A worker of the former one may still be leaving.
#[track_caller]
fn wait_for_version(server: &Server, name: &str) {
    Deadline::seconds(30).expect(name, || (text(server, "/") == name).then_some(()));
}

fn text(server: &Server, target: &str) -> String {
    String::from_utf8(server.get(target).body.to_vec()).unwrap()
}
