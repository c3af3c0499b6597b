//! The configuration file as TOML: gunicorn's usual file, plain assignments, mostly is that already.

use ::toml::de::{DeTable, DeValue, Error};

use super::{Entry, Plain, line_of};

/// The assignments of a TOML file, in order.
///
/// # Errors
/// The line that is no TOML, and why.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let table = DeTable::parse(text).map_err(|error| trouble(text, &error))?;
    // The parser sorts by name; the reader wants the first mistake first.
    let mut entries: Vec<_> = table.into_inner().into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entries = entries.into_iter().map(|(key, value)| Entry {
        line: line_of(text, key.span().start),
        name: key.into_inner().into_owned(),
        value: plain(value.get_ref()),
    });
    Ok(entries.collect())
}

fn trouble(text: &str, error: &Error) -> (usize, String) {
    let offset = error.span().map_or(0, |span| span.start);
    (line_of(text, offset), error.message().to_owned())
}

fn plain(value: &DeValue<'_>) -> Plain {
    match value {
        DeValue::String(text) => Plain::Scalar(text.clone().into_owned()),
        DeValue::Boolean(value) => Plain::Scalar(value.to_string()),
        DeValue::Float(number) => Plain::Scalar(number.as_str().to_owned()),
        // An integer that is too large for this is for the setting's own type to refuse.
        DeValue::Integer(number) => {
            let text = number.as_str();
            Plain::Scalar(
                i64::from_str_radix(text, number.radix())
                    .map_or(text.to_owned(), |number| number.to_string()),
            )
        }
        DeValue::Array(items) => {
            Plain::List(items.iter().map(|item| plain(item.get_ref())).collect())
        }
        DeValue::Table(pairs) => Plain::Pairs(
            pairs
                .iter()
                .map(|(name, value)| (name.get_ref().to_string(), plain(value.get_ref())))
                .collect(),
        ),
        DeValue::Datetime(_) => Plain::Other("date".to_owned()),
    }
}
