//! Making the process: a fork, and in the child an exec. The child is already the user that the
//! workers are to be when it becomes the other program, so nothing that belongs to the application
//! (its interpreter's start-up files among it) ever runs with the master's rights. Only a configuration
//! file does that has to be executed: the user is perhaps one of the settings in it.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, execve, getppid};
use oxicorn_core::config::Config;
use oxicorn_core::listener::passed;

use super::post;
use super::words::{Answer, Blame, Opening};
use super::{Host, post::PostError};
use crate::identity;
use crate::spawn::{self, ForkError, Forked};

/// Of a child that could not become the other program; it has said why.
const CANNOT_EXEC: u8 = 127;

/// Why there is no zygote.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{doing}: {errno}")]
    System { doing: &'static str, errno: Errno },
    #[error(transparent)]
    Fork(#[from] ForkError),
    #[error("its letter could not be sent: {0}")]
    Letter(#[from] PostError),
}

fn system(doing: &'static str) -> impl FnOnce(Errno) -> StartError {
    move |errno| StartError::System { doing, errno }
}

/// Starts it, tells it this, and gives it these descriptors. `config` is None as long as nobody knows
/// the settings. That the program could not be executed
/// is said by [`Answer::Failed`].
///
/// # Errors
/// There is no process.
pub(super) fn start(
    host: &Host,
    config: Option<&Config>,
    opening: &Opening,
    descriptors: &[BorrowedFd<'_>],
) -> Result<(Pid, OwnedFd), StartError> {
    set_child_subreaper(true).map_err(system("prctl"))?;
    let (own, other) = post::pair().map_err(system("socketpair"))?;
    // It fits into the socket's buffer: nobody is waited for.
    post::send(own.as_fd(), opening, descriptors)?;
    let master = Pid::this();
    match spawn::fork()? {
        Forked::Master(pid) => Ok((pid, own)),
        Forked::Child => {
            let Err(reason) = become_host(host, config, other.as_fd(), master);
            let failed = Answer::Failed { blame: Blame::Ours, reason };
            let _ = post::send(other.as_fd(), &failed, &[]);
            spawn::quit(CANNOT_EXEC)
        }
    }
}

/// In the child, which keeps all signals blocked: comes back only when it cannot be done, and says
/// why.
fn become_host(
    host: &Host,
    config: Option<&Config>,
    socket: BorrowedFd<'_>,
    master: Pid,
) -> Result<Infallible, String> {
    if let Some(config) = config {
        identity::assume(config).map_err(|error| error.to_string())?;
    }
    let program = host.program.display();
    let cannot = |error: Errno| format!("cannot execute {program}: {}", error.desc());
    // After the change of user, which undoes it. An import may take minutes, and nobody is there to
    // whom it could be of use.
    set_pdeathsig(Signal::SIGKILL).map_err(cannot)?;
    if getppid() != master {
        return Err("the master has gone".to_owned());
    }
    for fd in host.carried.iter().map(|fd| fd.as_fd()).chain([socket]) {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())).map_err(cannot)?;
    }
    let zero = |_| format!("cannot execute {program}: a zero byte");
    let text = |bytes: &OsStr| CString::new(bytes.as_bytes()).map_err(zero);
    let number = OsString::from(socket.as_raw_fd().to_string());
    let arguments = host.arguments.iter().chain([&number]);
    let arguments = arguments.map(|argument| text(argument)).collect::<Result<Vec<_>, _>>()?;
    let environment = environment(config).into_iter().map(|variable| text(&variable));
    let environment = environment.collect::<Result<Vec<_>, _>>()?;
    execve(&text(host.program.as_os_str())?, &arguments, &environment).map_err(cannot)
}

/// This process' own, with the application's variables, and without what is meant for the master.
fn environment(config: Option<&Config>) -> Vec<OsString> {
    let given = config.map_or(&[][..], |config| &config.raw_env.0);
    let hidden = |name: &OsStr| {
        passed::VARIABLES.iter().any(|variable| name == *variable)
            || given.iter().any(|variable| name == variable.name.as_str())
    };
    let pair = |name: &OsStr, value: &OsStr| {
        OsString::from_vec([name.as_bytes(), value.as_bytes()].join(&b'='))
    };
    let inherited = std::env::vars_os().filter(|(name, _)| !hidden(name));
    let inherited = inherited.map(|(name, value)| pair(&name, &value));
    let own = given.iter().map(|v| pair(v.name.as_ref(), v.value.as_ref()));
    inherited.chain(own).collect()
}
