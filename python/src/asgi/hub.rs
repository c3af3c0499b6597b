//! The middle of it: the reactor, the requests in hand, and the event loop that both live in. Its turn
//! comes as a callback of the loop, and whenever the application says something.
//!
//! Two things must never happen while something of it is borrowed: a call of Python, because any call
//! may end in a finalizer that says something; and the dropping of a Python object, for the same
//! reason. So what is to be woken or dropped is carried out of the borrow first.

use std::cell::{Cell, OnceCell, RefCell};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use oxicorn_core::connection::Readiness;
use oxicorn_core::reactor::{Reactor, Turn};
use oxicorn_core::serve::{Posture, Running, Scratch, Service};
use oxicorn_core::worker::WorkerError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use slab::Slab;

use super::awaitable::Done;
use super::exchange::{Begun, Exchange, Handler, Key};
use super::host::{Host, failed};
use super::scope::Scopes;

/// The one alarm of the reactor that is set here.
const LOOK: u64 = 0;

/// Why the hub has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The reactor's descriptor is readable.
    Ready,
    /// Time has passed.
    Alarm,
    /// Somebody has asked for it.
    Asked,
}

/// A callback of the event loop.
#[pyclass(frozen, module = "oxicorn")]
struct Callback(Cause);

#[pymethods]
impl Callback {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        Hub::of_this_thread()?.turn(py, self.0)
    }
}

/// Whether the hub's turn is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    MyTurn,
    SomebodyElses,
}

/// Whether a turn was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    No,
    Yes,
}

/// How far the worker is with leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    /// The WebSockets have been told.
    Told,
    /// Every connection is closed; only handlers that have answered are still at work.
    OnlyHandlers,
}

/// See the module.
pub(super) struct Hub {
    pub(super) service: Arc<Service>,
    pub(super) scratch: Rc<RefCell<Scratch>>,
    pub(super) reactor: RefCell<Reactor>,
    pub(super) host: Host,
    pub(super) callable: Py<PyAny>,
    pub(super) scopes: Scopes,
    /// What `send()` returns mostly.
    pub(super) done: Py<PyAny>,
    exchanges: RefCell<Slab<Exchange>>,
    visits: Cell<u64>,
    look_at: Cell<Option<Instant>>,
    on_alarm: Py<PyAny>,
    on_asked: Py<PyAny>,
    /// When the loop's timer comes, and its handle.
    alarm: RefCell<Option<(Instant, Py<PyAny>)>>,
    now: Cell<Now>,
    asked: Cell<Asked>,
    leaving: Cell<Leaving>,
    failure: RefCell<Option<WorkerError>>,
}

thread_local! {
    static HUB: OnceCell<Rc<Hub>> = const { OnceCell::new() };
}

impl Hub {
    /// Makes the hub of this thread.
    pub(super) fn install(
        py: Python<'_>,
        service: &Arc<Service>,
        reactor: Reactor,
        host: Host,
        callable: &Py<PyAny>,
        state: Option<Py<PyDict>>,
    ) -> Result<Rc<Hub>, WorkerError> {
        let make = || -> PyResult<Hub> {
            let callback = |cause| Ok::<_, PyErr>(Py::new(py, Callback(cause))?.into_any());
            Ok(Hub {
                service: service.clone(),
                scratch: reactor.scratch(),
                reactor: RefCell::new(reactor),
                host,
                callable: callable.clone_ref(py),
                scopes: Scopes::new(py, service.config(), state)?,
                done: Py::new(py, Done::at_once())?.into_any(),
                exchanges: RefCell::default(),
                visits: Cell::new(0),
                look_at: Cell::new(None),
                on_alarm: callback(Cause::Alarm)?,
                on_asked: callback(Cause::Asked)?,
                alarm: RefCell::default(),
                now: Cell::new(Now::SomebodyElses),
                asked: Cell::new(Asked::No),
                leaving: Cell::new(Leaving::No),
                failure: RefCell::default(),
            })
        };
        let hub = Rc::new(make().map_err(failed(py))?);
        Ok(HUB.with(|cell| cell.get_or_init(|| hub).clone()))
    }

    /// The hub of this thread.
    pub(super) fn of_this_thread() -> PyResult<Rc<Hub>> {
        HUB.with(|hub| hub.get().cloned()).ok_or_else(|| {
            PyRuntimeError::new_err(
                "receive() and send() belong to the thread of the event loop: \
                 use asyncio.run_coroutine_threadsafe",
            )
        })
    }

    /// Serves until told to leave.
    pub(super) fn serve(&self, py: Python<'_>) -> Result<(), WorkerError> {
        let run = || -> PyResult<()> {
            let event_loop = self.host.event_loop.bind(py);
            let fd = self.reactor.borrow().fd().as_raw_fd();
            let ready = Py::new(py, Callback(Cause::Ready))?;
            event_loop.call_method1("add_reader", (fd, ready))?;
            self.host.soon(py, &self.on_asked)?;
            self.reactor.borrow().announce();
            event_loop.call_method0("run_forever")?;
            event_loop.call_method1("remove_reader", (fd,)).map(drop)
        };
        run().map_err(failed(py))?;
        self.failure.take().map_or(Ok(()), Err)
    }

    fn turn(&self, py: Python<'_>, cause: Cause) -> PyResult<()> {
        match cause {
            Cause::Ready => {}
            Cause::Alarm => drop(self.alarm.take()),
            Cause::Asked => self.asked.set(Asked::No),
        }
        self.now.set(Now::MyTurn);
        let turned = self.turn_once(py);
        self.now.set(Now::SomebodyElses);
        turned?;
        self.set_alarm(py)
    }

    fn turn_once(&self, py: Python<'_>) -> PyResult<()> {
        if self.leaving.get() == Leaving::OnlyHandlers {
            return self.wait_for_handlers(py);
        }
        if let Err(error) = self.reactor.borrow_mut().collect() {
            *self.failure.borrow_mut() = Some(WorkerError::io("reactor")(error));
            self.host.stop(py);
            return Ok(());
        }
        loop {
            let turn = self.reactor.borrow_mut().next_collected();
            match turn {
                Some(Turn::Request(job)) => self.begin(py, job)?,
                Some(Turn::Ready(number)) => {
                    let readiness = self.reactor.borrow().readiness();
                    self.ready(py, Key::from_number(number), readiness)?;
                }
                Some(Turn::Alarm(_)) => self.look(py)?,
                Some(Turn::Leave) => return self.depart(py),
                Some(Turn::Nothing) | None => break,
            }
        }
        if self.leaving.get() == Leaving::No && self.service.posture() != Posture::Serving {
            self.leaving.set(Leaving::Told);
            self.dismiss_sockets(py)?;
        }
        Ok(())
    }

    /// Every connection is closed, or the time is over.
    fn depart(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_idle() || self.reactor.borrow().must_leave(Instant::now()) {
            self.host.stop(py);
            return Ok(());
        }
        self.leaving.set(Leaving::OnlyHandlers);
        // There is nothing to be heard there any more, and the descriptor may stay readable.
        let fd = self.reactor.borrow().fd().as_raw_fd();
        self.host.event_loop.bind(py).call_method1("remove_reader", (fd,)).map(drop)
    }

    fn wait_for_handlers(&self, py: Python<'_>) -> PyResult<()> {
        self.service.beat();
        if self.is_idle() || self.reactor.borrow().must_leave(Instant::now()) {
            self.host.stop(py);
        }
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.exchanges.borrow().is_empty()
    }

    /// Has the event loop give the hub its turn when the reactor needs one although nothing happens.
    fn set_alarm(&self, py: Python<'_>) -> PyResult<()> {
        let rest = match self.leaving.get() {
            Leaving::OnlyHandlers => self.service.beat_interval(),
            Leaving::No | Leaving::Told => self.reactor.borrow().may_sleep_for(),
        };
        if rest.is_zero() {
            return self.ask_for_turn(py);
        }
        let then = Instant::now() + rest;
        let set = self.alarm.borrow().as_ref().map(|(then, _)| *then);
        if set.is_some_and(|set| set <= then) {
            return Ok(());
        }
        let handle = self.host.later(py, rest.as_secs_f64(), &self.on_alarm)?;
        let earlier = self.alarm.replace(Some((then, handle)));
        if let Some((_, handle)) = earlier {
            handle.call_method0(py, intern!(py, "cancel"))?;
        }
        Ok(())
    }

    fn ask_for_turn(&self, py: Python<'_>) -> PyResult<()> {
        if self.asked.replace(Asked::Yes) == Asked::Yes {
            return Ok(());
        }
        self.host.soon(py, &self.on_asked)
    }

    /// Behind everything that happens outside of a turn: the reactor may have something to do now.
    fn tend(&self, py: Python<'_>) -> PyResult<()> {
        if self.now.get() == Now::MyTurn {
            return Ok(());
        }
        let waits = self.reactor.borrow().is_waiting_for_ends();
        if waits || self.scratch.borrow().has_lines() {
            return self.ask_for_turn(py);
        }
        let set = self.alarm.borrow().as_ref().map(|(then, _)| *then);
        match self.look_at.get() {
            Some(then) if set.is_none_or(|set| then < set) => self.set_alarm(py),
            _ => Ok(()),
        }
    }

    /// Enters a request, with a number for it.
    pub(super) fn enter(&self, make: impl FnOnce(Key) -> Exchange) -> Key {
        let visit = self.visits.get();
        self.visits.set(visit + 1);
        let mut exchanges = self.exchanges.borrow_mut();
        let entry = exchanges.vacant_entry();
        let key = Key::new(entry.key(), visit);
        let exchange = make(key);
        let due = exchange.next_due();
        entry.insert(exchange);
        drop(exchanges);
        due.into_iter().for_each(|due| self.look_by(due));
        key
    }

    /// Nothing of Python is to be called or dropped in `use_it`.
    pub(super) fn with<T>(&self, key: Key, use_it: impl FnOnce(&mut Exchange) -> T) -> Option<T> {
        let mut exchanges = self.exchanges.borrow_mut();
        exchanges.get_mut(key.index()).filter(|exchange| exchange.key == key).map(use_it)
    }

    /// The same with each of them.
    pub(super) fn with_each<T>(&self, mut use_it: impl FnMut(&mut Exchange) -> T) -> Vec<T> {
        self.exchanges.borrow_mut().iter_mut().map(|(_, exchange)| use_it(exchange)).collect()
    }

    /// Behind every change of an exchange: wakes who waits for it, and looks out for what it needs now.
    pub(super) fn refresh(&self, py: Python<'_>, key: Key) -> PyResult<()> {
        let changed = self.with(key, |exchange| {
            self.watch(exchange);
            let due = exchange.next_due();
            (std::mem::take(&mut exchange.woken), exchange.is_over(), due)
        });
        let Some((woken, over, due)) = changed else { return Ok(()) };
        if over {
            let gone = self.exchanges.borrow_mut().try_remove(key.index());
            drop(gone);
        } else {
            due.into_iter().for_each(|due| self.look_by(due));
        }
        for future in woken {
            let future = future.bind(py);
            if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
                future.call_method1(intern!(py, "set_result"), (py.None(),))?;
            }
        }
        if over && self.leaving.get() == Leaving::OnlyHandlers && self.is_idle() {
            return self.ask_for_turn(py);
        }
        self.tend(py)
    }

    fn watch(&self, exchange: &mut Exchange) {
        let wants = exchange.wants();
        if wants == exchange.watched || wants == Readiness::NONE {
            return;
        }
        exchange.watched = wants;
        let Some(fd) = exchange.fd() else { return };
        if let Err(error) = self.reactor.borrow_mut().watch_for(fd, wants, exchange.key.number()) {
            tracing::error!("Cannot watch a connection: {error}");
        }
    }

    /// Sees to it that [`Hub::look`] is called then.
    pub(super) fn look_by(&self, then: Instant) {
        if self.look_at.get().is_none_or(|set| then < set) {
            self.look_at.set(Some(then));
            self.reactor.borrow_mut().wake_at(then, LOOK);
        }
    }

    /// The alarm has come.
    pub(super) fn has_looked(&self) {
        self.look_at.set(None);
    }

    /// The task of a request has its turn. Its first one may have come late.
    pub(super) fn has_turn(&self, key: Key) {
        self.with(key, |exchange| {
            if std::mem::replace(&mut exchange.begun, Begun::Yes) == Begun::No
                && let Some(job) = &mut exchange.job
            {
                job.connection.note_queue_time();
            }
        });
    }

    /// The thread goes into the handler of a request, or out of it.
    pub(super) fn in_handler<T>(&self, key: Key, run: impl FnOnce() -> T) -> T {
        let running = self.with(key, |exchange| exchange.running).unwrap_or(Running::NONE);
        let hold = self.service.hold_thread();
        self.service.enter(running);
        let outcome = run();
        self.service.enter(Running::NONE);
        self.service.release_thread(hold, || {
            let place = self.with(key, |exchange| exchange.place.clone());
            place.map_or_else(|| "a request".to_owned(), |place| place.to_string())
        });
        outcome
    }

    /// Keeps the task of a handler that has not come to its end yet.
    pub(super) fn keep_task(&self, key: Key, task: Py<PyAny>) {
        // What is dropped, if it has come to its end, is dropped here and not in there.
        let mut task = Some(task);
        self.with(key, |exchange| {
            if let Handler::Runs(kept) = &mut exchange.handler {
                *kept = task.take();
            }
        });
    }
}
