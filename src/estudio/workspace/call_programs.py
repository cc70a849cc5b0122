"""The programs themselves: one for each language, filled with an address, a body and a key.

Everything filled in is a literal of the language, made by `call_literals`; nothing enters a program as it is. All of
them print the answer, and on failure its status, request id and body, as the old help page's programs did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.service import CallLanguage
from estudio.workspace.call_literals import (
    CSHARP,
    JAVASCRIPT,
    JSON,
    PYTHON,
    csharp_text,
    javascript_text,
    literal,
    python_text,
    r_text,
    shell_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from estudio.core.module_kind import Value


LANGUAGE_WORDS: Mapping[CallLanguage, str] = {
    CallLanguage.CURL: "curl",
    CallLanguage.PYTHON: "Python",
    CallLanguage.CSHARP: "C#",
    CallLanguage.R: "R",
    CallLanguage.JAVASCRIPT: "JavaScript",
}


KEY_VARIABLE = "ESTUDIO_KEY"
"""The environment variable that the programs read the key from."""


def curl_program(url: str, body: Value, key: str) -> str:
    """A command of a POSIX shell."""
    bearer = shell_text(f"Authorization: Bearer {key}") if key else f'"Authorization: Bearer ${KEY_VARIABLE}"'
    return (
        f"curl --silent --show-error --fail-with-body {shell_text(url)} \\\n"
        f"  --header {bearer} \\\n"
        "  --header 'Content-Type: application/json' \\\n"
        f"  --data {shell_text(literal(body, JSON))}\n"
    )


PYTHON_PROGRAM = """\
# -*- coding: utf-8 -*-
# Needs nothing but Python: 2.7, or any 3.
from __future__ import print_function, unicode_literals

import json
import os
import sys

try:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen
except ImportError:  # Python 2
    from urllib2 import HTTPError, Request, urlopen

url = {url}
key = {key}
data = {data}

headers = {{"Authorization": "Bearer " + key, "Content-Type": "application/json"}}
headers = {{str(name): str(value) for name, value in headers.items()}}
request = Request(str(url), json.dumps(data).encode("utf-8"), headers)
try:
    answer = json.loads(urlopen(request).read().decode("utf-8"))
except HTTPError as error:
    print("The call failed with status", error.code)
    print("Request id:", error.headers.get("X-Request-Id"))
    print(error.read().decode("utf-8"))
    sys.exit(1)
print(json.dumps(answer, indent=2))
"""


def python_program(url: str, body: Value, key: str) -> str:
    """A program for Python 2.7 and 3 that needs no package."""
    return PYTHON_PROGRAM.format(
        url=python_text(url),
        key=python_text(key) if key else f'os.environ["{KEY_VARIABLE}"]',
        data=literal(body, PYTHON),
    )


JAVASCRIPT_PROGRAM = """\
// Needs Node 18 or newer. Save it as call.mjs and run it: node call.mjs
const url = {url};
const key = {key};
const data = {data};

const response = await fetch(url, {{
  method: "POST",
  headers: {{ "Authorization": `Bearer ${{key}}`, "Content-Type": "application/json" }},
  body: JSON.stringify(data),
}});
if (!response.ok) {{
  console.error(`The call failed with status ${{response.status}}`);
  console.error(`Request id: ${{response.headers.get("X-Request-Id")}}`);
  console.error(await response.text());
  process.exit(1);
}}
console.log(JSON.stringify(await response.json(), null, 2));
"""


def javascript_program(url: str, body: Value, key: str) -> str:
    """An ECMAScript module for Node."""
    return JAVASCRIPT_PROGRAM.format(
        url=javascript_text(url),
        key=javascript_text(key) if key else f"process.env.{KEY_VARIABLE}",
        data=literal(body, JAVASCRIPT),
    )


CSHARP_PROGRAM = """\
// Needs .NET 6 or newer: in a new console project (dotnet new console) this is Program.cs.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

var url = {url};
var key = {key};
var data = {data};

using var client = new HttpClient();
client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
using var content = new StringContent(JsonSerializer.Serialize(data), Encoding.UTF8, "application/json");
using var response = await client.PostAsync(url, content);
var answer = await response.Content.ReadAsStringAsync();
if (!response.IsSuccessStatusCode)
{{
    Console.Error.WriteLine("The call failed with status " + (int)response.StatusCode);
    if (response.Headers.TryGetValues("X-Request-Id", out var ids))
    {{
        Console.Error.WriteLine("Request id: " + ids.First());
    }}
    Console.Error.WriteLine(answer);
    return 1;
}}
Console.WriteLine(answer);
return 0;
"""


def csharp_program(url: str, body: Value, key: str) -> str:
    """A C# program with HttpClient and top-level statements."""
    return CSHARP_PROGRAM.format(
        url=csharp_text(url),
        key=csharp_text(key) if key else f'Environment.GetEnvironmentVariable("{KEY_VARIABLE}")',
        data=literal(body, CSHARP),
    )


R_PROGRAM = """\
# Needs the package httr2: install.packages("httr2")
library(httr2)

url <- {url}
key <- {key}
data <- paste(
{data},
  sep = "\\n"
)

response <- request(url) |>
  req_auth_bearer_token(key) |>
  req_body_raw(data, type = "application/json") |>
  req_error(is_error = function(response) FALSE) |>
  req_perform()
if (resp_is_error(response)) {{
  message("The call failed with status ", resp_status(response))
  message("Request id: ", resp_header(response, "X-Request-Id"))
  message(resp_body_string(response))
  quit(status = 1)
}}
answer <- resp_body_json(response, simplifyVector = TRUE)
print(answer)
"""


def r_program(url: str, body: Value, key: str) -> str:
    """A program of R with httr2. The body is JSON text: R's lists cannot tell a value from a list of one."""
    lines = [f"  {r_text(line)}" for line in literal(body, JSON).splitlines()]
    return R_PROGRAM.format(
        url=r_text(url), key=r_text(key) if key else f'Sys.getenv("{KEY_VARIABLE}")', data=",\n".join(lines)
    )


PROGRAMS: Mapping[CallLanguage, Callable[[str, Value, str], str]] = {
    CallLanguage.CURL: curl_program,
    CallLanguage.PYTHON: python_program,
    CallLanguage.CSHARP: csharp_program,
    CallLanguage.R: r_program,
    CallLanguage.JAVASCRIPT: javascript_program,
}
"""One program of each language for an address, a body and a key; "" for a key that is read from `KEY_VARIABLE`."""
