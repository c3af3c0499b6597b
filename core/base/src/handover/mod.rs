//! What a connection is after it has left HTTP/1.1: a socket for somebody else's protocol, and a
//! visitor, by whom it still counts as one of the worker's connections. What is decided about a
//! request that comes over it (whom to believe, what is counted and logged, how long it may take) must
//! be what is decided about any other, so it is decided here, by [`Visitor::receive`], and not where
//! the protocol is spoken.

mod exchange;

use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;

use crate::app::ConnectionInfo;
use crate::proxy::Standing;
use crate::serve::Service;

pub use exchange::{Exchange, Refusal};

/// The service, as a connection has it: the connection counts as open for as long as this lives.
#[derive(Debug)]
pub(crate) struct Visit(Arc<Service>);

impl Visit {
    pub(crate) fn begin(service: &Arc<Service>) -> Visit {
        service.slot().connection_opened();
        Visit(service.clone())
    }
}

impl Deref for Visit {
    type Target = Arc<Service>;

    fn deref(&self) -> &Arc<Service> {
        &self.0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.slot().connection_closed();
    }
}

/// A connection that was given away.
#[derive(Debug)]
pub struct HandedOver {
    /// Its socket, which does not block.
    pub socket: OwnedFd,
    /// What has come over it and was not read.
    pub received: Bytes,
    /// What is known of it.
    pub visitor: Visitor,
}

/// See the module. To be dropped when the connection is closed, by the worker's own thread.
#[derive(Debug)]
pub struct Visitor {
    info: Arc<ConnectionInfo>,
    standing: Standing,
    service: Visit,
}

impl Visitor {
    pub(crate) fn new(info: Arc<ConnectionInfo>, standing: Standing, service: Visit) -> Visitor {
        Visitor { info, standing, service }
    }

    /// What is known of the connection.
    pub fn info(&self) -> &Arc<ConnectionInfo> {
        &self.info
    }

    /// What it shares with the others.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }
}
