//! An application that breaks a rule is answered for with 500, and told which rule it was.

use oxicorn_tests::{ClientError, Request};

use crate::apps::Class;

const START: &str = "start_response must be called before the first piece of the body";
const FORM: &str = "the status must be three digits, a space and a reason, not";
const PAIR: &str = "a header must be a tuple of two str, not";
const NAME: &str = "a header's name must be a token, not";
const VALUE: &str = "a header's value must be latin-1 text without control characters";
const PIECE: &str = "a piece of the body must be bytes, not";
const ITERABLE: &str = "the application must return an iterable of bytes, not";

const RULES: [(&str, &str); 22] = [
    ("no_start", START),
    ("no_start_no_body", START),
    ("no_start_in_generator", START),
    ("started_twice", "start_response may be called a second time only with exc_info"),
    ("status_not_text", "the status must be a str, not int"),
    ("status_without_space", FORM),
    ("status_too_short", FORM),
    ("status_with_line_feed", FORM),
    ("status_interim", "the status must be that of a final response, not"),
    ("headers_a_dict", "the headers must be a list, not dict"),
    ("header_a_list", PAIR),
    ("header_of_three", PAIR),
    ("header_value_a_number", PAIR),
    ("header_name_with_colon", NAME),
    ("header_name_empty", NAME),
    ("header_value_with_line_feed", VALUE),
    ("header_value_beyond_latin1", VALUE),
    ("body_of_text", PIECE),
    ("body_of_text_in_generator", PIECE),
    ("body_is_bytes", PIECE),
    ("body_is_none", ITERABLE),
    ("body_is_a_number", ITERABLE),
];

#[test]
fn who_breaks_a_rule_is_told_which() {
    for class in Class::ALL {
        let server = class.launch("broken").start();
        let worker = server.worker();
        for (name, rule) in RULES {
            let response = server.get(&format!("/{name}"));
            assert_eq!((response.status, response.header("X-Split")), (500, None), "{name}");
            let line = server.wait_for_line(&format!("Error handling request GET /{name}: "));
            assert!(
                line.contains("[ERROR]") && line.contains(&format!("PEP 3333: {rule}")),
                "{line}"
            );
        }
        assert_eq!((server.get("/").status, server.worker()), (200, worker), "it goes on");
    }
}

#[test]
fn text_cannot_be_written() {
    let server = Class::Sync.launch("broken").start();
    assert_eq!(server.get("/write_of_text").status, 500);
    server.wait_for_line(
        "Error handling request GET /write_of_text: TypeError: PEP 3333: a piece of the body",
    );
}

#[test]
fn a_rule_that_is_broken_in_the_middle_ends_the_response() {
    let server = Class::Sync.launch("broken").start();
    match server.connect().exchange(&Request::get("/exc_info_is_no_tuple")) {
        Err(ClientError::Short(_)) => {}
        other => panic!("{other:?}"),
    }
    server
        .wait_for_line("TypeError: PEP 3333: exc_info must be what sys.exc_info() gives, not str");
}
