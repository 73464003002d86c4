"""`mbs db-check`: examine a migrated database against the rules of its schema."""

import argparse
import json
import os
import sys
from dataclasses import asdict

from mbs.operations.migration_connection import find_target, migration_engine
from mbs.operations.schema_faults import run_guarded
from mbs.operations.schema_rules import findings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, text on stderr")


def run(arguments: argparse.Namespace) -> int:
    return run_guarded(lambda: _run(as_json=arguments.json), as_json=arguments.json)


def _run(*, as_json: bool) -> int:
    with migration_engine(find_target(os.environ).url).connect() as connection:
        found = findings(connection)
    text_output = sys.stderr if as_json else sys.stdout
    for finding in found:
        print(f"{finding.rule}  {finding.subject}: {finding.message}", file=text_output)
    print(f"{len(found)} findings", file=text_output)
    if as_json:
        print(json.dumps({"valid": not found, "findings": [asdict(finding) for finding in found]}))
    return 1 if found else 0
