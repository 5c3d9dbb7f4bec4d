"""The declaration of the record type `products`: its tables, names, filters, sort keys and texts for search."""

from app.records.base_filters import cited_filters, name_target
from app.records.filter_declarations import boolean, coded, identifier, text, word
from app.records.link_tables import Part
from app.records.products.models import Product
from app.records.products.rules import RULES
from app.records.products.schemas import ATC, ProductIn, ProductOut
from app.records.resource import Resource, embed_columns

PRODUCTS = Resource(
    type="products",
    singular="product",
    entered=ProductIn,
    out=ProductOut,
    rules=RULES,
    main=Part(Product, "id"),
    named_by={
        "name": "name",
        "brand_names": "brand-name",
        "former_brand_names": "former-brand-name",
        "synonyms": "synonym",
        "us_suffix_name": "us-suffix-name",
        "unii": "unii",
        "atc_code": "atc",
        "cas_number": "cas",
    },
    embed=embed_columns("products", "id", "name"),
    filters={
        **cited_filters("products"),
        "kind": word(Product.kind, "Product or class of substance."),
        "name": text(Product.name, "onabotulinumtoxinA"),
        "brand_name": text(
            name_target("products", "brand-name"), "Botox", "Brand it is sold under.", path="brand_names"
        ),
        "serotype": word(Product.serotype),
        "manufacturer": text(Product.manufacturer, "Merz"),
        "atc_code": coded(Product.atc_code, ATC, "M03AX01"),
        "unii": identifier(Product.unii, "unii", "E211KPY694", "FDA substance id."),
        "units_interchangeable": boolean(Product.units_interchangeable, "Units convertible."),
    },
    sorted_by=("name", "kind", "serotype", "manufacturer"),
    texts={
        "title": ("name",),
        "name": ("brand_names", "former_brand_names", "synonyms", "us_suffix_name", "unii", "cas_number", "atc_code"),
        "manufacturer": ("manufacturer", "former_manufacturers"),
        "note": ("note", "cas_number_note"),
    },
    example="onabotulinumtoxina",
)
