"""A request-response program as people wrote them for the old system: urllib2 on Python 2, urllib on Python 3.

Runs on Python 2.7 to 3.x. Arguments: the endpoint's address, its key. It prints what such programs print.
"""

from __future__ import print_function

import json
import sys

try:
    import urllib2 as web
except ImportError:
    import urllib.request as web


def call(url, key, table, parameters):
    body = json.dumps({"Inputs": {"input1": table}, "GlobalParameters": parameters}).encode("utf-8")
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + key}
    request = web.Request(url + "/execute?api-version=2.0&details=true", body, headers)
    try:
        result = json.loads(web.urlopen(request).read().decode("utf-8"))
        value = result["Results"]["output1"]["value"]
        print("types", ",".join(value["ColumnTypes"]))
        for row in value["Values"]:
            print("row", json.dumps(dict(zip(value["ColumnNames"], row)), sort_keys=True))
    except web.HTTPError as error:
        print("The request failed with status code: " + str(error.code))
        info = error.info()
        print("request id", bool(info.get("x-ms-request-id")), "date", bool(info.get("date")))
        failure = json.loads(error.read().decode("utf-8"))["error"]
        print("code", failure["code"], "detail", failure["details"][0]["code"])


address, api_key = sys.argv[1:]
columns = ["a", "b"]
call(address, api_key, {"ColumnNames": columns, "Values": [["1.5", "x"], ["2", "\u00fc"]]}, {})
call(address, api_key, {"ColumnNames": columns, "Values": [[0, None]]}, {"factor": "10"})
call(address, api_key, {"ColumnNames": columns, "Values": [["1", "raise"]]}, {})
call(address, api_key, {"ColumnNames": ["a"], "Values": [["1"]]}, {})
call(address, "wrong", {"ColumnNames": columns, "Values": []}, {})
