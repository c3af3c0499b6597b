//! Handlers that lose patience.

use std::io::Read;
use std::time::Duration;

use oxicorn::Request;
use oxicorn::time::{Elapsed, sleep, timeout};

use crate::upstream;

const SHORT: Duration = Duration::from_millis(20);
const HOUR: Duration = Duration::from_secs(3600);

/// The nearest one counts, whichever it is.
pub(crate) fn nested() -> String {
    let inner = timeout(HOUR, || timeout(SHORT, || sleep(HOUR)));
    let outer = timeout(SHORT, || timeout(HOUR, || sleep(HOUR)));
    let spared = timeout(SHORT, || {
        // It has no part in the limit of who spawns it.
        let spawned = oxicorn::spawn(|| {
            sleep(2 * SHORT);
            "went on"
        });
        let joined = timeout(SHORT / 2, || sleep(HOUR));
        (spawned, joined)
    });
    let spared = spared.map(|(spawned, joined)| (spawned.join().ok(), joined));
    format!("{inner:?} {outer:?} {spared:?}\n")
}

/// Each time is over before the next one begins: none of them may end a later wait, nor one of somebody
/// else who waits meanwhile; and all waits of one count together.
pub(crate) fn many_short() -> String {
    let step = SHORT / 20;
    let other = oxicorn::spawn(move || (0..60).for_each(|_| sleep(step)));
    let elapsed = (0..20).filter(|_| timeout(step, || sleep(HOUR)) == Err(Elapsed)).count();
    let in_time = (0..20).filter(|_| timeout(HOUR, || sleep(step)) == Ok(())).count();
    let steps: Result<(), Elapsed> = timeout(SHORT, || {
        loop {
            sleep(step);
        }
    });
    format!("{elapsed} {in_time} {steps:?} {}\n", other.join().is_ok())
}

/// The body is not the application's own wait: reading it fails.
pub(crate) fn body(request: &mut Request) -> String {
    let mut byte = [0; 1];
    let read = timeout(SHORT, || {
        loop {
            if let Err(error) = request.body_mut().read(&mut byte) {
                return error.kind();
            }
        }
    });
    format!("{read:?}\n")
}

/// What blocks goes on where it does; a class whose handlers block themselves cannot leave it.
pub(crate) fn unblock_late() -> String {
    let waited = timeout(SHORT, || {
        oxicorn::unblock(|| std::net::TcpStream::connect(upstream())?.read(&mut [0]))
    });
    format!("{waited:?}\n")
}
