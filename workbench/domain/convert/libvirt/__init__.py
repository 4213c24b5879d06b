"""Convert libvirt domain XML to a profile and back."""
