//! From bytes to a request head, in two movements: find its end while it arrives, then build it.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::ErrorKind;
use crate::event::RequestHead;
use crate::fields;
use crate::framing::{Facts, Findings};
use crate::limits::Bounds;
use crate::line::{self, RequestLine};
use crate::scan::{LineLimit, LineScan, SectionScan};
use crate::target;

/// How far the head at the front of the buffer has been looked at.
#[derive(Debug, Default)]
pub(crate) struct HeadScan {
    leading: LeadingLine,
    lines: LineScan,
    parsed: Option<(RequestLine, SectionScan)>,
}

/// The one empty line that is tolerated before a request (RFC 9112 section 2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LeadingLine {
    #[default]
    Allowed,
    Skipped,
}

/// A head whose end is known.
#[derive(Debug)]
pub(crate) struct WholeHead {
    line: RequestLine,
    fields_at: usize,
    fields: usize,
    /// Bytes of the head, its last empty line included.
    pub(crate) len: usize,
}

impl HeadScan {
    /// Looks at what has arrived since the last time. `Ok(None)`: the head is not complete.
    pub(crate) fn advance(
        &mut self,
        buf: &mut BytesMut,
        bounds: &Bounds,
    ) -> Result<Option<WholeHead>, ErrorKind> {
        let parsed = match self.parsed.take() {
            None => self.request_line(buf, bounds)?,
            parsed => parsed,
        };
        // Most heads arrive whole: nothing is put aside then.
        let Some((line, mut section)) = parsed else {
            return Ok(None);
        };
        let Some(len) = section.advance(buf, bounds)? else {
            self.parsed = Some((line, section));
            return Ok(None);
        };
        let (fields_at, fields) = (self.lines.position(), section.fields());
        Ok(Some(WholeHead { line, fields_at, fields, len }))
    }

    /// The request line is parsed as soon as it is whole, so that something that is no HTTP at all
    /// is answered and not waited for.
    fn request_line(
        &mut self,
        buf: &mut BytesMut,
        bounds: &Bounds,
    ) -> Result<Option<(RequestLine, SectionScan)>, ErrorKind> {
        if self.leading == LeadingLine::Allowed && buf.starts_with(b"\r\n") {
            buf.advance(2);
            self.leading = LeadingLine::Skipped;
            self.lines = LineScan::default();
        }
        // A TLS greeting, say, may have no line end for a long time.
        if buf.first().is_some_and(|byte| !matches!(byte, b'\r' | b'\n') && !line::in_method(*byte))
        {
            return Err(ErrorKind::Method);
        }
        let limit = LineLimit { bytes: bounds.line, beyond: ErrorKind::LineTooLong };
        match self.lines.next_line(buf, limit)? {
            None => Ok(None),
            Some(line) => {
                Ok(Some((RequestLine::parse(&buf[line])?, SectionScan::after(self.lines))))
            }
        }
    }
}

impl WholeHead {
    /// Builds the request from `head`, exactly the bytes that were found to be the head.
    pub(crate) fn build(
        self,
        head: &Bytes,
        bounds: &Bounds,
    ) -> Result<(Box<RequestHead>, Facts), ErrorKind> {
        let RequestLine { method, target, version } = self.line;
        let target = head.slice(target);
        let uri = target::parse(&method, &target)?;
        let mut findings = Findings::new(version);
        let headers = fields::parse(head, self.fields_at, self.fields, |name, value| {
            findings.field(name, value)
        })?;
        let facts = findings.conclude(bounds.missing_host)?;
        let (body, upgrade) = (facts.body, facts.upgrade);
        let request = RequestHead { method, target, uri, version, headers, body, upgrade };
        Ok((Box::new(request), facts))
    }
}
