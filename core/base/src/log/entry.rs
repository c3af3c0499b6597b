//! One thing that the server has to say, before it is decided how that is written. The same entry is
//! a line of the file, in one of three formats, and a message to syslog.

use std::fmt::{self, Write};

use super::fields::{Object, Syntax};
use super::line::{LINE_LIMIT, Line};
use super::stamp;
use crate::config::{LogFormat, LogLevel};

/// The longest value of an object: what leaves room for the others within [`LINE_LIMIT`].
const VALUE_LIMIT: usize = LINE_LIMIT - 512;

/// The longest name of a place in the program: ours are much shorter.
const TARGET_LIMIT: usize = 128;

/// See the module.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) level: LogLevel,
    /// Who says it: a module of the program.
    pub(super) target: &'a str,
    /// What, as it came: whatever is harmful in it is escaped when it is written.
    pub(super) message: &'a str,
}

impl Entry<'_> {
    /// The line of a file, ended.
    pub(super) fn line(&self, format: LogFormat) -> Vec<u8> {
        match Syntax::of(format) {
            None => {
                let mut line = Line::begin(self.level);
                // An error says only that the line is full.
                let _ = line.write_str(self.message);
                line.finish()
            }
            Some(syntax) => {
                let mut bytes = Vec::with_capacity(256);
                self.write_object(&mut bytes, syntax);
                bytes.push(b'\n');
                bytes
            }
        }
    }

    /// The same for syslog, which has a moment, a process and a severity of its own: as text it is
    /// the message alone.
    pub(super) fn message(&self, format: LogFormat) -> Vec<u8> {
        match Syntax::of(format) {
            None => {
                let mut line = Line::bare();
                let _ = line.write_str(self.message);
                line.into_bytes()
            }
            Some(syntax) => {
                let mut bytes = Vec::with_capacity(256);
                self.write_object(&mut bytes, syntax);
                bytes
            }
        }
    }

    fn write_object(&self, out: &mut Vec<u8>, syntax: Syntax) {
        let target = self.target.get(..TARGET_LIMIT).unwrap_or(self.target);
        let mut object = Object::begin(out, syntax, VALUE_LIMIT);
        object.text("time", &stamp::rfc3339());
        object.text("level", self.level.name().as_bytes());
        object.number("pid", std::process::id().into());
        object.text("message", self.message.as_bytes());
        object.text("target", target.as_bytes());
        object.end();
    }
}

/// The message of an entry while it is being formatted: what is beyond a line's limit is not even
/// kept.
#[derive(Default)]
pub(super) struct Message(pub(super) String);

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LINE_LIMIT.saturating_sub(self.0.len());
        let end = text.floor_char_boundary(room);
        self.0.push_str(&text[..end]);
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::read;
    use super::*;
    use proptest::prelude::*;

    fn entry(message: &str) -> Entry<'_> {
        Entry { level: LogLevel::Error, target: "oxicorn_core::door", message }
    }

    #[test]
    fn an_object_has_all_that_a_line_has() {
        for (format, syntax) in
            [(LogFormat::Json, Syntax::Json), (LogFormat::Logfmt, Syntax::Logfmt)]
        {
            let line = String::from_utf8(entry("a \"b\"").line(format)).unwrap();
            let read = read(syntax, line.strip_suffix('\n').unwrap());
            assert_eq!(read.len(), 5);
            assert_eq!(read["level"], "error");
            assert_eq!(read["pid"], std::process::id().to_string());
            assert_eq!(read["message"], "a \"b\"");
            assert_eq!(read["target"], "oxicorn_core::door");
            assert!(read["time"].ends_with('Z'));
            assert_ne!(entry("x").message(format).last(), Some(&b'\n'));
        }
        assert_eq!(entry("a\nb").message(LogFormat::Text), b"a\\nb");
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_one_line(message in ".{0,200}|\\PC{0,20}", repeat in 1usize..60) {
            let message = message.repeat(repeat);
            let mut kept = Message::default();
            let whole = kept.write_str(&message).is_ok();
            prop_assert!(message.starts_with(&kept.0) && (whole || kept.0.len() > LINE_LIMIT - 4));
            for format in [LogFormat::Text, LogFormat::Json, LogFormat::Logfmt] {
                let line = String::from_utf8(entry(&kept.0).line(format)).unwrap();
                prop_assert!(line.len() <= LINE_LIMIT, "{}", line.len());
                prop_assert_eq!(line.lines().count(), 1);
                let line = line.strip_suffix('\n').unwrap();
                prop_assert!(!line.chars().any(char::is_control));
                if let Some(syntax) = Syntax::of(format) {
                    let read = read(syntax, line);
                    prop_assert!(kept.0.starts_with(&read["message"]));
                    prop_assert!(read.contains_key("truncated") || read["message"] == kept.0);
                }
            }
        }
    }
}
