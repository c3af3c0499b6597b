//! The extension that a Python is to load. A server that was built with it inside
//! (`OXICORN_EXTENSION`, see docs/python.md) is one file: it hands the extension over in memory, or,
//! where the system has no such memory, in a file without a name. Otherwise it lies beside the
//! server, where cargo leaves it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{OFlag, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::Mode;

/// What this program carries.
#[cfg(carries_extension)]
const CARRIED: Option<&[u8]> = Some(include_bytes!(env!("OXICORN_EXTENSION")));
#[cfg(not(carries_extension))]
const CARRIED: Option<&[u8]> = None;

/// Its file, where it is one.
const FILE: &str = "liboxicorn_python.so";

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Extension {
    /// Where the Python finds it.
    pub(super) path: PathBuf,
    /// What has to be open in the Python for that.
    pub(super) carried: Option<Arc<OwnedFd>>,
}

impl Extension {
    /// # Errors
    /// There is none.
    pub(super) fn find() -> Result<Extension, String> {
        match CARRIED {
            Some(bytes) => Extension::in_memory(bytes).map_err(|error| {
                format!("the extension for Python cannot be handed over: {error}")
            }),
            None => beside(&std::env::current_exe().unwrap_or_default()),
        }
    }

    fn in_memory(bytes: &[u8]) -> io::Result<Extension> {
        let memory = memfd_create(c"oxicorn", MFdFlags::MFD_CLOEXEC).map_err(io::Error::from);
        let mut file = File::from(memory.or_else(|_| nameless())?);
        file.write_all(bytes)?;
        let carried = OwnedFd::from(file);
        let path = PathBuf::from(format!("/proc/self/fd/{}", carried.as_raw_fd()));
        Ok(Extension { path, carried: Some(Arc::new(carried)) })
    }
}

fn nameless() -> io::Result<OwnedFd> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    // The workers' user reads it, too.
    let mode = Mode::from_bits_truncate(0o644);
    Ok(open(&std::env::temp_dir(), flags, mode)?)
}

/// Of those beside the program the one that was built last: cargo has two places for it.
fn beside(program: &Path) -> Result<Extension, String> {
    let folder = program.parent().unwrap_or(Path::new("."));
    let places = [folder.join(FILE), folder.join("deps").join(FILE)];
    let built = |path: &PathBuf| path.metadata().and_then(|found| found.modified()).ok();
    let newest = places.into_iter().filter(|path| path.is_file()).max_by_key(built);
    match newest {
        Some(path) => Ok(Extension { path, carried: None }),
        None => Err(format!(
            "this server carries no extension for Python, and {FILE} is not in {}",
            folder.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_was_built_last_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("server");
        assert!(beside(&program).unwrap_err().contains(FILE));
        std::fs::create_dir(folder.path().join("deps")).unwrap();
        let (one, other) = (folder.path().join(FILE), folder.path().join("deps").join(FILE));
        File::create(&one).unwrap();
        assert_eq!(beside(&program).unwrap().path, one);
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
        File::create(&other).unwrap().set_modified(later).unwrap();
        assert_eq!(beside(&program).unwrap().path, other);
    }

    #[test]
    fn what_is_carried_can_be_read_by_its_path() {
        let extension = Extension::in_memory(b"\x7fELF").unwrap();
        assert_eq!(std::fs::read(&extension.path).unwrap(), b"\x7fELF");
        drop(extension);
        if let Ok(file) = nameless() {
            File::from(file).write_all(b"x").unwrap();
        }
    }
}
