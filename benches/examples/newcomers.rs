//! How long the last of many clients waits that come at once to a server which others keep busy:
//! `newcomers 127.0.0.1:8000 500 1000 / 20` (those who are there already and ask again and again, those who
//! come, the target, seconds at most). Whoever has come asks again and again too.
//!
//! A worker whose core is used up by those whom it has accepted must still take those who wait, soon.

use std::env::args;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use socket2::{Domain, Socket, Type};

/// Both before the others come and when everybody has been served.
const STEADY: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    NotYet,
    Yes,
}

struct Client {
    stream: TcpStream,
    asked: Asked,
    first: Option<Instant>,
}

struct Crowd {
    address: SocketAddr,
    request: String,
    epoll: Epoll,
    clients: Vec<Client>,
    answers: u64,
    lost: u64,
}

impl Crowd {
    fn connect(&self, key: usize) -> Result<TcpStream, Box<dyn Error>> {
        let kind = Type::STREAM.nonblocking();
        let socket = Socket::new(Domain::for_address(self.address), kind, None)?;
        match socket.connect(&self.address.into()) {
            Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => {
                return Err(error.into());
            }
            _ => {}
        }
        let stream = TcpStream::from(socket);
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
        self.epoll.add(&stream, EpollEvent::new(flags, key as u64))?;
        Ok(stream)
    }

    fn come(&mut self, many: usize) -> Result<Instant, Box<dyn Error>> {
        let now = Instant::now();
        for _ in 0..many {
            let stream = self.connect(self.clients.len())?;
            self.clients.push(Client { stream, asked: Asked::NotYet, first: None });
        }
        Ok(now)
    }

    /// Asks and reads until everybody has been answered and a while longer.
    fn go_on(&mut self, until: Instant) -> Result<(), Box<dyn Error>> {
        let mut done: Option<Instant> = None;
        let mut events = [EpollEvent::empty(); 256];
        while Instant::now() < done.map_or(until, |done| until.min(done + STEADY)) {
            let count = self.epoll.wait(&mut events, 100_u16)?;
            for event in &events[..count] {
                self.event(event.data() as usize)?;
            }
            if done.is_none() && self.clients.iter().all(|client| client.first.is_some()) {
                done = Some(Instant::now());
            }
        }
        Ok(())
    }

    fn event(&mut self, key: usize) -> Result<(), Box<dyn Error>> {
        let client = &mut self.clients[key];
        let read = match client.asked {
            Asked::Yes => client.stream.read(&mut [0; 65536]),
            Asked::NotYet => Ok(usize::MAX),
        };
        match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Ok(1..) => {
                if client.asked == Asked::Yes {
                    self.answers += 1;
                    client.first.get_or_insert_with(Instant::now);
                }
                client.asked = Asked::Yes;
                if client.stream.write_all(self.request.as_bytes()).is_ok() {
                    return Ok(());
                }
            }
            Ok(0) => {}
            Err(_) => self.lost += 1,
        }
        // The server has not kept it: it comes again.
        let stream = self.connect(key)?;
        let client = &mut self.clients[key];
        (client.stream, client.asked) = (stream, Asked::NotYet);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = args().skip(1).collect();
    let [address, there, newcomers, target, seconds] = words.as_slice() else {
        return Err("ADDRESS CONNECTIONS NEWCOMERS TARGET SECONDS".into());
    };
    let (there, newcomers): (usize, usize) = (there.parse()?, newcomers.parse()?);
    let mut crowd = Crowd {
        address: address.parse()?,
        request: format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n"),
        epoll: Epoll::new(EpollCreateFlags::empty())?,
        clients: Vec::new(),
        answers: 0,
        lost: 0,
    };
    let until = Instant::now() + Duration::from_secs(seconds.parse()?);
    crowd.come(there)?;
    crowd.go_on(until)?;
    crowd.answers = 0;
    let began = crowd.come(newcomers)?;
    crowd.go_on(until)?;
    let firsts = crowd.clients[there..].iter().filter_map(|client| client.first);
    let mut firsts: Vec<Duration> = firsts.map(|first| first - began).collect();
    firsts.sort_unstable();
    let at = |share: f64| firsts.get((firsts.len() as f64 * share) as usize).copied();
    writeln!(
        std::io::stdout(),
        "half by {:.0?}, 90 % by {:.0?}, the last by {:.0?}, {} never; {:.0} answers/s, {} errors",
        at(0.5).unwrap_or_default(),
        at(0.9).unwrap_or_default(),
        firsts.last().copied().unwrap_or_default(),
        newcomers - firsts.len(),
        crowd.answers as f64 / began.elapsed().as_secs_f64(),
        crowd.lost,
    )?;
    Ok(())
}
