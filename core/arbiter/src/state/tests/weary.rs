//! Workers that have done their share, and SIGWINCH, which has no worker do anything.

use super::*;

fn weary(story: &mut Story, slot: usize) {
    story.tell(Event::Weary { slot: Slot(slot) });
}

fn term(pid: i32) -> (i32, Signal) {
    (pid, Signal::Term)
}

#[test]
fn a_weary_worker_leaves_when_its_replacement_is_ready() {
    let mut story = Story::running(2);
    story.now = Duration::from_secs(60);
    weary(&mut story, 1);
    assert_eq!((story.spawned(), story.sent()), (vec![1], vec![]));
    weary(&mut story, 1);
    assert_eq!(story.spawned(), [1], "once is enough");
    story.ready(2);
    assert_eq!(story.sent(), [term(201)], "not the oldest but the weary one");
    story.exits(201, Ending::Code(0));
    assert_eq!(story.spawned(), [1]);
    assert_eq!(story.arbiter.phase(), Phase::Running);
}

#[test]
fn weary_workers_are_replaced_one_after_the_other() {
    let mut story = Story::running(2);
    story.now = Duration::from_secs(60);
    weary(&mut story, 0);
    weary(&mut story, 1);
    assert_eq!(story.spawned(), [1]);
    story.ready(2);
    assert_eq!((story.sent(), story.spawned()), (vec![term(100)], vec![1]));
    story.exits(100, Ending::Code(0));
    assert_eq!(story.spawned(), [1, 1]);
    story.forget();
    story.ready(0);
    assert_eq!(story.sent(), [term(201)]);
}

#[test]
fn a_replacement_that_cannot_boot_leaves_the_weary_worker_in_place() {
    let mut story = Story::running(1);
    story.now = Duration::from_secs(60);
    weary(&mut story, 0);
    story.exits(201, Ending::Code(3));
    assert_eq!((story.spawned(), story.sent()), (vec![1], vec![]), "not at once again");
    story.wait(200);
    assert_eq!((story.spawned(), story.sent()), (vec![1, 1], vec![]));
    story.ready(1);
    assert_eq!((story.sent(), story.exit()), (vec![term(100)], None));
}

#[test]
fn who_is_weary_at_once_is_replaced_later_and_later() {
    let mut story = Story::running(1);
    let (mut slot, mut pauses) = (0, Vec::new());
    for _ in 0..9 {
        story.forget();
        weary(&mut story, slot);
        let asked = story.now;
        while story.spawned().is_empty() {
            story.wait(10);
        }
        pauses.push(story.now - asked);
        slot = 1 - slot;
        story.ready(slot);
        let (old, _) = story.sent()[0];
        story.exits(old, Ending::Code(0));
    }
    assert!(pauses[0] <= Duration::from_millis(10), "{pauses:?}");
    assert!(pauses[1..8].is_sorted() && pauses[8] > Duration::from_secs(7), "{pauses:?}");
}

#[test]
fn ttou_retires_the_weary_worker_first() {
    let mut story = Story::running(3);
    weary(&mut story, 1);
    story.signal(Signal::Ttou);
    assert_eq!(story.sent(), [term(201)]);
}

#[test]
fn a_weary_worker_that_crashes_is_missing_like_any_other() {
    let mut story = Story::running(2);
    story.now = Duration::from_secs(60);
    weary(&mut story, 0);
    assert_eq!(story.spawned(), [1]);
    story.exits(100, Ending::Signal(libc::SIGSEGV));
    assert_eq!(story.spawned(), [1], "its replacement is on its way already");
    story.ready(2);
    assert_eq!(story.sent(), []);
}

#[test]
fn a_reload_replaces_the_weary_workers_too() {
    let mut story = Story::running(1);
    story.now = Duration::from_secs(60);
    weary(&mut story, 0);
    story.reload(1);
    assert_eq!(story.spawned(), [1, 2], "the one that boots is of no use any more");
    story.ready(2);
    assert_eq!(story.sent(), [term(201), term(100)]);
    assert_eq!(story.lines.last(), Some(&Line::Reloaded { generation: Generation(2) }));
}

#[test]
fn winch_leaves_no_worker_and_ttin_brings_one_back() {
    let mut story = Story::running(2);
    story.signal(Signal::Winch);
    assert_eq!(story.sent(), [term(100), term(201)]);
    assert_eq!(story.lines, [Line::NoWorkers]);
    story.exits(100, Ending::Code(0));
    story.exits(201, Ending::Code(0));
    assert_eq!((story.spawned(), story.exit()), (vec![], None));
    story.signal(Signal::Ttou);
    assert_eq!(story.arbiter.target(), 0, "there is nobody to take away");
    story.signal(Signal::Ttin);
    assert_eq!((story.spawned(), story.arbiter.target()), (vec![1], 1));
}

#[test]
fn a_reload_after_winch_brings_all_of_them_back() {
    let mut story = Story::of(2);
    story.ready(0);
    story.signal(Signal::Winch);
    assert_eq!(story.sent(), [term(201), term(100)], "who still boots too");
    story.exits(100, Ending::Code(0));
    story.exits(201, Ending::Code(0));
    story.forget();
    story.reload(3);
    assert_eq!(story.spawned(), [2, 2, 2]);
    (0..3).for_each(|slot| story.ready(slot));
    assert_eq!((story.sent(), story.arbiter.phase()), (vec![], Phase::Running));
}

#[test]
fn winch_of_a_terminal_means_nothing() {
    let mut story = Story::all_ready(Settings { terminal: Terminal::Attached, ..SETTINGS });
    story.signal(Signal::Winch);
    assert_eq!((&story.deeds[..], &story.lines[..]), (&[][..], &[Line::NotDaemonized][..]));
}
