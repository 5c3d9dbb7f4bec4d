"""The declaration of the record type `products`: its rows, names and rendering, filters and sort keys."""

from collections.abc import Iterator

from app.records.base_targets import cited_targets, name_target
from app.records.products.models import Product
from app.records.products.rules import RULES
from app.records.products.schemas import ProductFilter, ProductIn, ProductOut
from app.records.resource import EmbeddedRecords, Name, Part, Resource, Row, Rows, embed_columns, names_of_kind, row_of


def _rows(product: ProductIn) -> Rows:
    return {"products": [row_of(Product, product)]}


def _names(product: ProductIn) -> Iterator[Name]:
    yield "name", product.name
    yield from (("brand-name", name) for name in product.brand_names)
    yield from (("former-brand-name", name) for name in product.former_brand_names)
    yield from (("synonym", name) for name in product.synonyms)
    if product.us_suffix_name:
        yield "us-suffix-name", product.us_suffix_name
    codes = {"unii": product.unii, "atc": product.atc_code, "cas": product.cas_number}
    yield from ((kind, code) for kind, code in codes.items() if code)


def _render(rows: Rows, _: EmbeddedRecords) -> Row:
    return {
        **rows["products"][0],
        "brand_names": names_of_kind(rows, "brand-name"),
        "former_brand_names": names_of_kind(rows, "former-brand-name"),
        "synonyms": names_of_kind(rows, "synonym"),
        "us_suffix_name": next(iter(names_of_kind(rows, "us-suffix-name")), None),
    }


PRODUCTS = Resource(
    type="products",
    singular="product",
    entered=ProductIn,
    out=ProductOut,
    filter=ProductFilter,
    rules=RULES,
    main=Part(Product, "id"),
    rows=_rows,
    names=_names,
    render=_render,
    embed=embed_columns("products", "id", "name"),
    filters={
        **cited_targets("products"),
        "kind": Product.kind,
        "name": Product.name,
        "brand_name": name_target("products", "brand-name"),
        "serotype": Product.serotype,
        "manufacturer": Product.manufacturer,
        "atc_code": Product.atc_code,
        "unii": Product.unii,
        "units_interchangeable": Product.units_interchangeable,
    },
    sorts={
        "id": Product.id,
        "name": Product.name,
        "kind": Product.kind,
        "serotype": Product.serotype,
        "manufacturer": Product.manufacturer,
    },
    example="onabotulinumtoxina",
)
