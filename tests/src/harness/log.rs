//! The shape of the two logs, so that a test can ask for a level or a status and not only for a
//! piece of text. It is gunicorn's shape: what people's log shippers already understand.

/// A line of the error log: `[date] [pid] [LEVEL] message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLine {
    /// `2026-11-23 07:32:17 +0000`.
    pub date: String,
    /// Who wrote it.
    pub pid: i32,
    /// How bad it is.
    pub level: Level,
    /// The rest.
    pub message: String,
}

/// How bad the matter of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What the server does.
    Info,
    /// What somebody should look at some time.
    Warning,
    /// What went wrong.
    Error,
    /// What cost somebody a request.
    Critical,
}

impl Level {
    const NAMES: [(&'static str, Level); 5] = [
        ("DEBUG", Level::Debug),
        ("INFO", Level::Info),
        ("WARNING", Level::Warning),
        ("ERROR", Level::Error),
        ("CRITICAL", Level::Critical),
    ];

    fn from_name(name: &str) -> Option<Level> {
        let row = Level::NAMES.iter().find(|row| row.0 == name)?;
        Some(row.1)
    }
}

impl ErrorLine {
    /// Takes a line apart; nothing when it has not the shape.
    pub fn parse(line: &str) -> Option<ErrorLine> {
        let (date, rest) = line.strip_prefix('[')?.split_once("] [")?;
        let (pid, rest) = rest.split_once("] [")?;
        let (level, message) = rest.split_once("] ")?;
        has_shape(date, "0000-00-00 00:00:00 +0000").then_some(ErrorLine {
            date: date.to_owned(),
            pid: pid.parse().ok()?,
            level: Level::from_name(level)?,
            message: message.to_owned(),
        })
    }
}

/// What others wrote to the error stream, without the log's own lines. A program in C that dies
/// (Python's faulthandler) writes its words one by one, and whole lines of the log come between.
pub(super) fn foreign_text(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        match line.find('[').filter(|start| ErrorLine::parse(&line[*start..]).is_some()) {
            Some(start) => text.push_str(&line[..start]),
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

/// A line of the access log in the default format:
/// `host - user [date] "request" status bytes "referer" "agent"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLine {
    /// The client's address.
    pub host: String,
    /// `23/Nov/2026:07:32:17 +0000`.
    pub date: String,
    /// `GET /x HTTP/1.1`, as far as it was understood.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
    /// The length of the answer's body: a number, or `-`.
    pub bytes: String,
    /// The header `Referer`, or `-`.
    pub referer: String,
    /// The header `User-Agent`, or `-`.
    pub agent: String,
}

impl AccessLine {
    /// Takes a line apart; nothing when it has not the shape.
    pub fn parse(line: &str) -> Option<AccessLine> {
        let (who, rest) = line.split_once(" [")?;
        let (date, rest) = rest.split_once("] \"")?;
        let mut quoted = rest.split('"');
        let request = quoted.next()?;
        let (status, bytes) = quoted.next()?.trim().split_once(' ')?;
        let referer = quoted.next()?;
        let agent = quoted.nth(1)?;
        let whole = has_shape(&date.replace(|c: char| c.is_ascii_alphabetic(), "0"), DATE)
            && quoted.next() == Some("")
            && quoted.next().is_none();
        whole.then_some(AccessLine {
            host: who.split(' ').next()?.to_owned(),
            date: date.to_owned(),
            request: request.to_owned(),
            status: status.parse().ok()?,
            bytes: bytes.to_owned(),
            referer: referer.to_owned(),
            agent: agent.to_owned(),
        })
    }
}

const DATE: &str = "00/000/0000:00:00:00 +0000";

/// Whether `text` is `shape` with any digits for its digits and any sign for its sign.
fn has_shape(text: &str, shape: &str) -> bool {
    let like = |is: char, should: char| match should {
        '0' => is.is_ascii_digit(),
        '+' => is == '+' || is == '-',
        _ => is == should,
    };
    text.len() == shape.len() && text.chars().zip(shape.chars()).all(|(is, s)| like(is, s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_lines_are_taken_apart() {
        let line = "[2026-11-23 07:32:17 +0000] [12] [CRITICAL] WORKER TIMEOUT (pid:13)";
        let parsed = ErrorLine::parse(line).unwrap();
        assert_eq!(parsed.pid, 12);
        assert_eq!(parsed.level, Level::Critical);
        assert_eq!(parsed.message, "WORKER TIMEOUT (pid:13)");
        for other in [
            "WORKER TIMEOUT (pid:13)",
            "[2026-11-23 07:32:17] [12] [INFO] no zone",
            "[2026-11-23 07:32:17 +0000] [x] [INFO] no pid",
            "[2026-11-23 07:32:17 +0000] [12] [FATAL] no such level",
        ] {
            assert_eq!(ErrorLine::parse(other), None, "{other}");
        }
    }

    #[test]
    fn access_lines_are_taken_apart() {
        let line =
            r#"127.0.0.1 - - [23/Nov/2026:07:32:17 -0130] "GET /a?b HTTP/1.1" 200 14 "-" "suite""#;
        let parsed = AccessLine::parse(line).unwrap();
        assert_eq!(parsed.host, "127.0.0.1");
        assert_eq!(parsed.request, "GET /a?b HTTP/1.1");
        assert_eq!((parsed.status, parsed.bytes.as_str()), (200, "14"));
        assert_eq!((parsed.referer.as_str(), parsed.agent.as_str()), ("-", "suite"));
        for other in [
            r#"127.0.0.1 - - [23/Nov/2026:07:32:17 +0000] "GET / HTTP/1.1" 200 14 "-""#,
            r#"127.0.0.1 - - [2026-11-23 07:32:17 +0000] "GET / HTTP/1.1" 200 14 "-" "x""#,
        ] {
            assert_eq!(AccessLine::parse(other), None, "{other}");
        }
    }
}
