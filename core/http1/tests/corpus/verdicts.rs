//! What the corpus says about each conversation is what the codec makes of it.

use http::Version;
use oxicorn_http1::{BodyLength, KeepAlive, Upgrade};

use crate::cases::{CASES, Case, Refusal, Request, Within, each};
use crate::drive::{End, Habit, Seen, Sight, Story, Waits, play};

#[test]
fn every_conversation_means_what_its_file_says() {
    each(|case| {
        let (story, _) = play(case.limits(), Habit::Reads, [&case.bytes[..]]);
        check(case, &story);
    });
}

#[test]
fn the_corpus_is_large_and_explains_itself() {
    assert!(CASES.len() >= 200, "only {} cases", CASES.len());
    for case in CASES.iter() {
        assert!(!case.expected.about.is_empty(), "{}: about", case.name);
        assert!(case.expected.rule.starts_with("RFC "), "{}: rule", case.name);
    }
}

fn check(case: &Case, story: &Story) {
    let name = &case.name;
    let expected = &case.expected.requests;
    assert_eq!(story.requests.len(), expected.len(), "{name}: {story:#?}");
    for (at, (seen, expected)) in story.requests.iter().zip(expected).enumerate() {
        check_request(&format!("{name}: request {}", at + 1), seen, expected);
        let whole = at < case.whole_requests();
        assert_eq!(seen.trailers.is_some(), whole, "{name}: {seen:?}");
    }
    match (&case.expected.refusal, story.end) {
        (None, End::Closed) => assert!(expected.iter().all(|request| request.keep_alive), "{name}"),
        (None, End::Retired) => {
            let closing = expected.iter().position(|request| !request.keep_alive);
            assert_eq!(closing, expected.len().checked_sub(1), "{name}");
        }
        (Some(refusal), End::Refused(error, sight)) => {
            check_refusal(name, refusal, error, sight, story)
        }
        (_, end) => panic!("{name}: {end:?}"),
    }
}

fn check_request(name: &str, seen: &Seen, expected: &Request) {
    assert_eq!(seen.method, expected.method, "{name}");
    assert_eq!(seen.target, crate::cases::bytes(&expected.target), "{name}");
    assert_eq!(seen.version, version(&expected.version), "{name}");
    assert_eq!(readable(&seen.headers), readable(&expected.headers()), "{name}");
    expected.assert_body(&seen.body, name);
    if let Some(trailers) = &seen.trailers {
        assert_eq!(readable(trailers), readable(&expected.trailers()), "{name}");
    }
    assert_eq!(seen.keep_alive == KeepAlive::Yes, expected.keep_alive, "{name}: keep_alive");
    assert_eq!(seen.waits == Waits::Yes, expected.expects_continue, "{name}: expects_continue");
    assert_eq!(seen.upgrade == Upgrade::Asked, expected.asks_upgrade, "{name}: asks_upgrade");
    let unframed = seen.framing == BodyLength::None;
    assert!(!unframed || seen.body.is_empty(), "{name}: a body out of nothing");
}

fn check_refusal(
    name: &str,
    refusal: &Refusal,
    error: oxicorn_http1::Error,
    sight: Sight,
    story: &Story,
) {
    assert_eq!(error.status().as_u16(), refusal.status, "{name}: {error}");
    assert!(error.to_string().contains(&refusal.reason), "{name}: {error}");
    assert_eq!(sight, refusal.seen, "{name}: {error}");
    let within = match story.requests.last() {
        Some(Seen { trailers: None, .. }) => Within::Body,
        _ => Within::Head,
    };
    assert_eq!(within, refusal.within, "{name}");
}

fn version(text: &str) -> Version {
    match text {
        "HTTP/1.0" => Version::HTTP_10,
        "HTTP/1.1" => Version::HTTP_11,
        other => panic!("the codec has no version {other}"),
    }
}

fn readable(fields: &[(String, Vec<u8>)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}: {}\n", value.escape_ascii())).collect()
}
