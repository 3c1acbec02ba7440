"""The command line: parse, call, show."""


def main() -> None:
    """Run `talent-sd`."""
    import gc
    import io
    import signal
    import sys

    # thousands of objects that stay are made while modules load; looking each time for dead ones costs a tenth
    gc.set_threshold(100_000, 20, 50)
    from talent_sd.cli.app import app
    from talent_sd.cli.language import language_wanted, refuse_empty_folder

    if sys.platform == "win32":  # a pipe there has the code page's letters only, and no Chinese
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8")
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
