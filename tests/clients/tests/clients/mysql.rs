//! The crate `mysql`.

use mysql::prelude::Queryable;
use oxicorn_tests::Deadline;
use oxicorn_tests::asking::{ask, asked, told};

use crate::{MANY, launch, mariadb};

#[test]
fn many_transactions_end_as_they_do_in_threads() {
    let Some(database) = mariadb::start() else { return };
    for class in ["coroutine", "threaded"] {
        let server = launch(class).env("MYSQL", &database.url).start();
        let mut clients: Vec<_> = (0..MANY).map(|_| ask(&server, "/mysql")).collect();
        for client in &mut clients {
            assert_eq!(told(client), "word Some(0) 2000000\n", "{class}");
        }
    }
    let rows: Option<usize> =
        database.connect().query_first("select count(*) from words").expect("a number");
    assert_eq!(rows, Some(2 * MANY));
}

#[test]
fn one_thread_has_many_queries_open() {
    const WAITING: &str = "select count(*) from information_schema.processlist \
                           where state = 'User lock' and info like 'select get_lock%'";
    let Some(database) = mariadb::start() else { return };
    let mut keeper = database.connect();
    let gate: Option<u8> = keeper.query_first("select get_lock('gate', 0)").expect("the lock");
    assert_eq!(gate, Some(1));
    let server = launch("coroutine").env("MYSQL", &database.url).start();
    let mut clients: Vec<_> = (0..MANY).map(|_| ask(&server, "/mysql/gate")).collect();
    Deadline::seconds(30).until("as many queries as clients", || {
        keeper.query_first(WAITING).expect("a number") == Some(MANY)
    });
    assert_eq!(asked(&server, "/"), "hello\n", "there is time for somebody else");
    keeper.query_drop("select release_lock('gate')").expect("its end");
    for client in &mut clients {
        assert_eq!(told(client), "Some(1) Some(1)\n");
    }
}
