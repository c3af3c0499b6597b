//! JSON in, JSON out.
//!
//! ```text
//! $ cargo run -p example-json -- -k threaded --threads 8
//! $ curl -d '{"items": [{"price": 250, "count": 2}]}' http://127.0.0.1:8000/total
//! {"total":500,"items":1}
//! ```

use std::process::ExitCode;

use oxicorn::{IntoResponse, Json, JsonError, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Basket {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    price: u64,
    count: u64,
}

#[derive(Serialize)]
struct Total {
    total: u64,
    items: usize,
}

/// `?` answers for a body that is not the JSON that was expected: with 400, and what is wrong.
fn total(request: Request) -> Result<Json<Total>, JsonError> {
    let basket: Basket = request.into_body().json()?;
    let prices = basket.items.iter().map(|item| item.price.saturating_mul(item.count));
    Ok(Json(Total { total: prices.fold(0, u64::saturating_add), items: basket.items.len() }))
}

fn route(request: Request) -> Response {
    match (request.method().as_str(), request.uri().path()) {
        ("POST", "/total") => total(request).into_response(),
        (_, "/total") => {
            (StatusCode::METHOD_NOT_ALLOWED, [("allow", "POST")], "send a basket\n").into_response()
        }
        _ => (StatusCode::NOT_FOUND, "try /total\n").into_response(),
    }
}

fn main() -> ExitCode {
    oxicorn::serve(route)
}
