# mypy: ignore-errors
"""A plain stand-in for the zygote: loads the contract under a private name, forks one child per call.

It runs on the interpreter under test, so it is written for Python 2.7 to 3.14. One JSON line comes in per call, one
goes out: {"status": the child's wait status, "report": the report or null}.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import gc
import importlib
import json
import os
import sys
import types


def load(folder):
    package = types.ModuleType(str("_contract"))
    package.__path__ = [str(folder)]
    sys.modules[str("_contract")] = package
    return importlib.import_module(str("_contract.runner"))


def serve_one(runner, call):
    os.chdir(call["folder"])
    log = os.open(call["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    fds = [None if path is None else os.open(path, os.O_RDONLY) for path in call["inputs"]]
    bundle = None if call["bundle"] is None else os.open(call["bundle"], os.O_RDONLY)
    result = os.open(call["result"], os.O_RDWR)
    with open(call["script"], "rb") as stream:
        script = stream.read()
    runner.prepare_guest()
    report = runner.run_call(call["job"], script, fds, bundle, result)
    with open(call["report"], "wb") as stream:
        stream.write(json.dumps(report).encode("utf-8"))


def main():
    for name in sys.argv[2].split(","):
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    runner = load(sys.argv[1])
    runner.set_up()
    runner.warm_up()
    gc.collect()
    answers = os.fdopen(os.dup(1), "w")
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        pid = os.fork()
        if pid == 0:
            try:
                serve_one(runner, json.loads(line))
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(99)
            os._exit(0)
        status = os.waitpid(pid, 0)[1]
        answers.write(json.dumps({"status": status}) + "\n")
        answers.flush()


main()
