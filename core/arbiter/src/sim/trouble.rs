//! What an operator and fate do to a running server, and which fate a new worker has.

use super::*;

fn one_of_signal(number: u64) -> Signal {
    [Signal::Usr1, Signal::Usr2, Signal::Winch, Signal::Chld][(number % 4) as usize]
}

impl World {
    /// One thing that an operator, or fate, does.
    pub(super) fn trouble(&mut self) {
        let pick = self.chance.next() % 100;
        match pick {
            0..25 => self.arrives(Signal::Hup),
            25..40 => self.arrives(Signal::Ttin),
            40..56 => self.arrives(Signal::Ttou),
            56..60 => self.arrives(one_of_signal(pick)),
            83..85 => self.arrives(Signal::Winch),
            60..75 => self.strike_somebody(),
            75..80 => {
                let longest = one_of(&mut self.chance, &[2_000, 2_000, 4_000_000]);
                let time = self.millis(longest);
                self.count("asleep");
                self.now += time;
                self.slept = (self.now, time);
                let told = self.processes.values_mut();
                told.for_each(|process| process.sleep(time));
                self.stops_by = self.stops_by.map(|by| by + time);
                self.farewell = self.farewell.map(|(from, to)| (from, to + time));
                let moved = std::mem::take(&mut self.agenda);
                let moved = moved.into_iter().map(|((at, n), what)| ((at + time, n), what));
                self.agenda = moved.collect();
            }
            80..83 => {
                let pid = Pid::from_raw(77);
                let how = Ending::Code(3);
                self.count("stranger");
                self.news.push_back(Event::Exited { pid, how });
            }
            85 if self.percent(25) => {
                let signal = one_of(&mut self.chance, &[Signal::Term, Signal::Int, Signal::Quit]);
                self.arrives(signal);
            }
            90..93 => self.arrives(Signal::Usr2),
            87 | 88 => self.predecessor_leaves(),
            93..96 => self.zygote_dies(),
            _ => {}
        }
    }

    pub(super) fn arrives(&mut self, signal: Signal) {
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
            let how = [Ending::Signal(libc::SIGKILL), Ending::Code(1), Ending::Code(3)];
            let how = one_of(&mut self.chance, &how);
            self.count("crash");
            self.later(Duration::ZERO, Happening::Ends(slot, pid, how));
        }
    }

    pub(super) fn forks(&mut self, slot: Slot) {
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
            (Nature::Good, Mood::Quiet) | (Nature::Tired, _) => false,
        };
        let time = self.millis(3000);
        if fails {
            let how = [Ending::Code(3), Ending::Code(4), Ending::Signal(libc::SIGSEGV)];
            let how = one_of(&mut self.chance, &how);
            self.count("boot failed");
            return self.later(time, Happening::Ends(slot, pid, how));
        }
        if self.mood == Mood::Quiet {
            return self.later(time, Happening::Boots(slot, pid));
        }
        if self.configs[&generation].1 == Nature::Tired {
            let time = self.millis(5);
            self.later(time, Happening::Boots(slot, pid));
            return self.later(time, Happening::Wearies(slot, pid));
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
            5..9 => self.later(after, Happening::Wearies(slot, pid)),
            _ => {}
        }
    }
}
