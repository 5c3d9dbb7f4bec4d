"""Printing the report of an import, as lines for people or as JSON."""

import sys

import orjson

from app.cli.release_report import counted, print_records
from app.common.strict_json import Json


def print_report(report: Json, *, as_json: bool, dry_run: bool) -> None:
    """Print a report to standard output, and its refusals to standard error; as JSON it is one object."""
    if as_json:
        sys.stdout.write(orjson.dumps(report).decode() + "\n")
    else:
        _print_lines(report, dry_run=dry_run)


def _print_lines(report: Json, *, dry_run: bool) -> None:
    from app.imports.report import fault_of

    for refusal in report["refusals"]:
        sys.stderr.write(f"{fault_of(refusal)}\n")
    if report["stopped"]:
        return
    print_records(report)
    for kind, warnings in sorted(report["warnings"].items()):
        sys.stdout.write(f"{warnings['count']} {kind}, such as {warnings['texts'][0]}\n")
    sys.stdout.write(f"Units: {_units(report)}; conflicts: {report['conflicts']['opened']} new.\n")
    sys.stdout.write(f"{_ending(report, dry_run=dry_run)}\n")


def _units(report: Json) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in report["units"].items())


def _ending(report: Json, *, dry_run: bool) -> str:
    if report["format"] == "mesh":
        changed = report["units"]["applied"]
        return f"{changed} descriptors would be changed." if dry_run else f"{changed} descriptors were changed."
    if dry_run:
        return f"There would be: {counted(report['counts'])}. Nothing was changed."
    if report["revision"] is None:
        return f"Nothing to do ({counted(report['counts'])}); no release was made."
    return f"{report['name']}, revision {report['revision']}: {counted(report['counts'])}."
