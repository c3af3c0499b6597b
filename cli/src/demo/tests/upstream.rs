//! `/upstream`, with a server that says what the test wants it to say.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::Builder;

use socket2::{Domain, Socket, Type};

use super::get;
use crate::demo::allowed::AllowList;
use crate::demo::fetching_from;

/// An upstream that gives each of two requests (one of each form) the same answer, then is gone.
#[expect(clippy::disallowed_methods, reason = "the other end of a test")]
fn upstream(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = listener.local_addr().unwrap().to_string();
    let serve = move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            assert!(head.starts_with(b"GET /path?a=1&b HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        }
    };
    let thread = Builder::new().name("upstream".to_owned());
    thread.spawn(serve).unwrap();
    name
}

#[test]
fn an_upstreams_answer_is_told_in_both_forms() {
    for (answer, status, text) in [
        ("HTTP/1.1 203 A\r\nContent-Length: 5\r\n\r\nhello", 200, "status 203, 5 bytes\n"),
        ("HTTP/1.0 404 B\r\n\r\nto the end", 200, "status 404, 10 bytes\n"),
        (
            "HTTP/1.1 200 C\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            200,
            "status 200, 3 bytes\n",
        ),
        (
            "HTTP/1.1 200 D\r\nContent-Length: 5\r\n\r\nhell",
            502,
            " did not answer: the connection was closed before the answer was complete\n",
        ),
        ("220 mail\r\n\r\n", 502, " did not answer: its answer is not HTTP/1.1\n"),
    ] {
        let name = upstream(answer);
        let app = fetching_from(AllowList::parse(&name));
        let told = get(&app, &format!("/upstream?url=http://{name}/path?a=1%26b"));
        assert_eq!(told.status, status, "{answer:?}");
        assert_eq!(told.text().trim_start_matches(&name), text, "{answer:?}");
    }
}

#[test]
fn an_upstream_that_is_not_there_is_a_bad_gateway() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket();
    let name = address.unwrap().to_string();
    let app = fetching_from(AllowList::parse(&name));
    let told = get(&app, &format!("/upstream?url=http://{name}/"));
    assert_eq!(told.status, 502);
    let line = format!("{name} did not answer: Connection refused (os error 111)\n");
    assert_eq!(told.text(), line);
}

#[test]
fn an_upstream_may_be_a_name() {
    let address = upstream("HTTP/1.1 203 A\r\nContent-Length: 5\r\n\r\nhello");
    let name = address.replace("127.0.0.1", "localhost");
    let app = fetching_from(AllowList::parse(&name));
    let told = get(&app, &format!("/upstream?url=http://{name}/path?a=1%26b"));
    assert_eq!(told.text(), "status 203, 5 bytes\n");
}
