//! Lists that gunicorn's users write as one word, with commas: a comma separates wherever the list
//! comes from, and a list may be empty, which means nobody, or none.

use super::{Arity, Completes, NONE, Raw, Value, in_list};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T>(pub Vec<T>);

impl<T: Value> Value for Listed<T> {
    const HOLDER: &'static str = T::HOLDER;
    const SYNTAX: &'static str = T::SYNTAX;
    const ARITY: Arity = match T::ARITY {
        Arity::Pairs => Arity::Pairs,
        Arity::Flag | Arity::One | Arity::Many => Arity::Many,
    };

    const COMPLETES: Completes = T::COMPLETES;

    fn parse(text: &str) -> Result<Self, String> {
        Self::read(&Raw::One(text.to_owned()))
    }

    fn print(&self) -> String {
        self.write().to_string()
    }

    fn read(raw: &Raw) -> Result<Self, String> {
        let texts = match raw {
            Raw::One(text) => std::slice::from_ref(text),
            Raw::Many(texts) => texts.as_slice(),
        };
        let items: Vec<String> = texts
            .iter()
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|item| !item.is_empty() && *item != NONE)
            .map(str::to_owned)
            .collect();
        let read = |item: &String| T::parse(item).map_err(|reason| in_list(&items, item, reason));
        items.iter().map(read).collect::<Result<_, _>>().map(Listed)
    }

    fn write(&self) -> Raw {
        Raw::Many(self.0.iter().map(T::print).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_everywhere() {
        let many = |items: &[&str]| Raw::Many(items.iter().map(|&item| item.into()).collect());
        for (raw, expected) in [
            (Raw::One("1, 2,3".to_owned()), &[1, 2, 3][..]),
            (many(&["1", "2,3"]), &[1, 2, 3]),
            (many(&["1"]), &[1]),
            (many(&[]), &[]),
            (many(&[""]), &[]),
            (Raw::One("none".to_owned()), &[]),
        ] {
            let read = Listed::<u32>::read(&raw);
            assert_eq!(read, Ok(Listed(expected.to_vec())), "{raw:?}");
            assert_eq!(Listed::<u32>::read(&read.clone().unwrap().write()), read);
        }
        let wrong = Listed::<u32>::read(&Raw::One("1,x".to_owned()));
        assert_eq!(wrong, Err("\"x\": not a whole number".to_owned()));
    }
}
