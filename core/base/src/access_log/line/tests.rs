use super::*;
use crate::access_log::ATOMS;
use crate::access_log::escape::unescape;
use crate::access_log::record::{Pending, RequestLine};
use crate::config::Config;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, REFERER, USER_AGENT};
use proptest::prelude::*;

fn default_format() -> String {
    Config::default().access_log_format
}

const PEER: &str = "192.0.2.1:4711";

fn peer(address: &str) -> Peer {
    Peer::Tcp(address.parse().unwrap())
}

fn request_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("referer", "http://r/?\"x\""),
        ("user-agent", "agent \\ 1\t\u{e9}"),
        ("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("x-twice", "first"),
        ("x-twice", "last"),
        ("x-empty", ""),
    ] {
        let name = HeaderName::from_static(name);
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn response_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static("not the client's"));
    headers.insert("x-trace", HeaderValue::from_static("7\"8"));
    headers
}

fn record<'a>(head: Head<'a>, peer: &'a Peer) -> Record<'a> {
    Record {
        head,
        peer,
        status: Some(StatusCode::NOT_FOUND),
        bytes: 1234,
        duration: Some(Duration::from_micros(12_003_456)),
        time: b"[now]",
        request_id: None,
        queued: None,
        pid: 42,
    }
}

fn line(format: &Format, record: &Record<'_>) -> String {
    let mut out = Vec::new();
    write(&mut out, format, record);
    String::from_utf8(out).unwrap()
}

/// What a format makes of a GET for `target`.
fn answered(format: &str, target: &Bytes, headers: &HeaderMap, peer: &Peer) -> String {
    let format = Format::parse(format).unwrap();
    let request =
        RequestLine { method: &Method::GET, target, version: Version::HTTP_10, headers, peer };
    let mut pending = Pending::new(&format, request, Vec::new());
    pending.respond(&format, StatusCode::NOT_FOUND, &response_headers());
    let head = Head::Parsed(Parsed {
        method: &pending.method,
        target: &pending.target,
        version: pending.version,
        kept: &pending.kept,
    });
    let line = line(&format, &record(head, &pending.peer));
    line.strip_suffix('\n').unwrap().to_owned()
}

fn refused(format: &str, first_line: &[u8]) -> String {
    let (format, peer) = (Format::parse(format).unwrap(), peer(PEER));
    let mut record = record(Head::Refused(first_line), &peer);
    record.duration = None;
    let line = line(&format, &record);
    line.strip_suffix('\n').unwrap().to_owned()
}

#[test]
fn every_atom_says_what_it_says_in_gunicorn() {
    let target = Bytes::from_static(b"/a%20b/%22%0a?c=%20d&e=\"");
    let search = std::env::var_os("PATH").map_or("-".to_owned(), |path| {
        let mut escaped = Vec::new();
        escape(&mut escaped, path.as_encoded_bytes());
        String::from_utf8(escaped).unwrap()
    });
    let cases = [
        ("h", "192.0.2.1"),
        ("l", "-"),
        ("u", "Aladdin"),
        ("t", "[now]"),
        ("r", r#"GET /a%20b/%22%0a?c=%20d&e=\" HTTP/1.0"#),
        ("m", "GET"),
        ("U", r#"/a b/\"\x0a"#),
        ("q", r#"c=%20d&e=\""#),
        ("H", "HTTP/1.0"),
        ("s", "404"),
        ("B", "1234"),
        ("b", "1234"),
        ("f", r#"http://r/?\"x\""#),
        ("a", r"agent \\ 1\x09\xc3\xa9"),
        ("T", "12"),
        ("M", "12003"),
        ("D", "12003456"),
        ("L", "12.003456"),
        ("p", "<42>"),
        ("{X-Twice}i", "last"),
        ("{x-empty}i", ""),
        ("{x-missing}i", "-"),
        ("{x-trace}i", "-"),
        ("{X-Trace}o", r#"7\"8"#),
        ("{user-agent}o", "not the client's"),
        ("{x-twice}o", "-"),
        ("{PATH}e", &search),
        ("{OXICORN_NO_SUCH_VARIABLE}e", "-"),
    ];
    for (atom, expected) in cases {
        let format = format!("<%({atom})s>");
        let got = answered(&format, &target, &request_headers(), &peer(PEER));
        assert_eq!(got, format!("<{expected}>"), "{atom}");
    }
    for row in ATOMS {
        assert!(cases.iter().any(|(atom, _)| *atom == row.name), "{}", row.name);
    }
}

#[test]
fn what_is_missing_is_a_hyphen() {
    let target = Bytes::from_static(b"/");
    let none = HeaderMap::new();
    assert_eq!(answered("%(h)s %(u)s %(q)s|%(f)s %(a)s", &target, &none, &Peer::Unix), "- - |- -");
    assert_eq!(
        answered(&default_format(), &target, &none, &peer("[2001:db8::1]:80")),
        r#"2001:db8::1 - - [now] "GET / HTTP/1.0" 404 1234 "-" "-""#
    );
    let (format, peer) = (Format::parse("%(s)s %(b)s %(D)s").unwrap(), peer(PEER));
    let mut record = record(Head::Refused(b""), &peer);
    (record.status, record.bytes, record.duration) = (None, 0, None);
    assert_eq!(line(&format, &record), "- 0 -\n");
}

#[test]
fn durations_are_cut_not_rounded() {
    let peer = peer(PEER);
    let format = Format::parse("%(T)s %(M)s %(D)s %(L)s").unwrap();
    for (duration, expected) in [
        (Duration::ZERO, "0 0 0 0.000000\n"),
        (Duration::from_nanos(1_999_999_999), "1 1999 1999999 1.999999\n"),
        (Duration::from_micros(70), "0 0 70 0.000070\n"),
        (Duration::from_secs(u64::MAX), &{
            let most = u64::MAX;
            format!("{most} {most} {most} {most}.000000\n")
        }),
    ] {
        let mut record = record(Head::Refused(b""), &peer);
        record.duration = Some(duration);
        assert_eq!(line(&format, &record), expected);
    }
}

#[test]
fn a_refused_request_shows_what_has_come_of_its_first_line() {
    assert_eq!(
        refused(&default_format(), b"GET /\0 HTTP/1.1\x80\""),
        r#"192.0.2.1 - - [now] "GET /\x00 HTTP/1.1\x80\"" 404 1234 "-" "-""#
    );
    let formats = "%(m)s %(U)s %(q)s %(H)s %(T)s %(M)s %(D)s %(L)s %({host}i)s %({host}o)s";
    assert_eq!(refused(formats, b"GET / HTTP/1.1"), "- - - - - - - - - -");
    assert_eq!(refused("%(r)s", b""), "-");
}

/// The quoted fields of a line, unescaped, and what stands between them.
fn fields(line: &str) -> (Vec<Vec<u8>>, String) {
    let (mut quoted, mut outside, mut field) = (Vec::new(), String::new(), None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (&mut field, c) {
            (None, '"') => field = Some(String::new()),
            (None, c) => outside.push(c),
            (Some(text), '"') => {
                quoted.push(unescape(text.as_bytes()));
                field = None;
            }
            (Some(text), c) => {
                text.push(c);
                if c == '\\' {
                    text.extend(chars.next());
                }
            }
        }
    }
    assert!(field.is_none(), "an open quote: {line}");
    (quoted, outside)
}

proptest! {
    #[test]
    fn one_record_is_one_line_whatever_the_client_sends(
        target: Vec<u8>,
        referer: Vec<u8>,
        agent: Vec<u8>,
        credentials: Vec<u8>,
    ) {
        let mut headers = HeaderMap::new();
        for (name, bytes) in [(REFERER, &referer), (USER_AGENT, &agent), (AUTHORIZATION, &credentials)] {
            if let Ok(value) = HeaderValue::from_bytes(bytes) {
                headers.insert(name, value);
            }
        }
        let value = |name| headers.get(name).map_or(b"-".to_vec(), |v: &HeaderValue| v.as_bytes().to_vec());
        let target = Bytes::from(target);
        let all = format!("{} \"%(U)s\" \"%(q)s\"", default_format());
        let line = answered(&all, &target, &headers, &peer(PEER));
        prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", line);
        let (quoted, outside) = fields(&line);
        prop_assert_eq!(outside, "192.0.2.1 - - [now]  404 1234    ");
        prop_assert_eq!(&quoted[0], &[b"GET ", &target[..], b" HTTP/1.0"].concat());
        prop_assert_eq!(&quoted[1], &value(REFERER));
        prop_assert_eq!(&quoted[2], &value(USER_AGENT));
        prop_assert_eq!(quoted.len(), 5);

        let line = refused(&default_format(), &target);
        prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", line);
        let expected = if target.is_empty() { b"-".to_vec() } else { target.to_vec() };
        prop_assert_eq!(&fields(&line).0[0], &expected);
    }
}
