//! `access_log_format`, read once. A format is compiled into pieces, so that writing a line matches
//! on an enum and looks nothing up; and into the list of the headers that it names, so that a
//! request keeps those and no others until its line is written.
//!
//! Two differences from gunicorn. What is no atom is an error when the server starts, not a line of
//! `-` or a traceback for each request. And `%({name}e)s` is a variable of the process' environment,
//! with its exact name, because there is no WSGI environment here; it is read when the format is.

use std::os::unix::ffi::OsStrExt;

use http::HeaderName;
use http::header::{AUTHORIZATION, REFERER, USER_AGENT};

use super::escape::escape;
use crate::log::fields::Syntax;

/// What is known only when the line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Atom {
    /// The client's address.
    Client,
    /// The moment at which the line is written.
    Time,
    RequestLine,
    Method,
    /// The target without its query, decoded.
    Path,
    Query,
    Protocol,
    Status,
    /// Bytes of the response's body.
    Bytes,
    Seconds,
    Millis,
    Micros,
    /// Seconds with six decimals.
    Decimal,
    Pid,
    /// A kept header, by its place in [`Format::kept`].
    Header(usize),
    /// The user's name in a kept Authorization header.
    User(usize),
}

/// What a row of [`ATOMS`] stands for.
enum Meaning {
    Nothing,
    Atom(Atom),
    Header(HeaderName),
    User,
}

/// One of the atoms that are a single letter.
pub struct AtomRow {
    /// What stands between the parentheses.
    pub name: &'static str,
    /// What it becomes.
    pub doc: &'static str,
    meaning: Meaning,
}

macro_rules! atoms {
    ($($name:literal $meaning:expr, $doc:literal;)*) => {
        &[$(AtomRow { name: $name, doc: $doc, meaning: $meaning }),*]
    };
}

/// Every atom of one letter. The others are `{header}i`, `{header}o` and `{variable}e`.
pub static ATOMS: &[AtomRow] = atoms! {
    "h" Meaning::Atom(Atom::Client), "address of the client; - over a unix socket";
    "l" Meaning::Nothing, "always -";
    "u" Meaning::User, "user name of basic authentication";
    "t" Meaning::Atom(Atom::Time), "moment of the line, as [23/Nov/2026:07:32:17 +0000]";
    "r" Meaning::Atom(Atom::RequestLine), "request line: method, target as received, protocol";
    "m" Meaning::Atom(Atom::Method), "method";
    "U" Meaning::Atom(Atom::Path), "path without the query, percent-decoded";
    "q" Meaning::Atom(Atom::Query), "query without its question mark; empty if there is none";
    "H" Meaning::Atom(Atom::Protocol), "protocol";
    "s" Meaning::Atom(Atom::Status), "status";
    "B" Meaning::Atom(Atom::Bytes), "bytes of the response's body";
    "b" Meaning::Atom(Atom::Bytes), "bytes of the response's body; 0 is 0, as in gunicorn";
    "f" Meaning::Header(REFERER), "Referer";
    "a" Meaning::Header(USER_AGENT), "User-Agent";
    "T" Meaning::Atom(Atom::Seconds), "duration in whole seconds";
    "M" Meaning::Atom(Atom::Millis), "duration in whole milliseconds";
    "D" Meaning::Atom(Atom::Micros), "duration in microseconds";
    "L" Meaning::Atom(Atom::Decimal), "duration in seconds with six decimals";
    "p" Meaning::Atom(Atom::Pid), "process of the worker, as <pid>";
};

/// A part of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Atom(Atom),
}

/// Whose header it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// What a line is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The pieces of a format.
    Pieces,
    /// The fields of an object, see [`super::object`].
    Object(Syntax),
}

/// A compiled format.
#[derive(Clone, Debug)]
pub struct Format {
    pub(super) style: Style,
    pub(super) pieces: Vec<Piece>,
    /// The headers that its lines need.
    pub(super) kept: Vec<(Side, HeaderName)>,
}

impl Format {
    /// Compiles a format; `%%` is a percent sign.
    ///
    /// # Errors
    /// What is wrong, naming the piece that is.
    pub fn parse(text: &str) -> Result<Format, String> {
        let mut format = Format::nothing();
        if let Some(c) = text.chars().find(|c| c.is_control() && *c != '\t') {
            return Err(format!("{c:?} cannot stand in a line"));
        }
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            format.text(before.as_bytes());
            rest = if let Some(inside) = behind.strip_prefix('(') {
                let (name, behind) = inside
                    .split_once(')')
                    .ok_or_else(|| format!("\"%({inside}\" has no closing parenthesis"))?;
                let written = name.len() + 3 + behind.chars().next().map_or(0, char::len_utf8);
                let piece = &rest[before.len()..before.len() + written];
                let behind = behind
                    .strip_prefix('s')
                    .ok_or_else(|| format!("{piece:?} should be \"%({name})s\""))?;
                format.atom(name).map_err(|why| format!("{piece:?}: {why}"))?;
                behind
            } else if let Some(behind) = behind.strip_prefix('%') {
                format.text(b"%");
                behind
            } else {
                let piece: String = behind.chars().take(1).collect();
                return Err(format!(
                    "\"%{piece}\" is no atom: they are written %(name)s, a percent sign %%"
                ));
            };
        }
        format.text(rest.as_bytes());
        Ok(format)
    }

    /// The format where there are no lines: a request keeps nothing for it.
    pub(super) fn nothing() -> Format {
        Format { style: Style::Pieces, pieces: Vec::new(), kept: Vec::new() }
    }

    /// The format of lines that are objects.
    pub(super) fn object(syntax: Syntax) -> Format {
        // In the order of the places that `super::object` names.
        let kept = vec![(Side::Request, USER_AGENT), (Side::Request, REFERER)];
        Format { style: Style::Object(syntax), pieces: Vec::new(), kept }
    }

    fn text(&mut self, text: &[u8]) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.extend_from_slice(text),
            _ => self.pieces.push(Piece::Text(text.to_vec())),
        }
    }

    fn keep(&mut self, side: Side, name: HeaderName) -> usize {
        let wanted = (side, name);
        self.kept.iter().position(|kept| *kept == wanted).unwrap_or_else(|| {
            self.kept.push(wanted);
            self.kept.len() - 1
        })
    }

    fn atom(&mut self, name: &str) -> Result<(), String> {
        if let Some((inside, kind)) = name.strip_prefix('{').and_then(|n| n.rsplit_once('}')) {
            let side = match kind {
                "i" => Side::Request,
                "o" => Side::Response,
                "e" => {
                    self.variable(inside);
                    return Ok(());
                }
                _ => return Err(unknown()),
            };
            let header = HeaderName::from_bytes(inside.as_bytes())
                .map_err(|_| format!("{inside:?} is not a header's name"))?;
            let place = self.keep(side, header);
            self.pieces.push(Piece::Atom(Atom::Header(place)));
            return Ok(());
        }
        let row = ATOMS.iter().find(|row| row.name == name).ok_or_else(unknown)?;
        let atom = match &row.meaning {
            Meaning::Nothing => {
                self.text(b"-");
                return Ok(());
            }
            Meaning::Atom(atom) => *atom,
            Meaning::Header(header) => Atom::Header(self.keep(Side::Request, header.clone())),
            Meaning::User => Atom::User(self.keep(Side::Request, AUTHORIZATION)),
        };
        self.pieces.push(Piece::Atom(atom));
        Ok(())
    }

    fn variable(&mut self, name: &str) {
        let mut text = Vec::new();
        match std::env::var_os(name) {
            Some(value) => escape(&mut text, value.as_bytes()),
            None => text.push(b'-'),
        }
        self.text(&text);
    }

    /// Whether its lines hold this.
    pub(super) fn has(&self, atom: Atom) -> bool {
        self.pieces.contains(&Piece::Atom(atom))
    }
}

fn unknown() -> String {
    let names: Vec<_> = ATOMS.iter().map(|row| row.name).collect();
    format!(
        "there is no such atom (there are {}, {{header}}i, {{header}}o, {{variable}}e)",
        names.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_atom_of_gunicorn_is_there_once() {
        let mut names: Vec<_> = ATOMS.iter().map(|row| row.name).collect();
        assert_eq!(names.concat(), "hlutrmUqHsBbfaTMDLp");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ATOMS.len());
        assert!(ATOMS.iter().all(|row| !row.doc.is_empty()));
    }

    #[test]
    fn texts_are_joined_and_headers_kept_once() {
        let format = Format::parse("100%% %(l)s%(f)s|%({Referer}i)s|%({ReFerer}o)s").unwrap();
        let text = |text: &str| Piece::Text(text.as_bytes().to_vec());
        let header = |place| Piece::Atom(Atom::Header(place));
        assert_eq!(
            format.pieces,
            [text("100% -"), header(0), text("|"), header(0), text("|"), header(1)]
        );
        assert_eq!(format.kept, [(Side::Request, REFERER), (Side::Response, REFERER)]);
        assert!(Format::parse("").unwrap().pieces.is_empty());
        assert!(Format::parse("%(t)s").unwrap().has(Atom::Time));
    }

    #[test]
    fn an_error_names_the_piece() {
        for (text, piece) in [
            ("%(h)s %(z)s", "\"%(z)s\""),
            ("%(hh)s", "\"%(hh)s\""),
            ("%()s", "\"%()s\""),
            ("%(h)d", "\"%(h)d\" should be \"%(h)s\""),
            ("%(h)", "\"%(h)\" should be"),
            ("%(h)é", "\"%(h)é\" should be"),
            ("a %(h", "\"%(h\""),
            ("%h", "\"%h\""),
            ("100%", "\"%\""),
            ("%({a b}i)s", "\"a b\" is not a header's name"),
            ("%({}o)s", "\"\" is not a header's name"),
            ("%({host}x)s", "\"%({host}x)s\""),
            ("%({host)s", "\"%({host)s\""),
            ("a\nb", "'\\n'"),
        ] {
            let error = Format::parse(text).unwrap_err();
            assert!(error.contains(piece), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
