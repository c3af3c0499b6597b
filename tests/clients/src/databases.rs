//! Databases: each by its usual synchronous client, a connection for each request.

use std::time::Duration;

use mysql::TxOpts;
use mysql::prelude::Queryable;

use crate::variable;

fn connected() -> mysql::Conn {
    mysql::Conn::new(variable("MYSQL").as_str()).unwrap()
}

/// Prepared statements, a transaction, and a result of many packets.
pub(crate) fn mysql() -> String {
    let mut connection = connected();
    let mut transaction = connection.start_transaction(TxOpts::default()).unwrap();
    transaction.exec_drop("insert into words (word) values (?)", ("word",)).unwrap();
    let row: Option<u64> = transaction.query_first("select last_insert_id()").unwrap();
    let row = row.unwrap();
    let slept: Option<u8> = transaction.query_first("select sleep(0.005)").unwrap();
    transaction.commit().unwrap();
    let word: Option<String> =
        connection.exec_first("select word from words where id = ?", (row,)).unwrap();
    let long: Vec<String> =
        connection.query("select repeat('x', 100000) from seq_1_to_20").unwrap();
    let length: usize = long.iter().map(String::len).sum();
    format!("{} {slept:?} {length}", word.unwrap_or_default())
}

/// Waits for a lock that somebody else has, in the database.
pub(crate) fn mysql_gate() -> String {
    let mut connection = connected();
    let got: Option<u8> = connection.query_first("select get_lock('gate', 60)").unwrap();
    let gave: Option<u8> = connection.query_first("select release_lock('gate')").unwrap();
    format!("{got:?} {gave:?}")
}

pub(crate) fn postgres() -> String {
    let mut client = postgres::Client::connect(&variable("POSTGRES"), postgres::NoTls).unwrap();
    let row = client.query_one("select 1 + 1, pg_sleep(0.005)::text", &[]).unwrap();
    let sum: i32 = row.get(0);
    let mut transaction = client.transaction().unwrap();
    transaction.execute("select 1", &[]).unwrap();
    transaction.commit().unwrap();
    format!("{sum}")
}

pub(crate) fn redis() -> String {
    let client = redis::Client::open(variable("REDIS")).unwrap();
    let mut connection = client.get_connection_with_timeout(Duration::from_secs(5)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let count: i64 = redis::cmd("INCR").arg("count").query(&mut connection).unwrap();
    let nothing: Option<(String, String)> =
        redis::cmd("BLPOP").arg("nothing").arg(0.01).query(&mut connection).unwrap();
    format!("{} {nothing:?}", count > 0)
}
