//! The server behind `/upstream`: answers every request after a fixed time. It is there so that a
//! worker class has real sockets to wait for, and it must cost nearly nothing, since it runs beside
//! the generator: one thread, one epoll set, and a queue that is in order because the delay is fixed.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use socket2::{Domain, SockRef, Socket, Type};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\
    Connection: close\r\n\r\nok\n";
const LISTENER: u64 = 0;
const BACKLOG: i32 = 4096;

/// The delay server: bound, not yet running.
#[derive(Debug)]
pub struct Delay {
    listener: Socket,
    delay: Duration,
    epoll: Epoll,
    clients: HashMap<u64, TcpStream>,
    due: VecDeque<(Instant, u64)>,
    last: u64,
}

impl Delay {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    /// Those of socket(2), bind(2) and epoll_create(2).
    pub fn new(delay: Duration) -> io::Result<Delay> {
        let kind = Type::STREAM.nonblocking().cloexec();
        let listener = Socket::new(Domain::IPV4, kind, None)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        listener.listen(BACKLOG)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
        let (clients, due) = (HashMap::new(), VecDeque::new());
        Ok(Delay { listener, delay, epoll, clients, due, last: LISTENER })
    }

    /// Its port.
    ///
    /// # Errors
    /// Those of getsockname(2).
    pub fn port(&self) -> io::Result<u16> {
        let address = self.listener.local_addr()?;
        address.as_socket().map(|address| address.port()).ok_or(io::ErrorKind::Other.into())
    }

    /// Serves, until it is killed.
    ///
    /// # Errors
    /// Those of epoll_wait(2).
    pub fn run(mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 256];
        loop {
            let now = Instant::now();
            let wait = match self.due.front() {
                Some((due, _)) => due.saturating_duration_since(now).as_nanos().div_ceil(1_000_000),
                None => u128::from(u16::MAX),
            };
            let wait = u16::try_from(wait).unwrap_or(u16::MAX);
            let count = match self.epoll.wait(&mut events, wait) {
                Ok(count) => count,
                Err(nix::Error::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                match event.data() {
                    LISTENER => self.accept(),
                    client => self.read(client),
                }
            }
            self.answer(Instant::now());
        }
    }

    fn accept(&mut self) {
        while let Ok((socket, _)) = self.listener.accept() {
            let socket = TcpStream::from(socket);
            // Only this process has it, and it is gone when that fails.
            if socket.set_nonblocking(true).is_err() {
                continue;
            }
            self.last += 1;
            let interest = EpollEvent::new(EpollFlags::EPOLLIN, self.last);
            if self.epoll.add(&socket, interest).is_ok() {
                self.clients.insert(self.last, socket);
            }
        }
    }

    fn read(&mut self, client: u64) {
        let mut buffer = [0; 4096];
        let Some(mut stream) = self.clients.get(&client) else { return };
        match stream.read(&mut buffer) {
            // A request is one segment here: its end is the end of what was read.
            Ok(count) if buffer[..count].ends_with(b"\r\n\r\n") => {
                self.due.push_back((Instant::now() + self.delay, client));
            }
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // With a reset, when the client has read its answer: so no port is kept for a minute.
            Ok(0) | Err(_) => {
                let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
                self.clients.remove(&client);
            }
        }
    }

    fn answer(&mut self, now: Instant) {
        while let Some((_, client)) = self.due.pop_front_if(|(due, _)| *due <= now) {
            if let Some(mut stream) = self.clients.get(&client) {
                // An answer of a hundred bytes always has room; a client that has gone needs none.
                let _ = stream.write_all(ANSWER);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_after_the_delay() {
        let delay = Duration::from_millis(30);
        let server = Delay::new(delay).unwrap();
        let port = server.port().unwrap();
        std::thread::Builder::new().spawn(move || server.run()).unwrap();
        let mut clients: Vec<TcpStream> =
            (0..5).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
        let asked = Instant::now();
        for client in &mut clients {
            client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        }
        for client in &mut clients {
            let mut answer = vec![0; ANSWER.len()];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(answer, ANSWER);
        }
        assert!(asked.elapsed() >= delay);
    }
}
