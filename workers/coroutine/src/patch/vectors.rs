//! readv(2) and writev(2), and what is left of pieces that were transferred in part: a write that may
//! block writes all of them, so what gives way in between goes on where it was.

use std::ffi::c_int;
use std::slice;

use libc::{iovec, msghdr, ssize_t};
use oxicorn_core::wait::Interest;

use super::errno;
use super::inside::inside;
use super::real::{self, Call};
use super::{messages, other};

/// Pieces that are being written.
pub(super) struct Rest<'a> {
    given: &'a [iovec],
    /// A copy with what is left, once a part was written.
    copy: Vec<iovec>,
    from: usize,
    done: usize,
}

impl<'a> Rest<'a> {
    pub(super) fn new(given: &'a [iovec]) -> Rest<'a> {
        Rest { given, copy: Vec::new(), from: 0, done: 0 }
    }

    pub(super) fn left(&self) -> &[iovec] {
        let all = if self.copy.is_empty() { self.given } else { &self.copy };
        &all[self.from..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left().iter().all(|piece| piece.iov_len == 0)
    }

    /// So many bytes more were written.
    pub(super) fn advance(&mut self, mut count: usize) {
        self.done += count;
        if self.left().iter().map(|piece| piece.iov_len).sum::<usize>() <= count {
            // The usual case allocates nothing: a signal handler may be the one who writes.
            self.from = self.given.len();
            return;
        }
        if self.copy.is_empty() {
            self.copy = self.given.to_vec();
        }
        for piece in &mut self.copy[self.from..] {
            if count < piece.iov_len {
                piece.iov_base = piece.iov_base.cast::<u8>().wrapping_add(count).cast();
                piece.iov_len -= count;
                return;
            }
            count -= piece.iov_len;
            self.from += 1;
        }
    }

    /// The bytes that were written.
    pub(super) fn done(&self) -> ssize_t {
        ssize_t::try_from(self.done).unwrap_or(ssize_t::MAX)
    }

    /// The same, or `failed` if there are none.
    pub(super) fn done_or(&self, failed: ssize_t) -> ssize_t {
        if self.done == 0 { failed } else { self.done() }
    }
}

/// The pieces that a caller has passed; `None`: nonsense, for the kernel to refuse.
///
/// # Safety
/// So many there are.
pub(super) unsafe fn given<'a>(pieces: *const iovec, count: usize) -> Option<&'a [iovec]> {
    // SAFETY: as the caller promises.
    let pieces = (!pieces.is_null() && count <= libc::UIO_MAXIOV as usize)
        .then(|| unsafe { slice::from_raw_parts(pieces, count) })?;
    (pieces.iter().any(|piece| piece.iov_len > 0)).then_some(pieces)
}

/// A message without an address.
fn message(pieces: &[iovec]) -> msghdr {
    // SAFETY: a structure of integers and pointers.
    let mut message: msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_ptr().cast_mut();
    message.msg_iovlen = pieces.len();
    message
}

/// # Safety
/// The pieces can be written to.
pub(super) unsafe fn read_pieces(
    call: Call,
    fd: c_int,
    pieces: &[iovec],
    block: impl Fn() -> ssize_t,
) -> ssize_t {
    let Some(hub) = inside() else { return block() };
    let before = errno::get();
    let once = || {
        let mut message = message(pieces);
        // SAFETY: as the caller promises.
        unsafe { real::recvmsg(fd, &raw mut message, libc::MSG_DONTWAIT) }
    };
    let done = hub.attempt(call, fd, Interest::Read, once, &block);
    if done < 0 && errno::get() == libc::ENOTSOCK {
        errno::set(before);
        // SAFETY: as the caller promises.
        return unsafe { other::read(hub, call, fd, pieces, block) };
    }
    done
}

/// # Safety
/// The pieces can be read.
pub(super) unsafe fn write_pieces(
    call: Call,
    fd: c_int,
    pieces: &[iovec],
    block: impl Fn() -> ssize_t,
) -> ssize_t {
    let Some(hub) = inside().filter(|_| fd > libc::STDERR_FILENO) else { return block() };
    let before = errno::get();
    let mut rest = Rest::new(pieces);
    // SAFETY: as the caller promises.
    let done = unsafe { messages::send_all(hub, call, fd, &message(&[]), &mut rest, 0, &block) };
    if done < 0 && errno::get() == libc::ENOTSOCK {
        errno::set(before);
        // SAFETY: as the caller promises.
        return unsafe { other::write(hub, call, fd, &mut rest, block) };
    }
    done
}

/// readv(2).
///
/// # Safety
/// As readv(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn readv(fd: c_int, pieces: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::readv(fd, pieces, count) };
    if inside().is_none() {
        return block();
    }
    // SAFETY: so many pieces, which can be written to, as the caller promises.
    match unsafe { given(pieces, usize::try_from(count).unwrap_or(usize::MAX)) } {
        // SAFETY: as above.
        Some(pieces) => unsafe { read_pieces(Call::Readv, fd, pieces, block) },
        None => block(),
    }
}

/// writev(2).
///
/// # Safety
/// As writev(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn writev(fd: c_int, pieces: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::writev(fd, pieces, count) };
    if inside().is_none() {
        return block();
    }
    // SAFETY: so many pieces, which can be read, as the caller promises.
    match unsafe { given(pieces, usize::try_from(count).unwrap_or(usize::MAX)) } {
        // SAFETY: as above.
        Some(pieces) => unsafe { write_pieces(Call::Writev, fd, pieces, block) },
        None => block(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(rest: &Rest<'_>) -> Vec<String> {
        let text = |piece: &iovec| {
            // SAFETY: the pieces of this test's own.
            let bytes =
                unsafe { slice::from_raw_parts(piece.iov_base.cast::<u8>(), piece.iov_len) };
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        rest.left().iter().map(text).collect()
    }

    #[test]
    fn what_is_left_begins_where_the_last_part_has_ended() {
        let piece = |text: &'static str| iovec {
            iov_base: text.as_ptr().cast_mut().cast(),
            iov_len: text.len(),
        };
        let pieces = [piece("abc"), piece(""), piece("de")];
        let mut rest = Rest::new(&pieces);
        assert_eq!(rest.done_or(-1), -1);
        rest.advance(2);
        assert_eq!(texts(&rest), ["c", "", "de"]);
        rest.advance(1);
        assert_eq!(texts(&rest).concat(), "de");
        rest.advance(1);
        assert_eq!(texts(&rest).concat(), "e");
        assert!(!rest.is_empty());
        rest.advance(1);
        assert!(rest.is_empty());
        assert_eq!((rest.done(), rest.done_or(-1)), (5, 5));
    }
}
