#!/usr/bin/env python3
"""Reads events of runs back with TensorBoard's own reader: of a run, of one that is killed and goes on, on two
ranks, and of `lockstep report --tensorboard`.

    scripts/peers.sh tensorboard-events
"""
# needs: tensorboard==2.21.0
import json
import os
import shutil
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

program = os.path.abspath(sys.argv[1])
example = os.path.abspath("Examples/digits-mlp.json")
everything = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0}


def run(*arguments, ranks=1, crash=None):
    environment = dict(
        os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        OMPI_MCA_rmaps_base_oversubscribe="1")
    if crash:
        environment["LOCKSTEP_FAULT"] = crash
    command = (["mpirun", "-n", str(ranks)] if ranks > 1 else []) + [program, *arguments]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if (result.returncode != 0) != bool(crash):
        sys.exit(f"{' '.join(command)}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def read(folder):
    events = EventAccumulator(folder, size_guidance=everything)
    events.Reload()
    return events


def lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def number(value):
    return float(value)


def check_scalars(events, directory):
    """Every step once, with the numbers of the log, as Float32."""
    log = lines(f"{directory}/metrics.jsonl")
    for tag, key in [
        ("loss/training", "loss"), ("accuracy/training", "accuracy"),
        ("gradientNorm/beforeClipping", "gradientNorm"), ("gradientNorm/afterClipping", "clippedGradientNorm"),
        ("learningRate", "learningRate"), ("clipping/coefficient", "coefficient"),
    ]:
        found = events.Scalars(tag)
        assert [event.step for event in found] == [line["step"] for line in log], tag
        for event, line in zip(found, log):
            assert abs(event.value - number(line[key])) <= 1e-6 * abs(number(line[key])), (tag, line["step"])
    tests = lines(f"{directory}/evaluations.jsonl")
    assert [event.step for event in events.Scalars("loss/test")] == [line["step"] for line in tests]


def check_tensors(events, directory, parameters):
    norms = {line["step"]: line for line in lines(f"{directory}/norms.jsonl")}
    tags = events.Tags()["histograms"]
    assert sorted(tags) == sorted(f"{kind}/{name}" for kind in ["gradients", "weights"] for name in parameters), tags
    for tag in tags:
        kind, name = tag.split("/", 1)
        steps = [event.step for event in events.Histograms(tag)]
        assert steps == sorted(set(steps)) and steps[0] == 1, (tag, steps)
        for event in events.Histograms(tag):
            histogram = event.histogram_value
            assert sum(histogram.bucket) == histogram.num == parameters[name], tag
            limits = histogram.bucket_limit
            assert list(limits) == sorted(limits) and len(limits) == len(histogram.bucket)
            # What was added up for the norms in blocks.
            line = norms.get(event.step)
            if line:
                norm = line["gradients"][name][0] if kind == "gradients" else line["weights"][name]
                assert abs(histogram.sum_squares ** 0.5 - norm) <= 1e-6 * norm, (tag, event.step)


def check_rest(events, directory):
    (text,) = events.Tensors("configuration/text_summary") if "configuration/text_summary" in events.Tags()[
        "tensors"] else events.Tensors("configuration")[-1:]
    content = text.tensor_proto.string_val[0].decode()
    with open(f"{directory}/config.json") as file:
        assert json.loads(content.strip("`\n")) == json.load(file)
    image = events.Images("confusion/test")[-1]
    assert image.encoded_image_string.startswith(b"\x89PNG") and image.width == image.height == 320


parameters = {"1.weight": 784 * 16, "1.bias": 16, "4.weight": 160, "4.bias": 10}
sizes = ["--set", "model.sizes=[16,10]", "--set", "log.tensorBoard=true", "--set", "shards=4"]
scratch = tempfile.mkdtemp(prefix="lockstep-peers-")
try:
    whole = f"{scratch}/whole"
    run("train", example, *sizes, "--set", "steps=70", "--run-directory", whole, "--quiet")
    events = read(f"{whole}/tensorboard")
    check_scalars(events, whole)
    check_tensors(events, whole, parameters)
    check_rest(events, whole)
    print("  a run: scalars, histograms, text and images are those of its log")

    pair = f"{scratch}/pair"
    run("train", example, *sizes, "--set", "steps=70", "--run-directory", pair, "--quiet", ranks=2)
    for tag in events.Tags()["histograms"]:
        both = [[event.histogram_value for event in found.Histograms(tag)] for found in [events, read(f"{pair}/tensorboard")]]
        assert both[0] == both[1], tag
    print("  two ranks: the same histograms, bit by bit")

    broken = f"{scratch}/broken"
    arguments = ["train", example, *sizes, "--set", "steps=70", "--set", "checkpoint.everySteps=20",
                 "--run-directory", broken, "--quiet"]
    run(*arguments, ranks=2, crash="step:1:47:kill")
    # What a crash leaves of a record.
    (first,) = os.listdir(f"{broken}/tensorboard")
    with open(f"{broken}/tensorboard/{first}", "ab") as file:
        file.write(b"\x30\0\0\0\0\0")
    run(*arguments, "--resume", ranks=2)
    again = read(f"{broken}/tensorboard")
    check_scalars(again, broken)
    check_tensors(again, broken, parameters)
    print("  a run that was killed and went on: every step once")

    run("report", whole, pair, "--tensorboard", f"{scratch}/export")
    for directory in [whole, pair]:
        exported = read(f"{scratch}/export/{os.path.basename(directory)}")
        check_scalars(exported, directory)
        check_rest(exported, directory)
    print("  lockstep report --tensorboard: the same numbers")
finally:
    shutil.rmtree(scratch)
