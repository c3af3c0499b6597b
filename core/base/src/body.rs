//! The body of a request or a response, in one type for blocking and for asynchronous code: read it
//! with [`Body::next_chunk`], [`Body::bytes`] or [`std::io::Read`], or poll it as an
//! [`http_body::Body`].

mod adapt;
mod file;
mod from;
mod pull;
mod socket;
#[cfg(test)]
mod tests;

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
pub use socket::OverSocket;

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

    /// The same body for a runtime that waits for sockets itself. `None`: [`Incoming::poll_next`]
    /// waits as it should.
    fn over_socket(&mut self) -> Option<&mut dyn OverSocket> {
        None
    }
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
///
/// A handler reads that of its request as a [`std::io::Read`] or by the methods below; under `tokio` it
/// is polled. It gives back a response with a body of any of the kinds that the methods below make, or
/// that is made from text and bytes:
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use std::io::{BufRead, BufReader};
///
/// use oxicorn::{Request, Response};
///
/// /// How many lines there are: read as they come, never all at once.
/// fn count_lines(request: Request) -> Response {
///     let lines = BufReader::new(request.into_body()).lines().map_while(Result::ok).count();
///     Response::new(format!("{lines}\n").into())
/// }
/// # assert_eq!(count_lines(Request::new("a\nb\n".into())).into_body().bytes().unwrap(), "2\n");
/// ```
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
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::Body;
    /// let fields = http::HeaderMap::from_iter([(http::header::ETAG, "\"1\"".parse().unwrap())]);
    /// let mut body = Body::from("hello").with_trailers(fields);
    /// while body.next_chunk().unwrap().is_some() {}
    /// assert_eq!(body.take_trailers().unwrap()["etag"], "\"1\"");
    /// ```
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
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// assert_eq!(oxicorn::Body::empty().length(), Some(0));
    /// ```
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
    ///
    /// ```no_run
    /// # use oxicorn_core as oxicorn;
    /// # fn main() -> std::io::Result<()> {
    /// let file = std::fs::File::open("film.mkv")?;
    /// let length = file.metadata()?.len();
    /// let whole = oxicorn::Body::file(file, 0..length);
    /// # Ok(())
    /// # }
    /// ```
    pub fn file(file: File, range: Range<u64>) -> Body {
        FilePart::new(file, range).into()
    }

    /// Bytes that come one piece after the other from a blocking iterator; each piece is sent as it
    /// comes.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// use bytes::Bytes;
    /// use oxicorn::Body;
    ///
    /// let countdown = (1..=3).rev().map(|n| Ok(Bytes::from(format!("{n}\n"))));
    /// assert_eq!(Body::from_chunks(countdown).bytes().unwrap(), "3\n2\n1\n");
    /// ```
    ///
    /// An error closes the connection without an end of the body, so that the client can tell; the error
    /// log has it.
    pub fn from_chunks<I>(chunks: I) -> Body
    where
        I: IntoIterator<Item = io::Result<Bytes>>,
        I::IntoIter: Send + 'static,
    {
        Body::from_kind(Kind::Chunks(Box::new(chunks.into_iter())), None)
    }

    /// Bytes that come from a reader, in pieces of up to 64 KiB.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::Body;
    /// let report = std::io::Cursor::new("a child's output, a decompressor, ...");
    /// assert_eq!(Body::from_reader(report).length(), None);
    /// ```
    pub fn from_reader(mut reader: impl io::Read + Send + 'static) -> Body {
        let mut buffer = vec![0; 64 * 1024];
        Body::from_chunks(std::iter::from_fn(move || match reader.read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => Some(Ok(Bytes::copy_from_slice(&buffer[..count]))),
            Err(error) => Some(Err(error)),
        }))
    }

    /// An asynchronous body.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # fn some_frameworks_body() -> oxicorn::Body { "hi".into() }
    /// let body = oxicorn::Body::from_async(some_frameworks_body());
    /// assert_eq!(body.length(), Some(2));
    /// ```
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

    /// The same with its length announced (`Content-Length`), for a source whose length its maker
    /// knows. If it gives fewer bytes the connection is closed, so that the client can tell; if it gives
    /// more, they are cut off. The error log names the request.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// use oxicorn::Body;
    ///
    /// let body = Body::from_reader(&b"seven b"[..]).with_length(7);
    /// assert_eq!(body.length(), Some(7));
    /// ```
    #[must_use]
    pub fn with_length(mut self, bytes: u64) -> Body {
        self.length = Some(bytes);
        self
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
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// use oxicorn::Body;
    ///
    /// fn count(mut body: Body) -> std::io::Result<usize> {
    ///     let mut count = 0;
    ///     while let Some(chunk) = body.next_chunk()? {
    ///         count += chunk.len();
    ///     }
    ///     Ok(count)
    /// }
    /// # assert_eq!(count("hello".into()).unwrap(), 5);
    /// ```
    pub fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let chunk = match &mut self.kind {
                Kind::Whole(bytes) if bytes.is_empty() => None,
                Kind::Whole(bytes) => Some(std::mem::take(bytes)),
                Kind::File(part) => part.next()?,
                Kind::Incoming(incoming) => incoming.next()?,
                Kind::Chunks(chunks) => match chunks.next().transpose() {
                    Ok(chunk) => chunk,
                    Err(error) => {
                        // An iterator that ends behind its error must not make it a short success.
                        *chunks = Box::new(std::iter::repeat_with(failed_before));
                        return Err(error);
                    }
                },
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
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::Body;
    /// assert_eq!(Body::from("hello").bytes().unwrap(), "hello");
    /// ```
    ///
    /// It takes the body: nobody reads one twice.
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

fn failed_before() -> io::Result<Bytes> {
    Err(io::Error::other("its source has failed before"))
}
