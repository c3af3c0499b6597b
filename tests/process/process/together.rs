//! The class sync lets quick answers leave together. What they must not do is to wait for one that
//! never comes. And the last answer of a connection leaves with its end.

use std::io::Write;
use std::net::TcpStream;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::Signal;
use oxicorn_tests::client::After;
use oxicorn_tests::harness::Address;
use oxicorn_tests::{Asked, Connection, Request, Server};

/// A connection that the worker keeps: on a loaded machine even hello is slow at times.
fn kept(server: &Server) -> Connection {
    (0..400)
        .find_map(|_| {
            let mut connection = server.connect();
            let response = connection.get("/").expect("hello");
            (response.after() == After::Keep).then_some(connection)
        })
        .expect("a connection that is kept")
}

#[test]
fn answers_do_not_wait_for_one_that_is_stuck() {
    const CLIENTS: usize = 12;
    /// More than it takes to know that the application is quick.
    const BEFORE: usize = 300;
    let server = super::server().start();
    for _ in 0..BEFORE {
        server.get("/");
    }
    let mut clients: Vec<Connection> = (0..CLIENTS).map(|_| kept(&server)).collect();
    let mut stuck = kept(&server);
    // All of them are there before the worker can do anything.
    let worker = server.worker();
    worker.signal(Signal::SIGSTOP);
    for client in &mut clients {
        client.send(&Request::get("/").bytes()).expect("sent");
    }
    stuck.send(&Request::get("/write?ms=60000").bytes()).expect("sent");
    worker.signal(Signal::SIGCONT);
    for client in &mut clients {
        assert_eq!(client.receive(Asked::ForAll).expect("an answer").status, 200);
    }
    worker.signal(Signal::SIGKILL);
}

/// One packet less for the client and for the server, at each connection of one request.
#[test]
fn the_last_answer_and_the_end_come_at_once() {
    const ROUNDS: usize = 50;
    let server = super::server().start();
    let Address::Tcp(address) = *server.address() else { panic!("{:?}", server.address()) };
    let request = Request::get("/").header("Connection", "close").bytes();
    for round in 1..=ROUNDS {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(&request).unwrap();
        let both = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        epoll.add(&client, EpollEvent::new(both, 0)).unwrap();
        let mut events = [EpollEvent::empty()];
        assert_eq!(epoll.wait(&mut events, EpollTimeout::from(60_000_u16)).unwrap(), 1);
        assert_eq!(events[0].events(), both, "round {round}");
    }
}
