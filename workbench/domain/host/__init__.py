"""The host: hugepages, accelerator, disk images."""
