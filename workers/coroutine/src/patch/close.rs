//! close(2): who waits for the descriptor in a coroutine is woken, with `EBADF`.

use std::ffi::c_int;
use std::sync::{Arc, OnceLock};

use super::real;
use crate::awaited;
use crate::hub::Hub;
use crate::mailbox::Mailbox;

/// Of the one hub of the process.
static MAILBOX: OnceLock<Arc<Mailbox>> = OnceLock::new();

/// Whoever closes a descriptor can tell the hub from now on.
pub(crate) fn hub_is_there(hub: &'static Hub) {
    let _ = MAILBOX.set(hub.mailbox.clone());
}

/// close(2).
///
/// # Safety
/// As close(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn close(fd: c_int) -> c_int {
    if fd >= 0
        && awaited::may_be(fd)
        && let Some(mailbox) = MAILBOX.get()
    {
        mailbox.closing(fd);
    }
    // SAFETY: as for the caller.
    unsafe { real::close(fd) }
}
