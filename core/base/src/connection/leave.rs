//! How a connection leaves HTTP/1.1: to HTTP/2, which it has begun with, or to whatever a request has
//! asked to go over to (RFC 9110 section 7.8). Only a class that has somebody to hand it over to asks
//! for these; in the others the one is refused and the other is not heard.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use oxicorn_http1::{BodyLength, Upgrade};

use super::{Connection, Phase};
use crate::handover::{HandedOver, Visitor};
use crate::serve::Scratch;

/// What is to be done at a [`Step::Handle`](super::Step::Handle).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A request is to be answered.
    Request,
    /// A request is to be answered, and the answer may be another protocol.
    Upgrade,
    /// The connection speaks HTTP/2: [`Connection::give_away`].
    Http2,
}

impl Connection {
    /// What the client wishes. To be asked before [`Connection::open`].
    pub fn wish(&self) -> Wish {
        if self.phase == Phase::Foreign {
            return Wish::Http2;
        }
        let head = self.exchange.as_ref().and_then(|exchange| exchange.head.as_ref());
        let Some(request) = head.map(|head| &head.request) else { return Wish::Request };
        // With a body it would not be clear where the one protocol ends and the other begins; an
        // Upgrade may be ignored, so it is. CONNECT has its own way to another protocol.
        let bodiless = matches!(request.body, BodyLength::None | BodyLength::Fixed(0));
        match request.upgrade {
            Upgrade::Asked if bodiless && request.method != Method::CONNECT => Wish::Upgrade,
            Upgrade::Asked | Upgrade::No => Wish::Request,
        }
    }

    /// The application has agreed to another protocol, and this is its response: the request is over,
    /// is logged and counted.
    pub fn conclude_switch(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        scratch: &mut Scratch,
    ) {
        if let Some(exchange) = &mut self.exchange
            && let (Some(pending), Some(log)) = (&mut exchange.log, scratch.log())
        {
            log.respond(pending, status, headers);
        }
        self.account(scratch);
    }

    /// Gives the connection away, with what was received and not read. It counts as open until the
    /// visitor is dropped.
    pub fn give_away(self: Box<Self>) -> HandedOver {
        let Connection { socket, info, standing, service, mut codec, .. } = *self;
        let received: Bytes = codec.buffer().split().freeze();
        HandedOver { socket, received, visitor: Visitor::new(info, standing, service) }
    }
}
