# What Python says of itself, for the error log: with the time, the process and a level, as everything
# else there. Whoever has put something of their own in these places keeps it.

import sys
import threading
import traceback
import warnings

ERROR = 40
WARNING = 30


def install(write):
    plain = warnings.showwarning

    def show_warning(message, category, filename, lineno, file=None, line=None):
        if file is not None:
            return plain(message, category, filename, lineno, file, line)
        write(WARNING, f"{category.__name__}: {message} ({filename}:{lineno})")

    def of_thread(failure):
        if failure.exc_type is SystemExit:
            return
        name = failure.thread.name if failure.thread else "a thread"
        write(ERROR, f"Exception in {name}:")
        write(ERROR, "".join(traceback.format_exception(failure.exc_type, failure.exc_value, failure.exc_traceback)))

    def unraisable(failure):
        where = failure.err_msg or "Exception ignored in"
        write(ERROR, f"{where}: {failure.object!r}")
        write(ERROR, "".join(traceback.format_exception(failure.exc_type, failure.exc_value, failure.exc_traceback)))

    warnings.showwarning = show_warning
    threading.excepthook = of_thread
    sys.unraisablehook = unraisable


def in_worker(captured):
    """A crash, or the master's SIGABRT, says where each thread was."""
    import faulthandler
    import signal

    if captured and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        # What it finds is what it leaves the signal to when it has spoken.
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        faulthandler.enable()
    except (ValueError, OSError, RuntimeError, AttributeError):
        pass  # standard error is closed, or something without a descriptor
