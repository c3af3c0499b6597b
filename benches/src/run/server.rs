//! A server under measurement: started on a free port, asked until it answers, stopped with all that
//! it has started.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::measure::Failed;
use crate::load::probe;
use crate::subject::Subject;
use crate::system::{Cores, Group, Interrupt, Usage, exec};

/// How long a server may take to its first answer.
const BOOT: Duration = Duration::from_secs(20);
/// Between two questions whether it is there.
const PAUSE: Duration = Duration::from_millis(1);
/// How long one such question may take; `/write?ms=500` is among them.
const PATIENCE: Duration = Duration::from_secs(5);
/// The variables that would change a server behind its command line's back.
const SETTINGS: [&str; 5] =
    ["PORT", "WEB_CONCURRENCY", "SERVER_CMD_ARGS", "GUNICORN_CMD_ARGS", "GRANIAN_WORKERS"];

/// One that answers.
#[derive(Debug)]
pub(super) struct Server {
    group: Group,
    pub(super) address: SocketAddr,
    /// From the start of the command to the first 200.
    pub(super) start_up: Duration,
    /// After the first answer.
    pub(super) fresh: Usage,
}

/// A port that nobody has: the system does not give it out again soon.
fn free_port() -> io::Result<u16> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let address = socket.local_addr()?.as_socket();
    address.map(|address| address.port()).ok_or(io::ErrorKind::AddrNotAvailable.into())
}

fn log_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl Server {
    /// Starts it in `folder`, its output in `log`, and waits for its first answer.
    pub(super) fn start(
        subject: &Subject,
        cores: &Cores,
        folder: &Path,
        log: &Path,
        upstream: Option<u16>,
        interrupt: &Interrupt,
    ) -> Result<Server, Failed> {
        let port = free_port()?;
        let mut words = subject.words(port).into_iter();
        let program = words.next().unwrap_or_default();
        let mut command = exec(program, words.collect(), &cores.server)?;
        clean(&mut command, upstream);
        command.current_dir(folder).stdin(Stdio::null());
        command.stdout(log_file(log)?).stderr(log_file(log)?);
        let started = Instant::now();
        let mut group = Group::start(&mut command)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        while probe(address, "/", PATIENCE).ok() != Some(200) {
            if !group.runs() || started.elapsed() > BOOT {
                return Err(Failed::Server(format!(
                    "{} does not answer: see {}",
                    subject.name,
                    log.display()
                )));
            }
            interrupt.sleep(PAUSE)?;
        }
        let start_up = started.elapsed();
        let fresh = Usage::of(group.pid());
        Ok(Server { group, address, start_up, fresh })
    }

    /// What it uses.
    pub(super) fn usage(&self) -> Usage {
        Usage::of(self.group.pid())
    }

    /// The status of its answer to a request for `path`.
    pub(super) fn status(&self, path: &str) -> io::Result<u16> {
        probe(self.address, path, PATIENCE)
    }

    pub(super) fn stop(self, interrupt: &Interrupt) -> Result<(), Failed> {
        Ok(self.group.stop(interrupt)?)
    }
}

fn clean(command: &mut Command, upstream: Option<u16>) {
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.to_string_lossy().starts_with("OXICORN_")) {
        command.env_remove(name);
    }
    for name in SETTINGS {
        command.env_remove(name);
    }
    if let Some(port) = upstream {
        command.env("OXICORN_DEMO_UPSTREAM", format!("127.0.0.1:{port}"));
    }
}
