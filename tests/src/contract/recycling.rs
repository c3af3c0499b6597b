//! Workers that have done their share: each is replaced while clients are served, and none of them
//! may notice.

use super::Subject;
use super::leaving::mixed;
use super::reload::{BOOTING, assert_always_served};
use crate::harness::{ErrorLine, Launch, Level, Server};
use crate::load::Load;

const ASKING: &str = "Asking for a replacement: ";

/// The worker itself says why.
#[track_caller]
fn assert_asked(server: &Server, setting: &str) {
    let line = server.wait_for_line(ASKING);
    let parsed = ErrorLine::parse(&line).expect("the log's shape");
    assert_eq!(parsed.level, Level::Info, "{line}");
    assert_ne!(parsed.pid, server.master().pid(), "{line}");
    assert!(line.contains(setting), "{line}");
}

pub(super) fn max_requests(subject: &Subject) {
    let limit = ["--max-requests", "30", "--max-requests-jitter", "10"];
    let server = Launch::of(subject).workers(2).args(limit).start();
    let first = server.wait_for_workers(2);
    let load = Load::start(server.address(), &mixed("/read?ms=1"));
    server.wait_for_lines(BOOTING, 6);
    load.wait_for_answers(50);
    load.stop().assert_nothing_lost();
    assert_asked(&server, "max_requests");
    let asked = server.wait_for_lines(ASKING, 2);
    let by = |pid| move |line: &String| ErrorLine::parse(line).is_some_and(|l| l.pid == pid);
    for worker in first {
        assert_eq!(asked.iter().filter(|line| by(worker.pid())(line)).count(), 1, "{asked:#?}");
    }
    assert_always_served(&server, 2);
}

pub(super) fn max_lifetime(subject: &Subject) {
    let server = Launch::of(subject).args(["--max-lifetime", "300ms"]).start();
    let load = Load::start(server.address(), &mixed("/"));
    server.wait_for_lines(BOOTING, 3);
    load.wait_for_answers(50);
    load.stop().assert_nothing_lost();
    assert_asked(&server, "max_lifetime");
    assert_always_served(&server, 1);
}

pub(super) fn max_rss(subject: &Subject) {
    // Every worker reaches this at once. It serves nevertheless, and its place waits longer each time.
    let server = Launch::of(subject).args(["--max-rss", "1"]).start();
    let load = Load::start(server.address(), &mixed("/"));
    server.wait_for_lines(BOOTING, 4);
    load.wait_for_answers(50);
    load.stop().assert_nothing_lost();
    assert_asked(&server, "max_rss");
    assert_always_served(&server, 1);
}
