//! Everything at once, at random: handlers that wait in every way there is, and clients that go away
//! meanwhile. `PATCH_SEED` is where it begins, `PATCH_ROUNDS` how long it goes on.

use oxicorn_tests::Connection;

use crate::{ask, asked, coroutine, told};

const AT_ONCE: usize = 40;

pub(crate) const ROUTES: [&str; 26] = [
    "/",
    "/sleep",
    "/locks/mutex",
    "/locks/parking-lot",
    "/locks/rwlock",
    "/locks/once",
    "/locks/stdout",
    "/locks/queue",
    "/locks/panic",
    "/sockets/accept",
    "/sockets/timeouts",
    "/sockets/closed",
    "/sockets/copy",
    "/files/pipe",
    "/files/threads",
    "/files/lock",
    "/files/records",
    "/pthreads/mutex",
    "/pthreads/recursive",
    "/pthreads/rwlock",
    "/pthreads/table-tennis",
    "/pthreads/semaphore",
    "/pthreads/once",
    "/pthreads/errors",
    "/endless/limit",
    "/script?tcp,write:300:read:100,nothing:0:readv:500,nothing:0:writev:200000,end:0:recv:10",
];

/// SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % sides as u64) as usize
    }
}

pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn a_mix_of_everything_is_answered() {
    let mut dice = Dice(number("PATCH_SEED", 7));
    let server = coroutine().start();
    let worker = server.worker();
    let mut open: Vec<(&str, Connection)> = Vec::new();
    for _ in 0..number("PATCH_ROUNDS", 1500) {
        if open.len() < AT_ONCE && dice.roll(3) > 0 {
            let route = ROUTES[dice.roll(ROUTES.len())];
            open.push((route, ask(&server, route)));
        } else if !open.is_empty() {
            let (route, mut client) = open.swap_remove(dice.roll(open.len()));
            if dice.roll(8) > 0 {
                let text = told(&mut client);
                assert!(!text.contains("in a thread"), "{route}: {text}");
            }
        }
    }
    for (_, mut client) in open {
        told(&mut client);
    }
    assert_eq!(asked(&server, "/"), "hello\n");
    assert_eq!(server.worker(), worker);
}
