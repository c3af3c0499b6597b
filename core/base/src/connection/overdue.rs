//! How long a request may occupy the application, as its connection sees it: the request is entered
//! by name when the application gets it, and ended when its time is over.

use std::os::fd::AsRawFd;
use std::time::Instant;

use http::{HeaderMap, StatusCode, Version};
use oxicorn_http1::{Persistence, ResponseBody, ResponseHead, ServerState};

use super::{Connection, Linger, Phase, Readiness, Step};
use crate::in_flight::{EntryId, Holder, Request, Speech};
use crate::serve::{InFlight, Running, Scratch};

impl Connection {
    /// The application gets the request in hand.
    pub(super) fn begin_request(&mut self, now: Instant) {
        let speech = match self.output.is_empty() {
            true => Speech::Free,
            false => Speech::Taken,
        };
        let Some(exchange) = &mut self.exchange else { return };
        let version = exchange.head.as_ref().map_or(Version::HTTP_11, |head| head.request.version);
        let request = Request {
            method: &exchange.method,
            target: &exchange.target,
            version,
            peer: &self.info.peer,
        };
        let fd = self.socket.as_raw_fd();
        let enter = |ledger: &crate::in_flight::Ledger| ledger.begin(request, fd, speech);
        exchange.in_flight = Some(InFlight::begin(&self.service, now, enter));
    }

    fn in_flight(&self) -> Option<&InFlight> {
        self.exchange.as_ref()?.in_flight.as_ref()
    }

    /// When the application got the request in hand.
    pub fn started(&self) -> Option<Instant> {
        self.in_flight().map(|in_flight| in_flight.started)
    }

    /// The place of the request in hand in the table of requests.
    pub fn entry(&self) -> Option<EntryId> {
        self.in_flight()?.entry
    }

    /// The request in hand, for [`crate::serve::Service::enter`].
    pub fn running(&self) -> Running {
        let silent = self.codec.server_state() == ServerState::SendResponse;
        let unanswered = (silent && self.output.is_empty()).then(|| self.socket.as_raw_fd());
        Running { entry: self.entry(), unanswered }
    }

    /// The response is about to begin. `Nobody`: the request was given up, and there is nobody to
    /// respond to.
    pub(crate) fn holder(&self) -> Holder {
        self.in_flight().map_or(Holder::Handler, InFlight::answer)
    }

    /// The handler has come back with a response. `Nobody`: the request was given up meanwhile and is
    /// accounted for, and the connection is to be closed.
    pub fn claim_answer(&mut self, scratch: &mut Scratch) -> Holder {
        let holder = self.holder();
        scratch.note(holder);
        if holder == Holder::Nobody {
            self.exchange = None;
        }
        holder
    }

    /// The time of the request in hand is over: its client gets 504, unless the response has begun,
    /// and the connection is closed.
    pub fn time_out(&mut self, scratch: &mut Scratch) -> Step {
        scratch.tick();
        if self.codec.server_state() != ServerState::SendResponse {
            return self.abandon(Linger::Yes, scratch);
        }
        let (status, headers) = (StatusCode::GATEWAY_TIMEOUT, HeaderMap::new());
        let body = ResponseBody::Fixed(0);
        let head =
            ResponseHead { status, headers: &headers, body, persistence: Persistence::Close };
        let answered = self
            .codec
            .send_response(head, scratch.date(), self.output.tail())
            .and_then(|_| self.codec.send_end(self.output.tail()));
        if let Some(exchange) = &mut self.exchange
            && let (Some(pending), Some(log), Ok(())) = (&mut exchange.log, scratch.log(), answered)
        {
            log.respond(pending, status, &headers);
        }
        self.account(scratch);
        let linger = match self.client_may_be_sending() {
            true => Linger::Yes,
            false => Linger::No,
        };
        self.enter(Phase::Closing(linger), scratch.now());
        self.advance(Readiness::NONE, scratch)
    }
}
