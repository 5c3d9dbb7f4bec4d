"""Domain rules of approvals."""

from collections.abc import Iterator

from app.common.problems import Fault
from app.records.approvals.schemas import ApprovalIn
from app.records.rules import Rule


def _submission_has_application(approval: ApprovalIn) -> Iterator[Fault]:
    if approval.submission and not approval.application_number:
        yield Fault("a submission belongs to an application; give application_number too", "/submission")
    if approval.submission_status_date and not approval.submission:
        yield Fault("this is the date of a submission; give submission too", "/submission_status_date")


RULES: tuple[Rule[ApprovalIn], ...] = (_submission_has_application,)
