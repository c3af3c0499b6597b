//! The time between the order to stop and the stop.

use super::*;

const DELAY: Duration = Duration::from_secs(5);

fn told_to_stop() -> Story {
    let mut story = Story::all_ready(Settings { drain_delay: Some(DELAY), ..SETTINGS });
    story.signal(Signal::Term);
    assert_eq!((&story.deeds[..], story.exit()), (&[Action::StopSoon][..], None));
    assert_eq!(story.lines, [Line::StopsIn { time: DELAY }]);
    story.forget();
    story
}

#[test]
fn everything_is_served_until_the_delay_is_over() {
    let mut story = told_to_stop();
    story.wait(4_900);
    assert_eq!(story.deeds, []);
    story.wait(200);
    assert_eq!(story.deeds[0], Action::EndServer);
    assert_eq!(story.sent(), [(100, Signal::Term), (201, Signal::Term)]);
    assert_eq!(story.arbiter.phase(), Phase::Stopping(Stop::Graceful));
}

#[test]
fn a_machine_that_sleeps_serves_the_rest_of_the_delay_when_it_wakes_up() {
    let mut story = told_to_stop();
    story.wait(2_000);
    story.now += Duration::from_secs(3600);
    story.exits(4711, Ending::Code(0));
    story.tell(Event::Tick { ages: Vec::new() });
    let asleep = |line: &&Line| matches!(line, Line::WasAsleep { .. });
    assert_eq!(story.lines.iter().filter(asleep).count(), 1);
    assert_eq!(story.sent(), []);
    story.wait(5_000);
    assert!(story.deeds.contains(&Action::EndServer));
}

#[test]
fn who_crashes_in_the_delay_is_replaced() {
    let mut story = told_to_stop();
    story.exits(100, Ending::Signal(libc::SIGSEGV));
    assert_eq!(story.spawned(), [1]);
}

#[test]
fn who_is_weary_in_the_delay_is_replaced() {
    let mut story = told_to_stop();
    story.tell(Event::Weary { slot: Slot(0) });
    assert_eq!(story.spawned(), [1]);
    story.ready(2);
    assert_eq!(story.sent(), [(100, Signal::Term)]);
}

#[test]
fn what_comes_too_late_is_ignored_with_a_line() {
    let mut story = told_to_stop();
    story.signal(Signal::Term);
    assert_eq!(story.lines, [], "it is being done");
    let late = [Signal::Hup, Signal::Ttin, Signal::Ttou, Signal::Usr2, Signal::Winch];
    late.into_iter().for_each(|signal| story.signal(signal));
    assert_eq!(story.lines, late.map(Line::TooLate));
    assert_eq!((&story.deeds[..], story.arbiter.target()), (&[][..], 2));
    story.signal(Signal::Usr1);
    assert!(story.deeds.contains(&Action::ReopenLogs));
}

#[test]
fn int_does_not_wait_for_the_delay() {
    let mut story = told_to_stop();
    story.signal(Signal::Int);
    assert_eq!(story.lines, [Line::QuickShutdown]);
    assert_eq!(story.sent(), [(100, Signal::Quit), (201, Signal::Quit)]);
    story.exits(100, Ending::Code(0));
    story.exits(201, Ending::Code(0));
    assert_eq!(story.exit(), Some(0));
}

#[test]
fn while_nobody_serves_there_is_nothing_to_wait_for() {
    let mut story = Story::with(Settings { drain_delay: Some(DELAY), ..SETTINGS });
    story.signal(Signal::Term);
    assert_eq!(story.arbiter.phase(), Phase::Stopping(Stop::Graceful));
}
