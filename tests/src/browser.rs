//! A headless Chromium, driven by ChromeDriver (<https://www.w3.org/TR/webdriver2/>): the handful of
//! commands that the tests need are JSON over HTTP on the loopback interface, for which the harness has
//! a client. Waiting is the driver's: an element that is looked for may take `PATIENCE` to appear.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Asked, Connection};
use crate::deadline::Deadline;
use crate::harness::{Address, Lines};

/// How long an element may take to appear.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a command may take: longer, and long enough for a browser to start.
const ANSWER: Duration = Duration::from_secs(60);

/// What makes it quiet, and a browser of the test's own: it is to talk to nobody but the server.
const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
];

/// The browser's tabs are its windows (WebDriver, section 11).
#[derive(Clone, Debug)]
pub struct Tab(Value);

/// Ends with the test.
#[derive(Debug)]
pub struct Browser {
    driver: Driver,
    session: String,
    _profile: TempDir,
}

#[derive(Debug)]
struct Driver {
    child: Child,
    address: Address,
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program of this name that a shell would find.
fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

impl Driver {
    /// `Err`: the reason why there is none.
    fn start() -> Result<Driver, String> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err("there is no chromedriver here".to_owned());
            }
            Err(error) => panic!("chromedriver: {error}"),
        };
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let lines = Lines::read("chromedriver", stdout).expect("a thread that reads");
        let port = lines.wait(Deadline::seconds(30), |lines| {
            let line = lines.iter().find_map(|line| line.split_once("successfully on port "))?;
            line.1.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.unwrap_or_else(|| panic!("chromedriver does not start: {:?}", lines.all()));
        let address = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], port)));
        Ok(Driver { child, address })
    }

    /// The answer's value (WebDriver, section 6), or what went wrong.
    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = match method {
            "POST" => body.to_string(),
            _ => String::new(),
        };
        // It answers only those who call it by the name of the loopback interface.
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let connection = Connection::open(&self.address).map_err(|error| error.to_string())?;
        let mut connection = connection.patience(ANSWER);
        connection.send((head + &body).as_bytes()).map_err(|error| error.to_string())?;
        let answer = connection.receive(Asked::ForAll).map_err(|error| error.to_string())?;
        let text = answer.text();
        let value: Value = serde_json::from_str(&text).map_err(|_| text.clone())?;
        match answer.status {
            200 => Ok(value["value"].clone()),
            status => Err(format!("{status} {text}")),
        }
    }
}

impl Browser {
    /// With a window of that many pixels, width and height.
    ///
    /// # Errors
    /// The reason why there is none on this machine.
    ///
    /// # Panics
    /// When there is one and it does not start.
    pub fn start((width, height): (u32, u32)) -> Result<Browser, String> {
        let binary = found("chromium").ok_or("there is no chromium here")?;
        let driver = Driver::start()?;
        let profile = tempfile::tempdir().expect("a folder for the browser");
        let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        arguments.push(format!("--window-size={width},{height}"));
        let wanted = json!({
            "browserName": "chrome",
            "timeouts": { "implicit": PATIENCE.as_millis() as u64 },
            "goog:chromeOptions": { "binary": binary, "args": arguments },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
        let made = driver.try_ask("POST", "/session", &wanted).expect("a browser");
        let session = made["sessionId"].as_str().expect("the name of the session").to_owned();
        Ok(Browser { driver, session, _profile: profile })
    }

    #[track_caller]
    fn ask(&self, method: &str, command: &str, body: &Value) -> Value {
        let path = format!("/session/{}{command}", self.session);
        match self.driver.try_ask(method, &path, body) {
            Ok(value) => value,
            Err(error) => panic!("{method} {command} {body}: {error}"),
        }
    }

    /// A tab that shows this page.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn open(&self, url: &str) -> Tab {
        let made = self.ask("POST", "/window/new", &json!({ "type": "tab" }));
        let tab = Tab(made["handle"].clone());
        self.turn_to(&tab);
        self.ask("POST", "/url", &json!({ "url": url }));
        tab
    }

    fn turn_to(&self, tab: &Tab) {
        self.ask("POST", "/window", &json!({ "handle": tab.0 }));
    }

    /// Waits for an element, and gives its path.
    #[track_caller]
    fn element(&self, xpath: &str) -> String {
        let found = self.ask("POST", "/element", &json!({ "using": "xpath", "value": xpath }));
        let name = found.as_object().and_then(|found| found.values().next()?.as_str());
        format!("/element/{}", name.expect("the name of the element"))
    }

    /// Waits until the tab's page has an element like this one.
    ///
    /// # Panics
    /// When the browser cannot.
    #[track_caller]
    pub fn wait_for(&self, tab: &Tab, xpath: &str) {
        self.turn_to(tab);
        self.element(xpath);
    }

    /// What is read in all elements like these, in their order.
    ///
    /// # Panics
    /// When the browser cannot.
    #[track_caller]
    pub fn texts(&self, tab: &Tab, xpath: &str) -> Vec<String> {
        self.turn_to(tab);
        let found = self.ask("POST", "/elements", &json!({ "using": "xpath", "value": xpath }));
        let names = found.as_array().into_iter().flatten();
        let names = names.filter_map(|found| found.as_object()?.values().next()?.as_str());
        let text = |name| self.ask("GET", &format!("/element/{name}/text"), &Value::Null);
        names.map(|name| text(name).as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Has the tab show another page.
    ///
    /// # Panics
    /// When the browser cannot.
    #[track_caller]
    pub fn go(&self, tab: &Tab, url: &str) {
        self.turn_to(tab);
        self.ask("POST", "/url", &json!({ "url": url }));
    }

    /// Types into a field, from its beginning on.
    ///
    /// # Panics
    /// When the browser cannot.
    #[track_caller]
    pub fn fill(&self, tab: &Tab, xpath: &str, text: &str) {
        self.turn_to(tab);
        let element = self.element(xpath);
        self.ask("POST", &format!("{element}/clear"), &json!({}));
        self.ask("POST", &format!("{element}/value"), &json!({ "text": text }));
    }

    /// Clicks on an element.
    ///
    /// # Panics
    /// When the browser cannot.
    #[track_caller]
    pub fn click(&self, tab: &Tab, xpath: &str) {
        self.turn_to(tab);
        let element = self.element(xpath);
        self.ask("POST", &format!("{element}/click"), &json!({}));
    }

    /// How an element is drawn: a property of its style, as the browser has computed it.
    ///
    /// # Panics
    /// When the browser cannot.
    #[track_caller]
    pub fn style(&self, tab: &Tab, xpath: &str, property: &str) -> String {
        self.turn_to(tab);
        let element = self.element(xpath);
        let value = self.ask("GET", &format!("{element}/css/{property}"), &Value::Null);
        value.as_str().unwrap_or_default().to_owned()
    }

    /// What the tab shows, as a PNG.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn screenshot(&self, tab: &Tab) -> Vec<u8> {
        self.turn_to(tab);
        let encoded = self.ask("GET", "/screenshot", &Value::Null);
        let encoded = encoded.as_str().expect("a text");
        BASE64_STANDARD.decode(encoded).expect("base64")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, and with all of its processes.
        let path = format!("/session/{}", self.session);
        let _ = self.driver.try_ask("DELETE", &path, &Value::Null);
    }
}
