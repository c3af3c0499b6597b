//! The start of a new master by an old one: fork(2), and exec(2) of the binary that lies now where
//! this one was found at its own start. Not `/proc/self/exe`, which is the file that this process was
//! started from even after a deploy has put another in its place.
//!
//! The child of the fork runs nothing of the master's: it lets its descriptors through, becomes the
//! new program, and where that fails it says why through the pipe and is gone.
#![allow(unsafe_code)]

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::unistd::{AccessFlags, Pid, access, chdir, execve, pipe2, read, write};
use oxicorn_core::config::Environment;

use crate::handover::{Entry, LEAVING, Letter, READY, VARIABLE};
use crate::signals;
use crate::spawn::{self, ForkError, Forked};

/// The exit code of a child that could not become the new program: the shell's "cannot execute".
const CANNOT_EXEC: i32 = 126;

/// How this process was started, so that it can be done again.
#[derive(Clone, Debug)]
pub struct Birth {
    program: PathBuf,
    argv: Vec<OsString>,
    env: Environment,
    folder: PathBuf,
}

impl Birth {
    /// To be called at the start, before anybody changes the working directory. `argv` begins with
    /// the program's name, by which the binary is found as it was found this time: from the working
    /// directory when it contains a slash, else in the `PATH` of `env`.
    pub fn of(argv: &[OsString], env: &Environment) -> Birth {
        let folder = start_folder(env);
        let name = argv.first().map(OsString::as_os_str).unwrap_or_default();
        let path = env.get(OsStr::new("PATH")).map(OsString::as_os_str).unwrap_or_default();
        let program = find(name, path, &folder);
        let program = program.or_else(|| std::env::current_exe().ok()).unwrap_or_default();
        Birth { program, argv: argv.to_vec(), env: env.clone(), folder }
    }
}

/// The working directory, by the name that the shell has for it, if it has one: a deploy changes
/// what the symbolic links in that name lead to.
fn start_folder(env: &Environment) -> PathBuf {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let named = env.get(OsStr::new("PWD")).map(PathBuf::from).filter(|path| path.is_absolute());
    let same =
        |path: &PathBuf| identity(path).is_some_and(|it| Some(it) == identity(Path::new(".")));
    named.filter(same).or_else(|| std::env::current_dir().ok()).unwrap_or_default()
}

/// Where a shell would have found it.
fn find(name: &OsStr, path: &OsStr, folder: &Path) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(folder.join(name));
    }
    let executable = |file: &PathBuf| file.is_file() && access(file, AccessFlags::X_OK).is_ok();
    let folders = std::env::split_paths(path).filter(|_| !name.is_empty());
    folders.map(|each| folder.join(each).join(name)).find(executable)
}

/// Takes a variable out of the environment of this process.
pub(crate) fn forget(variable: &str) {
    // SAFETY: the caller's promise, see `Handover::take`: this process has one thread, so nobody
    // reads the environment meanwhile.
    #[expect(clippy::disallowed_methods, reason = "there is one thread, see above")]
    unsafe {
        std::env::remove_var(variable);
    }
}

/// Why there is no new master.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReexecError {
    #[error("pipe: {0}")]
    Pipe(Errno),
    #[error(transparent)]
    Fork(#[from] ForkError),
}

/// What the new master has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Ready,
    /// It was told to stop.
    Leaving,
    /// It has not become one.
    Failed(String),
}

/// The new master, as the old one knows it.
#[derive(Debug)]
pub(crate) struct Successor {
    pub(crate) pid: Pid,
    /// None: nothing more will be said.
    words: Option<OwnedFd>,
    /// Never written to: its end, when this process has gone, is the message.
    _alive: OwnedFd,
}

impl Successor {
    /// Starts it, with these sockets.
    ///
    /// # Errors
    /// There is no process. That it cannot be executed is said by [`Successor::hear`].
    pub(crate) fn start(
        birth: &Birth,
        sockets: &[(BorrowedFd<'_>, Entry)],
    ) -> Result<Successor, ReexecError> {
        let flags = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let (words, ready) = pipe2(flags).map_err(ReexecError::Pipe)?;
        let (heard, alive) = pipe2(flags).map_err(ReexecError::Pipe)?;
        let letter = Letter {
            pid: Pid::this(),
            ready: ready.as_raw_fd(),
            alive: heard.as_raw_fd(),
            sockets: sockets.iter().map(|(_, entry)| entry.clone()).collect(),
        };
        match spawn::fork()? {
            Forked::Master(pid) => Ok(Successor { pid, words: Some(words), _alive: alive }),
            Forked::Child => {
                let passed =
                    sockets.iter().map(|(fd, _)| *fd).chain([ready.as_fd(), heard.as_fd()]);
                let Err(reason) = become_master(birth, &letter, passed);
                let _ = write(&ready, reason.as_bytes());
                // SAFETY: _exit ends the process and runs nothing of the master's.
                unsafe { libc::_exit(CANNOT_EXEC) }
            }
        }
    }

    /// Readable when it has something to say.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.words.as_ref().map(AsFd::as_fd)
    }

    /// What it has to say.
    pub(crate) fn hear(&mut self) -> Vec<Word> {
        let Some(words) = &self.words else {
            return Vec::new();
        };
        let mut buffer = [0; 4096];
        let heard = match read(words, &mut buffer) {
            Err(Errno::EAGAIN | Errno::EINTR) => return Vec::new(),
            Ok(count) if count > 0 => &buffer[..count],
            _ => {
                self.words = None;
                return Vec::new();
            }
        };
        // One word may have come right after the other.
        let (ready, rest) = match heard.strip_prefix(READY) {
            Some(rest) => (Some(Word::Ready), rest),
            None => (None, heard),
        };
        let second = match rest {
            [] => None,
            LEAVING => Some(Word::Leaving),
            text => Some(Word::Failed(String::from_utf8_lossy(text).into_owned())),
        };
        ready.into_iter().chain(second).collect()
    }
}

/// In the child: comes back only when it cannot be done, and says why.
fn become_master<'a>(
    birth: &Birth,
    letter: &Letter,
    passed: impl Iterator<Item = BorrowedFd<'a>>,
) -> Result<Infallible, String> {
    let program = birth.program.display();
    let cannot = |error: Errno| format!("cannot exec {program}: {}", error.desc());
    for fd in passed {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())).map_err(cannot)?;
    }
    chdir(&birth.folder)
        .map_err(|error| format!("cannot enter {}: {}", birth.folder.display(), error.desc()))?;
    let zero = |_| format!("cannot exec {program}: a zero byte");
    let text = |bytes: &OsStr| CString::new(bytes.as_bytes()).map_err(zero);
    let argv: Vec<CString> = birth.argv.iter().map(|a| text(a)).collect::<Result<_, _>>()?;
    let variables = birth.env.iter().map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    let letter = format!("{VARIABLE}={letter}");
    let env = variables
        .map(|pair| OsString::from_vec(pair.join(&b'=')))
        .chain([OsString::from(letter)])
        .map(|variable| text(&variable));
    let env: Vec<CString> = env.collect::<Result<_, _>>()?;
    let path = text(birth.program.as_os_str())?;
    signals::reset();
    execve(&path, &argv, &env).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_binary_is_found_as_a_shell_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let file = |name: &str, mode| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        file("a/server", 0o644);
        let right = file("b/server", 0o755);
        let search = |name: &str| find(OsStr::new(name), OsStr::new("a:b"), folder);
        assert_eq!(search("server"), Some(right), "the first that can be executed");
        assert_eq!(search("./server"), Some(folder.join("./server")));
        assert_eq!(search("/x/server"), Some(PathBuf::from("/x/server")));
        assert_eq!(search("nobody"), None);
        assert_eq!(search(""), None);
    }

    #[test]
    fn the_start_folder_is_named_as_the_shell_names_it() {
        let real = std::env::current_dir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("current");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let named = |path: &Path| Environment::from([("PWD".into(), path.into())]);
        assert_eq!(start_folder(&named(&link)), link);
        assert_eq!(start_folder(&named(folder.path())), real, "a name for something else");
        assert_eq!(start_folder(&Environment::new()), real);
    }
}
