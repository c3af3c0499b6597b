//! A MariaDB of the tests' own, in a folder that is removed at the end: nothing that is installed is
//! changed, and it listens on the loopback interface only. Where it is not installed, that is said.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mysql::prelude::Queryable;
use oxicorn_tests::Deadline;
use tempfile::TempDir;

/// Run when it starts, a statement a line.
const FIRST: &str = "\
    create database clients;\n\
    create table clients.words (id bigint unsigned auto_increment primary key, word text);\n\
    create user 'oxicorn'@'127.0.0.1' identified by 'for this run';\n\
    grant all on *.* to 'oxicorn'@'127.0.0.1';\n";

/// It ends with this.
pub(crate) struct MariaDb {
    process: Child,
    _folder: TempDir,
    /// Where clients find it.
    pub(crate) url: String,
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl MariaDb {
    pub(crate) fn connect(&self) -> mysql::Conn {
        mysql::Conn::new(self.url.as_str()).expect("a connection to MariaDB")
    }
}

#[expect(clippy::disallowed_methods, reason = "to know which port is free")]
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listening socket");
    listener.local_addr().expect("its address").port()
}

/// A program, which Debian keeps where only root's path leads. What it is run by ends it with the test,
/// whatever becomes of that.
/// Its temporary tables are in a folder of its own: each one that starts clears away those that it finds,
/// and in /tmp they could be another's.
fn command(program: &str, folder: &Path) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program, "--no-defaults"]);
    command.env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin")).arg("--user=root");
    command.arg(format!("--datadir={}", folder.join("data").display())).stdin(Stdio::null());
    command.env("TMPDIR", folder);
    command
}

/// `None`: it is not installed.
pub(crate) fn start() -> Option<MariaDb> {
    let folder = tempfile::tempdir().expect("a folder");
    let install = command("mariadb-install-db", folder.path())
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .output();
    match install {
        Ok(output) if output.status.success() => {}
        // What setpriv says of a program that is not there.
        Ok(output) if output.status.code() == Some(127) => return missing(),
        Err(_) => return missing(),
        Ok(output) => panic!("{output:?}"),
    }
    let first = folder.path().join("first.sql");
    std::fs::write(&first, FIRST).expect("the first statements");
    // Somebody else may get a port before it has it.
    for _ in 0..5 {
        let port = free_port();
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut process = command("mariadbd", folder.path())
            .args([format!("--port={port}"), format!("--init-file={}", first.display())])
            .arg(format!("--socket={}", folder.path().join("socket").display()))
            .args(["--bind-address=127.0.0.1", "--max-connections=200", "--skip-log-bin"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mariadbd");
        let url = format!("mysql://oxicorn:for%20this%20run@127.0.0.1:{port}/clients");
        let is_there = Deadline::seconds(60).expect("MariaDB, or its end", || {
            let answers =
                mysql::Conn::new(url.as_str()).and_then(|mut it| it.query_drop("select 1"));
            let has_ended = process.try_wait().expect("its status").is_some();
            answers.is_ok().then_some(true).or_else(|| has_ended.then_some(false))
        });
        if is_there {
            return Some(MariaDb { process, _folder: folder, url });
        }
    }
    panic!("MariaDB does not start");
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn missing() -> Option<MariaDb> {
    println!("skipped: there is no MariaDB");
    None
}
