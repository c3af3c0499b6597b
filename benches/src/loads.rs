//! The loads, as a table: what is asked for, on how many connections, and the latency below which a
//! client is content. The routes are those of the demo application, whose bytes are the same in
//! every worker class.

use std::time::Duration;

use crate::load::Turn;

/// One load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, for a reader of the report.
    pub about: &'static str,
    /// Request targets and how often each is chosen.
    turns: &'static [(u32, Target)],
    /// Connections, one run for each number, when the command line does not say.
    pub connections: &'static [usize],
    /// Requests sent at once on a connection.
    pub depth: u32,
    /// Requests after which a connection is given up.
    pub turns_per_connection: Option<u32>,
    /// Idle connections beside.
    pub idle: usize,
    /// The bound of the 99th percentile within which requests count as goodput.
    pub objective: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Path(&'static str),
    /// Through the application to the delay server.
    Upstream,
}

/// How long the delay server takes.
pub const UPSTREAM_DELAY: Duration = Duration::from_millis(50);

const BASE: Load = Load {
    name: "",
    about: "",
    turns: &[(1, Target::Path("/"))],
    connections: &[64],
    depth: 1,
    turns_per_connection: None,
    idle: 0,
    objective: Duration::from_millis(10),
};

/// All of them.
pub static LOADS: &[Load] = &[
    Load { name: "hello", about: "14 bytes, at once", ..BASE },
    Load {
        name: "read",
        about: "waits 5 ms",
        turns: &[(1, Target::Path("/read"))],
        connections: &[50, 100, 1000],
        objective: Duration::from_millis(25),
        ..BASE
    },
    Load {
        name: "write",
        about: "waits 50 ms",
        turns: &[(1, Target::Path("/write"))],
        connections: &[50, 100, 1000],
        objective: Duration::from_millis(100),
        ..BASE
    },
    Load {
        name: "mix",
        about: "95 % wait 5 ms, 5 % wait 500 ms",
        turns: &[(95, Target::Path("/read")), (5, Target::Path("/write?ms=500"))],
        connections: &[100],
        objective: Duration::from_millis(600),
        ..BASE
    },
    Load {
        name: "cpu-wait",
        about: "computes 5 ms, then waits 50 ms",
        turns: &[(1, Target::Path("/cpu?ms=5&wait=50"))],
        objective: Duration::from_millis(200),
        ..BASE
    },
    Load {
        name: "upstream",
        about: "fetches over TCP from a server that takes 50 ms",
        turns: &[(1, Target::Upstream)],
        objective: Duration::from_millis(100),
        ..BASE
    },
    Load {
        name: "churn",
        about: "one connection for each request",
        turns_per_connection: Some(1),
        ..BASE
    },
    Load {
        name: "churn10",
        about: "one connection for ten requests",
        turns_per_connection: Some(10),
        ..BASE
    },
    Load { name: "idle", about: "hello beside 10,000 idle connections", idle: 10_000, ..BASE },
    Load {
        name: "large",
        about: "answers of 1 MiB",
        turns: &[(1, Target::Path("/bytes?n=1048576"))],
        connections: &[16],
        objective: Duration::from_millis(50),
        ..BASE
    },
    Load {
        name: "pipeline",
        about: "hello, 16 requests at once",
        depth: 16,
        connections: &[16],
        ..BASE
    },
];

impl Load {
    /// The load of this name.
    pub fn named(name: &str) -> Option<&'static Load> {
        LOADS.iter().find(|load| load.name == name)
    }

    /// Whether it needs the delay server.
    pub fn needs_upstream(&self) -> bool {
        self.turns.iter().any(|(_, target)| matches!(target, Target::Upstream))
    }

    /// What is asked for; `upstream` is the delay server's port.
    pub fn turns(&self, upstream: u16) -> Vec<Turn> {
        let path = |target: &Target| match target {
            Target::Path(path) => (*path).to_owned(),
            Target::Upstream => format!("/upstream?url=http://127.0.0.1:{upstream}/"),
        };
        let turns = self.turns.iter();
        turns.map(|(weight, target)| Turn { weight: *weight, path: path(target) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_differ() {
        for load in LOADS {
            assert!(std::ptr::eq(Load::named(load.name).unwrap(), load), "{}", load.name);
            assert!(load.turns(1).iter().all(|turn| turn.path.starts_with('/') && turn.weight > 0));
        }
        assert!(Load::named("").is_none());
        assert_eq!(
            Load::named("upstream").unwrap().turns(81)[0].path,
            "/upstream?url=http://127.0.0.1:81/"
        );
    }
}
