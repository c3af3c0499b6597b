//! Ordinary blocking code gives way: gevent's promise, without patching anything at run time.
//!
//! An executable that defines a function of the C library takes precedence over the library's own, for
//! everything that is linked into it or loaded by it, the standard library included. So the functions
//! in which code blocks are defined here. Each asks whether it is in a coroutine ([`inside`]); outside
//! it is the library's own function ([`real`]) and nothing else. Inside, it does what that function
//! would have done, without blocking the thread: it tries, lets the hub wait, tries again.
//!
//! Nobody may unwind behind the back of code that calls a C function, so a wait whose time is over is
//! an error there (`ETIMEDOUT`), a sleep ends early, and a lock is awaited to its end.
//!
//! A coroutine has thread-locals of its own meanwhile: see [`area`], which says why. What the server
//! itself does in a coroutine and must not give way in (its mailbox) is done [`plainly`].
#![allow(unsafe_code)]

mod acquire;
mod area;
mod attempt;
mod close;
mod condvar;
mod connect;
mod epoll;
mod errno;
mod file_locks;
mod fortified;
mod futex;
mod inside;
mod look;
mod messages;
mod mutex;
mod names;
mod other;
mod owner;
mod poll;
mod process;
mod queue;
mod raw;
mod real;
mod receive;
mod report;
mod rwlock;
mod select;
mod semaphore;
mod send;
mod sleep;
mod table;
mod transfer;
mod until;
mod vectors;

use oxicorn_core::config::Config;
use oxicorn_core::config::value::Patch;

pub(crate) use area::Area;
pub(crate) use close::hub_is_there;
pub(crate) use inside::{enter, plainly};
pub(crate) use report::Patched;

/// Says, once for each worker, what the settings have come to.
pub(crate) fn say(config: &Config) {
    if config.patch == Patch::Off {
        return;
    }
    if !area::possible() {
        return tracing::debug!("Blocking calls do not give way: this C library is not known");
    }
    let names: Vec<_> = real::Call::ALL.iter().map(|call| call.name()).collect();
    tracing::debug!("Blocking calls that are looked after (patch): {}", names.join(" "));
}
