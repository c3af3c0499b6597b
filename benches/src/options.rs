//! The command line of `server bench`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::loads::{LOADS, Load};
use crate::run::Rates;
use crate::subject::{Size, Subject, peer_names};

/// The worker classes that there are.
pub const CLASSES: [&str; 4] = ["sync", "threaded", "coroutine", "tokio"];

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker classes.
    pub classes: Vec<String>,
    /// Peers, by name.
    pub peers: Vec<String>,
    /// Servers that the user names.
    pub foreign: Vec<Subject>,
    /// Loads.
    pub loads: Vec<&'static Load>,
    /// Workers and threads.
    pub size: Size,
    /// Of one measurement.
    pub duration: Duration,
    /// Instead of each load's own numbers.
    pub connections: Vec<usize>,
    /// Rates of the open loop.
    pub rates: Rates,
    /// How often each closed loop is repeated.
    pub rounds: u32,
    /// Instead of each load's own.
    pub objective: Option<Duration>,
    /// Where the report goes.
    pub output: PathBuf,
    /// The binary whose classes are measured; this one, when it is not given.
    pub binary: Option<PathBuf>,
    /// The Python whose servers are compared with.
    pub python: String,
}

fn list(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("LIST")
        .value_delimiter(',')
        .action(ArgAction::Set)
        .help(help)
}

fn one(name: &'static str, holder: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(holder).action(ArgAction::Set).help(help)
}

fn command() -> Command {
    let loads = PossibleValuesParser::new(LOADS.iter().map(|load| load.name));
    let classes = PossibleValuesParser::new(CLASSES.into_iter().chain(["none"]));
    let peers = PossibleValuesParser::new(peer_names().chain(["none"]));
    let from_one = value_parser!(u32).range(1..=4096);
    Command::new("server bench")
        .no_binary_name(true)
        .about("Measure the worker classes, and other servers, against I/O-bound loads.")
        .after_help("See docs/benchmarking.md for what is measured, and how to read it.")
        .arg(list("classes", "Worker classes, or none [default: all]").value_parser(classes))
        .arg(list("loads", "Loads [default: all]").value_parser(loads))
        .arg(
            list("peers", "Other servers, or none [default: those that are installed]")
                .value_parser(peers),
        )
        .arg(
            one(
                "compare",
                "NAME=COMMAND",
                "Another server, with {port} in its command; repeatable",
            )
            .action(ArgAction::Append)
            .value_parser(Subject::foreign),
        )
        .arg(
            one("workers", "N", "Worker processes")
                .short('w')
                .default_value("1")
                .value_parser(from_one),
        )
        .arg(
            one("threads", "N", "Threads in each worker").default_value("4").value_parser(from_one),
        )
        .arg(
            one("duration", "SECONDS", "Of one measurement")
                .default_value("3")
                .value_parser(seconds),
        )
        .arg(list("connections", "Connections [default: the load's]").value_parser(connections))
        .arg(
            list("rate", "Requests/s of the open loop, or none [default: a search]")
                .value_parser(rate),
        )
        .arg(
            one("rounds", "N", "Repetitions of each closed loop")
                .default_value("3")
                .value_parser(from_one),
        )
        .arg(
            one("objective", "MS", "Bound of the 99th percentile [default: the load's]")
                .value_parser(millis),
        )
        .arg(
            one("output", "DIR", "Where the report goes")
                .default_value("bench-report")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            one("bin", "PATH", "The server whose classes are measured [default: this one]")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            one("python", "PATH", "The Python whose servers are compared with")
                .default_value("python3"),
        )
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("it is not a positive number".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match positive(text)? {
        number if (0.05..=3600.0).contains(&number) => Ok(Duration::from_secs_f64(number)),
        _ => Err("it must be between 0.05 and 3600".to_owned()),
    }
}

fn millis(text: &str) -> Result<Duration, String> {
    match positive(text)? {
        number if number <= 100_000.0 => Ok(Duration::from_secs_f64(number / 1000.0)),
        _ => Err("it must not be more than 100000".to_owned()),
    }
}

/// A rate; nothing, where none is wanted.
fn rate(text: &str) -> Result<Option<f64>, String> {
    if text == "none" {
        return Ok(None);
    }
    match positive(text)? {
        number if number <= 1e7 => Ok(Some(number)),
        _ => Err("it must not be more than 10000000".to_owned()),
    }
}

fn rates(found: &ArgMatches) -> Rates {
    let given: Option<Vec<Option<f64>>> = found.get_many("rate").map(|all| all.copied().collect());
    match given {
        None => Rates::Search,
        Some(given) => given.into_iter().collect::<Option<_>>().map_or(Rates::None, Rates::Given),
    }
}

fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=20_000) => Ok(number),
        _ => Err("it must be a whole number from 1 to 20000".to_owned()),
    }
}

impl Options {
    /// Reads the words behind `bench`.
    ///
    /// # Errors
    /// What clap says of them; the help is an error, too.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Options, clap::Error> {
        Ok(Options::of(&command().try_get_matches_from(words)?))
    }

    fn of(found: &ArgMatches) -> Options {
        let texts =
            |name| -> Option<Vec<String>> { Some(found.get_many(name)?.cloned().collect()) };
        let number = |name| found.get_one::<u32>(name).copied().unwrap_or(1);
        let loads =
            texts("loads").map(|names| names.iter().filter_map(|name| Load::named(name)).collect());
        let mut classes = texts("classes").unwrap_or_else(|| CLASSES.map(str::to_owned).into());
        classes.retain(|class| class != "none");
        Options {
            classes,
            peers: texts("peers").unwrap_or_else(|| peer_names().map(str::to_owned).collect()),
            foreign: found.get_many("compare").into_iter().flatten().cloned().collect(),
            loads: loads.unwrap_or_else(|| LOADS.iter().collect()),
            size: Size { workers: number("workers"), threads: number("threads") },
            duration: found.get_one("duration").copied().unwrap_or(Duration::from_secs(3)),
            connections: found.get_many("connections").into_iter().flatten().copied().collect(),
            rates: rates(found),
            rounds: number("rounds"),
            objective: found.get_one("objective").copied(),
            output: found.get_one("output").cloned().unwrap_or_default(),
            binary: found.get_one("bin").cloned(),
            python: found.get_one("python").cloned().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn clap_finds_no_fault_and_the_defaults_are_everything() {
        command().debug_assert();
        let options = parse("").unwrap();
        assert_eq!(options.classes, CLASSES);
        assert_eq!(options.loads.len(), LOADS.len());
        assert_eq!(options.peers.len(), peer_names().count());
        assert!(options.connections.is_empty());
        assert_eq!(options.rates, Rates::Search);
        assert_eq!(parse("--rate none").unwrap().rates, Rates::None);
    }

    #[test]
    fn there_may_be_no_class_of_ours() {
        assert!(parse("--classes none").unwrap().classes.is_empty());
    }

    #[test]
    fn lists_and_numbers_are_read() {
        let line = "--classes sync,tokio --loads hello,read --peers none -w 2 --threads 8 \
                    --duration 0.5 --connections 8,16 --rate 100,200.5 --rounds 5 --objective 20";
        let options = parse(line).unwrap();
        assert_eq!(options.classes, ["sync", "tokio"]);
        assert_eq!(
            options.loads.iter().map(|load| load.name).collect::<Vec<_>>(),
            ["hello", "read"]
        );
        assert_eq!(options.size, Size { workers: 2, threads: 8 });
        assert_eq!(options.duration, Duration::from_millis(500));
        assert_eq!(options.connections, [8, 16]);
        assert_eq!(options.rates, Rates::Given(vec![100.0, 200.5]));
        assert_eq!(options.objective, Some(Duration::from_millis(20)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--classes corutine",
            "--loads nothing",
            "--peers apache",
            "--duration 0",
            "--duration nan",
            "--connections 0",
            "--rate -1",
            "--rate inf",
            "--rounds 0",
            "--compare serve",
            "hello",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
