"""What the goals are made of: sessions of `server bench`, ratios within their rounds, and a table."""

import json
import math
import os
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVER = ROOT / "target/release/server"
PEERS = ROOT / "benches/peers"
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{PEERS}:{PEERS / 'python'}", "PYTHONDONTWRITEBYTECODE": "1"}


def session(args, name, *words):
    """One session of closed loops; its results. Python peers find `benches/peers` as their modules."""
    folder = args.output / name
    command = [SERVER, "bench", "--rate", "none", "--rounds", args.rounds]
    command += ["--duration", args.duration, "--output", folder, *words]
    with open(args.output / f"{name}.log", "w") as log:
        subprocess.run([str(word) for word in command], stdout=log, stderr=log, check=True, env=ENVIRONMENT)
    return json.loads((folder / "results.json").read_text())


def rounds(results, case, subject):
    runs = [r for r in results["runs"] if r["case"] == case and r["subject"] == subject]
    return {r["round"]: r for r in runs if r["round"] > 0}


def ratios(results, case, subject, base, of):
    """Of the same rounds."""
    left, right = rounds(results, case, subject), rounds(results, case, base)
    return [of(left[n]) / of(right[n]) for n in left if n in right and of(right[n]) > 0]


def cpu(run):
    return run["cpu_per_request"]


def rate(run):
    return run["throughput"]


class Table:
    """Prints each goal as soon as it is known."""

    def __init__(self):
        self.rows = []
        print("| goal | wanted | measured (least to most) | |")
        print("|---|---|---|---|")

    def add(self, goal, sign, wanted, values, digits=2, unit=""):
        if not values:
            row = (goal, f"{sign} {wanted}{unit}", "not measured", "")
        else:
            median = statistics.median(values)
            met = median <= wanted if sign == "at most" else median >= wanted
            low, high = min(values), max(values)
            spread = f"{median:.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f})"
            row = (goal, f"{sign} {wanted}{unit}", spread, "yes" if met else "**no**")
        self.rows.append(row)
        print("| " + " | ".join(row) + " |", flush=True)

    def note(self, text, values, digits=2):
        """A figure that no goal is set for."""
        if values:
            print(f"| {text} | | {statistics.median(values):.{digits}f} | |", flush=True)


def queue(args, table, subject, *words):
    """Four workers that serve one request at a time, and more clients than that."""
    for connections in (4, 8, 32):
        more = ["--loads", "write", "--connections", connections, "--peers", "none", *words]
        results = session(args, f"queue-{subject}-{connections}", *more)
        runs = list(rounds(results, f"write c{connections}", subject).values())
        goal = f"`-w 4`, 50 ms, {connections} connections, {subject}"
        table.add(f"{goal}: of 80/s", "at least", 0.97, [rate(r) / 80 for r in runs])
        # Whoever comes last has all the others in front of it, four at a time.
        ideal = 0.05 * math.ceil(connections / 4)
        table.add(f"{goal}: p99 to the ideal queue's", "at most", 1.2, [r["latency"]["p99"] / ideal for r in runs])
