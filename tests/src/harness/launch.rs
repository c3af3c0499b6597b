//! How a server is started: the command line, the environment and the socket, each with a default
//! that suits most tests.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use super::server::Server;
use crate::contract::{Hosted, Serving, Subject};

/// Where the server can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over a unix socket.
    Unix(PathBuf),
}

/// Where the listening socket comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bind {
    /// The test binds it and the server inherits it.
    Inherited,
    /// The server makes a unix socket in the test's folder.
    Unix,
    /// The test's configuration file names that unix socket, perhaps among others.
    File,
    /// The server makes what is written here, and is then found there.
    At(String, Address),
}

/// Where the access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AccessLog {
    Standard,
    File(PathBuf),
}

/// Everything the server is started with.
#[derive(Debug)]
pub struct Launch {
    binary: PathBuf,
    class: String,
    workers: u32,
    threads: Option<u32>,
    bind: Bind,
    access_log: AccessLog,
    app: Option<String>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: TempDir,
}

/// Longer than any test's queue of connections, so that none is refused for want of room.
const BACKLOG: i32 = 1024;
/// What a server needs for Python applications.
const EXTENSION: &str = "liboxicorn_python.so";
/// Threads of a class that has a pool, when the test does not say how many.
const SOME_THREADS: u32 = 4;

impl Launch {
    /// One worker of the subject's class, the demo application, the access log on standard output.
    pub fn of(subject: &Subject) -> Launch {
        let launch = Launch {
            binary: subject.binary.clone(),
            class: subject.class.clone(),
            workers: 1,
            threads: (subject.serving == Serving::Threads).then_some(SOME_THREADS),
            bind: Bind::Inherited,
            access_log: AccessLog::Standard,
            app: None,
            args: Vec::new(),
            env: Vec::new(),
            folder: tempfile::tempdir().expect("a folder for the server"),
        };
        match &subject.hosted {
            Some(Hosted { module, python, .. }) => launch.python(python, module),
            None => launch,
        }
    }

    /// The callable `application` of a Python module, which is copied into the server's folder, run by
    /// this interpreter.
    ///
    /// # Panics
    /// When the module cannot be copied.
    pub fn python(self, python: &Path, module: &Path) -> Launch {
        let name = module.file_name().expect("a file");
        std::fs::copy(module, self.folder().join(name)).expect("a copy of the module");
        let stem = module.file_stem().expect("a file").to_string_lossy();
        let interpreter = python.to_str().expect("a path that is text");
        self.app(&format!("{stem}:application")).env("OXICORN_PYTHON", interpreter)
    }

    /// So many workers.
    pub fn workers(mut self, number: u32) -> Launch {
        self.workers = number;
        self
    }

    /// So many threads in each worker.
    pub fn threads(mut self, number: u32) -> Launch {
        self.threads = Some(number);
        self
    }

    /// This application instead of the demo.
    pub fn app(mut self, name: &str) -> Launch {
        self.app = Some(name.to_owned());
        self
    }

    /// More arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Launch {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// A variable for its environment, which has nothing but `PATH` otherwise.
    pub fn env(mut self, name: &str, value: &str) -> Launch {
        self.env.push((name.into(), value.into()));
        self
    }

    /// A unix socket that the server makes, instead of the inherited one.
    pub fn on_unix_socket(mut self) -> Launch {
        self.bind = Bind::Unix;
        self
    }

    /// A copy of the binary in the server's folder, which the test may replace: it is in the folder's
    /// `bin/server`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn own_binary(mut self) -> Launch {
        let path = self.folder.path().join("bin/server");
        std::fs::create_dir(self.folder.path().join("bin")).expect("a folder for the binary");
        // A second name is as good, and costs nothing, where it can be had: a test that replaces the
        // file removes the name.
        let linked = std::fs::hard_link(&self.binary, &path);
        linked.or_else(|_| std::fs::copy(&self.binary, &path).map(drop)).expect("a copy");
        // What cargo leaves beside a binary has to be beside its copy.
        let extension = self.binary.with_file_name("deps").join(EXTENSION);
        if extension.exists() {
            let beside = path.with_file_name(EXTENSION);
            std::os::unix::fs::symlink(extension, beside).expect("a link to the extension");
        }
        self.binary = path;
        self
    }

    /// The addresses that the test's configuration file names, `server.sock` in the test's folder
    /// among them, instead of the inherited one: a reload can change them.
    pub fn bound_by_its_file(mut self) -> Launch {
        self.bind = Bind::File;
        self
    }

    /// What `-b` takes, instead of the inherited socket, and where the server is to be found then.
    pub fn listening_at(mut self, bind: &str, address: Address) -> Launch {
        self.bind = Bind::At(bind.to_owned(), address);
        self
    }

    /// The access log in this file instead of on standard output.
    pub fn access_log_in(mut self, file: &Path) -> Launch {
        self.access_log = AccessLog::File(file.to_owned());
        self
    }

    /// The server's working directory: its own, empty, removed when the server is dropped.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn socket_path(&self) -> PathBuf {
        self.folder.path().join("server.sock")
    }

    /// Starts it and waits until every worker has booted and a request has been answered.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn start(self) -> Server {
        let workers = self.workers;
        let server = self.spawn();
        server.wait_ready(workers);
        server
    }

    /// Starts it and waits for nothing.
    ///
    /// # Panics
    /// When it cannot even be started.
    #[track_caller]
    pub fn spawn(self) -> Server {
        let mut command = Command::new(&self.binary);
        clean_environment(&mut command);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path());
        command.args(["-k", &self.class, "-w", &self.workers.to_string()]);
        if let Some(threads) = self.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        command.arg("--access-logfile");
        match &self.access_log {
            AccessLog::Standard => command.arg("-"),
            AccessLog::File(path) => command.arg(path),
        };
        let address = match self.bind {
            Bind::Inherited => inherit_socket(&mut command),
            Bind::File => Address::Unix(self.socket_path()),
            Bind::Unix => {
                let path = self.socket_path();
                command.args([OsString::from("-b"), format!("unix:{}", path.display()).into()]);
                Address::Unix(path)
            }
            Bind::At(bind, address) => {
                command.args(["-b", &bind]);
                address
            }
        };
        command.args(&self.args).args(&self.app);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn();
        let child = child.unwrap_or_else(|e| panic!("{}: {e}", self.binary.display()));
        // The command still holds our copy of the listening socket. As long as anybody has it open
        // connections queue up on it, even when the server has gone.
        drop(command);
        Server::adopt(child, address, self.folder)
    }
}

/// Takes everything out of the environment that could be a setting of the server. What a coverage
/// tool needs stays.
pub(super) fn clean_environment(command: &mut Command) {
    command.env_clear();
    for name in ["PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

fn inherit_socket(command: &mut Command) -> Address {
    let (socket, address) = listening_socket();
    let mapping = FdMapping { parent_fd: socket, child_fd: 3 };
    command.fd_mappings(vec![mapping]).expect("one descriptor cannot collide");
    command.args(["-b", "fd://3"]);
    Address::Tcp(address)
}

/// A listening socket on a port of the loopback interface that is this test's alone.
pub(super) fn listening_socket() -> (OwnedFd, SocketAddr) {
    let make = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        socket.listen(BACKLOG)?;
        let address = socket.local_addr()?;
        Ok::<_, std::io::Error>((OwnedFd::from(socket), address))
    };
    let (socket, address) = make().expect("a listening socket");
    let address = address.as_socket().expect("it was bound to an IPv4 address");
    (socket, address)
}
