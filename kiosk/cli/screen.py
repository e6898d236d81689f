"""`kiosk screen`: keeps the browser of the counter's screen, or draws without one."""

from __future__ import annotations

import argparse
import shutil
from typing import Any

from kiosk.cli.common import DONE, FAILED, USAGE, CommandError, add_config, config_path


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("screen", help="keeps the counter's screen: the client that cage starts")
    parser.add_argument("--browser", metavar="PROGRAM", help="the browser (chromium)")
    parser.add_argument(
        "--draw", metavar="CANVAS", help="draw without a browser: fb:/dev/fb0, or png:FILE:800x480"
    )
    parser.add_argument("--url", metavar="URL", help="address of the daemon; else the configuration says it")
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Keep the screen until asked to stop."""
    from kiosk.logs import set_up_logging

    url = args.url or _configured(args)
    set_up_logging("info")
    return _draw(url, args.draw) if args.draw else _keep(url, args.browser)


def _configured(args: argparse.Namespace) -> str:
    """Return the daemon's address on this machine."""
    from kiosk.config import ConfigError, load
    from kiosk.web.tls import SCREEN, beside, split, wants_tls

    try:
        web = load(config_path(args)).value.web
    except ConfigError as err:
        raise CommandError(str(err)) from err
    if not wants_tls(web):
        return f"http://127.0.0.1:{split(web.listen)[1]}/"
    if beside(web) != (SCREEN, False):
        raise CommandError(
            f"the counter's screen has no page: it asks at {SCREEN} without TLS. Set web.listen to {SCREEN}, and web.lan for the shop's network.",
            USAGE,
        )
    return f"http://{SCREEN}/"


def _keep(url: str, named: str | None) -> int:
    from kiosk.screen.keeper import Keeper, KeeperError

    browser = named or shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise CommandError(
            "there is no browser; install chromium, name one with --browser, or draw with --draw.", FAILED
        )
    try:
        return Keeper(url, browser).run()
    except KeeperError as err:
        raise CommandError(str(err), FAILED) from err


def _draw(url: str, canvas: str) -> int:
    from contextlib import nullcontext

    from kiosk.screen.canvas import CanvasError, open_canvas, without_text
    from kiosk.screen.link import Link
    from kiosk.screen.painter import Painter
    from kiosk.screen.power import Power

    try:
        display = canvas.startswith("fb:")
        painter = Painter(Link(url), open_canvas(canvas), power=Power() if display else None)
        with without_text() if display else nullcontext():
            painter.run()
    except CanvasError as err:
        raise CommandError(str(err)) from err
    except OSError as err:
        raise CommandError(
            f"{canvas}: cannot be drawn on ({err.strerror}); check its permissions.", FAILED
        ) from err
    return DONE
