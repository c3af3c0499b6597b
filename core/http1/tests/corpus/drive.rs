//! A server in a few lines, with both kinds of application: one that reads what it is sent and one
//! that does not care. It notes what it saw and keeps what it wrote. The fuzz targets play with it,
//! too.

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, StatusCode, Version};
use oxicorn_http1::*;

/// Fields as text and bytes.
pub(crate) type Listed = Vec<(String, Vec<u8>)>;

/// What an application does with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Reads it to its end, then answers.
    Reads,
    /// Answers as soon as it has the head.
    Ignores,
}

/// A request as it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: Vec<u8>,
    pub(crate) uri: String,
    pub(crate) version: Version,
    pub(crate) headers: Listed,
    pub(crate) framing: BodyLength,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) waits: Waits,
    pub(crate) upgrade: Upgrade,
    pub(crate) body: Vec<u8>,
    /// There when the request was read to its end.
    pub(crate) trailers: Option<Listed>,
}

/// Whether the client waits for 100 Continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    Yes,
    No,
}

/// The moment at which a rule is known to be broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sight {
    /// When the bytes have arrived.
    #[default]
    AtOnce,
    /// Only when the client ends its half of the connection.
    AtEof,
}

/// How the reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client ended it between two requests.
    Closed,
    /// A response ended it.
    Retired,
    /// A rule was broken.
    Refused(Error, Sight),
}

/// A whole conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) requests: Vec<Seen>,
    pub(crate) end: End,
}

/// Plays a connection: the pieces in order, then EOF. Returns also what was written.
pub(crate) fn play<'a>(
    limits: Limits,
    habit: Habit,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Story, BytesMut) {
    let mut server =
        Server { conn: Conn::new(limits), habit, requests: Vec::new(), out: BytesMut::new() };
    let mut end = None;
    for piece in pieces {
        server.conn.receive_data(piece);
        end = end.or_else(|| server.turn(Sight::AtOnce));
        if end.is_some() {
            server.is_deaf();
        }
    }
    server.conn.receive_eof();
    let end = end.or_else(|| server.turn(Sight::AtEof)).expect("no end after EOF");
    server.is_deaf();
    (Story { requests: server.requests, end }, server.out)
}

struct Server {
    conn: Conn,
    habit: Habit,
    requests: Vec<Seen>,
    out: BytesMut,
}

impl Server {
    /// Goes on until the codec wants more.
    fn turn(&mut self, sight: Sight) -> Option<End> {
        loop {
            match self.conn.next_event() {
                Ok(Event::NeedData) => return None,
                Ok(Event::Request(head)) => {
                    self.note(&head);
                    if self.habit == Habit::Ignores {
                        self.answer();
                        // Where it cannot begin the next cycle yet, the loop throws the body away.
                        if self.next() == Some(NotReusable::Closing) {
                            return Some(self.ended_by_answer(sight));
                        }
                    }
                }
                Ok(Event::Data(data)) => {
                    assert!(!data.is_empty(), "an empty piece of a body");
                    assert_eq!(self.habit, Habit::Reads, "an unread body was handed out");
                    self.last().body.extend_from_slice(&data);
                }
                Ok(Event::EndOfMessage(trailers)) => {
                    self.last().trailers =
                        Some(trailers.as_deref().map(listed).unwrap_or_default());
                    if self.habit == Habit::Reads {
                        self.answer();
                    }
                    match self.next() {
                        None => {}
                        Some(NotReusable::Closing) => return Some(End::Retired),
                        Some(other) => panic!("{other}"),
                    }
                }
                Ok(Event::Paused) => panic!("paused although everything was answered"),
                Ok(Event::Closed) => return Some(End::Closed),
                Err(error) => {
                    self.refuse(error);
                    return Some(End::Refused(error, sight));
                }
            }
        }
    }

    fn note(&mut self, head: &RequestHead) {
        self.requests.push(Seen {
            method: head.method.to_string(),
            target: head.target.to_vec(),
            uri: head.uri.to_string(),
            version: head.version,
            headers: listed(&head.headers),
            framing: head.body,
            keep_alive: self.conn.keep_alive(),
            waits: if self.conn.expects_continue() { Waits::Yes } else { Waits::No },
            upgrade: head.upgrade,
            body: Vec::new(),
            trailers: None,
        });
    }

    fn last(&mut self) -> &mut Seen {
        self.requests.last_mut().expect("something without a request")
    }

    /// A response without a body that says which request it belongs to.
    fn answer(&mut self) {
        let mut headers = HeaderMap::new();
        headers.insert("x-number", HeaderValue::from(self.requests.len()));
        self.respond(StatusCode::OK, &headers);
    }

    fn respond(&mut self, status: StatusCode, headers: &HeaderMap) {
        let head = ResponseHead {
            status,
            headers,
            body: ResponseBody::Fixed(0),
            persistence: Persistence::KeepAlive,
        };
        let date = HttpDate::new(784_111_777);
        self.conn.send_response(head, &date, &mut self.out).unwrap();
        self.conn.send_end(&mut self.out).unwrap();
    }

    fn next(&mut self) -> Option<NotReusable> {
        self.conn.start_next_cycle().err()
    }

    /// The response closes the connection; or the body that was being thrown away broke a rule.
    fn ended_by_answer(&mut self, sight: Sight) -> End {
        match self.conn.next_event() {
            Ok(Event::Closed) => End::Retired,
            Err(error) => End::Refused(error, sight),
            Ok(other) => panic!("{other:?} on a connection that is to be closed"),
        }
    }

    /// One response, which closes, if none was sent; then nothing.
    fn refuse(&mut self, error: Error) {
        assert_eq!(self.conn.client_state(), ClientState::Error);
        if self.conn.server_state() == ServerState::SendResponse {
            self.respond(error.status(), &HeaderMap::new());
        }
        assert_eq!(self.conn.keep_alive(), KeepAlive::No);
        assert_eq!(self.conn.start_next_cycle(), Err(NotReusable::Closing));
        assert_eq!(self.conn.next_event().unwrap_err(), error);
    }

    /// After the end a perfect request is not one any more.
    fn is_deaf(&mut self) {
        self.conn.receive_data(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(!matches!(self.conn.next_event(), Ok(Event::Request(_) | Event::Data(_))));
    }
}

/// The fields of a map, in its order.
pub(crate) fn listed(map: &HeaderMap) -> Listed {
    map.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}
