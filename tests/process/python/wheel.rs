//! The wheel: `python/package/wheel` makes it, pip installs it, and the program that comes of it serves
//! with the Python beside it. All is as it is for a release but the compiler: where maturin asks cargo
//! for the program it is told where that of the tests is, which need not be built once more.

use std::path::PathBuf;
use std::process::Command;

use oxicorn_tests::harness::{copy_executable, write_executable};
use serde_json::json;

use super::*;

const EXTENSION: &str = "liboxicorn_python.so";
/// Answers with the environment that it runs in.
const WHERE: &str = r#"
import sys
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [sys.prefix.encode()]
"#;

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(done.status.success(), "{command:?}: {} {}", said(&done.stdout), said(&done.stderr));
    said(&done.stdout)
}

/// As cargo says that it has built the program (cargo's `--message-format json`).
fn built(package: &str, manifest: &Path, program: &Path) -> String {
    let message = json!({
        "reason": "compiler-artifact",
        "package_id": package,
        "manifest_path": manifest,
        "target": {
            "kind": ["bin"], "crate_types": ["bin"], "name": "oxicorn", "src_path": manifest,
            "edition": "2024", "doc": false, "doctest": false, "test": false,
        },
        "profile": {
            "opt_level": "0", "debuginfo": 0, "debug_assertions": true, "overflow_checks": true,
            "test": false,
        },
        "features": [],
        "filenames": [program],
        "executable": program,
        "fresh": true,
    });
    message.to_string()
}

/// A copy that is a quarter of the size, where there are the tools for it.
fn without_symbols(from: &Path, to: &Path) {
    let stripped = Command::new("strip").arg("-o").arg(to).arg(from).status();
    if !stripped.is_ok_and(|status| status.success()) {
        copy_executable(from, to);
    }
}

/// A cargo that builds nothing.
fn stand_in(folder: &Path, cargo: &str, manifest: &Path) -> PathBuf {
    let wheel = manifest.to_str().unwrap();
    let package = run(Command::new(cargo).args(["pkgid", "--manifest-path", wheel]));
    let program = folder.join("oxicorn");
    without_symbols(Path::new(SERVER), &program);
    let message = built(&package, manifest, &program);
    let script = format!(
        "#!/bin/sh\ncase $1 in\nbuild) ;;\nrustc) echo '{message}' ;;\n*) exec '{cargo}' \"$@\" ;;\nesac\n"
    );
    let path = folder.join("cargo");
    write_executable(&path, &script, 0o755);
    path
}

fn make(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let cargo = stand_in(folder, &cargo, &root.join("python/package/pypi/Cargo.toml"));
    fs::create_dir_all(folder.join("target/release")).unwrap();
    copy_executable(&extension(), &folder.join("target/release").join(EXTENSION));
    let path = std::env::var("PATH").unwrap();
    run(Command::new(root.join("python/package/wheel"))
        .arg(folder.join("dist"))
        .env("CARGO", cargo)
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("CARGO_TARGET_DIR", folder.join("target"))
        // Kept for the next time.
        .env("WHEEL_TOOLS", Path::new(env!("CARGO_TARGET_TMPDIR")).join("wheel-tools")));
    let made: Vec<_> = fs::read_dir(folder.join("dist")).unwrap().flatten().collect();
    let [wheel] = made.as_slice() else { panic!("one wheel was expected: {made:?}") };
    wheel.path()
}

/// Where cargo leaves it.
fn extension() -> PathBuf {
    Path::new(SERVER).with_file_name("deps").join(EXTENSION)
}

#[test]
fn a_wheel_is_made_installed_and_serves_with_the_python_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = make(folder.path());
    let name = wheel.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("oxicorn-") && name.contains("-py3-none-"), "{name}");

    let home = folder.path().join("environment");
    run(Command::new(python::machine()).args(["-m", "venv"]).arg(&home));
    let install = ["-m", "pip", "install", "--no-index", "--no-deps", "--quiet"];
    run(Command::new(home.join("bin/python")).args(install).arg(&wheel));
    let program = home.join("bin/oxicorn");
    let version = run(Command::new(&program).arg("--version"));
    assert!(version.ends_with(env!("CARGO_PKG_VERSION")), "{version}");

    // A release carries it.
    std::os::unix::fs::symlink(extension(), home.join("bin").join(EXTENSION)).unwrap();
    let subject = Subject::new(program.to_str().unwrap(), "sync", Serving::Inline);
    let launch = Launch::of(&subject).app("shop:app").workers(2);
    write(launch.folder(), "shop", WHERE);
    let server = launch.start();
    assert_eq!(Path::new(&text(&server, "/")), home);
}
