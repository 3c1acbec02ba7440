"""The program `talent-sd`: its commands put together."""

from __future__ import annotations

from typing import Annotated

import typer

from talent_sd.cli.backtest import backtest
from talent_sd.cli.calibrate import calibrate
from talent_sd.cli.check import check
from talent_sd.cli.common import say
from talent_sd.cli.compare import compare
from talent_sd.cli.diff import diff
from talent_sd.cli.document import document
from talent_sd.cli.listing import listing
from talent_sd.cli.loops import loops
from talent_sd.cli.new import new
from talent_sd.cli.optimise import optimise
from talent_sd.cli.page import page
from talent_sd.cli.run import run
from talent_sd.cli.validate import validate
from talent_sd.cli.verify import verify
from talent_sd.cli.why import why

app = typer.Typer(
    help="Ten-year forecasts of a Chinese city's talent and everything that hangs on it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(compare)
app.command()(optimise)
app.command()(why)
app.command()(page)
app.command()(document)
app.command()(loops)
app.command("list")(listing)
app.command()(check)
app.command()(new)
app.command()(diff)
app.command()(validate)
app.command()(calibrate)
app.command()(backtest)
app.command()(verify)


def _print_version(wanted: bool) -> None:
    if wanted:
        from talent_sd.base.version import __version__

        say(f"talent-sd {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and leave.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Ten-year forecasts of a Chinese city's talent and everything that hangs on it."""
