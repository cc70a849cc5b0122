"""FastAPI: a table of JSON rows to a DataFrame, a new column, and back; `app` is ordinary, `tuned` the fastest known.

Run by uvicorn: `uvicorn --app-dir benchmarks/peers score_fastapi:app --workers 2 --no-access-log --port PORT`.
"""

import io

import orjson
import pandas as pd
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel


class Row(BaseModel):
    n0: float
    n1: float
    n2: float
    n3: float
    n4: float
    n5: float
    n6: float
    n7: float
    s0: str
    s1: str


class Table(BaseModel):
    rows: list[Row]


class Scored(Row):
    total: float


class Answer(BaseModel):
    rows: list[Scored]


app = FastAPI()
tuned = FastAPI()


def add_total(frame):
    frame["total"] = frame["n0"] + frame["n1"]
    return frame


@app.post("/score")
def score(table: Table) -> Answer:
    frame = pd.DataFrame([row.model_dump() for row in table.rows])
    return {"rows": add_total(frame).to_dict("records")}


@app.post("/arrow")
async def score_arrow(request: Request):
    import pyarrow as pa

    frame = pa.ipc.open_stream(io.BytesIO(await request.body())).read_pandas()
    table = pa.Table.from_pandas(add_total(frame), preserve_index=False)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return Response(sink.getvalue(), media_type="application/vnd.apache.arrow.stream")


@tuned.post("/score")
async def score_tuned(request: Request):
    frame = pd.DataFrame(orjson.loads(await request.body())["rows"])
    return Response(orjson.dumps({"rows": add_total(frame).to_dict("records")}), media_type="application/json")
