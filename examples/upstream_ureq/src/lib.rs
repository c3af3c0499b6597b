//! What both programs of this example know: whom they ask.

/// Where the slow server of `server bench` is, which names it so to whatever it measures.
const VARIABLE: &str = "OXICORN_DEMO_UPSTREAM";

/// The address to be asked. It is the operator's, never the client's: who fetches what a client names
/// is a way into the network behind it.
///
/// # Errors
/// The variable that should have said so.
pub fn upstream() -> Result<String, String> {
    let address = std::env::var(VARIABLE).map_err(|error| format!("{VARIABLE}: {error}"))?;
    Ok(format!("http://{address}/"))
}
