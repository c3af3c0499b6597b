//! A connection as the redis crate wants it: it sends what the crate has encoded and has the crate parse
//! what comes back. The waiting in between is oxicorn's.

use std::io::Write;

use oxicorn::net::{SmallWrites, TcpStream};
use redis::{ConnectionLike, Parser, RedisResult, Value};

/// See the module.
pub(crate) struct Connection {
    stream: TcpStream,
    /// It keeps what it has read beyond an answer.
    parser: Parser,
    health: Health,
}

/// Whether the next answer would be that to the next command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Sound,
    Broken,
}

impl Connection {
    /// Connects to a `host:port`.
    ///
    /// # Errors
    /// Those of [`TcpStream::connect`].
    pub(crate) fn to(address: &str) -> RedisResult<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(SmallWrites::AtOnce)?;
        Ok(Connection { stream, parser: Parser::new(), health: Health::Sound })
    }

    fn exchange(&mut self, commands: &[u8], answers: usize) -> RedisResult<Vec<Value>> {
        // Until the last answer is here it is not sound, not even if a timeout unwinds.
        self.health = Health::Broken;
        self.stream.write_all(commands)?;
        let answers = (0..answers).map(|_| self.parser.parse_value(&self.stream));
        let answers = answers.collect::<RedisResult<Vec<Value>>>()?;
        self.health = Health::Sound;
        Ok(answers)
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command(&mut self, command: &[u8]) -> RedisResult<Value> {
        Ok(self.exchange(command, 1)?.pop().unwrap_or(Value::Nil))
    }

    fn req_packed_commands(
        &mut self,
        commands: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        Ok(self.exchange(commands, offset + count)?.split_off(offset))
    }

    fn get_db(&self) -> i64 {
        0
    }

    fn check_connection(&mut self) -> bool {
        redis::cmd("PING").query::<String>(self).is_ok()
    }

    fn is_open(&self) -> bool {
        self.health == Health::Sound
    }
}
