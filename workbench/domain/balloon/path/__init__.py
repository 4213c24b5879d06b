"""The path of a target change through the functions of QEMU and the guest's kernel."""
