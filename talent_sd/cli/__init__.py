"""The command line: parse, call, show."""


def main() -> None:
    """Run `talent-sd`."""
    import signal

    from talent_sd.cli.app import app

    # told to end, by a scheduler or a closing system, it leaves as after Ctrl-C: nothing half-written
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app(prog_name="talent-sd")
