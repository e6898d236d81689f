"""What reportlab leaves out: boxes, ToUnicode, subset tags, ids, dates, XMP, output intent. Same bytes every time."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from io import BytesIO
from xml.sax.saxutils import escape

import msgspec
import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream, String

from posters.render import Sheet

PRODUCER = "coupon-kiosk posters"
INTENT = "FOGRA39"  # registered condition: X-1a may name it without carrying the profile
_CHAR = re.compile(rb"<([0-9A-Fa-f]{2})> <([0-9A-Fa-f]{4,6})>")
_BLOCK = 100  # entries a bfchar block may hold


class Finish(msgspec.Struct, frozen=True):
    """How the file presents itself."""

    title: str
    revised: str
    sheet: Sheet
    pdfx: bool
    duplex: bool


def finish(raw: bytes, how: Finish) -> bytes:
    """Return the finished file."""
    with Pdf.open(BytesIO(raw)) as pdf:
        for page in pdf.pages:
            for name, box in how.sheet.boxes().items():
                page.obj[Name("/" + name)] = Array([round(v, 4) for v in box])
        _mend_fonts(pdf)
        _describe(pdf, how)
        if how.pdfx:
            _press(pdf)
        else:
            _office(pdf, how)
        out = BytesIO()
        pdf.save(
            out,
            deterministic_id=True,
            force_version="1.4",
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            compress_streams=True,
        )
    return out.getvalue()


def _mend_fonts(pdf: Pdf) -> None:
    """Rewrite each font's ToUnicode map and its subset tag."""
    for found in pdf.objects:
        if isinstance(found, Dictionary) and found.get("/Type") == Name.Font and "/ToUnicode" in found:
            old = found.ToUnicode.read_bytes()
            found.ToUnicode.write(unicode_map(old))
            _retag(found, hashlib.sha256(bytes(found.FontDescriptor.FontFile2.read_bytes())).digest())


def unicode_map(old: bytes) -> bytes:
    """Return a correct CMap: UTF-16BE beyond U+FFFF, nothing for code 0, at most 100 entries a block."""
    pairs = [
        (int(code, 16), int(value, 16)) for code, value in _CHAR.findall(old.split(b"beginbfchar", 1)[1])
    ]
    lines = [
        f"<{code:02X}> <{chr(value).encode('utf-16-be').hex().upper()}>" for code, value in pairs if value
    ]
    blocks = [lines[n : n + _BLOCK] for n in range(0, len(lines), _BLOCK)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<00> <FF>\nendcodespacerange\n{body}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()


def _retag(font: Object, digest: bytes) -> None:
    """Give the subset a tag of its own: reportlab calls every first subset AAAAAA, which confuses merged files."""
    tag = "".join(chr(65 + byte % 26) for byte in digest[:6])
    name = str(font.BaseFont).lstrip("/").split("+", 1)[-1]
    font.BaseFont = Name(f"/{tag}+{name}")
    font.FontDescriptor.FontName = Name(f"/{tag}+{name}")


def _describe(pdf: Pdf, how: Finish) -> None:
    """Write Info and XMP; the date is the template's, since equal input must give equal bytes."""
    when = datetime.fromisoformat(how.revised)
    offset = when.strftime("%z")
    stamp = when.strftime("D:%Y%m%d%H%M%S") + f"{offset[:3]}'{offset[3:]}'"
    info = Dictionary(
        Title=String(how.title),
        Creator=String(PRODUCER),
        Producer=String(PRODUCER),
        CreationDate=String(stamp),
        ModDate=String(stamp),
        Trapped=Name("/False"),
    )
    if how.pdfx:
        info.GTS_PDFXVersion = String("PDF/X-1a:2003")
    pdf.trailer.Info = pdf.make_indirect(info)
    xmp = Stream(pdf, _xmp(how.title, when.isoformat()).encode())
    xmp.Type, xmp.Subtype = Name.Metadata, Name.XML
    pdf.Root.Metadata = pdf.make_indirect(xmp)


def _xmp(title: str, when: str) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>'
        f"<xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool><pdf:Producer>{PRODUCER}</pdf:Producer>"
        f"<xmp:CreateDate>{when}</xmp:CreateDate><xmp:ModifyDate>{when}</xmp:ModifyDate>"
        f"<xmp:MetadataDate>{when}</xmp:MetadataDate>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    )


def _press(pdf: Pdf) -> None:
    """Name the printing condition the colours are meant for; drop what PDF/X forbids."""
    intent = Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFX,
        OutputConditionIdentifier=String(INTENT),
        OutputCondition=String("Offset, coated paper, ISO 12647-2"),
        RegistryName=String("http://www.color.org"),
        Info=String("Coated FOGRA39 (ISO 12647-2:2004)"),
    )
    pdf.Root.OutputIntents = Array([pdf.make_indirect(intent)])
    for key in ("/ViewerPreferences", "/PageMode", "/OpenAction"):
        if key in pdf.Root:
            del pdf.Root[key]


def _office(pdf: Pdf, how: Finish) -> None:
    """Ask the printer for true size and, with two faces, for both sides: fit-to-page would shrink the code."""
    preferences = Dictionary(PrintScaling=Name("/None"))
    if how.duplex:
        preferences.Duplex = Name.DuplexFlipLongEdge
    pdf.Root.ViewerPreferences = preferences
