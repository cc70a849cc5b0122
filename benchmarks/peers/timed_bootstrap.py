"""Stands in for the guest's bootstrap in `breakdown.py`: the same zygote, with a clock around each step.

Steps are timed by replacing functions in this process only; the product has no switch for it. A guest adds what it
measured to its report, where the host ignores it.
"""

import resource
import sys
import time

from plain_bootstrap import load

STEPS = []


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def timed(owner, name, label=None):
    """Put a clock around a function of a module or class."""
    function = getattr(owner, name)
    label = label or name

    def measured(*arguments, **options):
        before, start = faults(), time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            STEPS.append((label, time.perf_counter() - start, faults() - before))

    setattr(owner, name, measured)


def timed_fork(fork):
    """The zygote's fork, with a clock on both of its ends."""

    def measured():
        del STEPS[:]
        start = time.perf_counter()
        pid = fork()
        label = "fork, until the child runs" if pid == 0 else "fork, in the zygote"
        STEPS.append((label, time.perf_counter() - start, 0))
        return pid

    return measured


def wrap_zygote(zygote):
    isolation = zygote.isolation
    for name in (
        "close_all_but", "unshare", "make_box", "limit_resources", "drop_capabilities", "no_new_privileges",
        "restrict_files", "filter_system_calls", "limit_call",
    ):  # fmt: skip
        timed(isolation, name, "confine: " + name if name != "limit_call" else "call: limit_call")
    timed(zygote, "_confine", "CONFINE")
    timed(zygote.channel, "read_exactly", "call: read_exactly")
    warm, answer = zygote._warm, zygote._answer

    def warm_and_wrap(config):
        state = warm(config)
        wrap_runner(state["runner"])
        return state

    def answer_with_steps(connection, message):
        if "state" in message:
            message["steps"] = list(STEPS)
        answer(connection, message)

    zygote._warm, zygote._answer, zygote._fork = warm_and_wrap, answer_with_steps, timed_fork(zygote._fork)


def wrap_runner(runner):
    timed(runner, "prepare_guest", "PREPARE")
    timed(runner.seeds, "reseed", "prepare: reseed")
    timed(runner.hooks_libraries, "set_environment", "prepare: set_environment")
    timed(runner, "rehearse", "REHEARSE")
    timed(runner, "run_call", "CALL")
    timed(runner._Call, "_hand_over", "HAND OVER")
    timed(runner._Call, "_author", "SCRIPT")
    timed(runner._Call, "_give_back", "RESULT")
    timed(runner._Call, "finish", "IMAGES")
    timed(runner._Call, "_unpack", "hand over: bundle folder")
    for module, names, phase in (
        (runner.runner_script, ["compile_script", "write_script"], "hand over"),
        (runner.frames, ["origins", "build_table"], "hand over"),
        (runner.calling, ["find_entry_point", "arguments"], "script"),
        (runner.results, ["encode_table", "write_tables"], "result"),
        (runner.figures, ["collect"], "images"),
        (runner.runner_streams, ["flush_all"], "call"),
    ):
        for name in names:
            timed(module, name, "%s: %s" % (phase, name))
    timed(runner, "InputFile", "hand over: read the table")


if __name__ == "__main__":
    sys.path[:] = sys.path[1:]
    module = load(sys.argv[1], "zygote")
    wrap_zygote(module)
    module.main(int(sys.argv[2]))
