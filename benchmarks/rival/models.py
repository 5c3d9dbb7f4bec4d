"""The rival's models: studies with all of their parts, in the tables of `rival_tables`."""

from typing import Any

from django.db import models  # type: ignore[import-not-found]


class Table(models.Model):  # type: ignore[misc]
    """The base of all models; their tables are made by `rival_tables` and not by Django."""

    class Meta:
        abstract = True
        managed = False
        app_label = "rival"


class Study(Table):
    """A study with its own columns."""

    number = models.IntegerField(primary_key=True)
    slug = models.TextField(unique=True)
    scope = models.TextField()
    standing = models.TextField()
    title = models.TextField(null=True)
    acronym = models.TextField(null=True)
    summary = models.TextField(null=True)
    design = models.TextField(null=True)
    masking = models.TextField(null=True)
    phase = models.TextField(null=True)
    status = models.TextField(null=True)
    population = models.TextField(null=True)
    enrolled = models.IntegerField(null=True)
    included_studies = models.IntegerField(null=True)
    follow_up_weeks = models.IntegerField(null=True)
    start_date = models.TextField(null=True)
    completion_date = models.TextField(null=True)
    conclusion = models.TextField(null=True)
    overlaps_note = models.TextField(null=True)
    overlaps_inferred = models.BooleanField(null=True)
    note = models.TextField(null=True)
    needs_primary_source = models.BooleanField()
    evidence_basis = models.TextField(null=True)
    year = models.IntegerField(null=True)
    evidence_level = models.IntegerField(null=True)

    @property
    def first_publication(self) -> Any:
        """The publication that the study's first report refers to, or None."""
        reports = self.publications.all()
        return reports[0].publication if reports else None


class Named(Table):
    """The base of records that are only shown by id and name."""

    id = models.TextField(primary_key=True)
    name = models.TextField()

    class Meta(Table.Meta):
        abstract = True


class Product(Named):
    """A product."""


class Indication(Named):
    """An indication."""


class Mechanism(Table):
    """A mechanism of action."""

    id = models.TextField(primary_key=True)
    title = models.TextField()


class Source(Table):
    """A source that provenance cites."""

    number = models.IntegerField(primary_key=True)
    slug = models.TextField(unique=True)
    tier = models.TextField()
    url = models.TextField(null=True)


class Publication(Table):
    """A publication."""

    number = models.IntegerField(primary_key=True)
    slug = models.TextField(unique=True)
    pmid = models.TextField(null=True)
    doi = models.TextField(null=True)
    title = models.TextField(null=True)
    journal = models.TextField(null=True)
    year = models.IntegerField(null=True)
    volume = models.TextField(null=True)
    issue = models.TextField(null=True)
    pages = models.TextField(null=True)
    authors_complete = models.BooleanField(null=True)
    retraction_state = models.TextField(null=True)


class Author(Table):
    """An author of a publication."""

    number = models.IntegerField(primary_key=True)
    publication = models.ForeignKey(Publication, models.CASCADE, related_name="authors")
    position = models.IntegerField()
    name = models.TextField()

    class Meta(Table.Meta):
        ordering = ("position",)


def of_study(name: str) -> Any:
    """A foreign key to a study; `name` is the attribute of the study."""
    return models.ForeignKey(Study, models.CASCADE, related_name=name)


class Ordered(Table):
    """The base of parts that have a position in their study."""

    number = models.IntegerField(primary_key=True)
    position = models.IntegerField()

    class Meta(Table.Meta):
        abstract = True
        ordering = ("position",)


class Registration(Ordered):
    """A registry id of a study."""

    study = of_study("registrations")
    name = models.TextField()


class Comparator(Ordered):
    """A comparator of a study."""

    study = of_study("comparators")
    name = models.TextField()


class Arm(Ordered):
    """An arm of a study."""

    study = of_study("arms")
    key = models.TextField()
    name = models.TextField()
    dose = models.TextField(null=True)
    n = models.IntegerField(null=True)


class Event(Ordered):
    """An adverse event in an arm."""

    study = of_study("adverse_events")
    event = models.TextField()
    arm = models.TextField()
    period = models.TextField(null=True)
    n = models.IntegerField(null=True)
    events = models.IntegerField(null=True)
    percent = models.FloatField(null=True)


class Outcome(Ordered):
    """An outcome of a study."""

    study = of_study("outcomes")
    measure = models.TextField()
    role = models.TextField(null=True)
    kind = models.TextField()
    timepoint_weeks = models.IntegerField(null=True)
    timepoint_label = models.TextField(null=True)
    analysis_population = models.TextField(null=True)
    p_value = models.TextField(null=True)
    p_relation = models.TextField(null=True)
    p_number = models.FloatField(null=True)
    effect_type = models.TextField(null=True)
    effect_value = models.FloatField(null=True)
    effect_ci_low = models.FloatField(null=True)
    effect_ci_high = models.FloatField(null=True)


class Result(Ordered):
    """A result of an outcome in an arm."""

    outcome = models.ForeignKey(Outcome, models.CASCADE, related_name="results")
    arm = models.TextField()
    n = models.IntegerField(null=True)
    events = models.IntegerField(null=True)
    percent = models.FloatField(null=True)
    mean = models.FloatField(null=True)
    sd = models.FloatField(null=True)
    se = models.FloatField(null=True)


class StudyProduct(Ordered):
    """A product of a study."""

    study = of_study("products")
    product = models.ForeignKey(Product, models.CASCADE)


class StudyIndication(Ordered):
    """A study's indication. It repeats the study's year, as our table does, so one index finds and sorts a page."""

    study = of_study("indications")
    indication = models.ForeignKey(Indication, models.CASCADE)
    year = models.IntegerField(null=True)


class Report(Ordered):
    """A publication that reports a study."""

    study = of_study("publications")
    publication = models.ForeignKey(Publication, models.CASCADE)
    reports_pooled_data = models.BooleanField(null=True)


class Overlap(Ordered):
    """Another study with common participants."""

    study = of_study("overlaps_with")
    other = models.ForeignKey(Study, models.CASCADE, related_name="+")


class StudyMechanism(Table):
    """A mechanism that a study supports."""

    number = models.IntegerField(primary_key=True)
    study = of_study("mechanisms")
    mechanism = models.ForeignKey(Mechanism, models.CASCADE)

    class Meta(Table.Meta):
        ordering = ("mechanism_id",)


class Absence(Table):
    """A field that a study has no value for, with the reason."""

    number = models.IntegerField(primary_key=True)
    study = of_study("absences")
    field = models.TextField()
    reason = models.TextField()

    class Meta(Table.Meta):
        ordering = ("field",)


class Provenance(Ordered):
    """A source that a study cites, with the quote."""

    study = of_study("provenance")
    source = models.ForeignKey(Source, models.CASCADE)
    section = models.TextField(null=True)
    quote = models.TextField(null=True)
    start_offset = models.IntegerField(null=True)
    end_offset = models.IntegerField(null=True)
    prefix = models.TextField(null=True)
    suffix = models.TextField(null=True)
    checked_at = models.DateTimeField(null=True)
    status = models.TextField()


class Plain(Table):
    """A study's own columns with its first indication and product: the plain table that Datasette serves too."""

    number = models.IntegerField(primary_key=True)
    slug = models.TextField(unique=True, db_column="id")
    title = models.TextField(null=True)
    acronym = models.TextField(null=True)
    summary = models.TextField(null=True)
    conclusion = models.TextField(null=True)
    population = models.TextField(null=True)
    design = models.TextField(null=True, db_index=True)
    phase = models.TextField(null=True, db_index=True)
    year = models.IntegerField(null=True, db_index=True)
    indication = models.TextField(null=True)
    product = models.TextField(null=True)
    enrolled = models.IntegerField(null=True)
    follow_up_weeks = models.FloatField(null=True)
    status = models.TextField(null=True)

    class Meta(Table.Meta):
        db_table = "studies"


class StoredDocument(Table):
    """A study's whole public JSON, stored as our service stores it."""

    number = models.IntegerField(primary_key=True)
    slug = models.TextField(unique=True, db_column="id")
    year = models.IntegerField(null=True)
    indication = models.TextField(null=True)
    document = models.JSONField()

    class Meta(Table.Meta):
        db_table = "documents"
