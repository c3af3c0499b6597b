//! A line as one object of keys and values, in JSON (RFC 8259) or logfmt. Both logs write with this,
//! so that both are read in the same way, and what keeps a value from breaking its line is written
//! once: a value ends where its quotes end, whatever is in it.
//!
//! Values are text: bytes that are no UTF-8 become U+FFFD, as `String::from_utf8_lossy` has it.

use std::borrow::Cow;

use super::line::is_harmful;
use crate::config::LogFormat;

/// How an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// `{"key":"value","number":1}`
    Json,
    /// `key=value number=1 quoted="a value"`
    Logfmt,
}

impl Syntax {
    /// None: lines are text.
    pub(crate) fn of(format: LogFormat) -> Option<Syntax> {
        match format {
            LogFormat::Text => None,
            LogFormat::Json => Some(Syntax::Json),
            LogFormat::Logfmt => Some(Syntax::Logfmt),
        }
    }
}

/// Whether every value is there in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Whole,
    Cut,
}

/// An object that is being appended to a buffer. Keys are ours: they need no escape.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    syntax: Syntax,
    start: usize,
    most: usize,
    values: Values,
}

impl<'a> Object<'a> {
    /// An object whose texts have at most `most` bytes each, escapes included; one that is cut has
    /// a `truncated` at its end.
    pub(crate) fn begin(out: &'a mut Vec<u8>, syntax: Syntax, most: usize) -> Object<'a> {
        let start = out.len();
        Object { out, syntax, start, most, values: Values::Whole }
    }

    /// Inlined, as who calls it: where the key is a constant it is a few stores then instead of a call
    /// of memcpy, and a line has a dozen of keys.
    #[inline(always)]
    fn key(&mut self, key: &str) {
        let first = self.out.len() == self.start;
        match (self.syntax, first) {
            (Syntax::Json, true) => self.out.extend_from_slice(b"{\""),
            (Syntax::Json, false) => self.out.extend_from_slice(b",\""),
            (Syntax::Logfmt, true) => {}
            (Syntax::Logfmt, false) => self.out.push(b' '),
        }
        self.out.extend_from_slice(key.as_bytes());
        match self.syntax {
            Syntax::Json => self.out.extend_from_slice(b"\":"),
            Syntax::Logfmt => self.out.push(b'='),
        }
    }

    /// A whole number.
    #[inline(always)]
    pub(crate) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        self.digits(value);
    }

    fn digits(&mut self, value: u64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A text that `write` appends: printable ASCII without spaces, quotes, backslashes and equals
    /// signs.
    #[inline(always)]
    pub(crate) fn bare(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(key);
        let quote: &[u8] = match self.syntax {
            Syntax::Json => b"\"",
            Syntax::Logfmt => b"",
        };
        self.out.extend_from_slice(quote);
        write(self.out);
        self.out.extend_from_slice(quote);
    }

    /// Any bytes.
    #[inline(always)]
    pub(crate) fn text(&mut self, key: &str, value: &[u8]) {
        self.key(key);
        self.any(value);
    }

    fn any(&mut self, value: &[u8]) {
        let fits = value.len() <= self.most;
        if self.syntax == Syntax::Logfmt && fits && is_bare(value) {
            return self.out.extend_from_slice(value);
        }
        self.out.push(b'"');
        if fits && is_plain(value) {
            self.out.extend_from_slice(value);
        } else {
            self.escaped(value);
        }
        self.out.push(b'"');
    }

    fn escaped(&mut self, value: &[u8]) {
        let end = self.out.len().saturating_add(self.most);
        for chunk in value.utf8_chunks() {
            let replaced = (!chunk.invalid().is_empty()).then_some('\u{fffd}');
            for c in chunk.valid().chars().chain(replaced) {
                let mut space = [0; 4];
                let unit = unit(c, &mut space);
                if self.out.len() + unit.len() > end {
                    self.values = Values::Cut;
                    return;
                }
                self.out.extend_from_slice(&unit);
            }
        }
    }

    /// Ends the object; a line feed is not part of it.
    pub(crate) fn end(mut self) {
        if self.values == Values::Cut {
            self.key("truncated");
            self.out.extend_from_slice(b"true");
        }
        if self.syntax == Syntax::Json {
            self.out.push(b'}');
        }
    }
}

/// Printable ASCII without quotes and backslashes. Without a branch in the loop it is looked at
/// sixteen bytes at a time.
fn is_plain(value: &[u8]) -> bool {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\');
    value.iter().fold(true, |all, &byte| all & plain(byte))
}

/// What logfmt needs no quotes for.
fn is_bare(value: &[u8]) -> bool {
    let bare = |byte: u8| matches!(byte, b'!'..=b'~') & (byte != b'=');
    !value.is_empty() && is_plain(value) && value.iter().fold(true, |all, &byte| all & bare(byte))
}

/// A character, or its escape, of which JSON and logfmt have the same.
fn unit(c: char, space: &mut [u8; 4]) -> Cow<'_, [u8]> {
    match c {
        '"' => Cow::Borrowed(b"\\\""),
        '\\' => Cow::Borrowed(b"\\\\"),
        '\n' => Cow::Borrowed(b"\\n"),
        '\r' => Cow::Borrowed(b"\\r"),
        '\t' => Cow::Borrowed(b"\\t"),
        // All of these are in the first plane: four digits are enough.
        c if is_harmful(c) => Cow::Owned(format!("\\u{:04x}", u32::from(c)).into_bytes()),
        c => Cow::Borrowed(c.encode_utf8(space).as_bytes()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Undoes the escapes of a quoted value, through the JSON reader.
    fn unquoted(text: &str) -> String {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Reads one line of logfmt.
    pub(crate) fn read_logfmt(line: &str) -> BTreeMap<String, String> {
        let (mut read, mut rest) = (BTreeMap::new(), line);
        while !rest.is_empty() {
            let (key, behind) = rest.split_once('=').unwrap();
            let end = if behind.starts_with('"') {
                let mut escaped = false;
                let closing = behind.bytes().skip(1).position(|byte| {
                    let closes = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    closes
                });
                closing.unwrap() + 2
            } else {
                behind.find(' ').unwrap_or(behind.len())
            };
            let (value, behind) = behind.split_at(end);
            let value = if value.starts_with('"') { unquoted(value) } else { value.to_owned() };
            assert!(read.insert(key.to_owned(), value).is_none(), "{key} twice: {line}");
            rest = behind.strip_prefix(' ').unwrap_or(behind);
        }
        read
    }

    /// Reads one line of either, numbers as text.
    pub(crate) fn read(syntax: Syntax, line: &str) -> BTreeMap<String, String> {
        match syntax {
            Syntax::Logfmt => read_logfmt(line),
            Syntax::Json => {
                let read: BTreeMap<String, serde_json::Value> =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
                let text = |value: serde_json::Value| match value {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                read.into_iter().map(|(key, value)| (key, text(value))).collect()
            }
        }
    }

    fn written(syntax: Syntax, most: usize, values: &[Vec<u8>]) -> String {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out, syntax, most);
        for (number, value) in values.iter().enumerate() {
            object.text(&format!("key{number}"), value);
        }
        object.number("count", 7);
        object.end();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let values = ["a", "a b", "", "a=b", "\"\\\n", "é"].map(|text| text.as_bytes().to_vec());
        assert_eq!(
            written(Syntax::Json, 99, &values),
            r#"{"key0":"a","key1":"a b","key2":"","key3":"a=b","key4":"\"\\\n","key5":"é","count":7}"#
        );
        assert_eq!(
            written(Syntax::Logfmt, 99, &values),
            r#"key0=a key1="a b" key2="" key3="a=b" key4="\"\\\n" key5="é" count=7"#
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_line_that_reads_back(values: Vec<Vec<u8>>) {
            for syntax in [Syntax::Json, Syntax::Logfmt] {
                let line = written(syntax, usize::MAX, &values);
                prop_assert!(!line.chars().any(is_harmful), "{}", line);
                let read = read(syntax, &line);
                prop_assert_eq!(read.len(), values.len() + 1);
                prop_assert_eq!(&read["count"], "7");
                for (number, value) in values.iter().enumerate() {
                    let expected = String::from_utf8_lossy(value);
                    prop_assert_eq!(&read[&format!("key{number}")], &expected);
                }
            }
        }

        #[test]
        fn what_is_cut_is_still_an_object(value: Vec<u8>, most in 0usize..30) {
            for syntax in [Syntax::Json, Syntax::Logfmt] {
                let line = written(syntax, most, std::slice::from_ref(&value));
                let read = read(syntax, &line);
                let whole = String::from_utf8_lossy(&value);
                prop_assert!(whole.starts_with(&read["key0"]), "{}", line);
                prop_assert_eq!(read.contains_key("truncated"), read["key0"] != whole);
                prop_assert!(line.len() <= most + 50);
            }
        }
    }
}
