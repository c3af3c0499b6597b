//! The files in `examples/deploy`: the commands in them are commands of this server, and the tools that
//! read them find no fault. A tool that this machine lacks is named, and its file is then only read.
#![allow(clippy::panic, clippy::unwrap_used, reason = "panicking is how a test reports")]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use super::{run, server};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/deploy").join(name)
}

pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// What a tool says; nothing where there is no such tool.
#[expect(clippy::print_stdout, reason = "says why a test has tried nothing")]
fn tool(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped, not here: {:?}", command.get_program());
            None
        }
        Err(error) => panic!("{command:?}: {error}"),
    }
}

/// Such a start would succeed, the address apart, which may be somebody else's here.
#[track_caller]
fn starts(arguments: &[&str]) {
    let words = arguments.iter().map(|word| if *word == ":8000" { "127.0.0.1:0" } else { word });
    let finished = run(server("--check-config").args(words));
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{arguments:?}");
}

/// The value of a setting of these arguments, as a time.
fn seconds(arguments: &[&str], flag: &str, default: &str) -> Duration {
    let at = arguments.iter().position(|word| *word == flag);
    let value = at.map_or(default, |at| arguments[at + 1]);
    Duration::from_secs(value.trim_end_matches('s').parse().unwrap())
}

#[test]
fn the_unit_starts_this_server_and_systemd_accepts_it() {
    let unit = text("shop.service");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[0], "/usr/local/bin/server");
    starts(&words[1..]);
    let stop = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap();
    assert!(seconds(&[stop, stop], stop, stop) > seconds(&words, "--graceful-timeout", "30"));

    let folder = tempfile::tempdir().unwrap();
    // The binary is looked for.
    let here = unit.replace(words[0], env!("CARGO_BIN_EXE_server"));
    std::fs::write(folder.path().join("shop.service"), here).unwrap();
    std::fs::copy(path("shop.socket"), folder.path().join("shop.socket")).unwrap();
    let units = ["shop.service", "shop.socket"].map(|name| folder.path().join(name));
    let mut command = Command::new("systemd-analyze");
    if let Some(output) = tool(command.arg("verify").args(&units)) {
        let said = String::from_utf8_lossy(&output.stderr);
        // It looks at the machine's own units, too.
        let about_ours: Vec<&str> = said.lines().filter(|line| line.contains("shop")).collect();
        assert!(about_ours.is_empty(), "{about_ours:?}");
    }
}

#[test]
fn nginx_accepts_its_file() {
    let folder = tempfile::tempdir().unwrap();
    // A test binds the address, and the port may be another's.
    let listen = format!("listen unix:{};", folder.path().join("web.sock").display());
    let pid = format!("pid {};", folder.path().join("nginx.pid").display());
    let config = text("nginx.conf");
    assert!(config.contains("listen 80;") && config.contains("pid /run/nginx.pid;"));
    let config = config.replace("listen 80;", &listen).replace("pid /run/nginx.pid;", &pid);
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-t").arg("-p").arg(folder.path()).arg("-c").arg(&file);
    if let Some(output) = tool(&mut command) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn haproxy_accepts_its_file() {
    let config = text("haproxy.cfg");
    let command = config.split_once("server -b ").unwrap().1.split_once("\nglobal").unwrap().0;
    let command = format!("-b {}", command.replace("\n#", " "));
    starts(&command.split_whitespace().collect::<Vec<_>>());
    let mut command = Command::new("haproxy");
    if let Some(output) = tool(command.arg("-c").arg("-f").arg(path("haproxy.cfg"))) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// (What the rest of the file says is tested in `tests/manifests`.)
#[test]
fn the_deployment_starts_this_server_and_gives_it_time_to_stop() {
    let deployment = text("kubernetes.yaml");
    let value = |key: &str| deployment.lines().find_map(|line| line.trim().strip_prefix(key));
    let arguments: Vec<&str> = value("args: ").unwrap().split('"').skip(1).step_by(2).collect();
    starts(&arguments);
    let drain = seconds(&arguments, "--drain-delay", "0");
    let graceful = seconds(&arguments, "--graceful-timeout", "30");
    let given: u64 = value("terminationGracePeriodSeconds: ").unwrap().parse().unwrap();
    assert!(Duration::from_secs(given) > drain + graceful, "{given}");
}
