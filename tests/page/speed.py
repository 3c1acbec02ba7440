"""How fast a page is in Chromium here: medians of frames and fans while a slider moves, and of both fans anew.

python tests/page/speed.py [PAGE]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import browsers

import talent_sd as ts

DRAG = """
const done = arguments[0]
const slider = document.querySelector('.policy.on .size input[type=range]')
const frames = [], own = []
let last = performance.now(), step = 0
const start = talentSD.timing.fan.length
function frame(now) {
  frames.push(now - last)
  last = now
  const before = performance.now()
  slider.value = String(300 + 250 * Math.sin(step++ / 9))
  slider.dispatchEvent(new Event('input', { bubbles: true }))
  own.push(performance.now() - before)
  if (step < 240) requestAnimationFrame(frame)
  else setTimeout(() => done({ frames: frames.slice(10), own: own.slice(10), fans: talentSD.timing.fan.slice(start) }), 1500)
}
requestAnimationFrame(frame)
"""

CITIES = """
const done = arguments[0], select = document.querySelector('.choice select'), start = talentSD.timing.fan.length
const cities = [...select.options].map((option) => option.value)
let at = 0
function next() {
  if (at === 12) return done(talentSD.timing.fan.slice(start))
  select.value = cities[++at % cities.length]
  select.dispatchEvent(new Event('change', { bubbles: true }))
  setTimeout(next, 1200)
}
next()
"""
"""Both plans of another city: nothing of them was run before."""


def main() -> None:
    """Measure and tell."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "page.html"
        if not path.exists():
            ts.page().save(path)
        with browsers.chromium(Path(folder) / "profile") as driver:
            browsers.opened(driver, path)
            start = driver.execute_script(
                "return performance.getEntriesByName('talentSD ready')[0]?.startTime"
            )
            driver.execute_async_script("setTimeout(arguments[0], 3000)")
            load = os.getloadavg()[0]
            told = driver.execute_async_script(DRAG)
            anew = driver.execute_async_script(CITIES)
        frames, fans = told["frames"], told["fans"]
        median, mean = statistics.median, statistics.mean
        told_lines = [
            f"page {path.stat().st_size / 1e6:.2f} MB, ready after {start:.0f} ms",
            f"frames: median {median(frames):.1f} ms, {1000 / mean(frames):.0f} a second",
            f"a step of the slider: median {median(told['own']):.1f} ms",
            f"the plan's fan while it moves, quantiles, charts: median {median(fans):.0f} ms of {len(fans)}",
            f"both fans of another city, quantiles, charts: median {median(anew):.0f} ms of {len(anew)}",
            f"load {load:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores",
        ]
        sys.stdout.write("\n".join(told_lines) + "\n")


if __name__ == "__main__":
    main()
