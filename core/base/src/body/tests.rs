use super::*;
use std::io::Read;

fn three() -> Body {
    Body::from_chunks(["ab", "", "cde"].map(|s| Ok(Bytes::from(s))))
}

#[test]
fn pieces_come_in_order_and_never_empty() {
    let mut body = three();
    assert_eq!(body.next_chunk().unwrap().unwrap(), "ab");
    assert_eq!(body.next_chunk().unwrap().unwrap(), "cde");
    assert!(body.next_chunk().unwrap().is_none());
    assert_eq!(three().bytes().unwrap(), "abcde");
    assert_eq!(Body::empty().bytes().unwrap(), "");
}

#[test]
fn reading_in_small_steps_loses_nothing() {
    for mut body in [three(), Body::from("abcde"), Body::from_reader(&b"abcde"[..])] {
        let mut all = Vec::new();
        let mut byte = [0];
        while body.read(&mut byte).unwrap() == 1 {
            all.push(byte[0]);
        }
        assert_eq!(all, b"abcde");
    }
}

#[test]
fn trailers_come_behind_the_last_byte_and_once() {
    let trailers = HeaderMap::from_iter([(http::header::EXPIRES, "0".parse().unwrap())]);
    let mut body = Body::from("ab").with_trailers(trailers);
    assert!(!http_body::Body::is_end_stream(&body));
    assert_eq!(body.take_trailers(), None, "not before the end");
    assert_eq!(body.next_chunk().unwrap().unwrap(), "ab");
    assert!(!http_body::Body::is_end_stream(&body));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let frame = http_body::Body::poll_frame(Pin::new(&mut body), &mut cx);
    let Poll::Ready(Some(Ok(frame))) = frame else { panic!("{frame:?}") };
    assert_eq!(frame.into_trailers().unwrap()["expires"], "0");
    assert!(http_body::Body::poll_frame(Pin::new(&mut body), &mut cx).is_ready());
    assert_eq!(body.take_trailers(), None);
    assert!(http_body::Body::is_end_stream(&body));
}

#[test]
fn an_error_of_the_source_is_the_readers_error() {
    let mut body = Body::from_chunks([Err(io::Error::other("broken"))]);
    assert_eq!(body.next_chunk().unwrap_err().to_string(), "broken");
    assert!(body.next_chunk().is_err(), "it has not ended by that");
}
