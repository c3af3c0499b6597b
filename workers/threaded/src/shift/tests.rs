use super::*;
use std::thread::scope;

const FAST_APPLICATION: fn() -> Tempo = || Tempo::Fast;

/// A set in which so many descriptors are ready, each of them once.
fn set(ready: usize) -> (Epoll, Vec<EventFd>) {
    let epoll = Epoll::new().unwrap();
    let sources: Vec<_> = (0..ready).map(|_| EventFd::from_value(1).unwrap()).collect();
    for (key, source) in sources.iter().enumerate() {
        let flags = (libc::EPOLLIN | libc::EPOLLET) as u32;
        epoll.add(source.as_fd(), flags, key as u64).unwrap();
    }
    (epoll, sources)
}

fn busy_shift() -> Shift {
    let shift = Shift::new().unwrap();
    shift.note_rate(MANY);
    shift
}

fn key(event: Option<EpollEvent>) -> Option<u64> {
    event.map(|event| event.key())
}

#[test]
fn everybody_waits_at_the_set_unless_requests_are_many_and_short() {
    let shift = Shift::new().unwrap();
    let (mut hand, now) = (shift.hand(), Instant::now());
    assert_eq!(shift.post(&mut hand, now, Tempo::Fast), Post::Set);
    shift.note_rate(MANY);
    assert_eq!(shift.post(&mut hand, now, Tempo::Slow), Post::Set);
    assert_eq!(shift.post(&mut hand, now, Tempo::Fast), Post::Lead);
    assert_eq!(shift.post(&mut shift.hand(), now, Tempo::Fast), Post::StandBy);
    assert_eq!(shift.post(&mut hand, now, Tempo::Slow), Post::Set, "it is over");
    shift.close();
    assert_eq!(shift.post(&mut hand, now, Tempo::Fast), Post::Set, "for good");
}

#[test]
fn what_the_leader_takes_is_there_for_all() {
    let (shift, (epoll, _sources)) = (busy_shift(), set(3));
    let (mut leader, other) = (shift.hand(), shift.hand());
    let first = shift.wait(&mut leader, &epoll, Instant::now(), FAST_APPLICATION).unwrap();
    let mut keys = [key(first), key(shift.take(&other)), key(shift.take(&leader))];
    keys.sort();
    assert_eq!(keys, [Some(0), Some(1), Some(2)]);
    assert!(shift.take(&other).is_none());
}

#[test]
fn a_leader_that_is_held_up_ends_the_shift() {
    let (shift, (epoll, _sources)) = (busy_shift(), set(2));
    let (mut leader, now) = (shift.hand(), Instant::now());
    shift.wait(&mut leader, &epoll, now, FAST_APPLICATION).unwrap();
    scope(|scope| {
        for _ in 0..2 {
            // One is the scout, the other sleeps; the shelf is looked at by both.
            scope.spawn(|| shift.stand_by(&mut shift.hand(), FAST_APPLICATION));
        }
    });
    assert_eq!(shift.leader.load(Ordering::SeqCst), NOBODY);
    assert!(shift.rests_until.load(Ordering::SeqCst) >= REST);
    assert!(shift.take(&shift.hand()).is_some(), "nothing is lost");
}

#[test]
fn a_leader_that_is_always_at_work_is_helped() {
    let (shift, (epoll, _sources)) = (busy_shift(), set(1));
    let (mut leader, now) = (shift.hand(), Instant::now());
    shift.wait(&mut leader, &epoll, now, FAST_APPLICATION).unwrap();
    let zeal = scope(|scope| {
        let scout = scope.spawn(|| {
            let mut hand = shift.hand();
            loop {
                shift.stand_by(&mut hand, FAST_APPLICATION);
                if hand.zeal == Zeal::Helping {
                    return shift.post(&mut hand, now, Tempo::Fast);
                }
                // This machine was so slow that the leader seemed to stand still.
                shift.leader.store(leader.number, Ordering::SeqCst);
            }
        });
        while !scout.is_finished() {
            shift.begin();
        }
        scout.join().unwrap()
    });
    assert_eq!(zeal, Post::Help);
}

#[test]
fn a_slow_application_ends_the_shift_though_the_leader_waits() {
    let (shift, (epoll, sources)) = (busy_shift(), set(0));
    epoll.add(shift.bell(), (libc::EPOLLIN | libc::EPOLLET) as u32, 7).unwrap();
    scope(|scope| {
        let leading = scope.spawn(|| {
            let mut leader = shift.hand();
            shift.wait(&mut leader, &epoll, Instant::now(), FAST_APPLICATION).unwrap()
        });
        while !shift.leader_waits.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        shift.stand_by(&mut shift.hand(), || Tempo::Slow);
        assert_eq!(shift.leader.load(Ordering::SeqCst), NOBODY);
        // Whoever leaves something on the shelf tells those who wait at the set.
        shift.shelf.put(&[EpollEvent::EMPTY; 2]);
        assert!(shift.take(&shift.hand()).is_some());
        assert_eq!(key(leading.join().unwrap()), Some(7));
    });
    assert!(shift.take(&shift.hand()).is_some());
    drop(sources);
}

/// Threads that take, lead, scout and help at random, and sources that fire again and again: each event
/// comes to somebody.
#[test]
fn no_event_is_lost() {
    const ROUNDS: u64 = 2000;
    const STOP: u64 = u64::MAX;
    let (shift, (epoll, sources)) = (busy_shift(), set(8));
    epoll.add(shift.bell(), (libc::EPOLLIN | libc::EPOLLET) as u32, STOP - 1).unwrap();
    let stop = EventFd::new().unwrap();
    epoll.add(stop.as_fd(), libc::EPOLLIN as u32, STOP).unwrap();
    let handled: Vec<_> = sources.iter().map(|_| AtomicU64::new(0)).collect();
    let turns = AtomicU64::new(0);
    scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut hand = shift.hand();
                loop {
                    // Now and then the application is slow for a moment.
                    let tempo = || match turns.fetch_add(1, Ordering::Relaxed) % 97 {
                        0 => Tempo::Slow,
                        _ => Tempo::Fast,
                    };
                    let event = shift
                        .take(&hand)
                        .or_else(|| shift.wait(&mut hand, &epoll, Instant::now(), tempo).unwrap());
                    match event.map(|event| event.key()) {
                        Some(STOP) => return,
                        Some(source) if source < 8 => {
                            let source = source as usize;
                            if handled[source].fetch_add(1, Ordering::SeqCst) < ROUNDS {
                                sources[source].write(1).unwrap();
                            }
                        }
                        _ => {}
                    }
                }
            });
        }
        while handled.iter().any(|count| count.load(Ordering::SeqCst) <= ROUNDS) {
            std::thread::yield_now();
        }
        shift.close();
        stop.write(1).unwrap();
    });
}
