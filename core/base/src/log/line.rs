//! One line of the error log while it is being written: bounded, and unable to hold a line break.
//! Both are properties of this buffer, not of those who write into it, because they are many.

use std::fmt::{self, Write};

use super::stamp;
use crate::config::LogLevel;
use crate::sys;

/// The longest line in bytes, its line feed included: what a pipe takes in one piece, so that the
/// lines of several processes do not mix (PIPE_BUF, pipe(7)).
pub const LINE_LIMIT: usize = 4096;

/// A line that grows up to [`LINE_LIMIT`]; what comes behind is cut off.
pub(super) struct Line(Vec<u8>);

impl Line {
    /// A line of this moment and of this process, without a message yet. The process is asked for
    /// each time: it may have been forked since the last one.
    pub(super) fn begin(level: LogLevel) -> Line {
        let mut bytes = Vec::with_capacity(256);
        stamp::error_log(&mut bytes, &sys::local_time(sys::unix_seconds()));
        bytes.extend_from_slice(b" [");
        bytes.extend_from_slice(itoa::Buffer::new().format(std::process::id()).as_bytes());
        bytes.extend_from_slice(match level {
            LogLevel::Debug => b"] [DEBUG] ".as_slice(),
            LogLevel::Info => b"] [INFO] ",
            LogLevel::Warning => b"] [WARNING] ",
            LogLevel::Error => b"] [ERROR] ",
            LogLevel::Critical => b"] [CRITICAL] ",
        });
        Line(bytes)
    }

    /// A line that is a message and nothing else.
    pub(super) fn bare() -> Line {
        Line(Vec::with_capacity(256))
    }

    /// The line, not ended.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Appends all of a unit (a character, or its escape) or nothing.
    fn push(&mut self, unit: &[u8]) -> fmt::Result {
        if self.0.len() + unit.len() >= LINE_LIMIT {
            return Err(fmt::Error);
        }
        self.0.extend_from_slice(unit);
        Ok(())
    }

    /// The line, ended.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.push(b'\n');
        self.0
    }
}

/// Whether a terminal, a pager or a log collector could take it for a line's end, or for an order to
/// show the line as something else.
pub(super) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.write_char(c))
    }

    /// An error means that the line is full: whoever formats may stop, and nobody need look.
    fn write_char(&mut self, c: char) -> fmt::Result {
        let mut unit = [0; 4];
        if !is_harmful(c) {
            return self.push(c.encode_utf8(&mut unit).as_bytes());
        }
        let mut escape = Vec::new();
        escape.extend(c.escape_default().map(|c| c as u8));
        self.push(&escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> String {
        let mut line = Line::begin(LogLevel::Warning);
        let _ = line.write_str(message);
        String::from_utf8(line.finish()).unwrap()
    }

    #[test]
    fn a_line_has_a_moment_a_process_and_a_level() {
        let line = line("hello");
        let (moment, rest) = line.split_at(28);
        let shape = moment.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(shape.replace('-', "+"), "[0000+00+00 00:00:00 +0000] ");
        assert_eq!(rest, format!("[{}] [WARNING] hello\n", std::process::id()));
    }

    #[test]
    fn no_message_can_end_the_line_or_hide_in_it() {
        let line =
            line("a\n[2026-11-23] [1] [INFO] b\r\tc\u{1b}[2Jd\u{85}e\u{2028}f\u{202e}g\0\u{7f}é");
        assert_eq!(line.matches('\n').count(), 1);
        let message = line.split_once("[WARNING] ").unwrap().1;
        assert_eq!(
            message,
            "a\\n[2026-11-23] [1] [INFO] b\\r\\tc\\u{1b}[2Jd\\u{85}e\\u{2028}f\\u{202e}g\\u{0}\\u{7f}é\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_between_two_characters() {
        for filler in ["x", "é", "\n", "\u{1b}"] {
            let line = line(&filler.repeat(LINE_LIMIT));
            assert!(line.len() <= LINE_LIMIT && line.len() > LINE_LIMIT - 6);
            assert!(line.ends_with(&format!("{}\n", line_of(filler))));
        }
    }

    fn line_of(text: &str) -> String {
        let line = line(text);
        line.trim_end().split_once("[WARNING] ").unwrap().1.to_owned()
    }
}
