//! Messages between the parts of a handler, between handlers of a worker, and from threads that know
//! nothing of it. The standard library's channels block the thread of whoever waits, which in the
//! class `coroutine` is everybody's; these have the same semantics and the same errors, and wait in the
//! way of the worker class.
//!
//! ```
//! use oxicorn::channel;
//!
//! let (sender, receiver) = channel::bounded(16);
//! let other = sender.clone();
//! oxicorn::spawn(move || sender.send(1));
//! oxicorn::spawn(move || other.send(2));
//! // It ends when the last sender is gone.
//! assert_eq!(receiver.iter().sum::<i32>(), 3);
//! ```

mod shared;
#[cfg(test)]
mod tests;
mod waiters;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use shared::Shared;

/// A channel that takes any number of messages, as [`std::sync::mpsc::channel`].
///
/// ```
/// let (sender, receiver) = oxicorn::channel::unbounded();
/// sender.send("hello").unwrap();
/// assert_eq!(receiver.recv(), Ok("hello"));
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    pair(None)
}

/// A channel that holds so many messages at most, as [`std::sync::mpsc::sync_channel`]: who sends one
/// more waits. With a capacity of 0 nothing is held, and each sender waits until its message is
/// received.
///
/// ```
/// use oxicorn::channel::{self, TrySendError};
///
/// let (sender, receiver) = channel::bounded(1);
/// sender.send(1).unwrap();
/// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
/// assert_eq!(receiver.recv(), Ok(1));
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    pair(Some(capacity))
}

fn pair<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared::new(capacity));
    (Sender { shared: shared.clone() }, Receiver { shared })
}

/// The end that messages go into. A clone of it is one more.
///
/// ```
/// let (sender, receiver) = oxicorn::channel::unbounded();
/// let thread = std::thread::spawn({
///     let sender = sender.clone();
///     move || sender.send("from a thread of its own")
/// });
/// assert_eq!(receiver.recv(), Ok("from a thread of its own"));
/// # thread.join().unwrap().unwrap();
/// ```
#[derive(Debug)]
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Sends a message, waiting for room in a bounded channel.
    ///
    /// # Errors
    /// The receiver is gone; the message is in the error.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.shared.send(message)
    }

    /// Sends a message if there is room for it. In a channel of capacity 0 there is while somebody
    /// waits in [`Receiver::recv`].
    ///
    /// # Errors
    /// There is none, or the receiver is gone; the message is in the error.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.shared.try_send(message)
    }

    /// Whether nobody will ever receive.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.shared.receiver_is_gone()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.shared.add_sender();
        Sender { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.remove_sender();
    }
}

/// The end that messages come out of, in the order in which they were sent.
///
/// ```
/// use std::time::Duration;
/// use oxicorn::channel::{self, RecvTimeoutError, TryRecvError};
///
/// let (sender, receiver) = channel::unbounded::<u8>();
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
/// sender.send(7).unwrap();
/// drop(sender);
/// assert_eq!(receiver.into_iter().collect::<Vec<_>>(), [7]);
/// ```
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Receiver<T> {
    /// The next message, waiting for it.
    ///
    /// # Errors
    /// There is none, and every sender is gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.shared.receive(None).map_err(|_| RecvError)
    }

    /// The next message, waiting for it for at most `timeout`.
    ///
    /// # Errors
    /// None has come in time, or every sender is gone.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.shared.receive(Instant::now().checked_add(timeout))
    }

    /// The next message if there is one.
    ///
    /// # Errors
    /// There is none now, or every sender is gone.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.shared.try_receive()
    }

    /// The messages until the last sender is gone, waiting for each.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// The messages that are there now.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }

    /// Whether [`Receiver::try_recv`] has an answer that is not "not yet".
    pub(crate) fn is_decided(&self) -> bool {
        self.shared.is_decided()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.remove_receiver();
    }
}

/// What [`Receiver::iter`] gives.
#[derive(Debug)]
pub struct Iter<'a, T>(&'a Receiver<T>);

/// What [`Receiver::try_iter`] gives.
#[derive(Debug)]
pub struct TryIter<'a, T>(&'a Receiver<T>);

/// What [`Receiver`]'s `into_iter` gives.
#[derive(Debug)]
pub struct IntoIter<T>(Receiver<T>);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}
