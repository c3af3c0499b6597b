//! What may come before the first request of a connection: a proxy's announcement of the client it
//! speaks for. It is read once and never looked for again, so that whoever may send requests, by a
//! connection that is kept or in a body, cannot send an announcement.

use std::sync::Arc;

use bytes::Buf;
use http::StatusCode;

use super::{Connection, Phase, Step};
use crate::app::ConnectionInfo;
use crate::listener::Peer;
use crate::proxy::{self, Parsed, Source};
use crate::serve::Scratch;

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
            self.phase = Phase::Fresh;
        } else {
            self.enter(Phase::Head, scratch.now());
        }
        None
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
