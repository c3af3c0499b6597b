//! A request body that is still coming in, for an asynchronous handler in a class that has no
//! runtime. The class can only block; whoever brings a runtime along can do better, if it is told
//! which socket to wait for.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::{Body, Incoming, Kind};
use crate::connection::BodyPiece;

/// What there is to know for whoever waits for the bytes of a body by itself.
pub trait OverSocket {
    /// What is there of the body. After [`BodyPiece::NotYet`] it should be asked again when the socket
    /// is readable.
    ///
    /// # Errors
    /// As [`Incoming::next`].
    fn try_next(&mut self) -> io::Result<BodyPiece>;

    /// A further descriptor of the socket, to wait for.
    ///
    /// # Errors
    /// Out of descriptors; the request has been answered.
    fn socket(&mut self) -> io::Result<OwnedFd>;

    /// How long the client may send nothing (`body_timeout`); `None`: for ever.
    fn patience(&mut self) -> Option<Duration>;

    /// The socket is readable.
    fn readable_again(&mut self);
}

impl Body {
    /// The same body with another way to wait for what is still coming in. One that is all there
    /// stays as it is.
    #[must_use]
    pub fn awaited_by(mut self, way: impl FnOnce(Box<dyn Incoming>) -> Box<dyn Incoming>) -> Body {
        self.kind = match self.kind {
            Kind::Incoming(incoming) => Kind::Incoming(way(incoming)),
            other => other,
        };
        self
    }
}
