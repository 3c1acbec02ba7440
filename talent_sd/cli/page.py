"""`talent-sd page`: the city in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from talent_sd.base.language import tell
from talent_sd.cli import options as o
from talent_sd.cli.common import reporting, say, show_left


@reporting
def page(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(help="Presets besides those that ship; the first is shown first.", show_default=False),
    ] = None,
    city: Annotated[
        str, typer.Option("--city", help="Cities, shipped names or paths, separated by commas; or all.")
    ] = "all",
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("page.html"),
    draws: Annotated[
        int, typer.Option("--draws", min=10, max=1000, help="Draws, as of the comparison to go with it.")
    ] = o.HEADLINE_DRAWS,
    seed: o.SeedOption = 0,
    reading: o.ReadingOption = None,
    lang: o.LangOption = o.Language.en,
) -> None:
    """Write the city as a page that a planner moves by hand.

    One HTML file with the model itself inside: no network, no server, both languages. Policies, national path,
    assumptions and feedback loops move under sliders, and with them the forecast's whole fan; it tells what each
    policy adds and costs, and why. A plan can be sent as a link, as the page, or as a scenario file that `talent-sd`
    runs to the same numbers. Opens in Chromium and Firefox.

    Example:  [bold]talent-sd page[/bold]
    Example:  [bold]talent-sd page my_mix.yaml --city hefei,wuxi --out plan.html[/bold]
    """
    from talent_sd.base.output_folders import refuse_place
    from talent_sd.output.page.write_page import page as make_page

    refuse_place(out, ending=".html")
    named = None if city == "all" else [name.strip() for name in city.split(",") if name.strip()]
    make_page(scenarios or (), named, lang=lang.value, reading=reading, draws=draws, seed=seed).save(out)
    size = out.stat().st_size / 1e6
    say(tell("Written to {file} ({size:.1f} MB). Open it in a browser.", lang.value, file=out, size=size))
    show_left()
