"""The library: contracts (PDF), warranty terms (DOCX), care advice and product sheets (HTML), playbooks and policies
(Markdown), visit notes (text in Windows-1252)."""

from __future__ import annotations

import datetime as dt
import html
import io
from pathlib import Path
from typing import Any

from data.generator import library_texts as texts
from data.generator.clock import TODAY
from data.generator.shop import SUMMER
from data.generator.world import Account, Row, World, ascii_slug

SHEETS = 76
NOTES = 24


def build(world: World) -> None:
    """Add the library's documents to `World.documents`: doc_id, kind, title, sections (heading, text), and facts."""
    world.documents += [_contract(world, a) for a in world.accounts if a.segment == "Enterprise"]
    for name, (term, sections) in texts.WARRANTY.items():
        world.documents.append(
            _doc(f"warranty/{name.lower()}.docx", "warranty", f"Warranty terms: class {name}", sections, term=term)
        )
    for category, advice in texts.CARE.items():
        sections = (
            ("Care", advice),
            ("Claims", f"Damage by wrong care of {category.lower()} is not covered by the warranty."),
        )
        world.documents.append(_doc(f"care/{ascii_slug(category)}.html", "care", f"Care advice: {category}", sections))
    for folder, kind, bank in (("playbooks", "playbook", texts.PLAYBOOKS), ("policies", "policy", texts.POLICIES)):
        for name, (title, sections) in bank.items():
            world.documents.append(_doc(f"{folder}/{name}.md", kind, title, sections))
    world.documents += _sheets(world)
    world.documents += _notes(world)


def _doc(path: str, kind: str, title: str, sections: texts.Sections, **facts: Any) -> Row:
    return {"doc_id": f"library:{path}", "kind": kind, "title": title, "sections": sections, **facts}


def _contract(world: World, account: Account) -> Row:
    rng = world.random(f"contract {account.account_id}")
    terms = [c for c in world.tables["contracts"] if c["account_id"] == account.account_id][-1]
    clauses = rng.sample(texts.CLAUSES, 2)
    sections = (
        (
            "Parties",
            f"This supply agreement {terms['contract_id']} is made between Alpenglow Outfitters and {account.name}, "
            f"{account.city}, {account.country} (account {account.account_id}).",
        ),
        (
            "Term and notice",
            f"The term runs from {_long(terms['start_date'])} to {_long(terms['end_date'])}. "
            f"It renews for twelve months "
            f"unless one side gives notice in writing {account.notice_days} days before the end of the term.",
        ),
        (
            "Volume and discount",
            f"The agreed annual volume is {terms['annual_value']:,.0f} euro net. The customer receives a discount of "
            f"{account.discount_percent} percent on list prices for trade. "
            f"Invoices are due after {account.payment_terms_days} days.",
        ),
        (
            "Service level",
            f"Urgent tickets are answered within {account.sla_hours} hours on working days. "
            f"The portal is available 99.5 percent of each month for {account.seats} seats.",
        ),
        *clauses,
    )
    path = f"contracts/{account.account_id}-{ascii_slug(account.name)[:24]}.pdf"
    return _doc(
        path,
        "contract",
        f"Supply agreement {account.name}",
        sections,
        account_id=account.account_id,
        clauses=[c[0] for c in clauses],
        date=terms["start_date"],
    )


def _long(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def _sheets(world: World) -> list[Row]:
    rng = world.random("sheets")
    products = world.tables["products"]
    chosen = [p for p in products if p["collection"] == SUMMER]
    chosen += rng.sample([p for p in products if p["collection"] != SUMMER], SHEETS - len(chosen))
    found = []
    for p in chosen:
        article = "An" if p["material"][0] in "aeio" else "A"
        line = texts.LINES[p["category"]].format(material=p["material"], article=article)
        temperature = rng.randint(-18, 8)
        extra = {
            "Tents": f"Inner space {rng.randint(24, 61) / 10} square metres, water column {rng.randint(2, 5)},000 mm.",
            "Sleeping Bags": f"Comfort temperature {temperature} degrees Celsius, limit {temperature - 5}.",
            "Backpacks": f"Back lengths from {rng.randint(42, 46)} to {rng.randint(48, 54)} cm; rain cover included.",
            "Jackets": f"Water column {rng.randint(8, 28)},000 mm, {rng.randint(2, 5)} pockets, storm hood.",
            "Footwear": f"Drop {rng.randint(4, 12)} mm, half sizes from 36 to {rng.randint(46, 49)}, resoleable.",
            "Lighting": f"{rng.randint(18, 60) * 10} lumen, {rng.randint(6, 90)} hours, IPX{rng.randint(4, 8)}.",
        }.get(
            p["category"],
            f"Packed size {rng.randint(8, 40)} by {rng.randint(6, 22)} cm; made in {rng.choice(texts.ORIGINS)}.",
        )
        sections = (
            ("Overview", line[0].upper() + line[1:]),
            ("Data", f"Colour {p['colour']}, weight {p['weight_g']} g, material {p['material']}. {extra}"),
            ("Warranty", f"Warranty class {p['warranty_class']}."),
        )
        found.append(
            _doc(
                f"sheets/{p['product_id']}.html",
                "sheet",
                f"{p['name']} ({p['product_id']})",
                sections,
                product_id=p["product_id"],
                extra=extra,
            )
        )
    return found


def _notes(world: World) -> list[Row]:
    rng = world.random("notes")
    healthy = [
        a
        for a in world.accounts
        if a.story == "steady" and a.segment == "Enterprise" and not a.name.startswith("Nordwand")
    ]
    found = []
    for at, account in enumerate(rng.sample(healthy, NOTES), 1):
        contact = next(c for c in world.tables["contacts"] if c["account_id"] == account.account_id)
        product = rng.choice(world.tables["products"])["name"]
        extra = texts.NOTE_EXTRAS[at % len(texts.NOTE_EXTRAS)]
        text = rng.choice(texts.NOTES).format(
            city=account.city, contact=contact["name"], product=product, count=rng.randint(2, 6), extra=extra
        )
        day = TODAY - dt.timedelta(days=rng.randint(20, 300))
        found.append(
            _doc(
                f"notes/{day.isoformat()}-{account.account_id}.txt",
                "note",
                f"Visit note {account.name}, {_long(day)}",
                (("", text),),
                account_id=account.account_id,
                date=day,
            )
        )
    return found


def write(world: World, out: Path) -> None:
    """Write the documents under `out`/library, and two files that cannot be read."""
    folder = out / "library"
    for sub in ("contracts", "warranty", "care", "playbooks", "policies", "sheets", "notes"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    docx = _DocxWriter()
    for doc in world.documents:
        source, _, path = doc["doc_id"].partition(":")
        if source != "library":
            continue
        target = folder / path
        if target.suffix == ".pdf":
            target.write_bytes(_pdf(doc))
        elif target.suffix == ".docx":
            target.write_bytes(docx.make(doc))
        elif target.suffix == ".html":
            target.write_text(_html(doc, world), encoding="utf-8")
        elif target.suffix == ".txt":
            target.write_bytes(f"{doc['title']}\r\n\r\n{doc['sections'][0][1]}\r\n".encode("cp1252"))
        else:
            target.write_text(_markdown(doc), encoding="utf-8")
    (folder / "contracts" / "scan-0417.pdf").write_bytes(
        b"%PDF-1.4\n%broken off by the scanner\n1 0 obj\n<< /Type /Cat"
    )
    (folder / "warranty" / "old-terms.docx").write_bytes(b"PK\x03\x04 this archive broke off")
    world.dirt.add("library", "document", "unreadable file", 2, "quarantined", "scan-0417.pdf, old-terms.docx")
    world.dirt.add("library", "document", "odd encoding", NOTES, "normalised", "notes are Windows-1252 with CRLF")


def _markdown(doc: Row) -> str:
    parts = [f"# {doc['title']}\n"]
    parts += [f"## {heading}\n\n{text}\n" for heading, text in doc["sections"]]
    return "\n".join(parts)


def _html(doc: Row, world: World) -> str:
    body = "\n".join(f"<h2>{html.escape(h)}</h2>\n<p>{html.escape(t)}</p>" for h, t in doc["sections"])
    picture = ""
    if "product_id" in doc:
        product = next(p for p in world.tables["products"] if p["product_id"] == doc["product_id"])
        picture = f'<img src="../../{product["picture"]}" alt="{html.escape(product["name"])}">\n'
    title = html.escape(doc["title"])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>h1 {{ color: #25304f }}</style></head>\n<body>\n<nav>Home | Products | Dealers</nav>\n"
        f"<main>\n<h1>{title}</h1>\n{picture}{body}\n</main>\n</body></html>\n"
    )


def _pdf(doc: Row) -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_creation_date(dt.datetime.combine(doc["date"], dt.time(9), dt.UTC))
    pdf.set_title(doc["title"])
    pdf.set_margin(22)
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 17)
    pdf.multi_cell(0, 9, doc["title"], new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)
    for number, (heading, text) in enumerate(doc["sections"], 1):
        pdf.set_font("Helvetica", "B", 12)
        pdf.multi_cell(0, 7, f"{number}. {heading}", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("Helvetica", "", 10.5)
        pdf.multi_cell(0, 5.4, text, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2.5)
    return bytes(pdf.output())


class _DocxWriter:
    """Writes DOCX files; opening python-docx's template is the slow part, so it is read once."""

    def __init__(self) -> None:
        import docx

        buffer = io.BytesIO()
        docx.Document().save(buffer)
        self._template = buffer.getvalue()

    def make(self, doc: Row) -> bytes:
        """The document as DOCX, with headings and the creation date of the company's `today`."""
        import docx

        document = docx.Document(io.BytesIO(self._template))
        stamp = dt.datetime.combine(TODAY, dt.time(9))
        document.core_properties.created = document.core_properties.modified = stamp
        document.core_properties.title = doc["title"]
        document.add_heading(doc["title"], 0)
        for heading, text in doc["sections"]:
            document.add_heading(heading, 1)
            document.add_paragraph(text)
        buffer = io.BytesIO()
        document.save(buffer)
        return buffer.getvalue()
