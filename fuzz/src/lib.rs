//! What a fuzz target asserts. Each takes any bytes whatever.
//!
//! The codec must not only survive: how the bytes are cut must not matter, a plain model of the
//! rules must come to the same verdict, and where hyper reads the same bytes it must read the same
//! requests. The driver and the peer are those of the codec's tests.

#[path = "../../core/http1/tests/corpus/drive.rs"]
mod drive;
mod model;
#[path = "../../core/http1/tests/corpus/peer.rs"]
mod peer;

use oxicorn_http1::{BodyLength, KeepAlive, Limits, MissingHost};

use drive::{End, Habit, Seen, Story, play};
use model::Message;
use peer::{Heard, Opinion};

/// No limits: the model has none.
const UNLIMITED: Limits =
    Limits { line: 0, fields: 0, field_size: 0, missing_host: MissingHost::Refuse };

/// So small that a mutated request passes them now and then.
const NARROW: Limits =
    Limits { line: 40, fields: 4, field_size: 40, missing_host: MissingHost::Permit };

/// One head: the model and the codec must agree about it.
pub fn head(data: &[u8]) {
    cuts_do_not_matter(NARROW, data);
    cuts_do_not_matter(UNLIMITED, data);
    let story = play(UNLIMITED, Habit::Reads, [data]).0;
    let first = story.requests.first();
    if is_beyond_the_model(data) {
        return;
    }
    match model::head(data) {
        model::Verdict::Incomplete => assert!(first.is_none(), "{first:?}"),
        model::Verdict::Refused(why) => assert!(first.is_none(), "{why}: {first:?}"),
        model::Verdict::Understood(message) => match first {
            Some(seen) => agree(&message, seen),
            None => panic!("the model understands {message:?}, but {:?}", story.end),
        },
    }
}

/// The bytes behind the head of a chunked request.
pub fn body(data: &[u8]) {
    let mut bytes = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    bytes.extend_from_slice(data);
    cuts_do_not_matter(NARROW, &bytes);
    cuts_do_not_matter(UNLIMITED, &bytes);
    let story = play(UNLIMITED, Habit::Reads, [&bytes[..]]).0;
    let seen = &story.requests[0];
    match model::chunked(data) {
        model::Verdict::Incomplete | model::Verdict::Refused(_) => {
            assert!(seen.trailers.is_none(), "{seen:?}");
        }
        model::Verdict::Understood(model) => {
            assert_eq!((&seen.body, seen.trailers.as_ref()), (&model.data, Some(&model.trailers)));
            let rest = play(UNLIMITED, Habit::Reads, [&data[model.length..]]).0;
            assert_eq!((&story.requests[1..], story.end), (&rest.requests[..], rest.end));
        }
    }
}

/// A whole conversation, read by the codec, the model and hyper.
pub fn conversation(data: &[u8]) {
    cuts_do_not_matter(NARROW, data);
    cuts_do_not_matter(Limits::default(), data);
    let read = play(UNLIMITED, Habit::Reads, [data]).0;
    for pieces in [data.len().max(1), 1] {
        nothing_is_made_up(&read, &play(UNLIMITED, Habit::Ignores, data.chunks(pieces)).0);
    }
    if is_beyond_the_model(data) {
        return hyper_agrees(data, read);
    }
    let messages = model::conversation(data);
    let whole: Vec<&Seen> = read.requests.iter().filter(|seen| seen.trailers.is_some()).collect();
    assert_eq!(whole.len(), messages.len(), "{read:?} {messages:?}");
    for (message, seen) in messages.iter().zip(whole) {
        agree(message, seen);
    }
    hyper_agrees(data, read);
}

/// Whether percent-encoding may take a target over its limit: which bytes need it is `http::Uri`'s
/// affair, of which the model knows nothing.
fn is_beyond_the_model(data: &[u8]) -> bool {
    data.len() > model::LONGEST_TARGET / 3 && data.iter().any(|byte| b"\"<>\\^`{|}".contains(byte))
}

fn agree(message: &Message, seen: &Seen) {
    assert_eq!(message.method, seen.method.as_bytes());
    assert_eq!(message.target, seen.target);
    assert_eq!(message.fields, seen.headers);
    assert_eq!(message.framing, seen.framing);
    assert_eq!(message.keep_alive, seen.keep_alive);
    if let Some(body) = &message.body {
        assert_eq!((&body.data, Some(&body.trailers)), (&seen.body, seen.trailers.as_ref()));
    }
}

/// Whole, byte by byte, and in pieces that depend on the bytes.
fn cuts_do_not_matter(limits: Limits, data: &[u8]) {
    let whole = play(limits, Habit::Reads, [data]);
    assert_eq!(play(limits, Habit::Reads, data.chunks(1)), whole);
    assert_eq!(play(limits, Habit::Reads, pieces(data)), whole);
}

/// An arbitrary cut that is the same each time.
fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let length = 1 + (state >> 59) as usize;
        let piece = data.split_off(..length.min(data.len()))?;
        (!piece.is_empty()).then_some(piece)
    })
}

/// An application that does not read bodies sees the same heads, or fewer because of a close.
fn nothing_is_made_up(read: &Story, unread: &Story) {
    let head = |seen: &Seen| (seen.method.clone(), seen.target.clone(), seen.headers.clone());
    let all: Vec<_> = read.requests.iter().map(head).collect();
    let seen: Vec<_> = unread.requests.iter().map(head).collect();
    assert!(all.starts_with(&seen), "{seen:?} is not the beginning of {all:?}");
    match unread.end {
        End::Retired => {}
        End::Closed => assert_eq!((seen.len(), read.end), (all.len(), End::Closed)),
        End::Refused(error, _) => {
            assert!(matches!(read.end, End::Refused(other, _) if other == error));
        }
    }
}

fn hyper_agrees(data: &[u8], story: Story) {
    if matches!(story.end, End::Refused(..)) || story.requests.iter().any(obscure_connection) {
        return;
    }
    let (theirs, opinion) = peer::ask(data);
    if opinion == Opinion::Accepts {
        let ours: Vec<Heard> = story
            .requests
            .into_iter()
            .filter_map(|seen| {
                Some(Heard {
                    method: seen.method,
                    uri: seen.uri,
                    headers: seen.headers,
                    body: seen.body,
                    trailers: seen.trailers?,
                })
            })
            .collect();
        assert_eq!(ours, theirs);
    }
}

/// hyper does not read a Connection field with bytes beyond ASCII; the codec does.
fn obscure_connection(seen: &Seen) -> bool {
    seen.headers.iter().any(|(name, value)| name == "connection" && !value.is_ascii())
}
