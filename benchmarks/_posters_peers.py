"""The same two-sided stand by Typst or WeasyPrint: run by benchmarks.posters in an environment of its own.

`python _posters_peers.py typst|weasyprint FONT.ttf QR.svg ROUNDS` prints JSON: milliseconds of each warm page pair,
seconds for 200 pages, bytes of one file, peak memory in MB. It shares no line with the house: the peer draws the texts,
the colours and the code as its own documents would.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

STEPS = [
    ("1", "扫码", "打开微信“扫一扫”，对准二维码"),
    ("2", "领券", "选一张券，点一下领取"),
    ("3", "用券", "代金券付款时自动抵扣；商家券请向店员出示券码"),
]


def typst_source(pages: int) -> str:
    steps = "".join(
        f"#grid(columns: (12mm, 1fr), text(size: 26pt, weight: 900)[{n}], [#text(size: 14pt, weight: 900)[{title}] \\\n {how}])\n"
        for n, title, how in STEPS
    )
    one = (
        "#rect(width: 100%, height: 60mm, fill: cmyk(0%, 96%, 92%, 8%), outset: 13mm)[#set text(fill: white)\n"
        "#text(size: 13pt, weight: 700)[老王便利店] \\\n #text(size: 8.5pt)[科技园南区店]\n"
        "#align(center)[#text(size: 56pt, weight: 900)[扫码领券] \\\n #text(size: 15pt, weight: 500)[先领券，再付款]]]\n"
        '#align(center)[#image("qr.svg", width: 54mm) \\\n #text(size: 15pt, weight: 700)[微信扫一扫] \\\n'
        " #text(size: 7pt)[面额、门槛和有效期以领券页面为准] \\\n #text(size: 6pt)[S0001 · A6-1]]\n#pagebreak()\n"
        f'#text(size: 40pt, weight: 900)[三步用券]\n{steps}#image("qr.svg", width: 36mm)\n#text(size: 30pt, weight: 900)[现在就扫]\n'
    )
    head = '#set page(width: 105mm, height: 148mm, margin: 10mm)\n#set text(font: "Noto Sans SC", size: 8.6pt, lang: "zh")\n'
    return head + "#pagebreak()\n".join([one] * (pages // 2))


def html_source(pages: int, font: str) -> str:
    steps = "".join(f"<p><b class=n>{n}</b> <b>{t}</b><br>{how}</p>" for n, t, how in STEPS)
    one = (
        "<section class=front><div class=top><b>老王便利店</b><br><small>科技园南区店</small><h1>扫码领券</h1><h2>先领券，再付款</h2></div>"
        "<img src=qr.svg style='width:54mm'><p><b>微信扫一扫</b></p><small>面额、门槛和有效期以领券页面为准<br>S0001 · A6-1</small></section>"
        f"<section><h1>三步用券</h1>{steps}<img src=qr.svg style='width:36mm'><h1>现在就扫</h1></section>"
    )
    css = (
        f"@font-face{{font-family:S;src:url('{font}');font-weight:100 900}}"
        "@page{size:105mm 148mm;margin:0;bleed:3mm;marks:crop}body{font:8.6pt S}section{break-after:page;padding:8mm}"
        ".front{text-align:center}.top{background:device-cmyk(0 .96 .92 .08);color:#fff}h1{font-size:44pt;font-weight:900}h2{font-weight:500}b{font-weight:700}"
    )
    return f"<meta charset=utf-8><style>{css}</style>" + one * (pages // 2)


def engine(name: str, font: Path, folder: Path):
    if name == "typst":
        import typst

        def draw(pages: int) -> bytes:
            source = folder / "page.typ"
            source.write_text(typst_source(pages), "utf-8")
            return typst.compile(source, font_paths=[font.parent], ignore_system_fonts=True)

        return draw
    import weasyprint

    def lay_out(pages: int) -> bytes:
        page = weasyprint.HTML(string=html_source(pages, font.as_uri()), base_url=folder.as_uri() + "/")
        return page.write_pdf(pdf_variant=None)

    return lay_out


def main() -> None:
    name, font, code, rounds = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "qr.svg").write_bytes(code.read_bytes())
        draw = engine(name, font, folder)
        size = len(draw(2))
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            draw(2)
            times.append((time.perf_counter() - begin) * 1000)
        begin = time.perf_counter()
        draw(200)
        many = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"ms": times, "many_s": many, "bytes": size, "peak_mb": peak}))


if __name__ == "__main__":
    main()
