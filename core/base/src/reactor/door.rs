//! The ways into a worker: its listening sockets, its orders, and the pipe that tells of the
//! master's death. Every class has a door on the epoll set of its main loop, so the accept rule and
//! the way of leaving are the same in all of them.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::gate::{ASIDE, Gate, Verdict};
use super::knocking::Knocking;
use crate::app::ConnectionInfo;
use crate::connection::Connection;
use crate::lifeline::Lifeline;
use crate::listener::Listener;
use crate::orders::{Order, Orders};
use crate::scoreboard::Outlook;
use crate::serve::{Posture, Service};
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

const LISTENER: u64 = DoorKey::Listener as u64;
const ORDERS: u64 = DoorKey::Orders as u64;
const LIFELINE: u64 = DoorKey::Lifeline as u64;

/// Who is at the door.
#[derive(Debug)]
pub enum Caller {
    /// A client.
    Connection(Box<Connection>),
    /// A client, but there are as many connections as there may be. If an idle one is closed, this
    /// client is let in.
    Crowd,
    /// The worker is to finish what it has and leave: the service and the door know it already, the
    /// connections that wait are to be looked at again.
    Leave,
    /// The worker is to leave at once.
    LeaveNow,
}

/// Whether a worker that was told to leave can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It has something to do still, or was not told to leave.
    NotYet,
    /// Nobody will come any more and every connection is closed.
    Done,
    /// The time for it is over.
    OutOfTime,
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
    /// Nobody else will take what is in their queues: it is still taken, then they are closed.
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
    asked_for_room: Option<Instant>,
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
            asked_for_room: None,
        };
        let readable = libc::EPOLLIN as u32;
        epoll.add(door.orders.as_fd(), readable, key_space + ORDERS)?;
        epoll.add(door.lifeline.fd(), readable, key_space + LIFELINE)?;
        door.listen(epoll)?;
        Ok(door)
    }

    fn listen(&self, epoll: &Epoll) -> io::Result<()> {
        let key = self.key_space + LISTENER;
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

    /// The epoll set was looked at, and everything that is ready will be noted: before [`Door::note`].
    pub fn begin_notes(&mut self) {
        self.knocking = self.knocking.unless_reported();
    }

    /// Takes note of an event with one of the door's keys.
    pub fn note(&mut self, key: u64, now: Instant) {
        match key.wrapping_sub(self.key_space) {
            LISTENER => self.knocking = Knocking::Somebody(now),
            ORDERS => self.called = Called::ByOrder,
            LIFELINE => self.called = Called::ByDeath,
            _ => {}
        }
    }

    /// The next caller, and `None` when the door needs no more attention until the next events. At
    /// most one connection for each time the listeners were reported: other workers wait at the same
    /// queue. A worker that has more to do before the next events asks [`Door::is_due`] meanwhile.
    pub fn next(&mut self, epoll: &Epoll, now: Instant) -> Option<Caller> {
        if let Some(caller) = self.next_order(epoll) {
            return Some(caller);
        }
        self.tend(epoll, now);
        match (self.watch, self.knocking) {
            (Watch::In, Knocking::Somebody(_)) => self.consider(epoll, now),
            (Watch::UntilRoom, _) => self.crowd(now),
            (Watch::LastCall, _) if self.has_room() => {
                self.accept(epoll, now).map(Caller::Connection)
            }
            _ => None,
        }
    }

    /// Whether a worker that has more to do before it looks at the epoll set again should call
    /// [`Door::next_between`] first.
    pub fn is_due(&self, now: Instant) -> bool {
        match self.watch {
            Watch::In => self.knocking.is_due(now),
            Watch::Until(then) => then <= now,
            Watch::UntilRoom | Watch::LastCall | Watch::Closed => false,
        }
    }

    /// A connection that may have waited while the worker was busy with others. One that serves one slow
    /// request at a time has none: it takes nobody while it has something to do.
    pub fn next_between(&mut self, epoll: &Epoll, now: Instant) -> Option<Box<Connection>> {
        if self.service.waits_for_one().is_some() {
            return None;
        }
        self.tend(epoll, now);
        // If there is no room, it is made when everything else has been looked at.
        let somebody = self.watch == Watch::In && self.knocking != Knocking::Nobody;
        let takes = somebody && self.has_room();
        if takes { self.take(epoll, now) } else { None }
    }

    fn next_order(&mut self, epoll: &Epoll) -> Option<Caller> {
        match std::mem::replace(&mut self.called, Called::No) {
            Called::No => None,
            Called::ByOrder => {
                while let Some(order) = self.orders.next() {
                    match order {
                        Order::Reopen => self.service.reopen_logs(),
                        Order::Quick => return Some(Caller::LeaveNow),
                        Order::Graceful => {
                            // There may be more orders behind this one.
                            self.called = Called::ByOrder;
                            return Some(self.leave(epoll));
                        }
                    }
                }
                None
            }
            Called::ByDeath => {
                // The end of the file stays there to be read.
                let _ = epoll.remove(self.lifeline.fd());
                Some(self.leave(epoll))
            }
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
            self.knocking = Knocking::Perhaps(now);
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
            return self.crowd(now);
        }
        self.take(epoll, now).map(Caller::Connection)
    }

    /// Takes a connection, unless another worker should.
    fn take(&mut self, epoll: &Epoll, now: Instant) -> Option<Box<Connection>> {
        let slot = self.service.slot();
        let fewest = slot.fewest_connections_elsewhere(STALE);
        match self.gate.ask(slot.connections(), fewest) {
            Verdict::Accept => {
                let newcomer = self.accept(epoll, now);
                self.knocking = match newcomer {
                    Some(_) => Knocking::Perhaps(now),
                    None => Knocking::Nobody,
                };
                newcomer
            }
            Verdict::StandAside => {
                self.stop_listening(epoll, Watch::Until(now + ASIDE));
                None
            }
        }
    }

    /// Asks for room once a turn: there may have been no idle connection the last time.
    fn crowd(&mut self, now: Instant) -> Option<Caller> {
        let asks = self.room() == Room::Crowded && self.asked_for_room != Some(now);
        asks.then(|| {
            self.asked_for_room = Some(now);
            Caller::Crowd
        })
    }

    fn accept(&mut self, epoll: &Epoll, now: Instant) -> Option<Box<Connection>> {
        for _ in 0..self.listeners.len() {
            let listener = &self.listeners[self.next_listener];
            self.next_listener = (self.next_listener + 1) % self.listeners.len();
            match listener.accept() {
                Ok((socket, peer)) => {
                    let info = ConnectionInfo::accepted(peer, listener.address().clone())
                        .served_with(self.service.slot().board());
                    let connection = Connection::new(socket, info, &self.service, now);
                    return Some(Box::new(connection));
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

    /// Whether [`Door::next`] and [`Door::departure`] want to be asked again when a request is
    /// finished or a connection closed.
    pub fn is_waiting_for_room(&self) -> bool {
        matches!(self.watch, Watch::UntilRoom | Watch::LastCall | Watch::Closed)
    }

    /// For how long the main loop may sleep at most: until the door wants to be looked at although
    /// nothing has happened, or a sign of life is due.
    pub fn may_sleep_for(&self, now: Instant) -> Duration {
        let door = match self.watch {
            Watch::Until(then) => then.saturating_duration_since(now),
            Watch::LastCall if self.has_room() => Duration::ZERO,
            Watch::In | Watch::UntilRoom | Watch::LastCall | Watch::Closed => Duration::MAX,
        };
        door.min(self.service.beat_interval())
    }

    /// Accepts nobody until then.
    pub fn pause(&mut self, epoll: &Epoll, until: Instant) {
        if self.watch == Watch::In {
            self.stop_listening(epoll, Watch::Until(until));
        }
    }

    /// No more clients from now on. When the whole server ends, or gives an address up, nobody else
    /// will ever answer those who are in the queue already, so they are let in first; when only this
    /// worker leaves, the others will.
    fn leave(&mut self, epoll: &Epoll) -> Caller {
        self.service.leave();
        if !matches!(self.watch, Watch::LastCall | Watch::Closed) {
            self.stop_listening(epoll, Watch::LastCall);
            if self.service.slot().outlook() != Outlook::Ends {
                self.listeners.retain(Listener::refuses_new);
                self.next_listener = 0;
            }
            if self.listeners.is_empty() {
                self.close(epoll);
            }
        }
        Caller::Leave
    }

    fn close(&mut self, epoll: &Epoll) {
        self.stop_listening(epoll, Watch::Closed);
        self.listeners.clear();
    }

    /// Whether the worker can go.
    pub fn departure(&self, now: Instant) -> Departure {
        let Posture::Leaving(since) = self.service.posture() else { return Departure::NotYet };
        // Nobody waits for connections whose handlers do not come back.
        let stuck = self.service.strays();
        if self.watch == Watch::Closed && self.service.slot().connections() <= stuck {
            return Departure::Done;
        }
        // The master enforces the limit, unless it is dead.
        match self.service.config().graceful_timeout.get() {
            Some(limit) if now >= since + limit => Departure::OutOfTime,
            _ => Departure::NotYet,
        }
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
