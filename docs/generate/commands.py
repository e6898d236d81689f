"""The commands, from their argparse parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

Sub = argparse._SubParsersAction
EVERYWHERE = ("config", "json", "debug")
"""Options that the page explains once for all commands."""


def walk(parser: argparse.ArgumentParser, about: str) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Yield every command that does something, with its one-line help."""
    groups = [a for a in parser._actions if isinstance(a, Sub)]
    if not groups:
        yield parser, about
    for group in groups:
        helps = {choice.dest: choice.help or "" for choice in group._choices_actions}
        for name, child in group.choices.items():
            yield from walk(child, helps.get(name, "") or about)


def words(action: argparse.Action) -> str:
    """Return how an option or argument is written."""
    if not action.option_strings:
        return str(action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest))
    value = ""
    if action.nargs != 0:
        several = "{" + ",".join(map(str, action.choices or ())) + "}"
        value = str(action.metavar or (several if action.choices else action.dest.upper()))
    return ", ".join(f"{o} {value}".strip() for o in action.option_strings)


def usage(parser: argparse.ArgumentParser) -> str:
    """Return a command with its arguments, without the options that may be left out."""
    parts = [parser.prog]
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | Sub):
            continue
        if not action.option_strings:
            parts.append(words(action) if action.nargs not in ("?", "*") else f"[{words(action)}]")
        elif action.required:
            parts.append(words(action).split(", ")[-1] if len(action.option_strings) > 1 else words(action))
    return " ".join(parts)


def cell(text: str) -> str:
    """Return a text that may stand in a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def block(parser: argparse.ArgumentParser) -> str:
    """Return all commands of a program as Markdown."""
    lines: list[str] = []
    for command, about in walk(parser, ""):
        lines += [f"#### `{usage(command)}`", "", about[:1].upper() + about[1:].rstrip(".") + ".", ""]
        options = [a for a in command._actions if shown(a)]
        if options:
            lines += ["| option | |", "|---|---|"]
            lines += [f"| `{cell(words(a))}` | {cell(explained(a))} |" for a in options]
            lines.append("")
    return "\n".join(lines).rstrip()


def shown(action: argparse.Action) -> bool:
    """Tell whether an option is explained with its command; what every command has is explained once."""
    if isinstance(action, argparse._HelpAction | Sub) or action.dest in EVERYWHERE:
        return False
    return bool(action.option_strings or action.help)


def explained(action: argparse.Action) -> str:
    """Return an option's help, and its choices where they do not stand in the option itself."""
    text = action.help or ""
    if action.choices and action.metavar:
        text += f" ({', '.join(map(str, action.choices))})"
    return text.strip()


def undescribed(parser: argparse.ArgumentParser) -> list[str]:
    """Return the commands that say nothing about themselves."""
    return [command.prog for command, about in walk(parser, "") if not about]
