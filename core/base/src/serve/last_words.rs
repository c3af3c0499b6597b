//! What a worker says to a client when it is ended in the middle of that client's request. The
//! handler of SIGABRT can allocate nothing, lock nothing and wait for nothing, and the request's own
//! code is stuck: so the response is ready-made, and the descriptor that it goes to stands in one word
//! for as long as a handler runs whose response has not begun.
//!
//! Only classes whose handlers run one at a time, on one thread, have last words.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, Ordering};

/// The response to a request that has taken too long. It has no body, so that it may follow HEAD too.
pub const RESPONSE: &[u8] = b"HTTP/1.1 504 Gateway Timeout\r\n\
    Server: oxicorn\r\n\
    Connection: close\r\n\
    Content-Length: 0\r\n\r\n";

const NOBODY: RawFd = -1;

static LISTENER: AtomicI32 = AtomicI32::new(NOBODY);

/// Whose request runs now and is not being answered. Async-signal-safe.
pub fn listener() -> Option<RawFd> {
    Some(LISTENER.load(Ordering::Relaxed)).filter(|&fd| fd != NOBODY)
}

pub(super) fn arm(listener: Option<RawFd>) {
    LISTENER.store(listener.unwrap_or(NOBODY), Ordering::Relaxed);
}
