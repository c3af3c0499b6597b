//! The file that says which process the master is, for whoever sends it signals. Two promises: no
//! reader ever finds half a number in it, and no server removes or overwrites what belongs to another
//! that lives. While there are two masters the new one is in `NAME.2`; the old one, when it leaves,
//! gives its name to the new one before it is gone, so that there is no moment without the file.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::signal::kill;
use nix::unistd::{AccessFlags, Pid, faccessat};

/// Everybody may know.
const MODE: u32 = 0o644;

/// Why there is no pidfile, as it follows "pidfile = ... (command line): ".
#[derive(Debug, thiserror::Error)]
pub enum PidfileError {
    /// Another process has it, or had it before it ended without removing it, and its number is
    /// somebody else's now.
    #[error("Already running on PID {pid} (or pidfile '{}' is stale)", path.display())]
    Running {
        /// The process that the file names.
        pid: Pid,
        /// The file.
        path: PathBuf,
    },
    /// Something is there that must not be replaced.
    #[error("'{}' is there already, and is no file", .0.display())]
    NoFile(PathBuf),
    /// It cannot be read, or not be written.
    #[error("{}: {source}", path.display())]
    System {
        /// Where it, or its folder, is.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Whether the pidfile could be written: what `--check-config` wants to know. Which process an
/// existing file names is not looked at: that it runs is not wrong.
///
/// # Errors
/// The folder is not there or cannot be written to, or there is something else than a file.
pub fn check_pidfile(path: &Path) -> Result<(), PidfileError> {
    let path = absolute(path)?;
    let folder = path.parent().unwrap_or(&path);
    let modes = AccessFlags::W_OK | AccessFlags::X_OK;
    faccessat(AT_FDCWD, folder, modes, AtFlags::AT_EACCESS)
        .map_err(|error| system(folder, error.into()))?;
    content(&path).map(drop)
}

/// Which of two masters this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// The only one, or the old one.
    First,
    /// The new one, beside this old one.
    Second(Pid),
}

/// The file, once it has been written.
#[derive(Debug)]
pub(crate) struct Pidfile {
    name: PathBuf,
    rank: Rank,
}

/// What is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Nothing,
    Nonsense,
    Process(Pid),
}

impl Pidfile {
    /// Whether this process may write it.
    ///
    /// # Errors
    /// It names another process that lives; or it could not be written.
    pub(crate) fn is_free(name: &Path, rank: Rank) -> Result<(), PidfileError> {
        check_pidfile(name)?;
        let name = absolute(name)?;
        for path in places(&name, rank) {
            let Content::Process(pid) = content(&path)? else {
                continue;
            };
            let one_of_us = pid == Pid::this() || rank == Rank::Second(pid);
            if !one_of_us && lives(pid) {
                return Err(PidfileError::Running { pid, path });
            }
        }
        Ok(())
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of [`Pidfile::is_free`].
    pub(crate) fn claim(name: &Path, rank: Rank) -> Result<Pidfile, PidfileError> {
        Pidfile::is_free(name, rank)?;
        let pidfile = Pidfile { name: absolute(name)?, rank };
        let path = pidfile.path();
        match content(&path)? {
            Content::Nothing => {}
            Content::Process(pid) if pid == Pid::this() => {}
            Content::Process(pid) => {
                tracing::info!(
                    "Replacing the pidfile '{}': process {pid} has gone",
                    path.display()
                );
            }
            Content::Nonsense => {
                tracing::info!("Replacing the pidfile '{}': it names no process", path.display());
            }
        }
        write(&path)?;
        Ok(pidfile)
    }

    /// Whether it is the file that this setting means.
    pub(crate) fn is_at(&self, name: &Path) -> bool {
        absolute(name).is_ok_and(|name| name == self.name)
    }

    /// Where this master's number is.
    fn path(&self) -> PathBuf {
        match self.rank {
            Rank::First => self.name.clone(),
            Rank::Second(_) => second(&self.name),
        }
    }

    /// The old master has gone: from now on this one has the name.
    ///
    /// # Errors
    /// Another server has taken it meanwhile, or it cannot be written.
    pub(crate) fn promote(&mut self) -> Result<(), PidfileError> {
        let (before, name) = (self.path(), self.name.clone());
        if content(&name)? != Content::Process(Pid::this()) {
            Pidfile::is_free(&name, self.rank)?;
            // Anew where somebody has removed it meanwhile.
            fs::rename(&before, &name)
                .or_else(|_| write(&name).map_err(io::Error::other))
                .map_err(|error| system(&name, error))?;
        }
        self.rank = Rank::First;
        Ok(())
    }

    /// At the end: gives the name to the new master, if there is one that has written a pidfile, and
    /// removes it otherwise. What is not this process' is left alone.
    pub(crate) fn leave(&self, successor: Option<Pid>) {
        let (path, heirs) = (self.path(), second(&self.name));
        let holds = |path: &Path, pid| content(path).is_ok_and(|c| c == Content::Process(pid));
        if !holds(&path, Pid::this()) {
            return;
        }
        let done = match successor.filter(|&pid| holds(&heirs, pid)) {
            Some(_) => fs::rename(&heirs, &path),
            None => fs::remove_file(&path),
        };
        if let Err(error) = done {
            tracing::warn!("The pidfile '{}' stays: {error}", path.display());
        }
    }
}

/// The files that matter to a master of this rank.
fn places(name: &Path, rank: Rank) -> Vec<PathBuf> {
    match rank {
        Rank::First => vec![name.to_owned()],
        Rank::Second(_) => vec![name.to_owned(), second(name)],
    }
}

/// Of the new one of two masters.
fn second(name: &Path) -> PathBuf {
    let mut second = name.as_os_str().to_owned();
    second.push(".2");
    second.into()
}

fn system(path: &Path, source: io::Error) -> PidfileError {
    PidfileError::System { path: path.to_owned(), source }
}

/// A name that means the same after a change of the working directory.
fn absolute(path: &Path) -> Result<PathBuf, PidfileError> {
    std::path::absolute(path).map_err(|error| system(path, error))
}

fn content(path: &Path) -> Result<Content, PidfileError> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => return Err(PidfileError::NoFile(path.to_owned())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Nothing),
        Err(error) => return Err(system(path, error)),
    }
    let mut bytes = Vec::new();
    // Longer than any number: what is longer is none.
    let read = File::open(path).and_then(|file| file.take(32).read_to_end(&mut bytes));
    read.map_err(|error| system(path, error))?;
    let text = String::from_utf8_lossy(&bytes);
    let pid = text.trim().parse().ok().filter(|&pid: &i32| pid > 0);
    Ok(pid.map_or(Content::Nonsense, |pid| Content::Process(Pid::from_raw(pid))))
}

fn lives(pid: Pid) -> bool {
    !matches!(kill(pid, None), Err(Errno::ESRCH))
}

/// All of it at once: a file beside it, which then takes its name.
fn write(path: &Path) -> Result<(), PidfileError> {
    let pid = std::process::id();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{pid}"));
    // Left behind by a process of the same number: in a container that is likely.
    let _ = fs::remove_file(&temporary);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(&temporary)
        .and_then(|mut file| {
            // Whatever the umask is.
            file.set_permissions(Permissions::from_mode(MODE))?;
            writeln!(file, "{pid}")
        })
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        system(path, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that lives and is not this one.
    fn somebody() -> Pid {
        Pid::parent()
    }

    /// Above what the kernel gives out.
    const NOBODY: &str = "2147483647\n";

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn own() -> String {
        format!("{}\n", std::process::id())
    }

    #[test]
    fn it_is_written_whole_and_removed_only_by_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        for before in [None, Some(""), Some("garbage"), Some(NOBODY), Some(own().as_str())] {
            before.iter().for_each(|before| fs::write(&path, before).unwrap());
            let pidfile = Pidfile::claim(&path, Rank::First).unwrap();
            assert_eq!(text(&path), own());
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing beside it");
            pidfile.leave(None);
            assert!(!path.exists());
        }
        let pidfile = Pidfile::claim(&path, Rank::First).unwrap();
        fs::write(&path, NOBODY).unwrap();
        pidfile.leave(None);
        assert_eq!(text(&path), NOBODY);
    }

    #[test]
    fn what_belongs_to_another_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        fs::write(&path, somebody().to_string()).unwrap();
        let error = Pidfile::claim(&path, Rank::First).unwrap_err().to_string();
        assert!(error.starts_with(&format!("Already running on PID {} (or", somebody())));
        assert_eq!(text(&path), somebody().to_string());
        assert!(check_pidfile(&path).is_ok());
        for path in [Path::new("/dev/null"), folder.path()] {
            assert!(matches!(check_pidfile(path), Err(PidfileError::NoFile(_))));
        }
        let error = check_pidfile(Path::new("/nonexistent/pid")).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent: No such file"), "{error}");
    }

    #[test]
    fn the_name_goes_from_the_old_master_to_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (name, second) = (folder.path().join("pid"), folder.path().join("pid.2"));
        let old = somebody();
        fs::write(&name, old.to_string()).unwrap();
        let mut young = Pidfile::claim(&name, Rank::Second(old)).unwrap();
        assert_eq!((text(&name), text(&second)), (old.to_string(), own()));
        // Back again.
        young.leave(None);
        assert!(name.exists() && !second.exists());
        // The old one was killed, and its number is still there.
        young = Pidfile::claim(&name, Rank::Second(old)).unwrap();
        young.promote().unwrap();
        assert_eq!(text(&name), own());
        assert!(!second.exists());
        // From the old one's side.
        fs::write(&second, somebody().to_string()).unwrap();
        young.leave(Some(somebody()));
        assert_eq!(text(&name), somebody().to_string());
        assert!(!second.exists());
    }
}
