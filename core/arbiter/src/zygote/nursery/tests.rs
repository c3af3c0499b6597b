//! The other end is played by the test.

use super::*;
use crate::zygote::words::{Loads, Source, Stage};
use oxicorn_core::config::file::Plain;

const NOW: Duration = Duration::from_secs(100);

/// One whose process is a child of the test, and the end of its socket.
fn zygote(patience: Option<u64>) -> (Zygote, OwnedFd, std::process::Child) {
    let (own, other) = post::pair().unwrap();
    let child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    (Zygote::known(NOW, pid, own, Asked::Load, patience.map(Duration::from_secs)), other, child)
}

fn order(slot: usize) -> Order {
    let table = tempfile::tempfile().unwrap().into();
    Order { slot: Slot(slot), age: 1, table, listeners: Vec::new() }
}

fn says(other: &OwnedFd, answer: Answer) {
    post::send(other.as_fd(), &answer, &[]).unwrap();
}

fn asked(other: &OwnedFd) -> usize {
    let (word, descriptors) = post::receive::<Word>(other.as_fd()).unwrap();
    let Word::Fork(fork) = word else { panic!("{word:?}") };
    assert_eq!(descriptors.len(), 1);
    fork.slot
}

fn forked(slot: usize, pid: i32) -> (Answer, News) {
    (Answer::Forked { slot, pid }, News::Forked(Slot(slot), Pid::from_raw(pid)))
}

#[test]
fn it_is_asked_for_one_worker_after_the_other_and_not_before_it_is_ready() {
    let (mut zygote, other, mut child) = zygote(None);
    assert_eq!(zygote.ask(NOW, order(0)), []);
    assert_eq!(zygote.ask(NOW, order(1)), []);
    assert_eq!(zygote.ask(NOW, order(2)), []);
    assert!(matches!(zygote.take_back(Slot(1)), Some(News::NotForked(Slot(1), _))));
    says(&other, Answer::Ready);
    assert_eq!(zygote.hear(NOW), [News::Ready]);
    assert_eq!(asked(&other), 0);
    assert_eq!(zygote.take_back(Slot(0)), None, "that one has been given");
    let (answer, news) = forked(0, 70);
    says(&other, answer);
    assert_eq!(zygote.hear(NOW), [news]);
    assert_eq!(asked(&other), 2);
    let reason = "no more processes".to_owned();
    says(&other, Answer::NotForked { slot: 2, reason: reason.clone() });
    assert_eq!(zygote.hear(NOW), [News::NotForked(Slot(2), reason)]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_was_said_before_the_end_counts_and_the_rest_fails() {
    let (mut zygote, other, mut child) = zygote(None);
    says(&other, Answer::Ready);
    zygote.hear(NOW);
    for slot in 0..3 {
        zygote.ask(NOW, order(slot));
    }
    let (answer, news) = forked(0, 70);
    says(&other, answer);
    child.kill().unwrap();
    child.wait().unwrap();
    let told = zygote.bury(NOW, Ending::Signal(libc::SIGKILL));
    assert_eq!(told[0], news);
    let lost = |news: &News| matches!(news, News::NotForked(_, why) if why.contains("SIGKILL"));
    assert!(told[1..].iter().all(lost) && told.len() == 3, "{told:?}");
    // Who forks now finds that nobody listens.
    assert!(post::send(other.as_fd(), &Answer::Ready, &[]).is_err());
}

#[test]
fn an_end_while_it_loads_is_a_failure_and_by_a_signal_perhaps_the_last() {
    for (how, again) in [(Ending::Code(0), false), (Ending::Signal(libc::SIGSEGV), true)] {
        let (zygote, _other, mut child) = zygote(None);
        child.kill().unwrap();
        child.wait().unwrap();
        let news = zygote.bury(NOW, how);
        let passing = matches!(&news[..], [News::Failed(Failure::Passing(_))]);
        let ended = matches!(&news[..], [News::Failed(Failure::Ended(_))]);
        assert_eq!((passing, ended), (again, !again), "{news:?}");
    }
}

#[test]
fn who_owes_an_answer_for_too_long_is_given_up() {
    let (mut zygote, other, mut child) = zygote(Some(60));
    let late = NOW + Duration::from_secs(60);
    assert_eq!(zygote.deadline(), Some(late));
    says(&other, Answer::Ready);
    zygote.hear(NOW);
    assert_eq!(zygote.deadline(), None, "it owes nothing");
    zygote.ask(NOW, order(5));
    assert_eq!(zygote.expire(NOW), None);
    assert!(zygote.lives());
    assert_eq!(zygote.expire(late), None, "what it was asked for is told when it is buried");
    assert!(!zygote.lives());
    assert!(!child.wait().unwrap().success());
    let news = zygote.bury(late, Ending::Signal(libc::SIGKILL));
    assert!(matches!(&news[..], [News::NotForked(Slot(5), _)]), "{news:?}");
}

#[test]
fn a_machine_that_was_off_is_not_held_against_it() {
    let (mut zygote, _other, mut child) = zygote(Some(60));
    let woken = NOW + Duration::from_secs(1060);
    assert_eq!(zygote.expire(woken), None);
    let due = zygote.deadline().unwrap();
    assert!(due > woken && zygote.lives());
    assert!(matches!(zygote.expire(due), Some(News::Failed(Failure::Passing(_)))));
    child.wait().unwrap();
}

#[test]
fn who_fails_says_so_once() {
    let (mut zygote, other, mut child) = zygote(Some(60));
    let (blame, reason) = (Blame::NotFound, "no module".to_owned());
    says(&other, Answer::Failed { blame, reason: reason.clone() });
    assert_eq!(zygote.hear(NOW), [News::Failed(Failure::Told(blame, reason))]);
    assert!(!zygote.lives());
    assert_eq!(zygote.expire(NOW + Duration::from_secs(99)), None);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(zygote.bury(NOW, Ending::Code(4)), []);
}

#[test]
fn one_that_executes_a_file_loads_when_it_is_given_the_letter() {
    let (mut zygote, other, mut child) = zygote(None);
    zygote.asked = Some(Asked::Read);
    let names: Names = vec![("workers".to_owned(), Plain::Scalar("2".to_owned()))];
    says(&other, Answer::Read(names.clone()));
    assert_eq!(zygote.hear(NOW), [News::Read(names)]);
    assert_eq!(zygote.deadline(), None);
    let config = Config::default();
    let source = Source::Module("conf".to_owned());
    let file = ConfigurationFile { source, folder: "/".into() };
    let letter = Letter { configuration: Some(file), ..letter() };
    zygote.load(NOW, &config, letter, &[]).unwrap();
    assert_eq!(zygote.deadline(), config.boot_timeout.get().map(|time| NOW + time));
    let (opening, _) = post::receive::<Opening>(other.as_fd()).unwrap();
    assert!(matches!(opening, Opening::Load(letter) if letter.application == "app"));
    says(&other, Answer::Ready);
    assert_eq!(zygote.hear(NOW), [News::Ready]);
    zygote.ask(NOW, order(3));
    assert_eq!(asked(&other), 3);
    let (answer, news) = forked(3, 70);
    says(&other, answer);
    assert_eq!(zygote.hear(NOW), [news]);
    zygote.retire(NOW);
    assert!(!zygote.lives());
    assert_eq!(zygote.deadline(), None, "one of its workers lives");
    zygote.tell_end(NOW, Pid::from_raw(70), 1);
    let (word, _) = post::receive::<Word>(other.as_fd()).unwrap();
    assert_eq!(word, Word::Happened(Happening::Ended { pid: 70, age: 1 }));
    assert!(matches!(post::receive::<Word>(other.as_fd()), Err(PostError::Gone)));
    assert_eq!(zygote.expire(NOW + LAST_HOOKS), None);
    assert!(!child.wait().unwrap().success(), "it was given up");
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_its_traceback() {
    let (mut zygote, other, mut child) = zygote(None);
    zygote.asked = Some(Asked::Read);
    let (reason, traceback) = ("NameError".to_owned(), vec!["Traceback".to_owned()]);
    says(&other, Answer::Unreadable { reason: reason.clone(), traceback: traceback.clone() });
    let failure = Failure::Unreadable(reason, traceback);
    assert_eq!(zygote.hear(NOW), [News::Failed(failure)]);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn letter() -> Letter {
    Letter {
        version: VERSION.to_owned(),
        config: Vec::new(),
        configuration: None,
        folder: "/".into(),
        stage: Stage::Start,
        application: "app".to_owned(),
        loads: Loads::BeforeFork,
        class: "sync".to_owned(),
        title: String::new(),
        worker_title: String::new(),
    }
}
