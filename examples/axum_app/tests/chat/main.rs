//! The chat page, in a real browser: two tabs that talk to each other, also after their worker was
//! replaced. Where there is no Chromium the test says so and tries nothing; `.ci/run` installs one.
//!
//! The picture in docs/images is made by
//!
//! ```text
//! cargo test -p example-axum-app --test chat && cp target/tmp/chat.png docs/images/
//! ```
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use std::path::Path;

use oxicorn_tests::browser::{Browser, Tab};
use oxicorn_tests::{Address, Launch, Server, Serving, Signal, Subject};

const MESSAGES: &str = "//ol[@id='messages']/li";
/// Two messages of the first act, in which one tries to be more than a text.
const TALK: [&str; 2] =
    ["Ann: Is anybody there?", "Bob: I am, in another tab. <script>alert('hello')</script>"];

fn start() -> Server {
    let subject = Subject {
        binary: env!("CARGO_BIN_EXE_example-axum-app").into(),
        class: "tokio".to_owned(),
        serving: Serving::Many,
        hosted: None,
    };
    // A reload hangs up on the browsers after a second: their sockets would keep the old worker longer.
    Launch::of(&subject).args(["--graceful-timeout", "1"]).start()
}

fn page(server: &Server) -> String {
    match server.address() {
        Address::Tcp(address) => format!("http://{address}/chat"),
        Address::Unix(path) => panic!("{}", path.display()),
    }
}

/// `name: text`, as it is to be read.
#[track_caller]
fn say(browser: &Browser, tab: &Tab, line: &str) {
    let (name, text) = line.split_once(": ").expect("a name");
    browser.fill(tab, "//input[@id='name']", name);
    browser.fill(tab, "//input[@id='text']", text);
    browser.click(tab, "//button");
}

#[track_caller]
fn wait_for_messages(browser: &Browser, tab: &Tab, number: usize) {
    browser.wait_for(tab, &format!("{MESSAGES}[{number}]"));
}

#[track_caller]
fn wait_for_both(browser: &Browser, tabs: &[Tab; 2]) {
    for tab in tabs {
        browser.wait_for(tab, "//p[@id='present'][.='2 here']");
    }
}

#[test]
fn two_tabs_chat_and_survive_a_reload() {
    let browser = match Browser::start((560, 480)) {
        Ok(browser) => browser,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let server = start();
    let tabs = [(); 2].map(|()| browser.open(&page(&server)));
    wait_for_both(&browser, &tabs);

    for (said, (tab, line)) in tabs.iter().zip(TALK).enumerate() {
        say(&browser, tab, line);
        tabs.iter().for_each(|tab| wait_for_messages(&browser, tab, said + 1));
    }
    tabs.iter().for_each(|tab| assert_eq!(browser.texts(tab, MESSAGES), TALK));
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chat.png");
    std::fs::write(picture, browser.screenshot(&tabs[0])).expect("the screenshot");

    server.signal(Signal::SIGHUP);
    server.wait_for_accesses("GET /chat/room HTTP/1.1\" 101 ", 2 * tabs.len());
    wait_for_both(&browser, &tabs);
    say(&browser, &tabs[1], "Bob: Still here.");
    tabs.iter().for_each(|tab| wait_for_messages(&browser, tab, TALK.len() + 1));
}
