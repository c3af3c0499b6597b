//! Whose request it is. While a thread of a pool runs a handler, the main thread may lose patience
//! with it; then exactly one of the two must answer the client, and the descriptor must not be closed
//! while the other one writes to it. One word decides: whoever changes it first has the request.
//!
//! ```text
//!            begin            answer                  end
//! free ───────────> running ────────> answering ───────────> free
//!                      │                  │                    ^
//!                      └────── seize ─────┴──> seized          │ end
//!                                                │ let_go      │
//!                                                └──────> given up
//! ```
//!
//! `seize` and `let_go` are the main thread's, the others the handler's. Between them the main thread
//! writes to the socket, and a handler that comes back at that moment waits for the end of it: a few
//! system calls that do not block.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

const FREE: u64 = 0;
const RUNNING: u64 = 1;
const ANSWERING: u64 = 2;
const SEIZED: u64 = 3;
const GIVEN_UP: u64 = 4;
const STATE: u64 = 0xff;
const MAY_SPEAK: u64 = 0x100;
const FD_SHIFT: u32 = 32;

/// Whether the handler still has its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Holder {
    /// It has.
    Handler,
    /// The main thread has given it up and accounted for it: what the handler has made is to be
    /// thrown away.
    Nobody,
}

/// Whether something other than its handler may write the response to a request: not while
/// responses to earlier requests of the connection are still in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Nothing has to go out before it.
    Free,
    /// Something has.
    Taken,
}

/// A request in the main thread's hands, until [`Claim::let_go`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seized {
    /// The client's socket, open until it is let go.
    pub(crate) fd: RawFd,
    /// Whether a response may be written to it: the handler's has not begun.
    pub(crate) speech: Speech,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a>(pub(crate) &'a AtomicU64);

impl Claim<'_> {
    /// The handler gets the request of the client behind `fd`.
    pub(crate) fn begin(self, fd: RawFd, speech: Speech) {
        let fd = u64::from(fd.cast_unsigned()) << FD_SHIFT;
        let speech = match speech {
            Speech::Free => MAY_SPEAK,
            Speech::Taken => 0,
        };
        self.0.store(fd | speech | RUNNING, Ordering::Release);
    }

    fn change(self, from: &[u64], to: u64) -> Result<u64, u64> {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            from.contains(&(word & STATE)).then_some(word & !STATE | to)
        })
    }

    /// The handler changes the state, once nobody is at work on the request.
    fn change_or_yield(self, from: &[u64], to: u64) -> Holder {
        loop {
            match self.change(from, to).map_err(|word| word & STATE) {
                Ok(_) => return Holder::Handler,
                Err(SEIZED) => std::thread::yield_now(),
                Err(_) => return Holder::Nobody,
            }
        }
    }

    /// The handler is about to write its response.
    pub(crate) fn answer(self) -> Holder {
        self.change_or_yield(&[RUNNING, ANSWERING], ANSWERING)
    }

    /// The handler is finished with the request. Says who had it.
    pub(crate) fn end(self) -> Holder {
        let holder = self.change_or_yield(&[RUNNING, ANSWERING], FREE);
        if holder == Holder::Nobody {
            self.0.store(FREE, Ordering::Release);
        }
        holder
    }

    /// The main thread takes the request, unless it has ended or was taken before.
    pub(crate) fn seize(self) -> Option<Seized> {
        let word = self.change(&[RUNNING, ANSWERING], SEIZED).ok()?;
        let fd = u32::try_from(word >> FD_SHIFT).unwrap_or(u32::MAX).cast_signed();
        let speech = match (word & STATE, word & MAY_SPEAK) {
            (RUNNING, MAY_SPEAK) => Speech::Free,
            _ => Speech::Taken,
        };
        Some(Seized { fd, speech })
    }

    /// The main thread is finished with it.
    pub(crate) fn let_go(self) {
        let _ = self.change(&[SEIZED], GIVEN_UP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_request_that_nobody_takes_is_its_handlers_to_the_end() {
        let word = AtomicU64::new(0);
        let claim = Claim(&word);
        claim.begin(7, Speech::Free);
        assert_eq!(claim.answer(), Holder::Handler);
        assert_eq!(claim.end(), Holder::Handler);
        assert_eq!(claim.seize(), None, "it has ended");
    }

    #[test]
    fn what_was_given_up_is_not_answered() {
        let word = AtomicU64::new(0);
        let claim = Claim(&word);
        claim.begin(7, Speech::Free);
        assert_eq!(claim.seize(), Some(Seized { fd: 7, speech: Speech::Free }));
        assert_eq!(claim.seize(), None, "only once");
        claim.let_go();
        assert_eq!(claim.answer(), Holder::Nobody);
        assert_eq!(claim.end(), Holder::Nobody);
        claim.begin(8, Speech::Free);
        assert_eq!(claim.end(), Holder::Handler, "the next one is another");
    }

    #[test]
    fn nothing_is_said_in_the_middle_of_an_answer_or_before_an_earlier_one() {
        let word = AtomicU64::new(0);
        let claim = Claim(&word);
        claim.begin(7, Speech::Free);
        assert_eq!(claim.answer(), Holder::Handler);
        assert_eq!(claim.seize(), Some(Seized { fd: 7, speech: Speech::Taken }));
        claim.let_go();
        assert_eq!(claim.end(), Holder::Nobody);
        claim.begin(9, Speech::Taken);
        assert_eq!(claim.seize(), Some(Seized { fd: 9, speech: Speech::Taken }));
    }

    #[test]
    fn of_two_threads_exactly_one_answers_and_the_descriptor_stays_open_meanwhile() {
        const ROUNDS: usize = 20_000;
        let word = AtomicU64::new(0);
        let (open, written, round) =
            (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while round.load(Ordering::Acquire) < ROUNDS {
                    if Claim(&word).seize().is_some_and(|seized| seized.speech == Speech::Free) {
                        assert_eq!(open.load(Ordering::Acquire), 1);
                        written.fetch_add(1, Ordering::AcqRel);
                    }
                    Claim(&word).let_go();
                }
            });
            for number in 1..=ROUNDS {
                open.store(1, Ordering::Release);
                written.store(0, Ordering::Release);
                Claim(&word).begin(7, Speech::Free);
                if Claim(&word).answer() == Holder::Handler {
                    written.fetch_add(1, Ordering::AcqRel);
                }
                let _ = Claim(&word).end();
                assert_eq!(written.load(Ordering::Acquire), 1, "in round {number}");
                open.store(0, Ordering::Release);
                round.store(number, Ordering::Release);
            }
        });
    }
}
