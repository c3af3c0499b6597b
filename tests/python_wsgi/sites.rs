//! Whole sites, as somebody visits them: httpbin, and a Django project with its admin page, by curl and
//! by a browser. Where there is no curl, or no Chromium, the test says so and tries nothing.
//!
//! The picture in docs/python.md is the last one's:
//!
//! ```sh
//! cargo test -p oxicorn --test python_wsgi sites::the_admin_page && cp target/tmp/admin.png docs/images/
//! ```
#![expect(clippy::print_stdout, reason = "a test that cannot be done says why")]

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use oxicorn_tests::browser::Browser;
use oxicorn_tests::{Address, Launch, Server, python};

use crate::apps::{Class, module};

/// What curl has been answered: the body, and then the status.
fn curl(server: &Server, arguments: &[&str], path: &str) -> String {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code}"]);
    command.args(arguments).arg(address(server, path)).current_dir(server.folder());
    let done = command.output().expect("curl");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{path}: {:?} {said}", String::from_utf8_lossy(&done.stderr));
    said
}

fn address(server: &Server, path: &str) -> String {
    match server.address() {
        Address::Tcp(address) => format!("http://{address}{path}"),
        Address::Unix(path) => panic!("{}", path.display()),
    }
}

fn there_is_curl() -> bool {
    let tried = Command::new("curl").arg("--version").output();
    let missing = matches!(tried, Err(error) if error.kind() == ErrorKind::NotFound);
    if missing {
        println!("skipped: there is no curl here");
    }
    !missing
}

/// How it is asked, and what is in the answer.
const HTTPBIN: &[(&[&str], &str, &str, &str)] = &[
    (&[], "/get?a=1", "\"a\": \"1\"", "200"),
    (&["--data", "a=b"], "/post", "\"a\": \"b\"", "200"),
    (&["--request", "PUT", "--data", "text"], "/put", "\"text\": \"\"", "200"),
    (&["--request", "DELETE"], "/delete", "\"url\"", "200"),
    (&["--form", "file=@upload"], "/post", "what is uploaded", "200"),
    (&["--head"], "/get", "content-length: ", "200"),
    (&["--location"], "/redirect/3", "\"url\"", "200"),
    (
        &["--location", "--cookie", "jar", "--cookie-jar", "jar"],
        "/cookies/set?a=b",
        "\"a\": \"b\"",
        "200",
    ),
    (&["--user", "u:p"], "/basic-auth/u/p", "\"authenticated\": true", "200"),
    (&[], "/basic-auth/u/p", "", "401"),
    (&["--compressed"], "/gzip", "\"gzipped\": true", "200"),
    (&[], "/stream/3", "\"id\": 2", "200"),
    (&["--range", "10-19"], "/range/26", "klmnopqrst", "206"),
    (&[], "/drip?numbytes=5&duration=0.1", "*****", "200"),
    (&["--header", "If-None-Match: x"], "/etag/x", "", "304"),
    (&[], "/delay/0.1", "\"url\"", "200"),
    (&[], "/encoding/utf8", "\u{2200}x\u{2208}", "200"),
    (&[], "/status/418", "teapot", "418"),
];

#[test]
fn httpbin() {
    if !there_is_curl() {
        return;
    }
    for class in Class::ALL {
        let packages = python::with_packages();
        let launch = Launch::of(&class.subject()).app("httpbin:app");
        std::fs::write(launch.folder().join("upload"), "what is uploaded").unwrap();
        let server = launch.env("OXICORN_PYTHON", packages.to_str().unwrap()).workers(2).start();
        for (arguments, path, text, status) in HTTPBIN {
            let said = curl(&server, arguments, path);
            assert!(said.contains(text) && said.ends_with(status), "{class:?} {path}: {said}");
        }
    }
}

fn admin(class: Class) -> Server {
    let launch = Launch::of(&class.subject()).workers(2);
    launch.python(&python::with_packages(), &module("site_admin")).start()
}

/// What the form of this page sends back with it.
fn token(page: &str) -> String {
    let field = page.split_once("name=\"csrfmiddlewaretoken\" value=\"").expect("a token").1;
    let (token, _) = field.split_once('"').expect("its end");
    format!("csrfmiddlewaretoken={token}")
}

#[test]
fn the_admin_page_of_django_by_curl() {
    if !there_is_curl() {
        return;
    }
    let visitor = ["--cookie", "jar", "--cookie-jar", "jar"];
    for class in Class::ALL {
        let server = admin(class);
        let ask = |more: &[&str], path: &str| curl(&server, &[&visitor[..], more].concat(), path);
        let guest = ask(&[], "/admin/auth/group/");
        assert!(guest.ends_with("\n302"), "{guest}");
        let login = "/admin/login/?next=/admin/";
        let proof = token(&ask(&[], login));
        let person = ["--data", "username=admin&password=secret", "--data"];
        let stranger = ask(&[&person[..], &["csrfmiddlewaretoken=none"]].concat(), login);
        assert!(stranger.contains("CSRF verification failed") && stranger.ends_with("403"));
        let entered = ask(&[&person[..], &[&proof, "--location"]].concat(), login);
        assert!(entered.contains("Site administration") && entered.ends_with("200"), "{entered}");
        let add = "/admin/auth/group/add/";
        let proof = token(&ask(&[], add));
        let added = ask(&["--data", "name=Editors", "--data", &proof, "--location"], add);
        assert!(added.contains("was added successfully") && added.contains("1 group"), "{added}");
        let style = curl(&server, &["--include"], "/static/admin/css/base.css");
        assert!(style.contains("text/css") && style.ends_with("200"), "{style}");
    }
}

#[test]
fn the_admin_page_of_django_by_a_browser() {
    let browser = match Browser::start((900, 640)) {
        Ok(browser) => browser,
        Err(reason) => return println!("skipped: {reason}"),
    };
    for class in Class::ALL {
        let server = admin(class);
        let tab = browser.open(&address(&server, "/admin/"));
        browser.fill(&tab, "//input[@id='id_username']", "admin");
        browser.fill(&tab, "//input[@id='id_password']", "secret");
        browser.click(&tab, "//input[@type='submit']");
        browser.wait_for(&tab, "//h1[.='Site administration']");
        // Static files: the style sheet has been heeded.
        let colour = browser.style(&tab, "//header[@id='header']", "background-color");
        assert_eq!(colour, "rgba(65, 118, 144, 1)");
        for name in ["Editors", "Authors"] {
            browser.go(&tab, &address(&server, "/admin/auth/group/add/"));
            // And the scripts have been run: they make this list of the form's own.
            browser.wait_for(&tab, "//select[@id='id_permissions_from']/option");
            browser.fill(&tab, "//input[@id='id_name']", name);
            browser.click(&tab, "//input[@name='_save']");
            browser.wait_for(&tab, &format!("//li[@class='success'][contains(., '{name}')]"));
        }
        let listed = browser.texts(&tab, "//table[@id='result_list']/tbody//th");
        assert_eq!(listed, ["Authors", "Editors"], "{class:?}");
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("admin.png");
        std::fs::write(picture, browser.screenshot(&tab)).expect("the screenshot");
    }
}
