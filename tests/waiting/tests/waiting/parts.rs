//! Handlers of several parts.

use std::io::Read;
use std::net::Shutdown;

use oxicorn_tests::Subject;

use crate::{asked, launch, serve};

pub(crate) fn of_a_handler_work_together(subject: &Subject) {
    let server = serve(subject);
    assert_eq!(asked(&server, "/fan"), "slept upstream true\n");
}

pub(crate) fn a_foreign_thread_wakes_a_handler(subject: &Subject) {
    let server = serve(subject);
    assert_eq!(asked(&server, "/foreign"), "Ok(Ok(\"upstream\")) true\n");
}

pub(crate) fn a_name_is_looked_up(subject: &Subject) {
    let server = serve(subject);
    assert_eq!(asked(&server, "/named"), "true Ok(8) upstream\n");
}

pub(crate) fn a_panic_is_the_joiners(subject: &Subject) {
    let server = serve(subject);
    let worker = server.worker();
    for _ in 0..2 {
        let panics = "Some(\"on purpose\") Some(\"before it has waited\") true\n";
        assert_eq!(asked(&server, "/panic"), panics);
    }
    assert_eq!(server.worker(), worker, "the worker goes on");
}

pub(crate) fn what_is_left_behind_goes_on(subject: &Subject) {
    let (launch, upstream) = launch(subject);
    let server = launch.start();
    assert_eq!(asked(&server, "/leave-behind"), "left behind: Ok(true)\n");
    let mut left = upstream.accept();
    assert_eq!(asked(&server, "/"), "hello\n");
    left.shutdown(Shutdown::Write).expect("its end");
    let mut word = String::new();
    left.read_to_string(&mut word).expect("a word");
    assert_eq!(word, "still here");
}

pub(crate) fn one_connection_is_read_and_written_at_once(subject: &Subject) {
    let server = serve(subject);
    assert_eq!(asked(&server, "/both-ways"), "true true\n");
}

pub(crate) fn many_pass_a_word_on(subject: &Subject) {
    let server = serve(subject);
    assert_eq!(asked(&server, "/crowd"), "true Ok(200)\n");
}
