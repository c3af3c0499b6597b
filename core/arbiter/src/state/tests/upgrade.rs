//! Two masters: who of them ends the server, and what is said when the new one fails.

use super::*;
use crate::line::{OtherMaster, Readiness};

const NEW: Pid = Pid::from_raw(7000);
const OLD: Pid = Pid::from_raw(6000);

/// One worker, and a new master that boots.
fn upgrading() -> Story {
    let mut story = Story::running(1);
    story.signal(Signal::Usr2);
    assert_eq!(story.deeds, [Action::Upgrade]);
    story.tell(Event::Upgraded { pid: NEW });
    let patience = Some(Duration::from_secs(60));
    assert_eq!(story.lines.last(), Some(&Line::Upgrading { pid: NEW, patience }));
    story.forget();
    story
}

/// The new master itself, whose one worker boots.
fn second() -> Story {
    let mut story = Story::of(0);
    story.arbiter = Arbiter::new(Settings { workers: 1, ..SETTINGS }, 1).after(OLD);
    story.forget();
    story.tell(Event::Start);
    story
}

#[test]
fn the_old_master_leaves_the_queues_to_the_new_one() {
    let mut story = upgrading();
    story.tell(Event::SuccessorReady);
    assert_eq!(story.lines, [Line::SuccessorReady { pid: NEW }]);
    story.forget();
    story.signal(Signal::Term);
    assert!(story.lines.contains(&Line::LeavesToNew { pid: Some(NEW), is: Readiness::Ready }));
    let pid = story.sent()[0].0;
    story.exits(pid, Ending::Code(0));
    assert_eq!(story.exit(), Some(0));
    assert!(!story.deeds.contains(&Action::EndServer));
}

#[test]
fn a_new_master_that_ends_after_the_stop_leaves_the_queues_to_the_old_one() {
    let mut story = upgrading();
    story.signal(Signal::Term);
    let pid = Some(NEW);
    assert!(story.lines.contains(&Line::LeavesToNew { pid, is: Readiness::NotReady }));
    assert!(!story.deeds.contains(&Action::EndServer));
    story.exits(NEW.as_raw(), Ending::Code(1));
    assert_eq!(story.deeds[1..], [Action::ForgetSuccessor, Action::EndServer]);
}

#[test]
fn the_old_master_goes_last_when_both_leave() {
    let mut story = upgrading();
    story.tell(Event::SuccessorReady);
    story.tell(Event::SuccessorLeaves);
    story.forget();
    story.signal(Signal::Term);
    assert!(story.deeds.contains(&Action::EndServer), "nobody else will serve");
    let pid = story.sent()[0].0;
    story.exits(pid, Ending::Code(0));
    assert!(!story.deeds.contains(&Action::LookAtQueues), "somebody may still join or leave them");
    assert_eq!(story.exit(), None);
    story.exits(NEW.as_raw(), Ending::Code(0));
    story.tell(Event::QueuesSeen(Queues::Empty));
    assert_eq!(story.exit(), Some(0));
}

#[test]
fn another_master_is_not_waited_for_for_ever() {
    let mut story = upgrading();
    story.tell(Event::SuccessorLeaves);
    story.signal(Signal::Term);
    let pid = story.sent()[0].0;
    story.exits(pid, Ending::Code(0));
    story.wait(9_900);
    assert_eq!(story.exit(), None);
    story.wait(200);
    story.tell(Event::QueuesSeen(Queues::Empty));
    assert_eq!(story.exit(), Some(0));
}

#[test]
fn a_quick_stop_waits_for_no_other_master() {
    let mut story = upgrading();
    story.tell(Event::SuccessorLeaves);
    story.signal(Signal::Int);
    let pid = story.sent()[0].0;
    story.exits(pid, Ending::Code(0));
    assert_eq!(story.exit(), Some(0));
}

#[test]
fn a_new_master_that_fails_is_one_line_and_all_goes_on() {
    let mut story = upgrading();
    story.exits(NEW.as_raw(), Ending::Code(7));
    let (how, was) = (Ending::Code(7), Readiness::NotReady);
    assert_eq!(story.lines, [Line::SuccessorEnded { pid: NEW, how, was }]);
    assert_eq!(story.deeds, [Action::ForgetSuccessor]);
    story.forget();
    story.signal(Signal::Usr2);
    story.tell(Event::Upgraded { pid: NEW });
    story.forget();
    let reason = "cannot exec".to_owned();
    story.tell(Event::UpgradeFailed { reason: reason.clone() });
    story.exits(NEW.as_raw(), Ending::Code(126));
    assert_eq!(story.lines, [Line::UpgradeFailed { reason }], "said once");
    story.forget();
    story.signal(Signal::Term);
    assert!(story.deeds.contains(&Action::EndServer), "it is alone again");
}

#[test]
fn a_new_master_that_is_not_ready_in_time_is_stopped_then_killed() {
    let mut story = upgrading();
    story.wait(61_000);
    assert_eq!(story.lines, [Line::SuccessorTooSlow { pid: NEW }]);
    assert_eq!(story.sent(), [(NEW.as_raw(), Signal::Term)]);
    story.wait(11_000);
    assert_eq!(story.sent().last(), Some(&(NEW.as_raw(), Signal::Kill)));
}

#[test]
fn there_are_never_three_masters() {
    let mut story = upgrading();
    story.signal(Signal::Usr2);
    let other = OtherMaster::New { pid: Some(NEW) };
    assert_eq!(story.lines.last(), Some(&Line::UpgradeRefused(other)));
    let mut young = second();
    young.signal(Signal::Usr2);
    assert_eq!(young.lines.last(), Some(&Line::UpgradeRefused(OtherMaster::Old { pid: OLD })));
    assert!(!story.deeds.contains(&Action::Upgrade) && !young.deeds.contains(&Action::Upgrade));
}

#[test]
fn the_new_master_says_that_it_serves_and_is_promoted() {
    let mut story = second();
    assert!(!story.deeds.contains(&Action::TellReady));
    story.ready(0);
    assert!(story.deeds.contains(&Action::TellReady));
    story.forget();
    story.tell(Event::PredecessorGone);
    assert_eq!(story.deeds, [Action::Promote]);
    story.forget();
    story.signal(Signal::Usr2);
    assert_eq!(story.deeds, [Action::Upgrade], "a master like any other");
}

#[test]
fn the_new_master_leaves_the_queues_to_the_old_one() {
    let mut story = second();
    story.ready(0);
    story.forget();
    story.signal(Signal::Term);
    assert!(story.lines.contains(&Line::LeavesToOld { pid: OLD }));
    assert!(story.deeds.contains(&Action::TellLeaving));
    assert!(!story.deeds.contains(&Action::EndServer));
    story.tell(Event::PredecessorGone);
    assert!(story.deeds.contains(&Action::EndServer), "unless both of them go");
}
