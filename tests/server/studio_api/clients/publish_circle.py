"""Publish and consume with the real client library on Python 2.7; prints what it saw as one JSON object."""

from __future__ import print_function

import json
import sys

import numpy
import pandas
import requests

from azureml import services
from published_source import greet

url, workspace_id, token = sys.argv[1:4]
place = (workspace_id, token)
seen = {}


def attempt(name, work):
    """Keep what it gives, or the name of the error."""
    try:
        seen[name] = work()
    except Exception as error:
        seen[name] = type(error).__name__ + ": " + str(error)[:2000]


@services.publish(workspace_id, token, endpoint=url)
@services.types(a=float, b=float)
@services.returns(float)
def divide(a, b):
    if b == 0:
        raise ZeroDivisionError("nothing to divide by")
    return a / b


attempt("divide", lambda: divide.service(1, 4))
attempt("divide here", lambda: divide(1.0, 4))
attempt("map", lambda: divide.service.map([1, 2, 3], [2, 2, 2]))
attempt("by name", lambda: divide.service(b=2, a=1))
attempt("error", lambda: divide.service(1, 0))
address, key, help_address = divide.service
seen["help"] = requests.get(help_address).status_code


@services.service(address, key)
@services.types(a=float, b=float)
@services.returns(float)
def consumed(a, b):
    pass


attempt("consumed", lambda: consumed(9, 2))


@services.service(address, "wrong-key")
@services.types(a=float, b=float)
@services.returns(float)
def unauthorized(a, b):
    pass


attempt("wrong key", lambda: unauthorized(1, 2))


@services.service(address, key)
@services.types(a=float)
@services.returns(float)
def too_few(a):
    pass


attempt("too few", lambda: too_few(1))


def several(n, flag, text):
    return n + 1, not flag, text.upper()


several = services.returns((int, bool, unicode))(services.types(n=int, flag=bool, text=unicode)(several))
several_there = services.publish(several, workspace_id, token, endpoint=url)
attempt("several", lambda: list(several_there(41, True, 'na\xefve, "quoted"')))
attempt("several mapped", lambda: [list(row) for row in several_there.map([1, 2], [True, False], [u"a", u"b"])])


def anything(value):
    return [value, {"one": 1}, (None, 2.5)]


anything_there = services.publish(anything, workspace_id, token, endpoint=url)
attempt("anything", lambda: repr(anything_there({"key": [1, long(2), u"text", b"bytes", True, 1j]})))
attempt("array", lambda: anything_there(numpy.arange(6).reshape(2, 3))[0].tolist())


def helper(word):
    return word[::-1]


@services.publish(workspace_id, token, endpoint=url)
@services.attach("words.txt", b"attached words")
def attached():
    with open("Script Bundle/words.txt") as file:
        return helper(file.read())


attempt("attached", attached.service)


@services.dataframe_service(a=int, b=int)
@services.returns(int)
def summed(frame):
    return pandas.DataFrame([frame["a"][i] + frame["b"][i] for i in range(frame.shape[0])])


frame_there = services.publish(summed, workspace_id, token, endpoint=url)


@services.service(frame_there.url, frame_there.api_key)
@services.types(a=int, b=int)
@services.returns(int)
def summed_there(a, b):
    pass


attempt("frame", lambda: summed_there(3, 4))

greet_there = services.publish(greet, workspace_id, token, endpoint=url)
attempt("greet", lambda: greet_there(u"\xd1and\xfa"))


@services.publish(workspace_id, token, endpoint=url)
@services.service_id("e5dd3903-796f-4544-b7aa-f4e08b2cc639")
@services.name("Numbered, twice")
@services.types(n=int)
@services.returns(int)
def number(n):
    return n + 1


first = number.service
attempt("first", lambda: first(1))


@services.publish(workspace_id, token, endpoint=url)
@services.service_id("e5dd3903-796f-4544-b7aa-f4e08b2cc639")
@services.name("Numbered, twice")
@services.types(n=int)
@services.returns(int)
def number(n):
    return n + 100


seen["same address"] = [first.url == number.service.url, first.api_key == number.service.api_key]
attempt("second", lambda: number.service(1))
attempt("delete", number.service.delete)
attempt("denied", lambda: services.publish(greet, workspace_id, "wrong", endpoint=url))


class Shape(object):
    pass


def shaped(n):
    return Shape()


attempt("not serializable", lambda: services.publish(shaped, workspace_id, token, endpoint=url))
print(json.dumps(seen))
