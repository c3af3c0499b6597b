//! getaddrinfo(3): the C library asks files and name servers in it, in ways of its own that nobody can
//! get between. A thread of the pool does that.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use libc::addrinfo;
use oxicorn_core::wait;

use super::errno;
use super::inside::{inside, plainly};
use super::real::{self, Call};
use crate::hub::{Armed, Hub};

/// What was found: a list that the C library has allocated.
struct Found {
    result: c_int,
    error: c_int,
    list: *mut addrinfo,
}

// SAFETY: the list is whoever's has the pointer.
unsafe impl Send for Found {}

impl Drop for Found {
    fn drop(&mut self) {
        if !self.list.is_null() {
            // SAFETY: it was made by getaddrinfo and is nobody else's.
            unsafe { libc::freeaddrinfo(self.list) };
        }
    }
}

/// What a thread is to look up: copies, for the caller may not wait to the end.
struct Question {
    node: Option<CString>,
    service: Option<CString>,
    hints: Option<[c_int; 4]>,
}

impl Question {
    /// # Safety
    /// As getaddrinfo(3) asks for.
    unsafe fn new(node: *const c_char, service: *const c_char, hints: *const addrinfo) -> Question {
        let text = |text: *const c_char| {
            // SAFETY: null, or a text that ends with a zero byte.
            (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_owned())
        };
        // SAFETY: null, or valid.
        let hints = unsafe { hints.as_ref() };
        let hints = hints.map(|h| [h.ai_flags, h.ai_family, h.ai_socktype, h.ai_protocol]);
        Question { node: text(node), service: text(service), hints }
    }

    fn ask(&self) -> Found {
        let text = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        // SAFETY: a structure of integers and pointers.
        let mut hints: addrinfo = unsafe { std::mem::zeroed() };
        if let Some(given) = self.hints {
            [hints.ai_flags, hints.ai_family, hints.ai_socktype, hints.ai_protocol] = given;
        }
        let hints = self.hints.map_or(ptr::null(), |_| &raw const hints);
        let mut list = ptr::null_mut();
        errno::set(0);
        // SAFETY: the texts and the hints live as long as the question.
        let result = unsafe {
            real::getaddrinfo(text(&self.node), text(&self.service), hints, &raw mut list)
        };
        Found { result, error: errno::get(), list }
    }
}

/// Between the one who waits and the thread.
#[derive(Default)]
struct Answer {
    key: u64,
    found: Option<Found>,
}

/// Has a thread find it out; `None`: the time is over.
fn ask(hub: &'static Hub, question: Question) -> Option<Found> {
    let shared = Arc::new(Mutex::new(Answer::default()));
    let with = |code: &dyn Fn(&mut Answer) -> Option<Found>| {
        plainly(|| code(&mut shared.lock().unwrap_or_else(PoisonError::into_inner)))
    };
    let (theirs, mailbox) = (shared.clone(), hub.mailbox.clone());
    hub.offload(Box::new(move || {
        // Nobody may wait for it any more.
        if Arc::strong_count(&theirs) > 1 {
            let found = question.ask();
            let mut answer = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            answer.found = Some(found);
            mailbox.end(answer.key);
        }
    }));
    let limit = wait::limit();
    loop {
        let mut found = None;
        let arm = |key| {
            found = with(&|answer: &mut Answer| {
                answer.key = key;
                answer.found.take()
            });
            if found.is_some() { Armed::No } else { Armed::Yes }
        };
        let outcome = hub.wait_for_mail(limit, arm);
        if found.is_some() || outcome.is_none() {
            return found;
        }
        if let Some(found) = with(&|answer: &mut Answer| answer.found.take()) {
            return Some(found);
        }
        let is_past = limit.is_some_and(|limit| limit <= Instant::now());
        if is_past {
            wait::limit_is_cut();
        }
        if is_past || hub.is_over() {
            return None;
        }
    }
}

/// getaddrinfo(3).
///
/// # Safety
/// As getaddrinfo(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    found: *mut *mut addrinfo,
) -> c_int {
    let hub = inside().filter(|hub| !node.is_null() && hub.gives_way(Call::Getaddrinfo));
    let Some(hub) = hub else {
        // SAFETY: as for the caller.
        return unsafe { real::getaddrinfo(node, service, hints, found) };
    };
    let before = errno::get();
    // SAFETY: as for the caller.
    let question = unsafe { Question::new(node, service, hints) };
    let Some(mut answer) = ask(hub, question) else {
        errno::set(libc::ETIMEDOUT);
        return libc::EAI_SYSTEM;
    };
    if answer.result == 0 {
        // SAFETY: where the caller wants the list, which is its own from now on.
        unsafe { *found = std::mem::replace(&mut answer.list, ptr::null_mut()) };
    }
    errno::set(if answer.result == libc::EAI_SYSTEM { answer.error } else { before });
    answer.result
}
