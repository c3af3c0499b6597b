//! Connections for blocking handlers. They are used as the standard library's are, but the sockets are
//! non-blocking underneath and every wait goes through the worker class, so that in the class
//! `coroutine` a handler that waits for an upstream lets other requests run.
//!
//! Any client library that is content with [`Read`](std::io::Read) and [`Write`](std::io::Write) works
//! over them: `examples/redis_counter` shows one.

mod resolve;
mod stream;
mod tcp;
mod unix;

pub use resolve::{Host, Resolve, lookup};
pub use stream::Stream;
pub use tcp::{SmallWrites, TcpStream};
pub use unix::UnixStream;

#[cfg(test)]
mod tests;
