//! Where all handlers of a worker share one thread: none of their waits is anybody else's.

use std::time::Duration;

use oxicorn_tests::{Deadline, Serving, Subject};

use crate::{ask, asked, launch, subject, told};

fn coroutine() -> Subject {
    subject("coroutine", Serving::Many)
}

/// More than there are threads for what blocks.
const STUCK: usize = 20;

#[test]
fn two_hundred_wait_at_once() {
    const MANY: usize = 200;
    let (launch, upstream) = launch(&coroutine());
    let server = launch.start();
    let mut clients: Vec<_> = (0..MANY).map(|_| ask(&server, "/endless/read")).collect();
    let all: Vec<_> = (0..MANY).map(|_| upstream.accept()).collect();
    drop(all);
    for client in &mut clients {
        assert_eq!(told(client), "Ok(0)\n");
    }
}

#[test]
fn what_blocks_blocks_nobody_else() {
    let (launch, upstream) = launch(&coroutine());
    let server = launch.start();
    let mut stuck: Vec<_> = (0..STUCK).map(|_| ask(&server, "/endless/unblock")).collect();
    let first = upstream.accept();
    assert_eq!(asked(&server, "/"), "hello\n");
    assert_eq!(asked(&server, "/both-ways"), "true true\n");
    drop(first);
    // Those who wait for a thread get one as others come back.
    (1..STUCK).for_each(|_| drop(upstream.accept()));
    for client in &mut stuck {
        assert_eq!(told(client), "Ok(0)\n");
    }
}

#[test]
fn who_gives_up_leaves_the_pool_as_it_was() {
    let (launch, upstream) = launch(&coroutine());
    let server = launch.start();
    let mut hasty: Vec<_> = (0..STUCK).map(|_| ask(&server, "/unblock-late")).collect();
    for client in &mut hasty {
        assert_eq!(told(client), "Err(Elapsed)\n");
    }
    // Only what has begun makes a connection, and holds a thread until that ends.
    const THREADS: usize = 8;
    let mut begun = Vec::new();
    Deadline::seconds(20).until("something to do for all threads", || {
        assert_eq!(asked(&server, "/unblock-late"), "Err(Elapsed)\n");
        begun.extend(std::iter::from_fn(|| upstream.made()));
        begun.len() == THREADS
    });
    drop(begun);
    let mut client = ask(&server, "/endless/unblock");
    drop(upstream.accept());
    assert_eq!(told(&mut client), "Ok(0)\n");
}

#[test]
fn a_wait_for_a_foreign_thread_costs_nothing_meanwhile() {
    let (launch, upstream) = launch(&coroutine());
    let server = launch.start();
    let mut client = ask(&server, "/foreign");
    let connection = upstream.accept();
    let spent = || server.worker().processor_time().expect("it lives");
    let before = spent();
    // There is no event to wait for: nothing is to happen.
    let nothing = Deadline::after(Duration::from_millis(300)).poll(|| None::<()>);
    assert!(nothing.is_none() && spent() - before < Duration::from_millis(100));
    drop(connection);
    assert_eq!(told(&mut client), "Ok(Ok(\"\")) true\n");
}
