//! What may come before the first request of a connection: a proxy's announcement of the client it
//! speaks for. It is read once and never looked for again, so that whoever may send requests, by a
//! connection that is kept or in a body, cannot send an announcement.
//!
//! Behind it HTTP/2 may begin, which has a greeting that no request of HTTP/1.1 looks like, if the
//! worker class can hand such a connection over. Otherwise the codec refuses it like any request of a
//! version that it does not know.

use std::sync::Arc;

use bytes::Buf;
use http::StatusCode;

use super::{Connection, Offers, Phase, Step};
use crate::app::ConnectionInfo;
use crate::listener::Peer;
use crate::proxy::{self, Parsed, Source};
use crate::serve::Scratch;

/// What a client that knows that we speak HTTP/2 sends first (RFC 9113 section 3.4).
const GREETING: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Connection {
    /// Takes the announcement off the front of what has come, before the codec sees any of it.
    pub(super) fn read_preface(&mut self, scratch: &mut Scratch) -> Option<Step> {
        let mode = self.service.config().proxy_protocol;
        let parsed = proxy::parse(mode, self.codec.buffer());
        match parsed {
            Parsed::NeedMore => return self.need_data(scratch),
            Parsed::Absent => {}
            Parsed::Done { .. } | Parsed::Bad(_) if !self.may_announce() => {
                let reason = "PROXY header from a sender that is not in proxy_allow_ips";
                self.refuse_preface(StatusCode::FORBIDDEN, reason, scratch);
                return None;
            }
            Parsed::Bad(fault) => {
                self.refuse_preface(StatusCode::BAD_REQUEST, &fault.to_string(), scratch);
                return None;
            }
            Parsed::Done { consumed, source } => {
                self.codec.buffer().advance(consumed);
                self.believe(source);
            }
        }
        if self.codec.buffer().is_empty() {
            // The client has said nothing so far, and its time runs from the accept.
            self.phase = match self.offers {
                Offers::Http1 => Phase::Fresh,
                Offers::Http2Too => Phase::Greeting,
            };
        } else {
            let phase = match self.offers {
                Offers::Http1 => Phase::Head,
                Offers::Http2Too => Phase::Greeting,
            };
            self.enter(phase, scratch.now());
        }
        None
    }

    /// From now on the connection may begin with HTTP/2: for a class that can hand it over, before
    /// anything was read.
    pub fn offer_http2(&mut self) {
        self.offers = Offers::Http2Too;
        if self.phase == Phase::Fresh {
            self.phase = Phase::Greeting;
        }
    }

    /// Looks whether what has come is the beginning of HTTP/2. The client's time for it is that for a
    /// head, from the connection's beginning.
    pub(super) fn read_greeting(&mut self, scratch: &mut Scratch) -> Option<Step> {
        let received = self.codec.buffer();
        let known = received.len().min(GREETING.len());
        if received[..known] != GREETING[..known] {
            self.enter(Phase::Head, scratch.now());
            return None;
        }
        if known < GREETING.len() {
            return self.need_data(scratch);
        }
        self.enter(Phase::Foreign, scratch.now());
        Some(Step::Handle)
    }

    fn may_announce(&self) -> bool {
        proxy::lists(&self.service.config().proxy_allow_ips.0, &self.info.sender)
    }

    fn refuse_preface(&mut self, status: StatusCode, reason: &str, scratch: &mut Scratch) {
        self.codec.abandon();
        self.refuse(status, reason, scratch);
    }

    fn believe(&mut self, source: Source) {
        let Source::Client(client) = source else { return };
        let (sender, local, board) = (self.info.sender, self.info.local.clone(), self.info.board);
        self.info = Arc::new(ConnectionInfo { peer: Peer::Tcp(client), sender, local, board });
    }
}
