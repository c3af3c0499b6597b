//! The master's decisions, one story each. That they hold in every other order is the simulator's.

use super::*;
use crate::event::Queues;

mod farewell;
mod hosted;
mod last_call;
mod upgrade;
mod weary;

const SETTINGS: Settings = Settings {
    workers: 2,
    timeout: Some(Duration::from_secs(30)),
    graceful_timeout: Some(Duration::from_secs(10)),
    boot_timeout: Some(Duration::from_secs(60)),
    drain_delay: None,
    terminal: Terminal::Daemonized,
};

/// A master whose forks succeed at once. The worker in slot n, the k-th started, has pid 100 k + n.
struct Story {
    arbiter: Arbiter,
    now: Duration,
    forks: i32,
    /// Since they were last looked at, without the log.
    deeds: Vec<Action>,
    /// Without the one that every signal has.
    lines: Vec<Line>,
}

impl Story {
    fn of(workers: usize) -> Story {
        Story::with(Settings { workers, ..SETTINGS })
    }

    fn with(settings: Settings) -> Story {
        let mut story = Story {
            arbiter: Arbiter::new(settings, 1),
            now: Duration::ZERO,
            forks: 0,
            deeds: Vec::new(),
            lines: Vec::new(),
        };
        story.tell(Event::Start);
        story
    }

    /// All of them ready, and nothing more to be said of it.
    fn running(workers: usize) -> Story {
        Story::all_ready(Settings { workers, ..SETTINGS })
    }

    fn all_ready(settings: Settings) -> Story {
        let mut story = Story::with(settings);
        for slot in 0..settings.workers {
            story.ready(slot);
        }
        assert_eq!(story.arbiter.phase(), Phase::Running);
        story.forget();
        story
    }

    fn forget(&mut self) {
        self.deeds.clear();
        self.lines.clear();
    }

    fn tell(&mut self, event: Event) {
        for action in self.arbiter.step(self.now, event) {
            match action {
                Action::Log(Line::Handling(_)) | Action::Reap | Action::Release { .. } => {}
                Action::Log(line) => self.lines.push(line),
                Action::Spawn { slot, .. } => {
                    self.deeds.push(action);
                    self.forks += 1;
                    let pid = Pid::from_raw(self.forks * 100 + slot.0 as i32);
                    self.tell(Event::Spawned { slot, pid });
                }
                action => self.deeds.push(action),
            }
        }
    }

    fn signal(&mut self, signal: Signal) {
        self.tell(Event::Signal(signal));
    }

    fn ready(&mut self, slot: usize) {
        self.tell(Event::Ready { slot: Slot(slot) });
    }

    fn exits(&mut self, pid: i32, how: Ending) {
        self.tell(Event::Exited { pid: Pid::from_raw(pid), how });
    }

    fn reload(&mut self, workers: usize) {
        self.signal(Signal::Hup);
        self.tell(Event::ConfigLoaded(Ok(Settings { workers, ..SETTINGS })));
    }

    /// Lets time pass, tick by tick; all workers beat.
    fn wait(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(due) = self.arbiter.next_deadline().filter(|&due| due <= end) {
            self.now = self.now.max(due);
            self.tell(Event::Tick { ages: Vec::new() });
        }
        self.now = end;
    }

    /// What was sent, to whom.
    fn sent(&self) -> Vec<(i32, Signal)> {
        let sent = |action: &Action| match action {
            Action::Kill { pid, signal } => Some((pid.as_raw(), *signal)),
            _ => None,
        };
        self.deeds.iter().filter_map(sent).filter(|(_, s)| *s != Signal::Usr1).collect()
    }

    /// Of which generations workers were started.
    fn spawned(&self) -> Vec<u64> {
        let spawned = |action: &Action| match action {
            Action::Spawn { generation, .. } => Some(generation.0),
            _ => None,
        };
        self.deeds.iter().filter_map(spawned).collect()
    }

    fn exit(&self) -> Option<u8> {
        self.deeds.iter().find_map(|action| match action {
            Action::Exit { code } => Some(*code),
            _ => None,
        })
    }
}

#[test]
fn a_reload_replaces_one_worker_after_the_other() {
    let mut story = Story::running(2);
    story.reload(2);
    assert_eq!((story.spawned(), story.sent()), (vec![2], vec![]));
    story.forget();
    story.ready(2);
    assert_eq!(story.sent(), [(100, Signal::Term)], "the oldest leaves when there is another");
    assert_eq!(story.spawned(), [0; 0], "not before it has left");
    story.exits(100, Ending::Code(0));
    assert_eq!(story.spawned(), [2]);
    story.forget();
    story.ready(0);
    assert_eq!(story.sent(), [(201, Signal::Term)]);
    assert_eq!(story.lines, [Line::Reloaded { generation: Generation(2) }]);
    assert_eq!(story.arbiter.phase(), Phase::Running);
}

#[test]
fn a_reload_that_is_refused_changes_nothing() {
    let mut story = Story::running(2);
    story.signal(Signal::Hup);
    assert_eq!(story.deeds, [Action::LoadConfig]);
    story.forget();
    let reason = "workers: \"many\" is not a number".to_owned();
    story.tell(Event::ConfigLoaded(Err(reason.clone())));
    assert_eq!(
        (&story.deeds[..], &story.lines[..]),
        (&[][..], &[Line::ReloadRefused { reason }][..])
    );
}

#[test]
fn a_replacement_that_cannot_boot_ends_the_reload_and_the_others_stay() {
    let mut story = Story::running(2);
    story.reload(4);
    assert_eq!(story.spawned(), [2, 2]);
    story.forget();
    story.exits(302, Ending::Code(3));
    let (failed, stays) = (Generation(2), FIRST);
    assert!(story.lines.contains(&Line::ReloadFailed { failed, stays }));
    assert!(story.deeds.contains(&Action::DropConfig { generation: failed }));
    assert_eq!(story.sent(), [(403, Signal::Term)], "nobody needs the other one now");
    assert_eq!((story.arbiter.target(), story.exit()), (2, None));
    story.forget();
    story.exits(100, Ending::Signal(libc::SIGSEGV));
    assert_eq!(story.spawned(), [1], "who crashes later is replaced with what is known to work");
}

#[test]
fn what_is_in_excess_after_a_reload_stops_when_one_that_is_kept_is_ready() {
    let mut story = Story::running(4);
    story.reload(2);
    assert_eq!((story.spawned(), story.sent()), (vec![2], vec![]));
    story.ready(4);
    let term = |pid| (pid, Signal::Term);
    assert_eq!(story.sent(), [term(100), term(201), term(302)]);
}

#[test]
fn ttou_while_booting_does_not_stop_the_only_worker_that_is_ready() {
    let mut story = Story::of(2);
    story.ready(0);
    story.signal(Signal::Ttou);
    assert_eq!(story.sent(), []);
    story.ready(1);
    assert_eq!(story.sent(), [(100, Signal::Term)]);
    story.signal(Signal::Ttou);
    assert_eq!(story.arbiter.target(), 1, "never below one");
}

#[test]
fn a_first_generation_that_cannot_boot_ends_the_master_with_one_reason() {
    let mut story = Story::of(3);
    story.forget();
    story.exits(201, Ending::Code(4));
    story.exits(100, Ending::Code(4));
    story.exits(302, Ending::Code(3));
    assert_eq!(story.exit(), Some(4));
    let last = [Line::GivingUp, Line::Reason(BootFailure::NotFound)];
    assert!(story.lines.ends_with(&last));
    assert_eq!(story.lines.iter().filter(|line| last.contains(line)).count(), 2);
}

#[test]
fn a_boot_that_fails_later_is_tried_again_and_again() {
    let mut story = Story::running(1);
    story.now = Duration::from_secs(60);
    story.exits(100, Ending::Code(1));
    assert_eq!(story.spawned(), [1], "a crash is replaced at once");
    for (pid, millis) in [(200, 200), (300, 400), (400, 800)] {
        story.forget();
        story.exits(pid, Ending::Code(3));
        story.wait(millis / 2);
        assert_eq!(story.spawned(), [0; 0], "{millis}");
        story.wait(millis / 2);
        assert_eq!(story.spawned(), [1], "{millis}");
    }
    assert_eq!(story.exit(), None);
}

#[test]
fn term_waits_for_the_workers_kills_who_stays_and_exits_with_0() {
    let mut story = Story::running(2);
    story.signal(Signal::Term);
    assert_eq!(story.deeds[0], Action::EndServer, "before anybody is told to leave");
    assert_eq!(story.sent(), [(100, Signal::Term), (201, Signal::Term)]);
    story.forget();
    story.signal(Signal::Term);
    story.signal(Signal::Hup);
    assert_eq!(story.deeds, [], "the second is ignored");
    story.exits(100, Ending::Code(0));
    story.wait(9_900);
    assert_eq!(story.deeds, []);
    story.wait(200);
    assert_eq!(story.sent(), [(201, Signal::Kill)]);
    story.exits(201, Ending::Signal(libc::SIGKILL));
    assert_eq!(story.deeds.last(), Some(&Action::LookAtQueues));
    story.tell(Event::QueuesSeen(Queues::Empty));
    assert_eq!((story.exit(), story.lines.last()), (Some(0), Some(&Line::ShuttingDown)));
}

#[test]
fn int_makes_a_graceful_stop_a_quick_one() {
    let mut story = Story::running(1);
    story.signal(Signal::Term);
    story.forget();
    story.signal(Signal::Int);
    assert_eq!(story.sent(), [(100, Signal::Quit)]);
    story.wait(1_100);
    assert_eq!(story.sent().last(), Some(&(100, Signal::Kill)));
}

#[test]
fn a_silent_worker_is_aborted_then_killed_and_replaced() {
    let mut story = Story::running(1);
    story.wait(40_000);
    let ages = vec![(Slot(0), Duration::from_secs(31))];
    story.now = story.arbiter.next_deadline().unwrap();
    story.tell(Event::Tick { ages });
    assert_eq!(story.lines, [Line::Silent { pid: Pid::from_raw(100) }]);
    assert_eq!((story.sent(), story.spawned()), (vec![(100, Signal::Abrt)], vec![1]));
    let shown = Action::ShowInFlight { slot: Slot(0) };
    assert_eq!(story.deeds[0], shown, "while it is still at it");
    story.forget();
    story.wait(1_100);
    assert_eq!(story.sent(), [(100, Signal::Kill)]);
    story.exits(100, Ending::Signal(libc::SIGKILL));
    assert!(!story.deeds.contains(&shown), "once");
}

#[test]
fn what_a_worker_had_in_hand_is_shown_when_it_dies_and_not_when_it_leaves() {
    let shown = Action::ShowInFlight { slot: Slot(0) };
    for (how, expected) in [
        (Ending::Signal(libc::SIGSEGV), true),
        (Ending::OutOfMemory, true),
        (Ending::Code(0), false),
        (Ending::Code(1), false),
    ] {
        let mut story = Story::running(1);
        story.exits(100, how);
        assert_eq!(story.deeds.contains(&shown), expected, "{how:?}");
    }
}

#[test]
fn a_machine_that_was_asleep_is_no_reason_to_kill_anybody() {
    let mut story = Story::running(2);
    story.now += Duration::from_secs(3600);
    let ages = [0, 1].map(|n| (Slot(n), Duration::from_secs(3600)));
    story.tell(Event::Tick { ages: ages.to_vec() });
    assert_eq!((story.sent(), story.spawned()), (vec![], vec![]));
    assert!(matches!(story.lines[..], [Line::WasAsleep { .. }]));
}

#[test]
fn a_worker_that_boots_for_too_long_is_killed() {
    let mut story = Story::of(1);
    story.wait(61_000);
    assert_eq!(story.sent(), [(100, Signal::Kill)]);
    assert_eq!(story.spawned(), [1, 1]);
}

#[test]
fn a_stranger_that_is_reaped_is_no_worker() {
    let mut story = Story::of(1);
    story.forget();
    story.exits(4711, Ending::Code(3));
    assert_eq!(story.deeds, []);
    assert_eq!(story.lines, [Line::Stranger { pid: Pid::from_raw(4711) }]);
}

#[test]
fn a_worker_that_leaves_by_itself_is_replaced_while_it_drains() {
    let mut story = Story::running(1);
    story.tell(Event::Draining { slot: Slot(0) });
    assert_eq!(story.spawned(), [1]);
    story.exits(100, Ending::Code(0));
    assert_eq!(story.spawned(), [1]);
}

#[test]
fn with_nothing_to_wait_for_there_is_no_deadline() {
    let settings = Settings { timeout: None, workers: 1, ..SETTINGS };
    let mut arbiter = Arbiter::new(settings, 1);
    arbiter.step(Duration::ZERO, Event::Start);
    let (slot, pid) = (Slot(0), Pid::from_raw(100));
    arbiter.step(Duration::ZERO, Event::Spawned { slot, pid });
    assert!(arbiter.next_deadline().is_some());
    arbiter.step(Duration::ZERO, Event::Ready { slot });
    assert_eq!(arbiter.next_deadline(), None);
}
