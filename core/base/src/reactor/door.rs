//! The ways into a worker: its listening sockets, its orders, and the pipe that tells of the
//! master's death. Every class has a door on the epoll set of its main loop, so the accept rule and
//! the way of leaving are the same in all of them.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::gate::{ASIDE, Gate, Verdict};
use crate::app::ConnectionInfo;
use crate::connection::Connection;
use crate::lifeline::Lifeline;
use crate::listener::Listener;
use crate::orders::{Order, Orders};
use crate::serve::Service;
use crate::sys::Epoll;
use crate::worker::{WorkerContext, announce};

/// After an accept that failed (out of descriptors, above all) nobody tries again for so long: the
/// queue stays readable, and trying at once would be a busy loop.
const AFTER_AN_ERROR: Duration = Duration::from_millis(100);
const ONE_COMPLAINT_PER: Duration = Duration::from_secs(1);
/// A worker whose heartbeat is older than this, in milliseconds, is no alternative.
const STALE: u64 = 2_500;

/// The door's descriptors in an epoll set, as the low bits of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum DoorKey {
    /// Somebody waits to be accepted.
    Listener = 0,
    /// There is an order.
    Orders = 1,
    /// The master has died.
    Lifeline = 2,
}

/// Who is at the door.
#[derive(Debug)]
pub enum Caller {
    /// A client.
    Connection(Box<Connection>),
    /// A client, but there are as many connections as there may be. If an idle one is closed, this
    /// client is let in.
    Crowd,
    /// The master, or somebody with kill(1).
    Order(Order),
    /// Nobody will give orders any more.
    MasterDied,
}

/// What becomes of those who wait to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// The listeners are in the epoll set.
    In,
    /// They are out of it until then.
    Until(Instant),
    /// They are out of it until there is room.
    UntilRoom,
    /// The whole server ends: what is in the queue is still taken, then they are closed.
    LastCall,
    /// They are closed.
    Closed,
}

/// See the module.
#[derive(Debug)]
pub struct Door {
    service: Arc<Service>,
    listeners: Vec<Listener>,
    orders: Orders,
    lifeline: Lifeline,
    gate: Gate,
    watch: Watch,
    knocking: Knocking,
    called: Called,
    key_space: u64,
    next_listener: usize,
    complained: Option<Instant>,
}

/// Whether another connection can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Free,
    /// As many requests are in hand as the class can serve at once.
    Busy,
    /// There are as many connections as there may be.
    Crowded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knocking {
    Nobody,
    Somebody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    No,
    ByOrder,
    ByDeath,
}

impl Door {
    /// Puts the context's descriptors into `epoll`, with keys that are `key_space` plus a
    /// [`DoorKey`].
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn new(
        cx: WorkerContext,
        service: &Arc<Service>,
        epoll: &Epoll,
        key_space: u64,
    ) -> io::Result<Door> {
        let WorkerContext { listeners, orders, lifeline, .. } = cx;
        let door = Door {
            service: service.clone(),
            listeners,
            orders,
            lifeline,
            gate: Gate::default(),
            watch: Watch::In,
            knocking: Knocking::Nobody,
            called: Called::No,
            key_space,
            next_listener: 0,
            complained: None,
        };
        let readable = libc::EPOLLIN as u32;
        epoll.add(door.orders.as_fd(), readable, key_space + DoorKey::Orders as u64)?;
        epoll.add(door.lifeline.fd(), readable, key_space + DoorKey::Lifeline as u64)?;
        door.listen(epoll)?;
        Ok(door)
    }

    fn listen(&self, epoll: &Epoll) -> io::Result<()> {
        let key = self.key_space + DoorKey::Listener as u64;
        // Level-triggered and not exclusive: an exclusive wake goes to the last who waited, so one
        // worker would get most connections.
        self.listeners.iter().try_for_each(|l| epoll.add(l.as_fd(), libc::EPOLLIN as u32, key))
    }

    fn stop_listening(&mut self, epoll: &Epoll, watch: Watch) {
        if self.watch == Watch::In {
            for listener in &self.listeners {
                let _ = epoll.remove(listener.as_fd());
            }
        }
        self.watch = watch;
        self.knocking = Knocking::Nobody;
    }

    /// Takes note of an event with one of the door's keys.
    pub fn note(&mut self, key: u64) {
        match key - self.key_space {
            0 => self.knocking = Knocking::Somebody,
            1 => self.called = Called::ByOrder,
            _ => self.called = Called::ByDeath,
        }
    }

    /// The next caller, and `None` when the door needs no more attention until the next events. At
    /// most one connection for each time the listeners were reported: other workers wait at the same
    /// queue.
    pub fn next(&mut self, epoll: &Epoll, now: Instant) -> Option<Caller> {
        match self.called {
            Called::No => {}
            Called::ByOrder => match self.orders.next() {
                Some(order) => return Some(Caller::Order(order)),
                None => self.called = Called::No,
            },
            Called::ByDeath => {
                self.called = Called::No;
                let _ = epoll.remove(self.lifeline.fd());
                return Some(Caller::MasterDied);
            }
        }
        self.tend(epoll, now);
        match (self.watch, self.knocking) {
            (Watch::In, Knocking::Somebody) => self.consider(epoll, now),
            (Watch::LastCall, _) if self.has_room() => self.accept(epoll, now),
            _ => None,
        }
    }

    fn tend(&mut self, epoll: &Epoll, now: Instant) {
        let back = match self.watch {
            Watch::Until(then) => then <= now,
            Watch::UntilRoom => self.has_room(),
            Watch::In | Watch::LastCall | Watch::Closed => false,
        };
        if back {
            self.watch = Watch::In;
            if let Err(error) = self.listen(epoll) {
                self.complain(&error, now);
                self.stop_listening(epoll, Watch::Until(now + AFTER_AN_ERROR));
            }
        }
    }

    fn room(&self) -> Room {
        let slot = self.service.slot();
        if slot.connections() >= u64::from(self.service.config().worker_connections) {
            Room::Crowded
        } else if slot.in_flight() >= self.service.capacity() {
            Room::Busy
        } else {
            Room::Free
        }
    }

    fn has_room(&self) -> bool {
        self.room() == Room::Free
    }

    fn consider(&mut self, epoll: &Epoll, now: Instant) -> Option<Caller> {
        self.knocking = Knocking::Nobody;
        // Looked at once: threads change it at any moment.
        let room = self.room();
        if room != Room::Free {
            self.stop_listening(epoll, Watch::UntilRoom);
            return (room == Room::Crowded).then_some(Caller::Crowd);
        }
        let slot = self.service.slot();
        let fewest = slot.fewest_connections_elsewhere(STALE);
        match self.gate.ask(slot.connections(), fewest) {
            Verdict::Accept => self.accept(epoll, now),
            Verdict::StandAside => {
                self.stop_listening(epoll, Watch::Until(now + ASIDE));
                None
            }
        }
    }

    fn accept(&mut self, epoll: &Epoll, now: Instant) -> Option<Caller> {
        for _ in 0..self.listeners.len() {
            let listener = &self.listeners[self.next_listener];
            self.next_listener = (self.next_listener + 1) % self.listeners.len();
            match listener.accept() {
                Ok((socket, peer)) => {
                    let info = ConnectionInfo::accepted(peer, listener.address().clone());
                    let connection = Connection::new(socket, info, &self.service, now);
                    return Some(Caller::Connection(Box::new(connection)));
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    self.complain(&error, now);
                    if self.watch == Watch::In {
                        self.stop_listening(epoll, Watch::Until(now + AFTER_AN_ERROR));
                    }
                    return None;
                }
            }
        }
        if self.watch == Watch::LastCall {
            self.close(epoll);
        }
        None
    }

    fn complain(&mut self, error: &io::Error, now: Instant) {
        if self.complained.is_none_or(|then| now >= then + ONE_COMPLAINT_PER) {
            self.complained = Some(now);
            tracing::error!("Cannot accept connections: {error}");
        }
    }

    /// Whether [`Door::next`] wants to be called when a request is finished or a connection closed.
    pub fn is_waiting_for_room(&self) -> bool {
        self.watch == Watch::UntilRoom
    }

    /// When [`Door::next`] wants to be called although nothing has happened.
    pub fn wakes_at(&self, now: Instant) -> Option<Instant> {
        match self.watch {
            Watch::Until(then) => Some(then),
            Watch::LastCall if self.has_room() => Some(now),
            _ => None,
        }
    }

    /// Accepts nobody until then.
    pub fn pause(&mut self, epoll: &Epoll, until: Instant) {
        if self.watch == Watch::In {
            self.stop_listening(epoll, Watch::Until(until));
        }
    }

    /// No more clients from now on. When the whole server ends nobody else will ever answer those
    /// who are in the queue already, so they are let in first; when only this worker leaves, the
    /// others will.
    pub fn leave(&mut self, epoll: &Epoll) {
        if matches!(self.watch, Watch::LastCall | Watch::Closed) {
            return;
        }
        if self.service.slot().server_is_ending() {
            self.stop_listening(epoll, Watch::LastCall);
        } else {
            self.close(epoll);
        }
    }

    fn close(&mut self, epoll: &Epoll) {
        self.stop_listening(epoll, Watch::Closed);
        self.listeners.clear();
    }

    /// Whether nobody will come in any more.
    pub fn is_closed(&self) -> bool {
        self.watch == Watch::Closed
    }

    /// Says that this worker can serve from now on.
    pub fn announce(&self) {
        announce(self.service.slot(), &self.lifeline);
    }
}

/// An accept that failed because of the one connection, which is gone (accept(2), "Error handling").
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted | ConnectionReset)
        || matches!(error.raw_os_error(), Some(libc::EPROTO))
}
