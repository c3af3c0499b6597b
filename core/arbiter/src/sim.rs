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
use crate::event::{Action, Ending, Event, Phase, Settings, Signal, Terminal};
use crate::line::{Level, Line};
use crate::state::{Arbiter, FIRST};

mod deeds;
mod process;
mod rules;
mod trouble;
mod upgrade;
mod zygote;

use process::{Process, Temper};

const SEEDS: u64 = 3_000;

/// More steps than any world needs.
const RESTLESS: u64 = 20_000;

/// How the workers of a configuration behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// They boot, nearly always.
    Good,
    /// Every second one fails to boot.
    Flaky,
    /// None ever boots.
    Bad,
    /// They boot at once, are weary at once and leave at once: some limit is absurd.
    Tired,
}

/// What will happen without the master doing anything.
#[derive(Clone, Debug)]
enum Happening {
    Forks(Slot),
    Boots(Slot, Pid),
    FallsSilent(Slot, Pid),
    Wearies(Slot, Pid),
    Drains(Slot, Pid),
    Ends(Slot, Pid, Ending),
    Loads,
    Arrives(Signal),
    Upgrades(upgrade::Step),
}

/// Whether the operator and the world still make trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Noisy,
    Quiet,
}

/// Whether each step is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trace {
    Printed,
    Off,
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
    makes: zygote::Makes,
    kin: upgrade::Kin,
    /// When the machine last woke up, and for how long it had slept.
    slept: (Duration, Duration),
    /// A good configuration was loaded after the noise.
    reloaded: bool,
    stopped: Option<Signal>,
    /// When the stop begins that SIGTERM has asked for: not before, and not after.
    farewell: Option<(Duration, Duration)>,
    /// When a graceful stop must be over, whatever is still waited for.
    stops_by: Option<Duration>,
    /// When workers were started beside as many as there shall be (this many), outside a reload.
    recycled: VecDeque<(Duration, usize)>,
    exit: Option<u8>,
    steps: u64,
    seen: BTreeMap<&'static str, u64>,
    trace: Trace,
}

fn one_of<T: Copy>(chance: &mut Jitter, choices: &[T]) -> T {
    choices[(chance.next() % choices.len() as u64) as usize]
}

impl World {
    fn new(seed: u64, trace: Trace) -> World {
        let mut chance = Jitter::new(seed);
        let settings = World::some_settings(&mut chance);
        let natures = [Nature::Good, Nature::Good, Nature::Good, Nature::Good, Nature::Flaky];
        let first = (settings, one_of(&mut chance, &natures));
        let kin = upgrade::Kin::some(&mut chance);
        let makes = one_of(&mut chance, &[zygote::Makes::Copies, zygote::Makes::Orders]);
        World {
            arbiter: kin.apply(Arbiter::new(settings, seed)),
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
            makes,
            kin,
            slept: (Duration::ZERO, Duration::ZERO),
            reloaded: false,
            stopped: None,
            farewell: None,
            stops_by: None,
            recycled: VecDeque::new(),
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
            drain_delay: one_of(chance, &[None, Some(1), Some(20)]).map(seconds),
            terminal: one_of(chance, &[Terminal::Attached, Terminal::Daemonized]),
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
            Happening::Wearies(slot, pid) => {
                if self.process(slot, pid).is_some_and(Process::wearies) {
                    self.count("weary");
                    self.news.push_back(Event::Weary { slot });
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
            Happening::Upgrades(step) => self.upgrades(step),
        }
    }

    /// The living process of this place, if it is still the same.
    fn process(&mut self, slot: Slot, pid: Pid) -> Option<&mut Process> {
        let process = self.processes.get_mut(&slot)?;
        (process.pid == Some(pid) && process.alive()).then_some(process)
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
        self.processes.iter().map(|(&slot, p)| (slot, age(p))).collect()
    }

    fn step(&mut self, event: Event) -> Result<(), String> {
        self.steps += 1;
        if self.steps > RESTLESS {
            return Err("it turns in a circle".to_owned());
        }
        if let Event::Exited { pid, .. } = event {
            let them = self.processes.values_mut();
            them.filter(|p| p.pid == Some(pid)).for_each(|p| p.gone = true);
        }
        self.kin.told(&event);
        let before = self.picture();
        let actions = self.arbiter.step(self.now, event.clone());
        if self.trace == Trace::Printed {
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
        self.predecessor_leaves();
        let hopeless = self.configs[&self.arbiter.generation()].1 != Nature::Good;
        if self.percent(50) || hopeless {
            self.arrives(Signal::Hup);
            self.reloaded = true;
        }
        let limit = self.now + Duration::from_secs(1200);
        while self.exit.is_none() && !self.settled() {
            let event = self.next_event().ok_or("nothing happens, and it is not settled")?;
            self.step(event)?;
            if self.now > limit {
                return Err(format!("not settled: {:?}", self.arbiter));
            }
        }
        self.settled_rightly()
    }
}

#[test]
fn whatever_happens_the_rules_hold_and_it_settles() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let only: Option<u64> = number("SIM_SEED");
    let seeds = only.map_or(0..number("SIM_SEEDS").unwrap_or(SEEDS), |s| s..s + 1);
    let (mut steps, mut seen) = (0, BTreeMap::<&str, u64>::new());
    for seed in seeds {
        let mut world = World::new(seed, only.map_or(Trace::Off, |_| Trace::Printed));
        if let Err(broken) = world.run() {
            panic!("seed {seed}, step {}, {:?}: {broken}", world.steps, world.now);
        }
        steps += world.steps;
        for (what, count) in world.seen {
            *seen.entry(what).or_default() += count;
        }
    }
    println!("{steps} steps; {seen:?}");
}
