//! Finds the ends of lines in bytes that arrive in arbitrary pieces.
//!
//! Everything in HTTP/1.1 that is not body data is lines. Looking for their ends first, and parsing
//! only whole lines, has three effects that would be hard to get otherwise: a byte is looked at
//! once however slowly a head dribbles in, a line is refused as soon as it passes its limit, and
//! what is refused depends on the bytes alone, never on how they were cut.

use std::ops::Range;

use crate::error::ErrorKind;
use crate::find::find;
use crate::limits::Bounds;

/// How long a line may be, its CRLF counted, and which rule it breaks when it is longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineLimit {
    pub(crate) bytes: usize,
    pub(crate) beyond: ErrorKind,
}

/// A place in a buffer: everything before `seen` was searched, the current line begins at `start`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineScan {
    seen: usize,
    start: usize,
}

impl LineScan {
    /// The next whole line, without its CRLF; `None` when its end has not arrived.
    ///
    /// A line ended by LF alone is refused (RFC 9112 section 2.2 permits to accept it; two
    /// recipients that disagree about it can be played against each other).
    #[inline]
    pub(crate) fn next_line(
        &mut self,
        buf: &[u8],
        limit: LineLimit,
    ) -> Result<Option<Range<usize>>, ErrorKind> {
        let found = find(b'\n', buf.get(self.seen..).unwrap_or_default());
        let lf = match found {
            Some(offset) => self.seen + offset,
            None => buf.len(),
        };
        // With or without its LF a line has at least this many bytes before it, so the verdict is
        // the same whether the LF has arrived or not.
        if lf.saturating_sub(self.start) >= limit.bytes {
            return Err(limit.beyond);
        }
        if found.is_none() {
            self.seen = lf;
            return Ok(None);
        }
        let start = self.start;
        self.seen = lf + 1;
        self.start = lf + 1;
        match buf.get(start..lf).and_then(<[u8]>::last) {
            Some(b'\r') => Ok(Some(start..lf - 1)),
            _ => Err(ErrorKind::BareLf),
        }
    }

    /// Where the next line begins.
    pub(crate) fn position(&self) -> usize {
        self.start
    }
}

/// Counts field lines up to the empty line that ends them: the rest of a head, or trailers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SectionScan {
    lines: LineScan,
    fields: usize,
}

impl SectionScan {
    /// A section that begins where `lines` stands.
    pub(crate) fn after(lines: LineScan) -> SectionScan {
        SectionScan { lines, fields: 0 }
    }

    /// The position behind the empty line, once that has arrived.
    #[inline]
    pub(crate) fn advance(
        &mut self,
        buf: &[u8],
        bounds: &Bounds,
    ) -> Result<Option<usize>, ErrorKind> {
        let limit = LineLimit { bytes: bounds.field_size, beyond: ErrorKind::FieldTooLong };
        loop {
            let Some(line) = self.lines.next_line(buf, limit)? else {
                return Ok(None);
            };
            match buf[line].first() {
                None => return Ok(Some(self.lines.position())),
                // RFC 9112 section 5.2: a server refuses a folded field. A first line that begins
                // with white space is the same trick (section 2.2).
                Some(b' ' | b'\t') => return Err(ErrorKind::FoldedField),
                Some(_) => self.fields += 1,
            }
            if self.fields > bounds.fields {
                return Err(ErrorKind::TooManyFields);
            }
        }
    }

    /// How many fields were counted.
    pub(crate) fn fields(&self) -> usize {
        self.fields
    }
}
