"""`ferroshap inspect`: the facts of a model file."""

import json


def test_the_facts_are_listed(ferroshap, model):
    done = ferroshap("inspect", model)
    assert done.returncode == 0, done.stderr
    facts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
    assert facts["objective"] == "regression"
    assert facts["features"] == "3 (delay, carrier, distance)"
    assert facts["trees"] == "20"
    assert facts["supported"] == "yes"


def test_json_holds_the_same_facts_as_numbers_and_lists(ferroshap, model, booster):
    done = ferroshap("inspect", model, "--json")
    facts = json.loads(done.stdout)
    assert facts["features"] == ["delay", "carrier", "distance"]
    assert facts["trees"] == 20
    assert facts["leaves"] == sum(tree["num_leaves"] for tree in booster.dump_model()["tree_info"])
    assert facts["output_space"] == "margin"
    assert facts["supported"] is True
    assert isinstance(facts["base_value"], float)


def test_json_of_a_model_that_is_not_supported_says_why(ferroshap, tmp_path):
    model = tmp_path / "model.pkl"
    model.write_bytes(b"\x80\x04\x95pickled")
    done = ferroshap("inspect", model, "--json")
    assert done.returncode == 3
    facts = json.loads(done.stdout)
    assert facts["supported"] is False
    assert facts["reason"]
