//! The hub: the reactor, and the coroutines that wait in it. As gevent's hub it runs on the thread's
//! own stack and resumes whoever can go on. It holds nothing of itself borrowed while a coroutine
//! runs, for the coroutine calls back into it to wait.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use corosensei::stack::DefaultStack;
use oxicorn_core::reactor::{Job, Patience, Reactor, Turn};
use oxicorn_core::serve::{self, Place, Running, Scratch, Service};
use oxicorn_core::wait::{Blocking, Interest, Wait, Woken};
use oxicorn_core::worker::WorkerError;
use slab::Slab;

use crate::overdue::{self, Overseen, Refusal, Watch};
use crate::spans;
use crate::stack::{self, Back, Fiber};

/// Finished stacks that are kept for the next requests.
const SPARE_STACKS: usize = 128;
/// A task's number is the low part of its keys, the number of its wait the high part.
const TASK_BITS: u32 = 24;
/// The alarm that is no task's. A task's keys have 56 bits.
const WATCH: u64 = 1 << 59;

struct Task {
    /// `None` while it runs.
    fiber: Option<Fiber>,
    /// Its present wait; what belongs to an earlier one comes too late.
    wait: u32,
    woken: Woken,
    request: Overseen,
    /// Kept here because a request that has ended is in no table.
    place: Place,
}

pub(crate) struct Hub {
    service: Arc<Service>,
    scratch: Rc<RefCell<Scratch>>,
    reactor: RefCell<Reactor>,
    tasks: RefCell<Slab<Task>>,
    running: Cell<Option<usize>>,
    spare: RefCell<Vec<DefaultStack>>,
    watch: Watch,
}

thread_local! {
    static HUB: OnceCell<Rc<Hub>> = const { OnceCell::new() };
}

/// The key of a task's wait.
fn key(task: usize, wait: u32) -> u64 {
    u64::from(wait) << TASK_BITS | task as u64
}

impl Hub {
    /// Makes the hub of this thread.
    pub(crate) fn install(service: &Arc<Service>, reactor: Reactor) -> Rc<Hub> {
        let hub = Rc::new(Hub {
            service: service.clone(),
            scratch: reactor.scratch(),
            reactor: RefCell::new(reactor),
            tasks: RefCell::default(),
            running: Cell::new(None),
            spare: RefCell::default(),
            watch: Watch::new(service.config().timeout.get()),
        });
        HUB.with(|cell| cell.get_or_init(|| hub).clone())
    }

    pub(crate) fn run(self: &Rc<Hub>) -> Result<(), WorkerError> {
        loop {
            let turn = self.reactor.borrow_mut().next(Patience::Endless);
            match turn.map_err(WorkerError::io("reactor"))? {
                Turn::Request(job) => self.start(job),
                Turn::Ready(key) => self.wake(key, Woken::Ready),
                Turn::Alarm(WATCH) => self.end_overdue(),
                Turn::Alarm(key) => self.wake(key, Woken::TimedOut),
                Turn::Leave => return Ok(()),
                Turn::Nothing => {}
            }
        }
    }

    fn start(self: &Rc<Hub>, job: Job) {
        let spare = self.spare.borrow_mut().pop();
        let stack = match spare.map_or_else(stack::new_stack, Ok) {
            Ok(stack) => stack,
            Err(error) => {
                tracing::error!("Cannot make a stack for a request: {error}");
                return self.reactor.borrow_mut().settle(job.ticket, None);
            }
        };
        let request = Overseen::new(&job.connection);
        let place = job.connection.place();
        let hub = self.clone();
        let fiber = Fiber::new(stack, move || {
            let outcome = serve::handle(job.connection, &hub.scratch);
            hub.reactor.borrow_mut().settle(job.ticket, outcome);
        });
        let task = Task { fiber: Some(fiber), wait: 0, woken: Woken::Ready, request, place };
        if let Some(due) = self.watch.set_for(request) {
            self.reactor.borrow_mut().wake_at(due, WATCH);
        }
        let id = self.tasks.borrow_mut().insert(task);
        self.resume(id);
    }

    /// Unwinds the handlers that have taken too long. Each of them waits, as all do whenever the hub
    /// runs.
    fn end_overdue(&self) {
        let (overdue, next) = {
            let mut tasks = self.tasks.borrow_mut();
            self.watch.look(tasks.iter_mut().map(|(id, task)| (id, &mut task.request)))
        };
        if let Some(next) = next {
            self.reactor.borrow_mut().wake_at(next, WATCH);
        }
        if overdue.is_empty() {
            return;
        }
        let entries: Vec<_> = overdue.iter().filter_map(|(_, request)| request.entry).collect();
        self.service.report_overdue(&entries);
        overdue.into_iter().for_each(|(id, _)| self.resume(id));
    }

    /// Unwinds the handler that runs, or refuses it a wait for `fd`, if its time is over.
    fn go_on(&self, fd: Option<RawFd>) -> io::Result<()> {
        let refusal = self.running.get().and_then(|id| {
            let mut tasks = self.tasks.borrow_mut();
            tasks.get_mut(id).and_then(|task| task.request.refusal(fd))
        });
        match refusal {
            None => Ok(()),
            Some(Refusal::Error) => Err(io::ErrorKind::TimedOut.into()),
            Some(Refusal::Unwind) => overdue::unwind(),
        }
    }

    fn is_over(&self) -> bool {
        let tasks = self.tasks.borrow();
        let task = self.running.get().and_then(|id| tasks.get(id));
        task.is_some_and(|task| task.request.is_over())
    }

    fn wake(&self, key: u64, woken: Woken) {
        let id = (key & ((1 << TASK_BITS) - 1)) as usize;
        let wanted = match self.tasks.borrow_mut().get_mut(id) {
            Some(task) if u64::from(task.wait) == key >> TASK_BITS && task.fiber.is_some() => {
                task.woken = woken;
                true
            }
            _ => false,
        };
        if wanted {
            self.resume(id);
        }
    }

    fn resume(&self, id: usize) {
        let fiber = self.tasks.borrow_mut().get_mut(id).and_then(|task| task.fiber.take());
        let Some(mut fiber) = fiber else { return };
        self.running.set(Some(id));
        let hold = self.service.hold_thread();
        let back = fiber.resume();
        self.service.release_thread(hold, || {
            let tasks = self.tasks.borrow();
            tasks.get(id).map_or_else(String::new, |task| task.place.to_string())
        });
        self.running.set(None);
        match back {
            Back::Suspended => {
                if let Some(task) = self.tasks.borrow_mut().get_mut(id) {
                    task.fiber = Some(fiber);
                }
            }
            Back::Finished => {
                self.tasks.borrow_mut().remove(id);
                let mut spare = self.spare.borrow_mut();
                if spare.len() < SPARE_STACKS {
                    spare.push(fiber.into_stack());
                }
            }
        }
    }

    /// Begins a new wait of the running task and gives its key.
    fn new_wait(&self) -> Option<u64> {
        let id = self.running.get()?;
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.get_mut(id)?;
        task.wait = task.wait.wrapping_add(1);
        Some(key(id, task.wait))
    }

    fn suspend(&self) -> Woken {
        let id = self.running.get();
        let spans = spans::leave_all();
        let running = self.service.running();
        self.service.enter(Running::NONE);
        stack::suspend();
        self.service.enter(running);
        spans.enter_all();
        // A wait that ended is over: its other half, deadline or readiness, must not end a later one.
        let mut tasks = self.tasks.borrow_mut();
        let task = id.and_then(|id| tasks.get_mut(id));
        task.map_or(Woken::Ready, |task| {
            task.wait = task.wait.wrapping_add(1);
            task.woken
        })
    }

    fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        self.go_on(Some(fd.as_raw_fd()))?;
        let Some(key) = self.new_wait() else { return Blocking.wait(fd, what, until) };
        {
            let mut reactor = self.reactor.borrow_mut();
            reactor.watch(fd, what, key)?;
            until.into_iter().for_each(|until| reactor.wake_at(until, key));
        }
        let woken = self.suspend();
        self.go_on(Some(fd.as_raw_fd())).map(|()| woken)
    }

    fn sleep(&self, until: Instant) {
        // Without a descriptor there is no error: it comes back, or unwinds.
        let _ = self.go_on(None);
        let Some(key) = self.new_wait() else { return Blocking.sleep(until) };
        self.reactor.borrow_mut().wake_at(until, key);
        self.suspend();
        let _ = self.go_on(None);
    }
}

/// How handlers of this class wait: by giving the thread to another coroutine. Outside a coroutine,
/// and while a panic unwinds (the panic count is the thread's, not the coroutine's), by blocking.
pub(crate) struct Yielding;

fn hub() -> Option<Rc<Hub>> {
    if !stack::inside() || std::thread::panicking() {
        return None;
    }
    HUB.with(|hub| hub.get().cloned())
}

impl Wait for Yielding {
    fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        match hub() {
            Some(hub) => hub.wait(fd, what, until),
            None => Blocking.wait(fd, what, until),
        }
    }

    fn sleep(&self, until: Instant) {
        match hub() {
            Some(hub) => hub.sleep(until),
            None => Blocking.sleep(until),
        }
    }

    fn is_over(&self) -> bool {
        hub().is_some_and(|hub| hub.is_over())
    }
}
