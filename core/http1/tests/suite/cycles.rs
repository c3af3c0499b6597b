//! The order of things: pipelining, poison, EOF, calls out of turn.

use bytes::BytesMut;
use http::HeaderMap;
use oxicorn_http1::*;

use crate::drive::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn end_of_message(conn: &mut Conn) {
    assert!(matches!(conn.next_event(), Ok(Event::EndOfMessage(None))));
}

#[test]
fn pipelined_requests_wait_for_their_turn() {
    let mut conn = requested(GET.repeat(3));
    end_of_message(&mut conn);
    assert!(matches!(conn.next_event(), Ok(Event::Paused)));
    assert!(matches!(conn.next_event(), Ok(Event::Paused)));
    answer(&mut conn);
    assert!(matches!(conn.next_event(), Ok(Event::Paused)));
    conn.start_next_cycle().unwrap();
    for _ in 0..2 {
        assert!(matches!(conn.next_event(), Ok(Event::Request(_))));
        end_of_message(&mut conn);
        answer(&mut conn);
        conn.start_next_cycle().unwrap();
    }
    assert!(matches!(conn.next_event(), Ok(Event::NeedData)));
    conn.receive_eof();
    assert!(matches!(conn.next_event(), Ok(Event::Closed)));
    assert_eq!(conn.client_state(), ClientState::Closed);
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Closing));
}

#[test]
fn states() {
    let mut conn = Conn::new(Limits::default());
    let at = |conn: &Conn| (conn.client_state(), conn.server_state());
    let mut out = BytesMut::new();
    assert_eq!(at(&conn), (ClientState::Idle, ServerState::Idle));
    conn.receive_data(GET.as_bytes());
    assert!(matches!(conn.next_event(), Ok(Event::Request(_))));
    assert_eq!(at(&conn), (ClientState::SendBody, ServerState::SendResponse));
    end_of_message(&mut conn);
    assert_eq!(at(&conn), (ClientState::Done, ServerState::SendResponse));
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Unanswered));
    conn.send_response(empty(&HeaderMap::new()), &date(), &mut out).unwrap();
    assert_eq!(at(&conn), (ClientState::Done, ServerState::SendBody));
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Unanswered));
    conn.send_end(&mut out).unwrap();
    assert_eq!(at(&conn), (ClientState::Done, ServerState::Done));
    conn.start_next_cycle().unwrap();
    assert_eq!(at(&conn), (ClientState::Idle, ServerState::Idle));
}

#[test]
fn calls_out_of_turn_write_nothing() {
    let mut conn = Conn::new(Limits::default());
    let mut out = BytesMut::new();
    let headers = HeaderMap::new();
    let late = Err(SendError::OutOfTurn);
    assert_eq!(conn.send_response(empty(&headers), &date(), &mut out), late);
    assert_eq!(conn.send_data(1, &mut out).map(|_| ()), Err(SendError::OutOfTurn));
    assert_eq!(conn.send_end(&mut out), Err(SendError::OutOfTurn));
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Unanswered));
    conn.receive_data(GET.as_bytes());
    assert!(matches!(conn.next_event(), Ok(Event::Request(_))));
    assert_eq!(conn.send_end(&mut out), Err(SendError::OutOfTurn));
    assert!(out.is_empty());
    answer(&mut conn);
    assert_eq!(conn.send_response(empty(&headers), &date(), &mut out), late);
    assert_eq!(conn.send_data(1, &mut out).map(|_| ()), Err(SendError::OutOfTurn));
    assert!(out.is_empty());
}

#[test]
fn after_an_error_there_is_one_response_and_the_end() {
    // What follows would be a perfect request.
    let mut conn = after(format!("GET / HTTP/1.1\r\nHost : a\r\n\r\n{GET}"));
    let error = conn.next_event().unwrap_err();
    assert_eq!(error.to_string(), "invalid header field name");
    assert_eq!(conn.client_state(), ClientState::Error);
    assert_eq!(conn.next_event().unwrap_err(), error);
    conn.receive_data(GET.as_bytes());
    assert_eq!(conn.next_event().unwrap_err(), error);
    let response = answer(&mut conn);
    assert!(response.contains("\r\nConnection: close\r\n"), "{response}");
    assert_eq!(conn.server_state(), ServerState::MustClose);
    assert_eq!(conn.keep_alive(), KeepAlive::No);
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Closing));
    assert_eq!(conn.next_event().unwrap_err(), error);
    let again = conn.send_response(empty(&HeaderMap::new()), &date(), &mut BytesMut::new());
    assert_eq!(again, Err(SendError::OutOfTurn));
}

#[test]
fn an_error_in_a_body_poisons_before_and_after_the_response_began() {
    let bad = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n";
    let mut conn = requested(bad);
    assert_eq!(conn.next_event().unwrap_err().kind(), ErrorKind::ChunkSize);
    assert!(answer(&mut conn).contains("Connection: close"));

    let mut conn = requested(bad);
    let mut out = BytesMut::new();
    conn.send_response(empty(&HeaderMap::new()), &date(), &mut out).unwrap();
    assert_eq!(conn.next_event().unwrap_err().kind(), ErrorKind::ChunkSize);
    conn.send_end(&mut out).unwrap();
    assert_eq!(conn.server_state(), ServerState::MustClose);
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Closing));
}

#[test]
fn the_caller_may_give_up() {
    let mut conn = after("GET / HT");
    assert!(matches!(conn.next_event(), Ok(Event::NeedData)));
    let error = conn.abandon();
    assert_eq!((error.kind(), error.status().as_u16()), (ErrorKind::Abandoned, 408));
    assert_eq!(conn.next_event().unwrap_err(), error);
    assert!(answer(&mut conn).contains("Connection: close"));
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Closing));
    // The first reason stays the reason.
    let mut conn = after("get");
    assert!(conn.next_event().is_err());
    assert_eq!(conn.abandon().kind(), ErrorKind::Method);
}

#[test]
fn a_client_may_close_its_half_and_still_be_answered() {
    let mut conn = requested(GET);
    conn.receive_eof();
    end_of_message(&mut conn);
    assert!(matches!(conn.next_event(), Ok(Event::Closed)));
    assert!(answer(&mut conn).contains("Connection: close"));
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Closing));
    // With another request before the EOF, the connection goes on until that is answered.
    let seen = play(Limits::default(), [GET.repeat(2).as_bytes()]);
    assert_eq!(seen.iter().filter(|seen| matches!(seen, Seen::Head { .. })).count(), 2);
}

#[test]
fn a_response_that_closes_ends_the_reading() {
    let mut conn = requested(GET.repeat(2));
    let headers = HeaderMap::new();
    let mut out = BytesMut::new();
    let head = ResponseHead { persistence: Persistence::Close, ..empty(&headers) };
    conn.send_response(head, &date(), &mut out).unwrap();
    conn.send_end(&mut out).unwrap();
    assert!(matches!(conn.next_event(), Ok(Event::Closed)));
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Closing));
}

#[test]
fn buffers_can_be_lent() {
    let mut conn = Conn::new(Limits::default());
    assert_eq!(conn.buffer().capacity(), 0);
    let mut lent = BytesMut::with_capacity(4096);
    for _ in 0..3 {
        *conn.buffer() = std::mem::take(&mut lent);
        conn.buffer().extend_from_slice(GET.as_bytes());
        assert!(matches!(conn.next_event(), Ok(Event::Request(_))));
        end_of_message(&mut conn);
        answer(&mut conn);
        conn.start_next_cycle().unwrap();
        assert!(conn.buffer().is_empty());
        lent = std::mem::take(conn.buffer());
        assert!(matches!(conn.next_event(), Ok(Event::NeedData)));
    }
}
