//! Pythons to test with: the machine's own, all versions that can be found, and one that has packages
//! from PyPI. The last is made once, under `target/`, by whichever test needs it first; the others wait
//! for it at a lock.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What the tests need from PyPI.
const PACKAGES: [&str; 10] = [
    "flask",
    "django",
    "gevent",
    "fastapi",
    "uvloop",
    "websockets",
    "prometheus_client",
    "brotlicffi",
    "decorator",
    "six",
];

/// And what would have another version of those: httpbin wants a greenlet that gevent cannot use.
const AS_IT_IS: [&str; 1] = ["httpbin==0.10.4"];

/// The oldest version that is hosted: 3.10.
const OLDEST: u32 = 10;

/// The interpreter that `python3` starts, as the file that it is.
///
/// # Panics
/// When there is none.
pub fn machine() -> PathBuf {
    static MACHINE: OnceLock<PathBuf> = OnceLock::new();
    MACHINE.get_or_init(|| executable("python3").expect("a python3 on this machine")).clone()
}

/// One interpreter of each version that can be hosted.
///
/// # Panics
/// When there is none.
pub fn every_version() -> Vec<PathBuf> {
    let installed = fs::read_dir("/root/.pyenv/versions").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed
        .filter(|version| is_hosted(&version.file_name().to_string_lossy()))
        .map(|version| version.path().join("bin/python"))
        .filter(|python| python.exists())
        .collect();
    if found.is_empty() {
        found.push(machine());
    }
    found.sort();
    found
}

fn is_hosted(version: &str) -> bool {
    let minor = version.strip_prefix("3.").and_then(|rest| rest.split('.').next());
    minor.and_then(|minor| minor.parse::<u32>().ok()).is_some_and(|minor| minor >= OLDEST)
}

fn executable(python: &str) -> Option<PathBuf> {
    let asked = Command::new(python).args(["-c", "import sys; print(sys.executable)"]).output();
    let path = String::from_utf8(asked.ok()?.stdout).ok()?;
    Some(PathBuf::from(path.trim())).filter(|path| path.is_absolute())
}

/// An interpreter that has Flask, Django and gevent, FastAPI (so Starlette), uvloop, websockets,
/// prometheus_client and httpbin.
///
/// # Panics
/// When it cannot be made: PyPI cannot be reached, for example.
pub fn with_packages() -> PathBuf {
    let base = machine();
    let folder = target().join("python-for-tests");
    fs::create_dir_all(&folder).expect("a folder under target");
    let lock = File::create(folder.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let version = base.parent().and_then(Path::parent).and_then(Path::file_name);
    let version = version.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let home = folder.join(format!("{version}-{}-{}", PACKAGES.join("-"), AS_IT_IS.join("-")));
    let python = home.join("bin/python");
    // Written last: without it the attempt before this one has failed.
    let complete = home.join("complete");
    if !complete.exists() {
        let _ = fs::remove_dir_all(&home);
        run(Command::new(base).args(["-m", "venv"]).arg(&home));
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(&python).args(install).args(PACKAGES));
        run(Command::new(&python).args(install).arg("--no-deps").args(AS_IT_IS));
        fs::write(complete, PACKAGES.join("\n")).expect("the mark");
    }
    python
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// The folder that cargo builds into: the test's own binary is in `target/<profile>/deps`.
fn target() -> PathBuf {
    let binary = std::env::current_exe().expect("the test's own path");
    binary.ancestors().nth(3).expect("target/<profile>/deps").to_owned()
}
