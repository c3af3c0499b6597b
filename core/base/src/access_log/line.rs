//! One line, from a compiled format and what is known of a request. Everything is appended to the
//! buffer that is sent to the log, number by number: no `format!`, nothing allocated.

use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, Version};

use super::escape::{escape, escape_byte};
use super::format::{Atom, Format, Piece};
use super::{target, user};
use crate::listener::Peer;
use crate::log::stamp::padded;

/// What is known of a request when its line is written.
pub(super) struct Record<'a> {
    pub(super) head: Head<'a>,
    pub(super) peer: &'a Peer,
    /// None: no response was begun.
    pub(super) status: Option<StatusCode>,
    pub(super) bytes: u64,
    /// None: nobody has measured it.
    pub(super) duration: Option<Duration>,
    /// The present moment as it stands in a line; empty where the format does not ask.
    pub(super) time: &'a [u8],
    /// For lines that are objects.
    pub(super) request_id: Option<&'a [u8]>,
    /// None: nobody has measured it.
    pub(super) queued: Option<Duration>,
    pub(super) pid: u32,
}

/// The request itself.
#[derive(Clone, Copy)]
pub(super) enum Head<'a> {
    Parsed(Parsed<'a>),
    /// What has come of a request line.
    Refused(&'a [u8]),
}

/// A request that is one.
#[derive(Clone, Copy)]
pub(super) struct Parsed<'a> {
    pub(super) method: &'a Method,
    pub(super) target: &'a [u8],
    pub(super) version: Version,
    /// In the order of [`Format::kept`].
    pub(super) kept: &'a [Option<HeaderValue>],
}

impl<'a> Parsed<'a> {
    pub(super) fn header(&self, place: usize) -> Option<&'a [u8]> {
        let value = self.kept.get(place)?.as_ref()?;
        Some(value.as_bytes())
    }
}

/// Appends the line of a request, with its line feed.
pub(super) fn write(out: &mut Vec<u8>, format: &Format, record: &Record<'_>) {
    for piece in &format.pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Atom(atom) => write_atom(out, *atom, record),
        }
    }
    out.push(b'\n');
}

fn write_atom(out: &mut Vec<u8>, atom: Atom, record: &Record<'_>) {
    let parsed = match record.head {
        Head::Parsed(parsed) => Some(parsed),
        Head::Refused(_) => None,
    };
    let duration = record.duration;
    match atom {
        Atom::Client => known(out, record.peer.ip(), client),
        Atom::Time => out.extend_from_slice(record.time),
        Atom::RequestLine => match record.head {
            Head::Parsed(parsed) => request_line(out, parsed),
            Head::Refused(line) => known(out, (!line.is_empty()).then_some(line), escape),
        },
        Atom::Method => known(out, parsed, |out, p| method(out, p.method)),
        Atom::Path => known(out, parsed, |out, p| path(out, target::path(p.target))),
        Atom::Query => known(out, parsed, |out, p| escape(out, target::query(p.target))),
        Atom::Protocol => known(out, parsed, |out, p| {
            out.extend_from_slice(protocol(p.version));
        }),
        Atom::Header(place) => known(out, parsed.and_then(|p| p.header(place)), escape),
        Atom::User(place) => known(out, parsed.and_then(|p| p.header(place)), |out, value| {
            let mut space = user::Space::default();
            known(out, user::name(value, &mut space), escape);
        }),
        Atom::Status => known(out, record.status, |out, status| {
            out.extend_from_slice(status.as_str().as_bytes());
        }),
        Atom::Bytes => number(out, record.bytes),
        Atom::Seconds => known(out, duration, |out, d| number(out, d.as_secs())),
        Atom::Millis => known(out, duration, |out, d| number(out, whole(d, 1000))),
        Atom::Micros => known(out, duration, |out, d| number(out, whole(d, 1_000_000))),
        Atom::Decimal => known(out, duration, |out, d| {
            number(out, d.as_secs());
            out.push(b'.');
            padded(out, d.subsec_micros(), 6);
        }),
        Atom::Pid => {
            out.push(b'<');
            number(out, record.pid.into());
            out.push(b'>');
        }
    }
}

/// Writes a value if there is one, and gunicorn's hyphen if not.
fn known<T>(out: &mut Vec<u8>, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        Some(value) => write(out, value),
        None => out.push(b'-'),
    }
}

fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A duration in whole units of which a second has `units` (a divisor of 1,000,000).
fn whole(duration: Duration, units: u32) -> u64 {
    let rest = duration.subsec_micros() / (1_000_000 / units);
    let seconds = duration.as_secs().saturating_mul(units.into());
    seconds.saturating_add(rest.into())
}

pub(super) fn client(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [first, others @ ..] = address.octets();
            number(out, first.into());
            for octet in others {
                out.push(b'.');
                number(out, octet.into());
            }
        }
        // The formatting machinery after all: the short form of RFC 5952 is not worth writing twice,
        // and a Vec takes everything.
        IpAddr::V6(address) => {
            let _ = write!(out, "{address}");
        }
    }
}

fn method(out: &mut Vec<u8>, method: &Method) {
    escape(out, method.as_str().as_bytes());
}

pub(super) fn protocol(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_09 => b"HTTP/0.9",
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        Version::HTTP_3 => b"HTTP/3.0",
        _ => b"HTTP/1.1",
    }
}

fn request_line(out: &mut Vec<u8>, parsed: Parsed<'_>) {
    method(out, parsed.method);
    out.push(b' ');
    escape(out, parsed.target);
    out.push(b' ');
    out.extend_from_slice(protocol(parsed.version));
}

fn path(out: &mut Vec<u8>, path: &[u8]) {
    if memchr::memchr(b'%', path).is_none() {
        escape(out, path);
    } else {
        target::decoded(path).for_each(|byte| escape_byte(out, byte));
    }
}

#[cfg(test)]
mod tests;
