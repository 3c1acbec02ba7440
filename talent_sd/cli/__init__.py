"""The command line: parse, call, show."""


def main() -> None:
    """Run `talent-sd`."""
    import gc
    import signal
    import sys

    # thousands of objects that stay are made while modules load; looking each time for dead ones costs a tenth
    gc.set_threshold(100_000, 20, 50)
    if not any(word.startswith("--cluster") for word in sys.argv):
        _do_without("dask", "pint", "cupy", "sparse")
    from talent_sd.cli.app import app
    from talent_sd.cli.language import language_wanted, refuse_empty_folder

    # told to end, by a scheduler or a closing system, it leaves as after Ctrl-C: nothing half-written
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lang = language_wanted(sys.argv[1:])
    refuse_empty_folder(sys.argv[1:], lang)
    if lang == "en":
        app(prog_name="talent-sd")
        return
    from typer.main import get_command

    from talent_sd.cli.language import run_in

    run_in(get_command(app), sys.argv[1:], lang)


def _do_without(*packages: str) -> None:
    """Let this process run as if optional packages were not installed.

    xarray loads each of these wherever it is installed, dask for half a second and more, to
    see whether an array is one of theirs; here none is, but those of a cluster.
    """
    import sys

    modules: dict[str, object] = sys.modules  # type: ignore[assignment]
    for package in packages:
        modules.setdefault(package, None)  # Python's own way to say: not to be found
