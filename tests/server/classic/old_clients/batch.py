"""A batch program as the old help page gave them; only its upload was changed.

Runs on Python 2.7 to 3.x. Arguments: the endpoint's address, its key.
"""

from __future__ import print_function

import json
import sys
import time

try:
    import urllib2 as web
except ImportError:
    import urllib.request as web

address, api_key = sys.argv[1:]
account = "mystorage"
connection = "DefaultEndpointsProtocol=https;AccountName=" + account + ";AccountKey=bm90IGEga2V5"
container = "mycontainer"
authorized = {"Authorization": "Bearer " + api_key}


def send(method, url, body=None, headers=authorized):
    request = web.Request(url, body, headers)
    request.get_method = lambda: method
    return web.urlopen(request).read().decode("utf-8")


# Before: BlobService(account, key).put_block_blob_from_path(container, "input1data.csv", "input.csv")
server, endpoint = address.split("/workspaces/")[0], address.split("/services/")[1]
send(
    "PUT",
    server + "/blobs/" + endpoint + "/" + container + "/input1data.csv",
    b"a,b\n1.5,x\n2.0,y\n",
    dict(authorized, **{"x-ms-blob-type": "BlockBlob", "Content-Type": "text/csv"}),
)

payload = {
    "Inputs": {"input1": {"ConnectionString": connection, "RelativeLocation": "/" + container + "/input1data.csv"}},
    "Outputs": {"output1": {"ConnectionString": connection, "RelativeLocation": container + "/output1results.csv"}},
    "GlobalParameters": {"factor": "3"},
}
as_json = dict(authorized, **{"Content-Type": "application/json"})
url = address + "/jobs"
job = json.loads(send("POST", url + "?api-version=2.0", json.dumps(payload).encode("utf-8"), as_json))
send("POST", url + "/" + job + "/start?api-version=2.0", b"")
while True:
    result = json.loads(send("GET", url + "/" + job + "?api-version=2.0"))
    status = result["StatusCode"]
    if status == 0 or status == "NotStarted":
        print("not started")
    elif status == 1 or status == "Running":
        print("running")
    else:
        print(status)
        break
    time.sleep(0.1)
for name in result["Results"]:
    place = result["Results"][name]
    data = web.urlopen(place["BaseLocation"] + place["RelativeLocation"] + place["SasBlobToken"]).read()
    print(name, place["RelativeLocation"].split("/")[-1])
    print(data.decode("utf-8").replace('"', ""))
