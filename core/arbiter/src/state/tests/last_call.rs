//! The last worker has left, and somebody still waits to be accepted.

use super::*;

/// Stopped, without workers; the queues are looked at.
fn empty() -> Story {
    let mut story = Story::running(1);
    story.signal(Signal::Term);
    story.exits(100, Ending::Code(0));
    assert_eq!(story.deeds.last(), Some(&Action::LookAtQueues));
    story.forget();
    story
}

#[test]
fn whoever_still_waits_gets_a_worker_that_leaves_at_once() {
    let mut story = empty();
    story.tell(Event::QueuesSeen(Queues::Waiting));
    assert_eq!(story.lines, [Line::LastCall]);
    assert_eq!(story.spawned().len(), 1);
    assert_eq!(story.exit(), None);
    let told = story.sent();
    assert!(matches!(told[..], [(_, Signal::Term)]), "{told:?}");
    let pid = told[0].0;
    story.ready(0);
    story.forget();
    story.exits(pid, Ending::Code(0));
    assert_eq!(story.deeds.last(), Some(&Action::LookAtQueues), "again");
    story.tell(Event::QueuesSeen(Queues::Empty));
    assert_eq!((story.exit(), story.lines.last()), (Some(0), Some(&Line::ShuttingDown)));
}

#[test]
fn an_application_that_cannot_boot_any_more_ends_it() {
    let mut story = empty();
    for _ in 0..3 {
        story.forget();
        story.tell(Event::QueuesSeen(Queues::Waiting));
        let pid = story.sent()[0].0;
        story.exits(pid, Ending::Code(3));
        assert_eq!(story.exit(), None);
    }
    story.tell(Event::QueuesSeen(Queues::Waiting));
    assert_eq!(story.exit(), Some(0));
}

#[test]
fn nobody_is_served_beyond_graceful_timeout() {
    let mut story = Story::running(1);
    story.signal(Signal::Term);
    story.wait(10_100);
    assert_eq!(story.sent().last(), Some(&(100, Signal::Kill)));
    story.exits(100, Ending::Signal(libc::SIGKILL));
    story.tell(Event::QueuesSeen(Queues::Waiting));
    assert_eq!(story.exit(), Some(0), "who was too slow has had all the time there is");

    let mut story = Story::running(1);
    story.signal(Signal::Term);
    story.wait(9_000);
    story.exits(100, Ending::Code(0));
    story.tell(Event::QueuesSeen(Queues::Waiting));
    let pid = story.sent().last().map(|&(pid, _)| pid);
    story.forget();
    story.wait(1_100);
    assert_eq!(story.sent().last().copied(), pid.map(|pid| (pid, Signal::Kill)));
}

#[test]
fn a_quick_stop_looks_at_nothing() {
    let mut story = empty();
    story.signal(Signal::Int);
    assert_eq!(story.exit(), Some(0));
}
