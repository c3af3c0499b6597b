//! The setting.

use crate::{asked, coroutine};

#[test]
fn what_would_block_is_named_once() {
    let server = coroutine().args(["--patch", "check"]).start();
    for _ in 0..3 {
        assert_eq!(asked(&server, "/sleep"), "slept\n");
    }
    assert_eq!(asked(&server, "/sockets/timeouts"), "true 1 true\n");
    let line = server.wait_for_line("GET /sockets/timeouts blocks in rec");
    assert!(line.contains("(patch = check)"), "{line}");
    assert_eq!(server.error_log().count("GET /sleep blocks in "), 1);
}

#[test]
fn off_is_off() {
    let server = coroutine().args(["--patch", "off"]).start();
    assert_eq!(asked(&server, "/sleep"), "slept\n");
    assert_eq!(asked(&server, "/sockets/timeouts"), "true 1 true\n");
    assert_eq!(server.error_log().count("blocks in "), 0);
}
