//! The load generator: the half of a benchmark that decides whether the other half can be believed.
//!
//! It is our own because of what there is as a library or a program. wrk, ab, hey and oha without
//! its correction are closed loops: a server that stalls is asked nothing meanwhile, and the stall
//! is one slow request instead of the thousands that would have come (coordinated omission). wrk2
//! has the schedule, but is no library and needs a calibration of ten seconds. oha, goose and rlt
//! are built on tokio and hyper, or reqwest: a runtime and a general client in front of every
//! request, where the generator has one core and is to be exhausted later than the server. (That is a
//! judgement of how they are made; they were not measured against this one.) What is needed is small:
//! bytes that were made beforehand, one epoll set, a reader that knows where an answer ends.
//!
//! It needs 6 to 10 µs for a request on a small virtual machine, nearly all of it in the kernel, where
//! on the loopback interface a part of it is the server's; it sends 100,000 a second within 0.1 ms of
//! their times; and it measures itself.
//!
//! | file | what it is |
//! |---|---|
//! | `spec` | what is to be sent, how often |
//! | `schedule` | when: the open loop |
//! | `reply` | where an answer ends |
//! | `slot` | one connection |
//! | `engine` | the loop |
//! | `book`, `tally` | what is counted |
//! | `probe` | one request by itself |
//! | `process` | all this as a child process, told what to do over two pipes |

mod book;
mod engine;
mod probe;
mod process;
mod reply;
mod schedule;
mod slot;
mod spec;
mod tally;

pub use engine::Engine;
pub use probe::probe;
pub use process::{Milestone, Order, run};
pub use spec::{Arrivals, Spec, Turn};
pub use tally::{Errors, Latency, Outcome};

#[cfg(test)]
mod tests;
