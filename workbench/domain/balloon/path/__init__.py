"""The functions of QEMU and the guest's kernel that a change of the target runs through."""
