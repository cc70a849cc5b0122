"""A preload of the forkserver as somebody would write it who had profiled it: pandas used once, the collector frozen."""

import gc
import pickle

import pyarrow  # noqa: F401 - preloaded
from small_frame import small_frame

pickle.loads(pickle.dumps(small_frame()))
gc.collect()
gc.freeze()
