//! `--help`, made from the table of settings. clap's own is a list in which a short flag, its
//! default and its group are hard to find; this one has the groups, and every default.

use oxicorn_core::config::value::{Arity, NONE};
use oxicorn_core::config::{Group, Raw, Setting, TABLE};

use crate::command::{COMPLETIONS, OTHERS};

/// What `--version` prints.
pub const VERSION: &str = concat!("server ", env!("CARGO_PKG_VERSION"));

/// Columns of a terminal that nobody has made wider.
const WIDTH: usize = 80;
/// Where the descriptions begin.
const COLUMN: usize = 32;

const APPLICATION: &str = "
  APP                           The application, where a program has several; of
                                server: demo (the default), echo, or a Python
                                one: module:callable
";

const NOTES: &str = "
TIME is 30 or 30s (seconds), 0.5, 500ms, 5m or 1h; SIZE is 4094 (bytes), 64k,
16M or 1g; 0 switches a time or a limit off. ADDRESS is HOST:PORT, :PORT, PORT,
unix:PATH, unix:@NAME or fd://N.

Every option may also be in the configuration file (--header-timeout is
header_timeout there) and in the environment (OXICORN_HEADER_TIMEOUT). What is
later overrules: defaults, file, SERVER_CMD_ARGS, OXICORN_..., command line.

To measure worker classes, of server: server bench --help
";

/// The text for a program of that name.
pub(crate) fn text(program: &str) -> String {
    let mut text = format!("Usage: {program} [OPTIONS] [APP]\n{APPLICATION}");
    let mut group: Option<Group> = None;
    for setting in TABLE {
        if group.replace(setting.group) != Some(setting.group) {
            text += &format!("\n{}:\n", setting.group.title());
        }
        text += &entry(setting);
    }
    text += "\nOther:\n";
    for (short, (name, help)) in [Some('h'), Some('V'), None, None].into_iter().zip(OTHERS) {
        let holder = match name {
            COMPLETIONS => " SHELL",
            _ => "",
        };
        let flags = format!("{}--{name}{holder}", column(short));
        text += &format!("{flags:COLUMN$}{help}\n");
    }
    text + NOTES
}

fn entry(setting: &Setting) -> String {
    let flags = flags(setting);
    let mut lines = wrap(&description(setting), WIDTH - COLUMN).into_iter();
    // Two spaces keep a flag and its description apart.
    let mut text = match flags.len() + 2 <= COLUMN {
        true => format!("{flags:COLUMN$}{}\n", lines.next().unwrap_or_default()),
        false => format!("{flags}\n"),
    };
    for line in lines {
        text += &format!("{:COLUMN$}{line}\n", "");
    }
    text
}

fn flags(setting: &Setting) -> String {
    let short = column(setting.short);
    let holder = match setting.arity {
        Arity::Flag => String::new(),
        Arity::One | Arity::Many | Arity::Pairs => format!(" {}", setting.holder),
    };
    format!("{short}--{}{holder}", setting.flag())
}

fn column(short: Option<char>) -> String {
    short.map_or("      ".to_owned(), |short| format!("  -{short}, "))
}

/// What is to be said about it, in pieces that are better not broken.
fn description(setting: &Setting) -> Vec<String> {
    let mut pieces: Vec<String> = setting.help.split_whitespace().map(str::to_owned).collect();
    if !setting.also.is_empty() {
        let also: Vec<String> = setting.also.iter().map(|flag| format!("--{flag}")).collect();
        pieces.push(format!("(also {})", also.join(", ")));
    }
    // A switch is off until somebody gives it: no need to say so.
    let default = match setting.default() {
        Raw::Many(items) if items.is_empty() => NONE.to_owned(),
        default => default.to_string(),
    };
    if setting.arity != Arity::Flag || default != "false" {
        pieces.push(format!("[default: {default}]"));
    }
    pieces
}

/// `pieces` in lines of at most `width` characters; a piece that is longer than a line is broken at
/// its spaces.
fn wrap(pieces: &[String], width: usize) -> Vec<String> {
    let length = |text: &str| text.chars().count();
    let mut lines: Vec<String> = Vec::new();
    let words = pieces.iter().flat_map(|piece| match length(piece) <= width {
        true => vec![piece.as_str()],
        false => piece.split(' ').collect(),
    });
    for word in words {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_a_terminal_and_names_every_option() {
        let text = text("server");
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert_eq!(line.trim_end(), line);
        }
        for setting in TABLE {
            assert!(text.contains(&format!("--{}", setting.flag())));
        }
        let off =
            |row: &&Setting| row.arity == Arity::Flag && row.default() == Raw::One("false".into());
        let switches = TABLE.iter().filter(off).count();
        assert_eq!(text.matches("[default: ").count(), TABLE.len() - switches);
    }
}
