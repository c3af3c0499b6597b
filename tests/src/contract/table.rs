//! The table itself, and the two things that are made of it: a list to go through, and tests. The
//! macros only lay out tables; what a row does is its function.

use super::{
    Concerns, Contract, Serving, basics, blocked, bodies, corpus, crowd, group_stop, leaving,
    limits, logs, methods, overload, proxies, records, recycling, reload, resources, slow,
    stopping, supervision, timeouts, upgrade, waiting,
};

/// The rows, handed to the macro `$build` behind `$arguments`: first those that concern every class,
/// then those of the classes that serve inline, on threads, or many at once.
#[macro_export]
macro_rules! contract_table {
    ($build:path, $($arguments:tt)*) => {
        $build! { $($arguments)*
            All {
                hello: basics::hello,
                not_found: basics::not_found,
                keep_alive: basics::keep_alive,
                connection_close: basics::connection_close,
                connection_close_with_more_behind: basics::connection_close_with_more_behind,
                http_1_0: basics::http_1_0,
                http_1_0_keep_alive: basics::http_1_0_keep_alive,
                pipelining: basics::pipelining,
                slow_pipelining: basics::slow_pipelining,
                unix_socket: basics::unix_socket,
                echo_of_every_method: methods::echo_of_every_method,
                head_has_no_body: methods::head_has_no_body,
                echo_application: methods::echo_application,
                content_length_body: bodies::content_length_body,
                chunked_request: bodies::chunked_request,
                trailers: bodies::trailers,
                chunked_response: bodies::chunked_response,
                expect_continue: bodies::expect_continue,
                expect_without_reading: bodies::expect_without_reading,
                body_cut_short: bodies::body_cut_short,
                large_upload: bodies::large_upload,
                large_download: bodies::large_download,
                corpus: corpus::corpus,
                bad_request: limits::bad_request,
                long_request_line: limits::long_request_line,
                large_header: limits::large_header,
                too_many_headers: limits::too_many_headers,
                proxy_protocol: proxies::proxy_protocol,
                proxy_protocol_of_a_stranger: proxies::proxy_protocol_of_a_stranger,
                proxy_protocol_only_once: proxies::proxy_protocol_only_once,
                header_names_with_underscores: proxies::header_names_with_underscores,
                contradictory_scheme_headers: proxies::contradictory_scheme_headers,
                dribbled_head: slow::dribbled_head,
                header_timeout: slow::header_timeout,
                keepalive_timeout: slow::keepalive_timeout,
                body_timeout: overload::body_timeout,
                write_timeout: overload::write_timeout,
                slow_readers_occupy_nobody: overload::slow_readers_occupy_nobody,
                the_longest_idle_makes_room: overload::the_longest_idle_makes_room,
                nobody_is_idle_so_newcomers_wait: overload::nobody_is_idle_so_newcomers_wait,
                out_of_descriptors: overload::out_of_descriptors,
                two_hundred_connections: crowd::two_hundred_connections,
                term_under_load: leaving::term_under_load,
                term_answers_the_queue: leaving::term_answers_the_queue,
                term_answers_an_idle_connection: leaving::term_answers_an_idle_connection,
                int_is_quick: leaving::int_is_quick,
                second_signal_makes_it_quick: leaving::second_signal_makes_it_quick,
                hup_under_load: reload::hup_under_load,
                hup_with_a_bad_configuration: reload::hup_with_a_bad_configuration,
                ttin_and_ttou_under_load: reload::ttin_and_ttou_under_load,
                upgrade_under_load: upgrade::upgrade_under_load,
                upgrade_and_back_under_load: upgrade::upgrade_and_back_under_load,
                upgrade_to_a_broken_binary: upgrade::upgrade_to_a_broken_binary,
                upgrade_on_a_unix_socket: upgrade::upgrade_on_a_unix_socket,
                upgrade_twice: upgrade::upgrade_twice,
                both_masters_answer_the_queue: group_stop::both_masters_answer_the_queue,
                the_last_master_answers_the_queue: group_stop::the_last_master_answers_the_queue,
                a_worker_before_its_master_answers_the_queue:
                    group_stop::a_worker_before_its_master_answers_the_queue,
                max_requests: recycling::max_requests,
                max_lifetime: recycling::max_lifetime,
                max_rss: recycling::max_rss,
                drain_delay: stopping::drain_delay,
                drain_delay_under_load: stopping::drain_delay_under_load,
                removed_address: stopping::removed_address,
                panicking_handler: supervision::panicking_handler,
                killed_worker: supervision::killed_worker,
                killed_master: supervision::killed_master,
                signals_a_worker_ignores: supervision::signals_a_worker_ignores,
                timeout_of_a_waiting_handler: timeouts::timeout_of_a_waiting_handler,
                timeout_of_a_computing_handler: timeouts::timeout_of_a_computing_handler,
                timeout_of_a_handler_that_waits_for_a_server:
                    timeouts::timeout_of_a_handler_that_waits_for_a_server,
                timeout_of_an_upload: timeouts::timeout_of_an_upload,
                timeout_of_a_response_that_has_begun: timeouts::timeout_of_a_response_that_has_begun,
                within_the_timeout: timeouts::within_the_timeout,
                no_timeout: timeouts::no_timeout,
                killed_worker_names_its_requests: timeouts::killed_worker_names_its_requests,
                titles: logs::titles,
                lines_users_grep_for: logs::lines_users_grep_for,
                access_log: logs::access_log,
                usr1_reopens: logs::usr1_reopens,
                json_logs: records::json_logs,
                logfmt_access_log: records::logfmt_access_log,
                queue_time: records::queue_time,
                rotation_under_load: records::rotation_under_load,
                blocked_access_log: records::blocked_access_log,
                full_disk: records::full_disk,
                syslog: records::syslog,
                statsd: records::statsd,
                absent_daemons: records::absent_daemons,
                descriptors: resources::descriptors,
            }
            Inline {
                workers_share_the_load: crowd::workers_share_the_load,
            }
            Threads {
                pool_waits_together: waiting::pool_waits_together,
                lost_thread_is_replaced: timeouts::lost_thread_is_replaced,
                too_many_lost_threads: timeouts::too_many_lost_threads,
            }
            Many {
                newcomers_do_not_wait_for_rounds: crowd::newcomers_do_not_wait_for_rounds,
                hundred_waits_overlap: waiting::hundred_waits_overlap,
                everything_in_flight_is_named: timeouts::everything_in_flight_is_named,
                handler_that_holds_the_thread: blocked::handler_that_holds_the_thread,
                handler_that_may_hold_the_thread: blocked::handler_that_may_hold_the_thread,
            }
        }
    };
}

/// Makes one test of each row for each class: `contract_suite!(binary; module: Serving, ...)`, where
/// the module is named like the class.
#[macro_export]
macro_rules! contract_suite {
    ($binary:expr; $($class:ident: $serving:ident),+ $(,)?) => {
        $(
            mod $class {
                fn subject() -> $crate::Subject {
                    let class = stringify!($class);
                    $crate::Subject::new($binary, class, $crate::Serving::$serving)
                }
                $crate::contract_table!($crate::contract_tests, $serving);
            }
        )+
    };
}

/// The tests of one class: the rows of everybody and those of its own kind.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    (Inline All $all:tt Inline $inline:tt Threads $threads:tt Many $many:tt) => {
        $crate::contract_tests!(@rows $all);
        $crate::contract_tests!(@rows $inline);
    };
    (Threads All $all:tt Inline $inline:tt Threads $threads:tt Many $many:tt) => {
        $crate::contract_tests!(@rows $all);
        $crate::contract_tests!(@rows $threads);
    };
    (Many All $all:tt Inline $inline:tt Threads $threads:tt Many $many:tt) => {
        $crate::contract_tests!(@rows $all);
        $crate::contract_tests!(@rows $many);
    };
    (@rows { $($name:ident: $module:ident::$check:ident),* $(,)? }) => {
        $(
            #[test]
            fn $name() {
                $crate::contract::try_row(stringify!($name), &subject());
            }
        )*
    };
}

macro_rules! list {
    ($($kind:ident { $($name:ident: $module:ident::$check:ident),* $(,)? })*) => {
        /// Every row.
        pub static TABLE: &[Contract] = &[
            $($(
                Contract {
                    name: stringify!($name),
                    concerns: concerns!($kind),
                    check: $module::$check,
                },
            )*)*
        ];
    };
}

macro_rules! concerns {
    (All) => {
        Concerns::All
    };
    ($kind:ident) => {
        Concerns::Only(Serving::$kind)
    };
}

contract_table!(list,);

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_every_kind_of_class_has_rows_of_its_own() {
        let names: HashSet<_> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for serving in [Serving::Inline, Serving::Threads, Serving::Many] {
            let own = Concerns::Only(serving);
            assert!(TABLE.iter().any(|row| row.concerns == own), "{serving:?}");
        }
    }
}
