"""Opens a store that longtail export --to mlflow wrote with the real MLflow, and compares it with the table of --to jsonl.

python3 check_mlflow.py STORE EXPERIMENT TABLE.jsonl
"""

import json
import os
import re
import sys

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import mlflow  # noqa: E402

store, experiment_name, table = sys.argv[1:]
client = mlflow.MlflowClient(tracking_uri="file://" + os.path.abspath(store))
experiment = client.get_experiment_by_name(experiment_name)
runs = {r.info.run_name: r for r in client.search_runs([experiment.experiment_id])}

wanted = {}
for line in open(table):
    record = json.loads(line)
    name, step, _ = record.pop("run"), record.pop("step"), record.pop("epoch")
    for key, value in record.items():
        wanted.setdefault(name, {}).setdefault(re.sub(r"[^\w./ -]", "_", key, flags=re.A), []).append((step, value))

assert set(wanted) <= set(runs), f"runs of the table {sorted(wanted)}, of MLflow {sorted(runs)}"
values = 0
for name, metrics in wanted.items():
    run = runs[name]
    assert run.info.status in ("FINISHED", "KILLED"), run.info.status
    assert run.data.params["loss.name"] and run.data.tags["longtail.export"], name
    files = [f.path for f in client.list_artifacts(run.info.run_id)]
    assert "config.yaml" in files, files
    for key, points in metrics.items():
        got = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, key)]
        assert sorted(got) == points, f"{name} {key}: {got} instead of {points}"
        values += len(got)

# MLflow can write into the store too, and finds runs by what is in them.
mlflow.set_tracking_uri("file://" + os.path.abspath(store))
best = client.search_runs([experiment.experiment_id], filter_string="metrics.`test/error` >= 0", order_by=["metrics.`test/error` ASC"])
assert best, "no run by its metric"
client.set_tag(best[0].info.run_id, "seen", "yes")
print(f"MLflow {mlflow.__version__}: {len(wanted)} runs, {values} values as in the table")
