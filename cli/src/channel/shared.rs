//! What the two ends of a channel share: a queue under a lock that nobody holds while waiting.

use std::collections::VecDeque;
use std::sync::mpsc::{RecvTimeoutError, SendError, TryRecvError, TrySendError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use oxicorn_core::wait::{park, waker};

use super::waiters::{Struck, Ticket, Waiters};

#[derive(Debug)]
pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    /// `None`: any number of messages.
    capacity: Option<usize>,
}

#[derive(Debug)]
struct State<T> {
    queue: VecDeque<Entry<T>>,
    next: Number,
    senders: usize,
    receiver: Receiving,
    at_receiver: Waiters,
    at_sender: Waiters,
}

type Number = u64;

#[derive(Debug)]
struct Entry<T> {
    number: Number,
    message: T,
    /// Who waits until it is received, in a channel of capacity 0.
    sender: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiving {
    Possible,
    Over,
}

impl<T> State<T> {
    fn push(&mut self, message: T, sender: Option<Waker>) -> Number {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.queue.push_back(Entry { number, message, sender });
        number
    }

    fn withdraw(&mut self, number: Number) -> Option<T> {
        let place = self.queue.iter().position(|entry| entry.number == number)?;
        self.queue.remove(place).map(|entry| entry.message)
    }

    /// The next message, and the sender to be told that it, or its place, is free.
    fn take(&mut self) -> Option<(T, Option<Waker>)> {
        let entry = self.queue.pop_front()?;
        Some((entry.message, entry.sender.or_else(|| self.at_sender.call())))
    }

    fn waiters(&mut self, end: End) -> &mut Waiters {
        match end {
            End::Sender => &mut self.at_sender,
            End::Receiver => &mut self.at_receiver,
        }
    }
}

/// Which end somebody waits at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Sender,
    Receiver,
}

/// One who waits. Dropped by an unwinding, it passes on what it was called for.
struct Waiting<'a, T> {
    shared: &'a Shared<T>,
    end: End,
    ticket: Ticket,
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let waiters = state.waiters(self.end);
        if waiters.strike(self.ticket) == Struck::Before && std::thread::panicking() {
            let next = waiters.call();
            drop(state);
            wake(next);
        }
    }
}

/// A message that waits to be received by hand. Dropped by an unwinding, it is withdrawn.
struct Offer<'a, T> {
    shared: &'a Shared<T>,
    number: Number,
}

impl<T> Drop for Offer<'_, T> {
    fn drop(&mut self) {
        let withdrawn = self.shared.lock().withdraw(self.number);
        // Outside the lock: its destructor may do anything.
        drop(withdrawn);
    }
}

fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

impl<T> Shared<T> {
    /// With one sender and the receiver.
    pub(super) fn new(capacity: Option<usize>) -> Shared<T> {
        let state = State {
            queue: VecDeque::new(),
            next: 0,
            senders: 1,
            receiver: Receiving::Possible,
            at_receiver: Waiters::default(),
            at_sender: Waiters::default(),
        };
        Shared { state: Mutex::new(state), capacity }
    }

    /// No code of anybody else's runs under the lock, so a poisoned state is a sound one.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, state: &State<T>) -> bool {
        match self.capacity {
            None => true,
            Some(0) => !state.at_receiver.is_empty(),
            Some(capacity) => state.queue.len() < capacity,
        }
    }

    fn wait(&self, mut state: MutexGuard<'_, State<T>>, end: End, until: Option<Instant>) {
        let ticket = state.waiters(end).enter(waker());
        drop(state);
        let _waiting = Waiting { shared: self, end, ticket };
        park(until);
    }

    pub(super) fn send(&self, message: T) -> Result<(), SendError<T>> {
        if self.capacity == Some(0) {
            return self.hand_over(message);
        }
        loop {
            let mut state = self.lock();
            if state.receiver == Receiving::Over {
                return Err(SendError(message));
            }
            if self.has_room(&state) {
                state.push(message, None);
                let receiver = state.at_receiver.call();
                drop(state);
                wake(receiver);
                return Ok(());
            }
            self.wait(state, End::Sender, None);
        }
    }

    fn hand_over(&self, message: T) -> Result<(), SendError<T>> {
        let mut state = self.lock();
        if state.receiver == Receiving::Over {
            return Err(SendError(message));
        }
        let number = state.push(message, Some(waker()));
        let receiver = state.at_receiver.call();
        drop(state);
        let offer = Offer { shared: self, number };
        wake(receiver);
        loop {
            park(None);
            let mut state = self.lock();
            let waits = state.queue.iter().any(|entry| entry.number == offer.number);
            if !waits {
                return Ok(());
            }
            if state.receiver == Receiving::Over {
                let back = state.withdraw(offer.number);
                drop(state);
                return back.map_or(Ok(()), |message| Err(SendError(message)));
            }
        }
    }

    pub(super) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut state = self.lock();
        if state.receiver == Receiving::Over {
            return Err(TrySendError::Disconnected(message));
        }
        if !self.has_room(&state) {
            return Err(TrySendError::Full(message));
        }
        state.push(message, None);
        let receiver = state.at_receiver.call();
        drop(state);
        wake(receiver);
        Ok(())
    }

    pub(super) fn receive(&self, until: Option<Instant>) -> Result<T, RecvTimeoutError> {
        loop {
            let state = match self.take() {
                Ok(message) => return Ok(message),
                Err((TryRecvError::Disconnected, _)) => return Err(RecvTimeoutError::Disconnected),
                Err((TryRecvError::Empty, state)) => state,
            };
            if until.is_some_and(|until| Instant::now() >= until) {
                return Err(RecvTimeoutError::Timeout);
            }
            self.wait(state, End::Receiver, until);
        }
    }

    pub(super) fn try_receive(&self) -> Result<T, TryRecvError> {
        self.take().map_err(|(error, _)| error)
    }

    fn take(&self) -> Result<T, (TryRecvError, MutexGuard<'_, State<T>>)> {
        let mut state = self.lock();
        if let Some((message, sender)) = state.take() {
            drop(state);
            wake(sender);
            return Ok(message);
        }
        let why = if state.senders == 0 { TryRecvError::Disconnected } else { TryRecvError::Empty };
        Err((why, state))
    }

    pub(super) fn is_decided(&self) -> bool {
        let state = self.lock();
        !state.queue.is_empty() || state.senders == 0
    }

    pub(super) fn receiver_is_gone(&self) -> bool {
        self.lock().receiver == Receiving::Over
    }

    pub(super) fn add_sender(&self) {
        self.lock().senders += 1;
    }

    pub(super) fn remove_sender(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        let told = if state.senders == 0 { state.at_receiver.call_all() } else { Vec::new() };
        drop(state);
        wake(told);
    }

    pub(super) fn remove_receiver(&self) {
        let mut state = self.lock();
        state.receiver = Receiving::Over;
        let (offers, lost) =
            state.queue.drain(..).partition(|entry: &Entry<T>| entry.sender.is_some());
        // Whoever waits for its message to be received takes it back.
        state.queue = offers;
        let mut told = state.at_sender.call_all();
        told.extend(state.queue.iter().filter_map(|entry| entry.sender.clone()));
        drop(state);
        wake(told);
        let lost: VecDeque<Entry<T>> = lost;
        // Outside the lock: the messages' destructors may do anything.
        drop(lost);
    }
}
