"""Every shipped scenario in every shipped city, in Chromium and in Python: the long form of `test_page.py`.

python tests/page/every_pair.py [--draws N]     N pairs with 200 draws besides (12)
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import browsers

import talent_sd as ts


def main() -> int:
    """Compare and tell."""
    pairs_drawn = int(sys.argv[sys.argv.index("--draws") + 1]) if "--draws" in sys.argv else 12
    cities, scenarios = [c for c in ts.list_cities() if c != "average"], ts.list_scenarios()
    pairs = list(itertools.product(scenarios, cities))
    wrong, compared = [], 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "page.html"
        ts.page().save(path)
        with browsers.chromium(Path(folder) / "profile") as driver:
            browsers.opened(driver, path)
            for scenario, city in pairs:
                page = browsers.in_browser(driver, city=city, scenario=scenario)
                count, bad = browsers.differing(page, browsers.central(scenario, city))
                compared, wrong = compared + count, wrong + [(scenario, city, name) for name in bad]
            print(f"central: {len(pairs)} pairs, {compared} values, differing outputs: {wrong[:5] or 'none'}")  # noqa: T201
            several = [
                (scenarios[i % len(scenarios)], cities[(5 * i) % len(cities)]) for i in range(pairs_drawn)
            ]
            compared = 0
            for scenario, city in several:
                page = browsers.in_browser(driver, city=city, scenario=scenario, draws=200)
                count, bad = browsers.differing(page, browsers.drawn(scenario, city))
                compared, wrong = compared + count, wrong + [(scenario, city, name) for name in bad]
            print(f"200 draws: {several}, {compared} values, differing outputs: {wrong[:5] or 'none'}")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
