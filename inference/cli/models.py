"""``chandra-embed models``: the frozen bundles there are, and whether their bytes are what they say."""

from typing import TYPE_CHECKING, Any

import click

from ...models.errors import BundleError
from .base import Group
from .options import json_option

if TYPE_CHECKING:
    from ...models.registry import Manifest


@click.group(cls=Group)
def models() -> None:
    """List, show and verify frozen models.

    NAME is a bundle's name, looked up in $CHANDRA_EMBED_MODELS and then in the package, or a folder.

    \b
    Example:
      chandra-embed models list
    """


@models.command("list")
@json_option
def list_bundles(as_json: bool) -> None:
    """List all bundles and verify each.

    \b
    Example:
      chandra-embed models list
    """
    from ...models import registry
    from .layout import json_line, table

    rows = []
    for folder in registry.available():
        try:
            manifest = registry.verify(folder)
            row = {"name": folder.name, "version": manifest.version, "state": "verified"}
            row["quantity"] = str(manifest.recipe.get("quantity", ""))
        except BundleError as error:
            row = {"name": folder.name, "version": "", "state": f"refused: {error}", "quantity": ""}
        rows.append({**row, "folder": str(folder)})
    if as_json:
        for row in rows:
            click.echo(json_line(row))
        return
    head = ("name", "version", "quantity", "folder", "state")
    click.echo(table(head, [[row[key] for key in head] for row in rows]))


@models.command("show")
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show what a bundle says of itself.

    Its recipe, inputs and outputs, what it was trained on and the figures measured at its freeze.

    \b
    Example:
      chandra-embed models show spectrum-8
    """
    from ...models import registry
    from .layout import json_line

    manifest = registry.verify(registry.find(name))
    if as_json:
        click.echo(json_line({**manifest.content, "folder": str(manifest.folder), "sha256": manifest.sha256}))
        return
    for label, text in [("folder", str(manifest.folder)), ("sha256 of the manifest", manifest.sha256)]:
        click.echo(f"{label}: {text}")
    for line in _lines(dict(manifest.content), ""):
        click.echo(line)
    if "MODEL_CARD.md" in manifest.files:
        click.echo(f"model card: {manifest.folder / 'MODEL_CARD.md'}")


@models.command("verify")
@click.argument("name")
@json_option
def verify(name: str, as_json: bool) -> None:
    """Check every byte of a bundle.

    Compares all files with the sha256 in the manifest; exit 1 where one differs.

    \b
    Example:
      chandra-embed models verify spectrum-8
    """
    from ...models import registry
    from .layout import json_line

    manifest = registry.verify(registry.find(name))
    if as_json:
        click.echo(json_line(_verified(manifest)))
        return
    click.echo(f"{manifest.folder}: {manifest.name} {manifest.version} is what its manifest says")
    for file, digest in sorted(manifest.files.items()):
        click.echo(f"  {digest}  {file}")


def _verified(manifest: "Manifest") -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "folder": str(manifest.folder),
        "sha256": manifest.sha256,
        "files": dict(manifest.files),
    }


def _lines(value: Any, indent: str) -> list[str]:
    """Lay nested facts out as indented lines; short lists stay on theirs."""
    if isinstance(value, dict):
        pairs = [(f"{key}:", each) for key, each in value.items()]
    else:
        pairs = [("-", each) for each in value]
    lines = []
    for label, each in pairs:
        flat = not isinstance(each, dict) and not (
            isinstance(each, list) and any(isinstance(x, dict) for x in each)
        )
        if flat:
            text = ", ".join(map(str, each)) if isinstance(each, list) else str(each)
            lines.append(f"{indent}{label} {text}".rstrip())
        else:
            lines += [f"{indent}{label}", *_lines(each, indent + "  ")]
    return lines
