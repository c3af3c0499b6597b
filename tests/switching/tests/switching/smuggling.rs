//! What comes with an Upgrade is judged as without one, and nothing gets in behind it.

use oxicorn_tests::{Asked, Request, Server};

use super::launch;

const ASKING: &str = "Host: x\r\nConnection: upgrade\r\nUpgrade: shout\r\n";

/// The status of each response until the connection ends.
fn statuses(server: &Server, bytes: &str) -> Vec<u16> {
    let mut client = server.connect();
    let _ = client.send(bytes.as_bytes());
    let _ = client.finish_sending();
    let responses = std::iter::from_fn(|| client.receive(Asked::ForAll).ok());
    responses.map(|response| response.status).collect()
}

#[test]
fn what_is_refused_without_an_upgrade_is_refused_with_one() {
    let server = launch().start();
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Host: y\r\n",
        "X: a\r\n b\r\n",
        "Content-Length: +0\r\n",
    ] {
        let head = format!("GET /shout HTTP/1.1\r\n{ASKING}{fields}\r\n");
        let got = statuses(&server, &format!("{head}0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n"));
        assert_eq!(got.len(), 1, "{fields}: {got:?}");
        assert!(got[0] == 400 || got[0] == 501, "{fields}: {got:?}");
    }
    assert_eq!(server.access_log().count(" 101 "), 0);
    assert_eq!(server.access_log().count("/healthz"), 0);
}

#[test]
fn with_a_body_nothing_is_switched() {
    let server = launch().start();
    let next = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for body in [
        "Content-Length: 3\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let request = format!("POST /shout HTTP/1.1\r\n{ASKING}{body}{next}");
        assert_eq!(statuses(&server, &request), [426, 200], "{body}");
    }
    let old = format!("GET /shout HTTP/1.0\r\n{ASKING}\r\n");
    assert_eq!(statuses(&server, &old), [426], "HTTP/1.0 has no upgrades");
    let connect = format!("CONNECT x:80 HTTP/1.1\r\n{ASKING}\r\n");
    assert!(!statuses(&server, &connect).contains(&101));
}

#[test]
fn fields_that_are_dropped_stay_dropped() {
    let server = launch().args(["--forwarded-allow-ips", ""]).start();
    let request = Request::get("/fields")
        .header("Connection", "upgrade")
        .header("Upgrade", "shout")
        .header("X_Forged", "1")
        .header("X-Forwarded-Proto", "https");
    let text = server.ask(&request).text();
    assert!(text.starts_with("upgrade true\nscheme http\npeer 127.0.0.1\n"), "{text}");
    assert!(text.contains("\ntarget /fields\n"), "{text}");
    assert!(!text.contains("x_forged"), "{text}");
}

#[test]
fn the_announced_client_is_the_peer() {
    let server = launch().args(["--proxy-protocol", "v1"]).start();
    let mut client = server.connect();
    let head = format!("GET /shout HTTP/1.1\r\n{ASKING}\r\n");
    let announced = format!("PROXY TCP4 192.0.2.7 192.0.2.1 5678 80\r\n{head}");
    client.send(announced.as_bytes()).expect("sent");
    assert_eq!(client.receive_interim().expect("a response"), 101);
    server.wait_for_accesses("192.0.2.7 - - ", 1);
}
