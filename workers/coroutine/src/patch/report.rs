//! What is said of blocking calls: with `patch = check`, who makes which; and in any case, which call it
//! was when a handler has held the worker's thread in one that cannot give way.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use oxicorn_core::config::value::Patch;
use oxicorn_core::sys;

use super::area;
use super::real::Call;
use crate::hub::Hub;

/// With an identifier in the path each request may be a place of its own.
const MOST_PLACES: usize = 512;
/// Milliseconds in a call that are worth a word.
const LONG: u64 = 10;

/// How blocking calls are dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They give way.
    Yield,
    /// They block, and are named.
    Report,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Patched {
    mode: Option<Mode>,
    named: RefCell<HashSet<(String, Call)>>,
    /// The call that has held the thread longest since a coroutine got it, and for how many milliseconds.
    culprit: Cell<Option<(Call, u64)>>,
}

impl Patched {
    pub(crate) fn new(patch: Patch) -> Patched {
        let mode = match patch {
            Patch::On => Some(Mode::Yield),
            Patch::Check => Some(Mode::Report),
            Patch::Off => None,
        };
        let mode = mode.filter(|_| area::possible());
        Patched { mode, named: RefCell::default(), culprit: Cell::new(None) }
    }

    /// `None`: nothing is done about them.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// A coroutine gets the thread: what another one has called is not its fault.
    pub(crate) fn acquit(&self) {
        self.culprit.set(None);
    }

    /// `place`, and in what it has held the thread if that is known. (Without a time: a place is named
    /// once a minute, by what is said here.)
    pub(crate) fn with_culprit(&self, place: String) -> String {
        match self.culprit.take() {
            Some((call, _)) => format!("{place} (it waits in {}())", call.name()),
            None => place,
        }
    }

    fn is_news(&self, place: &str, call: Call) -> bool {
        let mut named = self.named.borrow_mut();
        named.len() < MOST_PLACES && named.insert((place.to_owned(), call))
    }
}

impl Hub {
    /// Whether a call that would block is to give way. If not, its place is named.
    pub(super) fn gives_way(&self, call: Call) -> bool {
        match self.patched.mode() {
            Some(Mode::Yield) => true,
            Some(Mode::Report) => {
                let place = self.place();
                if self.patched.is_news(&place, call) {
                    tracing::warn!(
                        "The handler of {place} blocks in {}() (patch = check)",
                        call.name()
                    );
                }
                false
            }
            None => false,
        }
    }

    /// A call that blocks the thread, and it cannot be helped.
    pub(super) fn block<T>(&self, call: Call, code: impl FnOnce() -> T) -> T {
        let before = sys::coarse_millis();
        let value = code();
        let time = sys::coarse_millis().saturating_sub(before);
        let longest = self.patched.culprit.get().map_or(LONG, |(_, longest)| longest);
        if time >= longest {
            self.patched.culprit.set(Some((call, time)));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_is_named_once_for_a_place() {
        let patched = Patched::new(Patch::Check);
        assert_eq!(patched.mode(), Some(Mode::Report));
        assert!(patched.is_news("GET /a", Call::Recv) && patched.is_news("GET /a", Call::Send));
        assert!(!patched.is_news("GET /a", Call::Recv) && patched.is_news("GET /b", Call::Recv));
        for n in 0..MOST_PLACES {
            let _ = patched.is_news(&n.to_string(), Call::Recv);
        }
        assert!(!patched.is_news("GET /c", Call::Recv), "there are too many");
    }

    #[test]
    fn the_culprit_is_named_once_and_always_in_the_same_words() {
        let patched = Patched::new(Patch::On);
        for time in [120, 121] {
            patched.culprit.set(Some((Call::Read, time)));
            assert_eq!(patched.with_culprit("GET /a".into()), "GET /a (it waits in read())");
        }
        assert_eq!(patched.with_culprit("GET /a".into()), "GET /a");
        patched.culprit.set(Some((Call::Read, 120)));
        patched.acquit();
        assert_eq!(patched.with_culprit("GET /a".into()), "GET /a");
        assert_eq!(Patched::new(Patch::Off).mode(), None);
    }
}
