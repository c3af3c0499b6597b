//! The number of workers: a number, or the word for finding it out
//! ([`Capacity`](crate::capacity::Capacity)).

use super::Value;

/// How many workers there shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// So many.
    Count(u32),
    /// As many as this machine, or this container, is good for.
    Auto,
}

/// The most workers that can be asked for.
pub(crate) const MOST: u32 = 512;

const AUTO: &str = "auto";

impl Workers {
    /// The number, where it is known.
    pub fn count(self) -> Option<u32> {
        match self {
            Workers::Count(count) => Some(count),
            Workers::Auto => None,
        }
    }
}

impl Value for Workers {
    const HOLDER: &'static str = "N";
    const SYNTAX: &'static str = "a whole number from 1 to 512, or `auto`";

    fn parse(text: &str) -> Result<Workers, String> {
        if text == AUTO {
            return Ok(Workers::Auto);
        }
        let count = u32::parse(text)?;
        super::kinds::within(count, 1..=MOST)?;
        Ok(Workers::Count(count))
    }

    fn print(&self) -> String {
        match self {
            Workers::Count(count) => count.to_string(),
            Workers::Auto => AUTO.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_the_word() {
        for (text, workers) in
            [("1", Workers::Count(1)), ("512", Workers::Count(512)), ("auto", Workers::Auto)]
        {
            assert_eq!(Workers::parse(text), Ok(workers));
            assert_eq!(workers.print(), text);
        }
        assert_eq!(Workers::parse("0"), Err("it must be from 1 to 512".to_owned()));
        assert_eq!(Workers::parse("many"), Err("not a whole number".to_owned()));
    }
}
