//! The command line as clap knows it, made from the table of settings: once for reading arguments,
//! and once, with everything that there is to say about each option, for the manual page and the
//! completions of shells.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint};
use oxicorn_core::config::value::{Arity, Completes};
use oxicorn_core::config::{Classes, Setting, TABLE, find};

use crate::registry::Registry;

/// The argument that is no option.
pub(crate) const APP: &str = "APP";
/// The flags that are no settings: see [`oxicorn_core::config::OTHER_FLAGS`].
pub(crate) const HELP: &str = "help";
pub(crate) const VERSION: &str = "version";
pub(crate) const MAN: &str = "man";
pub(crate) const COMPLETIONS: &str = "completions";

/// The shells whose completions can be written.
pub(crate) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What the flags do that are no settings.
pub(crate) const OTHERS: [(&str, &str); 4] = [
    (HELP, "Print this text"),
    (VERSION, "Print the version"),
    (MAN, "Print the manual page, for man(1)"),
    (COMPLETIONS, "Print the completions for bash, zsh or fish"),
];

/// For reading arguments, which do not begin with the program's name.
pub(crate) fn reading() -> Command {
    base(TABLE.iter().map(option))
        .no_binary_name(true)
        .infer_long_args(true)
        // Of a repeated option the last counts, as argparse's users are used to.
        .args_override_self(true)
}

fn base(options: impl Iterator<Item = Arg>) -> Command {
    let help = Arg::new(HELP).short('h').long(HELP).action(ArgAction::Help);
    let version = Arg::new(VERSION).short('V').short_alias('v').long(VERSION);
    let man = Arg::new(MAN).long(MAN).action(ArgAction::SetTrue);
    let completions = Arg::new(COMPLETIONS).long(COMPLETIONS).value_name("SHELL");
    let others = [help, version.action(ArgAction::Version), man, completions];
    Command::new("server")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(options)
        .args(others)
        .arg(Arg::new(APP))
}

fn named(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.name).long(setting.flag()).value_name(setting.holder);
    match setting.short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

fn option(setting: &'static Setting) -> Arg {
    let arg = named(setting).aliases(setting.also);
    match setting.arity {
        // So that "--workers -3" is refused for the -3.
        Arity::One => arg.action(ArgAction::Set).allow_negative_numbers(true),
        Arity::Many | Arity::Pairs => arg.action(ArgAction::Append).allow_negative_numbers(true),
        // "--flag=false" takes back what a file says; "--flag false" would swallow the application.
        Arity::Flag => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
    }
}

/// For the manual page and the completions of a program of that name, with these classes.
pub(crate) fn documented(program: &str, classes: Registry) -> Command {
    let mut command = base(TABLE.iter().map(|setting| explained(setting, classes)))
        .display_name(program.to_owned())
        .bin_name(program.to_owned())
        .about("application server with interchangeable worker classes")
        .override_usage(format!("{program} [OPTIONS] [APP]"))
        .mut_arg(APP, |arg| {
            arg.help(
                "The application, where a program has several; of server: demo (the default), echo, \
                 or a Python one: module:callable",
            )
        })
        .mut_arg(COMPLETIONS, |arg| arg.value_parser(SHELLS).hide_possible_values(true));
    for (name, help) in OTHERS {
        command = command.mut_arg(name, |arg| arg.help(help).help_heading("Other"));
    }
    command
}

fn explained(setting: &'static Setting, classes: Registry) -> Arg {
    let arg = named(setting)
        .visible_aliases(setting.also)
        .help(setting.help.trim())
        .long_help(long(setting))
        .help_heading(setting.group.title());
    match setting.arity {
        Arity::Flag => arg.action(ArgAction::SetTrue),
        Arity::One => completed(arg.action(ArgAction::Set), setting, classes),
        Arity::Many | Arity::Pairs => completed(arg.action(ArgAction::Append), setting, classes),
    }
}

fn completed(arg: Arg, setting: &'static Setting, classes: Registry) -> Arg {
    let words = |arg: Arg, words: Vec<&'static str>| {
        arg.value_parser(PossibleValuesParser::new(words)).hide_possible_values(true)
    };
    let is_class = find("worker_class").is_some_and(|class| std::ptr::eq(class, setting));
    match setting.completes {
        // The classes are a table of their own, of which the table of settings knows nothing.
        Completes::Nothing if is_class => words(arg, classes.names().collect()),
        Completes::Nothing => arg,
        Completes::Words(all) => words(arg, all.to_vec()),
        Completes::Files => arg.value_hint(ValueHint::FilePath),
        Completes::Folders => arg.value_hint(ValueHint::DirPath),
    }
}

/// What the reference page says about it, without Markdown.
fn long(setting: &Setting) -> String {
    let rest: Vec<&str> = setting.long.iter().map(|line| line.trim()).collect();
    let rest = rest.join(" ");
    let mut text = format!("{}.\n{}\n", setting.help.trim(), rest.trim().replace('`', ""));
    if !setting.also.is_empty() {
        let also: Vec<String> = setting.also.iter().map(|flag| format!("--{flag}")).collect();
        text += &format!("Also {}. ", also.join(", "));
    }
    if let Classes::Only(classes) = setting.classes {
        text += &format!("Only for the worker classes {}. ", classes.join(" and "));
    }
    text + &format!("Default: {}. Environment: {}.", setting.default(), setting.variable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxicorn_core::config::OTHER_FLAGS;
    use std::collections::BTreeSet;

    #[test]
    fn clap_finds_no_fault_with_the_table() {
        reading().debug_assert();
        documented("server", Registry::OURS).debug_assert();
    }

    #[test]
    fn the_flags_that_are_no_settings_are_the_reserved_ones() {
        let others: BTreeSet<&str> = OTHERS.iter().map(|(name, _)| *name).collect();
        assert_eq!(others, BTreeSet::from(OTHER_FLAGS));
    }

    #[test]
    fn every_option_is_explained() {
        for arg in documented("server", Registry::OURS).get_arguments() {
            assert!(arg.get_help().is_some(), "{}", arg.get_id());
        }
    }
}
