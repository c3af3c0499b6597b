//! What an application is told of a request.

use oxicorn_tests::{Asked, Launch, Request, Server};
use serde_json::{Value, json};

use crate::apps::Class;

fn told(server: &Server, request: &Request) -> Value {
    let response = server.ask(request);
    assert_eq!(response.status, 200, "{response:?}");
    serde_json::from_slice(&response.body).expect("JSON")
}

fn start(class: Class) -> Server {
    class.launch("environ").start()
}

#[test]
fn everything_that_has_to_be_there_is_there() {
    for class in Class::ALL {
        let server = start(class);
        let request = Request::get("/a/b?c=d%20e&f")
            .header("X-Plain", "one")
            .header("Accept-Language", "de")
            .header("Authorization", "Basic eDp5");
        let environ = told(&server, &request);
        let port = match server.address() {
            oxicorn_tests::Address::Tcp(address) => address.port().to_string(),
            oxicorn_tests::Address::Unix(_) => unreachable!("it listens on TCP"),
        };
        for (key, value) in [
            ("REQUEST_METHOD", json!("GET")),
            ("SCRIPT_NAME", json!("")),
            ("PATH_INFO", json!("/a/b")),
            ("QUERY_STRING", json!("c=d%20e&f")),
            ("RAW_URI", json!("/a/b?c=d%20e&f")),
            ("SERVER_PROTOCOL", json!("HTTP/1.1")),
            ("SERVER_NAME", json!("127.0.0.1")),
            ("SERVER_PORT", json!(port)),
            ("REMOTE_ADDR", json!("127.0.0.1")),
            ("HTTP_X_PLAIN", json!("one")),
            ("HTTP_ACCEPT_LANGUAGE", json!("de")),
            ("HTTP_AUTHORIZATION", json!("Basic eDp5")),
            ("wsgi.version", json!([1, 0])),
            ("wsgi.url_scheme", json!("http")),
            ("wsgi.multithread", json!(class != Class::Sync)),
            ("wsgi.multiprocess", json!(false)),
            ("wsgi.run_once", json!(false)),
            ("wsgi.input_terminated", json!(true)),
            ("oxicorn.stopping", json!(false)),
        ] {
            assert_eq!(environ[key], value, "{key} in {class:?}");
        }
        let software = environ["SERVER_SOFTWARE"].as_str().expect("a string");
        assert!(software.starts_with("oxicorn/"), "{software}");
        let remote = environ["REMOTE_PORT"].as_str().and_then(|port| port.parse::<u16>().ok());
        assert!(remote.is_some(), "{environ}");
        for absent in ["CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"]
        {
            assert!(environ.get(absent).is_none(), "{absent} in {class:?}");
        }
    }
}

#[test]
fn several_workers_and_several_threads_are_told() {
    let server = Class::Sync.launch("environ").workers(2).start();
    let environ = told(&server, &Request::get("/"));
    assert_eq!(
        (&environ["wsgi.multithread"], &environ["wsgi.multiprocess"]),
        (&json!(false), &json!(true))
    );
    let server = Class::Threaded.launch("environ").threads(1).start();
    assert_eq!(told(&server, &Request::get("/"))["wsgi.multithread"], json!(false));
}

#[test]
fn a_path_is_decoded_byte_by_byte() {
    let server = start(Class::Sync);
    for (target, path, query) in [
        ("/", "/", ""),
        ("/caf%C3%A9", "/caf\u{c3}\u{a9}", ""),
        ("/%ff%00%2F%25", "/\u{ff}\u{0}/%", ""),
        ("/a+b%2", "/a+b%2", ""),
        ("/%zz%4", "/%zz%4", ""),
        ("//double//?a?b", "//double//", "a?b"),
        ("/?%C3%A9", "/", "%C3%A9"),
        ("http://other.example/absolute?x", "/absolute", "x"),
    ] {
        let environ = told(&server, &Request::get(target));
        assert_eq!(environ["PATH_INFO"], path, "{target}");
        assert_eq!(environ["QUERY_STRING"], query, "{target}");
        assert_eq!(environ["RAW_URI"], target);
    }
}

#[test]
fn headers_that_come_several_times_are_joined() {
    let server = start(Class::Threaded);
    let request = Request::new("POST", "/")
        .header("X-A", "1")
        .header("Cookie", "a=b")
        .header("x-a", "2, 3")
        .header("Content-Type", "text/plain; charset=utf-8")
        .header("Cookie", "c=d")
        .header("X-Empty", "")
        .body("some");
    let environ = told(&server, &request);
    for (key, value) in [
        ("HTTP_X_A", "1,2, 3"),
        ("HTTP_COOKIE", "a=b; c=d"),
        ("HTTP_X_EMPTY", ""),
        ("CONTENT_TYPE", "text/plain; charset=utf-8"),
        ("CONTENT_LENGTH", "4"),
        ("REQUEST_METHOD", "POST"),
    ] {
        assert_eq!(environ[key], value, "{key}");
    }
}

#[test]
fn a_name_with_an_underscore_takes_nobodys_place() {
    let request = Request::get("/").header("X_A", "forged").header("X-A", "real");
    for (args, seen) in [(&[][..], "real"), (&["--header-map", "dangerous"], "real,forged")] {
        let server = Class::Sync.launch("environ").args(args).start();
        assert_eq!(told(&server, &request)["HTTP_X_A"], seen, "{args:?}");
    }
}

#[test]
fn a_value_beyond_ascii_is_latin_1() {
    let server = start(Class::Sync);
    let mut connection = server.connect();
    connection
        .send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Name: caf\xc3\xa9 \xe9\r\n\r\n")
        .expect("sent");
    let response = connection.receive(Asked::ForAll).expect("a response");
    let environ: Value = serde_json::from_slice(&response.body).expect("JSON");
    assert_eq!(environ["HTTP_X_NAME"], "caf\u{c3}\u{a9} \u{e9}");
}

#[test]
fn the_length_of_chunks_is_told_once_they_are_there() {
    let server = start(Class::Sync);
    let environ = told(&server, &Request::new("POST", "/").chunks(["hello", " world"]));
    assert_eq!(environ["CONTENT_LENGTH"], "11");
    assert_eq!(environ["HTTP_TRANSFER_ENCODING"], "chunked");
    let server = Class::Sync.launch("environ").args(["--body-buffer-size", "1"]).start();
    let environ = told(&server, &Request::new("POST", "/").chunks(["hello", " world"]));
    assert!(environ.get("CONTENT_LENGTH").is_none(), "{environ}");
}

#[test]
fn methods_and_versions_are_as_they_were_sent() {
    let server = start(Class::Sync);
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "REPORT"] {
        assert_eq!(told(&server, &Request::new(method, "/"))["REQUEST_METHOD"], method);
    }
    let whole_server = told(&server, &Request::new("OPTIONS", "*"));
    assert_eq!((&whole_server["PATH_INFO"], &whole_server["RAW_URI"]), (&json!("*"), &json!("*")));
    let old = Request::get("/").version(oxicorn_tests::client::Version::Http10);
    assert_eq!(told(&server, &old)["SERVER_PROTOCOL"], "HTTP/1.0");
}

fn behind_a_proxy(launch: Launch) -> Value {
    let server = launch.start();
    told(&server, &Request::get("/").header("X-Forwarded-Proto", "https"))
}

#[test]
fn the_scheme_is_believed_of_those_who_are_trusted() {
    let trusted = behind_a_proxy(Class::Sync.launch("environ"));
    assert_eq!(trusted["wsgi.url_scheme"], "https");
    let nobody = Class::Sync.launch("environ").args(["--forwarded-allow-ips", "192.0.2.1"]);
    assert_eq!(behind_a_proxy(nobody)["wsgi.url_scheme"], "http");
}

#[test]
fn the_client_is_whom_the_proxy_protocol_announces() {
    let server = Class::Sync.launch("environ").args(["--proxy-protocol", "auto"]).start();
    let mut connection = server.connect();
    let head = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    connection.send(head.as_bytes()).expect("sent");
    let response = connection.receive(Asked::ForAll).expect("a response");
    let environ: Value = serde_json::from_slice(&response.body).expect("JSON");
    assert_eq!(
        (&environ["REMOTE_ADDR"], &environ["REMOTE_PORT"]),
        (&json!("192.0.2.7"), &json!("56324"))
    );
}

#[test]
fn a_unix_socket_has_the_name_that_the_client_uses() {
    let server = Class::Sync.launch("environ").on_unix_socket().start();
    for (host, name, port) in [
        ("shop.example", "shop.example", "80"),
        ("x:8080", "x", "8080"),
        ("[::1]:81", "[::1]", "81"),
    ] {
        let bytes = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let mut connection = server.connect();
        connection.send(bytes.as_bytes()).expect("sent");
        let response = connection.receive(Asked::ForAll).expect("a response");
        let environ: Value = serde_json::from_slice(&response.body).expect("JSON");
        assert_eq!(
            (&environ["SERVER_NAME"], &environ["SERVER_PORT"]),
            (&json!(name), &json!(port))
        );
        assert_eq!(environ["REMOTE_ADDR"], "");
        assert!(environ.get("REMOTE_PORT").is_none());
    }
}

#[test]
fn an_application_can_be_mounted() {
    let server = Class::Sync.launch("environ").env("SCRIPT_NAME", "/shop").spawn();
    let environ = told(&server, &Request::get("/shop/cart%20x?y"));
    assert_eq!(
        (&environ["SCRIPT_NAME"], &environ["PATH_INFO"]),
        (&json!("/shop"), &json!("/cart x"))
    );
    assert_eq!(told(&server, &Request::get("/shop"))["PATH_INFO"], "");
    assert_eq!(server.get("/elsewhere").status, 500);
    assert_eq!(server.get("/shopping").status, 500);
    server.wait_for_line("Error handling request GET /elsewhere: it is not below SCRIPT_NAME");
    // A trusted proxy says it itself.
    let by_proxy = Class::Sync.launch("environ").start();
    let request = Request::get("/other/a").header("SCRIPT_NAME", "/other");
    let environ = told(&by_proxy, &request);
    assert_eq!((&environ["SCRIPT_NAME"], &environ["PATH_INFO"]), (&json!("/other"), &json!("/a")));
}
