"""A preload of the forkserver as somebody who profiled it would write it: pandas used once, the collector frozen."""

import gc
import pickle

import pyarrow  # noqa: F401 - preloaded
from small_frame import small_frame

pickle.loads(pickle.dumps(small_frame()))
gc.collect()
gc.freeze()
