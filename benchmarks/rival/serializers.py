"""The rival's serializers, which nest a study like its public JSON, and the prefetches that a page needs."""

from typing import Any

from django.db.models import Prefetch  # type: ignore[import-not-found]
from rest_framework import serializers  # type: ignore[import-not-found]

from benchmarks.rival import models


class ArmSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """An arm."""

    class Meta:
        model = models.Arm
        fields = ("key", "name", "dose", "n")


class EventSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """An adverse event."""

    class Meta:
        model = models.Event
        fields = ("event", "arm", "period", "n", "events", "percent")


class ResultSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A result of an outcome."""

    class Meta:
        model = models.Result
        fields = ("arm", "n", "events", "percent", "mean", "sd", "se")


class OutcomeSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """An outcome with its results."""

    effect = serializers.SerializerMethodField()
    results = ResultSerializer(many=True)
    p_bound = serializers.SerializerMethodField()

    class Meta:
        model = models.Outcome
        fields: Any = (
            "measure",
            "role",
            "kind",
            "timepoint_weeks",
            "timepoint_label",
            "analysis_population",
            "p_value",
        )
        fields += ("effect", "results", "p_bound")

    def get_effect(self, outcome: Any) -> Any:
        """The effect with its confidence interval, or None."""
        if not outcome.effect_type:
            return None
        names = ("type", "value", "ci_low", "ci_high")
        return {name: getattr(outcome, f"effect_{name}") for name in names}

    def get_p_bound(self, outcome: Any) -> Any:
        """The p value as a relation and a number, or None."""
        return {"relation": outcome.p_relation, "number": outcome.p_number} if outcome.p_relation else None


def field_from(source: str, kind: Any = serializers.CharField) -> Any:
    """A read-only field whose value is at a dotted path of the model."""
    return kind(source=source, read_only=True)


class ProductSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A product of a study."""

    id = field_from("product.id")
    name = field_from("product.name")

    class Meta:
        model = models.StudyProduct
        fields = ("id", "name")


class IndicationSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """An indication of a study."""

    id = field_from("indication.id")
    name = field_from("indication.name")

    class Meta:
        model = models.StudyIndication
        fields = ("id", "name")


class MechanismSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A mechanism of a study."""

    id = field_from("mechanism.id")
    title = field_from("mechanism.title")

    class Meta:
        model = models.StudyMechanism
        fields = ("id", "title")


class OverlapSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A study with common participants."""

    id = field_from("other.slug")
    acronym = field_from("other.acronym")
    title = field_from("other.title")

    class Meta:
        model = models.Overlap
        fields = ("id", "acronym", "title")


class CitationSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A publication with its authors."""

    id = field_from("slug")
    authors = serializers.SlugRelatedField("name", many=True, read_only=True)

    class Meta:
        model = models.Publication
        fields: Any = ("id", "pmid", "doi", "title", "year", "retraction_state", "journal", "volume", "issue", "pages")
        fields += ("authors", "authors_complete")


class ReportSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A publication that reports a study."""

    id = field_from("publication.slug")
    pmid = field_from("publication.pmid")
    doi = field_from("publication.doi")
    title = field_from("publication.title")
    year = field_from("publication.year", serializers.IntegerField)
    retraction_state = field_from("publication.retraction_state")

    class Meta:
        model = models.Report
        fields = ("id", "pmid", "doi", "title", "year", "retraction_state", "reports_pooled_data")


class ProvenanceSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A cited source with its quote."""

    source = field_from("source.slug")
    tier = field_from("source.tier")
    url = field_from("source.url")
    start = field_from("start_offset", serializers.IntegerField)
    end = field_from("end_offset", serializers.IntegerField)

    class Meta:
        model = models.Provenance
        fields: Any = ("source", "tier", "url", "section", "quote", "start", "end", "prefix", "suffix")
        fields += ("checked_at", "status")


class StudySerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A study's public JSON without alerts, of which there are none."""

    id = field_from("slug")
    type = serializers.ReadOnlyField(default="studies")
    registry_ids = serializers.SlugRelatedField("name", many=True, read_only=True, source="registrations")
    comparators = serializers.SlugRelatedField("name", many=True, read_only=True)
    arms = ArmSerializer(many=True)
    adverse_events = EventSerializer(many=True)
    absent = serializers.SerializerMethodField()
    provenance = ProvenanceSerializer(many=True)
    products = ProductSerializer(many=True)
    indications = IndicationSerializer(many=True)
    outcomes = OutcomeSerializer(many=True)
    publication = CitationSerializer(source="first_publication")
    publications = ReportSerializer(many=True)
    overlaps_with = OverlapSerializer(many=True)
    mechanisms = MechanismSerializer(many=True)

    class Meta:
        model = models.Study
        fields: Any = ("id", "type", "scope", "standing", "title", "acronym", "summary", "design", "masking", "phase")
        fields += ("status", "registry_ids", "comparators", "population", "enrolled", "included_studies")
        fields += ("follow_up_weeks", "start_date", "completion_date", "arms", "adverse_events", "conclusion")
        fields += ("overlaps_note", "overlaps_inferred", "note", "absent", "needs_primary_source", "evidence_basis")
        fields += ("provenance", "year", "evidence_level", "products", "indications", "outcomes", "publication")
        fields += ("publications", "overlaps_with", "mechanisms")

    def get_absent(self, study: Any) -> Any:
        """The reasons of absent values, by field."""
        return {absence.field: absence.reason for absence in study.absences.all()}


def _linked(name: str, model: Any, target: str) -> Any:
    return Prefetch(name, model.objects.select_related(target))


def whole_studies() -> Any:
    """Studies with all of their parts, by a fixed number of statements for any number of studies."""
    beside = ("registrations", "comparators", "arms", "adverse_events", "absences", "outcomes__results")
    return models.Study.objects.prefetch_related(
        *beside,
        _linked("provenance", models.Provenance, "source"),
        _linked("products", models.StudyProduct, "product"),
        _linked("indications", models.StudyIndication, "indication"),
        _linked("publications", models.Report, "publication"),
        "publications__publication__authors",
        _linked("overlaps_with", models.Overlap, "other"),
        _linked("mechanisms", models.StudyMechanism, "mechanism"),
    )


class PlainSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """The columns of the plain table."""

    class Meta:
        model = models.Plain
        exclude = ("number",)


class StoredDocumentSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """The stored document of a study."""

    class Meta:
        model = models.StoredDocument
        fields = ("document",)
