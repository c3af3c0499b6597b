//! The hub: the reactor, and the coroutines that wait in it. As gevent's hub it runs on the thread's
//! own stack and resumes whoever can go on. It holds nothing of itself borrowed while a coroutine
//! runs, for the coroutine calls back into it to wait.

mod waits;

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use corosensei::stack::DefaultStack;
use oxicorn_core::reactor::{Job, Patience, Reactor, Turn};
use oxicorn_core::serve::{self, Scratch, Service, Weariness};
use oxicorn_core::wait;
use oxicorn_core::worker::WorkerError;
use slab::Slab;

use crate::mailbox::{Mail, Mailbox, Note};
use crate::overdue::{self, Overseen, Refusal, Watch};
use crate::patch::{self, Area, Patched};
use crate::pool::Pool;
use crate::spares::{PERIOD, Spares, Tidy};
use crate::stack::{self, Back, Fiber, Ground};
use crate::task::{Ear, Ended, Ring, Task, key, task_of};

/// The alarms that are no task's, and the event. A task's keys have 56 bits.
const WATCH: u64 = 1 << 59;
const TIDY: u64 = 1 << 58;
const BELL: u64 = 1 << 59;

pub(crate) use waits::{Armed, Outcome};

pub(crate) struct Hub {
    service: Arc<Service>,
    scratch: Rc<RefCell<Scratch>>,
    reactor: RefCell<Reactor>,
    tasks: RefCell<Slab<Task>>,
    running: Cell<Option<usize>>,
    spare: RefCell<Spares<DefaultStack>>,
    /// Areas are never freed.
    spare_areas: RefCell<Vec<Area>>,
    pub(crate) patched: Patched,
    watch: Watch,
    pub(crate) mailbox: Arc<Mailbox>,
    /// How many more tasks may be spawned.
    room: Cell<usize>,
    pool: Pool,
}

thread_local! {
    static HUB: Cell<Option<&'static Hub>> = const { Cell::new(None) };
}

impl Hub {
    /// Makes the hub of this thread, for so many spawned tasks at once. It lives as long as the
    /// process: coroutines that still wait in the end are not unwound.
    pub(crate) fn install(
        service: &Arc<Service>,
        mut reactor: Reactor,
        spawned: usize,
    ) -> Result<&'static Hub, WorkerError> {
        let mailbox = Mailbox::new().map_err(WorkerError::io("mailbox"))?;
        reactor
            .watch_always(mailbox.bell(), BELL)
            .map_err(WorkerError::io("watching the mailbox"))?;
        let hub: &'static Hub = Box::leak(Box::new(Hub {
            service: service.clone(),
            scratch: reactor.scratch(),
            reactor: RefCell::new(reactor),
            tasks: RefCell::default(),
            running: Cell::new(None),
            spare: RefCell::default(),
            spare_areas: RefCell::default(),
            patched: Patched::new(service.config().patch),
            watch: Watch::new(service.config().timeout.get()),
            mailbox,
            room: Cell::new(spawned),
            pool: Pool::default(),
        }));
        HUB.set(Some(hub));
        patch::hub_is_there(hub);
        Ok(hub)
    }

    /// The hub of this thread, if it has one.
    pub(crate) fn of_this_thread() -> Option<&'static Hub> {
        HUB.get()
    }

    /// Says that this worker can serve from now on.
    pub(crate) fn announce(&self) {
        self.reactor.borrow().announce();
    }

    pub(crate) fn run(&'static self) -> Result<(), WorkerError> {
        loop {
            self.deliver();
            let patience = if self.mailbox.is_empty() { Patience::Endless } else { Patience::None };
            let turn = self.reactor.borrow_mut().next(patience);
            match turn.map_err(WorkerError::io("reactor"))? {
                Turn::Request(job) => self.start(job),
                // It has woken the hub; the notes are delivered now.
                Turn::Ready(BELL) => {}
                Turn::Ready(key) => self.wake(key, Ended::Ready),
                Turn::Alarm(WATCH) => self.end_overdue(),
                Turn::Alarm(TIDY) => {
                    let tidy = self.spare.borrow_mut().tidy();
                    self.tidy(tidy);
                }
                Turn::Alarm(key) => self.ring(task_of(key)),
                Turn::Leave => return Ok(()),
                Turn::Nothing => {}
            }
        }
    }

    fn ground(&self) -> io::Result<Ground> {
        let spare = self.spare.borrow_mut().take();
        let stack = spare.map_or_else(stack::new_stack, Ok)?;
        let area = match self.patched.mode() {
            None => None,
            Some(_) => {
                let spare = self.spare_areas.borrow_mut().pop();
                Some(spare.or_else(Area::new).ok_or(io::ErrorKind::OutOfMemory)?)
            }
        };
        Ok(Ground { stack, area })
    }

    /// A coroutine on this ground begins to run. If it has a new area, to its thread-locals a thread
    /// begins that is kept for handlers.
    fn settle_in(&'static self) {
        if HUB.get().is_none() {
            HUB.set(Some(self));
            self.mailbox.come_home();
            wait::as_application(|| self.service.app().begin_thread());
        }
    }

    fn start(&'static self, job: Job) {
        let ground = match self.ground() {
            Ok(ground) => ground,
            Err(error) => {
                tracing::error!("Cannot make a stack for a request: {error}");
                return self.reactor.borrow_mut().settle(job.ticket, None);
            }
        };
        let request = Overseen::new(&job.connection);
        let place = job.connection.place();
        let fiber = Fiber::new(ground, move || {
            self.settle_in();
            let outcome = serve::handle(job.connection, &self.scratch);
            self.reactor.borrow_mut().settle(job.ticket, outcome);
        });
        if let Some(due) = self.watch.set_for(request) {
            self.reactor.borrow_mut().wake_at(due, WATCH);
        }
        let id = self.tasks.borrow_mut().insert(Task::new(fiber, request).of(place));
        self.resume(id);
    }

    /// A task beside the one that runs. It begins when that one waits.
    pub(crate) fn spawn(&'static self, code: wait::Task) -> io::Result<()> {
        let room = self.room.get().checked_sub(1).ok_or(io::ErrorKind::OutOfMemory)?;
        let ground = self.ground()?;
        self.room.set(room);
        let fiber = Fiber::new(ground, move || {
            self.settle_in();
            wait::as_application(code);
            self.room.set(self.room.get() + 1);
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
        overdue.iter().for_each(|(id, _)| self.resume(*id));
        // Who waits in a way that cannot fail, for a lock, or does not care, is left to itself; its
        // client is not.
        let stubborn = |(id, request): (usize, Overseen)| {
            let tasks = self.tasks.borrow();
            let same = tasks.get(id).is_some_and(|task| task.request.entry == request.entry);
            request.entry.filter(|_| same)
        };
        let left: Vec<_> = overdue.into_iter().filter_map(stubborn).collect();
        if left.is_empty() {
            return;
        }
        self.service.give_up(&left, &mut self.scratch.borrow_mut());
        let (stuck, of) = (self.service.strays(), self.service.capacity());
        if stuck * 2 > of {
            self.service.ask_for_replacement(Weariness::Stuck { handlers: stuck, of });
        }
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
            // A second panic would end the process.
            Some(Refusal::Unwind) if std::thread::panicking() => Ok(()),
            Some(Refusal::Unwind) => overdue::unwind(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        let tasks = self.tasks.borrow();
        let task = self.running.get().and_then(|id| tasks.get(id));
        task.is_some_and(|task| task.request.is_over())
    }

    /// Wakes those for whom there is mail. What comes meanwhile has to wait for the reactor's turn.
    fn deliver(&self) {
        for mail in self.mailbox.take() {
            let note = match mail {
                Mail::Note(note) => note,
                Mail::End(key, ended) => {
                    self.wake(key, ended);
                    continue;
                }
            };
            let listens = self.tasks.borrow().get(note.task()).is_some_and(|task| {
                // Its number may have been another task's.
                task.ear == Ear::Listening
                    && task.note.as_ref().is_some_and(|n| Arc::ptr_eq(n, &note))
            });
            if listens && note.is_unheard() {
                self.wake_task(note.task(), Ended::Ready);
            }
        }
    }

    fn wake(&self, key: u64, ended: Ended) {
        let id = task_of(key);
        let awaits = self.tasks.borrow().get(id).is_some_and(|task| task.awaits(key));
        if awaits {
            self.wake_task(id, ended);
        }
    }

    fn ring(&self, id: usize) {
        let ring = match self.tasks.borrow_mut().get_mut(id) {
            Some(task) => task.rings(Instant::now()),
            None => Ring::Stale,
        };
        match ring {
            Ring::Over => self.wake_task(id, Ended::TimedOut),
            Ring::Later(then) => self.reactor.borrow_mut().wake_at(then, key(id, 0)),
            Ring::Stale => {}
        }
    }

    fn wake_task(&self, id: usize, ended: Ended) {
        if let Some(task) = self.tasks.borrow_mut().get_mut(id) {
            task.ended = ended;
        }
        self.resume(id);
    }

    fn resume(&self, id: usize) {
        let fiber = self.tasks.borrow_mut().get_mut(id).and_then(|task| task.fiber.take());
        let Some(mut fiber) = fiber else { return };
        self.running.set(Some(id));
        let hold = self.service.hold_thread();
        self.patched.acquit();
        let back = fiber.resume();
        self.service.release_thread(hold, || {
            let place = self.tasks.borrow().get(id).map_or_else(String::new, Task::place);
            self.patched.with_culprit(place)
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
                let Ground { stack, area } = fiber.into_ground();
                self.spare_areas.borrow_mut().extend(area);
                let tidy = self.spare.borrow_mut().give_back(stack);
                self.tidy(tidy);
            }
        }
    }

    fn tidy(&self, tidy: Tidy) {
        if tidy == Tidy::Later {
            self.reactor.borrow_mut().wake_at(Instant::now() + PERIOD, TIDY);
        }
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

    /// What the running task does, for the log.
    pub(crate) fn place(&self) -> String {
        let tasks = self.tasks.borrow();
        let task = self.running.get().and_then(|id| tasks.get(id));
        task.map_or_else(String::new, Task::place)
    }

    /// Has a thread of the pool run what blocks.
    pub(crate) fn offload(&self, code: wait::Task) {
        patch::plainly(|| self.pool.submit(code));
    }
}
