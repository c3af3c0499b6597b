//! The thread between the requests and the destination, so that no request waits for a disk, a full
//! pipe or a stopped terminal. It is made after the fork, in the worker: the master has none.

use std::io;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use super::outlets::Outlets;
use super::queue::{Batch, File, More, Queue, Rest};

/// How long a worker that leaves waits for a blocked destination.
const PATIENCE: Duration = Duration::from_secs(1);

/// The thread; dropping this ends it.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) queue: Arc<Queue>,
    /// Disconnected when the thread has ended, however it has.
    end: Receiver<()>,
}

impl Thread {
    /// # Errors
    /// Out of threads.
    pub(super) fn start(outlets: Outlets) -> io::Result<Thread> {
        let rest = if outlets.syslog.is_some() { Rest::Short } else { Rest::Endless };
        let queue = Arc::new(Queue::new(rest));
        let (running, end) = bounded(0);
        let taking = queue.clone();
        Builder::new().name("access-log".to_owned()).spawn(move || {
            run(&taking, outlets);
            drop(running);
        })?;
        Ok(Thread { queue, end })
    }
}

impl Thread {
    /// Writes what is queued, and takes nothing more.
    pub(super) fn end(&self) {
        self.queue.close();
        let _ = self.end.recv_timeout(PATIENCE);
        self.queue.abandon();
        self.queue.losses.report_all();
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(queue: &Queue, mut outlets: Outlets) {
    let mut batch = Batch::default();
    loop {
        let (file, more) = queue.take(&mut batch);
        if file == File::Reopen
            && let Some(output) = &mut outlets.output
            && let Err(error) = output.reopen()
        {
            tracing::error!("The access log could not be reopened: {error}");
        }
        if more == More::No {
            return outlets.end();
        }
        outlets.write(&batch.bytes, &queue.losses);
        outlets.look_after();
        queue.losses.report();
    }
}
