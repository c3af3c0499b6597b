//! An application that goes over to another protocol when it is asked to, in the ways that the
//! ecosystem has: with `hyper::upgrade::on` itself, and with WebSockets on top of it. What it does not
//! know it leaves to the demo. Its command line is that of `server`.

mod upgrades;

use std::process::ExitCode;

use oxicorn::{Application, Applications, Request, demo, run};

fn main() -> ExitCode {
    let rest = demo::application();
    let forms = (rest.as_blocking().cloned(), rest.as_async().cloned());
    let (Some(blocking), Some(rest)) = forms else { return ExitCode::FAILURE };
    let blocking = move |request: Request| blocking.call(request);
    let asynchronous = upgrades::Upgrades { rest };
    run(Applications::Own(Application::both("switching", blocking, asynchronous)))
}
