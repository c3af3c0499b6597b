//! What passes from an old master to a new one: the listening sockets, and two pipes. Descriptors
//! survive exec(2), their meaning does not; so the old master writes a letter, the environment
//! variable [`VARIABLE`], which says what each number is.
//!
//! Through the one pipe the new master says that it serves, or that it was told to stop. Nothing is written to the other: its end
//! says that the old master has gone, however that came about.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::str::FromStr;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::{Pid, read, write};
use oxicorn_core::config::{ConfigError, Environment};
use oxicorn_core::sys;

use crate::reexec;

/// The environment variable that is the letter.
pub(crate) const VARIABLE: &str = "OXICORN_FDS";

/// What the new master writes when its first worker is ready.
pub(crate) const READY: &[u8] = b"ready";

/// What the new master writes when it was told to stop: the clients are the old one's again.
pub(crate) const LEAVING: &[u8] = b"leaving";

/// A socket in the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) fd: RawFd,
    /// Device and inode of the socket's file, when the old master owned one.
    pub(crate) file: Option<(u64, u64)>,
    /// As the configuration has it: it says which `bind` this is.
    pub(crate) address: String,
}

/// The letter: `pid=7;ready=5;alive=6;3=127.0.0.1:8000;4:2049:131=unix:/run/x.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) pid: Pid,
    pub(crate) ready: RawFd,
    pub(crate) alive: RawFd,
    pub(crate) sockets: Vec<Entry>,
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Letter { pid, ready, alive, sockets } = self;
        write!(f, "pid={pid};ready={ready};alive={alive}")?;
        for Entry { fd, file, address } in sockets {
            write!(f, ";{fd}")?;
            if let Some((device, inode)) = file {
                write!(f, ":{device}:{inode}")?;
            }
            // A path may contain anything.
            write!(f, "={}", address.replace('%', "%25").replace(';', "%3B"))?;
        }
        Ok(())
    }
}

impl FromStr for Letter {
    type Err = String;

    fn from_str(text: &str) -> Result<Letter, String> {
        let (mut pid, mut ready, mut alive, mut sockets) = (None, None, None, Vec::new());
        for part in text.split(';') {
            let (key, value) =
                part.split_once('=').ok_or_else(|| format!("{part:?} has no '='"))?;
            match key {
                "pid" => pid = Some(Pid::from_raw(number(value)?)),
                "ready" => ready = Some(number(value)?),
                "alive" => alive = Some(number(value)?),
                key => sockets.push(entry(key, value)?),
            }
        }
        let missing = || "it is incomplete".to_owned();
        let pid = pid.ok_or_else(missing)?;
        let (ready, alive) = ready.zip(alive).ok_or_else(missing)?;
        Ok(Letter { pid, ready, alive, sockets })
    }
}

fn entry(key: &str, value: &str) -> Result<Entry, String> {
    let mut numbers = key.split(':');
    let fd = number(numbers.next().unwrap_or_default())?;
    let rest: Vec<u64> = numbers.map(number).collect::<Result<_, _>>()?;
    let file = match rest[..] {
        [] => None,
        [device, inode] => Some((device, inode)),
        _ => return Err(format!("{key:?} is no socket")),
    };
    let address = value.replace("%3B", ";").replace("%25", "%");
    Ok(Entry { fd, file, address })
}

fn number<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

/// A socket that was handed over.
#[derive(Debug)]
pub(crate) struct Inherited {
    pub(crate) fd: OwnedFd,
    pub(crate) entry: Entry,
}

/// What the master that started this one has handed over.
#[derive(Debug)]
pub struct Handover {
    pub(crate) sockets: Vec<Inherited>,
    pub(crate) predecessor: Predecessor,
}

impl Handover {
    /// Takes over what the environment variable `OXICORN_FDS` says, if there is one, and takes it
    /// out of `env` and out of the environment of this process: neither an application nor whatever
    /// that starts is the heir. To be called first thing in `main`, while there is one thread.
    ///
    /// # Errors
    /// The variable names what was not handed over.
    pub fn take(env: &mut Environment) -> Result<Option<Handover>, ConfigError> {
        let Some(text) = env.remove(OsStr::new(VARIABLE)) else {
            return Ok(None);
        };
        reexec::forget(VARIABLE);
        Handover::read(&text)
            .map(Some)
            .map_err(|reason| ConfigError::message(format!("{VARIABLE}: {reason}")))
    }

    /// What was addressed to the old master by its process number is this one's: the sockets that
    /// systemd has passed (sd_listen_fds(3)) and the signs of life that it waits for
    /// (sd_watchdog_enabled(3)).
    pub fn readdress(&self, env: &mut Environment) {
        let old = OsString::from(self.predecessor.pid.to_string());
        let own = OsString::from(std::process::id().to_string());
        for name in ["LISTEN_PID", "WATCHDOG_PID"] {
            if let Some(pid) = env.get_mut(OsStr::new(name)).filter(|pid| **pid == old) {
                pid.clone_from(&own);
            }
        }
    }

    fn read(text: &OsString) -> Result<Handover, String> {
        let letter: Letter = text.to_str().ok_or("it is not UTF-8")?.parse()?;
        let own = |fd| {
            let fd = sys::adopt(fd).map_err(|error| format!("descriptor {fd}: {error}"))?;
            // Whatever this process executes is no heir.
            fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(|e| e.to_string())?;
            Ok::<OwnedFd, String>(fd)
        };
        let (pid, ready, alive) = (letter.pid, own(letter.ready)?, own(letter.alive)?);
        let inherited = |entry: Entry| Ok(Inherited { fd: own(entry.fd)?, entry });
        let sockets: Result<_, String> = letter.sockets.into_iter().map(inherited).collect();
        let predecessor = Predecessor { pid, ready, alive };
        Ok(Handover { sockets: sockets?, predecessor })
    }
}

/// The old master, as the new one knows it.
#[derive(Debug)]
pub(crate) struct Predecessor {
    pub(crate) pid: Pid,
    ready: OwnedFd,
    alive: OwnedFd,
}

impl Predecessor {
    /// Readable when it has gone.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.alive.as_fd()
    }

    /// That this master serves. Nobody listens any more: then there is nobody to be told.
    pub(crate) fn tell_ready(&self) {
        let _ = write(&self.ready, READY);
    }

    /// That this master was told to stop.
    pub(crate) fn tell_leaving(&self) {
        let _ = write(&self.ready, LEAVING);
    }

    pub(crate) fn has_gone(&self) -> bool {
        !matches!(read(&self.alive, &mut [0; 8]), Err(Errno::EAGAIN | Errno::EINTR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_read_as_it_was_written() {
        let entry = |fd, file, address: &str| Entry { fd, file, address: address.to_owned() };
        let letter = Letter {
            pid: Pid::from_raw(7),
            ready: 5,
            alive: 6,
            sockets: vec![
                entry(3, None, "127.0.0.1:8000"),
                entry(4, Some((2049, 131)), "unix:/a;b=c%3B,d"),
                entry(9, None, "fd://3"),
            ],
        };
        let text = letter.to_string();
        assert!(text.starts_with("pid=7;ready=5;alive=6;3=127.0.0.1:8000;4:2049:131=unix:/a"));
        assert_eq!(text.parse(), Ok(letter));
    }

    #[test]
    fn a_letter_that_makes_no_sense_is_refused() {
        for text in [
            "",
            "3",
            "pid=7;ready=5",
            "pid=x;ready=5;alive=6",
            "pid=7;ready=5;alive=6;x=unix:/x",
            "pid=7;ready=5;alive=6;3:1=unix:/x",
        ] {
            assert!(text.parse::<Letter>().is_err(), "{text}");
        }
        let mut env =
            Environment::from([(VARIABLE.into(), "pid=1;ready=19997;alive=19998".into())]);
        let error = Handover::take(&mut env).unwrap_err().to_string();
        assert!(error.starts_with("OXICORN_FDS: descriptor 19997: "), "{error}");
        assert!(env.is_empty());
        assert!(Handover::take(&mut env).unwrap().is_none());
    }
}
