//! Variables for the environment of the application. A list of them may be empty, and a comma is
//! part of a value: only in the environment itself does it separate, as for every list.

use super::{Arity, NONE, Raw, Value, in_list};

/// A variable and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Without `=`.
    pub name: String,
    /// Anything but a zero byte.
    pub value: String,
}

impl Variable {
    fn parse(text: &str) -> Result<Variable, String> {
        match text.split_once('=') {
            _ if text.contains('\0') => Err("it has a zero byte".to_owned()),
            None => Err("it must be NAME=VALUE".to_owned()),
            Some(("", _)) => Err("the name is missing".to_owned()),
            Some((name, value)) => Ok(Variable { name: name.to_owned(), value: value.to_owned() }),
        }
    }
}

/// Some variables, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(pub Vec<Variable>);

impl Value for Variables {
    const HOLDER: &'static str = "NAME=VALUE";
    const SYNTAX: &'static str = "`NAME=VALUE`; in a file a list of these, or a table";
    const ARITY: Arity = Arity::Pairs;

    fn parse(text: &str) -> Result<Variables, String> {
        Variables::read(&Raw::One(text.to_owned()))
    }

    fn print(&self) -> String {
        self.write().to_string()
    }

    fn read(raw: &Raw) -> Result<Variables, String> {
        let items = match raw {
            Raw::One(text) => std::slice::from_ref(text),
            Raw::Many(items) => items.as_slice(),
        };
        let given = items.iter().filter(|item| !item.is_empty() && *item != NONE);
        let read =
            |item: &String| Variable::parse(item).map_err(|reason| in_list(items, item, reason));
        given.map(read).collect::<Result<_, _>>().map(Variables)
    }

    fn write(&self) -> Raw {
        let pairs = self.0.iter().map(|v| format!("{}={}", v.name, v.value));
        Raw::Many(pairs.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(items: &[&str]) -> Raw {
        Raw::Many(items.iter().map(|&item| item.to_owned()).collect())
    }

    #[test]
    fn values_are_kept_as_they_are() {
        let raw = many(&["A=1", "B= x,y=z ", "C="]);
        let read = Variables::read(&raw).unwrap();
        let pairs: Vec<_> = read.0.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect();
        assert_eq!(pairs, [("A", "1"), ("B", " x,y=z "), ("C", "")]);
        assert_eq!(read.write(), raw);
        for nothing in [many(&[]), many(&[""]), Raw::One("none".to_owned())] {
            assert_eq!(Variables::read(&nothing), Ok(Variables::default()));
        }
    }

    #[test]
    fn what_is_no_variable_is_named() {
        for (raw, reason) in [
            (many(&["FOO"]), "it must be NAME=VALUE"),
            (many(&["A=1", "FOO"]), "\"FOO\": it must be NAME=VALUE"),
            (many(&["=1"]), "the name is missing"),
            (many(&["A=\0"]), "it has a zero byte"),
        ] {
            assert_eq!(Variables::read(&raw), Err(reason.to_owned()));
        }
    }
}
