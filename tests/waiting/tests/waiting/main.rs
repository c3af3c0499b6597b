//! What handlers wait for, in every worker class; and what only the class `coroutine` promises, where all
//! of them share one thread.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

mod coroutines;
mod parts;
mod time;
mod upstream;

use oxicorn_tests::asking::{ask, asked, told};
use oxicorn_tests::{Launch, Server, Serving, Subject};
use upstream::Upstream;

macro_rules! in_every_class {
    ($($class:ident: $serving:ident { $($module:ident::$check:ident),* $(,)? })*) => {
        $(
            mod $class {
                $(
                    #[test]
                    fn $check() {
                        let serving = super::Serving::$serving;
                        super::$module::$check(&super::subject(stringify!($class), serving));
                    }
                )*
            }
        )*
    };
}

macro_rules! tests {
    ($($class:ident: $serving:ident;)*) => {
        in_every_class! {
            $(
                $class: $serving {
                    parts::of_a_handler_work_together,
                    parts::a_foreign_thread_wakes_a_handler,
                    parts::a_name_is_looked_up,
                    parts::a_panic_is_the_joiners,
                    parts::what_is_left_behind_goes_on,
                    parts::one_connection_is_read_and_written_at_once,
                    parts::many_pass_a_word_on,
                    time::nested_timeouts,
                    time::timeouts_that_follow_each_other,
                    time::a_body_that_does_not_come,
                    time::a_timeout_around_what_blocks,
                    time::the_servers_timeout_ends_every_wait,
                    time::a_client_that_goes_away,
                }
            )*
        }
    };
}

tests! {
    sync: Inline;
    threaded: Threads;
    coroutine: Many;
    tokio: Many;
}

fn subject(class: &str, serving: Serving) -> Subject {
    let binary = env!("CARGO_BIN_EXE_waiting").into();
    Subject { binary, class: class.to_owned(), serving, hosted: None }
}

/// With an upstream that the test has in hand.
fn launch(subject: &Subject) -> (Launch, Upstream) {
    let upstream = Upstream::open();
    (Launch::of(subject).env("UPSTREAM", &upstream.address()), upstream)
}

/// With an upstream that answers by itself.
fn serve(subject: &Subject) -> Server {
    let (launch, upstream) = launch(subject);
    upstream.answers();
    launch.start()
}
