//! The judge of the standard library, `wsgiref.validate`, in every class and in every version of Python
//! that is on this machine.

use oxicorn_tests::{Launch, Request, Server, python};

use crate::apps::{Class, module};

#[track_caller]
fn is_clean(server: &Server) {
    for request in [
        Request::get("/?a=b"),
        Request::get("/pieces"),
        Request::get("/nothing"),
        Request::get("/lines"),
        Request::new("HEAD", "/"),
        Request::new("POST", "/").header("Content-Type", "text/plain").body("hello"),
        Request::new("PUT", "/").chunks(["hello", "world"]),
        Request::get("http://absolute.example/x"),
    ] {
        let status = server.ask(&request).status;
        assert!(status == 200 || status == 204, "{status} to {request:?}");
    }
    server.wait_for_line("[ERROR] validated");
    for trouble in ["Assertion", "WSGIWarning", "Traceback", "Error handling"] {
        assert_eq!(server.error_log().count(trouble), 0, "{trouble}");
    }
}

#[test]
fn it_finds_nothing() {
    for class in Class::ALL {
        is_clean(&class.launch("validated").start());
    }
}

#[test]
fn it_finds_nothing_in_any_version() {
    for version in python::every_version() {
        for class in [Class::Sync, Class::Threaded] {
            let launch = Launch::of(&class.subject()).python(&version, &module("validated"));
            is_clean(&launch.start());
        }
    }
}
