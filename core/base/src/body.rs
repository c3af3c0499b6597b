//! The body of a request or a response, in one type for blocking and for asynchronous code: read it
//! with [`Body::next_chunk`], [`Body::bytes`] or [`std::io::Read`], or poll it as an
//! [`http_body::Body`].

mod adapt;
mod file;
mod pull;

use std::error::Error as StdError;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use crate::app::Arrival;

use adapt::{IoErrors, WithRest};

pub use file::FilePart;
pub(crate) use file::READ_AT_ONCE;

type Chunks = Box<dyn Iterator<Item = io::Result<Bytes>> + Send>;
type AsyncBody = Pin<Box<dyn http_body::Body<Data = Bytes, Error = io::Error> + Send>>;

/// A request body that is still coming in while the handler runs. Each worker class has its own.
pub trait Incoming: Send {
    /// The next piece, waiting for it in the class' way; `None` at the end of the body.
    ///
    /// # Errors
    /// A body cut short, malformed, too large or too slow.
    fn next(&mut self) -> io::Result<Option<Bytes>>;

    /// The same without blocking. A class that runs no asynchronous handlers waits here too.
    ///
    /// # Errors
    /// As [`Incoming::next`].
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>>;

    /// The fields that came behind the body, once its end was met; they are given out once.
    fn take_trailers(&mut self) -> Option<HeaderMap>;
}

enum Kind {
    Whole(Bytes),
    File(FilePart),
    Incoming(Box<dyn Incoming>),
    Chunks(Chunks),
    Async(AsyncBody),
}

/// How the bytes of a body are to be got, for the worker class that sends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// They are all there: this many.
    Whole(usize),
    /// They are part of a file, this many: [`Body::take_file`], or [`Body::next_chunk`], which may
    /// block.
    File(u64),
    /// [`Body::next_chunk`] may block.
    Blocking,
    /// To be polled.
    Async,
}

impl Form {
    /// Whether time may pass until the last byte has been got.
    pub fn takes_time(self) -> bool {
        match self {
            Form::Whole(_) | Form::File(_) => false,
            Form::Blocking | Form::Async => true,
        }
    }
}

/// A body.
pub struct Body {
    kind: Kind,
    length: Option<u64>,
    /// Boxed: few bodies have any, and every request and response carries the room for it.
    trailers: Option<Box<HeaderMap>>,
    pub(crate) arrival: Option<Arrival>,
}

impl Body {
    fn from_kind(kind: Kind, length: Option<u64>) -> Body {
        Body { kind, length, trailers: None, arrival: None }
    }

    /// The same with fields behind it, for whoever reads it to its end.
    #[must_use]
    pub fn with_trailers(mut self, trailers: HeaderMap) -> Body {
        self.trailers = Some(Box::new(trailers));
        self
    }

    /// The fields that stood behind the body (RFC 9110 section 6.5), once its end was read; they are
    /// given out once. What decides about framing, routing or access is never among them: a request
    /// that tries is refused. Behind a response the server sends none.
    pub fn take_trailers(&mut self) -> Option<HeaderMap> {
        match &mut self.kind {
            Kind::Whole(bytes) if bytes.is_empty() => {}
            Kind::Incoming(incoming) => {
                return incoming.take_trailers().or_else(|| self.trailers.take().map(|all| *all));
            }
            _ => return None,
        }
        self.trailers.take().map(|all| *all)
    }

    /// No bytes.
    pub fn empty() -> Body {
        Body::from(Bytes::new())
    }

    /// Bytes of a file, from offset to offset. They are sent with sendfile(2), straight from the
    /// kernel's cache, whatever the worker class and however large they are: the handler is finished
    /// when it has returned, the memory in use does not grow, and the client may take its time.
    ///
    /// The length is announced before the first byte is read. A file that turns out to be shorter is
    /// never padded: the connection is closed, so that the client can tell (RFC 9112 section 8), and
    /// the error log says so. It should be a regular file, and replaced (rename(2)), not rewritten,
    /// while it is served. Its descriptor stays open until the last byte has been sent.
    ///
    /// What is not in the cache is read from the disk by the thread that sends: the worker's only one,
    /// except in the class `threaded`. It takes up to 1 MiB for one client before the next one has its
    /// turn, and stands still for that long when the disk is slow.
    ///
    /// [`FilePart`] is the same for a file that is kept open and served many times.
    pub fn file(file: File, range: Range<u64>) -> Body {
        FilePart::new(file, range).into()
    }

    /// Bytes that come one piece after the other from a blocking iterator; each piece is sent as it
    /// comes.
    pub fn from_chunks<I>(chunks: I) -> Body
    where
        I: IntoIterator<Item = io::Result<Bytes>>,
        I::IntoIter: Send + 'static,
    {
        Body::from_kind(Kind::Chunks(Box::new(chunks.into_iter())), None)
    }

    /// Bytes that come from a reader, in pieces of up to 64 KiB.
    pub fn from_reader(mut reader: impl io::Read + Send + 'static) -> Body {
        let mut buffer = vec![0; 64 * 1024];
        Body::from_chunks(std::iter::from_fn(move || match reader.read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => Some(Ok(Bytes::copy_from_slice(&buffer[..count]))),
            Err(error) => Some(Err(error)),
        }))
    }

    /// An asynchronous body.
    pub fn from_async<B>(body: B) -> Body
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let length = body.size_hint().exact();
        Body::from_kind(Kind::Async(Box::pin(IoErrors(Box::pin(body)))), length)
    }

    /// A request body that is still coming in; `length` is its Content-Length if it has one.
    pub fn from_incoming(incoming: Box<dyn Incoming>, length: Option<u64>) -> Body {
        Body::from_kind(Kind::Incoming(incoming), length)
    }

    /// How many bytes there are in all, if that is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// How the bytes are to be got.
    pub fn form(&self) -> Form {
        match &self.kind {
            Kind::Whole(bytes) => Form::Whole(bytes.len()),
            Kind::File(part) => Form::File(part.len()),
            Kind::Incoming(_) | Kind::Chunks(_) => Form::Blocking,
            Kind::Async(_) => Form::Async,
        }
    }

    /// The next piece, never an empty one; `None` at the end. Blocks in the way of the worker class.
    ///
    /// # Errors
    /// What the source says; for a request body, that it was cut short, malformed, too large or too
    /// slow. An asynchronous body cannot be read here: `Unsupported`.
    pub fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let chunk = match &mut self.kind {
                Kind::Whole(bytes) if bytes.is_empty() => None,
                Kind::Whole(bytes) => Some(std::mem::take(bytes)),
                Kind::File(part) => part.next()?,
                Kind::Incoming(incoming) => incoming.next()?,
                Kind::Chunks(chunks) => chunks.next().transpose()?,
                Kind::Async(_) => {
                    let message = "an asynchronous body cannot be read by blocking code";
                    return Err(io::Error::new(io::ErrorKind::Unsupported, message));
                }
            };
            if chunk.as_ref().is_none_or(|bytes| !bytes.is_empty()) {
                return Ok(chunk);
            }
        }
    }

    /// What is left of it as a part of a file, for whoever can send that without reading it; the body
    /// is then empty. `None`: it is no [`Form::File`].
    pub fn take_file(&mut self) -> Option<FilePart> {
        if !matches!(self.kind, Kind::File(_)) {
            return None;
        }
        match std::mem::replace(&mut self.kind, Kind::Whole(Bytes::new())) {
            Kind::File(part) => Some(part),
            _ => None,
        }
    }

    /// All that is left of the body.
    ///
    /// # Errors
    /// As [`Body::next_chunk`].
    pub fn bytes(mut self) -> io::Result<Bytes> {
        let Some(first) = self.next_chunk()? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next_chunk()? else {
            return Ok(first);
        };
        let mut all = bytes::BytesMut::from(first);
        all.extend_from_slice(&second);
        while let Some(chunk) = self.next_chunk()? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    fn put_back(&mut self, rest: Bytes) {
        let behind = std::mem::replace(&mut self.kind, Kind::Whole(Bytes::new()));
        self.kind = match behind {
            Kind::Whole(_) => Kind::Whole(rest),
            Kind::Chunks(chunks) => Kind::Chunks(Box::new(std::iter::once(Ok(rest)).chain(chunks))),
            Kind::Incoming(incoming) => {
                Kind::Incoming(Box::new(WithRest { rest: Some(rest), incoming }))
            }
            // Never a piece of these: the one cannot be read in pieces, the other is read into place.
            other @ (Kind::Async(_) | Kind::File(_)) => other,
        };
    }
}

impl io::Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Kind::File(part) = &mut self.kind {
            return part.read(buffer);
        }
        let Some(mut chunk) = self.next_chunk()? else {
            return Ok(0);
        };
        let count = chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&chunk[..count]);
        chunk.advance(count);
        if !chunk.is_empty() {
            self.put_back(chunk);
        }
        Ok(count)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = match &mut self.kind {
            Kind::Async(body) => return body.as_mut().poll_frame(cx),
            Kind::Incoming(incoming) => ready!(incoming.poll_next(cx)),
            Kind::Whole(_) | Kind::File(_) | Kind::Chunks(_) => self.next_chunk(),
        };
        let Some(chunk) = chunk.transpose() else {
            return Poll::Ready(self.take_trailers().map(|all| Ok(Frame::trailers(all))));
        };
        Poll::Ready(Some(chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(bytes) => bytes.is_empty() && self.trailers.is_none(),
            Kind::File(part) => part.is_empty(),
            Kind::Async(body) => body.is_end_stream(),
            Kind::Incoming(_) | Kind::Chunks(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("form", &self.form()).field("length", &self.length).finish()
    }
}

impl Default for Body {
    fn default() -> Body {
        Body::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        let length = Some(bytes.len() as u64);
        Body::from_kind(Kind::Whole(bytes), length)
    }
}

impl From<FilePart> for Body {
    fn from(part: FilePart) -> Body {
        match part.len() {
            0 => Body::empty(),
            length => Body::from_kind(Kind::File(part), Some(length)),
        }
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Bytes::from(bytes).into()
    }
}

#[cfg(test)]
mod tests {
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
    }
}
