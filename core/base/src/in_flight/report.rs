//! The table as lines of the error log: first the requests that it is about, then the others, oldest
//! first, and no more than somebody can read.

use std::fmt;

use super::{EntryId, InFlightTable, Named};
use crate::listener::Peer;
use crate::sys;

/// How many requests are named at one time.
pub const MOST_ROWS: usize = 16;

struct Row<'a> {
    named: &'a Named,
    now: u64,
    running: bool,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.named.age(self.now).as_secs_f64();
        write!(f, "In flight: {} for {seconds:.1} s, client ", self.named)?;
        match self.named.peer {
            Peer::Tcp(address) => write!(f, "{address}")?,
            Peer::Unix => f.write_str("unix")?,
        }
        match self.running {
            true => f.write_str(", holds the thread"),
            false => Ok(()),
        }
    }
}

/// Which requests a report names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent<'a> {
    /// All of them; those that it is about come first.
    All(&'a [EntryId]),
    /// Those that it is about.
    Only(&'a [EntryId]),
}

fn lines(table: &InFlightTable, in_flight: u64, extent: Extent<'_>) -> (Vec<String>, u64) {
    let (now, running) = (sys::coarse_millis(), table.running());
    let mut named = table.named();
    let total = match extent {
        Extent::All(first) => {
            // Within each half the order stays.
            named.sort_by_key(|(id, _)| !first.contains(id));
            in_flight.max(named.len() as u64)
        }
        Extent::Only(these) => {
            named.retain(|(id, _)| these.contains(id));
            named.len() as u64
        }
    };
    let rows = named.iter().take(MOST_ROWS).map(|(id, named)| {
        let running = running == Some(*id);
        Row { named, now, running }.to_string()
    });
    let rows: Vec<String> = rows.collect();
    let more = total - rows.len() as u64;
    (rows, more)
}

/// Writes requests in flight to the error log, at most [`MOST_ROWS`], and how many more there are;
/// `in_flight` is the number of all of them, by the scoreboard.
pub fn report(table: &InFlightTable, in_flight: u64, extent: Extent<'_>) {
    let (rows, more) = lines(table, in_flight, extent);
    for row in rows {
        tracing::error!("{row}");
    }
    if more > 0 {
        tracing::error!("In flight: and {more} more");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ledger, Request, Speech};
    use super::*;
    use http::{Method, Version};

    fn ledger(targets: &[&str]) -> (Ledger, Vec<EntryId>) {
        let ledger = Ledger::new(InFlightTable::with_entries(32).unwrap());
        let ids = targets.iter().map(|target| {
            let peer = Peer::Tcp("10.0.0.7:4242".parse().unwrap());
            let request = Request {
                method: &Method::POST,
                target: target.as_bytes(),
                version: Version::HTTP_11,
                peer: &peer,
            };
            ledger.begin(request, 1, Speech::Free).unwrap()
        });
        let ids = ids.collect();
        (ledger, ids)
    }

    #[test]
    fn a_line_names_the_request_its_time_and_its_client() {
        let (ledger, ids) = ledger(&["/a\r\nb", "/c"]);
        ledger.table().set_running(Some(ids[1]));
        let (rows, more) = lines(ledger.table(), 2, Extent::All(&[]));
        assert_eq!(
            (rows.as_slice(), more),
            (
                [
                    r"In flight: POST /a\r\nb for 0.0 s, client 10.0.0.7:4242".to_owned(),
                    "In flight: POST /c for 0.0 s, client 10.0.0.7:4242, holds the thread".into(),
                ]
                .as_slice(),
                0
            )
        );
    }

    #[test]
    fn those_that_it_is_about_come_first_and_the_rest_is_counted() {
        let targets: Vec<String> = (0..20).map(|n| format!("/{n}")).collect();
        let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        let (ledger, ids) = ledger(&targets);
        // Two are in flight that found no entry.
        let (rows, more) = lines(ledger.table(), 22, Extent::All(&ids[7..8]));
        assert_eq!((rows.len(), more), (MOST_ROWS, 6));
        assert!(rows[0].contains(" /7 ") && rows[1].contains(" /0 "), "{rows:?}");
        let (rows, more) = lines(ledger.table(), 22, Extent::Only(&ids[7..8]));
        assert_eq!((rows.len(), more), (1, 0));
    }
}
