//! One client. It follows HTTP and nothing more: it uses a connection until a response says that it
//! ends, and never tries a request again.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::count::{Count, Failure, Use};
use super::crowd::{Kills, Shared};
use super::dice::Dice;
use super::mix::{self, Question};
use crate::client::{After, ClientError, Connection};
use crate::harness::Address;
use crate::load::Mode;

/// Pauses between two requests: one in so many requests waits before it, for at most so many
/// milliseconds. All are far below every timeout of the server, `keepalive_grace` too, so an idle
/// connection that is closed without an announcement is closed too early.
const PAUSES: [(usize, usize); 2] = [(300, 1_000), (4, 30)];

/// A connection that a response has left open.
struct Kept {
    connection: Connection,
    kills: Kills,
}

/// Asks until it is told to stop.
pub(super) fn work(mode: Mode, address: &Address, shared: &Shared, mut dice: Dice) -> Count {
    let mut count = Count::default();
    let mut kept: Option<Kept> = None;
    while !shared.stop.load(Ordering::Relaxed) {
        let longest = PAUSES.iter().find(|(number, _)| dice.one_in(*number));
        if let Some((_, longest)) = longest {
            thread::park_timeout(Duration::from_millis(dice.below(*longest) as u64));
        }
        let mut question = mix::draw(&mut dice);
        if mode == Mode::PerRequest {
            question.request = question.request.header("Connection", "close");
        }
        // From here to the end of the response something is in flight.
        let kills = shared.kills.read().unwrap_or_else(PoisonError::into_inner);
        let alive = kept.take().and_then(|kept| still_there(kept, *kills, &mut count));
        let (connected, usage) = match alive {
            Some(connection) => (Ok(connection), Use::Kept),
            None => (Connection::open(address), Use::Fresh),
        };
        count.connections += u64::from(usage == Use::Fresh);
        let asked = connected.and_then(|connection| ask(connection, &question, &mut count));
        match asked {
            Ok(connection) => {
                kept = connection.map(|connection| Kept { connection, kills: *kills });
            }
            Err(error) => {
                let failure = Failure::of(&error, usage);
                count.failed(failure, format!("{} ({usage:?}): {error}", question.name));
            }
        }
        shared.asked.fetch_add(1, Ordering::Relaxed);
    }
    count
}

/// Whoever keeps a connection sees that it has ended when its server dies meanwhile. Only then is
/// this client allowed to look: in all other cases the server has promised to answer.
fn still_there(mut kept: Kept, kills: Kills, count: &mut Count) -> Option<Connection> {
    if kept.kills != kills && kept.connection.has_ended() {
        count.ended_by_kill += 1;
        return None;
    }
    Some(kept.connection)
}

/// One request. Gives the connection back if it is kept.
fn ask(
    mut connection: Connection,
    question: &Question,
    count: &mut Count,
) -> Result<Option<Connection>, ClientError> {
    let name = question.name;
    let response = connection.exchange(&question.request)?;
    if response.status != 200 {
        count.failed(Failure::Status, format!("{name}: {} {}", response.status, response.text()));
    } else if let Some(fault) = question.fault(&response) {
        count.failed(Failure::Content, format!("{name}: {fault}"));
    } else {
        count.answered += 1;
    }
    match response.after() {
        After::Keep => Ok(Some(connection)),
        After::Close => {
            if let Err(error) = connection.expect_end() {
                count.failed(Failure::Goodbye, format!("{name}, after its response: {error}"));
            }
            Ok(None)
        }
    }
}
