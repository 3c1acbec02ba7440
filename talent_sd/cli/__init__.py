"""The command line: parse, call, show."""


def main() -> None:
    """Run `talent-sd`."""
    from talent_sd.cli.app import app

    app(prog_name="talent-sd")
