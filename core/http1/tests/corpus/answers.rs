//! The other half of a conversation: every request is answered once, in order, and an application
//! that does not read what it is sent sees no request that the client did not make.

use crate::cases::{Case, each};
use crate::drive::{End, Habit, Seen, Sight, Story, play};

#[test]
fn every_request_is_answered_once_and_in_order() {
    each(|case| {
        let (story, out) = play(case.limits(), Habit::Reads, [&case.bytes[..]]);
        let responses = responses(&out);
        let mut expected: Vec<_> =
            (1..=case.whole_requests()).map(|number| (200, Some(number.to_string()))).collect();
        if let Some(refusal) = &case.expected.refusal {
            expected.push((refusal.status, None));
        }
        let seen: Vec<_> =
            responses.iter().map(|response| (response.status, response.number.clone())).collect();
        assert_eq!(seen, expected, "{}", case.name);
        if let Some((last, before)) = responses.split_last() {
            assert!(before.iter().all(|response| !response.closes), "{}: {responses:?}", case.name);
            let ended_here = story.end != End::Closed;
            let old =
                story.requests.last().is_some_and(|last| last.version == http::Version::HTTP_10);
            assert!(last.closes == ended_here || old, "{}: {responses:?}", case.name);
        }
    });
}

#[derive(Debug)]
struct Response {
    status: u16,
    number: Option<String>,
    closes: bool,
}

/// None of the responses has a body, so that they are heads, one behind the other.
fn responses(mut out: &[u8]) -> Vec<Response> {
    let mut responses = Vec::new();
    while !out.is_empty() {
        let mut slots = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Response::new(&mut slots);
        let length = parsed.parse(out).unwrap().unwrap();
        let value = |name: &str| {
            let field = parsed.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
            field.map(|field| String::from_utf8(field.value.to_vec()).unwrap())
        };
        responses.push(Response {
            status: parsed.code.unwrap(),
            number: value("x-number"),
            closes: value("connection").as_deref() == Some("close"),
        });
        out = &out[length..];
    }
    responses
}

#[test]
fn an_unread_body_is_never_a_request() {
    each(|case| {
        let (read, _) = play(case.limits(), Habit::Reads, [&case.bytes[..]]);
        check_unread(case, &read, &play(case.limits(), Habit::Ignores, [&case.bytes[..]]).0);
        check_unread(case, &read, &play(case.limits(), Habit::Ignores, case.bytes.chunks(1)).0);
    });
}

/// The application that does not read sees the same heads in the same order, and fewer only when
/// the connection was closed for its sake.
fn check_unread(case: &Case, read: &Story, unread: &Story) {
    let head = |seen: &Seen| (seen.method.clone(), seen.target.clone(), seen.headers.clone());
    let (seen, all): (Vec<_>, Vec<_>) =
        (unread.requests.iter().map(head).collect(), read.requests.iter().map(head).collect());
    assert!(all.starts_with(&seen), "{}: {seen:?}", case.name);
    match unread.end {
        End::Closed => {
            assert_eq!((seen.len(), read.end), (all.len(), End::Closed), "{}", case.name)
        }
        End::Retired => {}
        End::Refused(error, Sight::AtOnce | Sight::AtEof) => {
            assert!(matches!(read.end, End::Refused(other, _) if other == error), "{}", case.name);
        }
    }
}
