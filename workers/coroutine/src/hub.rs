//! The hub: the reactor, and the coroutines that wait in it. As gevent's hub it runs on the thread's
//! own stack and resumes whoever can go on. It holds nothing of itself borrowed while a coroutine
//! runs, for the coroutine calls back into it to wait.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use corosensei::stack::DefaultStack;
use oxicorn_core::reactor::{Job, Patience, Reactor, Turn};
use oxicorn_core::serve::{self, Running, Scratch, Service};
use oxicorn_core::wait::{self, Aside, Blocking, Interest, Wait, Woken};
use oxicorn_core::worker::WorkerError;
use slab::Slab;

use crate::mailbox::{Heard, Mailbox, Note};
use crate::overdue::{self, Overseen, Refusal, Watch};
use crate::pool::Pool;
use crate::spans;
use crate::stack::{self, Back, Fiber};
use crate::task::{Ear, Ring, Task, key, task_of};

/// Finished stacks that are kept for the next requests.
const SPARE_STACKS: usize = 128;
/// The alarm that is no task's, and the event. A task's keys have 56 bits.
const WATCH: u64 = 1 << 59;
const BELL: u64 = 1 << 59;

pub(crate) struct Hub {
    service: Arc<Service>,
    scratch: Rc<RefCell<Scratch>>,
    reactor: RefCell<Reactor>,
    tasks: RefCell<Slab<Task>>,
    running: Cell<Option<usize>>,
    spare: RefCell<Vec<DefaultStack>>,
    watch: Watch,
    mailbox: Arc<Mailbox>,
    /// The descriptors that somebody waits for.
    awaited: RefCell<HashSet<RawFd>>,
    /// How many more tasks may be spawned.
    room: Cell<usize>,
    pool: Pool,
}

thread_local! {
    static HUB: OnceCell<Rc<Hub>> = const { OnceCell::new() };
}

impl Hub {
    /// Makes the hub of this thread, for so many spawned tasks at once.
    pub(crate) fn install(
        service: &Arc<Service>,
        mut reactor: Reactor,
        spawned: usize,
    ) -> Result<Rc<Hub>, WorkerError> {
        let mailbox = Mailbox::new().map_err(WorkerError::io("mailbox"))?;
        reactor
            .watch_always(mailbox.bell(), BELL)
            .map_err(WorkerError::io("watching the mailbox"))?;
        let hub = Rc::new(Hub {
            service: service.clone(),
            scratch: reactor.scratch(),
            reactor: RefCell::new(reactor),
            tasks: RefCell::default(),
            running: Cell::new(None),
            spare: RefCell::default(),
            watch: Watch::new(service.config().timeout.get()),
            mailbox,
            awaited: RefCell::default(),
            room: Cell::new(spawned),
            pool: Pool::default(),
        });
        Ok(HUB.with(|cell| cell.get_or_init(|| hub).clone()))
    }

    /// The hub of this thread, if it has one.
    pub(crate) fn of_this_thread() -> Option<Rc<Hub>> {
        HUB.with(|hub| hub.get().cloned())
    }

    /// Says that this worker can serve from now on.
    pub(crate) fn announce(&self) {
        self.reactor.borrow().announce();
    }

    pub(crate) fn run(self: &Rc<Hub>) -> Result<(), WorkerError> {
        loop {
            self.deliver();
            let patience = if self.mailbox.is_empty() { Patience::Endless } else { Patience::None };
            let turn = self.reactor.borrow_mut().next(patience);
            match turn.map_err(WorkerError::io("reactor"))? {
                Turn::Request(job) => self.start(job),
                // It has woken the hub; the notes are delivered now.
                Turn::Ready(BELL) => {}
                Turn::Ready(key) => self.wake(key, Woken::Ready),
                Turn::Alarm(WATCH) => self.end_overdue(),
                Turn::Alarm(key) => self.ring(task_of(key)),
                Turn::Leave => return Ok(()),
                Turn::Nothing => {}
            }
        }
    }

    fn stack(&self) -> io::Result<DefaultStack> {
        let spare = self.spare.borrow_mut().pop();
        spare.map_or_else(stack::new_stack, Ok)
    }

    fn start(self: &Rc<Hub>, job: Job) {
        let stack = match self.stack() {
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
        if let Some(due) = self.watch.set_for(request) {
            self.reactor.borrow_mut().wake_at(due, WATCH);
        }
        let id = self.tasks.borrow_mut().insert(Task::new(fiber, request).of(place));
        self.resume(id);
    }

    /// A task beside the one that runs. It begins when that one waits.
    pub(crate) fn spawn(self: &Rc<Hub>, code: wait::Task) -> io::Result<()> {
        let room = self.room.get().checked_sub(1).ok_or(io::ErrorKind::OutOfMemory)?;
        let stack = self.stack()?;
        self.room.set(room);
        let hub = self.clone();
        let fiber = Fiber::new(stack, move || {
            code();
            hub.room.set(hub.room.get() + 1);
        });
        let mut task = Task::new(fiber, Overseen::NOBODY);
        task.ear = Ear::Listening;
        let id = self.tasks.borrow_mut().insert(task);
        self.note(id).into_iter().for_each(|note| note.waker().wake());
        Ok(())
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

    pub(crate) fn is_over(&self) -> bool {
        let tasks = self.tasks.borrow();
        let task = self.running.get().and_then(|id| tasks.get(id));
        task.is_some_and(|task| task.request.is_over())
    }

    /// Wakes those for whom there is a note. Notes that come meanwhile have to wait for the reactor's
    /// turn.
    fn deliver(&self) {
        for note in self.mailbox.take() {
            let listens = self.tasks.borrow().get(note.task()).is_some_and(|task| {
                // Its number may have been another task's.
                task.ear == Ear::Listening
                    && task.note.as_ref().is_some_and(|n| Arc::ptr_eq(n, &note))
            });
            if listens && note.is_unheard() {
                self.wake_task(note.task(), Woken::Ready);
            }
        }
    }

    fn wake(&self, key: u64, woken: Woken) {
        let id = task_of(key);
        let awaits = self.tasks.borrow().get(id).is_some_and(|task| task.awaits(key));
        if awaits {
            self.wake_task(id, woken);
        }
    }

    fn ring(&self, id: usize) {
        let ring = match self.tasks.borrow_mut().get_mut(id) {
            Some(task) => task.rings(Instant::now()),
            None => Ring::Stale,
        };
        match ring {
            Ring::Over => self.wake_task(id, Woken::TimedOut),
            Ring::Later(then) => self.reactor.borrow_mut().wake_at(then, key(id, 0)),
            Ring::Stale => {}
        }
    }

    fn wake_task(&self, id: usize, woken: Woken) {
        if let Some(task) = self.tasks.borrow_mut().get_mut(id) {
            task.woken = woken;
        }
        self.resume(id);
    }

    fn resume(&self, id: usize) {
        let fiber = self.tasks.borrow_mut().get_mut(id).and_then(|task| task.fiber.take());
        let Some(mut fiber) = fiber else { return };
        self.running.set(Some(id));
        let hold = self.service.hold_thread();
        let back = fiber.resume();
        self.service.release_thread(hold, || {
            let tasks = self.tasks.borrow();
            tasks.get(id).map_or_else(String::new, Task::place)
        });
        self.running.set(None);
        match back {
            Back::Suspended => {
                // It may have computed for long, and others have their turn behind it.
                self.scratch.borrow_mut().tick();
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
    fn new_wait(&self, until: Option<Instant>, ear: Ear) -> Option<u64> {
        let id = self.running.get()?;
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.get_mut(id)?;
        let (wait, alarm) = task.begin(until);
        task.ear = ear;
        if let Some(then) = alarm {
            self.reactor.borrow_mut().wake_at(then, key(id, 0));
        }
        Some(key(id, wait))
    }

    fn suspend(&self) -> Woken {
        let id = self.running.get();
        let (spans, limit) = (spans::leave_all(), Aside::set());
        let running = self.service.running();
        self.service.enter(Running::NONE);
        stack::suspend();
        self.service.enter(running);
        limit.put_back();
        spans.enter_all();
        let mut tasks = self.tasks.borrow_mut();
        id.and_then(|id| tasks.get_mut(id)).map_or(Woken::Ready, Task::end)
    }

    pub(crate) fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        self.go_on(Some(fd.as_raw_fd()))?;
        // A descriptor has one entry in the set, for one who waits. Another one, who reads perhaps what
        // the first one's request is to bring, waits for a second descriptor of the same file.
        let first = self.awaited.borrow_mut().insert(fd.as_raw_fd());
        let woken = if first {
            let woken = self.wait_alone(fd, what, until);
            self.awaited.borrow_mut().remove(&fd.as_raw_fd());
            woken
        } else {
            let twin = fd.try_clone_to_owned()?;
            let woken = self.wait_alone(twin.as_fd(), what, until);
            self.reactor.borrow_mut().forget(twin.as_fd());
            woken
        };
        self.go_on(Some(fd.as_raw_fd())).and(woken)
    }

    fn wait_alone(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        let Some(key) = self.new_wait(until, Ear::Deaf) else {
            return Blocking.wait(fd, what, until);
        };
        self.reactor.borrow_mut().watch(fd, what, key)?;
        Ok(self.suspend())
    }

    pub(crate) fn sleep(&self, until: Instant) {
        // Without a descriptor there is no error: it comes back, or unwinds.
        let _ = self.go_on(None);
        if self.new_wait(Some(until), Ear::Deaf).is_none() {
            return Blocking.sleep(until);
        }
        self.suspend();
        let _ = self.go_on(None);
    }

    /// The address of a task.
    fn note(&self, id: usize) -> Option<Arc<Note>> {
        let mut tasks = self.tasks.borrow_mut();
        let note = &mut tasks.get_mut(id)?.note;
        Some(note.get_or_insert_with(|| self.mailbox.note(id)).clone())
    }

    pub(crate) fn own_note(&self) -> Option<Arc<Note>> {
        self.running.get().and_then(|id| self.note(id))
    }

    /// Has a thread of the pool run what blocks.
    pub(crate) fn offload(&self, code: wait::Task) {
        self.pool.submit(code);
    }

    pub(crate) fn park(&self, until: Option<Instant>) {
        let _ = self.go_on(None);
        let Some(note) = self.own_note() else { return };
        if note.hear() == Heard::Nothing && self.new_wait(until, Ear::Listening).is_some() {
            self.suspend();
            note.hear();
        }
        let _ = self.go_on(None);
    }
}
