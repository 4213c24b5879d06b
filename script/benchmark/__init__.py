"""The benchmark: what the workbench promises about speed, each ratio measured side by side in one run."""
