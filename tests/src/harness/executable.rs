//! Files that are executed soon after they were written.
//!
//! Linux refuses to execute a file that any process has open for writing (ETXTBSY). A descriptor that
//! a thread of a test writes through is, for an instant, also in the child that another thread is
//! starting; so the writing is done in a process that starts nobody.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Copies a file to a name that is not taken.
///
/// # Panics
/// When it cannot.
#[track_caller]
pub fn copy_executable(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status().expect("cp");
    assert!(status.success(), "cp {} {}: {status}", from.display(), to.display());
}

/// Writes a file, with this mode, to a name that is not taken.
///
/// # Panics
/// When it cannot.
#[track_caller]
pub fn write_executable(path: &Path, text: &str, mode: u32) {
    let draft = tempfile::NamedTempFile::new().expect("a draft");
    std::fs::write(draft.path(), text).expect("the draft's text");
    copy_executable(draft.path(), path);
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("its mode");
}
