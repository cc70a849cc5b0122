"""The ways in which two warm processes pass a DataFrame: each writes it somewhere and reads it again."""

import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from pyarrow import feather


class Feather:
    """Feather (Arrow IPC, uncompressed) in shared memory, mapped; pandas' own defaults on both ends."""

    def write(self, frame, path, connection):
        feather.write_feather(frame, path, compression="uncompressed")

    def read(self, path, connection):
        return feather.read_table(path, memory_map=True).to_pandas()


class NanKept:
    """The quickest that Arrow gives: NaN stays NaN, one block per column, nothing copied, so the frame is read-only."""

    def write(self, frame, path, connection):
        arrays = []
        for name in frame.columns:
            values = frame[name]
            plain = values.dtype.kind in "iufM" and isinstance(values.dtype, np.dtype)
            arrays.append(pa.array(values.to_numpy(), from_pandas=False) if plain else pa.array(values))
        arrays = [array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array for array in arrays]
        table = pa.table(arrays, names=list(frame.columns))
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)

    def read(self, path, connection):
        with pa.memory_map(path) as source:
            return pa.ipc.open_file(source).read_all().to_pandas(split_blocks=True)


class Parquet:
    """Parquet with pandas' defaults, in shared memory."""

    def write(self, frame, path, connection):
        frame.to_parquet(path, index=False)

    def read(self, path, connection):
        return pyarrow.parquet.read_table(path).to_pandas()


class Pickle5:
    """Pickle protocol 5 with the buffers out of band, through a pipe."""

    def write(self, frame, path, connection):
        buffers = []
        head = pickle.dumps(frame, protocol=5, buffer_callback=buffers.append)
        connection.send([len(buffer.raw()) for buffer in buffers])
        connection.send_bytes(head)
        for buffer in buffers:
            if len(buffer.raw()):
                connection.send_bytes(buffer.raw())

    def read(self, path, connection):
        sizes = connection.recv()
        head = connection.recv_bytes()
        buffers = []
        for size in sizes:
            buffer = bytearray(size)
            if size:
                connection.recv_bytes_into(buffer)
            buffers.append(buffer)
        return pickle.loads(head, buffers=buffers)


WAYS = {"feather": Feather(), "nan-kept": NanKept(), "parquet": Parquet(), "pickle5": Pickle5()}


def numeric(frame):
    return [name for name in frame.columns if frame[name].dtype.kind in "if"]


def read_every_number(frame):
    """The sum of every numeric column: each of their pages is touched."""
    return [float(frame[name].to_numpy().sum()) for name in numeric(frame)]


def change_every_number(frame):
    for name in numeric(frame):
        frame[name] += 1


def work(connection):
    """The worker's life: take a table, read it, perhaps change it, give it back."""
    while True:
        try:
            way, changes, there, back = connection.recv()
        except EOFError:
            return
        if way != "pickle5" and connection.recv() != "written":
            raise SystemExit("the other side is out of step")
        frame = WAYS[way].read(there, connection)
        read_every_number(frame)
        if changes:
            change_every_number(frame)
        WAYS[way].write(frame, back, connection)
        connection.send("done")
        del frame
