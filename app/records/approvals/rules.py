"""Domain rules of approvals."""

from collections.abc import Iterator

from app.records.approvals.schemas import ApprovalIn
from app.records.rules import Fault, Rule


def _submission_has_application(approval: ApprovalIn) -> Iterator[Fault]:
    if approval.submission and not approval.application_number:
        yield "/submission", "a submission belongs to an application; give application_number too"
    if approval.submission_status_date and not approval.submission:
        yield "/submission_status_date", "this is the date of a submission; give submission too"


RULES: tuple[Rule[ApprovalIn], ...] = (_submission_has_application,)
