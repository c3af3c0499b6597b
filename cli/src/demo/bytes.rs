//! `/bytes`: as many bytes as asked for, cut out of one static block, so that a gigabyte costs no
//! more memory than a kilobyte.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use oxicorn_core::app::IntoResponse;
use oxicorn_core::{Body, Response};

use super::plan::Plan;

/// How many bytes there are when nobody says.
pub(super) const DEFAULT: u64 = 1024;
/// How many there are at most.
pub(super) const MOST: u64 = 1 << 30;

const BLOCK: usize = 64 * 1024;
/// One line, as long as a power of two: blocks join without a seam.
const LINE: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n";

static CONTENT: [u8; BLOCK] = {
    let mut content = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        content[at] = LINE[at % LINE.len()];
        at += 1;
    }
    content
};

/// The first `count` bytes of the block, or all of it.
fn first(count: u64) -> Bytes {
    let count = usize::try_from(count).unwrap_or(BLOCK).min(BLOCK);
    Bytes::from_static(&CONTENT[..count])
}

pub(super) fn plan(count: u64) -> Plan {
    if count <= BLOCK as u64 {
        Plan::answer(first(count))
    } else {
        Plan::Blocks(Blocks { left: count })
    }
}

/// What is left to send: for blocking code an iterator, for asynchronous code a body.
pub(super) struct Blocks {
    left: u64,
}

impl Blocks {
    pub(super) fn length(&self) -> u64 {
        self.left
    }

    /// The response of this length; `body` is the blocks in the form that is wanted.
    pub(super) fn response(length: u64, body: Body) -> Response {
        let mut response = Bytes::new().into_response();
        *response.body_mut() = body;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response
    }
}

impl Iterator for Blocks {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let block = first(self.left);
        self.left -= block.len() as u64;
        (!block.is_empty()).then_some(Ok(block))
    }
}

impl HttpBody for Blocks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next().map(|block| block.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_are_as_many_bytes_as_asked_for_and_join_without_a_seam() {
        let left = 2 * BLOCK as u64 + 100;
        let sizes: Vec<_> = Blocks { left }.map(|b| b.unwrap().len()).collect();
        assert_eq!(sizes, [BLOCK, BLOCK, 100]);
        let all = Body::from_chunks(Blocks { left }).bytes().unwrap();
        assert!(all.chunks(64).all(|line| LINE.starts_with(line)));
    }
}
