//! The hub: the reactor, and the coroutines that wait in it. As gevent's hub it runs on the thread's
//! own stack and resumes whoever can go on. It holds nothing of itself borrowed while a coroutine
//! runs, for the coroutine calls back into it to wait.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use corosensei::stack::DefaultStack;
use oxicorn_core::reactor::{Job, Patience, Reactor, Turn};
use oxicorn_core::serve::{self, Scratch, Service};
use oxicorn_core::wait::{Blocking, Interest, Wait, Woken};
use oxicorn_core::worker::WorkerError;
use slab::Slab;

use crate::spans;
use crate::stack::{self, Back, Fiber};

/// Finished stacks that are kept for the next requests.
const SPARE_STACKS: usize = 128;
/// A task's number is the low part of its keys, the number of its wait the high part.
const TASK_BITS: u32 = 24;

struct Task {
    /// `None` while it runs.
    fiber: Option<Fiber>,
    /// Its present wait; what belongs to an earlier one comes too late.
    wait: u32,
    woken: Woken,
}

pub(crate) struct Hub {
    service: Arc<Service>,
    scratch: Rc<RefCell<Scratch>>,
    reactor: RefCell<Reactor>,
    tasks: RefCell<Slab<Task>>,
    running: Cell<Option<usize>>,
    spare: RefCell<Vec<DefaultStack>>,
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
        });
        HUB.with(|cell| cell.get_or_init(|| hub).clone())
    }

    pub(crate) fn run(self: &Rc<Hub>) -> Result<(), WorkerError> {
        loop {
            let turn = self.reactor.borrow_mut().next(Patience::Endless);
            match turn.map_err(WorkerError::io("reactor"))? {
                Turn::Request(job) => self.start(job),
                Turn::Ready(key) => self.wake(key, Woken::Ready),
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
        let hub = self.clone();
        let fiber = Fiber::new(stack, move || {
            let outcome = serve::handle(job.connection, &hub.scratch);
            hub.reactor.borrow_mut().settle(job.ticket, outcome);
        });
        let task = Task { fiber: Some(fiber), wait: 0, woken: Woken::Ready };
        let id = self.tasks.borrow_mut().insert(task);
        self.resume(id);
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
        self.service.slot().busy();
        let back = fiber.resume();
        self.service.slot().idle();
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
        stack::suspend();
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
        let Some(key) = self.new_wait() else { return Blocking.wait(fd, what, until) };
        {
            let mut reactor = self.reactor.borrow_mut();
            reactor.watch(fd, what, key)?;
            until.into_iter().for_each(|until| reactor.wake_at(until, key));
        }
        Ok(self.suspend())
    }

    fn sleep(&self, until: Instant) {
        let Some(key) = self.new_wait() else { return Blocking.sleep(until) };
        self.reactor.borrow_mut().wake_at(until, key);
        self.suspend();
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
}
