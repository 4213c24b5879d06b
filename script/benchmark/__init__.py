"""The benchmark: the performance limits that the workbench promises. Ratios are measured side by side in one run."""
