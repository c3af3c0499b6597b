//! A part of a file as a body. Its bytes need not pass through the program at all: whoever sends the
//! body can have the kernel move them from its cache to the socket. For everybody else it reads like
//! any other body, in pieces.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

/// How much is read at once, in bytes, by those who want to see the bytes.
pub(crate) const READ_AT_ONCE: usize = 64 * 1024;

/// So many bytes of an open file, from an offset on. A clone shares the descriptor, not the position:
/// a file that is kept open can be the body of any number of responses at once.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::Body;
/// use oxicorn::body::FilePart;
///
/// let file = std::fs::File::open("/etc/passwd")?;
/// let part = FilePart::new(file, 0..4);
/// assert_eq!(part.len(), 4);
/// assert_eq!(Body::from(part).bytes()?.len(), 4);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct FilePart {
    file: Arc<File>,
    left: Range<u64>,
}

impl FilePart {
    /// These bytes of the file, which should be a regular one. The file's own position is neither
    /// used nor moved. A range that ends before it begins is empty.
    pub fn new(file: impl Into<Arc<File>>, range: Range<u64>) -> FilePart {
        FilePart { file: file.into(), left: range }
    }

    /// How many bytes are left.
    pub fn len(&self) -> u64 {
        self.left.end.saturating_sub(self.left.start)
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Where in the file the next byte is.
    pub(crate) fn offset(&self) -> u64 {
        self.left.start
    }

    pub(crate) fn advance(&mut self, count: u64) {
        self.left.start += count;
    }

    /// Takes the first bytes off, at most `count` of them.
    pub(crate) fn split_to(&mut self, count: u64) -> FilePart {
        let middle = self.left.start + count.min(self.len());
        let front = FilePart { file: self.file.clone(), left: self.left.start..middle };
        self.left.start = middle;
        front
    }

    /// Reads what comes next without going past it.
    ///
    /// # Errors
    /// Those of pread(2); `UnexpectedEof` when the file ends before the part does.
    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.len()).map_or(buffer.len(), |left| left.min(buffer.len()));
        loop {
            match self.file.read_at(&mut buffer[..most], self.left.start) {
                Ok(0) if most > 0 => return Err(self.too_short()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.peek(buffer)?;
        self.advance(count as u64);
        Ok(count)
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.is_empty() {
            return Ok(None);
        }
        let most = usize::try_from(self.len()).map_or(READ_AT_ONCE, |left| left.min(READ_AT_ONCE));
        let mut piece = vec![0; most];
        let count = self.read(&mut piece)?;
        piece.truncate(count);
        Ok(Some(piece.into()))
    }

    /// The error of a file that has become shorter since its length was announced.
    pub(crate) fn too_short(&self) -> io::Error {
        let message = format!("the file ends {} bytes before its announced length", self.len());
        io::Error::new(io::ErrorKind::UnexpectedEof, message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Body, Form};
    use super::*;
    use std::io::{Read, Write};

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_part_is_a_body_of_known_length_however_it_is_read() {
        let all: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let part = FilePart::new(file(&all), 7..199_990);
        let body = || Body::from(part.clone());
        assert_eq!(body().length(), Some(199_983));
        assert_eq!(body().form(), Form::File(199_983));
        assert!(body().bytes().unwrap() == all[7..199_990]);

        let mut read = Vec::new();
        body().read_to_end(&mut read).unwrap();
        assert!(read == all[7..199_990]);

        let mut mixed = body();
        mixed.read_exact(&mut read[..3]).unwrap();
        assert_eq!(mixed.next_chunk().unwrap().unwrap()[..], all[10..10 + READ_AT_ONCE]);
    }

    #[test]
    fn an_empty_part_is_an_empty_body() {
        for range in [5..5, Range { start: 9, end: 2 }] {
            let body = Body::file(file(b"hello"), range);
            assert_eq!(body.form(), Form::Whole(0));
            assert_eq!(body.length(), Some(0));
        }
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error_and_never_a_short_success() {
        let mut body = Body::file(file(b"hello"), 2..9);
        assert_eq!(body.next_chunk().unwrap().unwrap(), "llo");
        let error = body.next_chunk().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(error.to_string(), "the file ends 4 bytes before its announced length");
    }

    #[test]
    fn a_part_can_be_split() {
        let mut rest = FilePart::new(file(b"hello"), 1..5);
        let front = rest.split_to(3);
        assert_eq!(Body::from(front).bytes().unwrap(), "ell");
        assert_eq!(rest.split_to(9).len(), 1);
        assert!(rest.is_empty());
    }
}
