"""The rival's serializers, which nest a study like its public JSON, and the prefetches that a page needs."""

from typing import Any

from django.db.models import Prefetch  # type: ignore[import-not-found]
from rest_framework import serializers  # type: ignore[import-not-found]

from benchmarks.rival import models


class ArmSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    class Meta:
        model = models.Arm
        fields = ("key", "name", "dose", "n")


class EventSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    class Meta:
        model = models.Event
        fields = ("event", "arm", "period", "n", "events", "percent")


class ResultSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    class Meta:
        model = models.Result
        fields = ("arm", "n", "events", "percent", "mean", "sd", "se")


class OutcomeSerializer(serializers.ModelSerializer):  # type: ignore[misc]
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
        if not outcome.effect_type:
            return None
        names = ("type", "value", "ci_low", "ci_high")
        return {name: getattr(outcome, f"effect_{name}") for name in names}

    def get_p_bound(self, outcome: Any) -> Any:
        return {"relation": outcome.p_relation, "number": outcome.p_number} if outcome.p_relation else None


def of(source: str, kind: Any = serializers.CharField) -> Any:
    return kind(source=source, read_only=True)


class ProductSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    id = of("product.id")
    name = of("product.name")

    class Meta:
        model = models.StudyProduct
        fields = ("id", "name")


class IndicationSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    id = of("indication.id")
    name = of("indication.name")

    class Meta:
        model = models.StudyIndication
        fields = ("id", "name")


class MechanismSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    id = of("mechanism.id")
    title = of("mechanism.title")

    class Meta:
        model = models.StudyMechanism
        fields = ("id", "title")


class OverlapSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    id = of("other.slug")
    acronym = of("other.acronym")
    title = of("other.title")

    class Meta:
        model = models.Overlap
        fields = ("id", "acronym", "title")


class CitationSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    id = of("slug")
    authors = serializers.SlugRelatedField("name", many=True, read_only=True)

    class Meta:
        model = models.Publication
        fields: Any = ("id", "pmid", "doi", "title", "year", "retraction_state", "journal", "volume", "issue", "pages")
        fields += ("authors", "authors_complete")


class ReportSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    id = of("publication.slug")
    pmid = of("publication.pmid")
    doi = of("publication.doi")
    title = of("publication.title")
    year = of("publication.year", serializers.IntegerField)
    retraction_state = of("publication.retraction_state")

    class Meta:
        model = models.Report
        fields = ("id", "pmid", "doi", "title", "year", "retraction_state", "reports_pooled_data")


class ProvenanceSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    source = of("source.slug")
    tier = of("source.tier")
    url = of("source.url")
    start = of("start_offset", serializers.IntegerField)
    end = of("end_offset", serializers.IntegerField)

    class Meta:
        model = models.Provenance
        fields: Any = ("source", "tier", "url", "section", "quote", "start", "end", "prefix", "suffix")
        fields += ("checked_at", "status")


class StudySerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A study's public JSON without alerts, of which there are none."""

    id = of("slug")
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
    class Meta:
        model = models.Plain
        exclude = ("number",)


class StoredDocumentSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    class Meta:
        model = models.StoredDocument
        fields = ("document",)
