//! gunicorn's configuration file as far as it is plain: `NAME = VALUE`, where the value is written out
//! in Python's notation. That is most such files, and no interpreter is needed for them. A file that
//! computes something is refused with the line, and with what to write there instead.

mod literal;
mod statement;

use self::literal::Reader;
use super::{Entry, Plain};

/// Why a file is not plain.
#[derive(Debug, PartialEq)]
pub(super) struct Trouble {
    pub(super) cause: Cause,
    /// The first is 1.
    pub(super) line: usize,
    /// It follows the line and its origin.
    pub(super) reason: String,
}

/// Whether it would be right for Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It is a program.
    Program,
    /// It is no Python either.
    Typo,
}

/// The assignments of a file of plain Python, in order.
///
/// # Errors
/// The first line that is something else.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, Trouble> {
    let mut reader = Reader::new(text);
    let mut entries = Vec::new();
    while reader.next_statement() {
        // A text on its own does nothing: it is how Python's users write long comments.
        if reader.at_text() {
            reader.value("")?;
            reader.end_of_statement("")?;
            continue;
        }
        let line = reader.line();
        let name = statement::name(&mut reader)?;
        let value = match reader.value(&name)? {
            first if reader.at(',') => Plain::List(reader.items_after(first, &name)?),
            value => value,
        };
        reader.end_of_statement(&name)?;
        entries.push(Entry { name, value, line });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Plain {
        let mut entries = entries(&format!("x = {text}\n")).unwrap();
        assert_eq!(entries.len(), 1, "{text}");
        entries.remove(0).value
    }

    fn scalar(text: &str) -> Plain {
        Plain::Scalar(text.to_owned())
    }

    fn list(items: &[&str]) -> Plain {
        Plain::List(items.iter().map(|item| scalar(item)).collect())
    }

    #[test]
    fn values_are_written_as_in_python() {
        for (text, expected) in [
            ("None", Plain::Nothing),
            ("True", scalar("true")),
            ("False  # no", scalar("false")),
            ("30", scalar("30")),
            ("-1", scalar("-1")),
            ("0o22", scalar("18")),
            ("0x1_F", scalar("31")),
            ("1_000", scalar("1000")),
            ("0.5", scalar("0.5")),
            ("99999999999999999999", scalar("99999999999999999999")),
            (r#""a # b""#, scalar("a # b")),
            (r"'it\'s'", scalar("it's")),
            (r#""a\tb\\c\x41\u00e9\d""#, scalar("a\tb\\cA\u{e9}\\d")),
            (r"r'\d'", scalar("\\d")),
            ("u'x'", scalar("x")),
            ("\"\"\"a\n\"b\" c\"\"\"", scalar("a\n\"b\" c")),
            ("'a' 'b'", scalar("ab")),
            ("('a'\n  \"b\")", scalar("ab")),
            ("('a')", scalar("a")),
            ("('a',)", list(&["a"])),
            ("()", list(&[])),
            ("[\n  'a:1', # one\n  'b:2',\n]", list(&["a:1", "b:2"])),
            ("'a', 'b'", list(&["a", "b"])),
            ("'a' \\\n  'b'", scalar("ab")),
            (
                "{'X-A': 'on', \"X-B\": 1}",
                Plain::Pairs(vec![
                    ("X-A".to_owned(), scalar("on")),
                    ("X-B".to_owned(), scalar("1")),
                ]),
            ),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_count_whatever_stands_between() {
        let text =
            "\"\"\"About\nthis file\"\"\"\n\n# note\na = 1; b = 2\r\nc = [\n 1,\n]\nd: int = 4";
        let found: Vec<(String, usize)> =
            entries(text).unwrap().into_iter().map(|entry| (entry.name, entry.line)).collect();
        let expected = [("a", 5), ("b", 5), ("c", 6), ("d", 9)];
        assert_eq!(found, expected.map(|(name, line)| (name.to_owned(), line)));
        assert!(entries("").unwrap().is_empty());
    }

    #[test]
    fn what_is_not_plain_has_a_line_and_a_way_out() {
        for (text, cause, line, word) in [
            ("a = 1\nimport multiprocessing", Cause::Program, 2, "workers = \"auto\""),
            ("import os", Cause::Program, 1, "OXICORN_"),
            ("from os import environ", Cause::Program, 1, "OXICORN_"),
            ("import my.settings", Cause::Program, 1, "only NAME = VALUE"),
            ("\nworkers = 2 * multiprocessing.cpu_count() + 1", Cause::Program, 2, "\"auto\""),
            ("workers = cpu_count()", Cause::Program, 1, "\"auto\""),
            ("bind = os.environ['B']", Cause::Program, 1, "OXICORN_BIND"),
            ("bind = 'a:' + os.getenv('PORT')", Cause::Program, 1, "OXICORN_BIND"),
            ("timeout = 60 * 5", Cause::Program, 1, "write the value itself"),
            ("bind = host # it", Cause::Program, 1, "in quotes: \"host\""),
            ("bind = f'{host}:80'", Cause::Program, 1, "f-string"),
            ("bind = [f'{host}:80']", Cause::Program, 1, "f-string"),
            ("bind = [\n 'a',\n x\n]", Cause::Program, 3, "in quotes: \"x\""),
            ("bind = [x for x in y]", Cause::Program, 1, "write the value itself"),
            ("bind = 'a'.strip()", Cause::Program, 1, "write the value itself"),
            (
                "def post_fork(server, worker):\n  pass",
                Cause::Program,
                1,
                "a function, in a file in Python",
            ),
            ("def helper():\n  pass", Cause::Program, 1, "only NAME = VALUE"),
            ("if True:\n  workers = 2", Cause::Program, 1, "only NAME = VALUE"),
            ("workers += 1", Cause::Program, 1, "only NAME = VALUE"),
            ("a.b = 1", Cause::Program, 1, "only NAME = VALUE"),
            ("print('x')", Cause::Program, 1, "only NAME = VALUE"),
            ("@x", Cause::Program, 1, "only NAME = VALUE"),
            ("  workers = 1", Cause::Typo, 1, "begins with a blank"),
            ("bind = 'a", Cause::Typo, 1, "quote is not closed"),
            ("bind = \"\"\"a\n\n", Cause::Typo, 1, "quote is not closed"),
            ("bind = [\n'a',\n", Cause::Typo, 1, "bracket is not closed"),
            (&"[".repeat(100_000), Cause::Typo, 1, "NAME = VALUE"),
            (&format!("bind = {}", "[{(".repeat(100_000)), Cause::Typo, 1, "too many"),
            ("bind =", Cause::Typo, 1, "value is missing"),
            ("workers = 08x", Cause::Typo, 1, "not a number"),
            ("umask = 022", Cause::Typo, 1, "0o22"),
            ("[server]", Cause::Typo, 1, "NAME = VALUE"),
            ("workers: 3", Cause::Typo, 1, "NAME = VALUE"),
        ] {
            let trouble = entries(text).unwrap_err();
            assert_eq!((trouble.cause, trouble.line), (cause, line), "{text}: {trouble:?}");
            assert!(trouble.reason.contains(word), "{text}: {trouble:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_file_panics(text in "[-a-z_0='\"\\\\\\[\\]({:,.;#)} \n]{0,60}") {
            let _ = entries(&text);
        }
    }
}
