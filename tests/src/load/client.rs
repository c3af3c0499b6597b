//! One client.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Gate, Mode, Plan, Shared, Tally};
use crate::client::{After, ClientError, Connection, Request, Response};
use crate::harness::Address;

/// Whether a request goes out on a connection that has already had one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Fresh,
    Kept,
}

/// Sends requests until it may send no more, is told to stop, or may not connect.
pub(super) fn work(mode: Mode, address: &Address, plan: &Plan, shared: &Shared) -> Tally {
    let mut tally = Tally::default();
    let request = match mode {
        Mode::KeepAlive => Request::get(&plan.target),
        Mode::PerRequest => Request::get(&plan.target).header("Connection", "close"),
    };
    let mut kept = None;
    for _ in 0..plan.at_most {
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let (mut connection, usage) = match kept.take() {
            Some(connection) => (connection, Use::Kept),
            None => match connect(address, &request, shared) {
                None => break,
                Some(Err(error)) => {
                    tally.failed(&error);
                    continue;
                }
                Some(Ok(connection)) => {
                    tally.connections += 1;
                    (connection, Use::Fresh)
                }
            },
        };
        let answer = match usage {
            Use::Fresh => connection.receive(request.asked()),
            Use::Kept => connection.exchange(&request),
        };
        match answer {
            Ok(response) => {
                count(&response, &mut tally, shared);
                match response.after() {
                    After::Keep => kept = Some(connection),
                    After::Close => expect_end(&mut connection, &mut tally),
                }
            }
            Err(ClientError::Closed) if usage == Use::Kept => tally.stale += 1,
            Err(error) => tally.failed(&error),
        }
    }
    tally
}

/// Connects and sends the first request, unless the gate is shut.
fn connect(
    address: &Address,
    request: &Request,
    shared: &Shared,
) -> Option<Result<Connection, ClientError>> {
    let gate = shared.gate.read().unwrap_or_else(PoisonError::into_inner);
    let open = || {
        let mut connection = Connection::open(address)?;
        connection.send(&request.bytes())?;
        Ok(connection)
    };
    (*gate == Gate::Open).then(open)
}

fn count(response: &Response, tally: &mut Tally, shared: &Shared) {
    match response.status {
        200 => {
            tally.ok += 1;
            shared.answered.fetch_add(1, Ordering::Relaxed);
        }
        status => {
            tally.not_200 += 1;
            tally.example(format!("{status} {}", response.text()));
        }
    }
}

/// Who announces that the connection is closed must close it, and without a reset.
fn expect_end(connection: &mut Connection, tally: &mut Tally) {
    if let Err(error) = connection.expect_end() {
        tally.failed(&error);
    }
}
