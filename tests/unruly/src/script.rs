//! A response's body that follows a script: some pieces, and what goes wrong after them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// One step of it.
#[derive(Clone, Copy)]
pub(crate) enum Scene {
    /// So many bytes come.
    Piece(&'static str),
    /// The source fails.
    Failure,
    /// The source panics.
    Panic,
}

/// The whole of it.
pub(crate) struct Script {
    scenes: VecDeque<Scene>,
    /// The length that the asynchronous form claims; the blocking one has no way to.
    pub(crate) hint: Option<u64>,
}

impl Script {
    pub(crate) fn new(scenes: &[Scene]) -> Script {
        Script { scenes: scenes.iter().copied().collect(), hint: None }
    }

    pub(crate) fn claiming(self, length: u64) -> Script {
        Script { hint: Some(length), ..self }
    }
}

impl Iterator for Script {
    type Item = io::Result<Bytes>;

    #[expect(clippy::panic, reason = "the scene is there for this")]
    fn next(&mut self) -> Option<io::Result<Bytes>> {
        Some(match self.scenes.pop_front()? {
            Scene::Piece(text) => Ok(Bytes::from_static(text.as_bytes())),
            Scene::Failure => Err(io::Error::other("the source fails on purpose")),
            Scene::Panic => panic!("the source panics on purpose"),
        })
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next().map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.hint.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
