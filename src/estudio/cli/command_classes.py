"""Typer's command classes with three changes: examples first in the help, light conversion of values, plain usage.

Typer 0.29 converts every value with pydantic, even plain text; importing it doubles the start-up time. Here the
declarations stay Typer's (`parser=`, enums, flags) and only the conversion is ours. A test holds that a run imports
no pydantic.
"""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from typer._click.core import Command, Context, Parameter
    from typer._click.formatting import HelpFormatter


def say_commands(context: typer.Context) -> None:
    """Without a command, say which there are: the callback of every group."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


class LightConversion:
    """Turns the text of an option into its value: by the option's parser, its enum, or not at all."""

    def coerce(self, value: object, param: TyperArgument | TyperOption, ctx: object) -> object:
        """The value of a parameter.

        Raises:
            typer.BadParameter: the text is not one that the parameter takes.
        """
        if isinstance(value, list | tuple):
            return [self.coerce(item, param, ctx) for item in value]
        if not isinstance(value, str):
            return value
        described = param.type_descriptor
        if described.parameter_info.parser is not None:
            try:
                return described.parameter_info.parser(value)
            except ValueError as error:
                raise typer.BadParameter(str(error)) from None
        annotation = described.annotation
        return _choice(annotation, value) if isinstance(annotation, type) and issubclass(annotation, Enum) else value


def _choice(kind: type[Enum], text: str) -> Enum:
    choices = [str(member.value) for member in kind]
    if text in choices:
        return kind(text)
    listed = ", ".join(repr(choice) for choice in choices)
    close = get_close_matches(text.lower(), choices, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    raise typer.BadParameter(f"{text!r} is not one of {listed}.{meant}")


def _lightly_converted(parameters: list[Parameter]) -> list[Parameter]:
    for parameter in parameters:
        vars(parameter)["get_runtime_param"] = LightConversion
    return parameters


def _usage_pieces(command: TyperCommand, ctx: Context) -> list[str]:
    arguments = [parameter for parameter in command.get_params(ctx) if isinstance(parameter, TyperArgument)]
    return ["[OPTIONS]", *(_argument_name(argument) for argument in arguments)]


def _argument_name(argument: TyperArgument) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def _write_help(command: TyperCommand | TyperGroup, ctx: Context, formatter: HelpFormatter) -> None:
    """The help text up to a form feed, then what follows it word for word (the examples), then usage and options."""
    text, _, examples = inspect.cleandoc(command.help or "").partition("\f")
    formatter.write_text(text.strip())
    if examples:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" if line else "\n" for line in examples.strip("\n").splitlines()))
    formatter.write_paragraph()
    command.format_usage(ctx, formatter)
    arguments = [parameter for parameter in command.params if isinstance(parameter, TyperArgument)]
    if arguments:
        with formatter.section("Arguments"):
            formatter.write_dl([(_argument_name(argument), argument.help or "") for argument in arguments])
    records = [param.get_help_record(ctx) for param in command.get_params(ctx) if isinstance(param, TyperOption)]
    with formatter.section("Options"):
        formatter.write_dl([record for record in records if record is not None])
    if isinstance(command, TyperGroup):
        command.format_commands(ctx, formatter)
    command.format_epilog(ctx, formatter)


class EstudioCommand(TyperCommand):
    """A command of estudio."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """The parameters, with light conversion."""
        return _lightly_converted(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """`[OPTIONS] SCRIPT.py [DATASET1]`: without Typer's braces around what is required."""
        return _usage_pieces(self, ctx)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """What it does, examples, usage, options: in this order."""
        _write_help(self, ctx, formatter)


class EstudioGroup(TyperGroup):
    """A group of commands of estudio."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """The parameters, with light conversion."""
        return _lightly_converted(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Context) -> list[str]:  # noqa: ARG002 - Typer passes it
        """`[OPTIONS] COMMAND …`."""
        return ["[OPTIONS]", "COMMAND", "..."]

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """The command that is meant; a script in its place lacks the word `run`."""
        if args[0].endswith(".py") and "run" in self.commands:
            ctx.fail(f"No such command {args[0]!r}. Did you mean 'run {args[0]}'?")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """What it does, examples, usage, options, commands: in this order."""
        _write_help(self, ctx, formatter)
