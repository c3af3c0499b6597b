//! The head of a response: status line and fields, by RFC 9112 sections 4 and 5, without any of the
//! leniencies that the RFC allows a recipient.

use super::error::ClientError;
use super::stream::Incoming;
use crate::deadline::Deadline;

/// A head as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) minor_version: u8,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) headers: Fields,
}

/// Header or trailer fields, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Head {
    pub(super) fn read(incoming: &mut Incoming, deadline: Deadline) -> Result<Head, ClientError> {
        if incoming.peek(deadline)?.is_empty() {
            return Err(ClientError::Closed);
        }
        let line = incoming.line("the status line", deadline)?;
        let mut head = Head::from_status_line(&line)
            .ok_or_else(|| ClientError::Malformed(format!("status line {line:?}")))?;
        head.headers = Fields::read(incoming, "the head", deadline)?;
        Ok(head)
    }

    fn from_status_line(line: &str) -> Option<Head> {
        let (minor, rest) = line.strip_prefix("HTTP/1.")?.split_once(' ')?;
        // The space behind the status is part of the grammar even when there is no reason.
        let (status, reason) = rest.split_once(' ')?;
        let digits = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
        let status: u16 = status.parse().ok()?;
        let minor_version = match minor {
            "0" => 0,
            "1" => 1,
            _ => return None,
        };
        (digits && (100..600).contains(&status)).then(|| Head {
            minor_version,
            status,
            reason: reason.to_owned(),
            headers: Fields::default(),
        })
    }
}

impl Fields {
    /// Reads lines up to the empty one.
    pub(super) fn read(
        incoming: &mut Incoming,
        part: &'static str,
        deadline: Deadline,
    ) -> Result<Fields, ClientError> {
        let mut fields = Fields::default();
        loop {
            let line = incoming.line(part, deadline)?;
            if line.is_empty() {
                return Ok(fields);
            }
            let malformed = || ClientError::Malformed(format!("field line {line:?}"));
            let (name, value) = line.split_once(':').ok_or_else(malformed)?;
            if name.is_empty() || !name.bytes().all(is_token_byte) {
                return Err(malformed());
            }
            let value = value.trim_matches([' ', '\t']);
            fields.0.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Every value of a field, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.0.iter().filter(same).map(|field| field.1.as_str())
    }

    /// The value of a field that may come once.
    pub(super) fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, ClientError> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(ClientError::Malformed(format!("{name} more than once"))),
        }
    }

    /// Whether a field that is a list has this member.
    pub(super) fn lists(&self, name: &str, member: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|one| one.trim_matches([' ', '\t']).eq_ignore_ascii_case(member))
    }
}

/// RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
