//! The manual page. Its options and its signals are made from their tables; what stands around them is
//! here, because a page that leaves out signals, files and exit statuses sends its reader elsewhere.

use std::io::{self, Write};

use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use oxicorn_arbiter::event::Signal;

use crate::command;
use crate::registry::Registry;

/// The page of a program of that name, in roff: see man(7).
pub(crate) fn page(program: &str) -> String {
    let mut page = Vec::new();
    // Writing into memory does not fail.
    let _ = write(program, &mut page);
    String::from_utf8_lossy(&page).into_owned()
}

fn write(program: &str, page: &mut impl Write) -> io::Result<()> {
    let command = command::documented(program, Registry::OURS).long_about(DESCRIPTION);
    // The date of a build would make every build another page.
    let man = Man::new(command).date("").manual("oxicorn").section("1");
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    around(program).to_writer(page)
}

const DESCRIPTION: &str = "\
A master process owns the listening sockets and starts worker processes, which serve. The worker class \
decides how a handler runs while it waits; everything else means the same in every class.

TIME is 30 or 30s (seconds), 0.5, 500ms, 5m or 1h. SIZE is 4094 (bytes), 64k, 16M or 1g. 0 switches a \
time or a limit off. A flag takes =false to take back what another source says.

What is later overrules what is earlier: the default, the configuration file, SERVER_CMD_ARGS, the \
variable of the setting, the command line. --print-config prints every value with its source.";

const FILES: &[(&str, &str)] = &[(
    "./server.toml",
    "The configuration file, when --config names no other. TOML, or plain assignments in Python; \
     the keys are the names of the options with _ for -.",
)];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("SERVER_CMD_ARGS", "Options, quoted as in a shell."),
    ("OXICORN_<NAME>", "The setting of that name, in capitals."),
    ("PORT", "The default of --bind becomes 0.0.0.0:$PORT."),
    ("WEB_CONCURRENCY", "The default of --workers."),
    ("FORWARDED_ALLOW_IPS", "The default of --forwarded-allow-ips."),
];

const STATUSES: &[(&str, &str)] = &[
    ("0", "It was told to stop, and did."),
    ("1", "The settings, other than the command line, cannot be used, or an address cannot."),
    ("2", "The command line cannot be used."),
    ("3", "The application failed before any worker was ready."),
    ("4", "The application was not found."),
];

fn around(program: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SIGNALS"]);
    for signal in Signal::HANDLED.iter().filter(|signal| **signal != Signal::Chld) {
        entry(&mut roff, &signal.name().to_uppercase(), signal.meaning());
    }
    let lists = [("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT), ("EXIT STATUS", STATUSES)];
    for (title, entries) in lists {
        roff.control("SH", [title]);
        for (name, text) in entries {
            entry(&mut roff, name, text);
        }
    }
    roff.control("SH", ["EXAMPLES"]);
    for (arguments, text) in [
        ("-k sync -w 2", "Two workers, one request at a time in each."),
        ("-c gunicorn.conf.py --check-config", "Whether a start with that file would succeed."),
        ("-k threaded --threads 8 -b unix:/run/shop.sock", "Threads, behind a unix socket."),
    ] {
        roff.control("TP", []);
        roff.text(example(program, arguments));
        roff.text([roman(text)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([italic("docs/settings.md"), roman(" says more about each setting.")]);
    roff
}

fn entry(roff: &mut Roff, name: &str, text: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(text)]);
}

fn example(program: &str, arguments: &str) -> [Inline; 2] {
    [bold(program), roman(format!(" {arguments}"))]
}
