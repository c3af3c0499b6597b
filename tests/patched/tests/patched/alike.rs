//! Each function gives in a coroutine what it gives in a thread.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{asked, coroutine};

const READS: [&str; 8] = ["recv", "peek", "all", "never", "recvfrom", "recvmsg", "readv", "read"];

fn step() -> impl Strategy<Value = String> {
    let deed = prop_oneof![
        6 => (1..900_usize).prop_map(|length| format!("write:{length}")),
        1 => Just("nothing:0".to_owned()),
    ];
    let call = prop_oneof![
        8 => (prop::sample::select(&READS[..]), 0..1000_usize),
        2 => (prop::sample::select(&["poll", "select"][..]), Just(1)),
    ];
    (deed, call).prop_map(|(deed, (call, length))| format!("{deed}:{call}:{length}"))
}

fn writes() -> impl Strategy<Value = String> {
    let call = prop::sample::select(&["send", "sendmsg", "writev", "write"][..]);
    (call, 1..600_000_usize).prop_map(|(call, length)| format!("nothing:0:{call}:{length}"))
}

fn script() -> impl Strategy<Value = String> {
    let stream = (
        prop::sample::select(&["unix", "tcp"][..]),
        vec(prop_oneof![5 => step(), 1 => writes()], 1..12),
        prop::sample::select(&["", ",end:0:read:10", ",end:0:recvmsg:10", ",end:0:poll:1"][..]),
    );
    let datagram = vec(step(), 1..12).prop_map(|steps| format!("datagram,{}", steps.join(",")));
    prop_oneof![
        4 => stream.prop_map(|(kind, steps, end)| format!("{kind},{}{end}", steps.join(","))),
        1 => datagram,
    ]
}

#[test]
fn what_calls_give_is_what_they_give_in_a_thread() {
    let server = coroutine().start();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) };
    proptest!(config, |(script in script())| {
        let verdict = asked(&server, &format!("/script?{script}"));
        prop_assert_eq!(verdict, "the same\n", "{}", script);
    });
}
