# coding=utf-8
"""A function whose whole file is published: with a coding line, the client sends the source, not a pickle."""

from azureml import services


def accented(word):
    return word + u"í"


@services.types(word=unicode)
@services.returns(unicode)
def greet(word):
    return u"¡Hola, " + accented(word) + u"!"
