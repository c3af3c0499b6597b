//! `server bench` as a user meets it: what it leaves in its folder, and what it leaves running, which
//! is nothing, however it ends.
#![allow(clippy::unwrap_used, reason = "a suite of tests: panicking is how it reports")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use oxicorn_tests::process::Process;
use oxicorn_tests::{Deadline, Signal};

fn bench(folder: &Path, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.arg("bench").args(line.split_whitespace()).args(["--peers", "none"]);
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Every process that was started, directly or not, in or below `folder`: a server's working
/// directory is a temporary one of the benchmark's, whose logs are in the report's.
fn left_behind(folder: &Path) -> Vec<Process> {
    let folder = folder.canonicalize().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let holds = |pid: i32| {
        let links = ["cwd", "fd/0", "fd/1", "fd/2"].map(|name| format!("/proc/{pid}/{name}"));
        links.iter().any(|link| std::fs::read_link(link).is_ok_and(|to| to.starts_with(&folder)))
    };
    pids.filter(|pid| holds(*pid)).map(Process::new).filter(|process| process.runs()).collect()
}

fn end(child: &mut Child) -> (Option<i32>, String) {
    let deadline = Deadline::seconds(60);
    let status = deadline.expect("the end of the benchmark", || child.try_wait().unwrap());
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    (status.code(), text)
}

fn json(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("out/results.json")).unwrap()).unwrap()
}

#[test]
fn a_whole_run_leaves_a_report_and_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let line = "--classes sync --loads hello,upstream --connections 4 --rounds 2 --duration 1 \
                --rate 40 --output out";
    let mut child = bench(folder.path(), line);
    let (code, table) = end(&mut child);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("hello c4") && table.contains("upstream c4"), "{table}");

    let results = json(folder.path());
    assert_eq!(results["ending"], "Complete");
    let runs = results["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 6, "two rounds and one rate of two loads");
    for run in runs {
        assert_eq!(run["subject"], "sync");
        assert!(run["outcome"]["answered"].as_u64().unwrap() > 0, "{run}");
        assert!(run["cpu_per_request"].as_f64().unwrap() > 0.0, "{run}");
        assert!(run["pss"].as_u64().unwrap() > 0, "{run}");
    }
    let page = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("server bench --classes sync"));
    assert!(folder.path().join("out/goodput.svg").is_file());
    assert_eq!(left_behind(folder.path()), []);
}

#[test]
fn ctrl_c_leaves_what_was_measured_and_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let line =
        "--classes sync --loads hello --connections 4 --rounds 50 --duration 0.2 --output out";
    let mut child = bench(folder.path(), line);
    // The second round is announced when the first has been measured.
    let mut announcements = BufReader::new(child.stderr.take().unwrap()).lines();
    let second = |line: &String| line.contains("round 2");
    assert!(announcements.by_ref().map_while(Result::ok).any(|line| second(&line)));
    let deadline = Deadline::seconds(20);
    deadline.until("a server that runs", || left_behind(folder.path()).len() > 1);
    let started = left_behind(folder.path());
    Process::new(i32::try_from(child.id()).unwrap()).signal(Signal::SIGINT);
    let (code, table) = end(&mut child);
    assert_eq!(code, Some(130), "{table}");
    assert!(table.contains("not complete"), "{table}");
    let results = json(folder.path());
    assert_eq!(results["ending"], "Interrupted");
    assert!(!results["runs"].as_array().unwrap().is_empty());
    assert!(folder.path().join("out/report.html").is_file());
    assert!(started.iter().all(|process| !process.runs()));
    assert_eq!(left_behind(folder.path()), []);
}

#[test]
fn a_benchmark_that_is_killed_takes_its_servers_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let line = "--classes sync --loads hello --connections 4 --duration 20 --output out";
    let mut child = bench(folder.path(), line);
    let deadline = Deadline::seconds(20);
    let me = Process::new(i32::try_from(child.id()).unwrap());
    // The benchmark, a server with its worker, and the generator.
    deadline.until("a measurement", || left_behind(folder.path()).len() > 3);
    me.signal(Signal::SIGKILL);
    child.wait().unwrap();
    deadline.until("that all have ended", || left_behind(folder.path()).is_empty());
}

#[test]
fn what_is_wrong_with_the_command_line_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (line, code) in [("--help", 0), ("--classes corutine", 2), ("--rate 0", 2)] {
        let mut child = bench(folder.path(), line);
        assert_eq!(end(&mut child).0, Some(code), "{line}");
    }
    assert!(!folder.path().join("bench-report").exists());
}
