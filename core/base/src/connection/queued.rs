//! How long a request has waited for the application: from its last bytes' arrival to the handler's
//! beginning. Most of that is spent where this process cannot look, in the queue of connections that
//! wait to be accepted and in the socket's buffer while the worker is busy; but the kernel knows when
//! the last bytes came in. Asking is a system call, so it is done only for whoever will read the
//! answer. Over a unix socket the kernel does not say: there it is the time since the request was
//! complete in our hands.
//!
//! A client that has sent more meanwhile (the next request, the next part of a body) makes it look
//! shorter.

use std::os::fd::AsFd;
use std::time::Duration;

use super::Connection;
use crate::listener::Peer;
use crate::sys::tcp;

impl Connection {
    /// The application gets the request in hand now. [`Connection::open`] says so, too: what counts is
    /// the last time, for a class in which a handler that was made has still to wait for its turn.
    pub fn note_queue_time(&mut self) {
        let Some(exchange) = &mut self.exchange else { return };
        let Some(log) = exchange.log.as_mut().filter(|log| log.wants_queue_time()) else { return };
        let own = exchange.in_flight.as_ref().map_or(Duration::ZERO, |f| f.started.elapsed());
        let kernels = match self.info.sender {
            Peer::Tcp(_) => tcp::since_last_data(self.socket.as_fd()).unwrap_or_default(),
            Peer::Unix => Duration::ZERO,
        };
        log.waited(own.max(kernels));
    }
}
