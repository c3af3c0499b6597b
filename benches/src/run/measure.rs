//! One measurement: a server that runs, a generator that is started for it, and a look at the
//! server's books between the generator's phases.

use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use super::results::{Percentiles, Run, verdict};
use super::server::Server;
use crate::load::{Arrivals, Latency, Milestone, Order, Spec};
use crate::loads::{Load, UPSTREAM_DELAY};
use crate::subject::Subject;
use crate::system::{Cores, Group, Interrupt, Interrupted, Usage, Waited, in_role};

/// How much longer than planned a generator may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer is waited for, beyond the objective.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no figure.
#[derive(Debug)]
pub enum Failed {
    /// The user wants an end.
    Interrupted,
    /// This server cannot be measured at this.
    Server(String),
    /// The benchmark itself has failed.
    Bench(io::Error),
}

impl From<Interrupted> for Failed {
    fn from(Interrupted: Interrupted) -> Failed {
        Failed::Interrupted
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Bench(error)
    }
}

/// A load with a number of connections.
#[derive(Clone, Debug)]
pub struct Case {
    /// The load.
    pub load: &'static Load,
    /// Connections.
    pub connections: usize,
    /// The bound of the 99th percentile.
    pub objective: Duration,
}

impl Case {
    /// As it is called in the report.
    pub fn name(&self) -> String {
        format!("{} c{}", self.load.name, self.connections)
    }
}

/// What all measurements have in common.
#[derive(Debug)]
pub struct Bench {
    /// Hears Ctrl-C.
    pub interrupt: Interrupt,
    /// Who runs where.
    pub cores: Cores,
    /// Of one measurement.
    pub duration: Duration,
    /// Where servers run: an empty folder.
    pub folder: PathBuf,
    /// Where their output goes.
    pub logs: PathBuf,
    upstream: Option<(Group, u16)>,
}

/// The generator's end of the two pipes.
struct Generator {
    group: Group,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Bench {
    /// Nothing is started yet.
    pub fn new(interrupt: Interrupt, duration: Duration, folder: PathBuf, logs: PathBuf) -> Bench {
        Bench { interrupt, cores: Cores::divide(), duration, folder, logs, upstream: None }
    }

    /// Time before a measurement.
    pub fn warmup(&self) -> Duration {
        (self.duration / 5).clamp(Duration::from_millis(50), Duration::from_secs(1))
    }

    /// Starts a server for `case`, and sees that it has what is asked for.
    ///
    /// # Errors
    /// It does not answer, or not with 200.
    pub(super) fn start(&mut self, subject: &Subject, case: &Case) -> Result<Server, Failed> {
        let upstream = match case.load.needs_upstream() {
            true => Some(self.upstream()?),
            false => None,
        };
        let log = self.logs.join(format!("{}.log", subject.name.replace('/', "_")));
        let server =
            Server::start(subject, &self.cores, &self.folder, &log, upstream, &self.interrupt)?;
        for turn in case.load.turns(upstream.unwrap_or(0)) {
            let status = server.status(&turn.path);
            if !matches!(status, Ok(200)) {
                let found = status.map_or_else(|error| error.to_string(), |code| code.to_string());
                server.stop(&self.interrupt)?;
                let (name, path) = (&subject.name, &turn.path);
                return Err(Failed::Server(format!("{name} answers {path} with {found}")));
            }
        }
        Ok(server)
    }

    /// The port of the delay server, which is started when it is first needed.
    fn upstream(&mut self) -> Result<u16, Failed> {
        if let Some((_, port)) = &self.upstream {
            return Ok(*port);
        }
        let mut command = in_role("delay", &self.cores.generator)?;
        command.arg(UPSTREAM_DELAY.as_millis().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut group = Group::start(&mut command)?;
        let output = group.child().stdout.take().ok_or_else(closed)?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse().map_err(|_| io::Error::other("the delay server fails"))?;
        self.upstream = Some((group, port));
        Ok(port)
    }

    fn spec(&self, server: &Server, case: &Case, arrivals: Arrivals) -> Spec {
        let port = self.upstream.as_ref().map_or(0, |(_, port)| *port);
        Spec {
            address: server.address,
            turns: case.load.turns(port),
            depth: case.load.depth,
            connections: case.connections,
            turns_per_connection: case.load.turns_per_connection,
            idle: case.load.idle,
            arrivals,
            warmup: self.warmup(),
            duration: self.duration,
            timeout: TIMEOUT + case.objective,
            most: None,
        }
    }

    fn generator(&self, spec: &Spec) -> io::Result<Generator> {
        let mut command = in_role("generate", &self.cores.generator)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut group = Group::start(&mut command)?;
        let input = group.child().stdin.take().ok_or_else(closed)?;
        let output = group.child().stdout.take().ok_or_else(closed)?;
        let mut generator = Generator { group, input, output: BufReader::new(output) };
        let order = serde_json::to_string(&Order { spec: spec.clone() })?;
        generator.input.write_all(order.as_bytes())?;
        generator.go_on()?;
        Ok(generator)
    }

    /// Measures `server`, which is `subject`'s, once.
    ///
    /// # Errors
    /// The user wants an end, or the generator has failed.
    pub(super) fn measure(
        &self,
        server: &Server,
        subject: &Subject,
        case: &Case,
        arrivals: Arrivals,
        round: u32,
    ) -> Result<Run, Failed> {
        let spec = self.spec(server, case, arrivals);
        let mut generator = self.generator(&spec)?;
        let planned = spec.warmup + spec.duration + spec.timeout * 2 + PATIENCE;
        let until = Instant::now() + planned;
        let (mut before, mut delay, mut opened) = (server.fresh.clone(), Usage::default(), 0);
        let mut per_idle = None;
        loop {
            let milestone = generator.next(&self.interrupt, until)?;
            let now = server.usage();
            let delay_now = self.upstream.as_ref().map(|(group, _)| Usage::of(group.pid()));
            let delay_now = delay_now.unwrap_or_default();
            match milestone {
                Milestone::Warm => {}
                Milestone::Idle(open) => {
                    opened = open;
                    let more = now.pss.saturating_sub(before.pss) as f64;
                    per_idle = (open > 0).then(|| more / open as f64);
                }
                Milestone::Done(outcome, still_open) => {
                    let delay = delay_now.time_since(&delay).as_secs_f64();
                    let cpu = now.time_since(&before).as_secs_f64();
                    let window = outcome.window.max(f64::MIN_POSITIVE);
                    let generator_cores = (outcome.cpu + delay) / window;
                    let mut latency = Latency::default();
                    latency.add_pairs(&outcome.latency);
                    let _ = generator.go_on();
                    return Ok(Run {
                        case: case.name(),
                        subject: subject.name.clone(),
                        round,
                        throughput: outcome.in_window as f64 / window,
                        latency: Percentiles::of(&latency),
                        cpu_per_request: match outcome.answered {
                            0 => 0.0,
                            answered => cpu / answered as f64,
                        },
                        server_cores: cpu / window,
                        generator_cores,
                        pss: now.pss,
                        rss: now.rss,
                        memory_per_idle: per_idle,
                        idle: (opened, still_open),
                        shares: shares(&now, &before),
                        start_up: server.start_up.as_secs_f64(),
                        verdict: verdict(generator_cores, outcome.lag),
                        outcome: *outcome,
                        spec,
                    });
                }
            }
            (before, delay) = (now, delay_now);
            generator.go_on()?;
        }
    }
}

/// A pipe that was asked for and is not there.
fn closed() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// The share of the processor time that each process has used, the largest first.
fn shares(now: &Usage, before: &Usage) -> Vec<f64> {
    let times = now.by_process_since(before);
    let total: f64 = times.iter().map(|(_, time)| time.as_secs_f64()).sum();
    let mut shares: Vec<f64> =
        times.iter().map(|(_, time)| time.as_secs_f64() / total.max(f64::MIN_POSITIVE)).collect();
    shares.retain(|share| *share >= 0.01);
    shares.sort_by(|a, b| f64::total_cmp(b, a));
    shares
}

impl Generator {
    fn go_on(&mut self) -> io::Result<()> {
        self.input.write_all(b"\n")?;
        self.input.flush()
    }

    fn next(&mut self, interrupt: &Interrupt, until: Instant) -> Result<Milestone, Failed> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::other("the load generator hangs").into());
            }
            if interrupt.wait(self.output.get_ref(), left)? == Waited::Readable {
                break;
            }
        }
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            let status = self.group.child().wait()?;
            return Err(io::Error::other(format!("the load generator has ended: {status}")).into());
        }
        Ok(serde_json::from_str(&line).map_err(io::Error::from)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_leave_out_who_did_nothing() {
        let of = |millis: &[u64]| Usage {
            processes: (1..).zip(millis.iter().map(|n| Duration::from_millis(*n))).collect(),
            ..Usage::default()
        };
        assert_eq!(shares(&of(&[1000, 20, 80, 300]), &of(&[1000, 20, 0, 60])), [0.75, 0.25]);
        assert!(shares(&of(&[5]), &of(&[5])).is_empty());
    }
}
