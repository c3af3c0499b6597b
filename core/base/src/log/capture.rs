//! `capture_output`: what the code of a worker prints, straight to the descriptors 1 and 2, goes to
//! the error log's destination, as with gunicorn. The descriptors are made to point there, and
//! nothing stands in between: so even the last words of a process that crashes arrive. What is
//! written in one piece stays in one piece: the file is appended to.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::fcntl::{F_GETFL, F_SETFL, OFlag, fcntl};
use nix::unistd::{dup2_stderr, dup2_stdout};

use super::open_append;
use crate::config::{Config, Destination};

/// The file that the output of this process goes to.
static CAPTURED: OnceLock<PathBuf> = OnceLock::new();

/// In a worker: has standard output and standard error go to the error log, if the settings say so.
///
/// # Errors
/// The file cannot be opened (the message begins with its name), or dup2(2) fails.
pub fn capture(config: &Config) -> io::Result<()> {
    if !config.capture_output {
        return Ok(());
    }
    // What waits in the buffer was meant for the old place.
    let _ = io::stdout().flush();
    match &config.errorlog {
        Destination::Standard => Ok(dup2_stdout(io::stderr())?),
        Destination::File(path) => {
            let path = CAPTURED.get_or_init(|| path.clone());
            point_to(path)
        }
    }
}

/// After the file was renamed.
///
/// # Errors
/// As [`capture`]; everything is as it was then.
pub(super) fn recapture() -> io::Result<()> {
    CAPTURED.get().map_or(Ok(()), |path| point_to(path))
}

fn point_to(path: &Path) -> io::Result<()> {
    let file = open_append(path)?;
    // `println!` panics when it is told to try again: these two wait, as they always have.
    let flags = OFlag::from_bits_retain(fcntl(&file, F_GETFL)?);
    fcntl(&file, F_SETFL(flags - OFlag::O_NONBLOCK))?;
    dup2_stdout(&file)?;
    Ok(dup2_stderr(&file)?)
}
