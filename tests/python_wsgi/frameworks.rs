//! What people have: Flask and Django.

use oxicorn_tests::{Launch, Request, Response, Server, python};
use serde_json::{Value, json};

use crate::apps::{Class, module};

const FORM: &str = "application/x-www-form-urlencoded";

fn start(class: Class, app: &str) -> Server {
    let launch = Launch::of(&class.subject()).python(&python::with_packages(), &module(app));
    std::fs::write(launch.folder().join("data"), "0123456789").expect("a file");
    launch.start()
}

fn parsed(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{response:?}");
    serde_json::from_slice(&response.body).expect("JSON")
}

fn form(path: &str) -> Request {
    Request::new("POST", path).header("Content-Type", FORM).body("a=1&b=gr%C3%BCn")
}

#[test]
fn flask() {
    for class in Class::ALL {
        let server = start(class, "site_flask");
        assert_eq!(server.get("/").text(), "Hello from Flask\n");
        assert_eq!(parsed(&server.ask(&form("/form"))), json!({"a": "1", "b": "gr\u{fc}n"}));
        let json = Request::new("POST", "/json").header("Content-Type", "application/json");
        assert_eq!(parsed(&server.ask(&json.body(r#"{"x": [1, 2]}"#))), json!({"x": [1, 2]}));
        assert_eq!(
            server.get("/stream").text(),
            "context 0 /stream\ncontext 1 /stream\ncontext 2 /stream\n"
        );
        server.wait_for_line("torn down: /stream");
        assert_eq!(server.get("/file").text(), "0123456789");
        let part = server.ask(&Request::get("/file").header("Range", "bytes=2-4"));
        assert_eq!((part.status, part.text().as_ref()), (206, "234"));
        assert_eq!(server.get("/teapot").status, 418);
        assert_eq!(server.get("/fails").status, 500);
        server.wait_for_line("ValueError: in a view");
        let place = parsed(
            &server.ask(&Request::get("/where/caf%C3%A9?q=1").header("Connection", "close")),
        );
        assert_eq!(place["rest"], "caf\u{e9}");
        assert_eq!(place["remote"], "127.0.0.1");
    }
}

/// Larger than what is read before the handler starts, and so read while it comes.
#[test]
fn flask_takes_uploads_of_any_size() {
    for class in Class::ALL {
        let server = start(class, "site_flask");
        for length in [10, 3_000_000] {
            let head =
                "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
            let body = format!("{head}{}\r\n--x--\r\n", "y".repeat(length));
            let request = || {
                Request::new("POST", "/upload")
                    .header("Content-Type", "multipart/form-data; boundary=x")
            };
            let by_length = parsed(&server.ask(&request().body(body.as_str())));
            let in_chunks = parsed(&server.ask(&request().chunks(body.as_bytes().chunks(70_000))));
            assert_eq!(by_length["name"], "f");
            assert_eq!(by_length, in_chunks, "{class:?} {length}");
        }
    }
}

#[test]
fn django() {
    for class in Class::ALL {
        let server = start(class, "site_django");
        assert_eq!(server.get("/").text(), "Hello from Django\n");
        assert_eq!(parsed(&server.ask(&form("/size")))["size"], 15);
        let chunks = Request::new("POST", "/size").chunks(["hello", "world"]);
        assert_eq!(parsed(&server.ask(&chunks))["size"], 10, "{class:?}");
        assert_eq!(parsed(&server.ask(&form("/form"))), json!({"a": "1", "b": "gr\u{fc}n"}));
        assert_eq!(server.get("/stream").text(), "piece 0\npiece 1\npiece 2\n");
        assert_eq!(server.get("/file").text(), "0123456789");
        assert_eq!(server.get("/fails").status, 500);
        assert_eq!(server.get("/nowhere").status, 404);
    }
}
