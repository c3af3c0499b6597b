//! A request that came by another protocol than HTTP/1.1, from its head to its line in the log.

use std::fmt::Display;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{DATE, SERVER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

use super::Visitor;
use crate::access_log::{Pending, RequestLine};
use crate::app::{Arrival, ConnectionInfo, Request as AppRequest, Scheme, with_arrival};
use crate::body::Body;
use crate::in_flight::{EntryId, Request, Speech};
use crate::request_id::Made;
use crate::serve::{InFlight, Running, Scratch, Service, printable};

/// Its connection is shared with others: nobody may write to the socket in its name.
const NO_SOCKET: i32 = -1;

/// What the server calls itself.
const SOFTWARE: HeaderValue = HeaderValue::from_static("oxicorn");

/// Why a request is not given to the application.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What the client is told.
    pub status: StatusCode,
    /// What the log is told.
    pub reason: String,
}

/// See the module. Dropped before [`Exchange::finish`] it is counted as given up, and has no line.
#[derive(Debug)]
pub struct Exchange {
    service: Arc<Service>,
    info: Arc<ConnectionInfo>,
    method: Method,
    target: Bytes,
    version: Version,
    scheme: Scheme,
    received: Instant,
    made_id: Option<Made>,
    log: Option<Pending>,
    in_flight: Option<InFlight>,
    answered: Option<StatusCode>,
    sent: u64,
}

impl Visitor {
    /// A request has come, with this target as it was received. Takes out of its headers what the
    /// application is not to see, and decides what is believed.
    ///
    /// With a refusal it is not for the application; the exchange is there all the same, for the log.
    pub fn receive(
        &self,
        parts: &mut Parts,
        target: Bytes,
        scratch: &mut Scratch,
    ) -> (Exchange, Result<(), Refusal>) {
        let judged = self.service.trust().judge(self.standing, &mut parts.headers);
        let log = scratch.log().map(|log| {
            log.begin(RequestLine {
                method: &parts.method,
                target: &target,
                version: parts.version,
                headers: &parts.headers,
                peer: &self.info.peer,
            })
        });
        let exchange = Exchange {
            service: self.service.clone(),
            info: self.info.clone(),
            method: parts.method.clone(),
            target,
            version: parts.version,
            scheme: *judged.as_ref().unwrap_or(&Scheme::Http),
            received: Instant::now(),
            made_id: log.as_ref().and_then(Pending::made_id),
            log,
            in_flight: None,
            answered: None,
            sent: 0,
        };
        let refusal = |disbelief: crate::proxy::Disbelief| Refusal {
            status: StatusCode::BAD_REQUEST,
            reason: disbelief.to_string(),
        };
        (exchange, judged.map(drop).map_err(refusal))
    }
}

impl Exchange {
    /// The application gets the request now.
    pub fn begin(&mut self) {
        let now = Instant::now();
        let request = Request {
            method: &self.method,
            target: &self.target,
            version: self.version,
            peer: &self.info.peer,
        };
        let enter =
            |ledger: &crate::in_flight::Ledger| ledger.begin(request, NO_SOCKET, Speech::Taken);
        self.in_flight = Some(InFlight::begin(&self.service, now, enter));
        if let Some(log) = self.log.as_mut().filter(|log| log.wants_queue_time()) {
            log.waited(now.saturating_duration_since(self.received));
        }
    }

    /// The request, for the application.
    pub fn request(&self, parts: Parts, body: Body) -> AppRequest {
        let arrival = Arrival {
            target: self.target.clone(),
            scheme: self.scheme,
            connection: self.info.clone(),
            made_id: self.made_id.map_or_else(OnceLock::new, OnceLock::from),
        };
        AppRequest::from_parts(parts, with_arrival(body, arrival))
    }

    /// When the application got it.
    pub fn started(&self) -> Option<Instant> {
        self.in_flight.as_ref().map(|in_flight| in_flight.started)
    }

    /// Its place in the table of requests.
    pub fn entry(&self) -> Option<EntryId> {
        self.in_flight.as_ref()?.entry
    }

    /// It, for [`Service::enter`].
    pub fn running(&self) -> Running {
        Running { entry: self.entry(), unanswered: None }
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Whether the response has begun.
    pub fn has_begun(&self) -> bool {
        self.answered.is_some()
    }

    /// The response begins. Its headers get what every response has: `Date`, and `Server`.
    pub fn respond(&mut self, status: StatusCode, headers: &mut HeaderMap, scratch: &mut Scratch) {
        if let Ok(date) = HeaderValue::from_bytes(scratch.date().as_bytes()) {
            headers.insert(DATE, date);
        }
        headers.entry(SERVER).or_insert(SOFTWARE);
        self.answered = Some(status);
        if let Some(started) = self.started() {
            self.service.pace().record(scratch.now().saturating_duration_since(started));
        }
        if let (Some(pending), Some(log)) = (&mut self.log, scratch.log()) {
            log.respond(pending, status, headers);
        }
    }

    /// So many bytes of the response's body were sent.
    pub fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Says in the log that the client has sent something that is no request.
    pub fn report_refusal(&self, refusal: &Refusal) {
        tracing::warn!("Invalid request from ip={}: {refusal}", self.info.peer);
    }

    /// Says in the log why it was not answered as the application wished.
    pub fn report(&self, error: &dyn Display) {
        let (method, target) = (&self.method, printable(&self.target));
        tracing::error!(target: "exception", "Error handling request {method} {target}: {error}");
    }

    /// It is over, answered or not: counts it and writes its line.
    pub fn finish(mut self, scratch: &mut Scratch) {
        let time =
            self.in_flight.take().map_or(Duration::ZERO, |f| f.finish(self.sent, Instant::now()).0);
        if let (Some(pending), Some(log)) = (self.log.take(), scratch.log()) {
            log.finish(pending, self.sent, time);
        }
    }
}
