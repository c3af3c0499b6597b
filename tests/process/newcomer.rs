//! The first page of docs/for-rust-authors.md, done: its commands in an empty folder, its program, its
//! four classes. What they print is what the page says; `UPDATE=1` writes it there. Numbers of
//! processes and the time are put aside, and the port, for 8000 may be somebody else's here.
//!
//! Where curl or cargo is not there it says so and tries nothing. Crates are not downloaded: they are
//! those of this repository's own lock file.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "panicking is how a test reports"
)]

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use oxicorn_tests::harness::Lines;
use oxicorn_tests::process::Process;
use oxicorn_tests::{Deadline, Signal};

const SECTION: &str = "\n## From nothing to four classes\n";
/// Long enough to build everything, on a slow machine.
const BUILDS: u64 = 900;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The page's three blocks: the commands to begin with, the program, and the transcript.
fn blocks(page: &str) -> [&str; 3] {
    let section = page.split_once(SECTION).expect("the section").1;
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let blocks = section.split("\n```").skip(1).step_by(2);
    let blocks: Vec<&str> = blocks.map(|block| block.split_once('\n').unwrap().1).collect();
    blocks.try_into().expect("three blocks")
}

fn has(program: &str) -> bool {
    let tried = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    !matches!(tried, Err(error) if error.kind() == ErrorKind::NotFound)
}

/// A command as the newcomer gives it, in a shell, but for what a test must not share with others.
fn shell(folder: &Path, line: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder).stdin(Stdio::null());
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("newcomer"));
    command.env("CARGO_NET_OFFLINE", "true").env("CARGO_PROFILE_DEV_DEBUG", "0");
    command.env("CARGO_INCREMENTAL", "0");
    command.env("OXICORN_BIND", "127.0.0.1:0");
    // Of the cargo that runs this test.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("RUSTFLAGS");
    command
}

/// A server in the background.
struct Running {
    child: Child,
    log: Lines,
    shown: usize,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(folder: &Path, line: &str) -> Running {
        // The shell becomes cargo, and cargo the server: signals reach it.
        let mut command = shell(folder, &format!("exec {}", line.trim_end_matches(" &")));
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Lines::read("newcomer", child.stderr.take().unwrap()).unwrap();
        Running { child, log, shown: 0 }
    }

    fn wait_for(&self, text: &str) -> String {
        let found = self.log.wait(Deadline::seconds(BUILDS), |lines| {
            lines.iter().find(|line| line.contains(text)).cloned()
        });
        found.unwrap_or_else(|| panic!("no {text:?} in {:#?}", self.log.all()))
    }

    fn address(&self) -> String {
        let line = self.wait_for("Listening at: http://");
        line.split_once("http://").unwrap().1.split_once(' ').unwrap().0.to_owned()
    }

    /// What it has printed since the last time.
    fn news(&mut self) -> String {
        let (address, all) = (self.address(), self.log.all());
        let news: String = all[self.shown..].iter().map(|line| format!("{line}\n")).collect();
        self.shown = all.len();
        news.replace(&address, "127.0.0.1:8000")
    }

    fn terminate(&mut self) {
        Process::new(i32::try_from(self.child.id()).unwrap()).signal(Signal::SIGTERM);
        self.log.wait_end(Deadline::seconds(30)).expect("the server's end");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

/// Gives the commands of a transcript, and answers with one.
fn play(folder: &Path, transcript: &str) -> String {
    let mut played = String::new();
    let mut server: Option<Running> = None;
    for line in transcript.lines().filter_map(|line| line.strip_prefix("$ ")) {
        writeln!(played, "$ {line}").unwrap();
        match (line.split_whitespace().next(), &mut server) {
            (Some("cargo"), slot @ None) => {
                let running = slot.insert(Running::start(folder, line));
                running.wait_for("Booting worker");
                played += &running.news();
            }
            (Some("curl"), Some(running)) => {
                let line = line.replace("127.0.0.1:8000", &running.address());
                let output = shell(folder, &line.replace("curl", "curl -sS")).output().unwrap();
                assert!(output.status.success(), "{output:?}");
                played += &String::from_utf8(output.stdout).unwrap();
            }
            (Some("kill"), Some(running)) => {
                running.terminate();
                played += &running.news();
                server = None;
            }
            other => panic!("{line}: {:?}", other.0),
        }
    }
    assert!(server.is_none(), "the last one is stopped");
    played
}

/// The same text whenever and wherever it was printed.
fn plain(transcript: &str) -> String {
    let mut pids: Vec<&str> = Vec::new();
    let mut text = String::new();
    for line in transcript.lines() {
        // [2026-11-23 07:32:17 +0000] [PID] [INFO] what
        let timeless = match line.strip_prefix('[').and_then(|line| line.split_once("] ")) {
            Some((_, rest)) => rest,
            None => line,
        };
        for word in timeless.split_inclusive(|c: char| !c.is_ascii_digit()) {
            let number = word.trim_end_matches(|c: char| !c.is_ascii_digit());
            match number.len() {
                // A number of a process; 8000 is none, nor are those of versions and options.
                2.. if number != "8000" && number != "127" => {
                    let at = pids.iter().position(|pid| *pid == number);
                    let at = at.unwrap_or_else(|| {
                        pids.push(number);
                        pids.len() - 1
                    });
                    write!(text, "<{at}>{}", &word[number.len()..]).unwrap();
                }
                _ => text += word,
            }
        }
        text.push('\n');
    }
    text
}

#[test]
fn a_newcomer_gets_from_nothing_to_four_classes() {
    for program in ["cargo", "curl", "bash"] {
        if !has(program) {
            return println!("skipped, not here: {program}");
        }
    }
    let page = repository().join("docs/for-rust-authors.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let [setup, program, transcript] = blocks(&text);

    let home = tempfile::tempdir().unwrap();
    symlink(repository(), home.path().join("oxicorn")).unwrap();
    let folder = home.path().join("shop");
    for (number, line) in setup.lines().filter_map(|line| line.strip_prefix("$ ")).enumerate() {
        let place = if number == 0 { home.path() } else { &folder };
        let output = shell(place, line).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        if number == 0 {
            std::fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        }
    }
    std::fs::write(folder.join("src/main.rs"), program).unwrap();

    let played = play(&folder, transcript);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(page, text.replace(transcript, played.trim_end())).unwrap();
        return;
    }
    assert_eq!(plain(&played), plain(transcript), "UPDATE=1 writes the page anew");
}
