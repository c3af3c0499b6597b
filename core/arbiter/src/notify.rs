//! systemd's notifications, sd_notify(3): datagrams to the socket that `NOTIFY_SOCKET` names.
//!
//! The master never waits for the other side: a datagram that does not fit into its queue now is sent
//! later, in its order. (The crate `sd-notify` sends on a blocking socket and is of no use here.)

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use oxicorn_core::config::Environment;

/// When a full queue is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// The line to whoever has started us. The default is none: nobody asked.
#[derive(Debug, Default)]
pub struct Notify {
    channel: Option<Channel>,
    watchdog: Option<Watchdog>,
}

#[derive(Debug)]
struct Channel {
    socket: UnixDatagram,
    address: SocketAddr,
    unsent: VecDeque<String>,
}

/// A sign of life is due every so often.
#[derive(Clone, Copy, Debug)]
struct Watchdog {
    every: Duration,
    due: Instant,
}

impl Notify {
    /// What `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say, if they say it to the process
    /// `pid`. What cannot be understood is a WARNING: it is no reason not to serve.
    pub fn of(pid: u32, env: &Environment) -> Notify {
        let read = |name: &str| env.get(OsStr::new(name)).filter(|value| !value.is_empty());
        let Some(path) = read("NOTIFY_SOCKET") else {
            return Notify::default();
        };
        let channel = match Channel::open(path) {
            Ok(channel) => channel,
            Err(error) => {
                tracing::warn!("NOTIFY_SOCKET: {error}");
                return Notify::default();
            }
        };
        let number = |name| read(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
        let ours = read("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(pid.into());
        let interval = number("WATCHDOG_USEC").filter(|&micros| micros > 0 && ours);
        let watchdog = interval.map(|micros| Watchdog {
            every: Duration::from_micros(micros) / 2,
            due: Instant::now(),
        });
        Notify { channel: Some(channel), watchdog }
    }

    /// The server is about to start.
    pub(crate) fn starting(&mut self) {
        self.say("STATUS=Starting".to_owned());
    }

    /// The server serves, with so many workers.
    pub(crate) fn ready(&mut self, workers: usize) {
        let pid = std::process::id();
        self.say(format!("READY=1\nMAINPID={pid}\nSTATUS={}", serving(workers)));
    }

    /// The number of workers that there are to be has changed.
    pub(crate) fn resized(&mut self, workers: usize) {
        self.say(format!("STATUS={}", serving(workers)));
    }

    /// The server has been told to reload.
    pub(crate) fn reloading(&mut self) {
        // Without the clock the message would be refused: the time tells which HUP it answers.
        if let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) {
            let micros = Duration::from(now).as_micros();
            self.say(format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=Reloading"));
        }
    }

    /// This process leaves, and the server goes on as another one.
    pub(crate) fn replaced_by(&mut self, pid: Pid) {
        self.say(format!("MAINPID={pid}\nSTATUS=Replaced by the new binary"));
    }

    /// The server leaves.
    pub(crate) fn stopping(&mut self) {
        self.say("STOPPING=1\nSTATUS=Stopping".to_owned());
    }

    /// Gives the sign of life that is due, and sends what waits.
    pub(crate) fn beat(&mut self) {
        let now = Instant::now();
        if let Some(watchdog) = self.watchdog.as_mut().filter(|watchdog| watchdog.due <= now) {
            watchdog.due = now + watchdog.every;
            // One that waits is as good as two.
            if self.channel.as_ref().is_some_and(|channel| channel.unsent.is_empty()) {
                return self.say("WATCHDOG=1".to_owned());
            }
        }
        self.flush();
    }

    /// When [`Notify::beat`] is due, from now.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let waits = self.channel.as_ref().is_some_and(|channel| !channel.unsent.is_empty());
        let sign = self.watchdog.map(|w| w.due.saturating_duration_since(Instant::now()));
        sign.into_iter().chain(waits.then_some(AGAIN)).min()
    }

    fn say(&mut self, message: String) {
        if let Some(channel) = &mut self.channel {
            channel.unsent.push_back(message);
        }
        self.flush();
    }

    fn flush(&mut self) {
        let flushed = self.channel.as_mut().map_or(Ok(()), Channel::flush);
        if let Err(error) = flushed {
            tracing::warn!("Nobody can be notified any more: NOTIFY_SOCKET: {error}");
            *self = Notify::default();
        }
    }
}

fn serving(workers: usize) -> String {
    match workers {
        1 => "Serving with 1 worker".to_owned(),
        workers => format!("Serving with {workers} workers"),
    }
}

impl Channel {
    fn open(path: &OsStr) -> io::Result<Channel> {
        let address = match path.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(path)?,
            _ => return Err(io::Error::other("neither a path nor @NAME")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Channel { socket, address, unsent: VecDeque::new() })
    }

    /// Sends what can be sent now.
    fn flush(&mut self) -> io::Result<()> {
        while let Some(message) = self.unsent.front() {
            match self.socket.send_to_addr(message.as_bytes(), &self.address) {
                Ok(_) => drop(self.unsent.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Systemd {
        socket: UnixDatagram,
        folder: tempfile::TempDir,
    }

    impl Systemd {
        fn new() -> Systemd {
            let folder = tempfile::tempdir().unwrap();
            let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
            socket.set_nonblocking(true).unwrap();
            Systemd { socket, folder }
        }

        fn notify(&self, more: &[(&str, &str)]) -> Notify {
            let path = self.folder.path().join("notify");
            let mut env: Environment =
                more.iter().map(|(name, value)| (name.into(), value.into())).collect();
            env.insert("NOTIFY_SOCKET".into(), path.into());
            Notify::of(7, &env)
        }

        fn next(&self) -> Option<String> {
            let mut buffer = [0; 256];
            let length = self.socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        }
    }

    #[test]
    fn the_messages_are_systemds() {
        let systemd = Systemd::new();
        let mut notify = systemd.notify(&[]);
        notify.ready(2);
        let ready =
            format!("READY=1\nMAINPID={}\nSTATUS=Serving with 2 workers", std::process::id());
        assert_eq!(systemd.next(), Some(ready));
        notify.reloading();
        let reloading = systemd.next().unwrap();
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        notify.stopping();
        assert_eq!(systemd.next(), Some("STOPPING=1\nSTATUS=Stopping".to_owned()));
        assert_eq!(notify.next_due(), None);
        notify.beat();
        assert_eq!(systemd.next(), None);
    }

    #[test]
    fn a_sign_of_life_is_given_at_half_the_time() {
        let systemd = Systemd::new();
        let hour = ("WATCHDOG_USEC", "3600000000");
        let mut notify = systemd.notify(&[hour, ("WATCHDOG_PID", "7")]);
        assert_eq!(notify.next_due(), Some(Duration::ZERO));
        notify.beat();
        notify.beat();
        assert_eq!((systemd.next().as_deref(), systemd.next()), (Some("WATCHDOG=1"), None));
        let due = notify.next_due().unwrap().as_secs();
        assert!((1700..=1800).contains(&due), "{due}");
        for other in [&[hour, ("WATCHDOG_PID", "8")][..], &[("WATCHDOG_USEC", "0")], &[]] {
            assert_eq!(systemd.notify(other).next_due(), None);
        }
    }

    #[test]
    fn a_full_queue_is_not_waited_for_and_nothing_is_lost() {
        let systemd = Systemd::new();
        let mut notify = systemd.notify(&[]);
        const MANY: usize = 2000;
        (1..=MANY).for_each(|number| notify.resized(number));
        assert_eq!(notify.next_due(), Some(AGAIN));
        let mut last = String::new();
        for _ in 0..MANY {
            last = systemd.next().unwrap();
            notify.beat();
        }
        assert_eq!(last, format!("STATUS=Serving with {MANY} workers"));
        assert_eq!(notify.next_due(), None);
    }

    #[test]
    fn nobody_there_is_no_reason_to_stop() {
        let systemd = Systemd::new();
        let mut notify = systemd.notify(&[("WATCHDOG_USEC", "1000000")]);
        drop(systemd);
        notify.ready(1);
        assert_eq!(notify.next_due(), None);
        let nonsense = Environment::from([("NOTIFY_SOCKET".into(), "vsock:2:1234".into())]);
        assert!(Notify::of(7, &nonsense).channel.is_none());
    }
}
