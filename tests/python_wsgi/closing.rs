//! `close()` is called whatever has become of the response.

use oxicorn_tests::{ClientError, Request};

use crate::apps::Class;

#[test]
fn it_is_closed_once_however_it_ends() {
    for class in Class::ALL {
        let server = class.launch("closing").start();
        assert_eq!(server.get("/two").text(), "one\ntwo\n");
        server.wait_for_line("closed: /two");
        assert_eq!(server.get("/none").text(), "");
        server.wait_for_line("closed: /none");
        let head = Request::new("HEAD", "/endless").header("Connection", "close");
        assert_eq!(server.ask(&head).status, 200);
        server.wait_for_line("closed: /endless");
        match server.connect().exchange(&Request::get("/fails")) {
            Err(ClientError::Short(_)) => {}
            other => panic!("{other:?}"),
        }
        server.wait_for_line("closed: /fails");
        for name in ["/two", "/none", "/endless", "/fails"] {
            assert_eq!(
                server.error_log().count(&format!("closed: {name}")),
                1,
                "{class:?}: {name}"
            );
        }
    }
}

#[test]
fn it_is_closed_when_the_client_has_left() {
    for class in Class::ALL {
        let server = class.launch("closing").start();
        let mut connection = server.connect();
        connection.send(&Request::get("/endless").bytes()).expect("sent");
        connection.wait_for_bytes().expect("the beginning");
        drop(connection);
        server.wait_for_line("closed: /endless");
        assert_eq!(server.get("/").status, 200);
    }
}

#[test]
fn a_failing_close_is_told_and_changes_nothing() {
    for class in Class::ALL {
        let server = class.launch("closing").start();
        assert_eq!(server.get("/close-fails").text(), "one\n");
        server
            .wait_for_line("Error closing the response to GET /close-fails: ValueError: in close");
        assert_eq!(server.get("/").status, 200);
    }
}
