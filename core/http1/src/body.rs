//! Where a request's body ends.
//!
//! Both decoders look at a slice and say what its front is; only the outer function moves bytes.
//! That lets the same code look ahead, to learn whether an unread body is already here and can be
//! thrown away, without a second implementation of chunked.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

use crate::chunk;
use crate::error::ErrorKind;
use crate::event::{BodyLength, Unread};
use crate::fields;
use crate::limits::Bounds;
use crate::scan::{LineLimit, LineScan, SectionScan};

/// All extensions of one body together, in bytes. They carry nothing for us, yet must be read.
const EXTENSIONS: usize = 16 * 1024;

/// The body of the present request, and how far it has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decoder {
    Fixed { remaining: u64 },
    Chunked(Chunked),
}

/// What came off the front of the buffer.
#[derive(Debug)]
pub(crate) enum Decoded {
    NeedData,
    Data(Bytes),
    End(Option<Box<HeaderMap>>),
}

/// What the front of a slice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Front {
    Incomplete,
    /// So many bytes of framing.
    Framing(usize),
    /// So many bytes of body.
    Data(usize),
    /// The end, and so many bytes of trailer section before it.
    End(Trailers),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trailers {
    len: usize,
    fields: usize,
}

/// `Transfer-Encoding: chunked` (RFC 9112 section 7.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunked {
    part: Part,
    extensions: usize,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    SizeLine(LineScan),
    Data { remaining: u64 },
    DataEnd,
    Trailers(SectionScan),
}

impl Decoder {
    pub(crate) fn new(body: BodyLength) -> Decoder {
        match body {
            BodyLength::None => Decoder::Fixed { remaining: 0 },
            BodyLength::Fixed(remaining) => Decoder::Fixed { remaining },
            BodyLength::Chunked => Decoder::Chunked(Chunked {
                part: Part::SizeLine(LineScan::default()),
                extensions: 0,
            }),
        }
    }

    pub(crate) fn unread(&self) -> Unread {
        match self {
            Decoder::Fixed { remaining: 0 } => Unread::None,
            Decoder::Fixed { remaining } => Unread::AtMost(*remaining),
            Decoder::Chunked(_) => Unread::Unknown,
        }
    }

    /// Takes the next piece of the body off the front of `buf`.
    pub(crate) fn decode(
        &mut self,
        buf: &mut BytesMut,
        bounds: &Bounds,
    ) -> Result<Decoded, ErrorKind> {
        loop {
            match self.front(buf, bounds)? {
                Front::Incomplete => return Ok(Decoded::NeedData),
                Front::Framing(len) => buf.advance(len),
                Front::Data(len) => return Ok(Decoded::Data(buf.split_to(len).freeze())),
                Front::End(Trailers { len: 0, .. }) => return Ok(Decoded::End(None)),
                Front::End(trailers) => return parse_trailers(buf, trailers),
            }
        }
    }

    /// Whether the rest of the body is in `buf`, whole and well-formed as far as its framing goes.
    pub(crate) fn ends_within(&self, mut buf: &[u8], bounds: &Bounds) -> Complete {
        let mut ahead = *self;
        loop {
            match ahead.front(buf, bounds) {
                Ok(Front::Framing(len) | Front::Data(len)) => buf = &buf[len..],
                Ok(Front::End(_)) => return Complete::Yes,
                Ok(Front::Incomplete) | Err(_) => return Complete::No,
            }
        }
    }

    fn front(&mut self, buf: &[u8], bounds: &Bounds) -> Result<Front, ErrorKind> {
        match self {
            Decoder::Fixed { remaining: 0 } => Ok(Front::End(Trailers { len: 0, fields: 0 })),
            Decoder::Fixed { remaining } => Ok(take_data(remaining, buf)),
            Decoder::Chunked(chunked) => chunked.front(buf, bounds),
        }
    }
}

/// The answer of [`Decoder::ends_within`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complete {
    Yes,
    No,
}

impl Chunked {
    fn front(&mut self, buf: &[u8], bounds: &Bounds) -> Result<Front, ErrorKind> {
        match &mut self.part {
            Part::SizeLine(lines) => {
                let limit =
                    LineLimit { bytes: bounds.field_size, beyond: ErrorKind::ChunkLineTooLong };
                let Some(line) = lines.next_line(buf, limit)? else {
                    return Ok(Front::Incomplete);
                };
                let taken = lines.position();
                let line = chunk::parse(&buf[line])?;
                self.extensions = self.extensions.saturating_add(line.extensions);
                if self.extensions > EXTENSIONS {
                    return Err(ErrorKind::ChunkLineTooLong);
                }
                self.part = match line.size {
                    0 => Part::Trailers(SectionScan::default()),
                    remaining => Part::Data { remaining },
                };
                Ok(Front::Framing(taken))
            }
            Part::Data { remaining } => {
                let front = take_data(remaining, buf);
                if *remaining == 0 {
                    self.part = Part::DataEnd;
                }
                Ok(front)
            }
            Part::DataEnd => match buf {
                [] | [b'\r'] => Ok(Front::Incomplete),
                [b'\r', b'\n', ..] => {
                    self.part = Part::SizeLine(LineScan::default());
                    Ok(Front::Framing(2))
                }
                _ => Err(ErrorKind::ChunkEnd),
            },
            Part::Trailers(section) => Ok(match section.advance(buf, bounds)? {
                None => Front::Incomplete,
                Some(len) => Front::End(Trailers { len, fields: section.fields() }),
            }),
        }
    }
}

/// As much of the data as is there.
fn take_data(remaining: &mut u64, buf: &[u8]) -> Front {
    if buf.is_empty() {
        return Front::Incomplete;
    }
    let len = usize::try_from(*remaining).map_or(buf.len(), |remaining| remaining.min(buf.len()));
    *remaining -= len as u64;
    Front::Data(len)
}

/// The trailer section (RFC 9112 section 7.1.2), under the rules of a head's fields.
fn parse_trailers(buf: &mut BytesMut, trailers: Trailers) -> Result<Decoded, ErrorKind> {
    let section = buf.split_to(trailers.len).freeze();
    if trailers.fields == 0 {
        return Ok(Decoded::End(None));
    }
    let map = fields::parse(&section, 0, trailers.fields, |name, _| {
        if fields::forbidden_in_trailers(name) { Err(ErrorKind::ForbiddenTrailer) } else { Ok(()) }
    })?;
    Ok(Decoded::End(Some(Box::new(map))))
}
