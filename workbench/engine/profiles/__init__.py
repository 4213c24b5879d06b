"""Profile files, and what they need of this host and the installed QEMU."""
