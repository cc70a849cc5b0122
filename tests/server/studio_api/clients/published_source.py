# coding=utf-8
"""A function of another file, with letters beyond ASCII."""

from azureml import services


def accented(word):
    return word + u"í"


@services.types(word=unicode)
@services.returns(unicode)
def greet(word):
    return u"¡Hola, " + accented(word) + u"!"
