//! The same as the standard library's, operation by operation; and what it does not have: giving up.

use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::time::{Elapsed, timeout};

const SHORT: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug)]
enum Step {
    TrySend(usize),
    TryReceive,
    ReceiveWithin,
    Clone(usize),
    DropSender(usize),
    DropReceiver,
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<usize>().prop_map(Step::TrySend),
        4 => Just(Step::TryReceive),
        1 => Just(Step::ReceiveWithin),
        1 => any::<usize>().prop_map(Step::Clone),
        1 => any::<usize>().prop_map(Step::DropSender),
        1 => Just(Step::DropReceiver),
        1 => Just(Step::Drain),
    ]
}

/// A result, as text: the errors are the same types.
fn told(result: impl std::fmt::Debug) -> String {
    format!("{result:?}")
}

/// One kind of channel, ours or theirs.
macro_rules! trace {
    ($steps:expr, $pair:expr, $try_send:expr) => {{
        let (sender, receiver) = $pair;
        let (mut senders, mut receiver) = (vec![sender], Some(receiver));
        let mut trace = Vec::new();
        for (number, step) in $steps.iter().enumerate() {
            let of = |index: usize| index % senders.len().max(1);
            match *step {
                Step::TrySend(from) => {
                    let sender = senders.get(of(from));
                    trace.push(told(sender.map(|sender| $try_send(sender, number))));
                }
                Step::TryReceive => {
                    trace.push(told(receiver.as_ref().map(|receiver| receiver.try_recv())));
                }
                Step::ReceiveWithin => {
                    let moment = Duration::from_micros(1);
                    trace.push(told(receiver.as_ref().map(|r| r.recv_timeout(moment))));
                }
                Step::Clone(from) => {
                    let clone = senders.get(of(from)).cloned();
                    senders.extend(clone);
                }
                Step::DropSender(which) => {
                    let which = of(which);
                    if which < senders.len() {
                        drop(senders.remove(which));
                    }
                }
                Step::DropReceiver => drop(receiver.take()),
                Step::Drain => {
                    let all = receiver.as_ref().map(|r| r.try_iter().collect::<Vec<_>>());
                    trace.push(told(all));
                }
            }
        }
        drop(senders);
        trace.push(told(receiver.map(|receiver| receiver.into_iter().collect::<Vec<_>>())));
        trace
    }};
}

proptest! {
    #[test]
    fn unbounded_is_as_stds(steps in prop::collection::vec(step(), 0..40)) {
        let ours = trace!(steps, unbounded(), |sender: &Sender<usize>, n| sender.send(n));
        let theirs = trace!(steps, mpsc::channel(), |sender: &mpsc::Sender<usize>, n| sender.send(n));
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn bounded_is_as_stds(steps in prop::collection::vec(step(), 0..40), capacity in 0usize..4) {
        let ours = trace!(steps, bounded(capacity), |sender: &Sender<usize>, n| sender.try_send(n));
        let theirs = trace!(
            steps,
            mpsc::sync_channel(capacity),
            |sender: &mpsc::SyncSender<usize>, n| sender.try_send(n)
        );
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn nothing_is_lost_or_doubled_between_threads(
        capacity in 0usize..4, senders in 1usize..5, each in 0usize..200,
    ) {
        let (sender, receiver) = bounded(capacity);
        let all = std::thread::scope(|scope| {
            for from in 0..senders {
                let sender = sender.clone();
                scope.spawn(move || (0..each).for_each(|n| sender.send((from, n)).unwrap()));
            }
            drop(sender);
            receiver.iter().collect::<Vec<_>>()
        });
        for from in 0..senders {
            let own: Vec<_> = all.iter().filter(|(f, _)| *f == from).map(|(_, n)| *n).collect();
            prop_assert_eq!(own, (0..each).collect::<Vec<_>>(), "each sender's are in order");
        }
        prop_assert_eq!(all.len(), senders * each);
    }
}

#[test]
fn without_capacity_a_sender_waits_until_its_message_is_received() {
    let (sender, receiver) = bounded(0);
    assert_eq!(timeout(SHORT, || sender.send(1)), Err(Elapsed));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty), "it was withdrawn");
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(sender.send(2), Ok(())));
        assert_eq!(receiver.recv(), Ok(2));
        let waiting = scope.spawn(|| sender.send(3));
        while !receiver.is_decided() {
            std::thread::yield_now();
        }
        assert!(!waiting.is_finished());
        drop(receiver);
        assert_eq!(waiting.join().unwrap(), Err(SendError(3)), "nobody will");
    });
}

#[test]
fn a_full_channel_makes_room_or_an_error() {
    let (sender, receiver) = bounded(1);
    sender.send(1).unwrap();
    assert_eq!(timeout(SHORT, || sender.send(2)), Err(Elapsed));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| sender.send(3));
        assert_eq!((receiver.recv(), receiver.recv()), (Ok(1), Ok(3)));
        waiting.join().unwrap().unwrap();
        sender.send(4).unwrap();
        let waiting = scope.spawn(|| sender.send(5));
        drop(receiver);
        assert_eq!(waiting.join().unwrap(), Err(SendError(5)));
    });
}

#[test]
fn whoever_gives_up_passes_the_call_on() {
    let (sender, receiver) = unbounded::<u32>();
    // Two wait at one end: the first gives up at about the moment when it is called.
    for round in 0..200 {
        std::thread::scope(|scope| {
            let hasty = scope.spawn(|| timeout(Duration::from_micros(50), || receiver.recv()));
            let patient = scope.spawn(|| receiver.recv());
            oxicorn_core::wait::sleep(Duration::from_micros(50));
            sender.send(round).unwrap();
            let first = hasty.join().unwrap();
            if first.is_ok() {
                sender.send(round).unwrap();
            }
            assert_eq!(patient.join().unwrap(), Ok(round));
        });
    }
}

#[test]
fn messages_that_nobody_receives_are_dropped_with_the_receiver() {
    let token = Arc::new(());
    let (sender, receiver) = unbounded();
    sender.send(token.clone()).unwrap();
    drop(receiver);
    assert_eq!(Arc::strong_count(&token), 1);
    assert!(sender.is_disconnected());
    assert!(sender.send(token.clone()).is_err());
}
