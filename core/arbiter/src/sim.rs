//! A world for the state machine to run in: processes that boot slowly, fail, crash, fall silent and
//! refuse to leave, an operator who sends signals at the worst moment, a machine that sleeps. All of
//! it comes from one seed, so that whatever goes wrong can be seen again:
//! `SIM_SEED=16 cargo test -p oxicorn-arbiter sim -- --nocapture` prints that run, and `SIM_SEEDS` says
//! how many there are.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use nix::unistd::Pid;
use oxicorn_core::scoreboard::{Generation, Slot};

use crate::backoff::Jitter;
use crate::event::{Action, Ending, Event, Phase, Settings, Signal};
use crate::line::{Level, Line};
use crate::state::{Arbiter, FIRST};

mod process;
mod rules;

use process::{Process, Temper};

const SEEDS: u64 = 3_000;

/// How the workers of a configuration behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// They boot, nearly always.
    Good,
    /// Every second one fails to boot.
    Flaky,
    /// None ever boots.
    Bad,
}

/// What will happen without the master doing anything.
#[derive(Clone, Debug)]
enum Happening {
    Forks(Slot),
    Boots(Slot, Pid),
    FallsSilent(Slot, Pid),
    Drains(Slot, Pid),
    Ends(Slot, Pid, Ending),
    Loads,
    Arrives(Signal),
}

/// Whether the operator and the world still make trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Noisy,
    Quiet,
}

struct World {
    arbiter: Arbiter,
    now: Duration,
    mood: Mood,
    chance: Jitter,
    agenda: BTreeMap<(Duration, u64), Happening>,
    agreed: u64,
    news: VecDeque<Event>,
    processes: BTreeMap<Slot, Process>,
    configs: BTreeMap<Generation, (Settings, Nature)>,
    dropped: BTreeSet<Generation>,
    /// What the questions after the configuration will be answered.
    answers: VecDeque<Result<(Settings, Nature), String>>,
    loaded: VecDeque<(Settings, Nature)>,
    pids: i32,
    /// When the machine last woke up, and for how long it had slept.
    slept: (Duration, Duration),
    /// A good configuration was loaded after the noise.
    reloaded: bool,
    stopped: Option<Signal>,
    exit: Option<u8>,
    steps: u64,
    seen: BTreeMap<&'static str, u64>,
    trace: bool,
}

fn one_of<T: Copy>(chance: &mut Jitter, choices: &[T]) -> T {
    choices[(chance.next() % choices.len() as u64) as usize]
}

impl World {
    fn new(seed: u64, trace: bool) -> World {
        let mut chance = Jitter::new(seed);
        let settings = World::some_settings(&mut chance);
        let natures = [
            Nature::Good,
            Nature::Good,
            Nature::Good,
            Nature::Good,
            Nature::Flaky,
        ];
        let first = (settings, one_of(&mut chance, &natures));
        World {
            arbiter: Arbiter::new(settings, seed),
            now: Duration::ZERO,
            mood: Mood::Noisy,
            chance,
            agenda: BTreeMap::new(),
            agreed: 0,
            news: VecDeque::from([Event::Start]),
            processes: BTreeMap::new(),
            configs: BTreeMap::from([(FIRST, first)]),
            dropped: BTreeSet::new(),
            answers: VecDeque::new(),
            loaded: VecDeque::new(),
            pids: 1000,
            slept: (Duration::ZERO, Duration::ZERO),
            reloaded: false,
            stopped: None,
            exit: None,
            steps: 0,
            seen: BTreeMap::new(),
            trace,
        }
    }

    fn some_settings(chance: &mut Jitter) -> Settings {
        let seconds = Duration::from_secs;
        Settings {
            workers: one_of(chance, &[1, 1, 2, 2, 3, 4, 7]),
            timeout: one_of(chance, &[None, Some(1), Some(5), Some(30)]).map(seconds),
            graceful_timeout: one_of(chance, &[None, Some(2), Some(10)]).map(seconds),
            boot_timeout: one_of(chance, &[None, Some(10), Some(10)]).map(seconds),
        }
    }

    /// What the configuration says that is in force.
    fn settings(&self) -> Settings {
        self.configs[&self.arbiter.generation()].0
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.chance.next() % 100 < percent
    }

    fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.chance.next() % (longest.as_micros() as u64 + 1))
    }

    fn millis(&mut self, longest: u64) -> Duration {
        self.within(Duration::from_millis(longest))
    }

    fn later(&mut self, after: Duration, what: Happening) {
        self.agreed += 1;
        self.agenda.insert((self.now + after, self.agreed), what);
    }

    fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// One thing that an operator, or fate, does.
    fn trouble(&mut self) {
        let pick = self.chance.next() % 100;
        match pick {
            0..25 => self.arrives(Signal::Hup),
            25..40 => self.arrives(Signal::Ttin),
            40..56 => self.arrives(Signal::Ttou),
            56..60 => self.arrives(one_of_signal(pick)),
            60..75 => self.strike_somebody(),
            75..80 => {
                let time = Duration::from_secs(self.chance.next() % 4000);
                self.count("asleep");
                self.now += time;
                self.slept = (self.now, time);
                let told = self.processes.values_mut();
                told.for_each(|process| process.sleep(time));
                let moved = std::mem::take(&mut self.agenda);
                let moved = moved
                    .into_iter()
                    .map(|((at, n), what)| ((at + time, n), what));
                self.agenda = moved.collect();
            }
            80..83 => {
                let pid = Pid::from_raw(77);
                let how = Ending::Code(3);
                self.count("stranger");
                self.news.push_back(Event::Exited { pid, how });
            }
            83 if self.percent(25) => {
                let signal = one_of(&mut self.chance, &[Signal::Term, Signal::Int, Signal::Quit]);
                self.arrives(signal);
            }
            _ => {}
        }
    }

    fn arrives(&mut self, signal: Signal) {
        if matches!(signal, Signal::Term | Signal::Int | Signal::Quit) {
            self.stopped = Some(signal);
        }
        self.count(signal.name());
        self.news.push_back(Event::Signal(signal));
    }

    /// A kill -9 from outside, or a bug in the application.
    fn strike_somebody(&mut self) {
        let alive: Vec<(Slot, Pid)> = self
            .processes
            .iter()
            .filter_map(|(&slot, p)| p.pid.filter(|_| p.alive()).map(|pid| (slot, pid)))
            .collect();
        if alive.is_empty() {
            return;
        }
        let (slot, pid) = one_of(&mut self.chance, &alive);
        if self.percent(30) {
            self.later(Duration::ZERO, Happening::FallsSilent(slot, pid));
        } else {
            let how = [
                Ending::Signal(libc::SIGKILL),
                Ending::Code(1),
                Ending::Code(3),
            ];
            let how = one_of(&mut self.chance, &how);
            self.count("crash");
            self.later(Duration::ZERO, Happening::Ends(slot, pid, how));
        }
    }

    /// Makes something happen that was going to.
    fn happens(&mut self, what: Happening) {
        match what {
            Happening::Forks(slot) => self.forks(slot),
            Happening::Boots(slot, pid) => {
                if self.process(slot, pid).is_some_and(Process::becomes_ready) {
                    self.news.push_back(Event::Ready { slot });
                }
            }
            Happening::FallsSilent(slot, pid) => {
                let now = self.now;
                if let Some(process) = self.process(slot, pid) {
                    process.silent_since.get_or_insert(now);
                    self.count("silent");
                }
            }
            Happening::Drains(slot, pid) => {
                if self.process(slot, pid).is_some_and(Process::drains) {
                    self.count("draining");
                    self.news.push_back(Event::Draining { slot });
                    let time = self.millis(1500);
                    self.later(time, Happening::Ends(slot, pid, Ending::Code(0)));
                }
            }
            Happening::Ends(slot, pid, how) => {
                if let Some(process) = self.process(slot, pid) {
                    process.ended = Some(how);
                    let time = self.millis(20);
                    self.later(time, Happening::Arrives(Signal::Chld));
                }
            }
            Happening::Loads => {
                let answer = self.answers.pop_front().expect("one for each question");
                self.loaded.extend(answer.clone());
                let answer = answer.map(|(settings, _)| settings);
                self.news.push_back(Event::ConfigLoaded(answer));
            }
            Happening::Arrives(signal) => self.news.push_back(Event::Signal(signal)),
        }
    }

    /// The living process of this place, if it is still the same.
    fn process(&mut self, slot: Slot, pid: Pid) -> Option<&mut Process> {
        let process = self.processes.get_mut(&slot)?;
        (process.pid == Some(pid) && process.alive()).then_some(process)
    }

    fn forks(&mut self, slot: Slot) {
        if self.mood == Mood::Noisy && self.percent(4) {
            self.processes.remove(&slot);
            self.count("spawn failed");
            let reason = "no more processes".to_owned();
            return self.news.push_back(Event::SpawnFailed { slot, reason });
        }
        self.pids += 1;
        let pid = Pid::from_raw(self.pids);
        let generation = {
            let process = self.processes.get_mut(&slot).expect("asked for");
            process.pid = Some(pid);
            process.generation
        };
        self.count("spawned");
        self.news.push_back(Event::Spawned { slot, pid });
        let fails = match (self.configs[&generation].1, self.mood) {
            (Nature::Bad, _) => true,
            (Nature::Flaky, _) => self.percent(50),
            (Nature::Good, Mood::Noisy) => self.percent(3),
            (Nature::Good, Mood::Quiet) => false,
        };
        let time = self.millis(3000);
        if fails {
            let how = [
                Ending::Code(3),
                Ending::Code(4),
                Ending::Signal(libc::SIGSEGV),
            ];
            let how = one_of(&mut self.chance, &how);
            self.count("boot failed");
            return self.later(time, Happening::Ends(slot, pid, how));
        }
        if self.mood == Mood::Quiet {
            return self.later(time, Happening::Boots(slot, pid));
        }
        let slow = self.percent(4);
        let time = if slow { Duration::from_secs(100) } else { time };
        if slow {
            self.count("slow boot");
            self.processes.get_mut(&slot).expect("asked for").slow = true;
        }
        self.later(time, Happening::Boots(slot, pid));
        let obstinate = self.percent(10) && self.settings().graceful_timeout.is_some();
        if obstinate {
            self.processes.get_mut(&slot).expect("asked for").temper = Temper::Obstinate;
        }
        let after = time + self.millis(20_000);
        match self.chance.next() % 20 {
            0 | 1 => self.later(after, Happening::Ends(slot, pid, Ending::Signal(11))),
            2 | 3 => self.later(after, Happening::Drains(slot, pid)),
            4 => self.later(after, Happening::FallsSilent(slot, pid)),
            _ => {}
        }
    }

    /// What the driver would do.
    fn perform(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Spawn { slot, generation } => {
                if self.dropped.contains(generation) || !self.configs.contains_key(generation) {
                    return Err(format!(
                        "{generation:?} is started, and its configuration is gone"
                    ));
                }
                let process = Process::new(*generation);
                if self.processes.insert(*slot, process).is_some() {
                    return Err(format!("{slot:?} was not free"));
                }
                let time = self.millis(5);
                self.later(time, Happening::Forks(*slot));
            }
            Action::Kill { pid, signal } => self.deliver(*pid, *signal)?,
            Action::Release { slot } => {
                if self.processes.get(slot).is_some_and(|p| !p.reaped) {
                    return Err(format!("{slot:?} is released, and somebody is in it"));
                }
                self.processes.remove(slot);
            }
            Action::Reap => {
                let mut dead = self.processes.values_mut().filter(|p| !p.reaped);
                let ended = dead.find_map(|p| Some((p.pid?, p.ended?, p)));
                if let Some((pid, how, process)) = ended {
                    process.reaped = true;
                    self.news.push_front(Event::Exited { pid, how });
                }
            }
            Action::LoadConfig => {
                let bad = self.mood == Mood::Noisy && self.percent(20);
                let natures = [Nature::Good, Nature::Good, Nature::Flaky, Nature::Bad];
                let nature = match self.mood {
                    Mood::Noisy => one_of(&mut self.chance, &natures),
                    Mood::Quiet => Nature::Good,
                };
                let settings = World::some_settings(&mut self.chance);
                self.count(if bad {
                    "refused config"
                } else {
                    "loaded config"
                });
                self.answers.push_back(match bad {
                    true => Err("nonsense".to_owned()),
                    false => Ok((settings, nature)),
                });
                let time = self.millis(5);
                self.later(time, Happening::Loads);
            }
            Action::AdoptConfig { generation } => {
                let config = self.loaded.pop_front().ok_or("nothing was loaded")?;
                self.configs.insert(*generation, config);
            }
            Action::DropConfig { generation } => {
                if !self.dropped.insert(*generation) {
                    return Err(format!("{generation:?} is dropped twice"));
                }
            }
            Action::Exit { code } => {
                if self.exit.replace(*code).is_some() {
                    return Err("two exits".to_owned());
                }
            }
            Action::CloseListeners | Action::ReopenLogs | Action::Log(_) => {}
        }
        Ok(())
    }

    fn deliver(&mut self, pid: Pid, signal: Signal) -> Result<(), String> {
        let found = self
            .processes
            .iter()
            .find(|(_, p)| p.pid == Some(pid) && !p.reaped);
        let Some((&slot, process)) = found else {
            return Err(format!("{signal:?} for {pid}, which is no worker"));
        };
        let obstinate = process.temper == Temper::Obstinate || process.silent_since.is_some();
        let graceful = self
            .settings()
            .graceful_timeout
            .unwrap_or(Duration::from_secs(20));
        let soon = |how| (!obstinate).then_some(how);
        let (time, how) = match signal {
            Signal::Term => (self.within(graceful * 5 / 4), soon(Ending::Code(0))),
            Signal::Quit => (self.millis(300), soon(Ending::Code(0))),
            Signal::Abrt => {
                let dies = self.percent(80).then_some(Ending::Signal(libc::SIGABRT));
                (self.millis(200), dies)
            }
            Signal::Kill => (self.millis(50), Some(Ending::Signal(libc::SIGKILL))),
            _ => return Ok(()),
        };
        // Without a limit, only its own end makes a silent worker leave.
        let unlimited = obstinate && self.settings().graceful_timeout.is_none();
        let how = how.or(unlimited.then_some(Ending::Code(0)));
        self.rules_for(slot, signal)?;
        if let Some(how) = how {
            self.later(time, Happening::Ends(slot, pid, how));
        }
        Ok(())
    }

    /// The next event: what is already known, then what happens next, then the tick.
    fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.news.pop_front() {
                return Some(event);
            }
            let tick = self.arbiter.next_deadline();
            let next = self.agenda.first_key_value().map(|(&(at, _), _)| at);
            match (tick, next) {
                (Some(tick), next) if next.is_none_or(|next| tick <= next) => {
                    self.now = self.now.max(tick);
                    let ages = self.ages();
                    return Some(Event::Tick { ages });
                }
                (_, Some(_)) => {
                    let ((at, _), what) = self.agenda.pop_first()?;
                    self.now = self.now.max(at);
                    self.happens(what);
                }
                (_, None) => return None,
            }
        }
    }

    fn ages(&mut self) -> Vec<(Slot, Duration)> {
        let (woke, slept) = self.slept;
        // It takes the workers a moment to beat again.
        let slept = slept * u32::from(self.now < woke + Duration::from_millis(20));
        let fresh = self.millis(400);
        let now = self.now;
        let age = |p: &Process| match p.silent_since {
            Some(since) => now.saturating_sub(since),
            None => slept + fresh,
        };
        self.processes
            .iter()
            .map(|(&slot, p)| (slot, age(p)))
            .collect()
    }

    fn step(&mut self, event: Event) -> Result<(), String> {
        self.steps += 1;
        if let Event::Exited { pid, .. } = event {
            let them = self.processes.values_mut();
            them.filter(|p| p.pid == Some(pid))
                .for_each(|p| p.gone = true);
        }
        let before = self.picture();
        let actions = self.arbiter.step(self.now, event.clone());
        if self.trace {
            println!("{:>12?} {event:?} -> {actions:?}", self.now);
        }
        for action in &actions {
            self.perform(action)?;
        }
        self.check(&before, &event, &actions)
    }

    fn run(&mut self) -> Result<(), String> {
        let length = 30 + self.chance.next() % 50;
        for _ in 0..length {
            let pause = one_of(&mut self.chance, &[1, 50, 500, 3000, 12_000]);
            let until = self.now + self.millis(pause);
            self.trouble();
            while self.exit.is_none() {
                let waiting = !self.news.is_empty();
                let next = self.agenda.first_key_value().map(|(&(at, _), _)| at);
                let due = next.into_iter().chain(self.arbiter.next_deadline()).min();
                if !waiting && due.is_none_or(|due| due > until) {
                    break;
                }
                let Some(event) = self.next_event() else {
                    break;
                };
                self.step(event)?;
            }
            self.now = self.now.max(until);
        }
        self.calm()
    }

    /// No more trouble: now everything has to come right by itself.
    fn calm(&mut self) -> Result<(), String> {
        self.mood = Mood::Quiet;
        let hopeless = self.configs[&self.arbiter.generation()].1 != Nature::Good;
        if self.percent(50) || hopeless {
            self.arrives(Signal::Hup);
            self.reloaded = true;
        }
        let limit = self.now + Duration::from_secs(1200);
        while self.exit.is_none() && !self.settled() {
            let event = self
                .next_event()
                .ok_or("nothing happens, and it is not settled")?;
            self.step(event)?;
            if self.now > limit {
                return Err(format!("not settled: {:?}", self.arbiter));
            }
        }
        self.settled_rightly()
    }
}

fn one_of_signal(number: u64) -> Signal {
    [Signal::Usr1, Signal::Usr2, Signal::Winch, Signal::Chld][(number % 4) as usize]
}

#[test]
fn whatever_happens_the_rules_hold_and_it_settles() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let only: Option<u64> = number("SIM_SEED");
    let seeds = only.map_or(0..number("SIM_SEEDS").unwrap_or(SEEDS), |s| s..s + 1);
    let (mut steps, mut seen) = (0, BTreeMap::<&str, u64>::new());
    for seed in seeds {
        let mut world = World::new(seed, only.is_some());
        if let Err(broken) = world.run() {
            panic!(
                "seed {seed}, step {}, {:?}: {broken}",
                world.steps, world.now
            );
        }
        steps += world.steps;
        for (what, count) in world.seen {
            *seen.entry(what).or_default() += count;
        }
    }
    println!("{steps} steps; {seen:?}");
}
