//! Who is to go on because somebody said so: another coroutine, or a thread that knows nothing of the
//! hub. Notes go into a box that the hub empties on each of its rounds; only a foreign thread has to
//! ring the bell too, for the hub may be asleep in its epoll set.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::awaited::Awaited;
use crate::patch::plainly;
use crate::task::Ended;

thread_local! {
    /// The mailbox of the hub whose thread this is. A coroutine with thread-locals of its own
    /// ([`crate::patch`]) has it, too.
    static HOME: Cell<*const Mailbox> = const { Cell::new(std::ptr::null()) };
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Mailbox {
    mail: Mutex<Vec<Mail>>,
    /// There is mail that the hub has not taken, and it knows or was told.
    known: AtomicBool,
    bell: EventFd,
    /// What the coroutines of this hub wait for.
    pub(crate) awaited: Awaited,
}

/// What the hub may find.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A word for a coroutine.
    Note(Arc<Note>),
    /// The end of the wait with this key.
    End(u64, Ended),
}

/// A coroutine's address, and whether there is a word for it that it has not heard.
#[derive(Debug)]
pub(crate) struct Note {
    mailbox: Arc<Mailbox>,
    task: usize,
    unheard: AtomicBool,
}

impl Mailbox {
    /// For the hub of the calling thread.
    pub(crate) fn new() -> io::Result<Arc<Mailbox>> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let (mail, known) = (Mutex::default(), AtomicBool::new(false));
        let mailbox = Arc::new(Mailbox { mail, known, bell, awaited: Awaited::default() });
        mailbox.come_home();
        Ok(mailbox)
    }

    /// Says that this is the hub's thread.
    pub(crate) fn come_home(&self) {
        HOME.set(self);
    }

    /// Becomes readable when a foreign thread has left a note. It need not be read.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// The address of a coroutine.
    pub(crate) fn note(self: &Arc<Mailbox>, task: usize) -> Arc<Note> {
        Arc::new(Note { mailbox: self.clone(), task, unheard: AtomicBool::new(false) })
    }

    /// For the hub only: the mail there is.
    pub(crate) fn take(&self) -> Vec<Mail> {
        if self.is_empty() {
            return Vec::new();
        }
        // Before the mail is taken: who leaves some afterwards says so again.
        self.known.swap(false, Ordering::AcqRel);
        std::mem::take(&mut *self.mail.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For the hub only: whether there is something to take before it sleeps.
    pub(crate) fn is_empty(&self) -> bool {
        !self.known.load(Ordering::Acquire)
    }

    /// The descriptor is about to be closed, by whatever thread: who waits for it waits in vain.
    pub(crate) fn closing(&self, fd: RawFd) {
        for key in self.awaited.waits(fd) {
            self.leave(Mail::End(key, Ended::Closed));
        }
    }

    /// Ends the wait with this key.
    pub(crate) fn end(&self, key: u64) {
        self.leave(Mail::End(key, Ended::Ready));
    }

    /// From any thread, and from within a coroutine: it does not give way.
    pub(crate) fn leave(&self, mail: Mail) {
        plainly(|| self.mail.lock().unwrap_or_else(PoisonError::into_inner).push(mail));
        let news = !self.known.swap(true, Ordering::AcqRel);
        if news && !std::ptr::eq(HOME.get(), self) {
            // It fails only when it has been rung 2^64 times.
            let _ = plainly(|| self.bell.write(1));
        }
    }
}

impl Note {
    pub(crate) fn task(&self) -> usize {
        self.task
    }

    pub(crate) fn is_unheard(&self) -> bool {
        self.unheard.load(Ordering::Acquire)
    }

    /// Hears the word, if there is one.
    pub(crate) fn hear(&self) -> Heard {
        if self.unheard.swap(false, Ordering::AcqRel) { Heard::Something } else { Heard::Nothing }
    }

    pub(crate) fn waker(self: &Arc<Note>) -> Waker {
        Waker::from(self.clone())
    }
}

/// Whether there was a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Something,
    Nothing,
}

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.unheard.swap(true, Ordering::AcqRel) {
            self.mailbox.leave(Mail::Note(self.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_rung(mailbox: &Mailbox) -> bool {
        mailbox.bell.read().is_ok()
    }

    #[test]
    fn several_words_are_one_note_until_it_is_heard() {
        let mailbox = Mailbox::new().unwrap();
        let note = mailbox.note(7);
        assert!(mailbox.is_empty());
        note.waker().wake();
        note.waker().wake();
        assert!(!mailbox.is_empty() && note.is_unheard());
        assert!(!has_rung(&mailbox), "the hub is awake: it has said so itself");
        assert!(matches!(&mailbox.take()[..], [Mail::Note(note)] if note.task() == 7));
        assert!(mailbox.is_empty() && mailbox.take().is_empty());
        assert_eq!((note.hear(), note.hear()), (Heard::Something, Heard::Nothing));
        note.waker().wake();
        assert_eq!(mailbox.take().len(), 1);
    }

    #[test]
    fn a_foreign_thread_rings_once_for_all_that_is_in_the_box() {
        let mailbox = Mailbox::new().unwrap();
        let notes = [mailbox.note(1), mailbox.note(2)];
        std::thread::scope(|scope| {
            scope.spawn(|| notes.iter().for_each(|note| note.waker().wake()));
        });
        assert_eq!(mailbox.bell.read(), Ok(1));
        assert_eq!(mailbox.take().len(), 2);
    }
}
