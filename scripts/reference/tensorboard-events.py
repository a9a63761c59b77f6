#!/usr/bin/env python3
"""Writes Tests/LockstepTensorBoardTests/Reference/events.txt: records of TensorBoard's own writer, in hexadecimal.

    pip install tensorboard==2.21.0 numpy
    scripts/reference/tensorboard-events.py
"""
import os

import numpy
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.summary.writer.record_writer import RecordWriter


class Bytes:
    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data


def scalar(tag, value):
    return Summary.Value(tag=tag, simple_value=value)


def text(tag, content):
    return Summary.Value(
        tag=tag,
        metadata=SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name="text"), data_class=2),
        tensor=TensorProto(dtype=7, tensor_shape={}, string_val=[content.encode()]))


values = [float(numpy.float32(value)) for value in [-1.3, 1.0, 1.1, 1.5, 3.0]]
events = {
    "version": Event(wall_time=1700000000.25, file_version="brain.Event:2"),
    "start": Event(wall_time=1700000001, step=7, session_log=SessionLog(status=SessionLog.START)),
    "scalars": Event(wall_time=1700000002, step=300, summary=Summary(value=[
        scalar("loss/training", 0.125), scalar("gradientNorm/beforeClipping", 3.5), scalar("zero", 0.0)])),
    "text": Event(wall_time=1700000003, step=1, summary=Summary(value=[text("configuration", "```\n{\"é\": 1}\n```")])),
    "image": Event(wall_time=1700000004, step=2, summary=Summary(value=[Summary.Value(
        tag="confusion/test",
        image=Summary.Image(width=2, height=2, colorspace=3, encoded_image_string=bytes([137, 80, 78, 71, 0, 255])))])),
    # Four buckets to each power of two, empty ones side by side as one.
    "histogram": Event(wall_time=1700000005, step=3, summary=Summary(value=[Summary.Value(
        tag="weights/fc.bias",
        histo=HistogramProto(
            min=values[0], max=values[-1], num=len(values), sum=sum(values), sum_squares=sum(v * v for v in values),
            bucket_limit=[-1.25, 1.0, 1.25, 1.5, 1.75, 3.0, 3.5], bucket=[1, 0, 2, 0, 1, 0, 1]))])),
}

folder = os.path.join(os.path.dirname(__file__), "../../Tests/LockstepTensorBoardTests/Reference")
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "events.txt"), "w") as file:
    for name, event in events.items():
        out = Bytes()
        RecordWriter(out).write(event.SerializeToString())
        file.write(f"{name} {out.data.hex()}\n")
