//! What people use: FastAPI and Starlette on uvloop, and the library websockets as a client.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use oxicorn_tests::{Address, Deadline, Launch, Request, Server, Signal, python};

use crate::apps::{launch_with, socket};

fn fastapi() -> Launch {
    launch_with(&python::with_packages(), "frameworks")
}

fn post(target: &str, kind: &str, body: &str) -> Request {
    Request::new("POST", target).header("Content-Type", kind).body(body)
}

#[test]
fn fastapi_does_what_it_does() {
    let mut server = fastapi().start();
    let root = server.get("/");
    assert_eq!(
        (root.text().as_str(), root.header("x-stamp")),
        ("{\"hello\":\"world\"}", Some("GET"))
    );
    assert_eq!(server.get("/state").text(), "{\"database\":\"connected\"}");
    assert_eq!(server.get("/plain").text(), "from a thread\n");
    let item = post("/items/7?q=x", "application/json", r#"{"name":"a","price":1}"#);
    assert_eq!(server.ask(&item).text(), r#"{"number":7,"name":"a","q":"x"}"#);
    assert_eq!(server.ask(&post("/items/7", "application/json", "{}")).status, 422);
    assert_eq!(server.get("/nowhere").status, 404);
    let upload = post("/upload", "text/plain", &"x".repeat(2_000_000));
    assert_eq!(server.ask(&upload).text(), r#"{"size":2000000}"#);
    assert!(server.get("/file").text().starts_with("# What people write"));
    assert_eq!(server.get("/stream").text().lines().count(), 5);
    assert_eq!(server.get("/background").text(), "\"soon\"");
    server.wait_for_accesses("later", 1);
    assert_eq!(server.get("/raises").status, 500);
    server.wait_for_line("GET /raises: ValueError: in FastAPI");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(Deadline::seconds(30)).code(), Some(0));
    assert_eq!((server.access_log().count("starts"), server.access_log().count("stops")), (1, 1));
}

#[test]
fn a_stream_ends_when_its_client_has_gone() {
    let server = fastapi().start();
    let mut socket = socket(&server);
    let request = "GET /stream?count=100000&pace=0.05 HTTP/1.1\r\nHost: a\r\n\r\n";
    socket.write_all(request.as_bytes()).expect("a request");
    std::io::Read::read(&mut socket, &mut [0; 100]).expect("the beginning");
    drop(socket);
    server.wait_for_accesses("the stream is over", 1);
    assert_eq!(server.error_log().count("ERROR"), 0);
}

fn talk(server: &Server, python: &Path) -> String {
    let Address::Tcp(address) = server.address() else { panic!("it is on TCP") };
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python_asgi/clients/talks.py");
    let uri = format!("ws://{address}/ws/anna");
    let output = Command::new(python).arg(script).arg(uri).output().expect("a client");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn the_library_websockets_talks_to_fastapi() {
    let python = python::with_packages();
    for event_loop in ["uvloop", "asyncio"] {
        let server = fastapi().args(["--asgi-loop", event_loop]).start();
        assert_eq!(talk(&server, &python), "done 4005\n", "{event_loop}");
        server.wait_for_accesses("left 4005", 1);
    }
}
