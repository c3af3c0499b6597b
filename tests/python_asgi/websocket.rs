//! WebSockets: the opening handshake, the messages, the close, and nobody faster than the other one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use oxicorn_tests::{Deadline, Request, Server, Signal};
use tungstenite::client::{ClientRequestBuilder, client_with_config};
use tungstenite::error::ProtocolError;
use tungstenite::handshake::client::Response;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::{Error, Message, WebSocket};

use crate::apps::{launch, socket};

type Client = WebSocket<TcpStream>;

fn try_open(
    server: &Server,
    name: &str,
    subprotocols: &[&str],
) -> Result<(Client, Response), Error> {
    let uri = format!("ws://suite/{name}").parse().expect("a URI");
    let request = subprotocols
        .iter()
        .fold(ClientRequestBuilder::new(uri), |request, name| request.with_sub_protocol(*name));
    client_with_config(request, socket(server), None).map_err(|error| match error {
        tungstenite::HandshakeError::Failure(error) => error,
        tungstenite::HandshakeError::Interrupted(_) => panic!("the socket blocks"),
    })
}

fn open(server: &Server, name: &str) -> Client {
    try_open(server, name, &[]).expect("a WebSocket").0
}

/// Reads up to the close, and gives its code.
fn closed(client: &mut Client) -> u16 {
    loop {
        match client.read() {
            Ok(Message::Close(Some(frame))) => return frame.code.into(),
            Ok(Message::Close(None)) => return 1005,
            Ok(_) => {}
            Err(error) => panic!("no close frame: {error}"),
        }
    }
}

#[test]
fn messages_go_both_ways_in_every_size() {
    let server = launch("sockets").start();
    let mut client = open(&server, "echo");
    for size in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
        client.send(Message::text("é".repeat(size / 2))).expect("sent");
        assert_eq!(client.read().expect("text").into_text().expect("text").len(), size / 2 * 2);
        client.send(Message::binary(vec![7; size])).expect("sent");
        assert_eq!(client.read().expect("bytes"), Message::binary(vec![7; size]));
    }
    client
        .close(Some(CloseFrame { code: CloseCode::from(4002), reason: "tschüss".into() }))
        .expect("sent");
    assert_eq!(closed(&mut client), 4002);
    server.wait_for_accesses("left: 4002 tschüss", 1);
    server.wait_for_accesses("and once more: 4002", 1);
    server.wait_for_accesses("\"GET /echo HTTP/1.1\" 101", 1);
}

#[test]
fn the_handshake_carries_subprotocols_and_headers() {
    let server = launch("sockets").start();
    let (_client, response) = try_open(&server, "echo", &["one", "two"]).expect("a WebSocket");
    let header =
        |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text"));
    assert_eq!(header("sec-websocket-protocol"), Some("two"));
    assert_eq!(header("x-offered"), Some("one,two"));
    assert_eq!(header("server"), Some("oxicorn"));
    assert_eq!(header("content-length"), None);
}

#[test]
fn a_handshake_that_is_none_is_answered() {
    let server = launch("sockets").start();
    let plain = |extra: &str| {
        let mut connection = server.connect();
        let head = format!(
            "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{extra}\r\n"
        );
        connection.send(head.as_bytes()).expect("a request");
        connection.receive(Request::get("/").asked()).expect("an answer").status
    };
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(plain(key), 426, "no version");
    assert_eq!(plain(&format!("{key}Sec-WebSocket-Version: 8\r\n")), 426);
    assert_eq!(plain("Sec-WebSocket-Version: 13\r\n"), 400, "no key");
    assert_eq!(plain("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n"), 400);
    let request = Request::get("/").header("Connection", "upgrade").header("Upgrade", "irc");
    assert_eq!(server.ask(&request).text(), "http", "another protocol is not heard");
}

#[test]
fn it_can_be_refused_with_and_without_words() {
    let server = launch("sockets").start();
    let refused = |name: &str| match try_open(&server, name, &[]) {
        Err(Error::Http(response)) => response,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(refused("refuses").status(), 403);
    let response = refused("refuses_in_words");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["www-authenticate"]),
        (401, &"Basic".parse().unwrap())
    );
    for (name, line) in [
        ("raises_first", "GET /raises_first: ValueError: before a WebSocket"),
        (
            "returns_first",
            "GET /returns_first: ASGI: the application has returned without a response",
        ),
        ("out_of_turn", "ASGI: websocket.accept or websocket.close must come first, and once"),
    ] {
        assert_eq!(refused(name).status(), 500, "{name}");
        server.wait_for_line(line);
    }
}

#[test]
fn the_application_closes_it() {
    let server = launch("sockets").start();
    let mut client = open(&server, "closes");
    assert_eq!(client.read().expect("text"), Message::text("last words"));
    assert_eq!(closed(&mut client), 4001);
    // The answer to it goes out with the next read.
    assert!(matches!(client.read(), Err(Error::ConnectionClosed)));
    server.wait_for_accesses("cannot: the WebSocket is closed", 1);
    server.wait_for_accesses("told: 4001", 1);
}

#[test]
fn it_ends_with_its_handler() {
    let server = launch("sockets").start();
    assert_eq!(closed(&mut open(&server, "returns")), 1000);
    assert_eq!(closed(&mut open(&server, "raises")), 1011);
    server.wait_for_line("Error handling request GET /raises: ValueError: in a WebSocket");
    for (name, line) in [
        ("accepts_twice", "ASGI: websocket.accept or websocket.close must come first, and once"),
        ("neither", "ASGI: websocket.send must have either bytes or a str \"text\""),
    ] {
        assert_eq!(closed(&mut open(&server, name)), 1011, "{name}");
        server.wait_for_line(line);
    }
}

#[test]
fn what_is_no_message_is_answered_with_its_code() {
    let server = launch("sockets").args(["--websocket-max-message-size", "100k"]).start();
    let mut client = open(&server, "echo");
    client.send(Message::binary(vec![0; 200_000])).expect("sent");
    assert_eq!(closed(&mut client), 1009);

    let mut client = open(&server, "echo");
    let broken = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    client.send(Message::Frame(broken)).expect("sent");
    assert_eq!(closed(&mut client), 1007);

    let mut client = open(&server, "echo");
    // A frame that is not masked, and an opcode that there is not.
    client.get_mut().write_all(&[0x83, 0x00]).expect("sent");
    assert_eq!(closed(&mut client), 1002);
    server.wait_for_accesses("left: 10", 3);
    assert_eq!(server.error_log().count("ERROR"), 0);
}

#[test]
fn fragments_are_joined_and_pings_answered_in_between() {
    let server = launch("sockets").start();
    let mut client = open(&server, "echo");
    let part = |text: &'static str, code, last| {
        Message::Frame(Frame::message(text.as_bytes(), OpCode::Data(code), last))
    };
    client.send(part("one ", Data::Text, false)).expect("sent");
    client.send(Message::Ping("are you there?".into())).expect("sent");
    assert_eq!(client.read().expect("a pong"), Message::Pong("are you there?".into()));
    client.send(part("message", Data::Continue, true)).expect("sent");
    assert_eq!(client.read().expect("text"), Message::text("one message"));
}

#[test]
fn who_only_sends_answers_pings_and_learns_of_the_end() {
    let server = launch("sockets").start();
    let mut client = open(&server, "only_sends");
    client.send(Message::Ping("x".into())).expect("sent");
    while client.read().expect("a message") != Message::Pong("x".into()) {}
    client.close(None).expect("sent");
    closed(&mut client);
    server.wait_for_accesses("nobody listens", 1);
}

#[test]
fn a_client_that_vanishes_is_a_disconnect() {
    let server = launch("sockets").start();
    drop(open(&server, "echo"));
    server.wait_for_accesses("left: 1006", 1);
}

#[test]
fn an_application_sends_no_faster_than_its_client_reads() {
    let server = launch("sockets").start();
    let mut client = open(&server, "floods");
    server.wait_for_accesses("held up", 1);
    assert_eq!(server.get("/").status, 200, "others are served meanwhile");
    for number in 0..64 {
        let length = client.read().unwrap_or_else(|e| panic!("{number}: {e}")).len();
        assert_eq!(length, 1024 * 1024, "{number}");
    }
    assert_eq!(closed(&mut client), 1000);
}

#[test]
fn a_client_sends_no_faster_than_the_application_reads() {
    let server = launch("sockets").start();
    let mut client = open(&server, "slow");
    let limit = Duration::from_secs(1);
    client.get_mut().set_write_timeout(Some(limit)).expect("a time limit");
    let mut sent = 0;
    let held = loop {
        match client.send(Message::binary(vec![0; 64 * 1024])) {
            Ok(()) => sent += 64 * 1024,
            Err(error) => break error,
        }
        assert!(sent < 256 * 1024 * 1024, "nobody has held the client up");
    };
    assert!(matches!(held, Error::Io(_)), "{held}");
    assert_eq!(server.get("/open").status, 200);
    client.get_mut().set_write_timeout(None).expect("no time limit");
    client.flush().expect("the rest");
    client.close(None).expect("sent");
    closed(&mut client);
    server.wait_for_accesses(&format!("received {}", sent + 64 * 1024), 1);
}

#[test]
fn a_worker_that_leaves_says_so() {
    let mut server = launch("sockets").start();
    let mut client = open(&server, "lasts");
    server.signal(Signal::SIGTERM);
    assert_eq!(closed(&mut client), 1012);
    // It answers with its next read, and the server need not wait for longer.
    assert!(matches!(
        client.read(),
        Err(Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))
    ));
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
    server.wait_for_accesses("at the end: websocket.disconnect 1012", 1);
}

#[test]
fn it_may_last_longer_than_a_request() {
    let server = launch("sockets").args(["--timeout", "2"]).start();
    let mut client = open(&server, "only_sends");
    // One every 20 ms.
    for _ in 0..150 {
        assert_eq!(client.read().expect("a message"), Message::text("tick"));
    }
    assert_eq!(server.error_log().count("TIMEOUT"), 0);
}

#[test]
fn what_follows_the_handshake_at_once_is_not_lost() {
    let server = launch("sockets").start();
    let mut socket = socket(&server);
    let head = "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A masked text frame of two letters.
    let frame = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    socket.write_all(&[head.as_bytes(), &frame].concat()).expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(&[0x81, 0x02, b'h', b'i']) {
        let mut some = [0; 1024];
        let count = socket.read(&mut some).expect("an answer");
        assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&some[..count]);
    }
    // The key and its answer are RFC 6455's own example.
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
}

#[test]
fn a_silent_client_is_asked_and_taken_for_gone_when_it_does_not_answer() {
    let server = launch("sockets").args(["--websocket-ping-interval", "2s"]).start();
    let mut client = open(&server, "echo");
    for _ in 0..3 {
        // Each is answered with the next read.
        assert_eq!(client.read().expect("a ping"), Message::Ping(Default::default()));
    }
    client.send(Message::text("still here")).expect("sent");
    while client.read().expect("a message") != Message::text("still here") {}
    // From now on it does not read, so it does not answer.
    server.wait_for_accesses("left: 1006", 1);
}
