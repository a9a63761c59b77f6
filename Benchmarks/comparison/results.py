"""What was found: one file of JSON that grows trial by trial, so that a search can go on."""

import json
import os
import sys
import threading
from pathlib import Path


class Results:
    """Every trial, what the winners came to, and the seconds of their steps."""

    def __init__(self, file):
        self.file = Path(file)
        self.lock = threading.Lock()
        self.content = {"tasks": {}, "trials": [], "finals": [], "seconds": {}}
        if self.file.exists():
            self.content = json.loads(self.file.read_text())

    def describe(self, task, configuration):
        """Notes a task's configuration; results of another one cannot be gone on with."""
        # The files' places say nothing.
        shown = json.loads(json.dumps(configuration))
        shown["data"] = {key: Path(value).name if isinstance(value, str) else value
                         for key, value in shown["data"].items()}
        known = self.content["tasks"].setdefault(task.name, shown)
        if known != shown:
            sys.exit(f"{self.file} has results of another configuration of {task.name}")

    def find(self, part, **keys):
        """The first entry of `trials` or `finals` with these values."""
        with self.lock:
            for entry in self.content[part]:
                if all(entry.get(key) == value for key, value in keys.items()):
                    return entry
        return None

    def all(self, part, **keys):
        with self.lock:
            return [entry for entry in self.content[part]
                    if all(entry.get(key) == value for key, value in keys.items())]

    def add(self, part, entry):
        with self.lock:
            self.content[part].append(entry)
            self.save()
        return entry

    def add_seconds(self, task, method, seconds):
        with self.lock:
            self.content["seconds"].setdefault(task, {}).setdefault(method, []).append(seconds)
            self.save()

    def save(self):
        """One line an entry."""
        lines = []
        for key, value in self.content.items():
            if isinstance(value, list) and value:
                rows = ",\n".join("  " + json.dumps(entry) for entry in value)
                lines.append(f"{json.dumps(key)}: [\n{rows}\n]")
            elif isinstance(value, dict) and value:
                rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}"
                                  for name, entry in value.items())
                lines.append(f"{json.dumps(key)}: {{\n{rows}\n}}")
            else:
                lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
        new = self.file.with_suffix(".new")
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        os.replace(new, self.file)
