//! Rows that are taken, written and given back; who counts; what the whole table says.

use super::*;

#[test]
fn a_row_is_claimed_written_and_given_back() {
    let board = Scoreboard::new().unwrap();
    let slot = board.claim(Generation(3)).unwrap();
    assert_eq!(board.state(slot), State::Booting);
    let pen = board.handle(slot, Writers::One);
    pen.booted(77);
    pen.state(State::Ready);
    pen.connection_opened();
    pen.connection_opened();
    pen.connection_closed();
    pen.request_started();
    pen.request_answered(14);
    pen.request_left();
    let row = board.row(slot);
    assert_eq!((row.pid, row.generation, row.connections), (77, Generation(3), 1));
    assert_eq!((row.accepted, row.requests, row.in_flight, row.bytes_sent), (2, 1, 0, 14));
    assert_eq!(board.rows().count(), 1);
    board.release(slot);
    assert_eq!(board.rows().count(), 0);
    let again = board.claim(Generation(4)).unwrap();
    assert_eq!(again, slot);
    assert_eq!(board.row(again).requests, 0, "a reused row starts from nothing");
}

#[test]
fn the_fewest_connections_ignore_oneself_the_stale_and_the_unready() {
    let board = Scoreboard::new().unwrap();
    let pens: Vec<SlotHandle> =
        (0..4).map(|_| board.handle(board.claim(Generation(1)).unwrap(), Writers::Many)).collect();
    for (connections, pen) in [9, 2, 5, 0].into_iter().zip(&pens) {
        pen.state(State::Ready);
        (0..connections).for_each(|_| pen.connection_opened());
    }
    pens[3].state(State::Draining);
    assert_eq!(pens[0].fewest_connections_elsewhere(1000), Some(2));
    assert_eq!(pens[1].fewest_connections_elsewhere(1000), Some(5));
    pens[1].set(Word::Heartbeat, 1);
    assert_eq!(pens[0].fewest_connections_elsewhere(1000), Some(5));
}

#[test]
fn a_row_is_two_cache_lines() {
    assert_eq!(WORDS * size_of::<AtomicU64>(), 128);
    assert!((Word::BytesSent as usize) < WORDS);
}

#[test]
fn a_weary_worker_serves_and_is_weary_only_once() {
    let board = Scoreboard::new().unwrap();
    let pens = [1, 2].map(|_| board.handle(board.claim(Generation(1)).unwrap(), Writers::One));
    assert_eq!(pens[0].become_weary(), Change::None, "it is not even ready");
    pens[0].state(State::Ready);
    assert_eq!(pens[0].become_weary(), Change::Done);
    assert_eq!(pens[0].become_weary(), Change::None);
    assert_eq!(board.state(pens[0].slot()), State::Weary);
    assert_eq!(pens[1].fewest_connections_elsewhere(1000), Some(0), "it is an alternative");
    pens[0].state(State::Draining);
    assert_eq!(pens[0].become_weary(), Change::None, "it leaves already");
}

#[test]
fn every_worker_sees_what_becomes_of_the_server() {
    let board = Scoreboard::new().unwrap();
    let pen = board.handle(board.claim(Generation(1)).unwrap(), Writers::One);
    assert_eq!(pen.outlook(), Outlook::Stays);
    board.stop_soon();
    assert_eq!(pen.outlook(), Outlook::StopsSoon);
    board.end_server();
    assert_eq!(pen.outlook(), Outlook::Ends);
}
