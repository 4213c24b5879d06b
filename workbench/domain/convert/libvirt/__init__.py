"""Libvirt domain XML to a profile and back."""
