//! How a worker gets the body of a response out of the application: as a reader would, but with the
//! application's panics held back. They unwind from a source that the handler has left behind, when
//! the handler itself has long returned, and must not reach the worker's loop or its pool.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame};

use super::Body;

impl Body {
    /// As [`Body::next_chunk`].
    ///
    /// # Errors
    /// As [`Body::next_chunk`]; and the source has panicked, of which the panic hook has told the
    /// place.
    pub fn pull(&mut self) -> io::Result<Option<Bytes>> {
        catch_unwind(AssertUnwindSafe(|| self.next_chunk())).unwrap_or_else(|_| Err(panicked()))
    }

    /// As [`http_body::Body::poll_frame`].
    ///
    /// # Errors
    /// As [`Body::pull`].
    pub fn poll_pull(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        catch_unwind(AssertUnwindSafe(|| Pin::new(self).poll_frame(cx)))
            .unwrap_or_else(|_| Poll::Ready(Some(Err(panicked()))))
    }
}

fn panicked() -> io::Error {
    io::Error::other("its source has panicked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panicking_source_is_a_failed_one() {
        let pieces = ["one", "two"].into_iter().map(|text| match text {
            "two" => panic!("on purpose"),
            text => Ok(Bytes::from(text)),
        });
        let mut body = Body::from_chunks(pieces);
        assert_eq!(body.pull().unwrap().unwrap(), "one");
        assert_eq!(body.pull().unwrap_err().to_string(), "its source has panicked");
    }
}
