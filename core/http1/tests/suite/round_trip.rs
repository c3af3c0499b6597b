//! What is written can be read: by httparse for the head, by our own decoder for the body.

use bytes::BytesMut;
use http::{HeaderMap, StatusCode};
use oxicorn_http1::*;
use proptest::prelude::*;

use crate::drive::*;

/// A whole response, its body given in pieces of these lengths.
fn respond(version: &str, body: ResponseBody, lengths: &[usize]) -> (Vec<u8>, Vec<u8>) {
    let mut conn = requested(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n"));
    let headers = HeaderMap::new();
    let mut out = BytesMut::new();
    let head = ResponseHead {
        status: StatusCode::OK,
        headers: &headers,
        body,
        persistence: Persistence::KeepAlive,
    };
    conn.send_response(head, &date(), &mut out).unwrap();
    let mut given = Vec::new();
    for (number, length) in lengths.iter().enumerate() {
        let piece = vec![b'a' + (number % 26) as u8; *length];
        let frame = conn.send_data(*length, &mut out).unwrap();
        out.extend_from_slice(&piece[..frame.take]);
        out.extend_from_slice(frame.suffix);
        given.extend_from_slice(&piece);
    }
    conn.send_end(&mut out).unwrap();
    (out.to_vec(), given)
}

/// Reads a response by turning it into a request: the framing is the same.
fn read(response: &[u8]) -> Vec<u8> {
    let mut slots = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Response::new(&mut slots);
    let httparse::Status::Complete(len) = parsed.parse(response).unwrap() else { panic!() };
    assert_eq!((parsed.version, parsed.code, parsed.reason), (Some(1), Some(200), Some("OK")));
    let mut request = b"POST / HTTP/1.1\r\nHost: a\r\n".to_vec();
    for field in parsed.headers.iter() {
        request.extend_from_slice(field.name.as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(field.value);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(&response[len..]);
    let mut body = Vec::new();
    for seen in play(Limits::default(), [&request[..]]) {
        match seen {
            Seen::Data(data) => body.extend_from_slice(&data),
            Seen::Refused(kind) => panic!("{kind:?}"),
            Seen::Head { .. } | Seen::End(_) | Seen::Retired | Seen::Closed => {}
        }
    }
    body
}

proptest! {
    #[test]
    fn bodies_survive(lengths in prop::collection::vec(0usize..5000, 0..10)) {
        let total = lengths.iter().sum::<usize>() as u64;
        for version in ["1.0", "1.1"] {
            let (response, given) = respond(version, ResponseBody::Fixed(total), &lengths);
            prop_assert_eq!(read(&response), given);
        }
        let (response, given) = respond("1.1", ResponseBody::Streamed, &lengths);
        prop_assert_eq!(read(&response), given);
    }
}
