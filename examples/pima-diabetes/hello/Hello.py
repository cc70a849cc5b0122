"""A module of one's own, to be sent along in a zip."""


def print_hello(name):
    print(f"Hello, {name}!")
