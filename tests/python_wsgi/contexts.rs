//! What one request leaves behind for the next one: nothing in the context, and what it likes in its
//! thread.

use oxicorn_tests::Request;

use crate::apps::Class;

#[test]
fn each_request_has_a_context_of_its_own_from_the_call_to_the_last_piece() {
    for class in Class::ALL {
        let server = class.launch("contexts").start();
        let mut connection = server.connect();
        for _ in 0..3 {
            let response = connection.exchange(&Request::get("/context"));
            match response {
                Ok(response) => assert_eq!(response.text(), "1 2\n", "{class:?}"),
                // The class `sync` keeps connections only while the application is fast.
                Err(_) => connection = server.connect(),
            }
        }
    }
}

#[test]
fn a_thread_of_the_pool_stays_the_same_thread() {
    let server = Class::Threaded.launch("contexts").threads(1).start();
    let before = server.get("/thread").text();
    let after = server.get("/thread").text();
    // The server has asked for `/` once, to see whether it is ready.
    assert_eq!((before.as_str(), after.as_str()), ("pool-1 2\n", "pool-1 3\n"));
    let server = Class::Sync.launch("contexts").start();
    assert_eq!(server.get("/thread").text(), "MainThread 2\n");
}
