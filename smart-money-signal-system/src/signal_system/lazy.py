"""Commands whose modules are imported when they are called: learning is no part of serving."""

from importlib import import_module

import typer

_PASS_ON = {
    "allow_extra_args": True,
    "allow_interspersed_args": False,
    "ignore_unknown_options": True,
}


def add_later(app: typer.Typer, name: str, module: str, says: str) -> None:
    """Let the command `name` of `app` be the ``app`` in `module`, imported when it is called."""

    def command(context: typer.Context) -> None:
        program = f"{context.find_root().info_name} {name}"
        import_module(module).app(args=context.args, prog_name=program)

    app.command(name, help=says, context_settings=_PASS_ON, add_help_option=False)(command)
