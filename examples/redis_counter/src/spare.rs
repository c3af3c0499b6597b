//! Connections between two requests. Each request has one to itself; when it is finished the next one
//! may have it, so there are as many as requests ask at once.

use std::sync::{Mutex, PoisonError};

use redis::{ConnectionLike, RedisResult};

use crate::connection::Connection;

/// More are closed when they are not needed.
const KEPT: usize = 64;

/// See the module.
pub(crate) struct Spare {
    address: String,
    idle: Mutex<Vec<Connection>>,
}

impl Spare {
    /// Connects to nobody yet: this is called before the workers are forked.
    pub(crate) fn to(address: String) -> Spare {
        Spare { address, idle: Mutex::default() }
    }

    /// Asks something over a connection.
    ///
    /// # Errors
    /// There is none to be had, and whatever is wrong with the question.
    pub(crate) fn with<T>(
        &self,
        ask: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let idle = self.take();
        let mut connection = idle.map_or_else(|| Connection::to(&self.address), Ok)?;
        let answer = ask(&mut connection);
        if connection.is_open() {
            self.keep(connection);
        }
        answer
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }
}
