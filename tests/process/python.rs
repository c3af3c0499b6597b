//! The life of a server that hosts a Python application: how it is found and imported, what becomes of
//! it when it is edited, broken, slow, or killed. The applications are plain WSGI, and need nothing but
//! the Python of the machine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "it is all tests, which clippy sees only in the functions that are marked so"
)]

use std::fs;
use std::path::Path;

use oxicorn_tests::process::Process;
use oxicorn_tests::{Launch, Server, Serving, Subject, python};

#[path = "python/edited.rs"]
mod edited;
#[path = "python/finding.rs"]
mod finding;
#[path = "python/life.rs"]
mod life;
#[path = "python/mistakes.rs"]
mod mistakes;
#[path = "python/reload.rs"]
mod reload;
#[path = "python/settings.rs"]
mod settings;
#[path = "python/starting.rs"]
mod starting;
#[path = "python/wheel.rs"]
mod wheel;

const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// Answers with its version, or its process.
const APP: &str = r#"
import os, time
VERSION = "one"
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/sleep":
        time.sleep(60)
    answer = str(os.getpid()) if path == "/pid" else VERSION
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
"#;

/// A server of that application, in the class `sync`.
fn hosting(module: &str, text: &str) -> Launch {
    hosting_by(Path::new(SERVER), module, text)
}

/// The same, started by another program.
fn hosting_by(program: &Path, module: &str, text: &str) -> Launch {
    let subject = Subject::new(program.to_str().unwrap(), "sync", Serving::Inline);
    let launch = Launch::of(&subject).app(&format!("{module}:app"));
    write(launch.folder(), module, text);
    // A file that is edited twice in a second would be taken from the cache.
    launch
        .env("OXICORN_PYTHON", python::machine().to_str().unwrap())
        .env("PYTHONDONTWRITEBYTECODE", "1")
}

fn write(folder: &Path, module: &str, text: &str) {
    let path = folder.join(format!("{module}.py"));
    let new = folder.join("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// The same application, edited.
fn version(name: &str) -> String {
    APP.replace("\"one\"", &format!("{name:?}"))
}

fn text(server: &Server, target: &str) -> String {
    String::from_utf8(server.get(target).body.to_vec()).unwrap()
}

#[track_caller]
fn zygote(server: &Server) -> Process {
    match server.zygotes().as_slice() {
        [zygote] => *zygote,
        others => panic!("one zygote was expected, there are {others:?}"),
    }
}
