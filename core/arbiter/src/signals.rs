//! Signals, turned into bytes in a pipe. A handler may run between any two instructions, so it does
//! the least that a handler can do: it writes one byte and returns. Which byte is a table, filled in
//! before the handlers are set: in the master the signal's number, in a worker the [`Order`] that the
//! signal stands for. Everything else happens in a loop that reads the pipe.
//!
//! The pipe is the process' own: a worker makes a new one, with all signals blocked from before the
//! fork until it is there, so no signal is lost and none reaches the wrong process.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicUsize, Ordering};

use nix::fcntl::OFlag;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, SigmaskHow};
use nix::unistd::{pipe2, read};
use oxicorn_core::orders::{Order, Orders};
use oxicorn_core::serve::last_words;

use crate::event::Signal;

/// Where the handler writes: the writing end of this process' pipe.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// What it writes, by signal number. Linux has 64 signals.
static BYTES: [AtomicU8; 65] = [const { AtomicU8::new(0) }; 65];

/// The handler that a worker which was told to end is left to, if it is not the default.
static NEXT: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);

/// Its flags.
static NEXT_FLAGS: AtomicI32 = AtomicI32::new(0);

extern "C" fn write_byte(number: c_int) {
    let byte = usize::try_from(number).ok().and_then(|n| BYTES.get(n));
    let byte = byte.map_or(0, |byte| byte.load(Ordering::Relaxed));
    let pipe = PIPE.load(Ordering::Relaxed);
    // SAFETY: __errno_location and write(2) are async-signal-safe; the buffer is a live local of one
    // byte; the code that was interrupted finds its errno as it was. The pipe does not block: when it
    // is full, there is enough to read already.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        libc::write(pipe, (&raw const byte).cast(), 1);
        *errno = before;
    }
}

/// Ends a worker that was told to end in the middle of a request: its client is answered, if it can
/// be, and the default action does the rest. The signal is blocked until this returns, and then ends
/// the process.
extern "C" fn speak_and_end(number: c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let text = last_words::RESPONSE;
    // SAFETY: the kernel passes a valid siginfo_t to a handler with SA_SIGINFO.
    let sender = unsafe { (*info).si_code };
    // Not for abort(3): a program that ends itself has not run out of time.
    if let (Some(client), libc::SI_USER) = (last_words::listener(), sender) {
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
        // SAFETY: send(2) and shutdown(2) are async-signal-safe, the buffer is static, and the
        // descriptor is open as long as it stands there.
        unsafe {
            libc::send(client, text.as_ptr().cast(), text.len(), flags);
            libc::shutdown(client, libc::SHUT_WR);
        }
    }
    // SAFETY: sigaction(2) and raise(3) are async-signal-safe; zeros are a valid sigaction, and the
    // handler is one that sigaction(2) has given back.
    unsafe {
        let mut next: libc::sigaction = std::mem::zeroed();
        next.sa_sigaction = NEXT.load(Ordering::Relaxed);
        next.sa_flags = NEXT_FLAGS.load(Ordering::Relaxed);
        libc::sigaction(number, &raw const next, std::ptr::null_mut());
        libc::raise(number);
    }
}

/// What becomes of a signal.
#[derive(Clone, Copy, Debug)]
enum Disposition {
    Write(u8),
    Speak,
    Disregard,
    Ignore,
    Default,
}

fn dispose(signal: signal::Signal, disposition: Disposition) -> io::Result<()> {
    let handler = match disposition {
        Disposition::Write(byte) => {
            BYTES[signal as usize].store(byte, Ordering::Relaxed);
            SigHandler::Handler(write_byte)
        }
        Disposition::Speak => SigHandler::SigAction(speak_and_end),
        Disposition::Disregard => SigHandler::Handler(disregard),
        Disposition::Ignore => SigHandler::SigIgn,
        Disposition::Default => SigHandler::SigDfl,
    };
    let flags = SaFlags::SA_RESTART | SaFlags::SA_NOCLDSTOP;
    let action = SigAction::new(handler, flags, SigSet::empty());
    // SAFETY: the only handlers are `write_byte`, `speak_and_end` and `disregard`, which are
    // async-signal-safe.
    unsafe { signal::sigaction(signal, &action) }?;
    Ok(())
}

fn system(signal: Signal) -> io::Result<signal::Signal> {
    Ok(signal::Signal::try_from(signal.number())?)
}

/// Blocks every signal; a handler set later sees those that come meanwhile. It cannot fail: the only
/// error of sigprocmask(2) is an unknown first argument.
pub(crate) fn block() {
    let _ = signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
}

/// Lets every signal through, also those that whoever started us had blocked.
pub(crate) fn unblock() {
    let _ = signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// The signals that the master has been sent and has not looked at.
#[derive(Debug)]
pub(crate) struct Signals {
    reader: OwnedFd,
    /// Kept open for the handler.
    _writer: OwnedFd,
}

impl Signals {
    /// Sets the master's handlers.
    ///
    /// # Errors
    /// Those of pipe2(2) and sigaction(2).
    pub(crate) fn handle() -> io::Result<Signals> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        PIPE.store(writer.as_raw_fd(), Ordering::Relaxed);
        for &signal in Signal::HANDLED {
            let byte = u8::try_from(signal.number()).unwrap_or(0);
            dispose(system(signal)?, Disposition::Write(byte))?;
        }
        dispose(signal::Signal::SIGPIPE, Disposition::Ignore)?;
        unblock();
        Ok(Signals { reader, _writer: writer })
    }

    /// Readable when a signal has come.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// Those that have come, in their order.
    pub(crate) fn take(&self) -> Vec<Signal> {
        let mut came = Vec::new();
        let mut buffer = [0; 64];
        while let Ok(count @ 1..) = read(&self.reader, &mut buffer) {
            let numbers = buffer[..count].iter().map(|&byte| c_int::from(byte));
            came.extend(numbers.filter_map(Signal::from_number));
        }
        came
    }
}

/// In the forked child, which still has all signals blocked and is about to become another program:
/// undoes what was done here. An error of sigaction(2) is that the signal cannot be handled at all.
pub(crate) fn reset() {
    for &signal in Signal::HANDLED {
        let _ = system(signal).and_then(|signal| dispose(signal, Disposition::Default));
    }
    let _ = dispose(signal::Signal::SIGPIPE, Disposition::Default);
    unblock();
}

extern "C" fn disregard(_: c_int) {}

/// In a zygote, which still has all signals blocked: handlers that do nothing for the signals that are
/// meant for the master. They are not ignored: that would be inherited by what the application
/// starts, and a handler is not (signal(7)).
///
/// # Errors
/// Those of sigaction(2).
pub(crate) fn handle_as_zygote() -> io::Result<()> {
    for &signal in Signal::HANDLED {
        let disposition = match signal {
            Signal::Chld => Disposition::Default,
            _ => Disposition::Disregard,
        };
        dispose(system(signal)?, disposition)?;
    }
    dispose(signal::Signal::SIGPIPE, Disposition::Ignore)?;
    unblock();
    Ok(())
}

/// What a signal means to a worker. The signals that mean something to the master only are ignored,
/// so that a signal to the whole process group does not kill the workers.
const WORKER: &[(signal::Signal, Disposition)] = {
    use signal::Signal::*;
    &[
        (SIGTERM, Disposition::Write(Order::Graceful as u8)),
        (SIGINT, Disposition::Write(Order::Quick as u8)),
        (SIGQUIT, Disposition::Write(Order::Quick as u8)),
        (SIGUSR1, Disposition::Write(Order::Reopen as u8)),
        (SIGHUP, Disposition::Ignore),
        (SIGUSR2, Disposition::Ignore),
        (SIGWINCH, Disposition::Ignore),
        (SIGTTIN, Disposition::Ignore),
        (SIGTTOU, Disposition::Ignore),
        (SIGPIPE, Disposition::Ignore),
        (SIGABRT, Disposition::Speak),
        (SIGCHLD, Disposition::Default),
    ]
};

/// Has SIGABRT do what it does in a worker, where somebody has put another handler.
///
/// # Errors
/// Those of sigaction(2).
pub(crate) fn speak_on_abort() -> io::Result<()> {
    dispose(signal::Signal::SIGABRT, Disposition::Speak)
}

/// Likewise, and leaves the rest to that handler.
///
/// # Errors
/// Those of sigaction(2).
pub(crate) fn speak_first_on_abort() -> io::Result<()> {
    // SAFETY: zeros are a valid sigaction; the call writes to it and changes nothing else.
    let next = unsafe {
        let mut next: libc::sigaction = std::mem::zeroed();
        match libc::sigaction(libc::SIGABRT, std::ptr::null(), &raw mut next) {
            0 => next,
            _ => return Err(io::Error::last_os_error()),
        }
    };
    NEXT.store(next.sa_sigaction, Ordering::Relaxed);
    // Its restorer is what sigaction(3) puts there itself.
    NEXT_FLAGS.store(next.sa_flags, Ordering::Relaxed);
    speak_on_abort()
}

/// In the forked child, which still has all signals blocked: a pipe of its own, the worker's
/// handlers, and only then the signals.
///
/// # Errors
/// Those of pipe2(2) and sigaction(2).
pub(crate) fn handle_as_worker() -> io::Result<Orders> {
    let (orders, writer) = Orders::channel()?;
    // The handler writes to it until the process ends.
    PIPE.store(writer.into_raw_fd(), Ordering::Relaxed);
    for &(signal, disposition) in WORKER {
        dispose(signal, disposition)?;
    }
    unblock();
    Ok(orders)
}
