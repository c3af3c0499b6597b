//! Announced clients, and what is believed of headers, on a real connection.

use super::*;
use crate::config::{Listed, ProxyProtocol, Sender, Underscores, Value};

const HEADER: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";

fn loopback() -> Peer {
    Peer::Tcp("127.0.0.1:5".parse().unwrap())
}

fn stranger() -> Peer {
    Peer::Tcp("203.0.113.1:5".parse().unwrap())
}

/// A connection whose application tells what it knows of the client.
fn bench(config: Config, sender: Peer) -> Bench {
    Bench::with(config, sender, |request: Request| {
        let arrival = request.arrival().unwrap().clone();
        let names: Vec<&str> = request.headers().keys().map(|name| name.as_str()).collect();
        let names = names.join(",");
        let (peer, sender) = (arrival.connection.peer, arrival.connection.sender);
        let length = request.into_body().bytes().map_or(-1, |body| body.len() as i64);
        let scheme = arrival.scheme.as_str();
        format!("{peer} by {sender}, {scheme}, {names}, {length}")
    })
}

fn announced(sender: Peer) -> Bench {
    bench(Config { proxy_protocol: ProxyProtocol::Auto, ..Config::default() }, sender)
}

fn plain(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n")
}

#[test]
fn the_announced_client_is_the_peer_of_every_request() {
    let version_2 =
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\0\x50";
    let local = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for (header, client) in [
        (HEADER, "192.0.2.7"),
        ("PROXY UNKNOWN\r\n", "127.0.0.1"),
        (version_2, "1.2.3.4"),
        (local, "127.0.0.1"),
        ("", "127.0.0.1"),
    ] {
        let mut together = announced(loopback());
        together.send(&format!("{header}{}", plain("")));
        let mut in_pieces = announced(loopback());
        for byte in header.chars().chain(plain("").chars()) {
            assert_eq!(in_pieces.send(&byte.to_string()), READING);
        }
        for mut bench in [together, in_pieces] {
            let expected = format!("\r\n\r\n{client} by 127.0.0.1, http, host, 0");
            let answer = bench.received();
            assert!(answer.ends_with(&expected), "{header:?}: {answer}");
            bench.send(&plain(""));
            let answer = bench.received();
            assert!(answer.ends_with(&expected), "the second, {header:?}: {answer}");
        }
    }
}

#[test]
fn it_is_read_once() {
    for before in [format!("{HEADER}{}", plain("")), plain(""), HEADER.to_owned()] {
        let mut bench = announced(loopback());
        bench.send(&before);
        bench.received();
        bench.send(&format!("{HEADER}{}", plain("")));
        let answer = bench.received();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{before:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1);
    }
    let mut bench = announced(loopback());
    let body = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", HEADER.len());
    bench.send(&format!("{body}{HEADER}"));
    assert!(bench.received().ends_with(&format!(", {}", HEADER.len())), "in a body it is a body");
}

#[test]
fn nobody_else_may_announce_anybody() {
    let mut bench = announced(stranger());
    bench.send(&format!("{HEADER}{}", plain("")));
    let answer = bench.received();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("Connection: close\r\n"));
    assert_eq!(answer.matches("HTTP/1.1").count(), 1);

    let mut bench = announced(stranger());
    bench.send(&plain(""));
    assert!(bench.received().ends_with("203.0.113.1 by 203.0.113.1, http, host, 0"));

    let mut off = bench_off();
    off.send(&format!("{HEADER}{}", plain("")));
    assert!(off.received().starts_with("HTTP/1.1 400 "));
}

fn bench_off() -> Bench {
    bench(Config::default(), loopback())
}

#[test]
fn what_is_no_header_is_refused_and_what_is_cut_off_is_no_request() {
    let mut bad = announced(loopback());
    bad.send(&format!("PROXY TCP4 1.1.1.1 1.1.1.1 1 70000\r\n{}", plain("")));
    assert!(bad.received().starts_with("HTTP/1.1 400 "));

    let mut cut = announced(loopback());
    cut.send("PROXY TCP4 1.1.1.1");
    cut.client.shutdown(std::net::Shutdown::Write).unwrap();
    cut.run(Readiness(Readiness::READ.0 | Readiness::END));
    assert!(cut.received().starts_with("HTTP/1.1 400 "));

    let mut checked = announced(loopback());
    checked.send("PROXY UNKNOWN\r\n");
    checked.client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(checked.run(Readiness(Readiness::READ.0 | Readiness::END)), Step::Close);
    assert_eq!(checked.received(), "");
}

#[test]
fn a_slow_announcement_has_the_time_of_a_head() {
    for slow in ["PROXY TCP4 1.1", HEADER] {
        let mut bench = announced(loopback());
        bench.send(slow);
        assert_eq!(bench.expire_in(Duration::from_secs(9)), READING);
        assert_eq!(bench.expire_in(Duration::from_secs(11)), Step::Close);
        assert_eq!(bench.received(), "", "no request was begun");
    }
}

#[test]
fn what_headers_say_is_believed_of_those_who_are_trusted() {
    let secure = plain("X-Forwarded-Proto: https\r\nX_Y: 1\r\nScript_Name: /x\r\n");
    let trusted = "127.0.0.1 by 127.0.0.1, https, host,x-forwarded-proto,script_name, 0";
    let unknown = "203.0.113.1 by 203.0.113.1, http, host,x-forwarded-proto, 0";
    for (sender, expected) in [(loopback(), trusted), (stranger(), unknown)] {
        let mut bench = bench(Config::default(), sender);
        bench.send(&secure);
        let answer = bench.received();
        assert!(answer.ends_with(expected), "{answer}");
    }
    // It is the sender that is trusted, not the client that it announces.
    let config = Config {
        proxy_protocol: ProxyProtocol::V1,
        forwarded_allow_ips: Listed(vec![Sender::parse("192.0.2.7").unwrap()]),
        ..Config::default()
    };
    let mut bench = bench(config, loopback());
    bench.send(&format!("{HEADER}{secure}"));
    let answer = bench.received();
    assert!(
        answer.ends_with("192.0.2.7 by 127.0.0.1, http, host,x-forwarded-proto, 0"),
        "{answer}"
    );
}

#[test]
fn what_cannot_be_believed_is_refused_and_ends_the_connection() {
    let contradiction = "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n";
    let refuse = Config { header_map: Underscores::Refuse, ..Config::default() };
    for (config, fields) in [(Config::default(), contradiction), (refuse, "X_Y: 1\r\n")] {
        let mut bench = bench(config, loopback());
        bench.send(&format!("{}{}", plain(fields), plain("")));
        let answer = bench.received();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert_eq!(bench.service.slot().row().requests, 0);
    }
}

#[test]
fn a_streamed_request_knows_its_scheme_too() {
    let config = Config { body_buffer_size: ByteSize(1), ..Config::default() };
    let mut bench = bench(config, loopback());
    bench.send(
        "POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Ssl: on\r\nContent-Length: 5\r\n\r\nhello",
    );
    let answer = bench.received();
    assert!(answer.contains(", https, ") && answer.ends_with(", 5"), "{answer}");
}
