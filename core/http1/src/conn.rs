//! One connection: the receive buffer, the two states, and the rules that tie a request to its
//! response. All parsing and encoding is elsewhere; what is here is order.

use bytes::{Bytes, BytesMut};
use http::{Method, Version};

use crate::body::{Complete, Decoded, Decoder};
use crate::date::HttpDate;
use crate::encode::{self, Asked, AskedMethod};
use crate::error::{Error, ErrorKind};
use crate::event::{BodyLength, Event, KeepAlive, NotReusable, Unread};
use crate::framing::Expect;
use crate::head::HeadScan;
use crate::limits::{Bounds, Limits};
use crate::response::{BodyFraming, Frame, Framing, Persistence, ResponseHead, SendError};
use crate::state::{ClientState, ClientStep, ServerState, ServerStep};

/// The most of an unread body that is received only to be thrown away, in bytes. Beyond it, a new
/// connection is cheaper for both sides.
const DRAIN: u64 = 64 * 1024;

/// An HTTP/1.1 connection, seen from the server.
///
/// The order of calls is: [`next_event`](Conn::next_event) until the request is understood,
/// [`send_response`](Conn::send_response), [`send_data`](Conn::send_data) any number of times,
/// [`send_end`](Conn::send_end), and [`start_next_cycle`](Conn::start_next_cycle) or close. Reading
/// the body and sending the response may overlap. A call that is out of order changes nothing.
///
/// A body that the application did not read is thrown away by the codec itself: once the response
/// is complete, `next_event` and `start_next_cycle` discard what has arrived of it and hand out no
/// more `Data`. Where that could take long, the response has said `Connection: close` instead.
#[derive(Debug)]
pub struct Conn {
    bounds: Bounds,
    buf: BytesMut,
    input: Input,
    client: ClientState,
    server: ServerState,
    fault: Option<ErrorKind>,
    head: HeadScan,
    asked: Asked,
    /// What the request permits, until the response has said its word.
    keep_alive: KeepAlive,
    expect: Expect,
    body: Decoder,
    /// The raw head, if it was refused.
    refused_head: Option<Bytes>,
    response: BodyFraming,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Open,
    Ended,
}

/// What is answered when no request was understood.
const NOTHING_ASKED: Asked = Asked { method: AskedMethod::Other, version: Version::HTTP_11 };

impl Conn {
    /// A connection on which nothing has happened. It holds no memory beyond itself.
    pub fn new(limits: Limits) -> Conn {
        Conn {
            bounds: Bounds::from(limits),
            buf: BytesMut::new(),
            input: Input::Open,
            client: ClientState::Idle,
            server: ServerState::Idle,
            fault: None,
            head: HeadScan::default(),
            asked: NOTHING_ASKED,
            keep_alive: KeepAlive::No,
            expect: Expect::Nothing,
            body: Decoder::new(BodyLength::None),
            refused_head: None,
            response: BodyFraming::None,
        }
    }

    /// The receive buffer. Reserve room and append what arrives; never take bytes away. While it is
    /// empty it may be exchanged for another, so that idle connections share their buffers.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buf
    }

    /// Appends a copy of `data` to the buffer. Dropped when nothing will be read from it any more.
    pub fn receive_data(&mut self, data: &[u8]) {
        match (self.client, self.server) {
            (ClientState::Closed | ClientState::Error, _) | (_, ServerState::MustClose) => {}
            _ => self.buf.extend_from_slice(data),
        }
    }

    /// The client has closed its half: what is in the buffer is all there will be.
    pub fn receive_eof(&mut self) {
        self.input = Input::Ended;
    }

    /// What happened next on the client's side.
    ///
    /// # Errors
    /// A rule was broken. The connection is then poisoned: the same error is returned for ever,
    /// nothing further is read, and if no response has begun exactly one can be sent, which says
    /// `Connection: close`.
    pub fn next_event(&mut self) -> Result<Event, Error> {
        let event = self.advance();
        if let Err(error) = &event {
            self.poison(error.kind());
        }
        event
    }

    /// Gives up on what the client was sending (a deadline has passed, say) as if it had broken a
    /// rule. The error's status is 408; another may be sent.
    pub fn abandon(&mut self) -> Error {
        self.poison(ErrorKind::Abandoned)
    }

    fn advance(&mut self) -> Result<Event, Error> {
        match (self.client, self.server) {
            (ClientState::Error, _) => Err(self.fault.unwrap_or(ErrorKind::Abandoned).into()),
            (ClientState::Closed, _) | (_, ServerState::MustClose) => Ok(Event::Closed),
            (ClientState::Idle, _) => self.read_head(),
            (ClientState::SendBody, ServerState::Done) => self.drain(),
            (ClientState::SendBody, _) => self.read_body(),
            (ClientState::Done, _) => Ok(self.wait()),
        }
    }

    fn read_head(&mut self) -> Result<Event, Error> {
        let Some(whole) = self.head.advance(&mut self.buf, &self.bounds)? else {
            return match self.input {
                Input::Open => Ok(Event::NeedData),
                Input::Ended if self.buf.is_empty() => Ok(self.close_input()),
                Input::Ended => Err(ErrorKind::TruncatedHead.into()),
            };
        };
        let bytes = self.buf.split_to(whole.len).freeze();
        let (request, facts) = match whole.build(&bytes, &self.bounds) {
            Ok(built) => built,
            Err(kind) => {
                self.refused_head = Some(bytes);
                return Err(kind.into());
            }
        };
        let method = match request.method {
            Method::HEAD => AskedMethod::Head,
            Method::CONNECT => AskedMethod::Connect,
            _ => AskedMethod::Other,
        };
        self.asked = Asked { method, version: request.version };
        // Whatever is answered to CONNECT, what follows it is not known to be a request.
        self.keep_alive = match method {
            AskedMethod::Connect => KeepAlive::No,
            AskedMethod::Head | AskedMethod::Other => facts.keep_alive,
        };
        self.expect = facts.expect;
        self.body = Decoder::new(facts.body);
        self.step_client(ClientStep::Head);
        self.step_server(ServerStep::Owed);
        Ok(Event::Request(request))
    }

    fn read_body(&mut self) -> Result<Event, Error> {
        match self.body.decode(&mut self.buf, &self.bounds)? {
            Decoded::NeedData if self.input == Input::Ended => Err(ErrorKind::TruncatedBody.into()),
            Decoded::NeedData => Ok(Event::NeedData),
            Decoded::Data(data) => {
                // It did not wait.
                self.expect = Expect::Nothing;
                Ok(Event::Data(data))
            }
            Decoded::End(trailers) => {
                self.expect = Expect::Nothing;
                self.step_client(ClientStep::End);
                Ok(Event::EndOfMessage(trailers))
            }
        }
    }

    /// Reads the body for nobody.
    fn drain(&mut self) -> Result<Event, Error> {
        loop {
            match self.read_body()? {
                Event::Data(_) => {}
                event => return Ok(event),
            }
        }
    }

    /// Between a whole request and the end of its response.
    fn wait(&mut self) -> Event {
        if !self.buf.is_empty() {
            return Event::Paused;
        }
        match self.input {
            Input::Open => Event::NeedData,
            Input::Ended => self.close_input(),
        }
    }

    fn close_input(&mut self) -> Event {
        self.step_client(ClientStep::Eof);
        self.keep_alive = KeepAlive::No;
        Event::Closed
    }

    /// Appends the head of the response to `out`.
    ///
    /// # Errors
    /// Nothing was written, and another head can be sent, unless the error is
    /// [`SendError::OutOfTurn`].
    pub fn send_response(
        &mut self,
        head: ResponseHead<'_>,
        date: &HttpDate,
        out: &mut BytesMut,
    ) -> Result<Framing, SendError> {
        let next = self.server.after(ServerStep::Head).ok_or(SendError::OutOfTurn)?;
        let wish = match head.persistence {
            Persistence::KeepAlive if self.will_end() == Complete::Yes => self.keep_alive,
            Persistence::KeepAlive | Persistence::Close => KeepAlive::No,
        };
        let begun = encode::head(&head, self.asked, wish, date, out)?;
        self.server = next;
        self.keep_alive = begun.keep_alive;
        self.response = begun.body;
        Ok(Framing { body: begun.body })
    }

    /// Whether the request's body will come to its end soon, read or not.
    fn will_end(&self) -> Complete {
        match (self.client, self.expect, &self.body) {
            (ClientState::Closed | ClientState::Error, _, _) => Complete::No,
            (ClientState::Idle | ClientState::Done, _, _) => Complete::Yes,
            // The final status tells the client not to send it, and nobody can tell whether it
            // does all the same (RFC 9110 section 10.1.1).
            (ClientState::SendBody, Expect::Continue, _) => Complete::No,
            (ClientState::SendBody, _, Decoder::Fixed { remaining }) if *remaining <= DRAIN => {
                Complete::Yes
            }
            (ClientState::SendBody, _, Decoder::Fixed { remaining }) => {
                if *remaining <= self.buf.len() as u64 { Complete::Yes } else { Complete::No }
            }
            (ClientState::SendBody, _, chunked) => chunked.ends_within(&self.buf, &self.bounds),
        }
    }

    /// Announces `len` bytes of body: appends what goes before them to `out`. The caller then puts
    /// [`Frame::take`] of the bytes and [`Frame::suffix`] behind it; since the data itself never
    /// passes through here, it can be written from where it lies.
    ///
    /// # Errors
    /// [`SendError::OutOfTurn`]: no response is in progress.
    pub fn send_data(&mut self, len: usize, out: &mut BytesMut) -> Result<Frame, SendError> {
        if self.server != ServerState::SendBody {
            return Err(SendError::OutOfTurn);
        }
        Ok(encode::frame(&mut self.response, len, out))
    }

    /// Whether a body whose length was announced has been sent, and only its end is to be said.
    pub fn has_sent_all(&self) -> bool {
        self.server == ServerState::SendBody && self.response == BodyFraming::Fixed(0)
    }

    /// Ends the response: appends the last chunk, if there is one.
    ///
    /// # Errors
    /// [`SendError::ShortBody`]: less was sent than announced; the connection must now be closed.
    /// [`SendError::OutOfTurn`]: no response is in progress.
    pub fn send_end(&mut self, out: &mut BytesMut) -> Result<(), SendError> {
        if self.server != ServerState::SendBody {
            return Err(SendError::OutOfTurn);
        }
        let ended = encode::end(self.response, out);
        if ended.is_err() {
            self.keep_alive = KeepAlive::No;
        }
        self.step_server(match self.keep_alive {
            KeepAlive::Yes => ServerStep::End,
            KeepAlive::No => ServerStep::Close,
        });
        ended
    }

    /// Appends `100 Continue` if [`expects_continue`](Conn::expects_continue), and only once.
    pub fn send_continue(&mut self, out: &mut BytesMut) {
        if self.expects_continue() {
            out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.expect = Expect::Nothing;
        }
    }

    /// Whether the client waits for a `100 Continue`: it asked for one, none was sent, nothing of
    /// the body was read and no response has begun (RFC 9110 section 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.expect == Expect::Continue
            && self.client == ClientState::SendBody
            && self.server == ServerState::SendResponse
    }

    /// Begins the next request, which may be in the buffer already. What has arrived of an unread
    /// body is thrown away first.
    ///
    /// # Errors
    /// Why it cannot, or not yet. After [`NotReusable::Closing`] it never can.
    pub fn start_next_cycle(&mut self) -> Result<(), NotReusable> {
        if (self.client, self.server) == (ClientState::SendBody, ServerState::Done)
            && let Err(error) = self.drain()
        {
            self.poison(error.kind());
        }
        let next = (self.client.after(ClientStep::Next), self.server.after(ServerStep::Next));
        if let (Some(client), Some(server)) = next {
            self.client = client;
            self.server = server;
            self.head = HeadScan::default();
            self.asked = NOTHING_ASKED;
            self.keep_alive = KeepAlive::No;
            return Ok(());
        }
        match (self.client, self.server) {
            (_, ServerState::MustClose) => Err(NotReusable::Closing),
            (_, ServerState::SendResponse | ServerState::SendBody) => Err(NotReusable::Unanswered),
            (ClientState::Closed | ClientState::Error, _) => Err(NotReusable::Closing),
            (ClientState::SendBody, _) => Err(NotReusable::Unread),
            (ClientState::Idle | ClientState::Done, _) => Err(NotReusable::Unanswered),
        }
    }

    /// What was received of a request whose head was refused, from its first byte, for a log.
    pub fn refused_bytes(&self) -> &[u8] {
        self.refused_head.as_deref().unwrap_or(&self.buf)
    }

    /// Where the client's half stands.
    pub fn client_state(&self) -> ClientState {
        self.client
    }

    /// Where the server's half stands.
    pub fn server_state(&self) -> ServerState {
        self.server
    }

    /// Whether the connection outlives this response. Decided by `send_response`; before it, what
    /// the request permits.
    pub fn keep_alive(&self) -> KeepAlive {
        self.keep_alive
    }

    /// How much of the request's body was not handed out yet, in bytes.
    pub fn unread_body(&self) -> Unread {
        match self.client {
            ClientState::SendBody => self.body.unread(),
            ClientState::Idle | ClientState::Done => Unread::None,
            ClientState::Closed | ClientState::Error => Unread::None,
        }
    }

    fn poison(&mut self, kind: ErrorKind) -> Error {
        let first = *self.fault.get_or_insert(kind);
        self.keep_alive = KeepAlive::No;
        self.expect = Expect::Nothing;
        self.step_client(ClientStep::Fault);
        match self.server {
            ServerState::Idle => self.step_server(ServerStep::Owed),
            ServerState::Done => self.step_server(ServerStep::Close),
            ServerState::SendResponse | ServerState::SendBody | ServerState::MustClose => {}
        }
        Error::from(first)
    }

    fn step_client(&mut self, step: ClientStep) {
        if let Some(next) = self.client.after(step) {
            self.client = next;
        }
    }

    fn step_server(&mut self, step: ServerStep) {
        if let Some(next) = self.server.after(step) {
            self.server = next;
        }
    }
}
