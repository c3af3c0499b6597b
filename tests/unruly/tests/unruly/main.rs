//! What the server makes of an application that breaks the rules, in every worker class, and under
//! `tokio` in both forms of the application. (The rules of framing are tested where they are, in
//! `core/http1`; here is what a client and an operator see of them.)
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

mod bodiless;
mod case;
mod fields;
mod handlers;
mod lengths;
mod requests;
mod sources;

use case::{Case, Form};
use oxicorn_tests::Serving;

macro_rules! in_every_case {
    ($($case:ident: $class:ident, $serving:ident, $form:ident { $($module:ident::$check:ident),* $(,)? })*) => {
        $(
            mod $case {
                $(
                    #[test]
                    fn $check() {
                        let class = stringify!($class);
                        super::$module::$check(&super::case(
                            class,
                            super::Serving::$serving,
                            super::Form::$form,
                        ));
                    }
                )*
            }
        )*
    };
}

macro_rules! tests {
    ($($case:ident: $class:ident, $serving:ident, $form:ident;)*) => {
        in_every_case! {
            $(
                $case: $class, $serving, $form {
                    lengths::too_short,
                    lengths::too_short_and_a_request_behind,
                    lengths::too_long,
                    fields::invalid_lengths,
                    fields::of_the_connection,
                    fields::codings,
                    fields::line_breaks_from_the_client,
                    fields::interim_statuses,
                    bodiless::never_a_body,
                    sources::failing_source,
                    sources::panicking_source,
                    requests::read_in_part,
                    requests::read_twice,
                    requests::kept_for_later,
                    handlers::panicking_handler,
                    handlers::aborting_handler,
                }
            )*
        }
    };
}

tests! {
    sync: sync, Inline, Both;
    threaded: threaded, Threads, Both;
    coroutine: coroutine, Many, Both;
    tokio: tokio, Many, Both;
    tokio_blocking: tokio, Many, BlockingOnly;
}

fn case(class: &str, serving: Serving, form: Form) -> Case {
    Case::new(env!("CARGO_BIN_EXE_unruly"), class, serving, form)
}
