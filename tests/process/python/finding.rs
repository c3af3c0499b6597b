//! Which Python is used, and that every version can be.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

/// Answers with what runs it.
const WHO: &str = r#"
import sys
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%d.%d %s" % (*sys.version_info[:2], sys.prefix)).encode()]
"#;

#[test]
fn every_version_that_is_there_serves() {
    let versions = python::every_version();
    if versions.len() < 4 {
        println!("only {versions:?} are tried: there are no others");
    }
    for path in versions {
        let asked = Command::new(&path)
            .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
            .output()
            .unwrap();
        let version = String::from_utf8(asked.stdout).unwrap();
        let server = hosting("who", WHO).env("OXICORN_PYTHON", path.to_str().unwrap()).start();
        let answer = text(&server, "/");
        assert!(answer.starts_with(version.trim()), "{path:?}: {answer}");
    }
}

#[test]
fn an_environment_below_the_folder_is_found_and_an_active_one_comes_first() {
    let environment = |folder: &Path, name: &str| {
        let made = Command::new(python::machine())
            .args(["-m", "venv", "--without-pip"])
            .arg(folder.join(name))
            .status()
            .unwrap();
        assert!(made.success());
        folder.join(name).canonicalize().unwrap()
    };
    for active in [false, true] {
        let launch = hosting("who", WHO).env("OXICORN_PYTHON", "");
        let below = environment(launch.folder(), ".venv");
        let other = environment(launch.folder(), "other");
        let launch = match active {
            true => launch.env("VIRTUAL_ENV", other.to_str().unwrap()),
            false => launch,
        };
        let server = launch.start();
        let expected = if active { other } else { below };
        let answer = text(&server, "/");
        assert!(answer.ends_with(expected.to_str().unwrap()), "{answer}, not {expected:?}");
    }
}

#[test]
fn a_python_that_cannot_be_used_is_passed_over() {
    let launch = hosting("who", WHO).env("OXICORN_PYTHON", "");
    let bin = launch.folder().join(".venv/bin");
    fs::create_dir_all(&bin).unwrap();
    symlink("/bin/false", bin.join("python")).unwrap();
    let server = launch.start();
    assert!(text(&server, "/").starts_with("3."));
}
