"""What a person sees, in Textual. It knows the domain and engine/base.py."""
