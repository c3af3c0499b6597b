//! Python's literals, as the language reference has them (section 2.4 to 2.6, "Literals"): texts with
//! their prefixes and escapes, numbers, lists, tuples, dictionaries. Anything else in a value's place
//! needs the interpreter.

use super::super::Plain;
use super::{Cause, Trouble, statement};

/// A place in the text of a file.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// How many brackets are around this place.
    depth: usize,
}

/// No setting needs more than two; each costs stack.
const DEEPEST: usize = 16;

/// Whether a line may end here without ending the statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Outside,
    InBrackets,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0, depth: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What is left of the line.
    pub(super) fn rest_of_line(&self) -> &'a str {
        self.rest().lines().next().unwrap_or_default()
    }

    pub(super) fn line(&self) -> usize {
        super::super::line_of(self.text, self.at)
    }

    pub(super) fn at(&self, c: char) -> bool {
        self.rest().starts_with(c)
    }

    /// Goes past `word`, if it is here.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let is_here = self.rest().starts_with(word);
        self.at += if is_here { word.len() } else { 0 };
        is_here
    }

    /// Goes past all characters from here that `belong`.
    pub(super) fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    pub(super) fn trouble(&self, cause: Cause, reason: impl Into<String>) -> Trouble {
        Trouble { cause, line: self.line(), reason: reason.into() }
    }

    /// Goes to the next statement, if there is one.
    pub(super) fn next_statement(&mut self) -> bool {
        loop {
            let before = self.at;
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\x0c']).len();
            let line_goes_on = rest
                .get(blank..)
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['#', '\r', '\n', ';']));
            // A blank before a statement is an error there, and seen there.
            self.at += if line_goes_on { 0 } else { blank };
            if self.at('#') {
                self.take(|c| c != '\n');
            }
            self.take(|c| matches!(c, '\r' | '\n' | ';'));
            if self.at == before {
                return !self.rest().is_empty();
            }
        }
    }

    pub(super) fn end_of_statement(&mut self, name: &str) -> Result<(), Trouble> {
        self.blanks(Nesting::Outside);
        if self.at('#') {
            self.take(|c| c != '\n');
        }
        let is_end = self.rest().is_empty() || self.rest().starts_with(['\r', '\n', ';']);
        if self.skip(";") {
            self.blanks(Nesting::Outside);
        }
        match is_end {
            true => Ok(()),
            false => Err(self.needs_python(name)),
        }
    }

    fn needs_python(&self, name: &str) -> Trouble {
        let line = self.text.lines().nth(self.line() - 1).unwrap_or_default();
        self.trouble(Cause::Program, statement::instead_of_computing(name, line))
    }

    /// Goes past what means nothing.
    pub(super) fn blanks_in_line(&mut self) {
        self.blanks(Nesting::Outside);
    }

    fn blanks(&mut self, nesting: Nesting) {
        loop {
            let before = self.at;
            self.take(|c| matches!(c, ' ' | '\t' | '\x0c'));
            let _ = self.skip("\\\n") || self.skip("\\\r\n");
            if nesting == Nesting::InBrackets {
                self.take(|c| matches!(c, '\r' | '\n'));
                if self.at('#') {
                    self.take(|c| c != '\n');
                }
            }
            if self.at == before {
                return;
            }
        }
    }

    /// The value of the setting `name` that begins here, and what means nothing behind it.
    pub(super) fn value(&mut self, name: &str) -> Result<Plain, Trouble> {
        self.nested(name, Nesting::Outside)
    }

    fn nested(&mut self, name: &str, nesting: Nesting) -> Result<Plain, Trouble> {
        self.blanks(nesting);
        if self.depth > DEEPEST {
            return Err(self.trouble(Cause::Typo, "too many brackets in brackets"));
        }
        self.depth += 1;
        let value = match self.rest().chars().next() {
            None | Some('\r' | '\n' | '#' | ';') => {
                return Err(self.trouble(Cause::Typo, "its value is missing"));
            }
            Some('[') => self.list(name, ']').map(|(items, _)| Plain::List(items))?,
            Some('(') => match self.list(name, ')')? {
                // Brackets around one value are no tuple; a comma would make it one.
                (mut items, Commas::None) if items.len() == 1 => items.remove(0),
                (items, _) => Plain::List(items),
            },
            Some('{') => self.pairs(name)?,
            Some('0'..='9' | '-' | '+' | '.') => self.number()?,
            Some(_) if self.at_text() => self.texts(name, nesting)?,
            Some(_) => self.constant(name, nesting)?,
        };
        self.depth -= 1;
        self.blanks(nesting);
        Ok(value)
    }

    fn constant(&mut self, name: &str, nesting: Nesting) -> Result<Plain, Trouble> {
        let before = self.at;
        let word = self.take(|c| c.is_alphanumeric() || c == '_');
        if let Some(value) = statement::constant(word) {
            return Ok(value);
        }
        self.blanks(nesting);
        let rest = self.rest();
        let is_all =
            rest.is_empty() || rest.starts_with(['\r', '\n', '#', ';', ',', ']', ')', '}']);
        self.at = before;
        match is_all && !word.is_empty() {
            true => {
                let reason = format!("a text is written in quotes: {word:?}");
                Err(self.trouble(Cause::Program, reason))
            }
            false => Err(self.needs_python(name)),
        }
    }

    /// The values behind a first one and its comma, when no bracket is around them.
    pub(super) fn items_after(&mut self, first: Plain, name: &str) -> Result<Vec<Plain>, Trouble> {
        let mut items = vec![first];
        while self.skip(",") {
            self.blanks(Nesting::Outside);
            if self.rest().is_empty() || self.rest().starts_with(['\r', '\n', '#', ';']) {
                break;
            }
            items.push(self.value(name)?);
        }
        Ok(items)
    }

    fn list(&mut self, name: &str, close: char) -> Result<(Vec<Plain>, Commas), Trouble> {
        let open = self.at;
        self.at += 1;
        let (mut items, mut commas) = (Vec::new(), Commas::None);
        loop {
            self.blanks(Nesting::InBrackets);
            if self.at(close) {
                self.at += 1;
                return Ok((items, commas));
            }
            self.still_open(open)?;
            items.push(self.nested(name, Nesting::InBrackets)?);
            self.still_open(open)?;
            match self.skip(",") {
                true => commas = Commas::Some,
                false if self.at(close) => {}
                false => return Err(self.needs_python(name)),
            }
        }
    }

    fn pairs(&mut self, name: &str) -> Result<Plain, Trouble> {
        let open = self.at;
        self.at += 1;
        let mut pairs = Vec::new();
        loop {
            self.blanks(Nesting::InBrackets);
            if self.skip("}") {
                return Ok(Plain::Pairs(pairs));
            }
            self.still_open(open)?;
            let key = self.nested(name, Nesting::InBrackets)?;
            let (Plain::Scalar(key), true) = (key, self.skip(":")) else {
                return Err(self.needs_python(name));
            };
            pairs.push((key, self.nested(name, Nesting::InBrackets)?));
            self.still_open(open)?;
            if !self.skip(",") && !self.at('}') {
                return Err(self.needs_python(name));
            }
        }
    }

    fn still_open(&mut self, open: usize) -> Result<(), Trouble> {
        if !self.rest().is_empty() {
            return Ok(());
        }
        self.at = open;
        Err(self.trouble(Cause::Typo, "the bracket is not closed"))
    }

    fn number(&mut self) -> Result<Plain, Trouble> {
        let before = self.at;
        let sign = self.take(|c| matches!(c, '-' | '+'));
        let digits = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        let number = match sign {
            "" | "+" => Some(""),
            "-" => Some("-"),
            _ => None,
        };
        let number = number.and_then(|sign| Some(format!("{sign}{}", decimal(digits)?)));
        number.map(Plain::Scalar).ok_or_else(|| {
            self.at = before;
            let octal = digits.strip_prefix('0').unwrap_or_default();
            let is_octal = !octal.is_empty() && octal.bytes().all(|b| matches!(b, b'0'..=b'7'));
            let reason = match is_octal {
                true => format!("an octal number is written 0o{octal}"),
                false => "this is not a number".to_owned(),
            };
            self.trouble(Cause::Typo, reason)
        })
    }

    /// Whether a text begins here, prefix and all.
    pub(super) fn at_text(&self) -> bool {
        let rest = self.rest().trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let prefix = self.rest().len() - rest.len();
        prefix <= 2 && rest.starts_with(['"', '\''])
    }

    /// A text, and those that follow it: Python joins them.
    fn texts(&mut self, name: &str, nesting: Nesting) -> Result<Plain, Trouble> {
        let mut whole = String::new();
        while self.at_text() {
            whole += &self.text(name)?;
            self.blanks(nesting);
        }
        Ok(Plain::Scalar(whole))
    }

    fn text(&mut self, name: &str) -> Result<String, Trouble> {
        let open = self.at;
        let prefix = self.take(|c| c.is_ascii_alphabetic()).to_ascii_lowercase();
        match prefix.as_str() {
            "" | "r" | "u" => {}
            "f" | "rf" | "fr" => {
                let reason = "an f-string needs Python, write the text itself";
                return Err(self.trouble(Cause::Program, reason));
            }
            _ => return Err(self.needs_python(name)),
        }
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| self.skip(quote));
        let quote = quote.unwrap_or_default();
        let mut text = String::new();
        loop {
            let Some(c) = self.rest().chars().next().filter(|c| quote.len() > 1 || *c != '\n')
            else {
                self.at = open;
                return Err(self.trouble(Cause::Typo, "the quote is not closed"));
            };
            if self.skip(quote) {
                return Ok(text);
            }
            self.at += c.len_utf8();
            match c {
                '\\' if prefix == "r" => {
                    text.push(c);
                    text.extend(self.next());
                }
                '\\' => self.escape(&mut text),
                c => text.push(c),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn escape(&mut self, text: &mut String) {
        let Some(c) = self.next() else { return };
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => text.push(c),
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'x' => self.code_point(2, c, text),
            'u' => self.code_point(4, c, text),
            'U' => self.code_point(8, c, text),
            // What is no escape is kept as it is.
            c => text.extend(['\\', c]),
        }
    }

    fn code_point(&mut self, digits: usize, letter: char, text: &mut String) {
        let code = self.rest().get(..digits);
        let c = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        match c {
            Some(c) => {
                self.at += digits;
                text.push(c);
            }
            None => text.extend(['\\', letter]),
        }
    }
}

/// Whether there is one in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commas {
    None,
    Some,
}

/// A number without its sign, in decimal.
fn decimal(written: &str) -> Option<String> {
    let digits = written.replace('_', "").to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return u64::from_str_radix(digits, radix).ok().map(|number| number.to_string());
        }
    }
    let is_whole = digits.bytes().all(|b| b.is_ascii_digit());
    let is_padded = digits.len() > 1 && digits.starts_with('0');
    match is_whole {
        true => (!digits.is_empty() && !is_padded).then_some(digits),
        false => digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| digits),
    }
}
