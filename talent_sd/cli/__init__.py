"""The command line: parse, call, show."""


def main() -> None:
    """Run `talent-sd`, and leave with its exit code."""
    import gc
    import os
    import signal
    import sys

    def leave(_number: int, _frame: object) -> None:
        os.write(2, b"Interrupted; nothing was written.\n")
        os._exit(130)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)  # while modules load; then see `terminal`
    os.environ["MPLBACKEND"] = (
        "agg"  # pictures go to files alone; a name that matplotlib does not know is an error
    )
    # thousands of objects that stay are made while modules load; looking each time for dead ones costs a tenth
    gc.set_threshold(100_000, 20, 50)
    from talent_sd.cli import terminal
    from talent_sd.cli.language import language_wanted, refuse_empty_folder

    lang = language_wanted(sys.argv[1:])
    terminal.leave_when_told(lang)
    terminal.prepare_streams()
    code: str | int | None = 0
    try:
        refuse_empty_folder(sys.argv[1:], lang)
        terminal.harmless_usage_errors()
        _run(sys.argv[1:], lang)
    except SystemExit as end:
        code = end.code
    except OSError as error:
        if error.filename is not None:
            raise
        code = terminal.unshown(error) or terminal.FAILED
    shown = terminal.flush()
    code = code or shown
    terminal.ignore_signals()
    sys.exit(code)


def _run(arguments: list[str], lang: str) -> None:
    """Run the command that is typed, in a language."""
    from typer.main import get_command

    from talent_sd.cli.app import app
    from talent_sd.cli.language import run_in

    run_in(get_command(app), arguments, lang)
