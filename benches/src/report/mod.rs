//! What is left of a session: a table for the terminal, a JSON of everything, the main plot, and a
//! page that explains itself and refers to nothing outside it, so that it can be mailed, archived and
//! read in ten years.

mod page;
mod plots;
mod table;
mod units;

use std::fs;
use std::io;
use std::path::Path;

use crate::run::results::Results;

pub use page::page;
pub use table::table;

/// Writes `report.html`, `results.json` and `goodput.svg` into `folder`, which is there.
///
/// # Errors
/// A file cannot be written.
pub fn write(results: &Results, folder: &Path) -> io::Result<()> {
    fs::write(folder.join("results.json"), serde_json::to_vec(results)?)?;
    fs::write(folder.join("goodput.svg"), plots::goodput(results))?;
    fs::write(folder.join("report.html"), page(results))
}

#[cfg(test)]
mod tests;
