use super::super::line::Parsed;
use super::*;
use crate::listener::Peer;
use crate::log::fields::tests::read;
use crate::request_id::{Made, RequestId};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use proptest::prelude::*;
use std::time::Duration;

const SYNTAXES: [Syntax; 2] = [Syntax::Json, Syntax::Logfmt];

fn record<'a>(head: Head<'a>, peer: &'a Peer, id: Option<&'a [u8]>) -> Record<'a> {
    Record {
        head,
        peer,
        status: Some(StatusCode::OK),
        bytes: 14,
        duration: Some(Duration::from_nanos(1_234_567)),
        time: b"2026-11-23T07:32:17.000001Z",
        request_id: id,
        queued: Some(Duration::from_millis(4)),
        pid: 42,
    }
}

fn line(syntax: Syntax, room: Room, record: &Record<'_>) -> String {
    let mut out = b"before\n".to_vec();
    write(&mut out, syntax, room, record);
    let text = String::from_utf8(out).unwrap();
    let line = text.strip_prefix("before\n").unwrap().strip_suffix('\n').unwrap();
    line.to_owned()
}

fn parsed<'a>(method: &'a Method, target: &'a [u8], kept: &'a [Option<HeaderValue>]) -> Head<'a> {
    Head::Parsed(Parsed { method, target, version: Version::HTTP_11, kept })
}

#[test]
fn every_field_has_its_place() {
    let peer = Peer::Tcp("192.0.2.1:4711".parse().unwrap());
    let kept = [Some(HeaderValue::from_static("agent \"1\"")), None];
    let head = parsed(&Method::GET, b"/a?b=c", &kept);
    assert_eq!(
        line(Syntax::Json, Room::Endless, &record(head, &peer, Some(b"abc-1"))),
        r#"{"time":"2026-11-23T07:32:17.000001Z","client":"192.0.2.1","method":"GET","target":"/a?b=c","version":"HTTP/1.1","status":200,"bytes":14,"duration_us":1234,"queue_us":4000,"pid":42,"request_id":"abc-1","user_agent":"agent \"1\""}"#
    );
    let head = parsed(&Method::GET, b"/a?b=c", &kept);
    assert_eq!(
        line(Syntax::Logfmt, Room::Endless, &record(head, &peer, Some(b"abc-1"))),
        r#"time=2026-11-23T07:32:17.000001Z client=192.0.2.1 method=GET target="/a?b=c" version=HTTP/1.1 status=200 bytes=14 duration_us=1234 queue_us=4000 pid=42 request_id=abc-1 user_agent="agent \"1\"""#
    );
    let mut refused = record(Head::Refused(b"GET /\x00"), &Peer::Unix, None);
    (refused.duration, refused.queued) = (None, None);
    assert_eq!(
        line(Syntax::Json, Room::OneLine, &refused),
        r#"{"time":"2026-11-23T07:32:17.000001Z","request":"GET /\u0000","status":200,"bytes":14,"pid":42}"#
    );
}

proptest! {
    #[test]
    fn no_request_breaks_its_line(
        target: Vec<u8>,
        agent: Vec<u8>,
        referer: Vec<u8>,
        name: Vec<u8>,
        repeat in 1usize..80,
    ) {
        let peer = Peer::Tcp("[2001:db8::1]:80".parse().unwrap());
        let repeated = [target.repeat(repeat), agent.repeat(repeat), referer.repeat(repeat)];
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).ok();
        let kept = [value(&repeated[1]), value(&repeated[2])];
        let method = Method::from_bytes(&name).unwrap_or(Method::GET);
        let mut headers = HeaderMap::new();
        if let Some(value) = value(&name) {
            headers.insert("x-request-id", value);
        }
        let made = Made::new().digits();
        let id = RequestId::given(&headers).map_or(made.as_slice(), HeaderValue::as_bytes);
        for syntax in SYNTAXES {
            for room in [Room::Endless, Room::OneLine] {
                let head = parsed(&method, &repeated[0], &kept);
                let line = line(syntax, room, &record(head, &peer, Some(id)));
                prop_assert!(!line.chars().any(char::is_control), "{}", line);
                prop_assert!(room == Room::Endless || line.len() < LINE_LIMIT);
                let read = read(syntax, &line);
                let cut = read.contains_key("truncated");
                let is = |key: &str, bytes: Option<&[u8]>| {
                    let whole = bytes.map(String::from_utf8_lossy);
                    match (read.get(key), whole) {
                        (Some(read), Some(whole)) if cut => whole.starts_with(read),
                        (read, whole) => read.map(String::as_str) == whole.as_deref(),
                    }
                };
                prop_assert!(is("target", Some(&repeated[0])), "{}", line);
                prop_assert!(is("user_agent", kept[0].as_ref().map(HeaderValue::as_bytes)));
                prop_assert!(is("referer", kept[1].as_ref().map(HeaderValue::as_bytes)));
                prop_assert!(is("method", Some(method.as_str().as_bytes())));
                prop_assert_eq!(read["request_id"].as_bytes(), id);
                prop_assert_eq!(&read["client"], "2001:db8::1");
                prop_assert!(!cut || room == Room::OneLine);
            }
            let refused = line(syntax, Room::OneLine, &record(Head::Refused(&target), &peer, None));
            let read = read(syntax, &refused);
            let expected = String::from_utf8_lossy(&target);
            let request = read.get("request").map_or("", String::as_str);
            prop_assert!(expected.starts_with(request));
        }
    }
}
