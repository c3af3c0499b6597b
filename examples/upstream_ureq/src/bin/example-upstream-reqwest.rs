//! The same as the package's other program, by a client and a handler that await.

use std::process::ExitCode;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use example_upstream_ureq::upstream;
use reqwest::Client;

async fn fetch(client: &Client, url: &str) -> Result<String, reqwest::Error> {
    client.get(url).send().await?.text().await
}

async fn answer(client: Client, url: Result<String, String>) -> (StatusCode, String) {
    let url = match url {
        Ok(url) => url,
        Err(why) => return (StatusCode::BAD_GATEWAY, format!("{why}\n")),
    };
    match fetch(&client, &url).await {
        Ok(text) => (StatusCode::OK, format!("the upstream says: {text}")),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{url}: {error}\n")),
    }
}

fn main() -> ExitCode {
    let (client, url) = (Client::new(), upstream());
    let ask = get(move || answer(client.clone(), url.clone()));
    oxicorn::serve_async(Router::new().route("/upstream", ask).fallback(|| async { "hello\n" }))
}
