"""LitServe, one worker: a table of JSON rows to a DataFrame, a new column, and back: `score_litserve.py PORT`."""

import sys

import litserve
import pandas as pd


class Scoring(litserve.LitAPI):
    def setup(self, device):
        self.device_name = device

    def decode_request(self, request):
        return pd.DataFrame(request["rows"])

    def predict(self, frame):
        frame["total"] = frame["n0"] + frame["n1"]
        return frame

    def encode_response(self, frame):
        return {"rows": frame.to_dict("records")}


if __name__ == "__main__":
    server = litserve.LitServer(Scoring(api_path="/score"), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), host="127.0.0.1", generate_client_file=False, log_level="error")
