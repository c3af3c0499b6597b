//! Starts that are answered later, and an application that cannot be loaded.

use super::*;

/// A master that has asked for so many workers and has not been answered.
fn asking(workers: usize) -> Arbiter {
    let mut arbiter = Arbiter::new(Settings { workers, ..SETTINGS }, 1);
    let asked = arbiter.step(Duration::ZERO, Event::Start);
    assert!(asked.iter().all(|action| matches!(action, Action::Spawn { .. })));
    assert_eq!(asked.len(), workers);
    arbiter
}

fn unspawn(slot: usize) -> Action {
    Action::Unspawn { slot: Slot(slot) }
}

fn not_spawned(slot: usize) -> Event {
    Event::SpawnFailed { slot: Slot(slot), reason: "the zygote has gone".to_owned() }
}

fn logs(actions: &[Action]) -> usize {
    let written = |action: &&Action| matches!(action, Action::Log(Line::SpawnFailed { .. }));
    actions.iter().filter(written).count()
}

#[test]
fn a_stop_takes_back_what_was_asked_for_and_waits_for_nobody() {
    let mut arbiter = asking(2);
    let now = Duration::from_secs(1);
    let told = arbiter.step(now, Event::Signal(Signal::Term));
    assert!(told.contains(&unspawn(0)) && told.contains(&unspawn(1)), "{told:?}");
    assert_eq!(logs(&arbiter.step(now, not_spawned(0))), 0, "nobody needs it");
    arbiter.step(now, not_spawned(1));
    let last = arbiter.step(now, Event::QueuesSeen(Queues::Empty));
    assert_eq!(last.last(), Some(&Action::Exit { code: 0 }));
}

#[test]
fn what_was_begun_all_the_same_is_told_to_leave_when_it_is_there() {
    let mut arbiter = asking(1);
    arbiter.step(Duration::ZERO, Event::Signal(Signal::Term));
    let pid = Pid::from_raw(7);
    let told = arbiter.step(Duration::from_secs(1), Event::Spawned { slot: Slot(0), pid });
    assert!(told.contains(&Action::Kill { pid, signal: Signal::Term }), "{told:?}");
}

#[test]
fn what_comes_when_the_time_to_stop_is_over_is_killed() {
    let mut arbiter = asking(1);
    arbiter.step(Duration::ZERO, Event::Signal(Signal::Quit));
    let over = Duration::from_secs(1);
    assert_eq!(arbiter.next_deadline(), Some(over));
    let told = arbiter.step(over, Event::Tick { ages: Vec::new() });
    assert!(told.contains(&unspawn(0)), "{told:?}");
    let pid = Pid::from_raw(7);
    let told = arbiter.step(over, Event::Spawned { slot: Slot(0), pid });
    assert!(told.contains(&Action::Kill { pid, signal: Signal::Kill }), "{told:?}");
}

#[test]
fn an_application_that_never_loaded_ends_the_start_with_its_code() {
    for (reason, code) in [(BootFailure::Failed, 3), (BootFailure::NotFound, 4)] {
        let mut arbiter = asking(2);
        let now = Duration::from_secs(1);
        let told = arbiter.step(now, Event::AppFailed { reason });
        assert!(told.contains(&unspawn(0)) && told.contains(&unspawn(1)), "{told:?}");
        arbiter.step(now, not_spawned(0));
        let last = arbiter.step(now, not_spawned(1));
        assert_eq!(last.last(), Some(&Action::Exit { code }));
    }
}

#[test]
fn one_that_has_served_is_tried_again_later() {
    let mut story = Story::running(2);
    story.exits(100, Ending::Signal(libc::SIGKILL));
    story.forget();
    story.tell(Event::AppFailed { reason: BootFailure::Failed });
    assert!(story.deeds.is_empty() && story.lines.is_empty());
    assert_eq!(story.arbiter.phase(), Phase::Running);
    let failed = story.arbiter.step(story.now, not_spawned(0));
    assert_eq!(logs(&failed), 1);
    assert!(story.arbiter.next_deadline().is_some(), "with back-off");
}
