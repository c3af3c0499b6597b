//! As much of a Redis as the example asks for, where none is installed: `INCRBY`, `GET`, `PING` over the
//! protocol's second version (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

type Counters = Arc<Mutex<HashMap<String, i64>>>;

/// Serves as long as the test runs.
pub(crate) fn serve(listener: TcpListener) -> SocketAddr {
    let address = listener.local_addr().expect("its address");
    let counters = Counters::default();
    let accept = move || {
        for connection in listener.incoming().flatten() {
            let counters = counters.clone();
            thread(move || drop(converse(&connection, &counters)));
        }
    };
    thread(accept);
    address
}

fn thread(code: impl FnOnce() + Send + 'static) {
    Builder::new().name("stand-in".to_owned()).spawn(code).expect("a thread");
}

fn converse(mut connection: &TcpStream, counters: &Counters) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    while let Some(command) = command(&mut reader)? {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match words[..] {
            ["INCRBY", key, by] => {
                let counter = counters.entry(key.to_owned()).or_default();
                *counter += by.parse::<i64>().unwrap_or(0);
                format!(":{counter}\r\n")
            }
            ["GET", key] => {
                let counter = counters.get(key).copied().unwrap_or(0).to_string();
                format!("${}\r\n{counter}\r\n", counter.len())
            }
            ["PING"] => "+PONG\r\n".to_owned(),
            _ => "-ERR unknown command\r\n".to_owned(),
        };
        drop(counters);
        connection.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// `*2\r\n$3\r\nGET\r\n$1\r\na\r\n`; nothing at the end.
fn command(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<String>>> {
    let Some(words) = number(reader)? else { return Ok(None) };
    let mut all = Vec::new();
    for _ in 0..words {
        let length = number(reader)?.unwrap_or(0);
        let mut word = vec![0; length + 2];
        reader.read_exact(&mut word)?;
        word.truncate(length);
        all.push(String::from_utf8_lossy(&word).into_owned());
    }
    Ok(Some(all))
}

fn number(reader: &mut impl BufRead) -> std::io::Result<Option<usize>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().get(1..).and_then(|digits| digits.parse().ok()))
}
