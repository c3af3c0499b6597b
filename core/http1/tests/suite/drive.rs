//! A client and a server in a few lines: pushes bytes in, answers everything, notes what happened.

use bytes::BytesMut;
use http::{HeaderMap, StatusCode};
use oxicorn_http1::*;

/// A moment that does not matter.
pub(crate) fn date() -> HttpDate {
    HttpDate::new(784_111_777)
}

/// A response with an empty body and no fields.
pub(crate) fn empty(headers: &HeaderMap) -> ResponseHead<'_> {
    ResponseHead {
        status: StatusCode::OK,
        headers,
        body: ResponseBody::Fixed(0),
        persistence: Persistence::KeepAlive,
    }
}

/// Sends a whole response with an empty body.
pub(crate) fn answer(conn: &mut Conn) -> String {
    let mut out = BytesMut::new();
    conn.send_response(empty(&HeaderMap::new()), &date(), &mut out).unwrap();
    conn.send_end(&mut out).unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

/// A connection that has received `bytes`.
pub(crate) fn after(bytes: impl AsRef<[u8]>) -> Conn {
    let mut conn = Conn::new(Limits::default());
    conn.receive_data(bytes.as_ref());
    conn
}

/// The head at the front of `bytes`, or the rule that it breaks.
pub(crate) fn head_of(bytes: impl AsRef<[u8]>) -> Result<RequestHead, ErrorKind> {
    match after(bytes).next_event() {
        Ok(Event::Request(head)) => Ok(*head),
        Ok(other) => panic!("no head but {other:?}"),
        Err(error) => Err(error.kind()),
    }
}

/// A connection that has just understood the head in `bytes`.
pub(crate) fn requested(bytes: impl AsRef<[u8]>) -> Conn {
    let mut conn = after(bytes);
    assert!(matches!(conn.next_event(), Ok(Event::Request(_))));
    conn
}

/// Fields as text and bytes.
pub(crate) type Listed = Vec<(String, Vec<u8>)>;

/// What happened on a connection, with adjacent pieces of a body put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Head {
        method: String,
        target: String,
        fields: Listed,
        body: BodyLength,
    },
    Data(Vec<u8>),
    End(Listed),
    /// The codec will not go on after the response.
    Retired,
    Closed,
    Refused(ErrorKind),
}

fn listed(map: &HeaderMap) -> Listed {
    map.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

/// Plays a whole connection: the pieces in order, then EOF. Every request is read to its end and
/// answered.
pub(crate) fn play<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut conn = Conn::new(limits);
    let mut seen = Vec::new();
    for piece in pieces {
        conn.receive_data(piece);
        if step(&mut conn, &mut seen) == Line::Dead {
            return seen;
        }
    }
    conn.receive_eof();
    assert_eq!(step(&mut conn, &mut seen), Line::Dead, "no end after EOF: {seen:?}");
    seen
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Open,
    Dead,
}

/// Goes on until the codec wants more.
fn step(conn: &mut Conn, seen: &mut Vec<Seen>) -> Line {
    loop {
        match conn.next_event() {
            Ok(Event::NeedData) => return Line::Open,
            Ok(Event::Request(head)) => seen.push(Seen::Head {
                method: head.method.to_string(),
                target: String::from_utf8(head.target.to_vec()).unwrap(),
                fields: listed(&head.headers),
                body: head.body,
            }),
            Ok(Event::Data(data)) => {
                assert!(!data.is_empty());
                match seen.last_mut() {
                    Some(Seen::Data(before)) => before.extend_from_slice(&data),
                    _ => seen.push(Seen::Data(data.to_vec())),
                }
            }
            Ok(Event::EndOfMessage(trailers)) => {
                seen.push(Seen::End(trailers.map(|map| listed(&map)).unwrap_or_default()));
                answer(conn);
                match conn.start_next_cycle() {
                    Ok(()) => {}
                    Err(NotReusable::Closing) => {
                        seen.push(Seen::Retired);
                        return Line::Dead;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            Ok(Event::Paused) => panic!("paused although everything was answered"),
            Ok(Event::Closed) => {
                seen.push(Seen::Closed);
                return Line::Dead;
            }
            Err(error) => {
                seen.push(Seen::Refused(error.kind()));
                return Line::Dead;
            }
        }
    }
}
