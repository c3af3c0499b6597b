//! The rules once more, as plainly as they can be said: over bytes that are all there, without
//! limits, without speed, and without a line of the codec's own code.

use std::net::Ipv6Addr;

use super::{BodyLength, KeepAlive};
use crate::drive::Listed;

/// In bytes, of a request's target (that of `http::Uri`).
pub(crate) const LONGEST_TARGET: usize = 65_534;

/// What a piece of a conversation is.
#[derive(Debug)]
pub(crate) enum Verdict<T> {
    Understood(T),
    Incomplete,
    Refused(&'static str),
}

use Verdict::{Incomplete, Refused, Understood};

/// A request, and its body if that was asked for.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) fields: Listed,
    pub(crate) framing: BodyLength,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) body: Option<Body>,
    length: usize,
}

#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) data: Vec<u8>,
    pub(crate) trailers: Listed,
    pub(crate) length: usize,
}

/// All requests that are there from their first byte to their last, up to the one that closes the
/// connection or is refused.
pub(crate) fn conversation(mut bytes: &[u8]) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    while messages.last().is_none_or(|last| last.keep_alive == KeepAlive::Yes) {
        let Understood(mut message) = head(bytes) else { break };
        bytes = &bytes[message.length..];
        let body = match message.framing {
            BodyLength::None => {
                Understood(Body { data: Vec::new(), trailers: Vec::new(), length: 0 })
            }
            BodyLength::Fixed(length) => fixed(bytes, length),
            BodyLength::Chunked => chunked(bytes),
        };
        let Understood(body) = body else { break };
        bytes = &bytes[body.length..];
        message.body = Some(body);
        messages.push(message);
    }
    messages
}

fn fixed(bytes: &[u8], length: u64) -> Verdict<Body> {
    match usize::try_from(length).ok().and_then(|length| bytes.get(..length)) {
        Some(data) => {
            Understood(Body { data: data.to_vec(), trailers: Vec::new(), length: data.len() })
        }
        None => Incomplete,
    }
}

/// A chunked body at the front of `bytes`.
pub(crate) fn chunked(bytes: &[u8]) -> Verdict<Body> {
    let mut at = 0;
    let mut data = Vec::new();
    let mut extensions = 0;
    loop {
        let Some(end) = crlf(&bytes[at..]) else { return Incomplete };
        let line = &bytes[at..at + end];
        at += end + 2;
        let Some(digits) = size_line(line) else { return Refused("chunk-size line") };
        extensions += line.len() - digits;
        let digits = std::str::from_utf8(&line[..digits]).expect("ASCII");
        let Ok(size) = u64::from_str_radix(digits, 16) else { return Refused("chunk size") };
        if extensions > 16 * 1024 {
            return Refused("extensions");
        }
        if size == 0 {
            break;
        }
        let Some(size) = usize::try_from(size).ok() else { return Incomplete };
        let Some(chunk) = bytes[at..].get(..size) else { return Incomplete };
        data.extend_from_slice(chunk);
        at += size;
        match &bytes[at..] {
            [b'\r', b'\n', ..] => at += 2,
            [] | [b'\r'] => return Incomplete,
            _ => return Refused("end of a chunk"),
        }
    }
    let (trailers, length) = match section(&bytes[at..]) {
        Understood(section) => section,
        Incomplete => return Incomplete,
        Refused(why) => return Refused(why),
    };
    const FORBIDDEN: &str = " authorization cache-control connection content-encoding \
        content-length content-range content-type cookie expect forwarded host if-match \
        if-modified-since if-none-match if-range if-unmodified-since keep-alive max-forwards \
        proxy-authorization proxy-connection range te trailer transfer-encoding upgrade ";
    if trailers.iter().any(|(name, _)| FORBIDDEN.contains(&format!(" {name} "))) {
        return Refused("forbidden trailer");
    }
    Understood(Body { data, trailers, length: at + length })
}

/// How many digits a chunk-size line begins with, if the rest is well-formed extensions.
fn size_line(line: &[u8]) -> Option<usize> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut rest = &line[digits..];
    while !rest.is_empty() {
        rest = spaces(rest).strip_prefix(b";")?;
        rest = token(spaces(rest))?;
        if let Some(value) = spaces(rest).strip_prefix(b"=") {
            let value = spaces(value);
            rest = match value.strip_prefix(b"\"") {
                Some(quoted) => quoted_string(quoted)?,
                None => token(value)?,
            };
        }
    }
    (digits > 0).then_some(digits)
}

fn spaces(bytes: &[u8]) -> &[u8] {
    let count = bytes.iter().take_while(|byte| b" \t".contains(byte)).count();
    &bytes[count..]
}

fn token(bytes: &[u8]) -> Option<&[u8]> {
    let count = bytes.iter().take_while(|byte| is_token(**byte)).count();
    (count > 0).then(|| &bytes[count..])
}

fn quoted_string(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(&bytes[at + 1..]),
            b'\\' if is_text(*bytes.get(at + 1)?) => at += 2,
            b'\\' => return None,
            byte if is_text(byte) => at += 1,
            _ => return None,
        }
    }
}

/// A request head at the front of `bytes`.
pub(crate) fn head(bytes: &[u8]) -> Verdict<Message> {
    let skipped = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let bytes = &bytes[skipped..];
    let Some(end) = crlf(bytes) else { return Incomplete };
    let parts: Vec<&[u8]> = bytes[..end].split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else { return Refused("request line") };
    let well_formed = |byte: &u8| is_token(*byte) && !byte.is_ascii_lowercase() && *byte != b'#';
    if !(3..=20).contains(&method.len()) || !method.iter().all(well_formed) {
        return Refused("method");
    }
    let old = match version {
        b"HTTP/1.0" => true,
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => false,
        _ => return Refused("version"),
    };
    if !is_target(method, target) {
        return Refused("target");
    }
    let (fields, length) = match section(&bytes[end + 2..]) {
        Understood(section) => section,
        Incomplete => return Incomplete,
        Refused(why) => return Refused(why),
    };
    let all = |wanted: &str| -> Vec<&[u8]> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| &value[..]).collect()
    };
    match all("host")[..] {
        [] if old => {}
        [host] if host.is_empty() || is_authority(host) => {}
        _ => return Refused("host"),
    }
    if all("content-type").len() > 1 {
        return Refused("content-type");
    }
    let framing = match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => BodyLength::None,
        ([length], []) if !length.is_empty() && length.iter().all(u8::is_ascii_digit) => {
            match std::str::from_utf8(length).expect("ASCII").parse() {
                Ok(length) => BodyLength::Fixed(length),
                Err(_) => return Refused("content-length"),
            }
        }
        ([], [coding]) if !old && coding.eq_ignore_ascii_case(b"chunked") => BodyLength::Chunked,
        _ => return Refused("framing"),
    };
    let expected = all("expect").join(&b","[..]);
    let expected = list(&expected);
    if !old && all("expect").iter().any(|_| true) && expected.iter().any(|e| e != "100-continue") {
        return Refused("expectation");
    }
    let options = all("connection").join(&b","[..]);
    let options = list(&options);
    let has = |option: &str| options.iter().any(|other| other == option);
    let keep_alive = if method == b"CONNECT" || has("close") || (old && !has("keep-alive")) {
        KeepAlive::No
    } else {
        KeepAlive::Yes
    };
    Understood(Message {
        method: method.to_vec(),
        target: target.to_vec(),
        fields: together(&fields),
        framing,
        keep_alive,
        body: None,
        length: skipped + end + 2 + length,
    })
}

/// The elements of a list, in lower case.
fn list(value: &[u8]) -> Vec<String> {
    let text: String = value.iter().map(|byte| char::from(*byte)).collect();
    text.split(',').map(|element| element.trim_matches([' ', '\t']).to_ascii_lowercase()).collect()
}

/// Fields up to the empty line, and how many bytes they were.
fn section(bytes: &[u8]) -> Verdict<(Listed, usize)> {
    let mut fields = Listed::new();
    let mut at = 0;
    loop {
        let Some(end) = crlf(&bytes[at..]) else { return Incomplete };
        let line = &bytes[at..at + end];
        at += end + 2;
        if line.is_empty() {
            return Understood((together(&fields), at));
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Refused("no colon");
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Refused("field name");
        }
        if !value.iter().all(|byte| is_text(*byte)) {
            return Refused("field value");
        }
        let name = String::from_utf8(name.to_ascii_lowercase()).expect("ASCII");
        let value = spaces(value);
        let end = value.iter().rposition(|byte| !b" \t".contains(byte)).map_or(0, |last| last + 1);
        fields.push((name, value[..end].to_vec()));
    }
}

/// Repeats of a name behind its first, as a `HeaderMap` has them.
fn together(fields: &Listed) -> Listed {
    let mut listed = Listed::new();
    for field in fields {
        let behind = listed.iter().rposition(|earlier| earlier.0 == field.0);
        listed.insert(behind.map_or(listed.len(), |at| at + 1), field.clone());
    }
    listed
}

fn is_target(method: &[u8], target: &[u8]) -> bool {
    if target.is_empty() || target.len() > LONGEST_TARGET || !target.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    // The type for URIs holds no percent sign in a host.
    let is_authority = |bytes: &[u8]| is_authority(bytes) && !bytes.contains(&b'%');
    if method == b"CONNECT" {
        let colon = target.iter().rposition(|byte| *byte == b':');
        let port = colon.and_then(|colon| std::str::from_utf8(&target[colon + 1..]).ok());
        return is_authority(target) && port.is_some_and(|port| port.parse::<u16>().is_ok());
    }
    match target {
        [b'/', ..] => true,
        b"*" => method == b"OPTIONS",
        _ => is_absolute(target, is_authority),
    }
}

fn is_absolute(target: &[u8], is_authority: impl Fn(&[u8]) -> bool) -> bool {
    let Some(colon) = target.windows(3).position(|window| window == b"://") else { return false };
    let rest = &target[colon + 3..];
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let scheme = &target[..colon];
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    // No scheme is as long as that, and the type for URIs holds no longer one.
    scheme.len() <= 64
        && scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(letters)
        && is_authority(&rest[..end])
}

/// A host that is not empty, and perhaps a port.
fn is_authority(bytes: &[u8]) -> bool {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    if let Some((address, port)) = text.split_once(']') {
        let address = address.strip_prefix('[').and_then(|text| text.parse::<Ipv6Addr>().ok());
        return address.is_some() && is_port(port);
    }
    let host = text.split(':').next().unwrap_or_default();
    let port = &text[host.len()..];
    let mut pieces = host.split('%');
    let first = pieces.next().unwrap_or_default();
    let mark = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+;=".contains(c);
    let encoded =
        |piece: &str| piece.len() >= 2 && piece.chars().take(2).all(|c| c.is_ascii_hexdigit());
    !host.is_empty()
        && is_port(port)
        && first.chars().all(mark)
        && pieces.all(|piece| encoded(piece) && piece.chars().all(mark))
}

fn is_port(port: &str) -> bool {
    match port.strip_prefix(':') {
        Some(digits) => digits.chars().all(|c| c.is_ascii_digit()),
        None => port.is_empty(),
    }
}

/// The length of the line at the front, if it has an end. A bare LF is not one, and is refused with
/// the line it stands in.
fn crlf(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|window| window == b"\r\n")
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What may stand in a field value or a quoted string.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}
