"""The DAG on Kubeflow Pipelines: what is compiled, how its nodes run, what a run may set."""
