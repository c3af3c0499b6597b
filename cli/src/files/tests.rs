use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE,
};
use http::{HeaderName, Method, StatusCode};
use oxicorn_core::{App, Body, Request, Response};

use super::Files;

const TEXT: &str = "0123456789";

struct Site {
    files: Files,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        for (name, text) in [("index.html", "<p>"), ("a.txt", TEXT), ("empty", ""), ("b.png", "x")]
        {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            let changed = UNIX_EPOCH + Duration::from_secs(784_111_777);
            fs::File::options().write(true).open(path).unwrap().set_modified(changed).unwrap();
        }
        fs::write(folder.path().join("sub/index.html"), "<b>").unwrap();
        Site { files: Files::new(folder.path()), _folder: folder }
    }

    fn ask(&self, method: Method, path: &str, fields: &[(HeaderName, &str)]) -> Response {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        for (name, value) in fields {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        self.files.call(request)
    }

    fn get(&self, path: &str, fields: &[(HeaderName, &str)]) -> Response {
        self.ask(Method::GET, path, fields)
    }
}

fn text(response: Response) -> String {
    String::from_utf8(response.into_body().bytes().unwrap().to_vec()).unwrap()
}

#[test]
fn a_file_comes_with_what_is_known_of_it() {
    let site = Site::new();
    let response = site.get("/a.txt", &[]);
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers();
    assert_eq!(headers[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(headers[CONTENT_LENGTH], "10");
    assert_eq!(headers[LAST_MODIFIED], "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(headers[ETAG], "\"a-2ebc98a1.0\"");
    assert_eq!(headers[ACCEPT_RANGES], "bytes");
    assert_eq!(text(response), TEXT);
    assert_eq!(site.get("/b.png", &[]).headers()[CONTENT_TYPE], "image/png");
    assert_eq!(site.get("/empty", &[]).headers()[CONTENT_TYPE], "application/octet-stream");
}

#[test]
fn folders_are_their_index() {
    let site = Site::new();
    assert_eq!(text(site.get("/", &[])), "<p>");
    assert_eq!(text(site.get("/sub/", &[])), "<b>");
    let response = site.get("/sub?x=1", &[]);
    assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY);
    assert_eq!(response.headers()[LOCATION], "./sub/?x=1");
    assert_eq!(site.get("//sub", &[]).headers()[LOCATION], "./sub/");
}

#[test]
fn other_methods_are_told_which_there_are() {
    let site = Site::new();
    for method in [Method::POST, Method::DELETE, Method::OPTIONS] {
        let response = site.ask(method, "/a.txt", &[]);
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    }
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let site = Site::new();
    let tag = site.get("/a.txt", &[]).headers()[ETAG].to_str().unwrap().to_owned();
    for field in [(IF_NONE_MATCH, &*tag), (IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT")] {
        // It goes before the range, even before one that is not there.
        for fields in [&[field.clone()][..], &[field.clone(), (RANGE, "bytes=99-")]] {
            let response = site.get("/a.txt", fields);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{fields:?}");
            assert_eq!(response.headers()[ETAG], tag);
            assert_eq!(response.headers().get(CONTENT_LENGTH), None);
            assert_eq!(text(response), "");
        }
    }
    let changed = site.get("/a.txt", &[(http::header::IF_MATCH, "\"other\"")]);
    assert_eq!(changed.status(), StatusCode::PRECONDITION_FAILED);
}

#[test]
fn parts_are_sent_as_parts() {
    let site = Site::new();
    for (range, said, part) in [
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=-3", "bytes 7-9/10", "789"),
        ("bytes=9-", "bytes 9-9/10", "9"),
    ] {
        let response = site.get("/a.txt", &[(RANGE, range)]);
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(response.headers()[CONTENT_RANGE], said);
        assert_eq!(response.headers()[CONTENT_LENGTH], part.len().to_string());
        assert!(response.headers().contains_key(ETAG));
        assert_eq!(text(response), part);
    }
    let response = site.get("/a.txt", &[(RANGE, "bytes=10-")]);
    assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(response.headers()[CONTENT_RANGE], "bytes */10");
}

#[test]
fn a_range_is_ignored_where_it_does_not_count() {
    let site = Site::new();
    let range = (RANGE, "bytes=2-4");
    let other = (IF_RANGE, "\"other\"");
    let several = (RANGE, "bytes=0-1,3-4");
    for (method, fields) in [
        (Method::GET, &[range.clone(), other][..]),
        (Method::GET, &[several]),
        (Method::HEAD, &[range]),
    ] {
        let response = site.ask(method, "/a.txt", fields);
        assert_eq!(response.status(), StatusCode::OK, "{fields:?}");
        assert_eq!(response.headers()[CONTENT_LENGTH], "10");
        assert_eq!(response.headers().get(CONTENT_RANGE), None);
    }
}

#[test]
fn a_prefix_can_be_cut_off() {
    let site = Site::new();
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = "/static/a.txt".parse().unwrap();
    let path = request.uri().path().strip_prefix("/static").unwrap();
    assert_eq!(text(site.files.serve(path, &request)), TEXT);
}
