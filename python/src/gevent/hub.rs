//! The reactor inside gevent's hub. The hub calls [`Hub::on_ready`] when the reactor's epoll set is
//! readable or the next deadline has come; that hands each request to a greenlet and comes back when the
//! greenlet waits. Nothing here is borrowed while Python code runs, for it may switch.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxicorn_core::reactor::{Job, Reactor, Turn};
use oxicorn_core::serve::{self, Hold, Running, Scratch, Service};
use oxicorn_core::worker::WorkerError;
use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyModule, PyTuple};

use super::overdue::{Time, Watch};
use super::requests::{Address, Requests};

/// Greenlets that rest, for the next requests.
const MOST_RESTING: usize = 128;
/// The alarm of all requests.
const WATCH: u64 = 0;
/// A timer that comes this much too late is not set anew.
const EXACT: Duration = Duration::from_millis(1);

/// The things of gevent's that are called often.
struct Gevent {
    hub: Py<PyAny>,
    run_callback: Py<PyAny>,
    getcurrent: Py<PyAny>,
    spawn: Py<PyAny>,
    wait: Py<PyAny>,
    timeout: Py<PyAny>,
    /// Set when it is time to leave.
    end: Py<PyAny>,
}

/// Whether [`Hub::on_ready`] will be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// When there is something.
    Later,
    /// It is on its way, or running.
    Now,
    /// Never again.
    Over,
}

/// See the module.
#[pyclass(frozen, unsendable, name = "hub", module = "oxicorn")]
pub(super) struct Hub {
    service: Arc<Service>,
    scratch: Rc<RefCell<Scratch>>,
    reactor: RefCell<Reactor>,
    gevent: Gevent,
    requests: RefCell<Requests>,
    watch: Cell<Watch>,
    job: Cell<Option<Job>>,
    resting: RefCell<Vec<Py<PyAny>>>,
    due: Cell<Due>,
    timer: RefCell<Option<(Py<PyAny>, Instant)>>,
    hold: Cell<Option<Hold>>,
    broken: RefCell<Option<std::io::Error>>,
}

static HUB: PyOnceLock<Py<Hub>> = PyOnceLock::new();

/// The hub of this process, once there is one.
pub(super) fn installed(py: Python<'_>) -> Option<Bound<'_, Hub>> {
    HUB.get(py).map(|hub| hub.bind(py).clone())
}

impl Hub {
    /// Makes it, in the hub of the calling thread.
    pub(super) fn install<'py>(
        py: Python<'py>,
        service: &Arc<Service>,
        reactor: Reactor,
    ) -> PyResult<Bound<'py, Hub>> {
        let hub = Hub {
            service: service.clone(),
            scratch: reactor.scratch(),
            reactor: RefCell::new(reactor),
            gevent: Gevent::new(py)?,
            requests: RefCell::default(),
            watch: Cell::new(Watch::new(service.config().timeout.get())),
            job: Cell::new(None),
            resting: RefCell::default(),
            due: Cell::new(Due::Later),
            timer: RefCell::new(None),
            hold: Cell::new(None),
            broken: RefCell::new(None),
        };
        let hub = Bound::new(py, hub)?;
        Ok(HUB.get_or_init(py, || hub.unbind()).bind(py).clone())
    }

    /// Serves until it is time to leave.
    pub(super) fn run(this: &Bound<'_, Hub>) -> Result<(), WorkerError> {
        let py = this.py();
        let own = this.borrow();
        let fail = |error: PyErr| WorkerError::App(format!("gevent: {error}"));
        let watcher = own.start(this).map_err(fail)?;
        own.reactor.borrow().announce();
        loop {
            match own.gevent.end.bind(py).call_method0("wait") {
                Ok(_) => break,
                // gevent passes them on to the main greenlet, wherever they were raised.
                Err(error)
                    if error.is_instance_of::<PySystemExit>(py)
                        || error.is_instance_of::<PyKeyboardInterrupt>(py) =>
                {
                    tracing::error!("A greenlet has raised {error}: the worker goes on");
                }
                Err(error) => return Err(fail(error)),
            }
        }
        watcher.bind(py).call_method0("close").map_err(fail)?;
        own.scratch.borrow_mut().flush();
        own.broken.take().map_or(Ok(()), |error| Err(WorkerError::io("reactor")(error)))
    }

    fn start(&self, this: &Bound<'_, Hub>) -> PyResult<Py<PyAny>> {
        let py = this.py();
        let on_ready = this.getattr("on_ready")?;
        let fd = self.reactor.borrow().fd().as_raw_fd();
        let watcher = self.gevent.hub.bind(py).getattr("loop")?.call_method1("io", (fd, 1))?;
        watcher.call_method1("start", (on_ready,))?;
        py.import("greenlet")?.call_method1("settrace", (this.getattr("switched")?,))?;
        self.due.set(Due::Now);
        self.call_soon(this)?;
        Ok(watcher.unbind())
    }

    fn current<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.gevent.getcurrent.bind(py).call0()
    }

    /// What the request has of its time that the current greenlet serves; `None`: it serves none.
    pub(super) fn own_time(&self, py: Python<'_>) -> Option<Time> {
        let current = self.current(py).ok()?;
        self.requests.borrow().time(Address::of(&current))
    }

    pub(super) fn wait_function<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.gevent.wait.bind(py).clone()
    }

    /// Looks what has happened, and goes through all of that. Called in the hub's greenlet.
    fn turn(&self, this: &Bound<'_, Hub>) -> PyResult<()> {
        let py = this.py();
        if let Err(error) = self.reactor.borrow_mut().collect() {
            self.broken.replace(Some(error));
            return self.leave(py);
        }
        loop {
            let turn = self.reactor.borrow_mut().next_collected();
            match turn {
                Some(Turn::Request(job)) => self.begin(this, job)?,
                Some(Turn::Alarm(_)) => self.end_overdue(py),
                Some(Turn::Ready(_) | Turn::Nothing) => {}
                Some(Turn::Leave) => return self.leave(py),
                None => break,
            }
        }
        let sleep = self.reactor.borrow().may_sleep_for();
        if sleep.is_zero() {
            return self.call_soon(this);
        }
        self.due.set(Due::Later);
        self.set_timer(this, sleep)
    }

    /// Has the hub call once it has looked at everything else.
    fn call_soon(&self, this: &Bound<'_, Hub>) -> PyResult<()> {
        let on_ready = this.getattr(intern!(this.py(), "on_ready"))?;
        self.gevent.run_callback.bind(this.py()).call1((on_ready,)).map(drop)
    }

    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        self.due.set(Due::Over);
        if let Some((timer, _)) = self.timer.take() {
            timer.bind(py).call_method0("close")?;
        }
        self.gevent.end.bind(py).call_method0("set").map(drop)
    }

    fn begin(&self, this: &Bound<'_, Hub>, job: Job) -> PyResult<()> {
        let mut watch = self.watch.get();
        if let Some(due) = watch.set_for(job.connection.started()) {
            self.reactor.borrow_mut().wake_at(due, WATCH);
        }
        self.watch.set(watch);
        self.job.set(Some(job));
        let begun = self.hand_on(this);
        // Whoever was to take it has not.
        if let Some(job) = self.job.take() {
            self.reactor.borrow_mut().settle(job.ticket, None);
        }
        begun
    }

    /// Switches to a greenlet that takes the job, and comes back when that waits.
    fn hand_on(&self, this: &Bound<'_, Hub>) -> PyResult<()> {
        let py = this.py();
        loop {
            let resting = self.resting.borrow_mut().pop();
            let Some(greenlet) = resting else { break };
            // Somebody may have killed it while it rested.
            if !greenlet.bind(py).getattr(intern!(py, "dead"))?.is_truthy()? {
                greenlet.bind(py).call_method0(intern!(py, "switch"))?;
                return Ok(());
            }
        }
        self.gevent.spawn.bind(py).call1((this.getattr("serve")?,)).map(drop)
    }

    /// Throws into every greenlet whose request has taken too long. All of them wait, as always when
    /// the hub runs.
    fn end_overdue(&self, py: Python<'_>) {
        let mut watch = self.watch.get();
        let late = self.requests.borrow_mut().look(py, &mut watch);
        self.watch.set(watch);
        if let Some(next) = late.next {
            self.reactor.borrow_mut().wake_at(next, WATCH);
        }
        if !late.entries.is_empty() {
            self.service.report_overdue(&late.entries);
        }
        for greenlet in late.greenlets {
            let thrown = greenlet.bind(py).call_method1("throw", (&self.gevent.timeout,));
            if let Err(error) = thrown {
                tracing::error!("A request that has taken too long could not be ended: {error}");
            }
        }
    }

    /// Has the hub call when the reactor's next deadline has come.
    fn set_timer(&self, this: &Bound<'_, Hub>, sleep: Duration) -> PyResult<()> {
        let py = this.py();
        let then = Instant::now() + sleep;
        let set = self.timer.take();
        if let Some((timer, at)) = set {
            let is_active = timer.bind(py).getattr(intern!(py, "active"))?.is_truthy()?;
            if is_active && at <= then + EXACT {
                self.timer.replace(Some((timer, at)));
                return Ok(());
            }
            timer.bind(py).call_method0("close")?;
        }
        let seconds = sleep.max(EXACT).as_secs_f64();
        let timer = self.gevent.hub.bind(py).getattr("loop")?.call_method1("timer", (seconds,))?;
        timer.call_method1("start", (this.getattr("on_ready")?,))?;
        self.timer.replace(Some((timer.unbind(), then)));
        Ok(())
    }

    /// A greenlet has finished a request: there may be room for another one, or one behind it.
    fn look_again(&self, this: &Bound<'_, Hub>) -> PyResult<()> {
        if self.due.get() == Due::Later {
            self.due.set(Due::Now);
            self.call_soon(this)?;
        }
        Ok(())
    }

    fn release(&self, greenlet: Address) {
        if let Some(hold) = self.hold.take() {
            self.service.release_thread(hold, || self.requests.borrow().place(greenlet));
        }
    }
}

#[pymethods]
impl Hub {
    /// For the hub: the reactor's set is readable, or its time has come.
    fn on_ready(this: &Bound<'_, Self>) {
        let own = this.borrow();
        if own.due.replace(Due::Now) == Due::Over {
            return own.due.set(Due::Over);
        }
        if let Err(error) = own.turn(this) {
            own.due.set(Due::Later);
            tracing::error!(target: "exception", "Error in gevent's hub: {error}");
        }
    }

    /// For a pooled greenlet: answers the request that waits for one. `false`: it is not needed any
    /// more.
    fn serve(this: &Bound<'_, Self>) -> PyResult<bool> {
        let (py, own) = (this.py(), this.borrow());
        let Some(job) = own.job.take() else { return Ok(false) };
        let greenlet = own.current(py)?;
        let address = Address::of(&greenlet);
        own.requests.borrow_mut().begin(&greenlet, &job.connection);
        let outcome = serve::handle(job.connection, &own.scratch);
        own.reactor.borrow_mut().settle(job.ticket, outcome);
        own.release(address);
        own.requests.borrow_mut().end(address);
        own.look_again(this)?;
        let mut resting = own.resting.borrow_mut();
        let rests = resting.len() < MOST_RESTING;
        if rests {
            resting.push(greenlet.unbind());
        }
        Ok(rests)
    }

    /// For greenlet: tells who has the thread from now on.
    fn switched(&self, _event: &Bound<'_, PyAny>, between: &Bound<'_, PyTuple>) {
        let (Ok(from), Ok(to)) = (between.get_item(0), between.get_item(1)) else { return };
        let (leaves, enters) = (Address::of(&from), Address::of(&to));
        self.release(leaves);
        if let Some(request) = self.requests.borrow_mut().get_mut(leaves) {
            request.running = self.service.running();
        }
        let request = self.requests.borrow_mut().get_mut(enters).map(|request| request.running);
        self.service.enter(request.unwrap_or(Running::NONE));
        if !to.is(&self.gevent.hub) {
            self.hold.set(Some(self.service.hold_thread()));
        }
    }
}

impl Gevent {
    fn new(py: Python<'_>) -> PyResult<Gevent> {
        let hub = py.import("gevent")?.call_method0("get_hub")?;
        let code = CString::new(include_str!("glue.py"))?;
        let glue = PyModule::from_code(py, &code, c"oxicorn/gevent/glue.py", c"oxicorn_gevent")?;
        let (spawn, wait) = glue.call_method1("make", (&hub,))?.extract()?;
        Ok(Gevent {
            run_callback: hub.getattr("loop")?.getattr("run_callback")?.unbind(),
            getcurrent: py.import("greenlet")?.getattr("getcurrent")?.unbind(),
            spawn,
            wait,
            timeout: glue.getattr("RequestTimeout")?.unbind(),
            end: py.import("gevent.event")?.call_method0("Event")?.unbind(),
            hub: hub.unbind(),
        })
    }
}
