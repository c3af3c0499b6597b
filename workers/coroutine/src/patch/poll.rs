//! poll(2), ppoll(2), and waiting for several descriptors at once: an epoll set of them is a descriptor
//! itself, for which the hub can wait. One descriptor and one direction, the usual case, need none.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::slice;
use std::time::{Duration, Instant};

use libc::{nfds_t, pollfd, sigset_t, timespec};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use oxicorn_core::wait::Interest;

use super::attempt::borrow;
use super::errno;
use super::inside::inside;
use super::real::{self, Call};
use super::sleep::{after, duration};
use crate::hub::{Hub, Outcome};

/// The one descriptor that is asked for in one direction, if it is so.
fn single(fds: &[pollfd]) -> Option<(RawFd, Interest)> {
    let [fd] = fds else { return None };
    match fd.events {
        libc::POLLIN => Some((fd.fd, Interest::Read)),
        libc::POLLOUT => Some((fd.fd, Interest::Write)),
        _ => None,
    }
}

/// A set of all of them. The bits of poll(2) are those of epoll(7).
fn set_of(fds: &[pollfd]) -> io::Result<OwnedFd> {
    let set = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut known: Vec<(RawFd, i32)> = Vec::with_capacity(fds.len());
    for asked in fds {
        let Some(fd) = borrow(asked.fd) else { continue };
        let events = i32::from(asked.events);
        let place = known.iter_mut().find(|(number, _)| *number == asked.fd);
        let (events, is_new) = match place {
            Some((_, all)) => {
                *all |= events;
                (*all, false)
            }
            None => {
                known.push((asked.fd, events));
                (events, true)
            }
        };
        let mut event = EpollEvent::new(EpollFlags::from_bits_truncate(events), 0);
        if is_new {
            set.add(fd, event)?;
        } else {
            set.modify(fd, &mut event)?;
        }
    }
    Ok(set.0)
}

/// Waits until one of them is ready, perhaps.
fn wait_any(hub: &Hub, fds: &[pollfd], until: Option<Instant>) -> io::Result<Outcome> {
    if let Some((fd, what)) = single(fds)
        && let Some(fd) = borrow(fd)
    {
        return hub.wait_quietly(fd, what, until, &[]);
    }
    let open: Vec<RawFd> = fds.iter().map(|asked| asked.fd).filter(|fd| *fd >= 0).collect();
    match (open.is_empty(), until) {
        (true, Some(until)) => Ok(hub.sleep_quietly(until)),
        _ => {
            let set = set_of(fds)?;
            hub.wait_quietly(set.as_fd(), Interest::Read, until, &open)
        }
    }
}

/// poll(2) with a deadline; `None`: it is to block.
pub(super) fn poll_until(
    hub: &Hub,
    call: Call,
    fds: &mut [pollfd],
    until: Option<Instant>,
) -> Option<c_int> {
    let before = errno::get();
    let count = fds.len() as nfds_t;
    loop {
        errno::set(before);
        // SAFETY: so many there are; asked without waiting.
        let ready = unsafe { real::poll(fds.as_mut_ptr(), count, 0) };
        if ready != 0 || until.is_some_and(|until| until <= Instant::now()) {
            return Some(ready);
        }
        if !hub.gives_way(call) {
            return None;
        }
        match wait_any(hub, fds, until) {
            Ok(Outcome::Ready | Outcome::Closed | Outcome::TimedOut) => {}
            Ok(Outcome::Over) => return Some(errno::fail(libc::ETIMEDOUT)),
            Err(_) => return None,
        }
    }
}

/// # Safety
/// So many there are.
unsafe fn given<'a>(fds: *mut pollfd, count: nfds_t) -> Option<&'a mut [pollfd]> {
    let count = usize::try_from(count).ok().filter(|count| *count <= 1 << 20)?;
    match fds.is_null() {
        true => (count == 0).then_some(&mut []),
        // SAFETY: as the caller promises.
        false => Some(unsafe { slice::from_raw_parts_mut(fds, count) }),
    }
}

/// When a wait of so many milliseconds ends.
pub(super) fn deadline(millis: c_int) -> Option<Instant> {
    u64::try_from(millis).ok().map(|millis| after(Duration::from_millis(millis)))
}

/// poll(2).
///
/// # Safety
/// As poll(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { real::poll(fds, count, timeout) };
    let Some(hub) = inside().filter(|_| timeout != 0) else { return block() };
    // SAFETY: as the caller promises.
    let Some(given) = (unsafe { given(fds, count) }) else { return block() };
    let done = poll_until(hub, Call::Poll, given, deadline(timeout));
    done.unwrap_or_else(|| hub.block(Call::Poll, block))
}

/// ppoll(2). One that changes the signals that are blocked meanwhile blocks itself.
///
/// # Safety
/// As ppoll(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn ppoll(
    fds: *mut pollfd,
    count: nfds_t,
    timeout: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { real::ppoll(fds, count, timeout, mask) };
    let Some(hub) = inside().filter(|_| mask.is_null()) else { return block() };
    // SAFETY: a valid time or none, as the caller promises.
    let until = match unsafe { timeout.as_ref() }.map(duration) {
        None => None,
        Some(Some(time)) => Some(after(time)),
        Some(None) => return block(),
    };
    // SAFETY: as the caller promises.
    let Some(given) = (unsafe { given(fds, count) }) else { return block() };
    let done = poll_until(hub, Call::Ppoll, given, until);
    done.unwrap_or_else(|| hub.block(Call::Ppoll, block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_set_is_ready_when_one_of_them_is() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let (silent, _open) = nix::unistd::pipe().unwrap();
        let asked = |fd: &OwnedFd, events| pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
        let nobody = pollfd { fd: -1, events: libc::POLLIN, revents: 0 };
        let all = [
            asked(&reader, libc::POLLIN),
            asked(&reader, libc::POLLPRI),
            nobody,
            asked(&silent, libc::POLLIN),
        ];
        let set = set_of(&all).unwrap();
        let mut is_ready = [asked(&set, libc::POLLIN)];
        let mut ready = || {
            // SAFETY: one descriptor, asked without waiting.
            unsafe { real::poll(is_ready.as_mut_ptr(), 1, 0) }
        };
        assert_eq!(ready(), 0);
        nix::unistd::write(&writer, b"x").unwrap();
        assert_eq!(ready(), 1);
        assert_eq!(single(&all[..1]), Some((reader.as_raw_fd(), Interest::Read)));
        assert_eq!(single(&all[1..2]), None);
    }
}
