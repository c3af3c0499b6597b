# Finds the application that a name means. What goes wrong is said in one line, by kind; whatever frames
# of the application's own there are stay with the exception that is the cause.

import ast
import functools
import importlib
import inspect
import sys

HIDDEN = ("<oxicorn>", "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")


class Refused(Exception):
    """Why there is no application. `kind` is one of those that the server knows."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def visible(error):
    """Takes the frames off its traceback that are not the application's."""
    frame = error.__traceback__
    while frame is not None and (
        frame.tb_frame.f_code.co_filename in HIDDEN
        or frame.tb_frame.f_globals.get("__name__") == "importlib"
    ):
        frame = frame.tb_next
    return error.with_traceback(frame)


def says(error):
    text = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def module(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        visible(error)
        missing = error.name or ""
        if error.__traceback__ is None and (name == missing or name.startswith(missing + ".")):
            hint = ""
            if name.endswith(".py"):
                hint = f'; a module is named without ".py": {name[:-3]}'
            text = f'there is no module "{missing}" in {sys.path[0]} or elsewhere on sys.path{hint}'
            raise Refused("ModuleNotFound", text) from None
        raise Refused("ImportRaised", f'importing "{name}" raised {says(error)}') from error
    except SyntaxError as error:
        visible(error)
        where = f"{error.filename}, line {error.lineno}" if error.filename else name
        raise Refused("SyntaxError", f"syntax error in {where}: {error.msg}") from error
    except Exception as error:
        visible(error)
        raise Refused("ImportRaised", f'importing "{name}" raised {says(error)}') from error
    except BaseException as error:
        visible(error)
        text = f'importing "{name}" ended the process: {says(error)}'
        raise Refused("ExitDuringImport", text) from error


def expression(text):
    """The name of an attribute, and the arguments to call it with, if it is to be called."""
    try:
        body = ast.parse(text, mode="eval").body
        if isinstance(body, (ast.Name, ast.Attribute)):
            return text, None
        if isinstance(body, ast.Call) and isinstance(body.func, (ast.Name, ast.Attribute)):
            positional = [ast.literal_eval(each) for each in body.args]
            named = {each.arg: ast.literal_eval(each.value) for each in body.keywords}
            return ast.unparse(body.func), (positional, named)
    except (SyntaxError, ValueError, TypeError):
        pass
    text = f'"{text}" is neither the name of an attribute nor a call with plain values'
    raise Refused("AttributeMissing", text)


def attribute(owner, name, module_name):
    found = owner
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            if getattr(owner, "__file__", None) is None and not hasattr(owner, "application"):
                where = f'"{module_name}" is a folder without __init__.py, and has no attribute'
            else:
                where = f'the module "{module_name}" has no attribute'
            hints = [other for other in ("application", "app") if callable(getattr(owner, other, None))]
            hint = f"; did you mean {module_name}:{hints[0]}?" if hints else ""
            raise Refused("AttributeMissing", f'{where} "{name}"{hint}') from None
    return found


def application(name):
    """The callable that `name` means: `module:attribute`, `module`, or `module:factory(...)`."""
    module_name, colon, rest = name.partition(":")
    if not module_name or module_name.startswith("."):
        raise Refused("ModuleNotFound", f'"{name}" names no module')
    wanted, call = expression(rest) if colon else ("application", None)
    found = attribute(module(module_name), wanted, module_name)
    if call is not None:
        positional, named = call
        if not callable(found):
            raise Refused("NotCallable", f'"{wanted}" in "{module_name}" cannot be called')
        try:
            found = found(*positional, **named)
        except Exception as error:
            visible(error)
            raise Refused("FactoryFailed", f"calling {rest} raised {says(error)}") from error
        except BaseException as error:
            visible(error)
            text = f"calling {rest} ended the process: {says(error)}"
            raise Refused("ExitDuringImport", text) from error
        wanted = rest
    if found is None:
        raise Refused("NotCallable", f'"{wanted}" in "{module_name}" is None, and no application')
    if not callable(found):
        kind = type(found).__name__
        text = f'"{wanted}" in "{module_name}" is no application: a {kind} cannot be called'
        raise Refused("NotCallable", text)
    return found


def is_asgi(app):
    """True: for certain. False: certainly not. None: it cannot be seen."""
    while isinstance(app, functools.partial):
        app = app.func
    if inspect.iscoroutinefunction(app):
        return True
    if not inspect.isclass(app) and inspect.iscoroutinefunction(getattr(app, "__call__", None)):
        return True
    if not inspect.isfunction(app):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(app).parameters.values()
    return False if [each.kind in plain for each in parameters] == [True, True] else None
