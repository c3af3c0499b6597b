//! A request as words of shared memory: what a reader in another process needs to name it, and
//! nothing that has to be formatted, allocated or followed. The reader takes what it finds: an entry
//! that changes under its eyes gives a wrong line, never a fault.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, Version};

use super::claim::Claim;
use crate::listener::Peer;

/// Words of an entry: 256 bytes.
pub(super) const WORDS: usize = 32;

const SINCE: usize = 0;
const LENGTHS: usize = 1;
const CLAIM: usize = 2;
const PEER: usize = 3;
const ADDRESS: usize = 4;
const TEXT: usize = 6;
/// Room for the method, a space and the target.
const ROOM: usize = (WORDS - TEXT) * 8;

const UNIX: u64 = 0;
const INET: u64 = 4;
const INET6: u64 = 6;

/// What is kept of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target as received.
    pub target: &'a [u8],
    /// Its version.
    pub version: Version,
    /// Who has sent it.
    pub peer: &'a Peer,
}

/// The words of one entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a>(pub(super) &'a [AtomicU64]);

impl Entry<'_> {
    fn set(self, word: usize, value: u64) {
        self.0[word].store(value, Ordering::Relaxed);
    }

    fn get(self, word: usize) -> u64 {
        self.0[word].load(Ordering::Relaxed)
    }

    pub(super) fn claim(&self) -> Claim<'_> {
        Claim(&self.0[CLAIM])
    }

    pub(super) fn write(self, request: Request<'_>, since: u64) {
        let mut text = [0; ROOM];
        let (mut stored, mut total) = (0, 0);
        for part in [request.method.as_str().as_bytes(), b" ", request.target] {
            let count = part.len().min(ROOM - stored);
            text[stored..stored + count].copy_from_slice(&part[..count]);
            stored += count;
            total += part.len();
        }
        for (word, bytes) in text.as_chunks().0.iter().take(stored.div_ceil(8)).enumerate() {
            self.set(TEXT + word, u64::from_ne_bytes(*bytes));
        }
        let old = u64::from(request.version == Version::HTTP_10);
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        self.set(LENGTHS, u64::from(total) << 32 | old << 16 | stored as u64);
        self.write_peer(request.peer);
        self.0[SINCE].store(since.max(1), Ordering::Release);
    }

    fn write_peer(self, peer: &Peer) {
        let Peer::Tcp(address) = peer else { return self.set(PEER, UNIX) };
        let (kind, ip) = match address.ip() {
            IpAddr::V4(ip) => (INET, u128::from(u32::from(ip))),
            IpAddr::V6(ip) => (INET6, u128::from(ip)),
        };
        self.set(PEER, u64::from(address.port()) << 16 | kind);
        self.set(ADDRESS, (ip >> 64) as u64);
        self.set(ADDRESS + 1, ip as u64);
    }

    /// It names nothing any more.
    pub(super) fn clear(self) {
        self.set(SINCE, 0);
    }

    /// Since when it is taken; none: it is not.
    pub(super) fn since(self) -> Option<u64> {
        Some(self.0[SINCE].load(Ordering::Acquire)).filter(|&since| since != 0)
    }

    pub(super) fn read(self) -> Option<Named> {
        let since = self.since()?;
        let lengths = self.get(LENGTHS);
        let stored = (lengths & 0xffff) as usize;
        let text: Vec<u8> =
            (TEXT..WORDS).flat_map(|word| self.get(word).to_ne_bytes()).take(stored).collect();
        let cut = match lengths >> 32 > stored as u64 {
            true => Cut::Yes,
            false => Cut::No,
        };
        let version = match lengths >> 16 & 0xffff {
            0 => Version::HTTP_11,
            _ => Version::HTTP_10,
        };
        Some(Named { since, text, cut, version, peer: self.read_peer() })
    }

    fn read_peer(self) -> Peer {
        let (word, high, low) = (self.get(PEER), self.get(ADDRESS), self.get(ADDRESS + 1));
        let ip = match word & 0xffff {
            INET => IpAddr::from((low as u32).to_be_bytes()),
            INET6 => Ipv6Addr::from(u128::from(high) << 64 | u128::from(low)).into(),
            _ => return Peer::Unix,
        };
        Peer::Tcp(SocketAddr::new(ip, (word >> 16) as u16))
    }
}

/// Whether a text is all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    No,
    Yes,
}

/// A request, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// [`crate::sys::coarse_millis`].
    pub(crate) since: u64,
    /// The method, a space and the target, as far as there was room.
    pub(crate) text: Vec<u8>,
    pub(crate) cut: Cut,
    pub(crate) version: Version,
    pub(crate) peer: Peer,
}

impl Named {
    /// For how long the application has had it.
    pub(crate) fn age(&self, now: u64) -> Duration {
        Duration::from_millis(now.saturating_sub(self.since))
    }
}

impl fmt::Display for Named {
    /// Escaped: whatever the client has sent, this neither ends a line nor hides in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text.escape_ascii())?;
        match self.cut {
            Cut::No => Ok(()),
            Cut::Yes => f.write_str("..."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn through(method: &str, target: &[u8], peer: Peer, version: Version) -> Named {
        let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(u64::MAX)).collect();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let entry = Entry(&words);
        entry.write(Request { method: &method, target, version, peer: &peer }, 5);
        entry.read().unwrap()
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        for peer in ["1.2.3.4:5", "[2001:db8::1]:65535"] {
            let peer = Peer::Tcp(peer.parse().unwrap());
            let named = through("GET", b"/a?b", peer, Version::HTTP_10);
            assert_eq!((named.since, named.peer, named.version), (5, peer, Version::HTTP_10));
            assert_eq!(named.to_string(), "GET /a?b");
        }
        assert_eq!(through("GET", b"/", Peer::Unix, Version::HTTP_11).peer, Peer::Unix);
    }

    #[test]
    fn no_target_can_forge_a_line() {
        let named = through("GET", b"/\n[1] [INFO] x\x1b", Peer::Unix, Version::HTTP_11);
        assert_eq!(named.to_string(), r"GET /\n[1] [INFO] x\x1b");
    }

    #[test]
    fn a_cleared_entry_names_nothing() {
        let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        let entry = Entry(&words);
        assert_eq!(entry.read(), None);
        let request = Request {
            method: &Method::GET,
            target: b"/",
            version: Version::HTTP_11,
            peer: &Peer::Unix,
        };
        entry.write(request, 0);
        assert!(entry.read().is_some(), "the clock's zero is no free entry");
        entry.clear();
        assert_eq!(entry.read(), None);
    }

    proptest! {
        #[test]
        fn what_is_too_long_is_cut_and_says_so(method in "[A-Z]{1,300}", target: Vec<u8>) {
            let named = through(&method, &target, Peer::Unix, Version::HTTP_11);
            let whole = [method.as_bytes(), b" ", &target].concat();
            prop_assert_eq!(&named.text[..], &whole[..whole.len().min(ROOM)]);
            prop_assert_eq!(named.cut == Cut::Yes, whole.len() > ROOM);
        }
    }
}
