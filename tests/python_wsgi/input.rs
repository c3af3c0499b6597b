//! `wsgi.input`, read in every way that PEP 3333 allows, of a body that is there and of one that comes.

use oxicorn_tests::{Asked, ClientError, Launch, Request, Server};
use serde_json::{Value, json};

use crate::apps::Class;

fn reads(server: &Server, calls: &str, body: &str) -> Value {
    let target = format!("/?{calls}");
    for request in [
        Request::new("POST", &target).body(body),
        Request::new("POST", &target).chunks(body.as_bytes().chunks(3)),
    ] {
        let response = server.ask(&request);
        assert_eq!(response.status, 200, "{response:?}");
    }
    let response = server.ask(&Request::new("POST", &target).body(body));
    serde_json::from_slice(&response.body).expect("JSON")
}

const CASES: [(&str, &str, &str); 14] = [
    ("read", "abc", r#"["abc"]"#),
    ("read=-1&read", "abc", r#"["abc", ""]"#),
    ("read=0&read=2&read=2&read=2", "abc", r#"["", "ab", "c", ""]"#),
    ("read=1000", "abc", r#"["abc"]"#),
    ("read=3&read=1", "abcdefg", r#"["abc", "d"]"#),
    ("readline&readline&readline&readline", "a\nb\r\nc", r#"["a\n", "b\r\n", "c", ""]"#),
    ("readline=1&readline=5&readline=0&readline", "ab\nc\n", r#"["a", "b\n", "", "c\n"]"#),
    ("readline=-1", "ab\nc", r#"["ab\n"]"#),
    ("readlines", "a\n\nb", r#"[["a\n", "\n", "b"]]"#),
    ("readlines=3&read", "ab\ncd\nef\n", r#"[["ab\n"], "cd\nef\n"]"#),
    ("list", "a\nb", r#"[["a\n", "b"]]"#),
    ("next&read=1&next&next&next", "a\nbcd\ne", r#"["a\n", "b", "cd\n", "e", null]"#),
    ("readlines&list&next&read=5", "", r#"[[], [], null, ""]"#),
    ("readlines=0", "a\nb\n", r#"[["a\n", "b\n"]]"#),
];

fn all_cases(launch: Launch) {
    let server = launch.start();
    for (calls, body, expected) in CASES {
        let expected: Value = serde_json::from_str(expected).expect("JSON");
        assert_eq!(reads(&server, calls, body), expected, "{calls} of {body:?}");
    }
}

#[test]
fn a_body_that_is_there() {
    for class in Class::ALL {
        all_cases(class.launch("input"));
    }
}

#[test]
fn a_body_that_is_still_coming() {
    for class in Class::ALL {
        all_cases(class.launch("input").args(["--body-buffer-size", "0"]));
    }
}

#[test]
fn every_size_of_a_read() {
    let body: String = (0..200_u8).map(|n| char::from(b'a' + n % 26)).collect();
    for launch in
        [Class::Sync.launch("input"), Class::Sync.launch("input").args(["--body-buffer-size", "0"])]
    {
        let server = launch.start();
        for size in [1, 2, 7, 63, 64, 65, 199, 200, 201] {
            let count = 200_usize.div_ceil(size) + 1;
            let calls = vec![format!("read={size}"); count].join("&");
            let pieces = reads(&server, &calls, &body);
            let pieces: Vec<&str> =
                pieces.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
            assert_eq!(pieces.concat(), body, "{size}");
            assert!(pieces[..200 / size].iter().all(|piece| piece.len() == size), "{size}");
            assert_eq!(pieces.last(), Some(&""));
        }
    }
}

#[test]
fn a_body_that_breaks_off_is_an_exception_at_every_read() {
    for class in Class::ALL {
        let server = class.launch("input").args(["--body-buffer-size", "0"]).start();
        let mut connection = server.connect();
        let head = "POST /?read=3&read&read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
        connection.send(head.as_bytes()).expect("sent");
        connection.send(b"12345").expect("sent");
        connection.finish_sending().expect("the end");
        server.wait_for_lines(
            "reading failed: ConnectionResetError: the request's body broke off",
            2,
        );
        if let Ok(response) = connection.receive(Asked::ForAll) {
            let told: Value = serde_json::from_slice(&response.body).expect("JSON");
            assert_eq!(told, json!(["123", "OSError", "OSError"]));
        }
    }
}

#[test]
fn who_does_not_catch_it_has_done_nothing_wrong() {
    for class in Class::ALL {
        let server = class.launch("uploads").args(["--body-buffer-size", "0"]).start();
        let mut connection = server.connect();
        let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
        connection.send(head.as_bytes()).expect("sent");
        server.wait_for_line("begins to read");
        connection.finish_sending().expect("the end");
        match connection.receive(Asked::ForAll) {
            Ok(response) => assert_eq!(response.status, 400),
            Err(ClientError::Closed) => {}
            Err(error) => panic!("{error}"),
        }
        server.wait_for_line("[WARNING] Invalid request POST /: the request's body broke off");
        assert_eq!(server.error_log().count("has read"), 0);
        assert_eq!(server.error_log().count("Traceback"), 0);
        assert_eq!(server.get("/").status, 200);
    }
}

#[test]
fn a_body_that_stops_coming_is_a_timeout() {
    let server = Class::Threaded
        .launch("uploads")
        .args(["--body-buffer-size", "0", "--body-timeout", "1"])
        .start();
    let mut connection = server.connect();
    connection
        .send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        .expect("sent");
    let response = connection.receive(Asked::ForAll).expect("a response");
    assert_eq!(response.status, 400);
    server.wait_for_line("the request's body broke off: the body stopped arriving");
}
