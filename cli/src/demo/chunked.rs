//! The chunked coding (RFC 9112 section 7.1) of an answer whose content nobody wants: it is counted
//! and dropped.

use std::io;

const LONGEST_LINE: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    End,
    Middle,
}

#[derive(Clone, Copy)]
enum Place {
    Size,
    Data { left: u64 },
    BehindData,
    Trailer,
}

pub(super) struct Chunked {
    place: Place,
    line: Vec<u8>,
    size: u64,
}

impl Default for Chunked {
    fn default() -> Chunked {
        Chunked { place: Place::Size, line: Vec::new(), size: 0 }
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "its chunks are malformed")
}

impl Chunked {
    /// Bytes of content so far, without the coding.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn receive(&mut self, mut bytes: &[u8]) -> io::Result<Reached> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let Place::Data { left } = self.place {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                self.skip(left, count as u64);
                bytes = &bytes[count..];
                continue;
            }
            bytes = rest;
            self.line.push(byte);
            if byte == b'\n' {
                if self.line_ended()? == Reached::End {
                    return Ok(Reached::End);
                }
                self.line.clear();
            } else if self.line.len() > LONGEST_LINE {
                return Err(malformed());
            }
        }
        Ok(Reached::Middle)
    }

    fn skip(&mut self, left: u64, count: u64) {
        self.size += count;
        self.place = match left - count {
            0 => Place::BehindData,
            left => Place::Data { left },
        };
    }

    fn line_ended(&mut self) -> io::Result<Reached> {
        let empty = self.line == b"\r\n";
        self.place = match self.place {
            Place::Size => match httparse::parse_chunk_size(&self.line) {
                Ok(httparse::Status::Complete((_, 0))) => Place::Trailer,
                Ok(httparse::Status::Complete((_, left))) => Place::Data { left },
                _ => return Err(malformed()),
            },
            Place::BehindData if empty => Place::Size,
            Place::Trailer if empty => return Ok(Reached::End),
            Place::Trailer => Place::Trailer,
            Place::BehindData | Place::Data { .. } => return Err(malformed()),
        };
        Ok(Reached::Middle)
    }
}
