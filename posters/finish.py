"""What reportlab leaves out: boxes, ToUnicode, subset tags, ids, dates, XMP, output intent. Same bytes every time."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from io import BytesIO
from typing import Literal
from xml.sax.saxutils import escape

import msgspec
import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream, String

from posters import icc
from posters.units import pt

CODES = "/KioskCodes"
PRODUCER = "coupon-kiosk posters"
INTENT = "FOGRA39"  # registered condition: X-1a may name it without carrying the profile
_CHAR = re.compile(rb"<([0-9A-Fa-f]{2})> <([0-9A-Fa-f]{4,6})>")
_PREAMBLE = re.compile(rb"BT /F\d+(?:\+\d+)? 12 Tf 14.4 TL ET")
_BLOCK = 100  # entries a bfchar block may hold


class Boxes(msgspec.Struct, frozen=True):
    """The boxes of one page in mm, y down from its top left corner; media is its size."""

    media: tuple[float, float]
    trim: tuple[float, float, float, float]
    bleed: float = 0.0

    def points(self) -> dict[str, list[float]]:
        """Return what the page says of itself, in points, y up."""
        x, y, w, h = self.trim
        b, bottom = self.bleed, self.media[1] - y - h
        media = [0.0, 0.0, *self.media]
        boxes = {
            "MediaBox": media,
            "CropBox": media,
            "BleedBox": [x - b, bottom - b, x + w + b, bottom + h + b],
            "TrimBox": [x, bottom, x + w, bottom + h],
        }
        return {name: [round(pt(v), 4) for v in box] for name, box in boxes.items()}


class Finish(msgspec.Struct, frozen=True):
    """How the file presents itself."""

    title: str
    revised: str
    boxes: list[Boxes]
    pdfx: Literal["", "x1a", "x4"] = ""
    icc: bytes = b""
    flip: str = ""
    codes: str = (
        ""  # on sheets: the number of codes on each page, s for a sketch; for whoever checks the file later
    )
    fonts: bool = True  # without: every line of type is a path, and no font may be left over


def finish(raw: bytes, how: Finish) -> bytes:
    """Return the finished file."""
    with Pdf.open(BytesIO(raw)) as pdf:
        for page, boxes in zip(pdf.pages, how.boxes, strict=True):
            for name, box in boxes.points().items():
                page.obj[Name("/" + name)] = Array(box)
        if how.fonts:
            _mend_fonts(pdf)
        else:
            _drop_fonts(pdf)
        _describe(pdf, how)
        if how.pdfx:
            _press(pdf, how)
        else:
            _office(pdf, how)
        out = BytesIO()
        pdf.save(
            out,
            deterministic_id=True,
            force_version="1.6" if how.pdfx == "x4" else "1.4",
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            compress_streams=True,
        )
    return out.getvalue()


def _drop_fonts(pdf: Pdf) -> None:
    """Take out the one font that a Canvas names at the head of each page though nothing is set in it."""
    for found in pdf.objects:
        if isinstance(found, Stream) and "/Width" not in found:
            data = found.read_bytes()
            if _PREAMBLE.search(data):
                found.write(_PREAMBLE.sub(b"", data))
    for holder in pdf.objects:
        if isinstance(holder, (Dictionary, Stream)) and "/Font" in holder.get("/Resources", Dictionary()):
            del holder.Resources["/Font"]


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
    if how.codes:
        info[CODES] = String(how.codes)
    if how.pdfx == "x1a":
        info.GTS_PDFXVersion = String("PDF/X-1a:2003")
    pdf.trailer.Info = pdf.make_indirect(info)
    xmp = Stream(pdf, _xmp(how, when.isoformat()).encode())
    xmp.Type, xmp.Subtype = Name.Metadata, Name.XML
    pdf.Root.Metadata = pdf.make_indirect(xmp)


def _xmp(how: Finish, when: str) -> str:
    mark = ""
    if how.pdfx == "x4":
        name = hashlib.sha256(f"{how.title}\0{when}".encode()).hexdigest()
        uuid = f"uuid:{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:32]}"
        mark = (
            '<rdf:Description rdf:about="" xmlns:pdfxid="http://www.npes.org/pdfx/ns/id/"'
            ' xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/">'
            "<pdfxid:GTS_PDFXVersion>PDF/X-4</pdfxid:GTS_PDFXVersion>"
            f"<xmpMM:DocumentID>{uuid}</xmpMM:DocumentID><xmpMM:VersionID>1</xmpMM:VersionID>"
            "<xmpMM:RenditionClass>default</xmpMM:RenditionClass></rdf:Description>"
        )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(how.title)}</rdf:li></rdf:Alt></dc:title>'
        f"<xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool><pdf:Producer>{PRODUCER}</pdf:Producer>"
        f"<xmp:CreateDate>{when}</xmp:CreateDate><xmp:ModifyDate>{when}</xmp:ModifyDate>"
        f"<xmp:MetadataDate>{when}</xmp:MetadataDate>"
        f"</rdf:Description>{mark}</rdf:RDF></x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    )


def _press(pdf: Pdf, how: Finish) -> None:
    """Name the printing condition the colours are meant for, or carry its profile; drop what PDF/X forbids."""
    intent = Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFX,
        OutputConditionIdentifier=String(INTENT),
        OutputCondition=String("Offset, coated paper, ISO 12647-2"),
        RegistryName=String("http://www.color.org"),
        Info=String("Coated FOGRA39 (ISO 12647-2:2004)"),
    )
    if how.icc:
        profile = Stream(pdf, how.icc)
        profile.N, profile.Alternate = 4, Name.DeviceCMYK
        name = String(icc.description(how.icc))
        intent = Dictionary(
            Type=Name.OutputIntent, S=Name.GTS_PDFX, OutputConditionIdentifier=name, Info=name
        )
        intent.DestOutputProfile = pdf.make_indirect(profile)
    pdf.Root.OutputIntents = Array([pdf.make_indirect(intent)])
    for key in ("/ViewerPreferences", "/PageMode", "/OpenAction"):
        if key in pdf.Root:
            del pdf.Root[key]


def _office(pdf: Pdf, how: Finish) -> None:
    """Ask the printer for true size and, with two faces, for both sides: fit-to-page would shrink the code."""
    preferences = Dictionary(PrintScaling=Name("/None"))
    if how.flip:
        preferences.Duplex = Name.DuplexFlipLongEdge if how.flip == "long" else Name.DuplexFlipShortEdge
    pdf.Root.ViewerPreferences = preferences
